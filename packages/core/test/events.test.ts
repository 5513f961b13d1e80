import { defineContract, defineEvents, payloadIssues, type StandardSchema, standardWebhooks } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { codeOf } from './support.ts'

describe('an event type', () => {
  it.each([
    'booking.created',
    'event.batch.created',
    'payment_completed',
    'a',
    'A-1',
    'customer/created',
    'orders:paid',
    'a.b/c:d',
    '0',
    'x'.repeat(128),
  ])('may be called %s', (type) => {
    expect(defineEvents({ [type]: {} }).types).toEqual([type])
  })

  it.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a.*', '*', 'é', 'a\n', 'a,b', 'a\u0000', ' a', 'x'.repeat(129)])(
    'may not be called "%s"',
    (type) => {
      expect(codeOf(() => defineEvents({ [type]: {} }))).toBe('event_type_invalid')
    },
  )
})

describe('a catalog', () => {
  const user = z.object({ id: z.string() })
  const events = defineEvents({
    'user.created': { description: 'A user came', group: 'Users', schema: user, example: { id: 'u1' } },
    'user.deleted': user,
    'user.gone': { deprecated: 'use user.deleted' },
  })

  it('keeps every type, in the order in which it was written, with what was said of it', () => {
    expect(events.types).toEqual(['user.created', 'user.deleted', 'user.gone'])
    expect(events.all.map(({ type }) => type)).toEqual(events.types)
    expect(events.get('user.created')).toEqual({
      type: 'user.created',
      description: 'A user came',
      group: 'Users',
      schema: user,
      example: { id: 'u1' },
    })
    expect(events.get('user.deleted')).toEqual({ type: 'user.deleted', schema: user })
    expect(events.get('user.gone')).toEqual({ type: 'user.gone', deprecated: 'use user.deleted' })
  })

  it('knows no other type, and none from a prototype', () => {
    for (const type of ['user', 'user.creat', 'constructor', '__proto__', 'toString', '']) {
      expect(events.get(type)).toBeUndefined()
    }
  })

  it('may be empty', () => {
    expect(defineEvents({}).all).toEqual([])
  })
})

describe('a schema', () => {
  it.each([
    ['a date', z.date()],
    ['a bigint', z.bigint()],
    ['a map', z.map(z.string(), z.string())],
    ['a set', z.set(z.string())],
    ['a symbol', z.symbol()],
    ['undefined', z.undefined()],
  ])('is refused where it holds what JSON cannot carry: %s, at any depth', (_, schema) => {
    for (const whole of [schema, z.object({ a: z.array(z.object({ b: schema })) }), z.union([z.string(), schema])]) {
      expect(codeOf(() => defineEvents({ 'a.b': { schema: whole } }))).toBe('schema_unrepresentable')
      expect(codeOf(() => defineEvents({ 'a.b': whole }))).toBe('schema_unrepresentable')
    }
  })

  it('may turn JSON into something else for the handler: only what is sent must be JSON', () => {
    const schema = z.object({
      at: z.iso.datetime().transform((text) => new Date(text)),
      n: z.coerce.number(),
      more: z.unknown(),
    })
    expect(codeOf(() => defineEvents({ 'a.b': schema }))).toBe('accepted')
  })

  it('that is refused says which event, and what to use', () => {
    expect(() => defineEvents({ 'a.b': z.date() })).toThrow(/"a\.b"/)
    try {
      defineEvents({ 'a.b': z.date() })
    } catch (error) {
      expect((error as { hint: string }).hint).toContain('z.iso.datetime()')
    }
  })

  it('may come from any library that keeps to Standard Schema, a function among them', () => {
    const standard = { version: 1, vendor: 'ours', validate: (value: unknown) => ({ value }) } as const
    const object: StandardSchema = { '~standard': standard }
    const callable = Object.assign(() => {}, { '~standard': standard }) as unknown as StandardSchema
    const events = defineEvents({ object, callable, nested: { schema: callable } })
    expect(events.get('object')?.schema).toBe(object)
    expect(events.get('callable')?.schema).toBe(callable)
    expect(events.get('nested')?.schema).toBe(callable)
  })

  it("has its issues told by a dotted path and the library's words, without values", () => {
    const schema = z.object({ user: z.object({ emails: z.array(z.email()) }) })
    const data = { user: { emails: ['s3cr3t'] } }
    const { issues = [] } = schema['~standard'].validate(data) as { issues?: [] }
    expect(payloadIssues(issues, data)).toEqual([{ path: 'user.emails.0', message: 'Invalid email address' }])
    expect(payloadIssues([{ message: 'no' }, { message: 'no', path: [{ key: 'a' }, 1, Symbol('s')] }], null)).toEqual([
      { path: '', message: 'no' },
      { path: 'a.1.Symbol(s)', message: 'no' },
    ])
  })
})

// How valibot 1 and arktype 2 say it.
it.each([
  ['s3cr3t', 'Invalid email: Received "s3cr3t"', 'Invalid email: Received "…"'],
  ['s3cr3t', 'must be an email address (was "s3cr3t")', 'must be an email address (was "…")'],
  ['a "b"\n(c', 'Invalid email: Received "a "b"\n(c"', 'Invalid email: Received "…"'],
  ['a "b"\n(c', 'must be an email address (was "a \\"b\\"\\n(c")', 'must be an email address (was "…")'],
  ['a', 'Invalid email: Received "a"', 'Invalid email: Received "…"'],
  [4_111, 'Invalid type: Expected string but received 4111', 'Invalid type: Expected string but received …'],
  [4_111, 'Invalid input: expected string, received number', 'Invalid input: expected string, received number'],
  ['s'.repeat(1e6), 'Invalid email', 'Invalid email'],
  ['', 'Invalid email: Received ""', 'Invalid email: Received ""'],
  [{ card: 4_111 }, 'must be a string (was {"card":4111})', 'must be a string (was …'],
  [undefined, 'Invalid key: Expected "a" but received undefined', 'Invalid key: Expected "a" but received undefined'],
])('an issue quotes no value: %.20s, %s', (value, message, told) => {
  expect(payloadIssues([{ message, path: ['a', { key: 0 }] }], { a: [value] })).toEqual([
    { path: 'a.0', message: told },
  ])
})

describe('a contract', () => {
  const events = defineEvents({ 'a.b': {} })

  it('has Standard Webhooks, the usual ids, and no policy of its own by default', () => {
    const contract = defineContract({ events })
    expect(contract).toMatchObject({
      events,
      ids: { message: 'msg_', endpoint: 'ep_', delivery: 'dlv_' },
      policy: {},
      answers: {},
    })
    expect(contract.format.name).toBe(standardWebhooks().name)
  })

  it('keeps what it is given', () => {
    const format = standardWebhooks({ prefix: 'svix' })
    const policy = { retry: ['0s', '1m'], jitter: 0 } as const
    const answers = { handled: [200, 'OK'] } as const
    const api = { base: '/api/webhooks' } as const
    const contract = defineContract({ events, format, ids: { endpoint: 'webhook_' }, policy, api, answers })
    expect(contract).toEqual({
      events,
      format,
      ids: { message: 'msg_', endpoint: 'webhook_', delivery: 'dlv_' },
      policy,
      api,
      answers,
    })
  })

  it.each([
    ['a base that ends with a slash', { base: '/api/' }],
    ['a route that is none', { routes: { getEndpoint: 'FETCH /:id' } }],
    ['words that leave a state out', { states: { ok: ['delivered'] } }],
    [
      'words that share a state',
      {
        states: { a: ['pending', 'sending', 'retrying', 'delivered', 'failed'], b: ['failed', 'cancelled', 'skipped'] },
      },
    ],
  ])('refuses an API with %s', (_, api) => {
    expect(codeOf(() => defineContract({ events, api: api as never }))).toBe('contract_invalid')
  })

  it.each(['', 'whd_', 'a-B-9', 'x'.repeat(32)])('may begin its ids with "%s"', (prefix) => {
    expect(codeOf(() => defineContract({ events, ids: { delivery: prefix } }))).toBe('accepted')
  })

  it.each(['a.', 'a b', 'é', 'a\n', '\n', 'x'.repeat(33), ':'])(
    'may not begin its ids with "%s", which stand in headers',
    (prefix) => {
      for (const kind of ['message', 'endpoint', 'delivery']) {
        expect(codeOf(() => defineContract({ events, ids: { [kind]: prefix } }))).toBe('contract_invalid')
      }
    },
  )
})

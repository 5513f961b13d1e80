import { runInNewContext } from 'node:vm'
import { ConfigurationError, isHooksError, silentLogger } from '@hooks/core'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createSender, defineContract, defineEvents, memoryStorage } from '../src/index.ts'
import { events, stage } from './stage.ts'

const code = (wanted: string) => expect.objectContaining({ code: wanted })

describe('sending', () => {
  it('gives the message an id that sorts by time', async () => {
    const { hooks, clock } = await stage()
    const first = await hooks.send('booking.created', { id: 'b1' }, { tenant: 'acme' })
    await clock.advance(5)
    const second = await hooks.send('booking.created', { id: 'b2' }, { tenant: 'acme' })
    expect(first.id).toMatch(/^msg_[0-9a-hjkmnp-tv-z]{26}$/)
    expect(second.id > first.id).toBe(true)
  })

  it('refuses a type that is not in the catalog, and stores nothing', async () => {
    const { hooks } = await stage()
    await expect(hooks.send('booking.exploded' as never, {} as never, { tenant: 'acme' })).rejects.toThrow(
      expect.objectContaining({ code: 'event_type_unknown', hint: expect.stringContaining('booking.created') }),
    )
    expect((await hooks.messages.list('acme')).data).toHaveLength(0)
  })

  it('names the few types that a wrong one could stand for, in a catalog of hundreds', async () => {
    const names = Array.from({ length: 400 }, (_, n) => `order_${n}.shipped`)
    const all = Object.fromEntries([...names, 'booking.created', 'booking.cancelled'].map((type) => [type, {}]))
    const contract = defineContract({ events: defineEvents(all) })
    const hooks = createSender({ contract, storage: memoryStorage() })
    const hintOf = (error: { hint: string }) => error.hint
    const hint = await hooks.send('booking.creatd', {}, { tenant: 'acme' }).then(String, hintOf)
    expect(hint).toMatch(/which has booking\.created, booking\.cancelled, .* and 394 more$/)
    const url = 'https://acme.example/webhooks'
    const filtered = await hooks.endpoints.create('acme', { url, events: ['boking.created'] }).then(String, hintOf)
    expect(filtered).toMatch(/^types: booking\.created, .* and 394 more$/)
    expect(Math.max(hint.length, filtered.length)).toBeLessThan(300)
  })

  it('says in development which examples do not fit their own schema, whose values it does not say', async () => {
    const id = z.object({ id: z.string() })
    const later = id.refine(async ({ id }) => id !== 'never')
    const contract = defineContract({
      events: defineEvents({
        right: { schema: id, example: { id: 'a' } },
        wrong: { schema: id, example: { id: 4711 } },
        late: { schema: later, example: { id: 'never' } },
        none: { schema: id },
      }),
    })
    const warned = async (dev: boolean) => {
      const warn = vi.fn()
      createSender({ contract, storage: memoryStorage(), dev, logger: { ...silentLogger, warn } })
      await new Promise((resolve) => setImmediate(resolve))
      return warn.mock.calls.map(([fields, text]) => `${text} ${JSON.stringify(fields)}`)
    }
    expect(await warned(false)).toEqual([])
    expect(await warned(true)).toEqual([
      expect.stringMatching(/^hooks: the example of "wrong" does not fit its schema .*"path":"id"/),
      expect.stringMatching(/^hooks: the example of "late"/),
    ])
    expect((await warned(true)).join()).not.toContain('4711')
  })

  it('refuses data that does not fit its schema, naming the field and not its value', async () => {
    const { hooks } = await stage()
    const sent = hooks.send('booking.created', { id: 4711 } as never, { tenant: 'acme' })
    await expect(sent).rejects.toThrow(code('payload_invalid'))
    const error = await sent.catch((thrown) => thrown)
    expect(error.issues).toEqual([{ path: 'id', message: expect.any(String) }])
    expect(error.message).not.toContain('4711')
    expect((await hooks.messages.list('acme')).data).toHaveLength(0)
  })

  it('waits for a schema that gives a promise of another realm, and refuses what it finds', async () => {
    const realm: PromiseConstructor = runInNewContext('Promise')
    const validate = () => realm.resolve({ issues: [{ message: 'no' }] })
    const schema = { '~standard': { version: 1, vendor: 'ours', validate } } as const
    const contract = defineContract({ events: defineEvents({ t: schema }) })
    const hooks = createSender({ contract, storage: memoryStorage() })
    await expect(hooks.send('t', {}, { tenant: 'acme' })).rejects.toThrow(code('payload_invalid'))
    await expect(() => hooks.sendSync('t', {}, { tenant: 'acme' })).toThrow(code('schema_async'))
  })

  it('refuses what JSON cannot carry', async () => {
    const { hooks } = await stage()
    await expect(hooks.send('user.deleted', { id: 1n }, { tenant: 'acme' })).rejects.toThrow(code('payload_not_json'))
  })

  it('sends the input of the schema, not its output', async () => {
    const contract = defineContract({ events: defineEvents({ t: z.object({ n: z.string().transform(Number) }) }) })
    const storage = memoryStorage()
    const hooks = createSender({ contract, storage })
    const { id } = await hooks.send('t', { n: '7' }, { tenant: 'acme' })
    expect((await storage.history.message('acme', id))?.data).toBe('{"n":"7"}')
  })

  for (const tenant of [undefined, null, '', 'a b', 'é', 'x'.repeat(129), 7]) {
    it(`refuses the tenant ${JSON.stringify(tenant)?.slice(0, 20)}`, async () => {
      const { hooks } = await stage()
      await expect(hooks.send('user.deleted', {}, { tenant: tenant as string })).rejects.toThrow(code('tenant_invalid'))
    })
  }

  it('is one message under one idempotency key', async () => {
    const { hooks } = await stage()
    const send = () => hooks.send('booking.created', { id: 'b1' }, { tenant: 'acme', idempotencyKey: 'order-1' })
    const first = await send()
    expect(await send()).toEqual({ id: first.id, duplicate: true })
    const racing = await Promise.all(Array.from({ length: 20 }, send))
    expect(new Set(racing.map(({ id }) => id))).toEqual(new Set([first.id]))
    expect((await hooks.messages.list('acme')).data).toHaveLength(1)
  })

  it('refuses an idempotency key that stands for other data', async () => {
    const { hooks } = await stage()
    await hooks.send('booking.created', { id: 'b1' }, { tenant: 'acme', idempotencyKey: 'order-1' })
    const other = hooks.send('booking.created', { id: 'b2' }, { tenant: 'acme', idempotencyKey: 'order-1' })
    await expect(other).rejects.toThrow(code('idempotency_conflict'))
    await expect(hooks.send('user.deleted', {}, { tenant: 'acme', idempotencyKey: '' })).rejects.toThrow(
      code('idempotency_key_invalid'),
    )
  })

  it('sends many, all or none', async () => {
    const { hooks } = await stage()
    const good = { type: 'booking.created', data: { id: 'b' }, tenant: 'acme' } as const
    await expect(hooks.sendMany([good, { ...good, data: {} as never }])).rejects.toThrow(code('payload_invalid'))
    expect((await hooks.messages.list('acme')).data).toHaveLength(0)
    expect(await hooks.sendMany([good, good, good])).toHaveLength(3)
    await expect(hooks.sendMany([])).rejects.toThrow(code('option_invalid'))
  })

  it('writes before it returns with sendSync, and refuses schemas that validate asynchronously', async () => {
    const contract = defineContract({
      events: defineEvents({ plain: {}, slow: z.object({}).refine(async () => false) }),
    })
    const hooks = createSender({ contract, storage: memoryStorage() })
    const { id } = hooks.sendSync('plain', { a: 1 }, { tenant: 'acme' })
    expect((await hooks.messages.get('acme', id)).data).toEqual({ a: 1 })
    expect(() => hooks.sendSync('slow', {}, { tenant: 'acme' })).toThrow(code('schema_async'))
  })

  it('is refused after stop', async () => {
    const { hooks } = await stage()
    await hooks.stop()
    await expect(hooks.send('user.deleted', {}, { tenant: 'acme' })).rejects.toThrow(code('sender_closed'))
    expect(() => hooks.start()).toThrow(ConfigurationError)
  })

  it('shows each endpoint of the tenant with its delivery, or with the reason for none', async () => {
    const { hooks, endpoint, clock } = await stage()
    const other = await hooks.endpoints.create('acme', { url: 'https://acme.example/2', events: ['user.deleted'] })
    const { id } = await hooks.send('booking.created', { id: 'b1' }, { tenant: 'acme' })
    const waiting = await hooks.messages.get('acme', id)
    expect(waiting.endpoints).toContainEqual({ endpointId: endpoint.id, none: 'waiting' })
    await hooks.drain({ maxMs: 10_000 })
    await clock.advance(1)
    const late = await hooks.endpoints.create('acme', { url: 'https://acme.example/3' })
    const { data, endpoints } = await hooks.messages.get('acme', id)
    expect(data).toEqual({ id: 'b1' })
    expect(endpoints).toContainEqual({
      endpointId: endpoint.id,
      delivery: expect.objectContaining({ state: 'delivered' }),
    })
    expect(endpoints).toContainEqual({ endpointId: other.id, none: 'not_subscribed' })
    expect(endpoints).toContainEqual({ endpointId: late.id, none: 'later' })
    await expect(hooks.messages.get('globex', id)).rejects.toThrow(code('message_not_found'))
  })
})

describe('creating a sender', () => {
  const contract = defineContract({ events })
  const storage = memoryStorage()
  it('refuses development mode in production', () => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    try {
      expect(() => createSender({ contract, storage, dev: true })).toThrow(code('dev_in_production'))
      expect(() => createSender({ contract, storage })).not.toThrow()
    } finally {
      process.env.NODE_ENV = before
    }
  })
  it('refuses a lease that ends before the attempt', () => {
    expect(() => createSender({ contract, storage, lease: '16s' })).toThrow(code('option_invalid'))
  })
  it('refuses counts that are none', () => {
    expect(() => createSender({ contract, storage, concurrency: 0 })).toThrow(code('option_invalid'))
    expect(() => createSender({ contract, storage, allowPrivateNetworks: ['10.1'] })).toThrow(code('option_invalid'))
  })
  it('throws errors that a host can tell apart', () => {
    try {
      createSender({ contract, storage, lease: 'soon' as never })
    } catch (error) {
      expect(isHooksError(error, 'option_invalid')).toBe(true)
    }
  })
})

describe('while a host is being built', () => {
  const warned = async (act: (hooks: Awaited<ReturnType<typeof stage>>['hooks']) => void, dev = true) => {
    vi.stubEnv('NODE_ENV', 'development')
    const warn = vi.fn()
    const { hooks } = await stage(undefined, { dev, logger: { ...silentLogger, warn } })
    act(hooks)
    for (const id of ['a', 'b']) await hooks.send('booking.created', { id }, { tenant: 'acme' })
    vi.unstubAllEnvs()
    await hooks.stop()
    return warn.mock.calls
  }

  it('who sends and starts nothing is told so once', async () => {
    expect(await warned(() => {})).toEqual([[{}, expect.stringContaining('hooks.start()')]])
  })

  it('nobody else is', async () => {
    expect(await warned((hooks) => hooks.start())).toEqual([])
    expect(await warned((hooks) => void hooks.drain({ maxMs: 1_000 }))).toEqual([])
    expect(await warned(() => {}, false)).toEqual([])
  })
})

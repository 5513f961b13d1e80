import {
  type Answers,
  ConfigurationError,
  createReceiver,
  defineContract,
  defineEvents,
  hmacFormat,
  part,
  type ReceivedRequest,
  standardWebhooks,
} from '@hooks/receiver'
import { square } from '@hooks/receiver/formats'
import { signRequest } from '@hooks/receiver/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { codeOf, memoryLogger, SECRET, setUp, TEXT_SECRET, utf8 } from './support.ts'

const events = defineEvents({
  'booking.created': z.object({ id: z.string(), price: z.coerce.number() }),
  'user.deleted': {},
  'slow.checked': z.object({ n: z.number() }).refine(async ({ n }) => n > 0),
})

describe('an answer', () => {
  const fail = () => {
    throw new Error('the work failed')
  }

  it.each<[string, number, string, Parameters<typeof setUp>[0], (request: ReceivedRequest) => ReceivedRequest]>([
    ['handled', 200, '{"received":true}', { onUnknown() {} }, (sent) => sent],
    ['unknown_event', 200, '{"received":true}', {}, (sent) => sent],
    ['missing_header', 400, '{"error":"missing_header"}', {}, (sent) => ({ ...sent, headers: {} })],
    ['signature_mismatch', 401, '{"error":"signature_mismatch"}', {}, (sent) => ({ ...sent, body: utf8('') })],
    ['method_not_allowed', 405, '{"error":"method_not_allowed"}', {}, (sent) => ({ ...sent, method: 'GET' })],
    ['body_too_large', 413, '{"error":"body_too_large"}', { maxBodyBytes: 10 }, (sent) => sent],
    [
      'content_encoding',
      415,
      '{"error":"content_encoding"}',
      {},
      (sent) => ({ ...sent, headers: { ...sent.headers, 'content-encoding': 'gzip' } }),
    ],
    ['body_unavailable', 500, '{"error":"body_unavailable"}', {}, (sent) => ({ ...sent, body: {} as never })],
    [
      'body_incomplete',
      400,
      '{"error":"body_incomplete"}',
      {},
      (sent) => ({ ...sent, body: () => Promise.reject(new Error()) }),
    ],
    ['secret_missing', 500, '{"error":"secret_missing"}', { secret: () => undefined }, (sent) => sent],
    ['handler_failed', 500, '{"error":"handler_failed"}', { onUnknown: fail }, (sent) => sent],
    ['handler_failed', 500, '{"error":"handler_failed"}', { onUnknown: async () => fail() }, (sent) => sent],
    ['handler_failed', 500, '{"error":"handler_failed"}', { secret: fail }, (sent) => sent],
    ['handler_failed', 500, '{"error":"handler_failed"}', { onUnknown() {}, idempotencyKey: fail }, (sent) => sent],
    [
      'idempotency_key_invalid',
      500,
      '{"error":"idempotency_key_invalid"}',
      { onUnknown() {}, idempotencyKey: () => '' },
      (sent) => sent,
    ],
  ])('to %s is %i %s', async (outcome, status, body, options, change) => {
    const { receiver, request } = setUp(options)
    const answer = await receiver.handle(change(await request()))
    expect(answer).toMatchObject({ outcome, status, body })
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers.allow).toBe(status === 405 ? 'POST' : undefined)
  })

  it('to a stale or an early request is 401', async () => {
    const { receiver, request, clock } = setUp()
    for (const [seconds, outcome] of [
      [-301, 'timestamp_too_old'],
      [301, 'timestamp_too_new'],
    ] as const) {
      const sentAt = new Date(clock.now().getTime() + seconds * 1000)
      expect(await receiver.handle(await request({ sentAt }))).toMatchObject({ status: 401, outcome })
    }
  })

  it('to a method that is not taken comes before anything is read', async () => {
    const { receiver } = setUp()
    const body = () => expect.fail('read')
    expect((await receiver.handle({ method: 'PUT', headers: {}, body })).outcome).toBe('method_not_allowed')
  })

  it('to a failure of the host is a 500, whatever its error pretends to be', async () => {
    const pretends = () => Promise.reject({ code: 'signature_mismatch', name: 'WebhookVerificationError' })
    for (const options of [{ secret: pretends }, { onUnknown: pretends }]) {
      const { receiver, request } = setUp(options)
      expect(await receiver.handle(await request())).toMatchObject({ status: 500, outcome: 'handler_failed' })
    }
  })

  it('waits for the handler', async () => {
    const { receiver, request } = setUp()
    let done = false
    receiver.on('booking.created', async () => {
      for (let i = 0; i < 50; i++) await undefined
      done = true
    })
    expect((await receiver.handle(await request())).status).toBe(200)
    expect(done).toBe(true)
  })

  it("is the user's own, by outcome: over the contract's, and the contract's over ours", async () => {
    const contract = defineContract({
      events,
      answers: {
        signature_mismatch: [401, { error: 'Signature invalide' }],
        timestamp_too_old: [400, 'Webhook too old'],
        duplicate: [200, 'Already processed'],
        handled: [204],
      },
    })
    const { receiver, request, clock } = setUp({ contract, answers: { duplicate: [208, 'Déjà traité'] } } as never)
    receiver.on('user.deleted', () => {})
    const sent = await request({ type: 'user.deleted' })
    expect(await receiver.handle(sent)).toMatchObject({ status: 204, body: '' })
    const duplicate = await receiver.handle(sent)
    expect(duplicate).toMatchObject({ status: 208, body: 'Déjà traité' })
    expect(duplicate.headers['content-type']).toBe('text/plain; charset=utf-8')
    const forged = await receiver.handle({ ...sent, body: utf8('{}') })
    expect(forged).toMatchObject({ status: 401, body: '{"error":"Signature invalide"}' })
    const stale = await request({ sentAt: new Date(clock.now().getTime() - 400_000) })
    expect(await receiver.handle(stale)).toMatchObject({ status: 400, body: 'Webhook too old' })
    expect(await receiver.handle({ ...sent, headers: {} })).toMatchObject({
      status: 400,
      body: '{"error":"missing_header"}',
    })
  })

  it('comes whatever is thrown in: handle never rejects', async () => {
    const logger = {
      ...memoryLogger(),
      error() {
        throw new Error('the log is full')
      },
    }
    for (const thrown of [undefined, null, 0, 'text', new Error('x'), { code: 'signature_mismatch' }]) {
      const { receiver, request } = setUp({
        logger,
        onUnknown() {
          throw thrown
        },
      })
      expect(await receiver.handle(await request())).toMatchObject({ status: 500, outcome: 'handler_failed' })
    }
    const cycle: Record<string, unknown> = {}
    cycle.itself = cycle
    const unwritable = setUp({ answers: { unknown_event: [200, cycle] } })
    expect(await unwritable.receiver.handle(await unwritable.request())).toMatchObject({ status: 500, body: '' })
    const { receiver } = setUp()
    for (const odd of [undefined, null, {}, { headers: null, body: null }, { headers: 5, body: 5 }]) {
      expect((await receiver.handle(odd as never)).status).toBeGreaterThanOrEqual(400)
    }
  })
})

describe('data', () => {
  const contract = defineContract({ events })
  const withContract = (options: object = {}) => setUp({ contract, ...options } as never)

  it('reaches its handler as its schema gives it', async () => {
    const { receiver, request } = withContract()
    const seen: unknown[] = []
    receiver.on('booking.created', ({ type, data }) => seen.push(type, data))
    await receiver.handle(await request({ data: { id: 'b1', price: '250.5', more: true } }))
    expect(seen).toEqual(['booking.created', { id: 'b1', price: 250.5 }])
  })

  it('without a schema reaches its handler as it came', async () => {
    const { receiver, request } = withContract()
    const seen: unknown[] = []
    receiver.on('user.deleted', ({ data }) => seen.push(data))
    await receiver.handle(await request({ type: 'user.deleted', data: { any: [1] } }))
    expect(seen).toEqual([{ any: [1] }])
  })

  it('that does not fit is a 500, since a deploy can mend it, and is handled then', async () => {
    const { receiver, request, idempotency, clock } = withContract()
    receiver.on('booking.created', () => expect.fail('ran'))
    const sent = await request({ id: 'msg_1', data: { id: 5, price: 'x' } })
    expect(await receiver.handle(sent)).toMatchObject({ status: 500, outcome: 'payload_invalid' })
    const mended = createReceiver({ secret: SECRET, idempotency, clock }).on('booking.created', () => {})
    expect((await mended.handle(sent)).outcome).toBe('handled')
  })

  it.each(['not JSON', '{"type":5}', '[]', 'null', '"text"', '{"data":{}}', '\ufeff{"type":"a.b"}'])(
    'that is no message after a good signature is a 500 too: %s',
    async (body) => {
      const { receiver, request } = withContract()
      expect(await receiver.handle(await request({ body }))).toMatchObject({ status: 500, outcome: 'payload_invalid' })
    },
  )

  it('that does not fit is acknowledged and dropped where the user wants it', async () => {
    const { receiver, request } = withContract({ onInvalidPayload: 'acknowledge' })
    receiver.on('booking.created', () => expect.fail('ran'))
    for (const message of [{ data: {} }, { body: 'not JSON' }]) {
      const answer = await receiver.handle(await request(message))
      expect(answer).toMatchObject({ status: 200, outcome: 'payload_invalid', body: '{"received":true}' })
    }
  })

  it('is checked by a schema that takes its time', async () => {
    const { receiver, request } = withContract()
    receiver.on('slow.checked', () => {})
    expect((await receiver.handle(await request({ type: 'slow.checked', data: { n: 1 } }))).outcome).toBe('handled')
    expect((await receiver.handle(await request({ type: 'slow.checked', data: { n: 0 } }))).outcome).toBe(
      'payload_invalid',
    )
  })

  it('is not checked where nobody handles it', async () => {
    const { receiver, request } = withContract()
    expect((await receiver.handle(await request({ data: 'anything' }))).outcome).toBe('unknown_event')
    const { receiver: other, request: sign } = withContract({ onUnknown() {} })
    expect((await other.handle(await sign({ data: 'anything' }))).outcome).toBe('handled')
  })
})

describe('handlers', () => {
  it('are told who they work for', async () => {
    const { receiver, request, logger, clock } = setUp({
      secret: [`whsec_${Buffer.alloc(32).toString('base64')}`, SECRET],
    })
    let seen: unknown
    receiver.on('booking.created', async (message, context) => {
      seen = {
        ...context,
        aborted: context.signal.aborted,
        signal: undefined,
        extendLease: await context.extendLease(),
        body: message.body,
        integrity: message.integrity,
      }
    })
    const sent = await request({ id: 'msg_1' })
    await receiver.handle(sent)
    expect(seen).toEqual({
      id: 'msg_1',
      attempt: 1,
      keyId: '1',
      log: logger,
      aborted: false,
      signal: undefined,
      extendLease: true,
      timestamp: clock.now(),
      rawBody: sent.body,
      body: sent.body,
      integrity: 'signed',
    })
  })

  it('without a store are told how often the sender tried, or once', async () => {
    const counting = hmacFormat({
      name: 'counting',
      secret: 'text',
      body: { event: part.type, data: part.data },
      headers: { 'x-attempt': part.attempt },
      signature: { header: 'x-signature' },
    })
    for (const [format, secret, expected] of [
      [counting, TEXT_SECRET, 3],
      [standardWebhooks(), SECRET, 1],
    ] as const) {
      const attempts: number[] = []
      const onUnknown = (_: unknown, { attempt }: { attempt: number }) => attempts.push(attempt)
      const receiver = createReceiver({ format, secret, onUnknown })
      await receiver.handle(await signRequest(format, secret, { type: 'a.b', attempt: 3 }))
      expect(attempts).toEqual([expected])
    }
  })

  it('are chosen by type; the one for all others gets what has none', async () => {
    const { receiver, request } = setUp()
    const seen: string[] = []
    receiver
      .on('a.b', () => seen.push('a.b'))
      .on('a.c', () => seen.push('a.c'))
      .onUnknown(({ type }) => seen.push(`? ${type}`))
    for (const type of ['a.b', 'a.c', 'a.d', 'constructor']) await receiver.handle(await request({ type }))
    expect(seen).toEqual(['a.b', 'a.c', '? a.d', '? constructor'])
    expect(receiver.eventTypes()).toEqual(['a.b', 'a.c'])
  })

  it.each<[string, string, () => unknown]>([
    [
      'twice for one type',
      'handler_duplicate',
      () =>
        setUp()
          .receiver.on('a.b', () => {})
          .on('a.b', () => {}),
    ],
    ['twice for all others', 'handler_duplicate', () => setUp({ onUnknown() {} }).receiver.onUnknown(() => {})],
    [
      'for a type that the catalog lacks',
      'event_type_invalid',
      () => createReceiver({ events, secret: SECRET }).on('typo' as 'user.deleted', () => {}),
    ],
  ])('are refused %s', async (_, code, add) => {
    expect(add).toThrow(ConfigurationError)
    expect(await codeOf(add)).toBe(code)
  })

  it('are refused after the first request, which could have missed them; looking is free', async () => {
    const { receiver, request } = setUp()
    await receiver.verify(await request())
    receiver.on('a.b', () => {})
    await receiver.handle(await request())
    expect(await codeOf(() => receiver.on('a.c', () => {}))).toBe('handler_late')
    expect(await codeOf(() => receiver.onUnknown(() => {}))).toBe('handler_late')
  })
})

describe('the log', () => {
  it('says of a failure what, which type and which id, in one line', async () => {
    const failure = new Error('the work failed')
    const { receiver, request, logger } = setUp({
      onUnknown() {
        throw failure
      },
    })
    await receiver.handle(await request({ id: 'msg_1' }))
    expect(logger.lines).toEqual([
      {
        level: 'error',
        fields: { code: 'handler_failed', type: 'booking.created', id: 'msg_1', err: failure },
        message: 'webhook: handler_failed',
      },
    ])
  })

  it('warns of what strangers do wrong, and believes no id that is not proved', async () => {
    const { receiver, request, logger } = setUp()
    await receiver.handle({ ...(await request()), body: utf8('{}') })
    expect(logger.lines).toMatchObject([
      { level: 'warn', fields: { code: 'signature_mismatch', type: undefined, id: undefined } },
    ])
  })

  it('names the fix where the wiring is wrong', async () => {
    const { receiver, request, logger } = setUp()
    await receiver.handle({ ...(await request()), body: {} as never })
    expect(logger.lines).toMatchObject([
      { level: 'error', fields: { err: { hint: expect.stringContaining('raw body') } } },
    ])
  })

  it('is the console where the host gives none: its own failures are seen, and what strangers do fills nothing', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const failure = new Error('the work failed')
    const { receiver, request } = setUp({
      logger: undefined as never,
      onUnknown() {
        throw failure
      },
    })
    const sent = await request({ id: 'msg_1' })
    await receiver.handle({ ...sent, body: utf8('{}') })
    await receiver.handle({ ...sent, headers: {} })
    expect(error).not.toHaveBeenCalled()
    await receiver.handle(sent)
    expect(error).toHaveBeenLastCalledWith(
      'webhook: handler_failed',
      expect.objectContaining({ id: 'msg_1', err: failure }),
    )
    await receiver.handle({ ...sent, body: {} as never })
    expect(error).toHaveBeenLastCalledWith(
      'webhook: body_unavailable',
      expect.objectContaining({ err: expect.objectContaining({ hint: expect.stringContaining('raw body') }) }),
    )
    expect(error).toHaveBeenCalledTimes(2)
    expect(warn).not.toHaveBeenCalled()
  })

  it('is silent about what went well, duplicates included; what was dropped for want of a handler is a note', async () => {
    const { receiver, request, logger } = setUp()
    receiver.on('booking.created', () => {})
    const sent = await request()
    for (const one of [sent, sent, await request({ type: 'a.b' })]) await receiver.handle(one)
    expect(logger.lines).toMatchObject([{ level: 'info', fields: { code: 'unknown_event', type: 'a.b' } }])
  })

  it('holds nothing of body, headers and secret, and no answer does, whatever fails', async () => {
    const contract = defineContract({ events })
    const canary = 'CANARY'
    const lines: string[] = []
    const answers: string[] = []
    const run = async (change: (sent: ReceivedRequest) => ReceivedRequest, message: object = {}) => {
      const { receiver, request, logger } = setUp({ contract, secret: SECRET } as never)
      receiver.on('booking.created', () => {})
      const sent = await request({ data: { id: canary, price: canary }, ...message })
      const answer = await receiver.handle(change({ ...sent, headers: { ...sent.headers, authorization: canary } }))
      answers.push(answer.outcome, answer.body, JSON.stringify(answer.headers))
      const { inspect } = await import('node:util')
      lines.push(inspect(logger.lines, { depth: null, showHidden: true }))
    }
    await run((sent) => sent)
    await run((sent) => sent, { body: `{"type":"${canary}` })
    await run((sent) => ({ ...sent, body: utf8(canary) }))
    await run((sent) => ({ ...sent, url: `/?${canary}`, headers: { 'webhook-id': canary } }))
    await run((sent) => ({ ...sent, headers: { ...sent.headers, 'webhook-timestamp': canary } }))
    expect(answers).toContain('payload_invalid')
    expect(lines.join()).toContain('signature_mismatch')
    expect(lines.join() + answers.join()).not.toContain(canary)
    expect(lines.join() + answers.join()).not.toContain(SECRET.slice(6, 20))
  })
})

describe('a fetch request', () => {
  const fetched = async (sent: RequestInit, init: RequestInit = {}) =>
    new Request('https://receiver.example/hooks', { method: 'POST', ...sent, ...init })

  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('is answered by a Response, without a this', async () => {
    const { receiver, request } = setUp()
    receiver.on('booking.created', () => {})
    const { fetch } = receiver
    const sent = await request()
    const answer = await fetch(await fetched(sent))
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'application/json',
      '{"received":true}',
    ])
    expect((await fetch(await fetched({ ...sent, body: '{}' }))).status).toBe(401)
    expect((await fetch(new Request('https://receiver.example'))).headers.get('allow')).toBe('POST')
  })

  it.each<readonly [Answers[string]]>([[[204]], [[204, { ignored: true }]]])(
    'can be answered without a body, as a 204 has to be: %o',
    async (own) => {
      const { receiver, request } = setUp({ answers: { unknown_event: own } })
      const answer = await receiver.fetch(await fetched(await request()))
      expect([answer.status, answer.body]).toEqual([204, null])
    },
  )

  it.each([
    ['a byte order mark', '\ufeff{}'],
    ['CRLF', '{\r\n}\r\n'],
    ['a byte FF', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['an emoji', '{"a":"👩‍🚀"}'],
    ['1.0', '{"n":1.0}'],
    ['an escaped letter', '{"a":"\\u00e9"}'],
    ['nothing', ''],
    ['1 MiB', 'a'.repeat(2 ** 20)],
  ])('keeps its bytes: %s', async (_, body) => {
    const { receiver, request } = setUp()
    const sent = await request({ body })
    const answer = await receiver.fetch(await fetched(sent))
    expect(answer.status).toBe(500)
    expect(await answer.json()).toEqual({ error: 'payload_invalid' })
  })

  it('of many chunks is read as one', async () => {
    const { receiver, request } = setUp()
    receiver.on('booking.created', () => {})
    const sent = await request({ data: 'x'.repeat(10_000) })
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < sent.body.length; i += 100) controller.enqueue(sent.body.slice(i, i + 100))
        controller.close()
      },
    })
    const answer = await receiver.fetch(await fetched({ ...sent, body }, { duplex: 'half' } as RequestInit))
    expect(answer.status).toBe(200)
  })

  it('that is too large is read to its end where that is near, for senders that listen only then, and not kept', async () => {
    const { receiver, request } = setUp({ maxBodyBytes: 10_000 })
    let left = 30
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(1_000))
        else controller.close()
      },
    })
    const headers = { ...(await request()).headers, 'content-length': '30000' }
    const answer = await receiver.fetch(await fetched({ headers, body }, { duplex: 'half' } as RequestInit))
    expect([answer.status, left]).toEqual([413, -1])
  })

  it.each([
    ['it does not say where its end is', {}],
    ['its end is far', { 'content-length': '99999999' }],
    ['it lies about its end', { 'content-length': '11000' }],
  ])('that is too large is not read to its end where %s', async (_, claim) => {
    const { receiver, request } = setUp({ maxBodyBytes: 10_000 })
    let pulled = 0
    let cancelled = false
    const body = new ReadableStream({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(1_000))
      },
      cancel() {
        cancelled = true
      },
    })
    const headers = { ...(await request()).headers, ...claim }
    const answer = await receiver.fetch(await fetched({ headers, body }, { duplex: 'half' } as RequestInit))
    expect(answer.status).toBe(413)
    expect(pulled).toBeLessThan(20)
    expect(cancelled).toBe(true)
  })

  it('behind a proxy is verified by the URL that its sender has, as `new Request(url, request)` makes it', async () => {
    const url = 'https://acme.example/in/hooks?a=1'
    const receiver = createReceiver({ format: square(), secret: TEXT_SECRET, logger: memoryLogger() })
    const sent = await signRequest(square(), TEXT_SECRET, { type: 'payment.updated', url })
    expect((await receiver.fetch(await fetched(sent))).status).toBe(401)
    const publicUrl = (request: Request) => `https://acme.example/in/hooks${new URL(request.url).search}`
    const proxied = new Request('http://10.0.0.1:8080/hooks?a=1', sent)
    expect((await receiver.fetch(new Request(publicUrl(proxied), proxied))).status).toBe(200)
    const elsewhere = new Request('http://10.0.0.1:8080/hooks?a=2', sent)
    expect((await receiver.fetch(new Request(publicUrl(elsewhere), elsewhere))).status).toBe(401)
  })

  it('whose body was read before is a 500 that names the fix', async () => {
    const { receiver, request, logger } = setUp()
    const sent = await fetched(await request())
    await sent.json()
    expect((await receiver.fetch(sent)).status).toBe(500)
    expect(logger.lines).toMatchObject([{ fields: { code: 'body_unavailable', err: { hint: expect.any(String) } } }])
    const locked = await fetched(await request())
    locked.body?.getReader()
    expect((await receiver.fetch(locked)).status).toBe(500)
  })

  it.each([new Error('reset'), undefined, null])('that breaks off is a 400, whatever it says: %o', async (reason) => {
    const { receiver, request } = setUp()
    const body = new ReadableStream({
      pull(controller) {
        controller.error(reason)
      },
    })
    const { headers } = await request()
    expect((await receiver.fetch(await fetched({ headers, body }, { duplex: 'half' } as RequestInit))).status).toBe(400)
  })
})

describe('an honest request for tests', () => {
  it('is one that its format accepts', async () => {
    const sent = await signRequest(standardWebhooks({ prefix: 'svix' }), SECRET, {
      type: 'a.b',
      data: { n: 1 },
      id: 'msg_1',
    })
    expect(Object.keys(sent.headers)).toEqual(['content-type', 'svix-id', 'svix-timestamp', 'svix-signature'])
    const receiver = createReceiver({ format: standardWebhooks({ prefix: 'svix' }), secret: SECRET })
    const message = await receiver.verify(sent)
    expect([message.type, message.data, message.id]).toEqual(['a.b', { n: 1 }, 'msg_1'])
  })
})

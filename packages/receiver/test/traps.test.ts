import { createHmac } from 'node:crypto'
import { createReceiver, memoryIdempotency, type ReceivedRequest } from '@hooks/receiver'
import { signRequest, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { auditTrail, codeOf, deferred, grillo, lokroom, setUp, TEXT_SECRET, token, utf8 } from './support.ts'

// The mistakes of the samples that the five products print, as promises of ours, by their numbers (packages/documents/src/traps.ts).
// Which of them depend on the host is shown behind every host: packages/frameworks/test/traps.test.ts.

const hex = (body: string | Uint8Array, before = '') =>
  createHmac('sha256', TEXT_SECRET).update(before).update(body).digest('hex')
const receive = (format = lokroom, options: object = {}) =>
  setUp({ format, secret: TEXT_SECRET, idempotency: undefined, ...options } as never)
/** A request to Lok'Room's receiver, as its document signs one. */
const lok = (body: string, headers: Record<string, string> = {}): ReceivedRequest => ({
  headers: { 'x-lok-signature': hex(body), 'x-lok-event': 'booking.created', ...headers },
  body: utf8(body),
})

const PRINTED = `{
  "event": "booking.created",
  "timestamp": "2024-01-15T10:30:00Z",
  "data": { "id": "booking_123", "price": 250.00 }
}`

describe('bytes are verified as they came, and never as JSON writes them again', () => {
  const { receiver } = receive()

  it('T1: for the payload that a document prints, spaces, line breaks, 250.00 and all', async () => {
    const message = await receiver.verify(lok(PRINTED))
    expect(message.data).toEqual({ id: 'booking_123', price: 250 })
  })

  it.each([
    ['a space after a colon', '{"event": "booking.created","data":{}}'],
    ['a number with zeros', '{"event":"booking.created","data":{"n":250.00}}'],
    ['an escaped letter', '{"event":"booking.created","data":"\\u00e9"}'],
    ['an escaped slash', '{"event":"booking.created","data":"\\/"}'],
    ['keys that JSON.stringify reorders', '{"event":"booking.created","data":{"2":1,"1":2}}'],
    ['a number too large for JavaScript', '{"event":"booking.created","data":12345678901234567890}'],
    ['a key that is there twice', '{"event":"booking.created","data":{"a":1,"a":2}}'],
    ['a line break at the end', '{"event":"booking.created","data":{}}\n'],
    ['an exponent', '{"event":"booking.created","data":1e2}'],
    ['minus zero', '{"event":"booking.created","data":-0}'],
  ])('T2: for %s', async (_, body) => {
    const message = await receiver.verify(lok(body))
    expect([message.type, message.data]).toEqual(['booking.created', JSON.parse(body).data])
  })

  it('T2: for a byte order mark: the signature holds, and the body is then no JSON', async () => {
    const message = await receiver.verify(lok('\ufeff{"event":"booking.created","data":{}}'))
    expect(() => message.data).toThrow('not JSON')
  })

  it('T3: so that other bytes with the same meaning are refused', async () => {
    const signed = '{"event":"booking.created","data":{"n":1}}'
    const sent = { ...lok(signed), body: utf8(' {  "event" : "booking.created", "data":{"n":1.0}  } ') }
    expect(await codeOf(receiver.verify(sent))).toBe('signature_mismatch')
  })
})

describe('a signature that is none is a 401, and never a crash', () => {
  const body = '{"event":"booking.created","data":{}}'
  it.each([
    ['T4: too short', 'abc', 401],
    ['T4: of 63 digits', hex(body).slice(1), 401],
    ['T5: empty', '', 400],
    ['T6: of letters that are two bytes', `${'a'.repeat(63)}é`, 401],
    ['T7: joined from two lines by the host', `${hex(body)}, x`, 401],
    ['T8: of another scheme', `sha256=${hex(body)}`, 401],
    ['T9: in upper case, which is the same number', hex(body).toUpperCase(), 200],
    ['T20: a list of two, as during a rotation', `${hex(body)},${hex(body)}`, 401],
  ])('%s', async (_, signature, status) => {
    const { receiver } = receive()
    expect((await receiver.handle(lok(body, { 'x-lok-signature': signature }))).status).toBe(status)
  })

  it('T5: not there at all: it is never skipped', async () => {
    const { receiver } = receive()
    expect(await receiver.handle({ headers: {}, body: utf8(body) })).toMatchObject({
      status: 400,
      outcome: 'missing_header',
    })
  })

  it('T7: there in two lines, which the host shows', async () => {
    const { receiver } = receive()
    const twice: ReceivedRequest = {
      headers: [
        ['x-lok-signature', hex(body)],
        ['X-Lok-Signature', 'x'],
      ],
      body: utf8(body),
    }
    expect(await receiver.handle(twice)).toMatchObject({ status: 400, outcome: 'ambiguous_header' })
  })

  it('T11: over the word "undefined", for a body that a parser took away', async () => {
    const { receiver, clock } = receive(auditTrail)
    const time = String(clock.now().getTime() / 1000)
    const headers = {
      'x-audit-trail-timestamp': time,
      'x-audit-trail-signature': `sha256=${hex(`${time}.undefined`)}`,
      'x-audit-trail-delivery-id': 'd',
    }
    expect((await receiver.handle({ headers, body: undefined as never })).status).toBe(500)
    expect((await receiver.handle({ headers, body: utf8('{"type":"forged"}') })).status).toBe(401)
  })

  it('T33: not asked for by any way in: verify, handle and fetch all refuse what is not signed', async () => {
    const { receiver } = receive()
    receiver.onUnknown(() => expect.fail('ran'))
    const sent = { headers: {}, body: utf8('{"event":"forged","data":{}}') }
    expect(await codeOf(receiver.verify(sent))).toBe('missing_header')
    expect((await receiver.handle(sent)).status).toBe(400)
    expect((await receiver.fetch(new Request('https://x.example', { method: 'POST', body: sent.body }))).status).toBe(
      400,
    )
  })
})

describe('time', () => {
  const stamped = (time: string | undefined) => {
    const body = '{"id":"d","type":"a.b","data":{}}'
    return {
      headers: {
        ...(time !== undefined && { 'x-audit-trail-timestamp': time }),
        'x-audit-trail-signature': `sha256=${hex(body, `${time}.`)}`,
        'x-audit-trail-delivery-id': 'd',
      },
      body: utf8(body),
    }
  }
  const now = virtualClock().now().getTime() / 1000

  it.each([
    ['T14: stamped now', String(now), 200, 'unknown_event'],
    ['T14: stamped in January 2024', '1705312200', 401, 'timestamp_too_old'],
    ['T22: stamped not at all', undefined, 400, 'missing_header'],
    ['T22: stamped in words', 'abc', 400, 'malformed_timestamp'],
    ['T22: stamped NaN', 'NaN', 400, 'malformed_timestamp'],
    ['T23: stamped in a year', String(now + 31_536_000), 401, 'timestamp_too_new'],
    ['T23: stamped in milliseconds', `${now}000`, 401, 'timestamp_too_new'],
    ['T23: stamped Infinity', 'Infinity', 400, 'malformed_timestamp'],
    ['T24: stamped now, and junk', `${now}junk`, 400, 'malformed_timestamp'],
    ['T24: stamped with a date', '2001-01-01', 400, 'malformed_timestamp'],
    ['T24: stamped 1e99', '1e99', 400, 'malformed_timestamp'],
  ])('%s: a time that is signed is bounded both ways', async (_, time, status, outcome) => {
    const { receiver } = receive(auditTrail)
    expect(await receiver.handle(stamped(time))).toMatchObject({ status, outcome })
  })

  it('T15: that is not signed is not believed: an old request with a new time is what it was, and a duplicate', async () => {
    const { receiver, clock } = receive(lokroom, {
      idempotency: memoryIdempotency(),
      idempotencyKey: ({ data }: { data: unknown }) => (data as { id: string }).id,
    })
    let ran = 0
    receiver.onUnknown(() => ran++)
    const sent = await signRequest(lokroom, TEXT_SECRET, { type: 'a.b', data: { id: 'b1' }, clock })
    const later = { ...sent, headers: { ...sent.headers, 'x-lok-timestamp': '1924992000' } }
    expect((await receiver.handle(sent)).outcome).toBe('handled')
    expect((await receiver.handle(later)).outcome).toBe('duplicate')
    expect(ran).toBe(1)
  })
})

describe('work', () => {
  const send = (clock: ReturnType<typeof virtualClock>, deliveryId = 'd') =>
    signRequest(auditTrail, TEXT_SECRET, { type: 'a.b', deliveryId, clock })

  it.each<[string, () => unknown]>([
    ['T16, T17, T18: fails later', () => new Promise((_, reject) => setImmediate(() => reject(new Error('later'))))],
    ['T16, T17, T18: fails at once', () => Promise.reject(new Error('at once'))],
    [
      'T32: throws',
      () => {
        throw new Error('thrown')
      },
    ],
  ])('%s: that is a 500, and the process lives', async (_, work) => {
    const { receiver, clock } = receive(auditTrail, { onUnknown: work })
    expect((await receiver.handle(await send(clock))).status).toBe(500)
    // packages/tooling/vitest.setup.ts fails this test for any rejection that nobody handled.
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('T25: ends with an answer, whatever becomes of it', async () => {
    const { receiver, clock } = receive(auditTrail)
    const answers = await Promise.all([
      receiver.handle(await send(clock)),
      receiver.handle({ headers: {}, body: new Uint8Array() }),
      receiver.handle({ method: 'DELETE', headers: {}, body: new Uint8Array() }),
    ])
    for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(200)
  })

  it('T26: is marked when it is done, not before: what failed once is done with the retry', async () => {
    let done = 0
    const { receiver, clock } = receive(auditTrail, {
      idempotency: memoryIdempotency(),
      onUnknown: () => {
        if (done++ === 0) throw new Error('not yet')
      },
    })
    const outcomes = [await receiver.handle(await send(clock)), await receiver.handle(await send(clock))]
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['handler_failed', 'handled'])
  })

  it('T31: is done when the answer says so: until then there is none', async () => {
    const work = deferred()
    const { receiver, clock } = receive(auditTrail, { onUnknown: () => work.promise })
    let answered = false
    const answer = receiver.handle(await send(clock)).then(({ status }) => {
      answered = true
      return status
    })
    for (let i = 0; i < 100; i++) await undefined
    expect(answered).toBe(false)
    work.resolve()
    expect(await answer).toBe(200)
  })
})

describe('an id', () => {
  const make = (format = grillo) => {
    const setting = receive(format, { idempotency: memoryIdempotency() })
    const ran: unknown[] = []
    setting.receiver.onUnknown(({ data }) => ran.push(data))
    const outcome = async (deliveryId: string, data: unknown) => {
      const sent = await signRequest(format, TEXT_SECRET, { type: 'a.b', data, deliveryId, clock: setting.clock })
      return (await setting.receiver.handle(sent)).outcome
    }
    return { ...setting, ran, outcome }
  }

  it('T27: is used up by nobody who cannot sign: a forger who sends the next one first suppresses nothing', async () => {
    const { receiver, outcome, clock } = make()
    const forged = await signRequest(grillo, 'another secret of some length', {
      type: 'a.b',
      deliveryId: 'next',
      clock,
    })
    expect((await receiver.handle(forged)).outcome).toBe('signature_mismatch')
    expect(await outcome('next', 1)).toBe('handled')
  })

  it('T28: that is not signed makes no new message of the same bytes', async () => {
    const { outcome, ran } = make()
    expect([await outcome('a', 1), await outcome('b', 1), await outcome('c', 1)]).toEqual([
      'handled',
      'duplicate',
      'duplicate',
    ])
    expect(ran).toEqual([1])
  })

  it("T29: that is missing is no id: two events without one are never each other's duplicate", async () => {
    const { receiver, clock, ran } = make()
    for (const data of [1, 2]) {
      const sent = await signRequest(grillo, TEXT_SECRET, { type: 'a.b', data, clock })
      const { 'x-grillo-delivery': _, ...headers } = sent.headers
      expect(await receiver.handle({ ...sent, headers })).toMatchObject({ status: 400, outcome: 'missing_header' })
    }
    expect(ran).toEqual([])
  })

  it('T30: is remembered by the store, however often the receiver is made anew', async () => {
    const idempotency = memoryIdempotency()
    const clock = virtualClock()
    const outcome = async () => {
      const receiver = createReceiver({ format: auditTrail, secret: TEXT_SECRET, idempotency, clock, onUnknown() {} })
      return (
        await receiver.handle(await signRequest(auditTrail, TEXT_SECRET, { type: 'a.b', deliveryId: 'd', clock }))
      ).outcome
    }
    expect([await outcome(), await outcome()]).toEqual(['handled', 'duplicate'])
  })
})

describe('what the course prints', () => {
  const coin = (data: unknown, headers: Record<string, string> = {}): ReceivedRequest => ({
    headers: { 'x-token': TEXT_SECRET, 'x-id': 'd', ...headers },
    body: utf8(JSON.stringify({ event: 'payment_completed', data })),
  })

  it.each(['application/json', 'application/octet-stream', 'text/plain', undefined])(
    'T40, T41: is verified and parsed whatever its content type says: %s',
    async (type) => {
      const { receiver } = receive(token)
      const seen: unknown[] = []
      receiver.on('payment_completed', ({ type: event, data }) => seen.push([event, data]))
      const sent = coin({ amount: 100 }, type === undefined ? {} : { 'content-type': type })
      const request = new Request('https://x.example/hook', {
        method: 'POST',
        headers: sent.headers as never,
        body: sent.body as never,
      })
      if (type === undefined) request.headers.delete('content-type')
      expect((await receiver.fetch(request)).status).toBe(200)
      expect(seen).toEqual([['payment_completed', { amount: 100 }]])
    },
  )

  it('T42: a token says nothing of the body, and the message says so', async () => {
    const { receiver } = receive(token)
    const message = await receiver.verify(coin({ amount: 1_000_000 }))
    expect([message.data, message.integrity]).toEqual([{ amount: 1_000_000 }, 'none'])
    expect((await receive(lokroom).receiver.verify(lok(PRINTED))).integrity).toBe('signed')
  })

  it.each(['', 'x', TEXT_SECRET.slice(0, -1), `${TEXT_SECRET}x`, TEXT_SECRET.replace('a', 'b'), 'é'.repeat(15)])(
    'T43: a token that is not the secret is refused, wherever it differs: %j',
    async (given) => {
      const { receiver } = receive(token)
      const { status } = await receiver.handle(coin({}, { 'x-token': given }))
      expect(status).toBe(given === '' ? 400 : 401)
    },
  )

  it('T44: the same request twice is told to be no duplicate only where nothing can tell it: a store needs a key of its own', () => {
    const idempotency = memoryIdempotency()
    expect(() => receive(lokroom, { idempotency })).toThrow(expect.objectContaining({ code: 'idempotency_key_needed' }))
    expect(() => receive(lokroom, { idempotency, idempotencyKey: () => 'k' })).not.toThrow()
  })

  it('T45: more than the limit is read for nobody: no more than one piece beyond it, and nothing at all where the method is wrong', async () => {
    const { receiver } = receive(token, { maxBodyBytes: 100_000 })
    let read = 0
    const stream = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          read += 10_000
          controller.enqueue(new Uint8Array(10_000))
        },
      })
    const send = (method: string) =>
      receiver.fetch(new Request('https://x.example', { method, body: stream(), duplex: 'half' } as never))
    expect((await send('PUT')).status).toBe(405)
    expect(read).toBeLessThanOrEqual(20_000)
    expect((await send('POST')).status).toBe(413)
    expect(read).toBeLessThanOrEqual(150_000)
  })

  it('T46: no body parser is needed to receive: the bytes of a request are enough', async () => {
    const { receiver } = receive(token)
    expect((await receiver.handle(coin({}))).status).toBe(200)
  })
})

describe('a duplicate is told by the message and by nothing else', () => {
  const handled = async (messages: readonly { type: string; data: unknown; id?: string }[], format = auditTrail) => {
    const setting = receive(format, { idempotency: memoryIdempotency() })
    const done: string[] = []
    setting.receiver.onUnknown(({ type }) => done.push(type))
    for (const [i, { id = `d${i}`, ...message }] of messages.entries()) {
      await setting.receiver.handle(
        await signRequest(format, TEXT_SECRET, { ...message, deliveryId: id, clock: setting.clock }),
      )
    }
    return done
  }

  it('T47: not by an id in its data: what is cancelled was created before, under the same one', async () => {
    const data = { id: 'booking_123' }
    expect(
      await handled([
        { type: 'booking.created', data },
        { type: 'booking.cancelled', data },
      ]),
    ).toEqual(['booking.created', 'booking.cancelled'])
  })

  it('T48: not by an id that its data lacks', async () => {
    expect(
      await handled([
        { type: 'payment.succeeded', data: { payment: 'pi_1' } },
        { type: 'payment.succeeded', data: { payment: 'pi_2' } },
      ]),
    ).toHaveLength(2)
  })

  it('T51: not by the id of the event that it tells of: an update has the same one', async () => {
    const data = { event_id: 'evt_abc123' }
    const both = [
      { type: 'event.detected', data },
      { type: 'event.updated', data },
    ]
    expect(await handled(both, grillo)).toEqual(['event.detected', 'event.updated'])
  })

  it('T49: nor by a look before the work, which five at once all pass: the work is done once', async () => {
    const { receiver, clock } = receive(auditTrail, { idempotency: memoryIdempotency() })
    let ran = 0
    receiver.onUnknown(async () => {
      ran++
      for (let i = 0; i < 20; i++) await undefined
    })
    const sent = await signRequest(auditTrail, TEXT_SECRET, { type: 'a.b', deliveryId: 'd', clock })
    const outcomes = await Promise.all(Array.from({ length: 5 }, async () => (await receiver.handle(sent)).outcome))
    expect(outcomes.sort()).toEqual(['handled', 'in_progress', 'in_progress', 'in_progress', 'in_progress'])
    expect(ran).toBe(1)
  })

  // The work and its mark commit together: transaction.test.ts.
  it('T50: and a mark that fails once is made again, not the work', async () => {
    const clock = virtualClock()
    const store = memoryIdempotency({ clock })
    let fails = 1
    const idempotency = {
      ...store,
      complete(...given: Parameters<typeof store.complete>) {
        if (fails-- > 0) throw new Error('the database was away')
        return store.complete(...given)
      },
    }
    const { receiver } = receive(auditTrail, { idempotency, clock })
    let ran = 0
    receiver.onUnknown(() => ran++)
    const sent = await signRequest(auditTrail, TEXT_SECRET, { type: 'a.b', deliveryId: 'd', clock })
    const answer = receiver.handle(sent)
    await clock.advance(1_000)
    expect((await answer).outcome).toBe('handled')
    expect((await receiver.handle(sent)).outcome).toBe('duplicate')
    expect(ran).toBe(1)
  })
})

describe('nothing is believed that is not signed', () => {
  it('T52: an event of money neither', async () => {
    const { receiver } = receive()
    receiver.on('payment.succeeded', () => expect.fail('ran'))
    const sent = { headers: {}, body: utf8('{"event":"payment.succeeded","data":{"amount":1}}') }
    expect((await receiver.handle(sent)).status).toBe(400)
  })

  it.each([
    ['T59: a list', '[]'],
    ['T61: NaN, which is not JSON', '{"event":"a.b","data":{"p":NaN}}'],
    ['T67: a word', 'hello'],
    ['T67: a string', '"hello"'],
  ])('nor is anything done for what is signed and no event: %s', async (_, body) => {
    const { receiver } = receive()
    receiver.onUnknown(() => expect.fail('ran'))
    expect(await receiver.handle(lok(body))).toMatchObject({ status: 500, outcome: 'payload_invalid' })
  })

  it('T58: a byte that is no UTF-8 is not the sign that stands for such bytes', async () => {
    const { receiver } = receive()
    const signed = '{"event":"a.b","data":"\ufffd"}'
    const [head, tail] = signed.split('\ufffd').map(utf8) as [Uint8Array, Uint8Array]
    const broken = Buffer.concat([head, Uint8Array.of(0xff), tail])
    expect(await codeOf(receiver.verify({ ...lok(signed), body: broken }))).toBe('signature_mismatch')
    const honest = await receiver.verify({ headers: { 'x-lok-signature': hex(broken) }, body: broken })
    expect(() => honest.data).toThrow('not UTF-8')
  })

  it.each([undefined, '', false, null, []])(
    'T66: with a secret that is not set, %j, nothing is received at all',
    async (secret) => {
      expect(() => receive(lokroom, { secret })).toThrow(expect.objectContaining({ code: 'secret_missing' }))
      const body = '{"event":"a.b","data":{}}'
      const empty = createHmac('sha256', '').update(body).digest('hex')
      const { receiver } = receive(lokroom, { secret: () => secret })
      receiver.onUnknown(() => expect.fail('ran'))
      expect(await receiver.handle({ headers: { 'x-lok-signature': empty }, body: utf8(body) })).toMatchObject({
        status: 500,
        outcome: 'secret_missing',
      })
      await expect(receiver.check()).rejects.toMatchObject({ code: 'secret_missing' })
    },
  )
})

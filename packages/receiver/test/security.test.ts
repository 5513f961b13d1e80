import { createHmac, generateKeyPairSync } from 'node:crypto'
import dns from 'node:dns'
import { Socket } from 'node:net'
import {
  createReceiver,
  type HandledRequest,
  type IdempotencyStore,
  memoryIdempotency,
  type ReceivedRequest,
  standardWebhooks,
} from '@hooks/receiver'
import * as formats from '@hooks/receiver/formats'
import { signRequest, virtualClock } from '@hooks/receiver/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { lokroom, memoryLogger, SECRET, setUp, TEXT_SECRET, utf8 } from './support.ts'

// What strangers send, row by row; then what went wrong elsewhere, by the number of its advisory.

const now = virtualClock().now().getTime() / 1000
const KEY = Buffer.from(SECRET.slice(6), 'base64')
const BODY = '{"type":"booking.created","timestamp":"2026-01-01T00:00:00Z","data":{"n":1}}'
const mac = (id: string, time: string, body: string | Uint8Array, key: Uint8Array = KEY) =>
  createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest('base64')

interface Parts {
  readonly id?: string
  readonly time?: string
  readonly body?: string | Uint8Array
  readonly signature?: string
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
}
/** A request with a good signature over whatever it holds, unless told otherwise. */
const make = ({
  id = 'msg_1',
  time = String(now),
  body = BODY,
  signature,
  headers = {},
}: Parts = {}): ReceivedRequest => ({
  headers: {
    'webhook-id': id,
    'webhook-timestamp': time,
    'webhook-signature': signature ?? `v1,${mac(id, time, body)}`,
    ...headers,
  },
  body: typeof body === 'string' ? utf8(body) : body,
})
const good = mac('msg_1', String(now), BODY)

async function answerTo(request: ReceivedRequest, options: Parameters<typeof setUp>[0] = {}): Promise<HandledRequest> {
  const { receiver } = setUp({ onUnknown: () => expect.fail('a handler ran'), ...options })
  return receiver.handle(request)
}
const outcomeOf = async (request: ReceivedRequest, options: Parameters<typeof setUp>[0] = {}) => {
  const { outcome, status } = await answerTo(request, options)
  return `${status} ${outcome}`
}

describe('a request of a stranger', () => {
  it.each<[string, ReceivedRequest, string]>([
    ['with another method', { ...make(), method: 'GET' }, '405 method_not_allowed'],
    ['that is compressed', make({ headers: { 'content-encoding': 'gzip' } }), '415 content_encoding'],
    ['whose body was parsed', { ...make(), body: { type: 'a.b' } as never }, '500 body_unavailable'],
    ['whose body is text', { ...make(), body: BODY as never }, '500 body_unavailable'],
    ['whose body is gone', { ...make(), body: undefined as never }, '500 body_unavailable'],
    ['whose body is too large', make({ body: 'x'.repeat(2 ** 20 + 1) }), '413 body_too_large'],
    ['that broke off', { ...make(), body: () => Promise.reject(new Error('aborted')) }, '400 body_incomplete'],
    ['without an id', make({ headers: { 'webhook-id': undefined } }), '400 missing_header'],
    ['without a time', make({ headers: { 'webhook-timestamp': undefined } }), '400 missing_header'],
    ['without a signature', make({ headers: { 'webhook-signature': undefined } }), '400 missing_header'],
    ['with an empty signature', make({ signature: '' }), '400 missing_header'],
    ['with an id that came twice', make({ headers: { 'webhook-id': ['msg_1', 'msg_2'] } }), '400 ambiguous_header'],
    ['with an id that was folded of two', make({ id: 'm1, m2' }), '400 malformed_header'],
    [
      'with a time that came twice',
      make({ headers: { 'webhook-timestamp': [`${now}`, `${now}`] } }),
      '400 ambiguous_header',
    ],
    ['with a time that was folded of two', make({ time: `${now}, ${now}` }), '400 malformed_timestamp'],
    [
      'with a signature that came twice',
      make({ headers: { 'webhook-signature': [`v1,${good}`, `v1,${good}`] } }),
      '400 ambiguous_header',
    ],
    [
      'with signatures folded of two, the first of them good',
      make({ signature: `v1,${good}, v1,BBBB` }),
      '400 ambiguous_header',
    ],
    [
      'with signatures folded of two, the second of them good',
      make({ signature: `v1,AAAA, v1,${good}` }),
      '400 ambiguous_header',
    ],
    ['with an id that is too long', make({ id: 'm'.repeat(257) }), '400 malformed_header'],
    ['with a time that is too long', make({ time: '1'.repeat(400) }), '400 malformed_timestamp'],
    ['with a signature that is too long', make({ signature: 'x'.repeat(4_097) }), '400 malformed_header'],
    [
      'whose good signature comes after sixteen others',
      make({ signature: `${'v1,x '.repeat(16)}v1,${good}` }),
      '400 malformed_header',
    ],
    [
      'with the signature of another secret',
      make({ signature: `v1,${mac('msg_1', `${now}`, BODY, Buffer.alloc(32))}` }),
      '401 signature_mismatch',
    ],
    ['whose id has a full stop', make({ id: `m1.${now}` }), '400 malformed_header'],
    ['whose id has a space', make({ id: 'm 1' }), '400 malformed_header'],
    ['whose id has a control sign', make({ id: 'm\u0001' }), '400 malformed_header'],
    ['whose id is not ASCII', make({ id: 'mé' }), '400 malformed_header'],
    ['whose time has junk after it', make({ time: `${now}abc` }), '400 malformed_timestamp'],
    ['whose time has a space before it', make({ time: ` ${now}` }), '400 malformed_timestamp'],
    ['whose time has a sign', make({ time: `+${now}` }), '400 malformed_timestamp'],
    ['whose time has a fraction', make({ time: `${now}.9` }), '400 malformed_timestamp'],
    ['whose time has a zero before it', make({ time: `0${now}` }), '400 malformed_timestamp'],
    ['whose time is NaN', make({ time: 'NaN' }), '400 malformed_timestamp'],
    ['whose time is negative', make({ time: '-1' }), '400 malformed_timestamp'],
    ['whose time is ISO 8601', make({ time: '2026-01-01T00:00:00Z' }), '400 malformed_timestamp'],
    ['whose time is hexadecimal', make({ time: '0x5' }), '400 malformed_timestamp'],
    ['whose time is in Arabic digits', make({ time: '١٢٣٤٥' }), '400 malformed_timestamp'],
    ['whose time is in milliseconds', make({ time: `${now}000` }), '401 timestamp_too_new'],
    ['that is 301 seconds old', make({ time: String(now - 301) }), '401 timestamp_too_old'],
    ['that is 301 seconds early', make({ time: String(now + 301) }), '401 timestamp_too_new'],
    [
      'signed for another endpoint, with its own secret',
      make({ signature: `v1,${mac('msg_1', String(now), BODY, Buffer.alloc(32, 9))}` }),
      '401 signature_mismatch',
    ],
    [
      'whose id takes the time along, so that the body is the rest of what was signed',
      { ...make({ id: `msg_1.${now}`, body: '5', signature: `v1,${mac('msg_1', `${now}`, `${now}.5`)}` }) },
      '400 malformed_header',
    ],
    [
      'whose byte FF stands where the sign for such bytes was signed',
      { ...make({ body: '{"a":"\ufffd"}' }), body: Buffer.from([...utf8('{"a":"'), 0xff, ...utf8('"}')]) },
      '401 signature_mismatch',
    ],
    [
      'that lost the byte order mark that was signed',
      { ...make({ body: `\ufeff${BODY}` }), body: utf8(BODY) },
      '401 signature_mismatch',
    ],
    ['whose body is other bytes', { ...make(), body: utf8(BODY.replace('1', '2')) }, '401 signature_mismatch'],
  ])('%s is refused', async (_, request, expected) => {
    expect(await outcomeOf(request)).toBe(expected)
  })

  it.each([300, -300])('that is at the end of the window is honest: %i seconds', async (seconds) => {
    const { outcome } = await answerTo(make({ time: String(now + seconds) }), { onUnknown() {} })
    expect(outcome).toBe('handled')
  })

  it.each([
    ['no signature', 'v1,'],
    ['a label alone', 'v1'],
    ['another label', `none,${good}`],
    ['a label in capitals', `V1,${good}`],
    ['a short one', `v1,${good.slice(0, -4)}`],
    ['a long one', `v1,${good}AAAA`],
    ['something after it', `v1,${good},extra`],
    ['hexadecimal', `v1,${Buffer.from(good, 'base64').toString('hex')}`],
    ['the URL alphabet', `v1,${Buffer.from('fb'.repeat(32), 'hex').toString('base64url')}`],
    ['no padding', `v1,${good.replace('=', '')}`],
    ['white space in it', `v1,${good.slice(0, 10)}\t${good.slice(10)}`],
    ['bits at its end that mean nothing', `v1,${good.slice(0, -2)}${String.fromCharCode(good.charCodeAt(42) + 1)}=`],
    ['the label of Ed25519', `v1a,${good}`],
  ])('whose signature is spelt otherwise is refused: %s', async (_, signature) => {
    expect(await outcomeOf(make({ signature }))).toBe('401 signature_mismatch')
  })

  it('whose time is in milliseconds is refused with a word for who has to mend it', async () => {
    const { receiver } = setUp()
    await expect(receiver.verify(make({ time: `${now}000` }))).rejects.toMatchObject({ hint: 'is it in milliseconds?' })
  })

  it('is judged by every secret of a rotation, of which there are four at most', async () => {
    const secrets = [1, 2, 3].map((n) => `whsec_${Buffer.alloc(32, n).toString('base64')}`)
    expect(await outcomeOf(make(), { secret: secrets })).toBe('401 signature_mismatch')
    expect(await outcomeOf(make(), { secret: [...secrets, SECRET], onUnknown() {} })).toBe('200 handled')
    expect(() => setUp({ secret: [...secrets, SECRET, SECRET] })).toThrow('more than 4 secrets')
  })

  it('that takes a public key for a secret of HMAC is refused: the key fixes the algorithm, and no header does', async () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const options = { format: standardWebhooks(), secret: `whpk_${raw.toString('base64')}` }
    const forged = mac('msg_1', String(now), BODY, raw)
    for (const label of ['v1', 'v1a']) {
      expect(await outcomeOf(make({ signature: `${label},${forged}` }), options)).toBe('401 signature_mismatch')
    }
  })

  it('is told a constant, and the log the cause, without a value', async () => {
    const logger = memoryLogger()
    const answer = await answerTo(make({ id: 'secret.id', body: '{"secret":"body"}' }), { logger })
    expect(answer.body).toBe('{"error":"malformed_header"}')
    expect(JSON.stringify(logger.lines)).not.toMatch(/secret.id|secret":"body/)
  })
})

describe('a body that is signed', () => {
  const handled = (body: string | Uint8Array) => answerTo(make({ body }), { onUnknown() {} })

  it.each<[string, string | Uint8Array]>([
    ['is not UTF-8', Buffer.from([...utf8('{"type":"'), 0xff, ...utf8('"}')])],
    ['begins with a byte order mark', `\ufeff${BODY}`],
    ['is not JSON', 'hello'],
    ['is empty', ''],
    ['has no type', '{"data":1}'],
    ['is no object', '[]'],
  ])('and %s is a 500, for a deploy to mend, and no crash', async (_, body) => {
    expect(await handled(body)).toMatchObject({ status: 500, outcome: 'payload_invalid' })
  })

  it.each([100_000, 200_000])('and is %i deep is handed on: the process lives', async (depth) => {
    const body = `{"type":"a.b","data":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect((await handled(body)).outcome).toBe('handled')
  })

  it('and holds a __proto__ key loses it, however it is spelt', async () => {
    for (const key of ['__proto__', '\\u005f_proto__', '__pro\\u0074o__']) {
      const { receiver } = setUp()
      let copied: unknown
      receiver.onUnknown(({ data }) => {
        copied = Object.assign({}, data)
      })
      await receiver.handle(make({ body: `{"type":"a.b","data":{"${key}":{"admin":true},"n":1}}` }))
      expect(copied).toEqual({ n: 1 })
      expect((copied as { admin?: boolean }).admin).toBe(undefined)
    }
  })

  it('and holds numbers that JavaScript has not, or a key twice, is as JSON.parse gives it; the bytes are there', async () => {
    const { receiver } = setUp()
    let seen: unknown
    receiver.onUnknown(({ data }, { rawBody }) => {
      seen = [data, new TextDecoder().decode(rawBody).includes('12345678901234567890')]
    })
    await receiver.handle(make({ body: '{"type":"a.b","data":[0],"data":[12345678901234567890,1e400]}' }))
    expect(seen).toEqual([[12345678901234567000, Infinity], true])
  })
})

describe('an id', () => {
  it('is claimed by nobody who is not proved: a store is asked about no forged request', async () => {
    const store = memoryIdempotency()
    const idempotency: IdempotencyStore = {
      ...store,
      begin: () => expect.fail('asked'),
      completedWithin: () => expect.fail('asked'),
    }
    expect(await outcomeOf(make({ signature: `v1,${'A'.repeat(43)}=` }), { idempotency })).toBe(
      '401 signature_mismatch',
    )
  })

  it('that is in flight is told to come again when its lease is over, and one that is done a 200', async () => {
    const { receiver, clock } = setUp()
    let release = () => {}
    receiver.onUnknown(
      () =>
        new Promise<void>((resolve) => {
          release = resolve
        }),
    )
    const first = receiver.handle(make())
    await clock.advance(10_000)
    const second = await receiver.handle(make())
    expect([second.status, second.headers['retry-after']]).toEqual([500, '50'])
    release()
    expect([(await first).status, (await receiver.handle(make())).status]).toEqual([200, 200])
  })

  it('that is done is done under another body too: what its sender signed twice is its own affair', async () => {
    const { receiver } = setUp({ onUnknown() {} })
    const outcomes = []
    for (const body of [BODY, BODY.replace('1', '2')]) outcomes.push((await receiver.handle(make({ body }))).outcome)
    expect(outcomes).toEqual(['handled', 'duplicate'])
  })

  it('is free again after its handler failed, and after a crash when the lease is over', async () => {
    const clock = virtualClock()
    const idempotency = memoryIdempotency({ clock })
    const key = await new Promise<string>((resolve) => {
      const spied = { ...idempotency, begin: (one: string) => Promise.reject(resolve(one)) }
      void setUp({ clock, idempotency: spied, onUnknown() {} }).receiver.handle(make())
    })
    const { receiver } = setUp({ clock, idempotency })
    let tries = 0
    receiver.onUnknown(() => {
      if (++tries === 1) throw new Error('no')
    })
    expect((await receiver.handle(make())).outcome).toBe('handler_failed')
    await idempotency.begin(key, { leaseMs: 60_000 })
    expect((await receiver.handle(make())).outcome).toBe('in_progress')
    await clock.advance(60_001)
    expect((await receiver.handle(make())).outcome).toBe('handled')
  })

  it('is remembered for longer than its request could be replayed, whatever was asked', async () => {
    const { receiver, clock } = setUp({ keepMs: 1, maxAge: 3_600_000, maxFuture: 3_600_000, onUnknown() {} })
    const sent = make({ time: String(now + 3_600) })
    expect((await receiver.handle(sent)).outcome).toBe('handled')
    await clock.advance(7_100_000)
    expect((await receiver.handle(sent)).outcome).toBe('duplicate')
    await clock.advance(200_000)
    expect((await receiver.handle(sent)).outcome).toBe('timestamp_too_old')
  })

  it('cannot be looked up while the store is down: the answer is a 503, and the handler does not run', async () => {
    const idempotency = { ...memoryIdempotency(), begin: () => Promise.reject(new Error('down')) }
    expect(await outcomeOf(make(), { idempotency })).toBe('503 store_unavailable')
  })
})

describe('advisories', () => {
  const crashes: unknown[] = []
  const note = (error: unknown) => crashes.push(error)
  beforeAll(() => void process.on('uncaughtExceptionMonitor', note))
  afterAll(() => {
    process.off('uncaughtExceptionMonitor', note)
    expect(crashes).toEqual([])
  })

  it('CVE-2024-21491, RUSTSEC-2024-0010: a signature is compared in its whole length, so that none is the beginning of the right one', async () => {
    for (let length = 0; length < 32; length++) {
      const part = Buffer.from(good, 'base64').subarray(0, length).toString('base64')
      expect(await outcomeOf(make({ signature: `v1,${part}` }))).toBe('401 signature_mismatch')
    }
  })

  it('CVE-2023-50728: a bad signature crashes nothing, whatever it is made of', async () => {
    for (const signature of ['%', '\u0000', '💥', 'v1', ',,,', ' ', 'v1,%%%%', '{}', 'sha256=', '__proto__', 'v1,💥']) {
      expect((await answerTo(make({ signature }))).status).toBeGreaterThanOrEqual(400)
    }
  })

  it('CVE-2022-43411, CVE-2022-43412, cashfree-pg-sdk 124: the comparison looks at every byte, wherever the first difference is', async () => {
    const { equalBytes } = await import('@hooks/core')
    const [right, wrong] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(7)]
    const looked = (at: number) => {
      wrong.fill(7)
      wrong[at] = 8
      const seen = new Set<string | symbol>()
      const watched = new Proxy(wrong, {
        get(target, key) {
          seen.add(key)
          return Reflect.get(target, key)
        },
      })
      expect(equalBytes(right, watched)).toBe(false)
      return [...seen].filter((key) => /^\d+$/.test(String(key))).length
    }
    expect([looked(0), looked(15), looked(31)]).toEqual([32, 32, 32])
  })

  it('Appwrite, advisory-database 7131: an empty signature header is a missing one, and never a valid one', async () => {
    for (const signature of ['', ' ']) expect((await answerTo(make({ signature }))).status).toBeGreaterThanOrEqual(400)
    const headers = { 'x-lok-signature': '' }
    const options = { format: lokroom, secret: TEXT_SECRET, idempotency: undefined as never }
    expect(await outcomeOf({ headers, body: utf8('{}') }, options)).toBe('400 missing_header')
  })

  it('OwnPay 296, librefang 3878: a time that is signed is not optional, so nothing is replayed for ever', async () => {
    const { 'webhook-timestamp': _, ...headers } = make().headers as Record<string, string>
    expect(await outcomeOf({ ...make(), headers })).toBe('400 missing_header')
    const signature = `v1,${createHmac('sha256', KEY).update(`msg_1.undefined.${BODY}`).digest('base64')}`
    expect(await outcomeOf(make({ time: 'undefined', signature }))).toBe('400 malformed_timestamp')
  })

  it('CVE-2024-40634, GHSA-jcc8-g2q4-9fxq: a huge body is neither read to its end nor hashed', async () => {
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const receiver = createReceiver({
      secret: SECRET,
      format: { ...standardWebhooks(), open: () => expect.fail('opened') },
    })
    const headers = make().headers as Record<string, string>
    const response = await receiver.fetch(
      new Request('https://x.example', { method: 'POST', headers, body, duplex: 'half' } as never),
    )
    expect(response.status).toBe(413)
    expect(sent).toBeLessThan(2 ** 20 + 4 * 65_536)
  })

  it('CVE-2026-32096: a receiver asks nobody for anything, whatever address a request names', async () => {
    const asked = [vi.spyOn(globalThis, 'fetch'), vi.spyOn(Socket.prototype, 'connect'), vi.spyOn(dns, 'lookup')]
    const url = 'http://169.254.169.254/latest/meta-data'
    const addresses = { SubscribeURL: url, url, callback_url: url, challenge: url, Type: 'SubscriptionConfirmation' }
    const { receiver } = setUp({ onUnknown() {} })
    const honest = await receiver.handle(make({ body: JSON.stringify({ type: 'a.b', data: addresses }) }))
    expect(honest.outcome).toBe('handled')
    for (const format of Object.values(formats).map((one) => one())) {
      const stranger = createReceiver({ format, secret: () => SECRET, logger: memoryLogger() })
      const headers = { ...addresses, 'x-amz-sns-message-type': 'SubscriptionConfirmation', host: '169.254.169.254' }
      await stranger.handle({ headers, url, body: utf8(JSON.stringify(addresses)) })
    }
    for (const one of asked) expect(one).not.toHaveBeenCalled()
  })

  it('CVE-2025-59538: a malformed request of any kind ends in an answer', async () => {
    const { receiver } = setUp()
    const odd = [
      null,
      undefined,
      5,
      'x',
      {},
      [],
      { headers: 5 },
      { headers: [[1, 2]] },
      { headers: { a: {} } },
      { body: new Map() },
    ]
    for (const request of odd) {
      expect((await receiver.handle(request as never)).status).toBeGreaterThanOrEqual(400)
      expect((await receiver.handle({ ...make(), ...(request as object) })).status).toBeGreaterThanOrEqual(200)
    }
  })
})

it('an honest request passes all of this', async () => {
  const { receiver, clock } = setUp({ onUnknown() {} })
  expect((await receiver.handle(make())).outcome).toBe('handled')
  const sent = await signRequest(standardWebhooks(), SECRET, { type: 'a.b', clock })
  expect((await receiver.handle(sent)).outcome).toBe('handled')
})

import { createHmac, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import {
  createReceiver,
  isHooksError,
  memoryIdempotency,
  memoryInbox,
  PayloadError,
  type ReceivedRequest,
  standardWebhooks,
  WebhookVerificationError,
} from '@hooks/receiver'
import { signRequest, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it, vi } from 'vitest'
import { auditTrail, codeOf, lokroom, OTHER_SECRET, SECRET, setUp, TEXT_SECRET, token, utf8 } from './support.ts'

describe('a verified message', () => {
  it('says what its request says, and which secret fitted', async () => {
    const { receiver, request, clock } = setUp({ secret: [OTHER_SECRET, SECRET] })
    const sent = await request({ id: 'msg_1', data: { price: 250 }, occurredAt: new Date('2025-12-31T12:00:00.5Z') })
    const message = await receiver.verify(sent)
    expect(message.type).toBe('booking.created')
    expect(message.data).toEqual({ price: 250 })
    expect(message.id).toBe('msg_1')
    expect(message.occurredAt).toEqual(new Date('2025-12-31T12:00:00.5Z'))
    expect(message.sentAt).toEqual(clock.now())
    expect(message.keyId).toBe('1')
    expect(message.integrity).toBe('signed')
    expect(message.body).toBe(sent.body)
    expect([message.tenant, message.attempt]).toEqual([undefined, undefined])
  })

  it('is parsed at the first look at its content, and then once', async () => {
    let reads = 0
    const base = standardWebhooks()
    const format: typeof base = {
      ...base,
      read(raw) {
        reads++
        return base.read(raw)
      },
    }
    const clock = virtualClock()
    const receiver = createReceiver({ format, secret: SECRET, clock })
    const message = await receiver.verify(await signRequest(base, SECRET, { type: 'a.b', data: [1], clock }))
    expect([message.keyId, message.body.length > 0, message.integrity, reads]).toEqual(['0', true, 'signed', 0])
    expect([message.type, message.data, message.data, message.id, reads]).toEqual(['a.b', [1], [1], message.id, 1])
  })

  it('goes into JSON whole, but for its bytes', async () => {
    const { receiver, request } = setUp()
    const message = await receiver.verify(await request({ type: 'a.b', data: [1], id: 'msg_1' }))
    const { type, data, id, keyId, integrity, sentAt } = message
    expect([type, data, id]).toEqual(['a.b', [1], 'msg_1'])
    expect(JSON.parse(JSON.stringify({ message })).message).toMatchObject({
      ...{ type, data, id, keyId, integrity },
      sentAt: sentAt?.toISOString(),
    })
    expect(JSON.parse(JSON.stringify(message))).not.toHaveProperty('body')
  })

  it('that is signed and not JSON is verified; the look into it is refused', async () => {
    const { receiver, request } = setUp()
    const message = await receiver.verify(await request({ body: 'not JSON' }))
    expect(message.keyId).toBe('0')
    expect(() => message.data).toThrow(PayloadError)
    expect(() => message.type).toThrow('not JSON')
  })

  it('has no integrity where a static token says only who sends', async () => {
    const receiver = createReceiver({ format: token, secret: TEXT_SECRET })
    const sent = await signRequest(token, TEXT_SECRET, { type: 'a.b' })
    expect((await receiver.verify(sent)).integrity).toBe('none')
    expect(await codeOf(receiver.verify({ ...sent, headers: { 'x-token': `${TEXT_SECRET}.` } }))).toBe(
      'signature_mismatch',
    )
  })

  it('is refused by an error of ours, and never by a false', async () => {
    const { receiver, request } = setUp()
    const refused = await receiver.verify({ ...(await request()), body: utf8('{}') }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(WebhookVerificationError)
    expect(isHooksError(refused, 'signature_mismatch')).toBe(true)
  })

  it('drops __proto__ keys, which would act on who copies them', async () => {
    const { receiver, request } = setUp()
    const body = '{"type":"a.b","data":{"__proto__":{"admin":true},"\\u005f_proto__":1,"n":1}}'
    const message = await receiver.verify(await request({ body }))
    expect(Object.assign({}, message.data)).toEqual({ n: 1 })
    expect((Object.assign({}, message.data) as { admin?: boolean }).admin).toBeUndefined()
  })

  it('may be signed with Ed25519, where the secret is a public key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = (key: typeof publicKey, type: 'spki' | 'pkcs8') =>
      (key.export({ format: 'der', type } as never) as unknown as Buffer).subarray(-32).toString('base64')
    const clock = virtualClock()
    const sent = await signRequest(standardWebhooks(), `whsk_${raw(privateKey, 'pkcs8')}`, { type: 'a.b', clock })
    const receiver = createReceiver({
      format: standardWebhooks(),
      secret: [SECRET, `whpk_${raw(publicKey, 'spki')}`],
      clock,
    })
    expect((await receiver.verify(sent)).keyId).toBe('1')
    expect(await codeOf(receiver.verify({ ...sent, body: utf8('{}') }))).toBe('signature_mismatch')
    const own = `whsk_${raw(privateKey, 'pkcs8')}`
    expect(await codeOf(() => createReceiver({ format: standardWebhooks(), secret: own }))).toBe('secret_type')
  })

  it('has a default format without Ed25519, whose refusal of such a key names the one to take', () => {
    expect(() => createReceiver({ secret: `whpk_${Buffer.alloc(32).toString('base64')}` })).toThrow(
      expect.objectContaining({ code: 'secret_format', hint: expect.stringContaining('standardWebhooks()') }),
    )
  })

  it('names what makes a secret to who has none that fits', () => {
    expect(() => createReceiver({ secret: 'my-secret' })).toThrow(
      expect.objectContaining({ code: 'secret_format', hint: expect.stringContaining('npx @hooks/cli secret') }),
    )
  })
})

describe('a request is refused', () => {
  const now = Math.floor(virtualClock().now().getTime() / 1000)
  const change = (headers: Record<string, string | undefined>) => (sent: ReceivedRequest) => ({
    ...sent,
    headers: Object.fromEntries(
      Object.entries({ ...sent.headers, ...headers }).filter(([, value]) => value !== undefined),
    ),
  })
  const pairs = (more: readonly (readonly [string, string])[]) => (sent: ReceivedRequest) => ({
    ...sent,
    headers: [...Object.entries(sent.headers), ...more] as [string, string][],
  })
  const signedAt = (time: string) => (sent: ReceivedRequest) => {
    const id = (sent.headers as Record<string, string>)['webhook-id']
    const mac = createHmac('sha256', Buffer.alloc(32, 7))
      .update(`${id}.${time}.`)
      .update(sent.body as Uint8Array)
    return change({ 'webhook-timestamp': time, 'webhook-signature': `v1,${mac.digest('base64')}` })(sent)
  }

  it.each<[string, string, (sent: ReceivedRequest) => ReceivedRequest]>([
    ['without an id', 'missing_header', change({ 'webhook-id': undefined })],
    ['without a time', 'missing_header', change({ 'webhook-timestamp': undefined })],
    ['without a signature', 'missing_header', change({ 'webhook-signature': undefined })],
    ['with an empty signature', 'missing_header', change({ 'webhook-signature': '' })],
    ['without any header', 'missing_header', (sent) => ({ ...sent, headers: {} })],
    ['with an id of two words', 'malformed_header', change({ 'webhook-id': 'msg_1, msg_2' })],
    [
      'with a full stop in the id, where the signed text could be cut elsewhere',
      'malformed_header',
      change({ 'webhook-id': 'a.1' }),
    ],
    ['with an id of 257 letters', 'malformed_header', change({ 'webhook-id': 'a'.repeat(257) })],
    ['with 5,000 letters of signatures', 'malformed_header', change({ 'webhook-signature': 'v1,AAAA '.repeat(625) })],
    ['with junk for a signature', 'signature_mismatch', change({ 'webhook-signature': 'junk' })],
    ['with an empty v1 signature', 'signature_mismatch', change({ 'webhook-signature': 'v1,' })],
    ['with a signature of another length', 'signature_mismatch', change({ 'webhook-signature': 'v1,AAAA' })],
    ['with the id twice', 'ambiguous_header', pairs([['Webhook-Id', 'msg_2']])],
    ['with the time twice', 'ambiguous_header', pairs([['webhook-timestamp', '1']])],
    ['with the signature twice', 'ambiguous_header', pairs([['WEBHOOK-SIGNATURE', 'v1,AAAA']])],
    ['with a time of words', 'malformed_timestamp', change({ 'webhook-timestamp': 'yesterday' })],
    ['with a time and junk', 'malformed_timestamp', signedAt(`${now}junk`)],
    ['with a time and a space', 'malformed_timestamp', signedAt(` ${now}`)],
    ['with a time in ISO 8601', 'malformed_timestamp', signedAt('2026-01-01T00:00:00Z')],
    ['with a time before 1970', 'malformed_timestamp', signedAt('-1')],
    ['301 s old', 'timestamp_too_old', signedAt(`${now - 301}`)],
    ['301 s ahead', 'timestamp_too_new', signedAt(`${now + 301}`)],
    ['a year ahead', 'timestamp_too_new', signedAt(`${now + 31_536_000}`)],
    ['stamped in milliseconds', 'timestamp_too_new', signedAt(`${now}000`)],
    ['forged and stale, as forged', 'signature_mismatch', change({ 'webhook-timestamp': '1' })],
    [
      'changed by one byte',
      'signature_mismatch',
      (sent) => ({ ...sent, body: (sent.body as Uint8Array).map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }),
    ],
    ['cut', 'signature_mismatch', (sent) => ({ ...sent, body: (sent.body as Uint8Array).subarray(0, -1) })],
    ['emptied', 'signature_mismatch', (sent) => ({ ...sent, body: new Uint8Array() })],
    ['by GET', 'method_not_allowed', (sent) => ({ ...sent, method: 'GET' })],
    ['by a method in lower case', 'method_not_allowed', (sent) => ({ ...sent, method: 'post' })],
    ['of more bytes than allowed', 'body_too_large', (sent) => ({ ...sent, body: new Uint8Array(2 ** 20 + 1) })],
    ['compressed', 'content_encoding', change({ 'content-encoding': 'gzip' })],
    ['compressed twice', 'content_encoding', change({ 'Content-Encoding': 'identity, br' })],
    ['as parsed JSON', 'body_unavailable', (sent) => ({ ...sent, body: {} as never })],
    ['as text', 'body_unavailable', (sent) => ({ ...sent, body: '{}' as never })],
    ['without a body', 'body_unavailable', (sent) => ({ ...sent, body: undefined as never })],
    ['whose body was read before', 'body_unavailable', (sent) => ({ ...sent, body: async () => undefined })],
    [
      'whose body breaks off',
      'body_incomplete',
      (sent) => ({ ...sent, body: () => Promise.reject(new Error('reset')) }),
    ],
    [
      'whose body its reader found too large',
      'body_too_large',
      (sent) => ({ ...sent, body: () => Promise.reject({ code: 'body_too_large' }) }),
    ],
  ])('%s: %s', async (_, code, changed) => {
    const { receiver, request } = setUp()
    const honest = await request()
    expect(await codeOf(receiver.verify(honest))).toBe('accepted')
    const sent = changed(honest)
    expect(await codeOf(receiver.verify(sent))).toBe(code)
    expect((await receiver.on('booking.created', () => expect.fail('ran')).handle(sent)).outcome).toBe(code)
  })

  it.each([
    ['at the edges of the window', [-300, 300], 'accepted'],
    ['beyond them', [-301, 301], 'refused'],
  ])('or not, %s', async (_, offsets, expected) => {
    const { receiver, request, clock } = setUp()
    for (const seconds of offsets) {
      const sentAt = new Date(clock.now().getTime() + seconds * 1000)
      expect((await codeOf(receiver.verify(await request({ sentAt })))) === 'accepted').toBe(expected === 'accepted')
    }
  })

  it('by the window that the user wants, each end apart', async () => {
    const { receiver, request, clock } = setUp({ maxAge: 3_600_000, maxFuture: 0 })
    const at = (seconds: number) => request({ sentAt: new Date(clock.now().getTime() + seconds * 1000) })
    expect(await codeOf(receiver.verify(await at(-3_600)))).toBe('accepted')
    expect(await codeOf(receiver.verify(await at(-3_601)))).toBe('timestamp_too_old')
    expect(await codeOf(receiver.verify(await at(0)))).toBe('accepted')
    expect(await codeOf(receiver.verify(await at(1)))).toBe('timestamp_too_new')
  })

  it('by a hint that names the fix, where the body was parsed', async () => {
    const { receiver, request } = setUp()
    const error = await receiver.verify({ ...(await request()), body: {} as never }).catch((thrown: unknown) => thrown)
    expect(isHooksError(error, 'body_unavailable') && error.hint).toContain('before anything parses it')
  })

  it('with nothing of its body, headers or URL in the error', async () => {
    const { receiver } = setUp()
    const secrets = {
      method: 'POST',
      url: 'https://x.example/?token=CANARY',
      headers: {
        'webhook-id': 'CANARY',
        'webhook-timestamp': '1',
        'webhook-signature': 'v1,CANARY',
        authorization: 'CANARY',
      },
      body: utf8('CANARY'),
    }
    for (const headers of [
      secrets.headers,
      { ...secrets.headers, 'webhook-timestamp': 'CANARY' },
      { 'webhook-id': 'CANARY' },
    ]) {
      const error = await receiver.verify({ ...secrets, headers }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(WebhookVerificationError)
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('CANARY')
    }
  })
})

describe('headers', () => {
  it.each([
    ['a record', (headers: Record<string, string>) => headers],
    [
      'a record in another case',
      (headers: Record<string, string>) =>
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value])),
    ],
    [
      'a record of lists',
      (headers: Record<string, string>) =>
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    ],
    ['pairs', (headers: Record<string, string>) => Object.entries(headers)],
    ['a fetch Headers', (headers: Record<string, string>) => new Headers(headers)],
  ])('may be given as %s', async (_, form) => {
    const { receiver, request } = setUp()
    const sent = await request()
    expect(await codeOf(receiver.verify({ headers: form({ ...sent.headers }), body: sent.body }))).toBe('accepted')
  })
})

describe('the secret', () => {
  const make =
    (secret: unknown, format = standardWebhooks()) =>
    () =>
      createReceiver({ format, secret: secret as string })

  it.each([
    ['undefined, as from a variable that is not set', undefined, 'secret_missing'],
    ['null', null, 'secret_missing'],
    ['empty', '', 'secret_missing'],
    ['a list of none', [], 'secret_missing'],
    ['a list whose first is not set', [undefined, SECRET], 'secret_missing'],
    ['a list with an empty one', [SECRET, ''], 'secret_missing'],
    ['blank', '   ', 'secret_whitespace'],
    ['with a line break', `${SECRET}\n`, 'secret_whitespace'],
    ['not base64', 'whsec_not base64', 'secret_format'],
    ['of 23 bytes', `whsec_${Buffer.alloc(23).toString('base64')}`, 'secret_too_short'],
    ['of 65 bytes', `whsec_${Buffer.alloc(65).toString('base64')}`, 'secret_too_long'],
    ['one of five', Array(5).fill(SECRET), 'option_invalid'],
  ])('is refused at construction where it is %s', async (_, secret, code) => {
    expect(await codeOf(make(secret))).toBe(code)
    expect(await codeOf(createReceiver({ secret: async () => secret as string }).check())).toBe(code)
  })

  it('is never in what inspection shows of a receiver', () => {
    const receiver = createReceiver({ secret: SECRET })
    expect(inspect(receiver, { depth: null, showHidden: true })).not.toContain(SECRET.slice(6))
    expect(JSON.stringify(receiver)).not.toContain(SECRET.slice(6))
  })

  it('may be one of four during a rotation, and the message says which fitted', async () => {
    const secrets = [1, 2, 3, 4].map((n) => `whsec_${Buffer.alloc(32, n).toString('base64')}`)
    const { receiver, request } = setUp({ secret: secrets })
    for (const [i, secret] of secrets.entries()) {
      expect((await receiver.verify(await request({}, secret))).keyId).toBe(String(i))
    }
    expect(await codeOf(receiver.verify(await request({}, OTHER_SECRET)))).toBe('signature_mismatch')
  })

  it('may have an old one that is not set, as between two rotations', async () => {
    const { receiver, request } = setUp({ secret: [SECRET, process.env.THERE_IS_NO_SUCH_VARIABLE] })
    expect((await receiver.verify(await request())).keyId).toBe('0')
  })

  it('may be found by the request, as one for each tenant', async () => {
    const secrets: Record<string, string> = { acme: SECRET, beta: OTHER_SECRET }
    const { receiver, request } = setUp({ secret: async ({ url }) => secrets[url.split('/').at(-1) as string] })
    const sent = await request()
    expect(await codeOf(receiver.verify({ ...sent, url: '/hooks/acme' }))).toBe('accepted')
    expect(await codeOf(receiver.verify({ ...sent, url: '/hooks/beta' }))).toBe('signature_mismatch')
    expect(await codeOf(receiver.verify({ ...sent, url: '/hooks/none' }))).toBe('secret_missing')
    expect((await receiver.handle({ ...sent, url: '/hooks/none' })).status).toBe(500)
    expect(await codeOf(receiver.check({ url: '/hooks/acme' }))).toBe('accepted')
    expect(await codeOf(receiver.check())).toBe('secret_missing')
  })

  it('that there is not for what a stranger asks is a refusal, where its function says so, and tells the console nothing', async () => {
    const secret = () => {
      throw new WebhookVerificationError('signature_mismatch')
    }
    const told = vi.spyOn(console, 'error')
    const { request } = setUp()
    const receiver = createReceiver({ secret, explain: false })
    expect(await receiver.handle(await request())).toMatchObject({ status: 401, outcome: 'signature_mismatch' })
    expect(told).not.toHaveBeenCalled()
    told.mockRestore()
  })

  it('may not be known when the receiver is built: it is asked for with the first request', async () => {
    let asked = 0
    const { receiver, request } = setUp({
      secret: () => {
        asked++
        return SECRET
      },
    })
    expect(asked).toBe(0)
    expect(await codeOf(receiver.verify(await request()))).toBe('accepted')
    expect(asked).toBe(1)
  })

  it('of text is taken to the letter, whsec_ and all', async () => {
    const clock = virtualClock()
    const secret = 'whsec_abc123def456'
    const body = utf8('{"event":"a.b","timestamp":"2026-01-01T00:00:00Z","data":1}')
    const receiver = createReceiver({ format: lokroom, secret, clock })
    const signature = createHmac('sha256', secret).update(body).digest('hex')
    expect(await codeOf(receiver.verify({ headers: { 'x-lok-signature': signature }, body }))).toBe('accepted')
  })
})

describe('the options', () => {
  it.each([
    ['a maxAge that is no number', { maxAge: '5 minutes' as never }, 'option_invalid'],
    ['a maxFuture below zero', { maxFuture: -1 }, 'option_invalid'],
    [
      'a window for a format that signs no time',
      { format: lokroom, secret: TEXT_SECRET, maxAge: 300_000 },
      'option_invalid',
    ],
    ['a lease of no time', { leaseMs: 0 }, 'option_invalid'],
    ['a retention that is no number', { keepMs: Number.NaN }, 'option_invalid'],
    ['a limit that is no number', { maxBodyBytes: Number.NaN }, 'option_invalid'],
    ['a limit of text, as from the environment', { maxBodyBytes: '1024' }, 'option_invalid'],
    ['a lease of text', { leaseMs: '60000' }, 'option_invalid'],
    ['a lease without an end', { leaseMs: Infinity }, 'option_invalid'],
    ['a retention below zero', { keepMs: -1 }, 'option_invalid'],
    ['a window without an end', { maxAge: Infinity }, 'option_invalid'],
    ['an explanation that is only switched on', { explain: true }, 'option_invalid'],
    ['an explanation that is text', { explain: 'yes' }, 'option_invalid'],
    ['no explanation, said with null', { explain: null }, 'option_invalid'],
    ['a contract that is text', { contract: 'standard-webhooks' }, 'option_invalid'],
    ['a format that is its name', { format: 'stripe' }, 'option_invalid'],
    ['a format that was not called', { format: standardWebhooks }, 'option_invalid'],
    ['a catalog of nothing', { events: null }, 'option_invalid'],
    ['a store that is switched on', { idempotency: true }, 'option_invalid'],
    ['a store that was not made', { idempotency: memoryIdempotency }, 'option_invalid'],
    ['a key that is text', { idempotencyKey: 'id' }, 'option_invalid'],
    ['a transaction that is a database', { idempotency: memoryIdempotency(), transaction: {} }, 'option_invalid'],
    ['an inbox that is not in the background', { inbox: memoryInbox() }, 'option_invalid'],
    ['a handler of the rest that is none', { onUnknown: true }, 'option_invalid'],
    ['a listener that is none', { onOutcome: {} }, 'option_invalid'],
    ['a policy that there is not', { onInvalidPayload: 'drop' }, 'option_invalid'],
    ['answers that are none', { answers: '200' }, 'option_invalid'],
    ['a source that is a number', { source: 5 }, 'option_invalid'],
    ['a clock that is a function', { clock: Date.now }, 'option_invalid'],
    ['a logger that is a function', { logger: console.log }, 'option_invalid'],
    ['a secret that is a number', { secret: 5 }, 'secret_missing'],
    ['a name that nothing reads', { idempotencyStore: memoryIdempotency() }, 'option_invalid'],
  ])('are refused at construction: %s', async (_, options, code) => {
    expect(await codeOf(() => createReceiver({ secret: SECRET, ...options } as never))).toBe(code)
  })

  it('name the option that is wrong, and not what it was', () => {
    const make = () => createReceiver({ secret: SECRET, onOutcome: 's3cr3t' as never })
    expect(make).toThrow('onOutcome is not: function')
    expect(make).not.toThrow('s3cr3t')
    expect(() => createReceiver({ secrets: SECRET } as never)).toThrow('secrets is not: known')
  })

  it('that are undefined are as if they were left out', async () => {
    const names = ['contract', 'format', 'events', 'idempotency', 'leaseMs', 'answers', 'explain', 'source', 'clock']
    const options = Object.fromEntries(names.map((name) => [name, undefined]))
    const { request } = setUp()
    const receiver = createReceiver({ ...options, secret: SECRET, maxAge: 1e15 } as never)
    expect(await codeOf(receiver.verify(await request()))).toBe('accepted')
  })

  it('of a handler are checked where it is added', async () => {
    expect(await codeOf(() => createReceiver({ secret: SECRET }).on('a.b', undefined as never))).toBe('option_invalid')
  })

  it('may bound the time of a format that was told to have no window', async () => {
    const clock = virtualClock()
    const sentAt = new Date(clock.now().getTime() - 3_600_000)
    const sent = await signRequest(auditTrail, TEXT_SECRET, { type: 'a.b', sentAt, clock })
    const format = { ...auditTrail, window: null }
    expect(await codeOf(createReceiver({ format, secret: TEXT_SECRET, clock }).verify(sent))).toBe('accepted')
    const bounded = createReceiver({ format, secret: TEXT_SECRET, clock, maxAge: 1_800_000 })
    expect(await codeOf(bounded.verify(sent))).toBe('timestamp_too_old')
  })
})

import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { type Key, type Proof, platformCrypto, standardWebhooks } from '@hooks/core'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send, utf8 } from './support.ts'
import vectors from './vectors/standard-webhooks.json' with { type: 'json' }

interface Vector {
  readonly title: string
  readonly prefix?: string
  readonly secret: string
  readonly now: number
  readonly windowSeconds?: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string
  readonly outcome: string
  readonly reads?: string
  readonly sources: readonly string[]
}

const format = standardWebhooks()

/** `valid`, or the code of the refusal. */
const judge = async ({ prefix, secret, now, windowSeconds, headers, payload }: Vector): Promise<string> => {
  const chosen = prefix ? standardWebhooks({ prefix }) : format
  const either = windowSeconds == null ? windowSeconds : windowSeconds * 1000
  const window = typeof either === 'number' ? { maxAgeMs: either, maxFutureMs: either } : either
  const outcome = await outcomeOf({ format: chosen, secrets: [secret], now, window }, request(headers, payload))
  return outcome === '0' ? 'valid' : outcome
}

describe('what the specification and the reference libraries publish', () => {
  it.each(vectors.sign)('signs as published: $title', async ({ secret, id, timestamp, signature, ...vector }) => {
    const body = 'repeat' in vector ? 'a'.repeat(vector.repeat?.[1] as number) : (vector.payload as string)
    const keys = format.keys(secret, 'sign')
    const attempt = { ...delivery({ id }), attempt: 1, sentAt: new Date(timestamp * 1000), body: utf8(body) }
    expect(await format.seal(attempt, keys, platformCrypto())).toEqual({
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    })
  })

  it.each(vectors.verify as readonly Vector[])('judges as published: $title ($outcome)', async (vector) => {
    expect(await judge(vector)).toBe(vector.outcome)
    if (vector.reads) expect(codeOf(() => format.read(request(vector.headers, vector.payload)))).toBe(vector.reads)
  })

  it.each(vectors.secrets)('takes or refuses secrets as published: $secret', ({ secret, use, outcome }) => {
    const uses = use ? [use as 'sign'] : (['sign', 'verify'] as const)
    for (const one of uses) expect(codeOf(() => format.keys(secret as string, one))).toBe(outcome)
  })

  it('knows the published key pair as one', () => {
    const [secret] = format.keys(vectors.keyPair.secret, 'sign') as [Key]
    const [open] = format.keys(vectors.keyPair.public, 'verify') as [Key]
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret.bytes.subarray(0, 32)])
    const jwk = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
      format: 'jwk',
    })
    expect(Buffer.from(open.bytes).toString('base64url')).toBe(jwk.x)
  })

  it("parses the specification's example headers, whose keys nobody published, and verifies neither of their signatures", async () => {
    const { headers, payloads } = vectors.specification
    for (const payload of payloads) {
      const { proofs, sentAt } = format.open(request(headers, payload))
      expect(sentAt).toEqual(new Date('2023-01-19T00:13:51Z'))
      const [{ given, over }] = proofs as [Proof]
      expect(given.map(({ algorithm }) => algorithm)).toEqual(['hmac-sha256', 'ed25519'])
      expect(over[0]?.[0]).toBe('msg_2KWPBgLlAfxdpx2AI54pPJ85f4W.1674087231.')
      const secrets = [vectors.keyPair.public, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']
      expect(await outcomeOf({ format, secrets, now: 1674087231 }, request(headers, payload))).toBe(
        'signature_mismatch',
      )
    }
    expect(format.read(request(headers, payloads[0] as string))).toEqual({
      type: 'contact.created',
      data: { id: '1f81eb52-5198-4599-803e-771906343485' },
      id: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      sentAt: new Date('2023-01-19T00:13:51Z'),
      occurredAt: new Date('2022-11-03T20:26:10.344Z'),
    })
  })

  describe('and where we differ, on purpose', () => {
    it.each(vectors.differ.verify as readonly (Vector & { published: string; why: string })[])(
      '$title: published as $published, here $outcome, because $why',
      async (vector) => {
        if (vector.outcome.startsWith('secret_'))
          expect(codeOf(() => format.keys(vector.secret, 'verify'))).toBe(vector.outcome)
        else expect(await judge(vector)).toBe(vector.outcome)
      },
    )

    it.each(vectors.differ.secrets)('$secret: published as $published, here $outcome, because $why', ({ secret }) => {
      expect(codeOf(() => format.keys(secret, 'sign'))).toBe('accepted')
    })
  })
})

describe('what the reference libraries accept and we refuse', () => {
  const now = 1_700_000_000
  const text = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const sign = (id: string, time: string, body: string | Buffer, key = Buffer.from(text, 'base64')) =>
    `v1,${createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest('base64')}`
  const good = sign('msg_1', String(now), '{}')
  const junk = `v1,${'A'.repeat(43)}=`
  const headers = (id: string, time: string, signature: string) => ({
    'webhook-id': id,
    'webhook-timestamp': time,
    'webhook-signature': signature,
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  const cases: [what: string, code: string, sent: Record<string, string>, body?: string | Buffer, secret?: string][] = [
    ['a time with letters behind it', 'malformed_timestamp', headers('msg_1', `${now}junk`, good)],
    ['a time with a space in front', 'malformed_timestamp', headers('msg_1', ` ${now}`, good)],
    ['a time with a plus in front', 'malformed_timestamp', headers('msg_1', `+${now}`, good)],
    ['a time with a zero in front', 'malformed_timestamp', headers('msg_1', `0${now}`, good)],
    ['a time with a fraction', 'malformed_timestamp', headers('msg_1', `${now}.9`, good)],
    [
      // Signed: id "msg_1", body "<time>.5". Sent: id "msg_1.<time>", body "5". A fresh id defeats deduplication.
      'the signed bytes split elsewhere, by a full stop in the id',
      'malformed_header',
      headers(`msg_1.${now}`, String(now), sign('msg_1', String(now), `${now}.5`)),
      '5',
    ],
    ['an id that is not ASCII', 'malformed_header', headers('msg_é', String(now), sign('msg_é', String(now), '{}'))],
    [
      'an id of 257 characters',
      'malformed_header',
      headers('m'.repeat(257), String(now), sign('m'.repeat(257), String(now), '{}')),
    ],
    [
      'a right signature with more behind a comma',
      'signature_mismatch',
      headers('msg_1', String(now), `${good},extra`),
    ],
    [
      'more than 4 KB of signatures',
      'malformed_header',
      headers('msg_1', String(now), [...Array(90).fill(junk), good].join(' ')),
    ],
    [
      'a right signature after 16 others',
      'malformed_header',
      headers('msg_1', String(now), [...Array(16).fill(junk), good].join(' ')),
    ],
    [
      'the byte FF where U+FFFD was signed',
      'signature_mismatch',
      headers('msg_1', String(now), sign('msg_1', String(now), '"\ufffd"')),
      Buffer.from([0x22, 0xff, 0x22]),
    ],
    [
      'a key of one byte',
      'secret_too_short',
      headers('msg_1', String(now), sign('msg_1', String(now), '{}', Buffer.from([0]))),
      '{}',
      'whsec_AA==',
    ],
    [
      'a key of 65 bytes',
      'secret_too_long',
      headers('msg_1', String(now), sign('msg_1', String(now), '{}', Buffer.alloc(65))),
      '{}',
      `whsec_${Buffer.alloc(65).toString('base64')}`,
    ],
  ]

  it.each(cases)('%s (%s)', async (_, code, sent, body = '{}', secret = text) => {
    vi.useFakeTimers({ now: now * 1000, toFake: ['Date'] })
    const buffer = Buffer.from(body)
    expect(() => new Webhook(secret).verify(buffer, sent)).not.toThrow()
    expect(() => new SvixWebhook(secret).verify(buffer, sent)).not.toThrow()
    expect(await outcomeOf({ format, secrets: [secret], now }, request(sent, buffer))).toBe(code)
  })

  it('refuses the empty key, under which svix 1.99 verifies what anyone signs', () => {
    vi.useFakeTimers({ now: now * 1000, toFake: ['Date'] })
    const forged = headers('msg_1', String(now), sign('msg_1', String(now), '{}', Buffer.alloc(0)))
    expect(() => new SvixWebhook('whsec_').verify('{}', forged)).not.toThrow()
    expect(codeOf(() => format.keys('whsec_', 'verify'))).toBe('secret_too_short')
  })

  it('answers in a bounded time, and by a type of our own, to a million signatures', async () => {
    const list = Array(1_000_000).fill(junk).join(' ')
    const begun = process.hrtime.bigint()
    expect(await outcomeOf({ format, secrets: [text], now }, request(headers('msg_1', String(now), list), '{}'))).toBe(
      'malformed_header',
    )
    expect(Number(process.hrtime.bigint() - begun) / 1e6).toBeLessThan(100)
  })

  it('refuses an id, a time or a signature that came twice, joined by the host or not', async () => {
    const sent = headers('msg_1', String(now), good)
    const judged = (changes: object) =>
      outcomeOf({ format, secrets: [text], now }, request({ ...sent, ...changes }, '{}'))
    expect(await judged({ 'webhook-id': 'msg_1, msg_1' })).toBe('malformed_header')
    expect(await judged({ 'webhook-id': ['msg_1', 'msg_1'] })).toBe('ambiguous_header')
    expect(await judged({ 'webhook-timestamp': `${now}, ${now}` })).toBe('malformed_timestamp')
    expect(await judged({ 'webhook-timestamp': [String(now), String(now)] })).toBe('ambiguous_header')
    expect(await judged({ 'webhook-signature': [good, good] })).toBe('ambiguous_header')
    expect(await judged({ 'webhook-signature': `${junk}, ${good}` })).toBe('ambiguous_header')
    expect(await judged({ 'webhook-signature': `${good}, ${junk}` })).toBe('ambiguous_header')
    expect(await judged({ 'webhook-signature': `${junk}, ${junk}` })).toBe('ambiguous_header')
  })

  it('takes what the reference libraries cannot: a fetch Headers, a list of pairs', async () => {
    const sent = headers('msg_1', String(now), good)
    for (const input of [new Headers(sent), Object.entries(sent), new Map(Object.entries(sent))]) {
      expect(await outcomeOf({ format, secrets: [text], now }, request(input as Headers, '{}'))).toBe('0')
    }
  })
})

describe('keys and signatures, several and mixed', () => {
  const now = 1_700_000_000
  const at = { sentAt: new Date(now * 1000) }
  const [oldSecret, newSecret, foreign] = [1, 2, 3].map((n) => format.newSecret(new Uint8Array(32).fill(n))) as [
    string,
    string,
    string,
  ]
  const pair = () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const open = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
    return {
      seed: `whsk_${seed.toString('base64')}`,
      both: `whsk_${Buffer.concat([seed, open]).toString('base64')}`,
      open: `whpk_${open.toString('base64')}`,
      bytes: open,
    }
  }
  const [first, second] = [pair(), pair()]

  it('writes one signature for each live key, in the order of the keys', async () => {
    const { headers } = await send(format, [newSecret, first.seed, oldSecret], delivery(), at)
    expect(headers['webhook-signature']).toMatch(/^v1,\S{44} v1a,\S{88} v1,\S{44}$/)
  })

  it('says which secret fitted, whichever place it has', async () => {
    const { headers, body } = await send(format, [oldSecret], delivery(), at)
    expect(await outcomeOf({ format, secrets: [newSecret, oldSecret], now }, request(headers, body))).toBe('1')
    expect(await outcomeOf({ format, secrets: [oldSecret, newSecret], now }, request(headers, body))).toBe('0')
    expect(await outcomeOf({ format, secrets: [newSecret, foreign], now }, request(headers, body))).toBe(
      'signature_mismatch',
    )
    expect(await outcomeOf({ format, secrets: [], now }, request(headers, body))).toBe('signature_mismatch')
  })

  it.each([
    ['the seed alone', first.seed],
    ['seed and public key', first.both],
  ])('signs v1a with %s, and the public key verifies it', async (_, secret) => {
    const { headers, body } = await send(format, [secret], delivery(), at)
    expect(headers['webhook-signature']).toMatch(/^v1a,\S{88}$/)
    expect(await outcomeOf({ format, secrets: [first.open], now }, request(headers, body))).toBe('0')
    expect(await outcomeOf({ format, secrets: [second.open], now }, request(headers, body))).toBe('signature_mismatch')
    expect(await outcomeOf({ format, secrets: [foreign, second.open, first.open], now }, request(headers, body))).toBe(
      '2',
    )
  })

  it('serves receivers of either kind with one request that carries both', async () => {
    const { headers, body } = await send(format, [newSecret, first.seed], delivery(), at)
    for (const secrets of [[newSecret], [first.open], [first.open, newSecret]]) {
      expect(await outcomeOf({ format, secrets, now }, request(headers, body))).toBe('0')
    }
    expect(await outcomeOf({ format, secrets: [foreign, second.open], now }, request(headers, body))).toBe(
      'signature_mismatch',
    )
  })

  it('never takes a public key, which everyone knows, for an HMAC key', async () => {
    const signed = (label: string, bytes: Buffer) => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(now),
      'webhook-signature': `${label},${bytes.toString('base64')}`,
    })
    const mac = createHmac('sha256', first.bytes).update(`msg_1.${now}.{}`).digest()
    for (const headers of [signed('v1', mac), signed('v1a', mac), signed('v1a', Buffer.concat([mac, mac]))]) {
      expect(await outcomeOf({ format, secrets: [first.open], now }, request(headers, '{}'))).toBe('signature_mismatch')
    }
  })

  it('keeps private keys from receivers and public keys from senders', () => {
    expect(codeOf(() => format.keys(first.seed, 'verify'))).toBe('secret_type')
    expect(codeOf(() => format.keys(first.open, 'sign'))).toBe('secret_type')
    expect(codeOf(() => format.keys(`whpk_${Buffer.alloc(31).toString('base64')}`, 'verify'))).toBe('secret_type')
    expect(codeOf(() => format.keys(`whsk_${Buffer.alloc(33).toString('base64')}`, 'sign'))).toBe('secret_type')
  })

  it('takes a signature of a version it does not know for none, and goes on to the next', async () => {
    const { headers, body } = await send(format, [newSecret], delivery(), at)
    const list = headers['webhook-signature']
    for (const other of [`v2,${'A'.repeat(43)}=`, 'v1', 'v1,', 'V1,x', 'v1a,', ',', 'none,', '', ' ']) {
      const received = request({ ...headers, 'webhook-signature': `${other} ${list}` }, body)
      expect(await outcomeOf({ format, secrets: [newSecret], now }, received), other).toBe('0')
    }
  })

  it.each([
    ['upper case', (good: string) => good.replace('v1,', 'V1,')],
    ['hexadecimal', (good: string) => `v1,${Buffer.from(good.slice(3), 'base64').toString('hex')}`],
    ['no padding', (good: string) => good.slice(0, -1)],
    ['base64url', (good: string) => good.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')],
    ['white space inside', (good: string) => `${good.slice(0, 20)}\t${good.slice(20)}`],
    ['no comma', (good: string) => good.replace(',', '')],
    ['an Ed25519 label', (good: string) => good.replace('v1,', 'v1a,')],
    [
      'bits that base64 leaves unused',
      (good: string) => `${good.slice(0, -2)}${String.fromCharCode(good.charCodeAt(good.length - 2) + 1)}=`,
    ],
  ])('refuses the right signature in another spelling: %s', async (_, spell) => {
    // A signature whose last letter is even, so that its neighbour differs in unused bits alone.
    const suits = (made: string) => /[AEIMQUYcgkosw048]=$/.test(made) && /[+/]/.test(made)
    let sent = await send(format, [newSecret], delivery(), at)
    for (let i = 0; !suits(String(sent.headers['webhook-signature'])); i++) {
      sent = await send(format, [newSecret], delivery({ data: String(i) }), at)
    }
    const signature = spell(String(sent.headers['webhook-signature']))
    expect(signature).not.toBe(sent.headers['webhook-signature'])
    const received = request({ ...sent.headers, 'webhook-signature': signature }, sent.body)
    expect(await outcomeOf({ format, secrets: [newSecret], now }, received)).toBe('signature_mismatch')
  })

  it('reports a forged request with a stale time as forged', async () => {
    const { headers, body } = await send(format, [foreign], delivery(), at)
    expect(await outcomeOf({ format, secrets: [newSecret], now: now + 9999 }, request(headers, body))).toBe(
      'signature_mismatch',
    )
  })

  it.each([
    [300, '0'],
    [301, 'timestamp_too_old'],
    [-300, '0'],
    [-301, 'timestamp_too_new'],
  ])('%i seconds after sending, answers %s', async (seconds, outcome) => {
    const { headers, body } = await send(format, [newSecret], delivery(), at)
    expect(await outcomeOf({ format, secrets: [newSecret], now: now + seconds }, request(headers, body))).toBe(outcome)
    expect(
      await outcomeOf({ format, secrets: [newSecret], now: now + seconds, window: null }, request(headers, body)),
    ).toBe('0')
  })

  it('takes POST alone', async () => {
    const { headers, body } = await send(format, [newSecret], delivery(), at)
    for (const method of ['GET', 'PUT', 'post', 'HEAD', '']) {
      const received = request(headers, body, { method })
      expect(await outcomeOf({ format, secrets: [newSecret], now }, received)).toBe('method_not_allowed')
    }
  })

  it('names its headers by another first word, in lower case', async () => {
    const svix = standardWebhooks({ prefix: 'Svix' })
    const { headers, body } = await send(svix, [newSecret], delivery(), at)
    expect(Object.keys(headers)).toEqual(['svix-id', 'svix-timestamp', 'svix-signature'])
    expect(await outcomeOf({ format: svix, secrets: [newSecret], now }, request(Object.entries(headers), body))).toBe(
      '0',
    )
    expect(await outcomeOf({ format, secrets: [newSecret], now }, request(headers, body))).toBe('missing_header')
  })

  it.each([
    ['not JSON', '{'],
    ['empty', ''],
    ['no object', '[]'],
    ['null', 'null'],
    ['without a type', '{"data":{}}'],
    ['with a type that is no text', '{"type":1}'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['with a byte order mark', '\ufeff{"type":"a"}'],
  ])('refuses to read a signed body that is %s', (_, body) => {
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(now), 'webhook-signature': 'v1,' }
    expect(codeOf(() => format.read(request(headers, body)))).toBe('payload_invalid')
  })
})

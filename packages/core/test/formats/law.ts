import nodeCryptoModule from 'node:crypto'
import type { Content, CryptoBackend, OutgoingAttempt, OutgoingDelivery, RawRequest, WireFormat } from '@hooks/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeCrypto, webCrypto } from '../../src/crypto.ts'
import { outcomeOf, request, send } from '../support.ts'

/** What the law must know of a format, beside its facts. */
export interface LawOptions {
  /** The headers that a single changed bit must spoil: the signature's first, then what it covers. */
  readonly signed: readonly string[]
  /** The secret to sign with, where it is not the one to verify with. */
  readonly sign?: string
  /** Another secret to verify with, where `newSecret` makes none. */
  readonly other?: string
  /** Data that the format carries: any JSON object by default. */
  readonly data?: fc.Arbitrary<unknown>
  /** Event types that the format carries: dotted words by default. */
  readonly type?: fc.Arbitrary<string>
  /** The content of what is sent, all of it: by default type, data, the message's id and the second of the attempt. */
  readonly content?: (sent: OutgoingAttempt) => Content
  /** The time that the signature carries, and the window applies to: the attempt's by default, the event's for some. */
  readonly signedTime?: (sent: OutgoingAttempt) => Date
  /** Places (`body`, `url`, a header) that can be spelled otherwise and say the same: hexadecimal digits, percent-encoding. */
  readonly spellings?: readonly string[]
}

type Sent = Awaited<ReturnType<typeof send>> & { readonly url: string }

const LETTERS = 'abcXYZ019_-'
const word = (most: number, letters = LETTERS) =>
  fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: most })
export const dotted = fc.array(word(8), { minLength: 1, maxLength: 3 }).map((words) => words.join('.'))
const withoutProto = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (key, inside) => (key === '__proto__' ? undefined : inside))
/** A JSON value as a parser gives it: no `-0`, no `__proto__`. */
export const anyJson = fc.jsonValue({ maxDepth: 3, noUnicodeString: false }).map(withoutProto)
/** A JSON object whose fields are no provider's. */
export const anyObject = fc
  .dictionary(
    fc.string({ maxLength: 8 }).map((name) => `~${name}`),
    anyJson,
    { maxKeys: 5 },
  )
  .map((value) => withoutProto(value) as Record<string, unknown>)
/** Whole seconds, which every format's stamp can write. */
const time = fc.integer({ min: 1_000, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000))

const deliveryOf = (data: fc.Arbitrary<unknown>, type: fc.Arbitrary<string>): fc.Arbitrary<OutgoingDelivery> =>
  fc.record({
    message: fc.record({
      id: word(40),
      type,
      occurredAt: time,
      tenant: word(12),
      data: data.map((value) => JSON.stringify(value)),
    }),
    endpoint: fc.record({ id: word(12), url: fc.webUrl({ withQueryParameters: true, size: 'small' }) }),
    delivery: fc.record({ id: word(12) }),
  })

const flipText = (text: string, bit: number): string => {
  const at = bit >> 3
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << (bit & 7))) + text.slice(at + 1)
}
const flipBytes = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

const received = ({ headers, body, url }: Pick<Sent, 'headers' | 'body' | 'url'>): RawRequest =>
  request(headers, body, { url })

/** A signed place of a request: how many bits it has, and the request with one of them flipped. */
interface Place {
  readonly name: string
  readonly bits: number
  flip(bit: number): RawRequest
}

const placesOf = ({ facts }: WireFormat, signed: readonly string[], sent: Sent): Place[] => [
  ...signed.map((name) => ({
    name,
    bits: String(sent.headers[name]).length * 8,
    flip: (bit: number) =>
      received({ ...sent, headers: { ...sent.headers, [name]: flipText(String(sent.headers[name]), bit) } }),
  })),
  ...(facts.body === 'signed' && sent.body.length > 0
    ? [
        {
          name: 'body',
          bits: sent.body.length * 8,
          flip: (bit: number) => received({ ...sent, body: flipBytes(sent.body, bit) }),
        },
      ]
    : []),
  ...(facts.url === 'signed'
    ? [
        {
          name: 'url',
          bits: sent.url.length * 8,
          flip: (bit: number) => received({ ...sent, url: flipText(sent.url, bit) }),
        },
      ]
    : []),
]

const backends: [string, () => CryptoBackend][] = [
  ['node:crypto', () => nodeCrypto(nodeCryptoModule)],
  ['Web Crypto', () => webCrypto(globalThis.crypto.subtle)],
]

/**
 * The law of wire formats: `verify(seal(x)) = x`, restricted to what `facts` say is carried, and any bit flipped in a
 * signed part is refused.
 */
export function formatLaw(name: string, format: WireFormat, secret: string, options: LawOptions): void {
  const { facts, window } = format
  const {
    signed,
    sign = secret,
    data = anyObject,
    type = dotted,
    spellings = [],
    signedTime = ({ sentAt }) => sentAt,
  } = options
  const signature = signed[0] as string
  const content =
    options.content ??
    (({ message, sentAt }: OutgoingAttempt): Content => ({
      type: message.type,
      data: JSON.parse(message.data),
      ...(facts.id !== 'absent' && { id: message.id }),
      ...(facts.sentAt !== 'absent' && { sentAt }),
    }))
  const sent = deliveryOf(data, type)
  const sealed = async (one: OutgoingDelivery, sentAt: Date, crypto: CryptoBackend, attempt = 1): Promise<Sent> => ({
    ...(await send(format, [sign], one, { sentAt, attempt, crypto })),
    url: one.endpoint.url,
  })
  const timeout = 60_000

  describe.each(backends)(`the law of ${name}, with %s`, (backend, make) => {
    const crypto = make()
    const runs = (count: number) => ({ numRuns: backend === 'node:crypto' ? count : Math.ceil(count / 5) })
    const judge = (now: Date, verify = secret) => ({ format, secrets: [verify], now: now.getTime() / 1000, crypto })
    /** Any time will do: what is changed must be refused for its signature. */
    const anyTime = { ...judge(new Date(0)), window: null }

    const expectRefused = async (sent: Sent, place: Place, bit: number) => {
      const changed = place.flip(bit)
      if (!/^\d+$/.test(await outcomeOf(anyTime, changed))) return
      if (!spellings.includes(place.name)) expect.fail(`accepted with bit ${bit} of the signed ${place.name} flipped`)
      expect(format.read(changed)).toEqual(format.read(received(sent)))
    }

    it('holds: what is sealed is proved, and read as it was', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(sent, time, fc.integer({ min: 1, max: 99 }), async (one, sentAt, attempt) => {
          const made = await sealed(one, sentAt, crypto, attempt)
          expect(await outcomeOf(judge(signedTime(made.attempt)), received(made))).toBe('0')
          expect(format.read(received(made))).toEqual(content(made.attempt))
        }),
        runs(100),
      )
    })

    it('gives every attempt the same body', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(sent, time, time, async (one, first, later) => {
          const [a, b] = [await sealed(one, first, crypto, 1), await sealed(one, later, crypto, 2)]
          expect(b.body).toEqual(a.body)
        }),
        runs(25),
      )
    })

    it('refuses another secret', { timeout }, async () => {
      const other = options.other ?? format.newSecret(new Uint8Array(32).fill(7))
      expect(other).not.toBe(secret)
      await fc.assert(
        fc.asyncProperty(sent, time, async (one, sentAt) => {
          const made = await sealed(one, sentAt, crypto)
          expect(await outcomeOf(judge(signedTime(made.attempt), other), received(made))).toBe('signature_mismatch')
        }),
        runs(50),
      )
    })

    it('refuses any bit flipped in a signed part', { timeout }, async () => {
      const bits = fc.array(fc.nat(), { minLength: 8, maxLength: 8 })
      await fc.assert(
        fc.asyncProperty(sent, time, bits, async (one, sentAt, drawn) => {
          const made = await sealed(one, sentAt, crypto)
          for (const place of placesOf(format, signed, made)) {
            for (const bit of drawn) await expectRefused(made, place, bit % place.bits)
          }
        }),
        runs(50),
      )
    })

    it.runIf(backend === 'node:crypto')(
      'refuses every bit of one request, one after the other',
      { timeout },
      async () => {
        const [one] = fc.sample(sent, { numRuns: 1, seed: 1 }) as [OutgoingDelivery]
        const made = await sealed(one, new Date(1_700_000_000_000), crypto)
        expect(await outcomeOf(anyTime, received(made))).toBe('0')
        for (const place of placesOf(format, signed, made)) {
          for (let bit = 0; bit < place.bits; bit++) await expectRefused(made, place, bit)
        }
      },
    )

    it('reads what facts call signed from what is signed, whatever the other headers say', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(sent, sent, time, time, async (one, foreign, sentAt, strangeTime) => {
          const made = await sealed(one, sentAt, crypto)
          const strange = await sealed(foreign, strangeTime, crypto, 2)
          const kept = Object.fromEntries(signed.map((header) => [header, String(made.headers[header])]))
          const mixed = { ...made, headers: { ...strange.headers, ...kept } }
          expect(await outcomeOf(judge(signedTime(made.attempt)), received(mixed))).toBe('0')
          const [honest, read] = [format.read(received(made)), format.read(received(mixed))]
          if (facts.id === 'signed') expect(read.id).toBe(honest.id)
          if (facts.sentAt === 'signed') expect(read.sentAt).toEqual(honest.sentAt)
          if (facts.body === 'signed') expect(read.data).toEqual(honest.data)
        }),
        runs(50),
      )
    })

    it('applies the window to a signed time, both ends included, and to no other', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(sent, time, async (one, sentAt) => {
          const made = await sealed(one, sentAt, crypto)
          const signedAt = signedTime(made.attempt).getTime()
          const at = (ms: number) => outcomeOf(judge(new Date(signedAt + ms)), received(made))
          const { maxAgeMs, maxFutureMs } = window ?? { maxAgeMs: 1e12, maxFutureMs: 1e12 }
          const bound = window !== null && facts.sentAt === 'signed'
          expect([await at(maxAgeMs), await at(-maxFutureMs)]).toEqual(['0', '0'])
          expect([await at(maxAgeMs + 1000), await at(-maxFutureMs - 1000)]).toEqual(
            bound ? ['timestamp_too_old', 'timestamp_too_new'] : ['0', '0'],
          )
        }),
        runs(25),
      )
    })

    it('refuses a request without its signature, and one whose signature is empty', async () => {
      const [one] = fc.sample(sent, { numRuns: 1, seed: 2 }) as [OutgoingDelivery]
      const made = await sealed(one, new Date(1_700_000_000_000), crypto)
      const { [signature]: _, ...unsigned } = made.headers
      for (const headers of [unsigned, { ...unsigned, [signature]: '' }]) {
        expect(await outcomeOf(anyTime, received({ ...made, headers }))).toBe('missing_header')
      }
    })
  })
}

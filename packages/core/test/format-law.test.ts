import nodeCryptoModule, { generateKeyPairSync } from 'node:crypto'
import {
  type Algorithm,
  type BodyTemplate,
  type Carried,
  type Codec,
  type Content,
  type CryptoBackend,
  ecdsaFromDer,
  type HmacFormatOptions,
  type HmacSignature,
  hmacFormat,
  Key,
  type OutgoingDelivery,
  part,
  platformCrypto,
  type RawRequest,
  type Segment,
  type Stamp,
  standardWebhooks,
  type WireFormat,
} from '@hooks/core'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { nodeCrypto, webCrypto } from '../src/crypto.ts'
import { inboundNodeCrypto } from '../src/inbound-crypto.ts'
import { inboundWebCrypto } from '../src/web-crypto.ts'
import { codeOf, outcomeOf, request, send } from './support.ts'

const backends: [string, () => CryptoBackend][] = [
  ['node:crypto', () => nodeCrypto(nodeCryptoModule)],
  ['Web Crypto', () => webCrypto(globalThis.crypto.subtle)],
]

// --- what is sent

const word = (letters: string, most: number) =>
  fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: most })
/** What a header keeps to the letter: HTTP drops white space at its ends. */
const headerText = word('aZ09-_.:/=+ &?', 20).map((text) => text.trim() || 'x')
const LETTERS = 'abcXYZ019_-'
const time = fc.integer({ min: 1_000, max: 4_000_000_000_000 }).map((ms) => new Date(ms))

const withoutProto = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (key, inside) => (key === '__proto__' ? undefined : inside))
const json = fc.jsonValue({ maxDepth: 3, noUnicodeString: false }).map(withoutProto)
const object = fc
  .dictionary(fc.string({ maxLength: 8 }), json, { maxKeys: 5 })
  .map((value) => withoutProto(value) as object)

const deliveryOf = (data: fc.Arbitrary<unknown>): fc.Arbitrary<OutgoingDelivery> =>
  fc.record({
    message: fc.record({
      id: word(LETTERS, 40),
      type: fc.array(word(LETTERS, 8), { minLength: 1, maxLength: 3 }).map((words) => words.join('.')),
      occurredAt: time,
      tenant: word(LETTERS, 12),
      data: data.map((value) => JSON.stringify(value)),
    }),
    endpoint: fc.record({ id: word(LETTERS, 12), url: fc.webUrl({ withQueryParameters: true }) }),
    delivery: fc.record({ id: word(LETTERS, 12) }),
  })

// --- what is changed on the way

type Sent = Awaited<ReturnType<typeof send>> & { readonly url: string; readonly method: string }

const received = ({ headers, body, url, method }: Pick<Sent, 'headers' | 'body' | 'url' | 'method'>): RawRequest =>
  request(headers, body, { url, method })

const flipText = (text: string, bit: number): string => {
  const at = bit >> 3
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << (bit & 7))) + text.slice(at + 1)
}
const flipBytes = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

/** A signed place of a request: how many bits it has, and the request with one of them flipped. */
interface Place {
  readonly name: string
  readonly bits: number
  flip(bit: number): RawRequest
}

const bodyPlace = (sent: Sent): Place => ({
  name: 'body',
  bits: sent.body.length * 8,
  flip: (bit) => received({ ...sent, body: flipBytes(sent.body, bit) }),
})
const headerPlace = (sent: Sent, name: string, from = 0, to = String(sent.headers[name]).length): Place => ({
  name,
  bits: (to - from) * 8,
  flip: (bit) =>
    received({ ...sent, headers: { ...sent.headers, [name]: flipText(String(sent.headers[name]), from * 8 + bit) } }),
})
const urlPlace = (sent: Sent): Place => ({
  name: 'url',
  bits: sent.url.length * 8,
  flip: (bit) => received({ ...sent, url: flipText(sent.url, bit) }),
})

interface Case {
  readonly format: WireFormat
  readonly secrets: readonly string[]
  readonly now: number
  readonly crypto: CryptoBackend
}

const expectRefused = async (given: Case, place: Place, bit: number) => {
  const outcome = await outcomeOf(given, place.flip(bit))
  if (/^\d+$/.test(outcome)) expect.fail(`accepted with bit ${bit} of the signed ${place.name} flipped`)
}

const timeout = 60_000

describe.each(backends)('the law of formats, with %s', (name, backend) => {
  const crypto = backend()
  const runs = (count: number) => ({ numRuns: name === 'node:crypto' ? count : count / 5 })

  describe('Standard Webhooks', () => {
    const format = standardWebhooks()
    const secret = fc
      .uint8Array({ minLength: 24, maxLength: 64 })
      .map((bytes) => `whsec_${Buffer.from(bytes).toString('base64')}`)
    const pairs = Array.from({ length: 8 }, () => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519')
      const raw = (key: Buffer) => key.subarray(-32).toString('base64')
      return {
        sign: `whsk_${raw(privateKey.export({ format: 'der', type: 'pkcs8' }))}`,
        verify: `whpk_${raw(publicKey.export({ format: 'der', type: 'spki' }))}`,
      }
    })
    const pair = fc.constantFrom(...pairs)
    const symmetric = secret.map((text) => ({ sign: text, verify: text }))
    const several = fc.uniqueArray(fc.oneof(symmetric, pair), {
      minLength: 1,
      maxLength: 4,
      selector: ({ sign }) => sign,
    })

    it.each([
      ['v1', symmetric.map((one) => [one])],
      ['v1a', pair.map((one) => [one])],
      ['both, in any number', several],
    ])(
      'holds for %s: what is sealed is proved under each of its keys, and read as it was',
      { timeout },
      async (_, arbitrary) => {
        await fc.assert(
          fc.asyncProperty(arbitrary, deliveryOf(json), time, async (keys, sent, sentAt) => {
            const { headers, body } = await send(
              format,
              keys.map(({ sign }) => sign),
              sent,
              { sentAt, crypto },
            )
            const now = Math.floor(sentAt.getTime() / 1000)
            for (const { verify } of keys) {
              expect(await outcomeOf({ format, secrets: [verify], now, crypto }, request(headers, body))).toBe('0')
            }
            expect(format.read(request(headers, body))).toEqual({
              type: sent.message.type,
              data: JSON.parse(sent.message.data),
              id: sent.message.id,
              occurredAt: sent.message.occurredAt,
              sentAt: new Date(now * 1000),
            })
          }),
          runs(150),
        )
      },
    )

    it.each([
      ['v1', symmetric],
      ['v1a', pair],
    ])('refuses %s under another secret', { timeout }, async (_, arbitrary) => {
      const two = fc.uniqueArray(arbitrary as typeof symmetric, {
        minLength: 2,
        maxLength: 2,
        selector: ({ sign }) => sign,
      })
      await fc.assert(
        fc.asyncProperty(two, deliveryOf(json), time, async (keys, sent, sentAt) => {
          const [own, other] = keys as [(typeof keys)[0], (typeof keys)[0]]
          const { headers, body } = await send(format, [own.sign], sent, { sentAt, crypto })
          const now = Math.floor(sentAt.getTime() / 1000)
          const outcome = await outcomeOf({ format, secrets: [other.verify], now, crypto }, request(headers, body))
          expect(outcome).toBe('signature_mismatch')
        }),
        runs(100),
      )
    })

    it.each([
      ['v1', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'],
      ['v1a', pairs[0]?.sign as string, pairs[0]?.verify as string],
    ])(
      'refuses %s with any single bit of body, id, time or signature flipped: every one of them',
      { timeout },
      async (_, sign, verify) => {
        const sent = {
          message: { id: 'msg_2KWP', type: 'a.b', occurredAt: new Date(1), tenant: 'acme', data: '{"é":[1,"x"]}' },
          endpoint: { id: 'ep_1', url: 'https://a.example' },
          delivery: { id: 'dlv_1' },
        }
        const sealed = {
          ...(await send(format, [sign], sent, { sentAt: new Date(1_700_000_000_000), crypto })),
          url: '',
          method: 'POST',
        }
        const given = { format, secrets: [verify], now: 1_700_000_000, crypto }
        // Any window: a flipped time must be refused for its signature.
        const wide = { ...given, window: null }
        expect(await outcomeOf(given, received(sealed))).toBe('0')
        for (const place of [
          bodyPlace(sealed),
          ...Object.keys(sealed.headers).map((name) => headerPlace(sealed, name)),
        ]) {
          for (let bit = 0; bit < place.bits; bit++) await expectRefused(wide, place, bit)
        }
      },
    )

    it('refuses a bit flipped in the one signature that fits, whatever stands beside it', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(several, deliveryOf(json), fc.nat(), fc.nat(), async (keys, sent, which, bit) => {
          const own = keys[which % keys.length] as { verify: string }
          const sealed = await send(
            format,
            keys.map(({ sign }) => sign),
            sent,
            { sentAt: new Date(1_700_000_000_000), crypto },
          )
          const list = String(sealed.headers['webhook-signature']).split(' ')
          const from = list.slice(0, which % keys.length).join(' ').length + (which % keys.length ? 1 : 0)
          const to = from + String(list[which % keys.length]).length
          const place = headerPlace({ ...sealed, url: '', method: 'POST' }, 'webhook-signature', from, to)
          await expectRefused({ format, secrets: [own.verify], now: 1_700_000_000, crypto }, place, bit % place.bits)
        }),
        runs(150),
      )
    })
  })

  describe('hmacFormat, described at random', () => {
    it('holds: what is sealed is proved, and read gives back what facts say is carried', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(described, async ({ options, sent, sentAt, attempt, secret }) => {
          const format = hmacFormat(options)
          expect(format.facts).toEqual(factsOf(options))
          expect(codeOf(() => format.check?.(sent.message.type, JSON.parse(sent.message.data)))).toBe('accepted')
          const sealed = await sealedBy(format, secret, sent, { sentAt, attempt, crypto })
          const given = {
            format,
            secrets: [format.newSecret(new Uint8Array(32)), secret],
            now: sentAt.getTime() / 1000,
            crypto,
          }
          expect(await outcomeOf(given, received(sealed))).toBe('1')
          expect(format.read(received(sealed))).toEqual(contentOf(options, sent, sentAt, attempt))
        }),
        runs(400),
      )
    })

    it('gives every attempt the same body, and the same signature where none of its parts changes', {
      timeout,
    }, async () => {
      await fc.assert(
        fc.asyncProperty(described, async ({ options, sent, sentAt, secret }) => {
          const format = hmacFormat(options)
          const first = await sealedBy(format, secret, sent, { sentAt, attempt: 1, crypto })
          const later = await sealedBy(format, secret, sent, {
            sentAt: new Date(sentAt.getTime() + 9e7),
            attempt: 2,
            crypto,
          })
          expect(later.body).toEqual(first.body)
          const changing = signedHeaders(options).some((name) => ['attempt', 'sentAt'].includes(kindOf(options, name)))
          if (!changing) expect(later.headers[signatureHeader(options)]).toBe(first.headers[signatureHeader(options)])
        }),
        runs(100),
      )
    })

    it('refuses any bit flipped in a signed part, and another secret', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(described, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), async (drawn, bits) => {
          const { options, sent, sentAt, attempt, secret, other } = drawn
          const format = hmacFormat({ ...options, window: null })
          const sealed = await sealedBy(format, secret, sent, { sentAt, attempt, crypto })
          const given = { format, secrets: [secret], now: 0, crypto }
          for (const place of signedPlaces(options, sealed)) {
            for (const bit of bits.map((drawnBit) => drawnBit % place.bits)) {
              if (!sameSpelling(options, sealed, place, bit)) await expectRefused(given, place, bit)
            }
          }
          if (secret !== other) {
            expect(await outcomeOf({ ...given, secrets: [other] }, received(sealed))).toBe('signature_mismatch')
          }
        }),
        runs(250),
      )
    })

    it('reads what facts call signed from what is signed, whatever is done to the rest', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(described, described, async (drawn, foreign) => {
          const { options, sent, sentAt, attempt, secret } = drawn
          const format = hmacFormat({ ...options, window: null })
          const sealed = await sealedBy(format, secret, sent, { sentAt, attempt, crypto })
          const other = { ...foreign.sent, message: { ...foreign.sent.message, data: sent.message.data } }
          const strange = await sealedBy(format, secret, other, {
            sentAt: foreign.sentAt,
            attempt: foreign.attempt,
            crypto,
          })
          // All that is not signed comes from another message of the same format.
          const keep = [...signedHeaders(options), signatureHeader(options)]
          const headers = Object.fromEntries(
            Object.entries(sealed.headers).map(([name, value]) => [
              name,
              keep.includes(name) ? value : strange.headers[name],
            ]),
          ) as Record<string, string>
          const mixed = { ...sealed, headers, body: format.facts.body === 'signed' ? sealed.body : strange.body }
          expect(await outcomeOf({ format, secrets: [secret], now: 0, crypto }, received(mixed))).toBe('0')
          const [honest, read] = [format.read(received(sealed)), format.read(received(mixed))]
          if (format.facts.id === 'signed') expect(read.id).toBe(honest.id)
          if (format.facts.sentAt === 'signed') expect(read.sentAt).toEqual(honest.sentAt)
          if (format.facts.body === 'signed') expect(read.data).toEqual(honest.data)
        }),
        runs(250),
      )
    })

    it('applies the window to a signed time, and to no other', { timeout }, async () => {
      await fc.assert(
        fc.asyncProperty(described, async ({ options, sent, sentAt, attempt, secret }) => {
          const format = hmacFormat(options)
          const sealed = await sealedBy(format, secret, sent, { sentAt, attempt, crypto })
          const at = (seconds: number) =>
            outcomeOf({ format, secrets: [secret], now: sentAt.getTime() / 1000 + seconds, crypto }, received(sealed))
          const bound = format.facts.sentAt === 'signed'
          expect([await at(300), await at(301), await at(-300), await at(-301)]).toEqual(
            bound ? ['0', 'timestamp_too_old', '0', 'timestamp_too_new'] : ['0', '0', '0', '0'],
          )
        }),
        runs(100),
      )
    })
  })
})

// --- formats described at random

const STAMPS: Stamp[] = ['iso', 'isoSeconds', 'unix', 'unixMs']
const stamp = fc.constantFrom(...STAMPS)
const BODY_KINDS = ['messageId', 'deliveryId', 'endpointId', 'tenant', 'type', 'occurredAt'] as const
const HEADER_KINDS = [...BODY_KINDS, 'attempt', 'sentAt'] as const

type AnyPart = { readonly part: string; readonly stamp?: Stamp; readonly header?: string }

const partOf = (kind: (typeof HEADER_KINDS)[number], written: Stamp): AnyPart =>
  kind === 'occurredAt' || kind === 'sentAt' ? part[kind](written) : part[kind]

const codec: Codec = {
  contentType: 'application/x-reversed',
  encode: (value) => [...JSON.stringify(value)].reverse().join(''),
  decode: (text) => JSON.parse([...text].reverse().join('')),
}

const FIELDS = ['event', 'id', 'é 🔗', '1', '0', 'a b', 'constructor', 'toString', '"', 'data']

/** A template: fields in any order, some of them nested, with the data under a field or spread. */
const template = fc
  .record({
    fields: fc.shuffledSubarray(FIELDS, { minLength: 2, maxLength: 7 }),
    kinds: fc.shuffledSubarray([...BODY_KINDS]),
    literals: fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), {
      minLength: 7,
      maxLength: 7,
    }),
    stamp,
    spread: fc.boolean(),
    nested: fc.nat({ max: 7 }),
  })
  .map(({ fields, kinds, literals, stamp: written, spread, nested }) => {
    const values = fields.map((_, i) => {
      if (i === 0) return part.data
      const kind = kinds[i - 1]
      return kind ? partOf(kind, written) : literals[i]
    })
    const entries = fields.map((field, i) => [i === 0 && spread ? '...' : field, values[i]] as const)
    const [outer, inner] = [entries.slice(0, nested), entries.slice(nested)]
    const whole =
      inner.length > 0 && outer.length > 0 ? [...outer, ['nested', Object.fromEntries(inner)] as const] : entries
    return Object.fromEntries(whole) as BodyTemplate
  })

const description = fc
  .record({
    body: fc.oneof({ weight: 4, arbitrary: template }, { weight: 1, arbitrary: fc.constant(part.data) }),
    headerKinds: fc.array(fc.constantFrom(...HEADER_KINDS), { maxLength: 5 }),
    literal: fc.option(headerText, { nil: undefined }),
    stamp,
    token: fc.boolean(),
    grammar: fc.constantFrom('text', 'whsec', 'base64', 'hex'),
    prefix: fc.option(headerText, { nil: undefined }),
    algorithm: fc.constantFrom('hmac-sha1', 'hmac-sha256', 'hmac-sha512', undefined),
    encoding: fc.constantFrom('hex', 'base64', 'base64url', undefined),
    over: fc.option(
      fc.array(fc.oneof(fc.nat({ max: 5 }), fc.constantFrom('body', 'url', 'method', '.', ':v1:', 'body.')), {
        minLength: 1,
        maxLength: 6,
      }),
      { nil: undefined },
    ),
    codec: fc.option(fc.constant(codec), { nil: undefined, freq: 3 }),
  })
  .map((drawn): HmacFormatOptions => {
    const kinds = [...drawn.headerKinds]
    const carried = drawn.body === part.data ? [] : partsOf(drawn.body as BodyTemplate)
    if (![...kinds, ...carried.map((one) => one.part)].includes('type')) kinds.push('type')
    const headers: Record<string, AnyPart | string> = Object.fromEntries(
      kinds.map((kind, i) => [i % 2 ? `X-H-${i}` : `x-h-${i}`, partOf(kind, drawn.stamp)]),
    )
    if (drawn.literal) headers['user-agent'] = drawn.literal
    const names = Object.keys(headers)
    const over = drawn.over?.map((one) => {
      if (typeof one === 'number') return names.length ? part.header(String(names[one % names.length])) : part.body
      return one === 'body' || one === 'url' || one === 'method' ? part[one] : one
    })
    const signs = over?.some((one) => typeof one !== 'string') ? { over } : {}
    const prefix = drawn.prefix === undefined ? {} : { prefix: drawn.prefix }
    const signature: HmacFormatOptions['signature'] = drawn.token
      ? { header: 'X-Signature', token: true, ...prefix }
      : {
          header: 'X-Signature',
          ...prefix,
          ...signs,
          ...(drawn.algorithm && { algorithm: drawn.algorithm }),
          ...(drawn.encoding && { encoding: drawn.encoding }),
        }
    return {
      name: 'random',
      secret: drawn.token ? 'text' : (drawn.grammar as 'text'),
      body: drawn.body as BodyTemplate,
      headers: headers as NonNullable<HmacFormatOptions['headers']>,
      signature,
      ...(drawn.codec && { codec: drawn.codec }),
    }
  })

/** Each description with a message that it can carry. */
const described = description.chain((options) => {
  const flat = options.body === part.data ? Boolean(options.codec) : spreads(options.body as BodyTemplate)
  return fc.record({
    options: fc.constant(options),
    sent: deliveryOf(flat ? object.map((value) => withoutFields(value, FIELDS)) : json),
    sentAt: fc.integer({ min: 1000, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000)),
    attempt: fc.integer({ min: 1, max: 999_999_999 }),
    secret: secretOf(options),
    other: secretOf(options),
  })
})

const secretOf = ({ secret, signature }: HmacFormatOptions): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: 24, maxLength: 80 }).map((bytes) => {
    const buffer = Buffer.from(bytes)
    if (secret === 'hex') return buffer.toString('hex')
    if (secret === 'base64') return buffer.toString('base64')
    if (secret === 'whsec') return `whsec_${buffer.toString('base64')}`
    return 'token' in signature ? buffer.toString('base64url') : `whsec_é${buffer.toString('base64')}`
  })

/** Data without what the template names: a sender refuses it. */
const withoutFields = (value: object, fields: readonly string[]) =>
  Object.fromEntries(Object.entries(value).filter(([field]) => ![...fields, 'nested', '...'].includes(field)))

const sealedBy = async (
  format: WireFormat,
  secret: string,
  sent: OutgoingDelivery,
  how: Parameters<typeof send>[3],
): Promise<Sent> => ({ ...(await send(format, [secret], sent, how)), url: sent.endpoint.url, method: 'POST' })

// --- what must hold of a description, worked out from it a second time

const isPart = (value: unknown): value is AnyPart => typeof (value as AnyPart | null)?.part === 'string'

const partsOf = (body: BodyTemplate): AnyPart[] =>
  Object.values(body).flatMap((value) => {
    if (isPart(value)) return [value]
    return typeof value === 'object' && value !== null ? partsOf(value as BodyTemplate) : []
  })
const spreads = (body: BodyTemplate): boolean =>
  Object.entries(body).some(([field, value]) => {
    return (
      field === '...' ||
      (typeof value === 'object' && value !== null && !isPart(value) && spreads(value as BodyTemplate))
    )
  })

const signatureHeader = ({ signature }: HmacFormatOptions) => signature.header.toLowerCase()
const overOf = ({ signature }: HmacFormatOptions): readonly (AnyPart | string)[] =>
  'token' in signature ? [] : (signature.over ?? [part.body])
const signedHeaders = (options: HmacFormatOptions): string[] =>
  overOf(options).flatMap((one) => (isPart(one) && one.header ? [one.header] : []))
const signsA = (options: HmacFormatOptions, kind: string) =>
  overOf(options).some((one) => isPart(one) && one.part === kind)
const headersOf = ({ headers = {} }: HmacFormatOptions) =>
  Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
const kindOf = (options: HmacFormatOptions, name: string): string => {
  const value = headersOf(options).find(([header]) => header === name)?.[1]
  return isPart(value) ? value.part : ''
}

/** Where a thing is carried, the signed places first; the body before a header of the same standing. */
const places = (options: HmacFormatOptions, kind: string): { part: AnyPart; signed: boolean }[] => {
  const inBody =
    options.body === part.data ? [] : partsOf(options.body as BodyTemplate).filter((one) => one.part === kind)
  const inHeaders = headersOf(options).filter(([, value]) => isPart(value) && value.part === kind)
  const all = [
    ...inBody.map((one) => ({ part: one, signed: signsA(options, 'body') })),
    ...inHeaders.map(([name, value]) => ({ part: value as AnyPart, signed: signedHeaders(options).includes(name) })),
  ]
  return [...all.filter(({ signed }) => signed), ...all.filter(({ signed }) => !signed)]
}

const carried = (options: HmacFormatOptions, kind: string): Carried => {
  const [first] = places(options, kind)
  return first ? (first.signed ? 'signed' : 'unsigned') : 'absent'
}

const idKind = (options: HmacFormatOptions): 'deliveryId' | 'messageId' | undefined => {
  const kinds = ['deliveryId', 'messageId'] as const
  return (
    kinds.find((kind) => carried(options, kind) === 'signed') ??
    kinds.find((kind) => carried(options, kind) === 'unsigned')
  )
}

const factsOf = (options: HmacFormatOptions) => {
  const id = idKind(options)
  return {
    id: id ? carried(options, id) : 'absent',
    sentAt: carried(options, 'sentAt'),
    body: signsA(options, 'body') ? 'signed' : 'unsigned',
    url: signsA(options, 'url') ? 'signed' : 'absent',
  }
}

const cut = (time: Date, written: Stamp | undefined) =>
  written === 'iso' || written === 'unixMs' ? time : new Date(Math.floor(time.getTime() / 1000) * 1000)

const contentOf = (
  options: HmacFormatOptions,
  { message, delivery }: OutgoingDelivery,
  sentAt: Date,
  attempt: number,
): Content => {
  const first = (kind: string) => places(options, kind)[0]?.part
  const [occurred, sent] = [first('occurredAt'), first('sentAt')]
  const id = idKind(options)
  return {
    type: message.type,
    data: JSON.parse(message.data),
    // Where no id is on the wire, an unsigned webhook-id header carries the message's.
    id: id === 'deliveryId' ? delivery.id : message.id,
    ...(occurred && { occurredAt: cut(message.occurredAt, occurred.stamp) }),
    ...(sent && { sentAt: cut(sentAt, sent.stamp) }),
    ...(first('tenant') && { tenant: message.tenant }),
    ...(first('attempt') && { attempt }),
  }
}

const signedPlaces = (options: HmacFormatOptions, sent: Sent): Place[] => [
  headerPlace(sent, signatureHeader(options)),
  ...(signsA(options, 'body') ? [bodyPlace(sent)] : []),
  ...(signsA(options, 'url') ? [urlPlace(sent)] : []),
  ...signedHeaders(options).map((name) => headerPlace(sent, name)),
]

/** A hexadecimal digit in upper case spells the same signature. */
const sameSpelling = (options: HmacFormatOptions, sent: Sent, place: Place, bit: number): boolean => {
  const { encoding = 'hex', prefix = '' } = options.signature as HmacSignature
  if ('token' in options.signature || encoding !== 'hex' || place.name !== signatureHeader(options)) return false
  const text = String(sent.headers[place.name])
  const hex = (whole: string) => (whole.startsWith(prefix) ? whole.slice(prefix.length).toLowerCase() : undefined)
  return hex(flipText(text, bit)) === hex(text)
}

// --- the two backends

describe('node:crypto and Web Crypto', () => {
  const segments = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 100 })), {
    maxLength: 4,
  })
  const hashing: Algorithm[] = [
    'hmac-sha1',
    'hmac-sha256',
    'hmac-sha512',
    'sha256-secret-first',
    'sha256-secret-last',
    'token',
  ]
  const pair = () => [nodeCrypto(nodeCryptoModule), webCrypto(globalThis.crypto.subtle)] as const

  it.each(hashing)(
    'give the same bytes for %s, whatever the key and however the text is cut',
    { timeout },
    async (algorithm) => {
      const [node, web] = pair()
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), segments, async (bytes, over) => {
          const [one, other] = [new Key(algorithm, bytes), new Key(algorithm, bytes)]
          const made = Buffer.from(await node.sign(algorithm, one, over))
          expect(made).toEqual(Buffer.from(await web.sign(algorithm, other, over)))
          const whole = Buffer.concat(over.map((segment) => Buffer.from(segment as string)))
          expect(made).toEqual(Buffer.from(await node.sign(algorithm, new Key(algorithm, bytes), [whole])))
          // A key is prepared once, and serves again.
          expect(made).toEqual(Buffer.from(await web.sign(algorithm, other, over)))
          expect(made).toEqual(Buffer.from(await node.sign(algorithm, one, over)))
        }),
        { numRuns: 60 },
      )
    },
  )

  it('give the same bytes for the keyless hash', async () => {
    const over: Segment[] = ['é', Uint8Array.of(0xff), '']
    const made = await Promise.all(pair().map((crypto) => crypto.sign('sha256', null, over)))
    const expected = nodeCryptoModule
      .createHash('sha256')
      .update(Buffer.from([0xc3, 0xa9, 0xff]))
      .digest()
    for (const one of made) expect(Buffer.from(one)).toEqual(expected)
  })

  it('give the bytes of the published vectors: RFC 4231 case 2, RFC 2202 case 2, RFC 8032 test 3', async () => {
    const text = ['what do ya want ', 'for nothing?']
    const seed = Buffer.from('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7', 'hex')
    const macs = {
      'hmac-sha1': 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
      'hmac-sha256': '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      'hmac-sha512':
        '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    } as const
    const signed =
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'
    for (const crypto of pair()) {
      for (const [algorithm, mac] of Object.entries(macs) as [Algorithm, string][]) {
        const made = await crypto.sign(algorithm, new Key(algorithm, Buffer.from('Jefe')), text)
        expect(Buffer.from(made).toString('hex')).toBe(mac)
      }
      const made = await crypto.sign('ed25519', new Key('ed25519', seed, 'sign'), [Uint8Array.of(0xaf, 0x82)])
      expect(Buffer.from(made).toString('hex')).toBe(signed)
    }
  })

  it('have a part for receivers, which judges as the whole does: keyed hashes, tokens', {
    timeout,
  }, async () => {
    const parts = () => [inboundNodeCrypto(nodeCryptoModule), inboundWebCrypto(globalThis.crypto.subtle)]
    const [whole] = pair()
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        segments,
        fc.nat(),
        async (bytes, over, bit) => {
          for (const algorithm of ['hmac-sha1', 'hmac-sha256', 'hmac-sha512', 'token', 'sha256'] as const) {
            const key = () => (algorithm === 'sha256' ? null : new Key(algorithm, bytes))
            const made = Buffer.from(await whole.sign(algorithm, key(), over))
            for (const one of parts()) {
              expect(Buffer.from(await one.sign(algorithm, key(), over))).toEqual(made)
              const judged = (...signatures: Uint8Array[]) =>
                one.verify(
                  algorithm,
                  key(),
                  over,
                  signatures.map((bytes) => ({ algorithm, bytes })),
                )
              const flipped = flipBytes(made, bit % (8 * made.length))
              expect([await judged(made), await judged(flipped, made), await judged(flipped)]).toEqual([
                true,
                true,
                false,
              ])
              expect([await judged(), await judged(made.subarray(1)), await judged(Buffer.from([...made, 0]))]).toEqual(
                [false, false, false],
              )
            }
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  const keyPairs = {
    ed25519: () => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519')
      return [
        privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32),
        publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
      ]
    },
    'ecdsa-p256-sha256': () => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      return [privateKey.export({ format: 'der', type: 'pkcs8' }), publicKey.export({ format: 'der', type: 'spki' })]
    },
  } as const

  it.each(['ed25519', 'ecdsa-p256-sha256'] as const)(
    'prove what either has signed with %s, and nothing else',
    { timeout },
    async (algorithm) => {
      const [secret, open] = keyPairs[algorithm]() as [Buffer, Buffer]
      const [, foreign] = keyPairs[algorithm]() as [Buffer, Buffer]
      const keyOf = (bytes: Buffer) => new Key(algorithm, bytes, 'verify')
      const given = (...all: Uint8Array[]) => all.map((bytes) => ({ algorithm, bytes }))
      await fc.assert(
        fc.asyncProperty(segments, fc.nat(), async (over, bit) => {
          for (const signer of pair()) {
            const made = await signer.sign(algorithm, new Key(algorithm, secret, 'sign'), over)
            expect(made).toHaveLength(64)
            for (const judge of pair()) {
              expect(await judge.verify(algorithm, keyOf(open), over, given(made))).toBe(true)
              expect(await judge.verify(algorithm, keyOf(foreign), over, given(made))).toBe(false)
              expect(await judge.verify(algorithm, keyOf(open), [...over, 'x'], given(made))).toBe(false)
              expect(await judge.verify(algorithm, keyOf(open), over, given(flipBytes(made, bit % 512)))).toBe(false)
              expect(await judge.verify(algorithm, keyOf(open), over, given(flipBytes(made, bit % 512), made))).toBe(
                true,
              )
            }
          }
        }),
        { numRuns: 15 },
      )
    },
  )

  it.each(['ed25519', 'ecdsa-p256-sha256'] as const)(
    'judge alike what is no signature or no key of %s',
    async (algorithm) => {
      const [secret, open] = keyPairs[algorithm]() as [Buffer, Buffer]
      for (const judge of pair()) {
        const made = await judge.sign(algorithm, new Key(algorithm, secret, 'sign'), ['x'])
        for (const signature of [
          new Uint8Array(),
          new Uint8Array(64),
          made.subarray(1),
          Uint8Array.from([...made, 0]),
        ]) {
          expect(
            await judge.verify(algorithm, new Key(algorithm, open, 'verify'), ['x'], [{ algorithm, bytes: signature }]),
          ).toBe(false)
        }
        for (const key of [new Uint8Array(), new Uint8Array(31), new Uint8Array(32).fill(0xff), open.subarray(1)]) {
          expect(
            await judge.verify(algorithm, new Key(algorithm, key, 'verify'), ['x'], [{ algorithm, bytes: made }]),
          ).toBe(false)
        }
      }
    },
  )

  it('answer at once with node:crypto, and as a promise with Web Crypto', () => {
    const [node, web] = pair().map((crypto) =>
      crypto.sign('hmac-sha256', new Key('hmac-sha256', Buffer.from('k')), ['x']),
    )
    expect(node).toBeInstanceOf(Uint8Array)
    expect(web).toBeInstanceOf(Promise)
  })

  describe('which is chosen', () => {
    afterEach(() => vi.unstubAllGlobals())

    it.each([
      ['no process', undefined],
      ['a process without modules', {}],
      ['a process without this module', { getBuiltinModule: () => undefined }],
    ])('is Web Crypto on a platform with %s', (_, process) => {
      vi.stubGlobal('process', process)
      const made = platformCrypto().sign('hmac-sha256', new Key('hmac-sha256', Uint8Array.of(1)), [])
      vi.unstubAllGlobals()
      expect(made).toBeInstanceOf(Promise)
    })

    it('is node:crypto where there is one', () => {
      expect(platformCrypto().sign('hmac-sha256', new Key('hmac-sha256', Uint8Array.of(1)), [])).toBeInstanceOf(
        Uint8Array,
      )
    })
  })
})

describe('ECDSA signatures in DER', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const judges = [nodeCrypto(nodeCryptoModule), webCrypto(globalThis.crypto.subtle)]
  const proved = (der: Uint8Array, judge: CryptoBackend) =>
    judge.verify(
      'ecdsa-p256-sha256',
      new Key('ecdsa-p256-sha256', spki, 'verify'),
      ['text'],
      [{ algorithm: 'ecdsa-p256-sha256', bytes: ecdsaFromDer(der) }],
    )

  it('are proved by both backends, whatever the length of their numbers', async () => {
    const lengths = new Set<number>()
    for (let i = 0; i < 300; i++) {
      const der = nodeCryptoModule.sign('sha256', Buffer.from('text'), privateKey)
      lengths.add(der.length)
      for (const judge of judges) expect(await proved(der, judge)).toBe(true)
    }
    expect(lengths.size).toBeGreaterThan(2)
  })

  it('are refused with any single bit flipped, as by OpenSSL: every one of them', { timeout }, async () => {
    {
      const der = nodeCryptoModule.sign('sha256', Buffer.from('text'), privateKey)
      for (let bit = 0; bit < der.length * 8; bit++) {
        const flipped = flipBytes(der, bit)
        expect(nodeCryptoModule.verify('sha256', Buffer.from('text'), publicKey, flipped)).toBe(false)
        for (const judge of judges) expect(await proved(flipped, judge), `bit ${bit}`).toBe(false)
      }
    }
  })

  it('are refused when they are spelled otherwise', async () => {
    const integer = (digits: readonly number[]) => [2, digits.length, ...digits]
    const sequence = (...inside: number[]) => Buffer.of(0x30, inside.length, ...inside)
    for (let i = 0; i < 30; i++) {
      const der = nodeCryptoModule.sign('sha256', Buffer.from('text'), privateKey)
      const split = 4 + (der[3] as number)
      const [r, s] = [[...der.subarray(4, split)], [...der.subarray(split + 2)]] as const
      expect(sequence(...integer(r), ...integer(s))).toEqual(der)
      const others = [
        Buffer.concat([der, Buffer.of(0)]),
        der.subarray(0, -1),
        sequence(...integer([0, ...r]), ...integer(s)),
        sequence(...integer(r), ...integer([0, ...s])),
        sequence(...integer(r), ...integer(s), 0),
        sequence(...integer(r), ...integer(s), ...integer([1])),
        sequence(...integer(r)),
        sequence(...integer([]), ...integer(s)),
        sequence(...integer([0]), ...integer(s)),
        Buffer.of(0x30, 0x81, ...der.subarray(1)),
        Buffer.of(0x30, 0),
        Buffer.alloc(0),
      ]
      // A number without the zero in front that keeps it from being negative.
      if (r[0] === 0) others.push(sequence(...integer(r.slice(1)), ...integer(s)))
      for (const other of others) {
        expect(nodeCryptoModule.verify('sha256', Buffer.from('text'), publicKey, other)).toBe(false)
        for (const judge of judges) expect(await proved(other, judge)).toBe(false)
      }
    }
  })
})

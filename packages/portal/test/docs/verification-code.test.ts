import { createHmac } from 'node:crypto'
import {
  headerBag,
  hmacFormat,
  Key,
  type OutgoingAttempt,
  part,
  platformCrypto,
  standardWebhooks,
  systemClock,
  verifyRequest,
  type WireDescription,
  type WireFormat,
} from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { LANGUAGES, verificationCode } from '../../src/docs/verification-code.ts'
import { isRun, judge, type Request, type Verdict } from './languages.ts'

const TEXT = 'a_secret_of_twenty_b'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const WHSEC = `whsec_${base64('0123456789abcdef0123456789abcdef')}`
const WHSEC_2 = `whsec_${base64('1123456789abcdef0123456789abcdef')}`
const WHSK = `whsk_${base64('0123456789abcdef0123456789abcdef')}`

interface Tested {
  readonly format: WireFormat
  readonly secret: string
  /** A good secret of the same kind, and another one. */
  readonly other: string
  readonly third: string
  /** Secrets without a key in them. */
  readonly empty: readonly string[]
}

const text = { secret: TEXT, other: `${TEXT}2`, third: `${TEXT}3`, empty: [''] }

const FORMATS: Readonly<Record<string, Tested>> = {
  'Standard Webhooks': {
    format: standardWebhooks(),
    secret: WHSEC,
    other: WHSEC_2,
    third: WHSEC.replace('MDEy', 'MDEz'),
    empty: ['', 'whsec_', 'whsec_!!!!'],
  },
  'hex over the body': {
    ...text,
    format: hmacFormat({
      name: 'hex',
      secret: 'text',
      body: { event: part.type, data: part.data },
      signature: { header: 'x-hex-signature' },
    }),
  },
  'a prefix, and a signed time': {
    ...text,
    format: hmacFormat({
      name: 'timed',
      secret: 'text',
      body: { type: part.type, data: part.data },
      headers: { 'x-sent': part.sentAt('unix'), 'x-kind': part.type },
      signature: { header: 'x-timed-signature', prefix: 'sha256=', over: [part.header('x-sent'), '.', part.body] },
    }),
  },
  'SHA-1 in base64': {
    format: hmacFormat({
      name: 'sha1',
      secret: 'base64',
      body: { type: part.type, data: part.data },
      signature: { header: 'x-signature', algorithm: 'hmac-sha1', encoding: 'base64' },
    }),
    secret: WHSEC.slice(6),
    other: WHSEC_2.slice(6),
    third: WHSEC.slice(6).replace('MDEy', 'MDEz'),
    empty: ['', '!!!!'],
  },
  'SHA-512 in unpadded base64url': {
    format: hmacFormat({
      name: 'sha512',
      secret: 'hex',
      body: { type: part.type, data: part.data },
      signature: { header: 'x-signature', algorithm: 'hmac-sha512', encoding: 'base64url', prefix: 'v1=' },
    }),
    secret: '00ff'.repeat(16),
    other: '01ff'.repeat(16),
    third: '02ff'.repeat(16),
    empty: ['', 'zz'],
  },
  'a token': {
    ...text,
    format: hmacFormat({
      name: 'token',
      secret: 'text',
      body: { event: part.type, '...': part.data },
      signature: { header: 'x-token', token: true },
    }),
  },
}

type Sealed = Omit<Request, 'secret'>
type Case = Request & { readonly wanted: Verdict }

const accepted = (sealed: Sealed, secret: string): Case => ({ ...sealed, secret, wanted: 'accepted' })
const refused = (sealed: Sealed, secret: string): Case => ({ ...sealed, secret, wanted: 'refused' })

/** A request as the sender seals it, under these keys; or with other bytes for its body. */
async function seal(
  format: WireFormat,
  keys: readonly Key[],
  sentAt = new Date(),
  bytes?: Uint8Array,
): Promise<Sealed> {
  const delivery: Omit<OutgoingAttempt, 'body'> = {
    message: {
      id: 'msg_1',
      type: 'booking.created',
      occurredAt: sentAt,
      tenant: 'acme',
      data: '{"nom":"Événement créé 🎉"}',
    },
    endpoint: { id: 'ep_1', url: 'https://acme.example/' },
    delivery: { id: 'dlv_1' },
    attempt: 1,
    sentAt,
  }
  const body = bytes ?? Buffer.from(String(format.compose(delivery).body))
  return { headers: await format.seal({ ...delivery, body }, keys, platformCrypto()), body }
}

const keysOf = (format: WireFormat, ...secrets: readonly string[]) =>
  secrets.flatMap((secret) => format.keys(secret, 'sign'))

const wireOf = ({ wire }: WireFormat) => wire as WireDescription

/** The same request with another signature, or another value in another header. */
const withHeader = ({ headers, body }: Sealed, name: string, value: string): Sealed => ({
  headers: { ...headers, [name]: value },
  body,
})

function without({ headers, body }: Sealed, name: string): Sealed {
  const { [name]: _, ...rest } = headers
  return { headers: rest, body }
}

const CASES: Readonly<Record<string, (tested: Tested) => Promise<readonly Case[]>>> = {
  async 'accepts what is sealed with its secret, and nothing altered, stale or malformed'({ format, secret, other }) {
    const { header } = wireOf(format).signature
    const good = await seal(format, keysOf(format, secret))
    const signature = good.headers[header] as string
    const withBody = (body: Uint8Array) => ({ ...good, body })
    const text = Buffer.from(good.body).toString()
    const altered = withBody(Buffer.from(text.replace('Événement', 'Evenement')))
    // T69, T70: letters beyond ASCII are themselves, whatever the machine's character set.
    const otherLetters = withBody(Buffer.from(text.replace('Événement', 'Èvànement')))
    // T64: what a parser writes again is other bytes.
    const writtenAgain = withBody(Buffer.from(JSON.stringify(JSON.parse(text), null, 1)))
    const token = format.facts.body === 'unsigned'
    // T55, T62: bytes are bytes, also those that are no UTF-8.
    const bytes = Buffer.from([0x7b, 0xff, 0x7d])
    const noText = await seal(format, keysOf(format, secret), undefined, bytes)
    const asRead = { ...noText, body: Buffer.from(bytes.toString()) }
    const cases = [
      accepted(good, secret),
      refused(good, other),
      // A token covers no body.
      ...[altered, otherLetters, writtenAgain, asRead].map((one) => (token ? accepted : refused)(one, secret)),
      accepted(noText, secret),
      // T53, T63, T65: it is not there. T54: it is no ASCII.
      refused(without(good, header), secret),
      ...[signature.slice(0, -4), 'é', '', `x${signature}`, 'x'.repeat(10_000)].map((bad) =>
        refused(withHeader(good, header, bad), secret),
      ),
    ]
    if (format.facts.sentAt !== 'signed') return cases
    const [time = ''] = Object.keys(good.headers).filter((name) => /time|sent/.test(name))
    const before = await seal(format, keysOf(format, secret), new Date(Date.now() - 400_000))
    const ahead = await seal(format, keysOf(format, secret), new Date(Date.now() + 400_000))
    // T57: where the time is not there, a signature over the word that stands for nothing.
    const overWord = (word: string) => {
      const { algorithm, prefix, encoding, over } = wireOf(format).signature
      const mac = createHmac(algorithm.replace('hmac-', ''), format.keys(secret, 'verify')[0]?.bytes ?? '')
      for (const one of over) {
        if (typeof one === 'string') mac.update(one)
        else if (one.part === 'body') mac.update(good.body)
        else mac.update((one as { header: string }).header === time ? word : (good.headers['webhook-id'] as string))
      }
      return without(withHeader(good, header, prefix + mac.digest(encoding)), time)
    }
    // T56: a time of long ago, honestly signed.
    return [
      ...cases,
      refused(before, secret),
      refused(ahead, secret),
      ...['None', 'null', 'undefined', 'nil', ''].map((word) => refused(overWord(word), secret)),
      refused(withHeader(before, time, good.headers[time] as string), secret),
      refused(without(good, time), secret),
      ...['12x', '', '-1', 'NaN', '1e9', ' 1'].map((junk) => refused(withHeader(good, time, junk), secret)),
    ]
  },

  async 'follows a change of secret: what either signs is accepted by whoever holds that one'({
    format,
    secret,
    other,
    third,
  }) {
    const { header } = wireOf(format).signature
    const both = await seal(format, keysOf(format, other, secret))
    const cases = [
      // The newest comes first. A header of one signature holds that of the newest alone.
      accepted(both, other),
      format.signsWith === 'all-keys' ? accepted(both, secret) : refused(both, secret),
      refused(both, third),
      accepted(await seal(format, keysOf(format, secret)), secret),
      refused(await seal(format, keysOf(format, secret)), other),
    ]
    if (format.signsWith === 'all-keys') return cases
    const [one, two] = [both, await seal(format, keysOf(format, secret))].map(({ headers }) => headers[header])
    const lists = [`${one},${two}`, `${one}, ${two}`, `${one} ${two}`].map((list) => withHeader(both, header, list))
    return [...cases, ...lists.flatMap((list) => [refused(list, other), refused(list, secret)])]
  },

  async 'finds the one that fits among many signatures, of other keys, kinds and grammars'({
    format,
    secret,
    other,
    third,
  }) {
    const { header, separator } = wireOf(format).signature
    if (!separator) return []
    const good = await seal(format, keysOf(format, secret))
    const mixed = await seal(format, keysOf(format, WHSK, third, secret, other))
    const signature = good.headers[header] as string
    const stranger = (await seal(format, keysOf(format, third))).headers[header] as string
    const list = (...all: readonly string[]) => withHeader(good, header, all.join(separator))
    return [
      accepted(mixed, secret),
      accepted(mixed, other),
      refused(await seal(format, keysOf(format, WHSK)), secret),
      accepted(list(stranger, signature), secret),
      accepted(list(signature, stranger), secret),
      accepted(list('v1,', 'v2,AAAA', 'v1a,AAAA', 'junk', signature), secret),
      accepted(list(...new Array<string>(9).fill(stranger), signature), secret),
      refused(list(...new Array<string>(9).fill(stranger)), secret),
      refused(list(signature.replace('v1,', 'v1a,')), secret),
      refused(list(signature.replace('v1,', '')), secret),
      refused(list('v1,', '', ','), secret),
    ]
  },
}

/** What anybody can sign (T66): with an empty key, for those whose secret is not set or has none in it. */
async function forgeries({ format, empty }: Tested): Promise<readonly Request[]> {
  const forged = await seal(format, [new Key(wireOf(format).signature.algorithm, new Uint8Array())])
  return empty.map((secret) => ({ ...forged, secret }))
}

describe.each(LANGUAGES)('the verification code in %s', (language) => {
  const run = isRun(language)

  for (const [name, tested] of Object.entries(FORMATS)) {
    const code = verificationCode(wireOf(tested.format), language)

    it.runIf(run)(
      `says of each request for ${name} what it should: signed, altered, stale, among many, during a change of secret, without a key`,
      async () => {
        const cases = (await Promise.all(Object.values(CASES).map((of) => of(tested)))).flat()
        const verdicts = judge(language, code, [...cases, ...(await forgeries(tested))])
        expect(verdicts.slice(0, cases.length)).toEqual(cases.map(({ wanted }) => wanted))
        // It may throw: what is wrong is no request, but how it is set up.
        const withoutKey = verdicts.slice(cases.length)
        expect(withoutKey).toHaveLength(tested.empty.length)
        expect(withoutKey).not.toContain('accepted')
      },
      60_000,
    )

    it(`is written for ${name}, and ends in a newline`, () => {
      expect(code).toMatch(/\n$/)
    })
  }
})

describe.each(Object.entries(FORMATS))('our own receiver says the same of %s', (_, tested) => {
  it.each(Object.entries(CASES))('as the code, which %s', async (_, of) => {
    const { format } = tested
    for (const { headers, body, secret, wanted } of await of(tested)) {
      const request = {
        method: 'POST',
        url: 'https://acme.example/',
        headers: headerBag({ ...headers }),
        body,
      }
      const keys = [{ keyId: 'one', keys: format.keys(secret, 'verify') }]
      const said = await verifyRequest(format, keys, request, systemClock, platformCrypto()).then(
        () => 'accepted',
        () => 'refused',
      )
      expect({ headers, said }).toEqual({ headers, said: wanted })
    }
  })
})

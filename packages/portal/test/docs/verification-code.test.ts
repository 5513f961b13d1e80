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
import { beforeAll, describe, expect, it } from 'vitest'
import { LANGUAGES, type Language, verificationCode } from '../../src/docs/verification-code.ts'
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

/** By what they show; the titles of the tests say it in full. */
const CASES: Readonly<Record<string, (tested: Tested) => Promise<readonly Case[]>>> = {
  async honest({ format, secret, other }) {
    const good = await seal(format, keysOf(format, secret))
    return [accepted(good, secret), refused(good, other)]
  },

  async malformed({ format, secret }) {
    const { header } = wireOf(format).signature
    const good = await seal(format, keysOf(format, secret))
    const signature = good.headers[header] as string
    return [
      refused(without(good, header), secret),
      ...['é', `${signature.slice(0, -1)}é`, signature.slice(0, -4), '', `x${signature}`, 'x'.repeat(10_000)].map(
        (bad) => refused(withHeader(good, header, bad), secret),
      ),
    ]
  },

  async bytes({ format, secret }) {
    // A token covers no body.
    const altered = format.facts.body === 'unsigned' ? accepted : refused
    const bytes = Buffer.from([0x7b, 0xff, 0x7d])
    const noText = await seal(format, keysOf(format, secret), undefined, bytes)
    return [accepted(noText, secret), altered({ ...noText, body: Buffer.from(bytes.toString()) }, secret)]
  },

  async writtenAgain({ format, secret }) {
    const altered = format.facts.body === 'unsigned' ? accepted : refused
    const good = await seal(format, keysOf(format, secret))
    const parsed = JSON.parse(Buffer.from(good.body).toString())
    return [altered({ ...good, body: Buffer.from(JSON.stringify(parsed, null, 1)) }, secret)]
  },

  async letters({ format, secret }) {
    const altered = format.facts.body === 'unsigned' ? accepted : refused
    const good = await seal(format, keysOf(format, secret))
    const text = Buffer.from(good.body).toString()
    return ['Evenement', 'Èvànement', '?v?nement'].map((other) =>
      altered({ ...good, body: Buffer.from(text.replace('Événement', other)) }, secret),
    )
  },

  async time({ format, secret }) {
    if (format.facts.sentAt !== 'signed') return []
    const good = await seal(format, keysOf(format, secret))
    const time = timeHeader(good)
    const before = await seal(format, keysOf(format, secret), new Date(Date.now() - 400_000))
    const ahead = await seal(format, keysOf(format, secret), new Date(Date.now() + 400_000))
    return [
      refused(before, secret),
      refused(ahead, secret),
      refused(withHeader(before, time, good.headers[time] as string), secret),
      ...['12x', '', '-1', 'NaN', '1e9', ' 1'].map((junk) => refused(withHeader(good, time, junk), secret)),
    ]
  },

  async noTime({ format, secret }) {
    if (format.facts.sentAt !== 'signed') return []
    const good = await seal(format, keysOf(format, secret))
    const time = timeHeader(good)
    const { header, algorithm, prefix, encoding, over } = wireOf(format).signature
    const overWord = (word: string) => {
      const mac = createHmac(algorithm.replace('hmac-', ''), format.keys(secret, 'verify')[0]?.bytes ?? '')
      for (const one of over) {
        if (typeof one === 'string') mac.update(one)
        else if (one.part === 'body') mac.update(good.body)
        else mac.update((one as { header: string }).header === time ? word : (good.headers['webhook-id'] as string))
      }
      return without(withHeader(good, header, prefix + mac.digest(encoding)), time)
    }
    return [without(good, time), ...['None', 'null', 'undefined', 'nil', ''].map(overWord)].map((one) =>
      refused(one, secret),
    )
  },

  async rotation({ format, secret, other, third }) {
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

  async among({ format, secret, other, third }) {
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

const timeHeader = ({ headers }: Sealed) => Object.keys(headers).find((name) => /time|sent/.test(name)) as string

/** What anybody can sign: with an empty key, for those whose secret is not set or has none in it. */
async function forgeries({ format, empty }: Tested): Promise<readonly Request[]> {
  const forged = await seal(format, [new Key(wireOf(format).signature.algorithm, new Uint8Array())])
  return empty.map((secret) => ({ ...forged, secret }))
}

/** What the code says of all that is asked of it, in one run, beside what it should say. */
async function run(language: Language, code: string, tested: Tested) {
  const asked = await Promise.all(
    Object.entries(CASES).map(async ([name, of]) => (await of(tested)).map((one) => ({ name, ...one }))),
  )
  const [cases, forged] = [asked.flat(), await forgeries(tested)]
  const verdicts = judge(language, code, [...cases, ...forged])
  const said = cases.map(({ name, wanted }, i) => ({ name, wanted, said: verdicts[i] }))
  return {
    wrong: (name: string) => said.filter((one) => one.name === name && one.said !== one.wanted),
    ofForgeries: verdicts.slice(cases.length),
  }
}

describe.each(LANGUAGES)('the verification code in %s', (language) => {
  const isHere = isRun(language)

  describe.each(Object.entries(FORMATS))('for %s', (_, tested) => {
    const code = verificationCode(wireOf(tested.format), language)
    let ran: Awaited<ReturnType<typeof run>>
    beforeAll(async () => {
      if (isHere) ran = await run(language, code, tested)
    }, 60_000)

    it('ends in a newline', () => {
      expect(code).toMatch(/\n$/)
    })

    it.runIf(isHere)('accepts what is sealed with its secret, and with no other', () => {
      expect(ran.wrong('honest')).toEqual([])
    })

    it.runIf(isHere)(
      'T53, T54, T63, T65: refuses a signature that is missing, malformed or no ASCII, and lives',
      () => {
        expect(ran.wrong('malformed')).toEqual([])
      },
    )

    it.runIf(isHere)('T55, T62: takes bytes as bytes, also those that are no UTF-8', () => {
      expect(ran.wrong('bytes')).toEqual([])
    })

    it.runIf(isHere)('T64: refuses what a parser has written again', () => {
      expect(ran.wrong('writtenAgain')).toEqual([])
    })

    it.runIf(isHere)("T69, T70: tells letters beyond ASCII apart, whatever the machine's character set", () => {
      expect(ran.wrong('honest')).toEqual([])
      expect(ran.wrong('letters')).toEqual([])
    })

    it.runIf(isHere)('T56: refuses a time that is long ago, ahead, rewritten or malformed, where it is signed', () => {
      expect(ran.wrong('time')).toEqual([])
    })

    it.runIf(isHere)('T57: refuses a signature over the word that a missing time becomes', () => {
      expect(ran.wrong('noTime')).toEqual([])
    })

    it.runIf(isHere)('T66: accepts nothing where the secret is not set, least of all what the empty key signs', () => {
      // It may throw: what is wrong is no request, but how it is set up.
      expect(ran.ofForgeries).toHaveLength(tested.empty.length)
      expect(ran.ofForgeries).not.toContain('accepted')
    })

    it.runIf(isHere)('follows a change of secret: what either signs is accepted by whoever holds that one', () => {
      expect(ran.wrong('rotation')).toEqual([])
    })

    it.runIf(isHere)('finds the one that fits among many signatures, of other keys, kinds and grammars', () => {
      expect(ran.wrong('among')).toEqual([])
    })
  })
})

it.each(Object.entries(FORMATS))(
  'T68: the PHP code for %s gives hash_equals what is known first, and then what a stranger sent, as its manual wants it',
  (_, { format }) => {
    expect(verificationCode(wireOf(format), 'php').match(/hash_equals\(.*?\)/g)).toEqual([
      'hash_equals($expected, $one)',
    ])
  },
)

describe.each(Object.entries(FORMATS))('our own receiver says the same of %s', (_, tested) => {
  it.each(Object.entries(CASES))('as the code: %s', async (_, of) => {
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

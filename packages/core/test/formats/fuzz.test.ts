import {
  type CryptoBackend,
  isHooksError,
  joinBytes,
  type KeySet,
  platformCrypto,
  proveRequest,
  type RawRequest,
} from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { webCrypto } from '../../src/crypto.ts'
import { delivery, request, send, standingClock } from '../support.ts'
import { type Subject, subjects } from './subjects.ts'

/** Requests over all formats: `FUZZ_REQUESTS=250000` for the whole, of which a fifth are valid ones and their mutants. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 10_000)
const timeout = 600_000
const now = 1_700_000_000

/** Chance that repeats: mulberry32. */
const chance = (seed: number) => {
  let state = seed
  const float = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(float() * n)
  return { below, pick: <T>(from: readonly T[]) => from[below(from.length)] as T }
}
type Chance = ReturnType<typeof chance>

interface Wire {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

/** What stands at the edges of the grammars: of times, lists, base64, hexadecimal, forms, JSON. */
const EDGES = [
  '',
  ' ',
  ',',
  ';',
  '=',
  '.',
  'v1',
  'v1,',
  'v1,=',
  'v1=',
  'v0=',
  'sha256=',
  't=',
  't=,v1=',
  't=1,t=2',
  'h=,v1=',
  'ts=;h1=',
  '0',
  '-1',
  '00',
  '1e9',
  '0x10',
  '9999999999',
  '99999999999999999999',
  `${now}`,
  `${now} `,
  `${now}junk`,
  `${now}000`,
  'NaN',
  'null',
  '[]',
  '{}',
  '[{}]',
  '""',
  '%',
  '%ff',
  '&',
  'a=b&a=c',
  '__proto__',
  'constructor',
  '\0',
  '\r\n',
  '\ufeff',
  'é',
  '😀',
  '\ud800',
  'A'.repeat(44),
  'A'.repeat(43),
  'a'.repeat(64),
  '0'.repeat(128),
  'A'.repeat(5000),
  'v1,'.repeat(2000),
  'h1=00;'.repeat(600),
  '\u212a',
] // prettier-ignore

const flip = (text: string, { below }: Chance) => {
  if (text === '') return 'x'
  const at = below(text.length)
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << below(7))) + text.slice(at + 1)
}

const ofText: readonly ((text: string, c: Chance) => string)[] = [
  flip,
  (text, { below }) => text.slice(0, below(text.length + 1)),
  (text, { below }) => text.slice(below(text.length + 1)),
  (text, { pick }) => text + pick(EDGES),
  (text, { pick }) => pick(EDGES) + text,
  (_, { pick }) => pick(EDGES),
  (text) => text.toUpperCase(),
  (text, { pick }) => [text, text].join(pick([',', ', ', ' ', ';', '&', '.'])),
  (text, { below }) => {
    const at = below(text.length + 1)
    return text.slice(at) + text.slice(0, at)
  },
  (text, { pick }) => text.replaceAll(pick(['=', ',', '.', ':', '+', '/', '1']), pick(EDGES)),
]

const mutateHeaders = ({ headers }: Wire, other: Wire, c: Chance): Wire['headers'] => {
  const at = c.below(headers.length)
  const [name, value] = headers[at] as readonly [string, string]
  const changed = (...instead: (readonly [string, string])[]) => headers.toSpliced(at, 1, ...instead)
  switch (c.below(8)) {
    case 0:
      return changed()
    case 1:
      return changed([name, value], [c.pick([name, name.toUpperCase()]), c.pick(ofText)(value, c)])
    case 2:
      return changed([name.toUpperCase(), value])
    case 3:
      return changed([name, other.headers.find(([one]) => one === name)?.[1] ?? value])
    case 4: {
      const [, taken] = c.pick(headers)
      return changed([name, taken])
    }
    default:
      return changed([name, c.pick(ofText)(value, c)])
  }
}

/** JSON with one of its texts changed, for signatures that stand in the body. */
const mutateLeaf = (body: Uint8Array, c: Chance): Uint8Array => {
  const text = Buffer.from(body).toString()
  const leaves = [...text.matchAll(/"(?:[^"\\]|\\.)*"(:?)/g)].filter(([, colon]) => !colon)
  if (leaves.length === 0) return body
  // A signature is long; spoiled, it is compared with nothing.
  const short = leaves.filter(([leaf]) => leaf.length < 40)
  const { index, 0: leaf } = c.pick(short.length > 0 && c.below(4) ? short : leaves)
  const changed = JSON.stringify(c.pick(ofText)(leaf.slice(1, -1), c))
  return joinBytes([text.slice(0, index), changed, text.slice(index + leaf.length)])
}

const mutateBody = ({ body }: Wire, other: Wire, c: Chance): Uint8Array => {
  const at = c.below(body.length + 1)
  switch (c.below(10)) {
    case 0:
      return body.map((byte, i) => (i === at ? byte ^ (1 << c.below(8)) : byte))
    case 1:
      return body.subarray(0, at)
    case 2:
      return joinBytes([body, c.pick(EDGES)])
    case 3:
      return joinBytes([c.pick(EDGES)])
    case 4:
      return other.body
    case 5:
    case 6:
    case 7:
    case 8:
      return mutateLeaf(body, c)
    default:
      return joinBytes([body.subarray(0, at), c.pick(EDGES), body.subarray(at)])
  }
}

const mutate = (wire: Wire, other: Wire, c: Chance, signedInBody: boolean): Wire => {
  const kind = c.below(10)
  if (kind < 7 && signedInBody) return { ...wire, body: mutateLeaf(wire.body, c) }
  if (kind < 7 && wire.headers.length > 0) return { ...wire, headers: mutateHeaders(wire, other, c) }
  if (kind < 9) return { ...wire, body: mutateBody(wire, other, c) }
  return {
    ...wire,
    url: c.pick(ofText)(wire.url, c),
    method: c.below(8) ? wire.method : c.pick(['GET', 'PUT', '', 'post']),
  }
}

const mutated = (wire: Wire, other: Wire, c: Chance, signedInBody: boolean): Wire => {
  let one = wire
  for (let left = 1 + c.below(3); left > 0; left--) one = mutate(one, other, c, signedInBody)
  return one
}

const received = ({ headers, body, url, method }: Wire): RawRequest => request(headers, body, { url, method })

const prepare = async ({ format, sign, verify, foreign, type }: Subject, index: number) => {
  const c = chance(index + 1)
  const compared = { count: 0 }
  const backend = platformCrypto()
  const counting: CryptoBackend = {
    sign(...given) {
      compared.count++
      return backend.sign(...given)
    },
    verify(...given) {
      compared.count++
      return backend.verify(...given)
    },
  }
  // Each backend keeps its own form of a key with it.
  const keysOf = (): readonly KeySet[] => [{ keyId: '0', keys: format.keys(verify, 'verify') }]
  const [keys, webKeys] = [keysOf(), keysOf()]
  const sealed = async (secret: string): Promise<Wire> => {
    const word = () => Array.from({ length: 1 + c.below(20) }, () => c.pick([...'abcXYZ019_-'])).join('')
    const data = { [`~${word()}`]: c.pick([word(), 'é😀', '', '</script>', '$&', '\\']) }
    const one = delivery({ id: word(), type, data: JSON.stringify(data), occurredAt: new Date(now * 1000) })
    const url = c.pick(['https://h.example/hooks', 'https://h.example:8443/a?b=c%20d', "http://h.example/x?q='1'&é=ü"])
    const sent = { ...one, endpoint: { ...one.endpoint, url } }
    const { headers, body } = await send(format, [secret], sent, { sentAt: new Date(now * 1000) })
    return { method: 'POST', url, headers: Object.entries(headers), body }
  }
  /** `accepted`, or the code of the refusal. What is refused otherwise than by an error of ours is thrown. */
  const judge = async (wire: Wire, own: readonly KeySet[], crypto: CryptoBackend): Promise<string> => {
    try {
      await proveRequest(format, own, received(wire), standingClock(now), crypto, format.window)
      return 'accepted'
    } catch (error) {
      if (isHooksError(error)) return error.code
      throw error
    }
  }
  const outcome = (wire: Wire) => judge(wire, keys, counting)
  const accepts = async (wire: Wire) => (await outcome(wire)) === 'accepted'
  const outcomeOnTheWeb = (wire: Wire) => judge(wire, webKeys, webCrypto(globalThis.crypto.subtle))
  const signedInBody = await accepts({ ...(await sealed(sign)), headers: [] })
  return {
    c,
    compared,
    accepts,
    outcome,
    outcomeOnTheWeb,
    signedInBody,
    honest: () => sealed(sign),
    forged: () => sealed(foreign),
  }
}

const each = Math.ceil(REQUESTS / subjects.length)

describe.each(subjects.map((subject, i) => [subject.name, subject, i] as const))('fuzz: %s', (_, subject, index) => {
  it('accepts nothing without the key, and knows every refusal by its code', { timeout }, async () => {
    const { c, compared, accepts, signedInBody, forged } = await prepare(subject, index)
    const count = Math.ceil(each * 0.8)
    let reached = 0
    let wire = await forged()
    let other = await forged()
    for (let i = 0; i < count; i++) {
      if (i % 10 === 0) [wire, other] = [await forged(), wire]
      const before = compared.count
      const one = mutated(wire, other, c, signedInBody)
      if (await accepts(one)) expect.fail(`accepted without the key: ${JSON.stringify(one)}`)
      if (compared.count > before) reached++
    }
    // A fuzz whose requests all fail the grammar tests the grammar alone.
    expect(reached / count).toBeGreaterThan(0.3)
  })

  it('accepts what is valid; a mutant only where it says the same', { timeout }, async () => {
    const { c, accepts, signedInBody, honest } = await prepare(subject, index)
    const count = Math.ceil(each * 0.2)
    let other = await honest()
    for (let i = 0; i < count; i++) {
      const wire = await honest()
      if (!(await accepts(wire))) expect.fail(`refused: ${JSON.stringify(wire)}`)
      const mutant = mutated(wire, other, c, signedInBody)
      if (await accepts(mutant)) {
        // Piece by piece, a mutant can have become the request before it.
        const said = [wire, other].map((one) => signedContent(subject, one))
        const says = signedContent(subject, mutant)
        if (says) expect(said).toContainEqual(says)
      }
      other = wire
    }
  })
})

/** What a request says under its signature; undefined where what nothing signs was spoiled, and it cannot be read. */
const signedContent = ({ format }: Subject, wire: Wire): object | undefined => {
  const { facts } = format
  try {
    const { data, id, sentAt } = format.read(received(wire))
    return {
      ...(facts.body === 'signed' && { data }),
      ...(facts.id === 'signed' && { id }),
      ...(facts.sentAt === 'signed' && { sentAt }),
    }
  } catch (error) {
    if (isHooksError(error)) return undefined
    throw error
  }
}

describe.each(subjects.map((subject, i) => [subject.name, subject, i] as const))('fuzz: %s', (_, subject, index) => {
  it('comes to the same of every request with Web Crypto as with node:crypto', { timeout }, async () => {
    const { c, outcome, outcomeOnTheWeb, signedInBody, honest } = await prepare(subject, subjects.length + index)
    let [wire, other] = [await honest(), await honest()]
    for (let i = 0; i < each * 0.2; i++) {
      if (i % 10 === 0) [wire, other] = [await honest(), wire]
      const mutant = i % 10 === 0 ? wire : mutated(wire, other, c, signedInBody)
      expect([await outcomeOnTheWeb(mutant), mutant]).toEqual([await outcome(mutant), mutant])
    }
  })
})

describe('a megabyte of signatures', () => {
  it.each(subjects.map((subject) => [subject.name, subject] as const))(
    'is compared 20 times at most: %s',
    async (_, subject) => {
      const { accepts, compared, forged } = await prepare(subject, 0)
      const wire = await forged()
      for (const [name, value] of wire.headers) {
        for (const separator of [' ', ',', ';', ', ']) {
          const many = `${value}${separator}`.repeat(Math.ceil(2 ** 20 / (value.length + 2)))
          const headers = wire.headers.map(([one, own]) => [one, one === name ? many : own] as const)
          const before = compared.count
          expect(await accepts({ ...wire, headers })).toBe(false)
          expect(compared.count - before).toBeLessThanOrEqual(20)
          let candidates = 0
          try {
            const { proofs } = subject.format.open(received({ ...wire, headers }))
            candidates = proofs.reduce((sum, { given }) => sum + given.length, 0)
          } catch (error) {
            if (!isHooksError(error)) throw error
          }
          expect(candidates).toBeLessThanOrEqual(20)
        }
      }
    },
  )
})

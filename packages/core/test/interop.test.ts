import { standardWebhooks } from '@hooks/core'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { outcomeOf, request, send, utf8 } from './support.ts'

const ROUNDS = 10_000
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

const ALPHABETS: readonly ((c: Chance) => number)[] = [
  ({ below }) => 0x20 + below(0x5f), // ASCII
  ({ below }) => below(0x20), // control characters, which JSON escapes
  ({ pick }) => pick([0x22, 0x5c, 0x2f, 0x7f, 0xfeff, 0x2028, 0x2029, 0xfffd, 0]),
  ({ below }) => 0xc0 + below(0x200), // two bytes
  ({ below }) => 0x4e00 + below(0x2000), // three bytes
  ({ below }) => 0x1f300 + below(0x400), // four bytes, a surrogate pair
  ({ below }) => 0xd800 + below(0x800), // half of a surrogate pair, which JSON.stringify escapes
]

/** Text of up to `most` bytes in UTF-8. */
const text = (c: Chance, most: number): string => {
  const alphabets = c.below(2) ? ALPHABETS : [c.pick(ALPHABETS)]
  let left = c.below(4) === 0 ? c.below(16) : c.below(most + 1)
  let made = ''
  for (; left >= 4; left -= 4) made += String.fromCodePoint(c.pick(alphabets)(c))
  return made
}

const value = (c: Chance, most: number, depth = 0): unknown => {
  const kind = c.below(depth > 3 ? 5 : 8)
  if (kind === 0) return c.pick([null, true, false, 0, -0, 1e21, 1e-7, 250.0, 2 ** 63])
  if (kind === 1) return c.below(2 ** 31) / c.pick([1, 3, 1000])
  if (kind < 5) return text(c, most)
  const size = c.below(4)
  const parts = Array.from({ length: size }, () => value(c, Math.floor(most / (size + 1)), depth + 1))
  return kind === 5 ? parts : Object.fromEntries(parts.map((part, i) => [c.below(4) ? text(c, 40) : String(i), part]))
}

const secret = (c: Chance) => {
  const bytes = Uint8Array.from({ length: 24 + c.below(41) }, () => c.below(256))
  return `whsec_${Buffer.from(bytes).toString('base64')}`
}
const id = (c: Chance) => `msg_${Array.from({ length: 1 + c.below(40) }, () => c.pick([...'aZ09_-/:+=~!'])).join('')}`
const sentAt = (c: Chance) => new Date((now - 300 + c.below(601)) * 1000)

describe.each([
  ['standardwebhooks', 'webhook', Webhook],
  ['svix', 'svix', SvixWebhook],
] as const)('%s', (name, prefix, Peer) => {
  const format = standardWebhooks({ prefix })

  beforeEach(() => {
    vi.useFakeTimers({ now: now * 1000, toFake: ['Date'] })
    return () => vi.useRealTimers()
  })

  it(`verifies ${ROUNDS} random deliveries of ours, and reads the same data`, { timeout: 60_000 }, async () => {
    const c = chance(1)
    for (let round = 0; round < ROUNDS; round++) {
      const data = JSON.stringify(value(c, 4096))
      const [own, old] = [secret(c), secret(c)]
      const sent = {
        message: { id: id(c), type: 'a.b', occurredAt: sentAt(c), tenant: 'acme', data },
        endpoint: { id: 'ep_1', url: 'https://receiver.example' },
        delivery: { id: 'dlv_1' },
      }
      const secrets = c.below(4) ? [own] : [old, own]
      const { headers, body } = await send(format, secrets, sent, { sentAt: sentAt(c) })
      const given = c.below(2) ? Buffer.from(body) : Buffer.from(body).toString()
      const parsed = new Peer(own).verify(given, headers) as { data: unknown }
      if (JSON.stringify(parsed.data) !== data) expect.fail(`round ${round}: ${name} reads other data: ${data}`)
    }
  })

  it(`signs ${ROUNDS} random payloads that we verify, up to a changed byte`, { timeout: 60_000 }, async () => {
    const c = chance(2)
    for (let round = 0; round < ROUNDS; round++) {
      const payload = c.below(2) ? JSON.stringify(value(c, 4096)) : text(c, 4096)
      const [own, message, time] = [secret(c), id(c), sentAt(c)]
      const headers = {
        [`${prefix}-id`]: message,
        [`${prefix}-timestamp`]: String(time.getTime() / 1000),
        [`${prefix}-signature`]: new Peer(own).sign(message, time, payload),
      }
      const body = utf8(payload)
      const receiver = { format, secrets: [secret(c), own], now }
      const outcome = await outcomeOf(receiver, request(headers, body))
      if (outcome !== '1') expect.fail(`round ${round}: ${outcome} for ${JSON.stringify(payload)}`)
      if (body.length === 0 || round % 10) continue
      const changed = c.below(body.length)
      body[changed] = (body[changed] as number) ^ (1 << c.below(8))
      const refused = await outcomeOf(receiver, request(headers, body))
      if (refused !== 'signature_mismatch') expect.fail(`round ${round}: byte ${changed} changed, and accepted`)
    }
  })
})

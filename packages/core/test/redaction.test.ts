import nodeCryptoModule from 'node:crypto'
import { format as consoleFormat, inspect } from 'node:util'
import { defineContract, defineEvents, hmacFormat, Key, part, platformCrypto, standardWebhooks } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { nodeCrypto, webCrypto } from '../src/crypto.ts'
import { delivery, outcomeOf, request, send } from './support.ts'

const bytes = Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i)
const secret = `whsec_${Buffer.from(bytes).toString('base64')}`

/** Every way in which a value ends up in a log. */
const shown = (value: unknown): string =>
  [
    inspect(value),
    inspect(value, { depth: null, showHidden: true, getters: true, showProxy: true, maxArrayLength: null }),
    consoleFormat('%s %o %O %j %d', value, value, value, value, value),
    consoleFormat(value),
    JSON.stringify(value),
    JSON.stringify(Object.getOwnPropertyDescriptors(value)),
    String(value),
    `${(value as Error).stack ?? ''}`,
    inspect(structuredClone(JSON.parse(JSON.stringify(value)))),
  ].join('\n')

/** The spellings in which a secret could be read. */
const expectSilent = (value: unknown, text = secret, raw = bytes) => {
  const log = shown(value)
  const buffer = Buffer.from(raw)
  const spellings = [
    text,
    text.replace(/^wh\w+_/, ''),
    text.slice(0, 14),
    text.slice(-12),
    buffer.toString('base64').slice(0, 12),
    buffer.toString('hex').slice(0, 12),
    [...raw.subarray(0, 4)].join(','),
    [...raw.subarray(0, 4)].join(', '),
    inspect(buffer.subarray(0, 4)).slice(8, -1),
  ]
  for (const spelling of spellings.filter((one) => one.length > 5)) expect(log).not.toContain(spelling)
}

describe('the bytes of a key', () => {
  it('are shown by no inspection, JSON or log, before its first use or after', async () => {
    for (const crypto of [platformCrypto(), nodeCrypto(nodeCryptoModule), webCrypto(globalThis.crypto.subtle)]) {
      for (const algorithm of ['hmac-sha256', 'hmac-sha512', 'sha256-secret-first', 'token'] as const) {
        const key = new Key(algorithm, bytes)
        expectSilent(key)
        await crypto.sign(algorithm, key, ['x'])
        expectSilent(key)
        expectSilent({ nested: [key, new Map([[key, key]])] })
      }
      const key = new Key('ed25519', bytes, 'sign')
      await crypto.sign('ed25519', key, ['x'])
      expectSilent(key)
    }
  })

  it('are shown by no key that a format makes of a secret', () => {
    expectSilent(standardWebhooks().keys(secret, 'sign'))
    const text = 'correct horse battery staple'
    const keys = hmacFormat({
      name: 'acme',
      secret: 'text',
      body: { type: part.type, data: part.data },
      signature: { header: 'x-signature' },
    }).keys(text, 'sign')
    expectSilent(keys, text, Buffer.from(text))
  })

  it('are not copied by spreading a key, or by assigning it', () => {
    const key = new Key('hmac-sha256', bytes)
    expectSilent({ ...key })
    expectSilent(Object.assign({}, key))
    expect(Object.keys(key).sort()).toEqual(['algorithm', 'use'])
  })
})

describe('a contract', () => {
  it('holds no secret, even after its format was used', async () => {
    const contract = defineContract({ events: defineEvents({ 'a.b': {} }) })
    await send(contract.format, [secret], delivery())
    expectSilent(contract)
    expectSilent(contract.format)
  })
})

describe('an error', () => {
  const caught = (act: () => unknown): unknown => {
    try {
      act()
    } catch (error) {
      return error
    }
    return expect.fail('nothing was thrown')
  }

  const formats = {
    'Standard Webhooks': standardWebhooks(),
    ...Object.fromEntries(
      (['text', 'whsec', 'base64', 'hex'] as const).map((grammar) => [
        grammar,
        hmacFormat({
          name: 'acme',
          secret: { grammar, minBytes: 100 },
          body: { type: part.type, data: part.data },
          signature: { header: 'x-signature' },
        }),
      ]),
    ),
  }
  const bad = [
    's3cr3t-with-space ',
    '\ts3cr3t-with-tab',
    's3cr3t!not/base64',
    'whsec_s3cr3t-too-short',
    'whsk_czNjcjN0czNjcjN0',
  ]

  it.each(Object.entries(formats))('about a secret does not hold it: %s', (_, format) => {
    for (const text of bad) {
      for (const use of ['sign', 'verify'] as const) {
        const log = shown(caught(() => format.keys(text, use)))
        expect(log).not.toContain('s3cr3t')
        expect(log).not.toContain('czNjcjN0')
      }
    }
  })

  it('about a token does not hold it', () => {
    const format = hmacFormat({
      name: 'acme',
      secret: 'text',
      body: { type: part.type, data: part.data },
      signature: { header: 'x-token', token: true },
    })
    expect(shown(caught(() => format.keys('s3cr3t\nwith a line break', 'sign')))).not.toContain('s3cr3t')
  })

  it('about a request holds no header value, no body and no query string', async () => {
    const format = standardWebhooks()
    const canary = 's3cr3t'
    const good = (await send(format, [secret], delivery())).headers
    const cases: [Record<string, string | string[]>, string][] = [
      [{ ...good, 'webhook-id': `${canary}.1` }, canary],
      [{ ...good, 'webhook-timestamp': canary }, canary],
      [{ ...good, 'webhook-signature': `v1,${canary}` }, canary],
      [{ ...good, 'webhook-signature': [canary, canary] }, canary],
      [good, `{"type":"${canary}"`],
    ]
    for (const [headers, body] of cases) {
      const received = request(headers, body, { url: `https://receiver.example/?token=${canary}`, method: 'POST' })
      const error = caught(() => {
        format.open(received)
        format.read(request(headers, `${body}`))
      })
      expect(shown(error)).not.toContain(canary)
    }
    const refused = await outcomeOf({ format, secrets: [secret], now: 0 }, request(good, canary))
    expect(refused).toBe('signature_mismatch')
  })
})

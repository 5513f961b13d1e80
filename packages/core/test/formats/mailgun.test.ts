import { mailgun } from '@hooks/core/formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send } from '../support.ts'
import { anyObject, dotted } from './law.ts'

const secret = 'key-0p6mqbf74lb20gzq9f4dhpn9rg3zyk26'
const format = mailgun()
const bodyOf = (signature: unknown, event: unknown = { event: 'delivered' }) =>
  JSON.stringify({ signature, 'event-data': event })
const judge = (body: string | Uint8Array, now: number, secrets = [secret]) =>
  outcomeOf({ format, secrets, now }, request({}, body))

describe('mailgun', () => {
  // Mailgun publishes no vector: the examples of its documents were altered, and its libraries' tests sign at run time. These
  // are the fixtures of Symfony's bridge, symfony/mailgun-mailer (96df0d3), Tests/Webhook/Fixtures, with its test's secret.
  it.each([
    [
      'delivered',
      'd1931d9645b65e60f6fddf94448e982ff8db9256144a7fcb15',
      1661621787,
      '1aed11dcc25700d6b75f9a6d568343ea02ecdd3fc89cc3209e2883a19e5cdd50',
    ],
    [
      'opened',
      'bbb203bc8d6602b6b22e4ce88a074f73fecb68d3a96e9c8318',
      1661621752,
      '695c5558b2f9b7a05c73081c860688595fde006c60614e9d6841cc889c4c8c9f',
    ],
    [
      'failed',
      'fff0ebc59c0516f4ce0823212a2f45e5c67814420b99fe558b',
      1661590666,
      'a0cd251821d8fd56a2130b541becc8e441023574e602fe9829a9ab9fbfdea33f',
    ],
    [
      'complained',
      '335da63647194414fe8bbb7c67b3b0585e426bcd10b258dcf4',
      1661621468,
      'e3c1ce2c6c7a678823e610537eeef59426df9b1b8ed4a49a91e144e71aa64fa9',
    ],
  ])("accepts Symfony's fixture: %s", async (event, token, time, signature) => {
    const signed = { token, timestamp: String(time), signature }
    const body = bodyOf(signed, { event, id: 'CPgfbmQMTCKtHW6uIWtuVe', timestamp: 1521472262.000002 })
    expect(await judge(body, time)).toBe('0')
    expect(await judge(bodyOf({ ...signed, timestamp: time }), time)).toBe('0')
    expect(await judge(bodyOf({ ...signed, token: token.replace(/.$/, 'x') }), time)).toBe('signature_mismatch')
    expect(await judge(bodyOf({ ...signed, timestamp: String(time + 1) }), time)).toBe('signature_mismatch')
    expect(await judge(body, time, ['key-another-of-sixteen-bytes'])).toBe('signature_mismatch')
    expect(format.read(request({}, body))).toEqual({
      type: event,
      id: token,
      sentAt: new Date(time * 1000),
      occurredAt: new Date(1_521_472_262_000),
      data: JSON.parse(body),
    })
  })

  const sent = fc.record({ id: fc.stringMatching(/^[\w-]{1,50}$/), type: dotted, data: anyObject })
  const time = fc.integer({ min: 1_000_000_000, max: 4_000_000_000 })

  it('holds: what is sealed is proved, and read as it was', async () => {
    await fc.assert(
      fc.asyncProperty(sent, time, async ({ id, type, data }, seconds) => {
        const message = delivery({ id, type, data: JSON.stringify(data) })
        const { headers, body } = await send(format, [secret], message, { sentAt: new Date(seconds * 1000) })
        expect(headers).toEqual({})
        expect(await judge(body, seconds)).toBe('0')
        const content = format.read(request({}, body))
        expect(content).toMatchObject({ type, id, sentAt: new Date(seconds * 1000) })
        const { event, timestamp, ...rest } = (content.data as Record<string, object>)['event-data'] as Record<
          string,
          unknown
        >
        expect({ event, timestamp, rest }).toEqual({ event: type, timestamp: 1_705_314_600, rest: data })
      }),
    )
  })

  it('refuses any bit flipped in time, token and signature, but for a digit of another case', async () => {
    const { body } = await send(format, [secret], delivery())
    const { signature } = JSON.parse(Buffer.from(body).toString())
    for (const [name, text] of Object.entries<string>(signature)) {
      for (let bit = 0; bit < text.length * 8; bit++) {
        const at = bit >> 3
        const flipped =
          text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << (bit & 7))) + text.slice(at + 1)
        if (name === 'signature' && flipped.toLowerCase() === text) continue
        const outcome = await outcomeOf(
          { format, secrets: [secret], now: 0, window: null },
          request({}, bodyOf({ ...signature, [name]: flipped })),
        )
        expect(outcome).toMatch(/^(signature_mismatch|malformed_timestamp|missing_header)$/)
      }
    }
  })

  it('does not cover the event, and says so: the same signature carries any other', async () => {
    const { body } = await send(format, [secret], delivery())
    const { signature } = JSON.parse(Buffer.from(body).toString())
    expect(await judge(bodyOf(signature, { event: 'forged' }), 1_705_314_600)).toBe('0')
    expect(format.facts).toEqual({ id: 'signed', sentAt: 'signed', body: 'unsigned', url: 'absent' })
  })

  it('moves no digit between time and token, which are signed with nothing between them', async () => {
    const { body } = await send(format, [secret], delivery({ id: '123' }))
    const { signature } = JSON.parse(Buffer.from(body).toString())
    const moved = [
      { ...signature, timestamp: `${signature.timestamp}1`, token: '23' },
      { ...signature, timestamp: signature.timestamp.slice(0, -1), token: `0${signature.token}` },
    ]
    for (const one of moved) {
      expect(one.timestamp + one.token).toBe(signature.timestamp + signature.token)
      const received = request({}, bodyOf(one))
      expect(await outcomeOf({ format, secrets: [secret], now: 0, window: null }, received)).toBe('malformed_timestamp')
    }
  })

  it("takes a subaccount's event by its own key, or by the primary account's", async () => {
    const { body } = await send(format, [secret], delivery())
    const { signature } = JSON.parse(Buffer.from(body).toString())
    const both = { ...signature, signature: '0'.repeat(64), 'parent-signature': signature.signature }
    expect(await judge(bodyOf(both), 1_705_314_600)).toBe('0')
    expect(await judge(bodyOf({ ...both, 'parent-signature': 7 }), 1_705_314_600)).toBe('signature_mismatch')
  })

  it('allows the eight hours for which Mailgun tries again', async () => {
    const { body } = await send(format, [secret], delivery())
    const at = (seconds: number) => judge(body, 1_705_314_600 + seconds)
    expect([await at(9 * 3600), await at(9 * 3600 + 1), await at(-300), await at(-301)]).toEqual([
      '0',
      'timestamp_too_old',
      '0',
      'timestamp_too_new',
    ])
  })

  it('refuses a body without a signature: a form, another JSON, none', async () => {
    const good = { token: 'a', timestamp: '1705314600', signature: '0'.repeat(64) }
    const bodies = ['', 'timestamp=1&token=a', 'null', '[]', '{}', '{"signature":null}', '{"signature":"x"}']
    for (const name of ['token', 'signature'])
      bodies.push(bodyOf({ ...good, [name]: undefined }), bodyOf({ ...good, [name]: '' }))
    bodies.push(
      bodyOf({ ...good, token: 7 }),
      bodyOf({ ...good, token: 'a b' }),
      bodyOf({ ...good, token: 'x'.repeat(257) }),
    )
    for (const body of [...bodies, Uint8Array.of(0xff)]) expect(await judge(body, 0)).toBe('missing_header')
    for (const timestamp of [undefined, null, '', '1', '1705314600 ', 1705314600.5, [1705314600]]) {
      expect(await judge(bodyOf({ ...good, timestamp }), 0)).toMatch(/^malformed_timestamp$/)
    }
  })

  it('refuses to read a body without an event', () => {
    const signature = { token: 'a', timestamp: '1705314600', signature: '0' }
    for (const event of [null, 'x', {}, { event: 1 }]) {
      expect(codeOf(() => format.read(request({}, bodyOf(signature, event))))).toBe('payload_invalid')
    }
  })

  it.each([1e300, -1e300, 8_640_000_000_001])('reads no time from what is none: %s', (timestamp) => {
    const body = bodyOf({ token: 'a', timestamp: '1705314600', signature: 'b' }, { event: 'delivered', timestamp })
    expect(format.read(request({}, body)).occurredAt).toBe(undefined)
  })
})

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { discord } from '@hooks/core/formats'
import { verifyKey } from 'discord-interactions'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send } from '../support.ts'
import { dotted, formatLaw } from './law.ts'

// Discord publishes no signature with its key; its own library is asked instead.
const seed = 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'
const publicOf = (seed: string) => {
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
}
const key = publicOf(seed)
const format = discord()
const interactions = [
  'PING',
  'APPLICATION_COMMAND',
  'MESSAGE_COMPONENT',
  'APPLICATION_COMMAND_AUTOCOMPLETE',
  'MODAL_SUBMIT',
]

formatLaw('discord', format, key, {
  signed: ['x-signature-ed25519', 'x-signature-timestamp'],
  spellings: ['x-signature-ed25519'],
  sign: seed,
  other: publicOf('07'.repeat(32)),
  type: fc.oneof(fc.constantFrom(...interactions), dotted),
  content: ({ message, sentAt }) => {
    const data = JSON.parse(message.data)
    const number = interactions.indexOf(message.type) + 1
    const common = { version: 1, application_id: message.tenant }
    if (number > 0) {
      const whole = { ...common, id: message.id, type: number, ...data }
      return { type: message.type, id: message.id, sentAt, data: whole }
    }
    const event = { type: message.type, timestamp: message.occurredAt.toISOString(), data }
    return { type: message.type, sentAt, occurredAt: message.occurredAt, data: { ...common, type: 1, event } }
  },
})

describe('discord', () => {
  const now = 1_705_314_600
  const receiver = { format, secrets: [key], now }

  it("is accepted by Discord's own library, and refused by it with a byte changed", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const sent = delivery({ type: 'APPLICATION_COMMAND', data: JSON.stringify({ data: value }) })
        const { headers, body } = await send(format, [seed], sent)
        const theirs = (bytes: Uint8Array) =>
          verifyKey(bytes, String(headers['x-signature-ed25519']), String(headers['x-signature-timestamp']), key)
        expect(await theirs(body)).toBe(true)
        expect(await theirs(Buffer.concat([body, Buffer.from(' ')]))).toBe(false)
      }),
      { numRuns: 50 },
    )
  })

  it('reads a webhook event, which has no id', () => {
    const event = {
      version: 1,
      application_id: '1234560123453231555',
      type: 1,
      event: { type: 'APPLICATION_AUTHORIZED', timestamp: '2024-10-18T14:42:53.064834+00:00', data: { scopes: [] } },
    }
    expect(format.read(request({}, JSON.stringify(event)))).toEqual({
      type: 'APPLICATION_AUTHORIZED',
      occurredAt: new Date('2024-10-18T14:42:53.064Z'),
      data: event,
    })
    expect(codeOf(() => format.read(request({}, '{"type":1}')))).toBe('payload_invalid')
    expect(format.read(request({}, '{"id":"1","type":99}')).type).toBe('INTERACTION_99')
  })

  const replied = async (body: object, outcome?: string) => {
    const asked = request({}, JSON.stringify(body))
    const to = { request: asked, content: format.read(asked), outcome, keys: [] }
    return format.reply?.(to, { sign: () => new Uint8Array() })
  }

  it('answers a PING of either kind, and nothing else', async () => {
    const pong = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"type":1}' }
    expect(await replied({ id: '1', type: 1, version: 1 })).toEqual(pong)
    expect(await replied({ version: 1, application_id: '1', type: 0 })).toEqual({ status: 204 })
    expect(await replied({ id: '1', type: 2 })).toBeUndefined()
    expect(await replied({ id: '1', type: 1 }, 'handled')).toBeUndefined()
  })

  it('answers 401 to every probe, malformed or wrong', async () => {
    const { headers, body } = await send(format, [seed], delivery())
    const { 'x-signature-ed25519': signature = '', 'x-signature-timestamp': time = '' } = headers
    const probes = {
      wrong: { 'x-signature-ed25519': '00'.repeat(64), 'x-signature-timestamp': time },
      short: { 'x-signature-ed25519': signature.slice(2), 'x-signature-timestamp': time },
      'not hexadecimal': { 'x-signature-ed25519': 'z'.repeat(128), 'x-signature-timestamp': time },
      'without time': { 'x-signature-ed25519': signature },
      'without signature': { 'x-signature-timestamp': time },
      'with a time that is none': { 'x-signature-ed25519': signature, 'x-signature-timestamp': 'x' },
    }
    for (const [name, probe] of Object.entries(probes)) {
      const asked = request(probe, body)
      const outcome = await outcomeOf(receiver, asked)
      const own = await format.reply?.(
        { request: asked, content: null, outcome, keys: [] },
        { sign: () => new Uint8Array() },
      )
      // The usual status of a mismatch is 401.
      expect(own?.status ?? (outcome === 'signature_mismatch' ? 401 : outcome), name).toBe(401)
    }
    const other = { request: request({}, body), content: null, outcome: 'handler_failed', keys: [] }
    expect(await format.reply?.(other, { sign: () => new Uint8Array() })).toBeUndefined()
  })

  it('takes 32 bytes in hexadecimal for a key', () => {
    for (const wrong of ['', 'abc', key.slice(2), `${key}00`, `0x${key}`]) {
      expect(codeOf(() => format.keys(wrong, 'verify'))).toMatch(/^secret_(format|missing)$/)
    }
    expect(format.keys(key.toUpperCase(), 'verify')).toHaveLength(1)
  })
})

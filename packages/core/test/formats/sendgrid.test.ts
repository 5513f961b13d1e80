import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { platformCrypto } from '@hooks/core'
import { sendgrid } from '@hooks/core/formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ecdsaToDer } from '../../src/ecdsa.ts'
import { codeOf, delivery, outcomeOf, request, send } from '../support.ts'
import { formatLaw } from './law.ts'

const pair = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const text = (key: Buffer) => key.toString('base64')
  return {
    verify: text(publicKey.export({ format: 'der', type: 'spki' })),
    sign: text(privateKey.export({ format: 'der', type: 'pkcs8' })),
  }
}
const own = pair()
const format = sendgrid()

formatLaw('sendgrid', format, own.verify, {
  signed: ['x-twilio-email-event-webhook-signature', 'x-twilio-email-event-webhook-timestamp'],
  sign: own.sign,
  other: pair().verify,
  type: fc.constant('events'),
  content: ({ message, sentAt }) => ({
    type: 'events',
    id: message.id,
    sentAt,
    data: [{ sg_event_id: message.id, timestamp: message.occurredAt.getTime() / 1000, ...JSON.parse(message.data) }],
  }),
})

describe('sendgrid', () => {
  // src/eventwebhook.spec.js of @sendgrid/eventwebhook@8.0.0. The line breaks are part of what is signed.
  const one = {
    key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==',
    signature: 'MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=',
    timestamp: '1600112502',
    body: '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n',
  }
  const several = {
    key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQ4LIFtWztlsF7skFqOncjD1lun4H5w8XOhyOArHW9RcIx/FfEzx6cikC/yPfUvwaX/JScE7Fc9CJD2afQ9Ok3Q==',
    signature: 'MEYCIQC/I4o6vCgqRYrTljjoVWB/GRWNtxeePlLMHr3x9ETeRQIhAIpV+03nREPTTHWSW0wIOA0EoMPdcNgXa70yCaqDJlu5',
    timestamp: '1619651159',
    body: '[{"email":"invalid@gmail.com","event":"processed","send_at":0,"sg_event_id":"cHJvY2Vzc2VkLTE5OTQyMTEyLXFOd0JMZ1BRUWpXNkRKdktRd1NBYnctMA","sg_message_id":"qNwBLgPQQjW6DJvKQwSAbw.filterdrecv-canary-547b64655b-cw6zx-1-6089EA4A-56.0","smtp-id":"<qNwBLgPQQjW6DJvKQwSAbw@ismtpd0178p1mdw1.sendgrid.net>","timestamp":1619651146},\r\n{"email":"invalid@gmail.com","event":"bounce","ip":"167.89.101.76","reason":"552 5.2.2 The email account that you tried to reach is over quota and inactive. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaPerm c17si1130468pgv.34 - gsmtp","sg_event_id":"Ym91bmNlLTAtMTk5NDIxMTItcU53QkxnUFFRalc2REp2S1F3U0Fidy0w","sg_message_id":"qNwBLgPQQjW6DJvKQwSAbw.filterdrecv-canary-547b64655b-cw6zx-1-6089EA4A-56.0","smtp-id":"<qNwBLgPQQjW6DJvKQwSAbw@ismtpd0178p1mdw1.sendgrid.net>","status":"5.2.2","timestamp":1619651147,"tls":1,"type":"blocked"}]\r\n',
  }
  const headersOf = ({ signature, timestamp }: typeof one) => ({
    'X-Twilio-Email-Event-Webhook-Signature': signature,
    'X-Twilio-Email-Event-Webhook-Timestamp': timestamp,
  })
  const judge = (given: typeof one, now = Number(given.timestamp)) =>
    outcomeOf({ format, secrets: [given.key], now }, request(headersOf(given), given.body))

  it.each<[string, typeof one, string]>([
    ['a valid single event signature', one, '0'],
    ['a valid multi event signature', several, '0'],
    [
      'invalid key',
      {
        ...one,
        key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA==',
      },
      'signature_mismatch',
    ],
    ['bad payload', { ...one, body: 'payload' }, 'signature_mismatch'],
    [
      'bad signature',
      {
        ...one,
        signature: 'MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH3j/0=',
      },
      'signature_mismatch',
    ],
    ['bad timestamp', { ...one, timestamp: 'timestamp' }, 'malformed_timestamp'],
    ['another timestamp', { ...one, timestamp: '1600112503' }, 'signature_mismatch'],
    ['the body without its last line break', { ...one, body: one.body.trim() }, 'signature_mismatch'],
  ])('judges as @sendgrid/eventwebhook: %s', async (_, given, outcome) => {
    expect(await judge(given)).toBe(outcome)
  })

  it('decodes no signature that is too long for one', async () => {
    expect(await judge({ ...one, signature: 'A'.repeat(2 ** 20) })).toBe('signature_mismatch')
    expect(await judge({ ...one, signature: 'A'.repeat(96) })).toBe('signature_mismatch')
  })

  it('allows the day for which SendGrid tries again, and an hour more', async () => {
    const now = Number(one.timestamp)
    expect(await judge(one, now + 25 * 3600)).toBe('0')
    expect(await judge(one, now + 25 * 3600 + 1)).toBe('timestamp_too_old')
    expect(await judge(one, now - 301)).toBe('timestamp_too_new')
  })

  it('reads a request as one message, whose id is those of its events', () => {
    const content = format.read(request(headersOf(several), several.body))
    const events = JSON.parse(several.body)
    expect(content).toEqual({
      type: 'events',
      id: `${events[0].sg_event_id},${events[1].sg_event_id}`,
      sentAt: new Date(1_619_651_159_000),
      data: events,
    })
    for (const text of ['', 'null', '{}', '[1]', 'x']) {
      expect(codeOf(() => format.read(request(headersOf(one), text)))).toBe('payload_invalid')
    }
  })

  it('takes a public key in SPKI to verify and a private one in PKCS #8 to sign, and says which is wanted', () => {
    expect(codeOf(() => format.keys(own.sign, 'verify'))).toBe('secret_type')
    expect(codeOf(() => format.keys(own.verify, 'sign'))).toBe('secret_type')
    const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const others = [p384.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'), ed25519, 'text', 'AAAA']
    for (const secret of others) expect(codeOf(() => format.keys(secret, 'verify'))).toBe('secret_format')
    const foreign = p384.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
    expect(codeOf(() => format.keys(foreign, 'sign'))).toBe('secret_format')
    expect(codeOf(() => format.keys(`-----BEGIN PUBLIC KEY-----\n${own.verify}`, 'verify'))).toBe('secret_format')
  })

  it('makes private keys of any 32 bytes, whose public half verifies', async () => {
    for (const bytes of [new Uint8Array(32).fill(255), new Uint8Array(32).fill(1)]) {
      const secret = format.newSecret(bytes)
      const key = createPrivateKey({ key: Buffer.from(secret, 'base64'), format: 'der', type: 'pkcs8' })
      const verify = createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64')
      const { headers, body } = await send(format, [secret], delivery({ type: 'events' }))
      expect(await outcomeOf({ format, secrets: [verify], now: 1_705_314_600 }, request(headers, body))).toBe('0')
    }
  })

  it('names the cryptography that it needs: most receivers do not have it', () => {
    expect(Object.keys(format.crypto?.() ?? {})).toEqual(Object.keys(platformCrypto()))
  })
})

describe('a signature in DER', () => {
  it('is written as OpenSSL writes it, for numbers of any length', () => {
    const number = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const short = fc.tuple(fc.nat(31), number).map(([zeros, bytes]) => bytes.map((byte, i) => (i < zeros ? 0 : byte)))
    fc.assert(
      fc.property(short, short, (r, s) => {
        const integer = (bytes: Uint8Array) => {
          const hex = Buffer.from(bytes)
            .toString('hex')
            .replace(/^(00)+(?=.)/, '')
          const content = Buffer.from(Number.parseInt(hex.slice(0, 2), 16) > 0x7f ? `00${hex}` : hex, 'hex')
          return Buffer.concat([Buffer.of(2, content.length), content])
        }
        const content = Buffer.concat([integer(r), integer(s)])
        const expected = Buffer.concat([Buffer.of(0x30, content.length), content])
        expect(Buffer.from(ecdsaToDer(Uint8Array.from([...r, ...s])))).toEqual(expected)
      }),
    )
  })
})

import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { github, linear, paddle, polar, sanity, sendgrid, shopify, slack, stripe } from '@hooks/core/formats'
import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods'
import { Paddle } from '@paddle/paddle-node-sdk'
import { encodeSignatureHeader, isValidSignature } from '@sanity/webhook'
import { EventWebhook } from '@sendgrid/eventwebhook'
import fc from 'fast-check'
import Stripe from 'stripe'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { delivery, outcomeOf, request, send } from '../support.ts'
import { anyObject } from './law.ts'

// Discord's library judges what `discord` makes in discord.test.ts.
const timeout = 60_000
const now = 1_705_314_600
const text = fc.string({ unit: 'grapheme', maxLength: 200 })
const secret = fc
  .string({ unit: 'grapheme-ascii', minLength: 16, maxLength: 60 })
  .map((made) => `_${made.trim()}_${'x'.repeat(16)}`)

describe('stripe@23.1.0', () => {
  const { webhooks } = new Stripe('sk_test_none')
  const format = stripe()

  it('accepts what we sign, and reads the same event', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(anyObject, secret, async (data, secret) => {
        const { headers, body } = await send(format, [secret], delivery({ data: JSON.stringify(data) }))
        const header = String(headers['stripe-signature'])
        const event = webhooks.constructEvent(Buffer.from(body), header, secret, 300, undefined, now * 1000)
        expect(event).toEqual(format.read(request(headers, body)).data)
        expect(() =>
          webhooks.constructEvent(`${Buffer.from(body)} `, header, secret, 300, undefined, now * 1000),
        ).toThrow(/signature/i)
      }),
    )
  })

  it('signs what we accept, and nothing that differs by a character', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(text, secret, async (payload, secret) => {
        const header = webhooks.generateTestHeaderString({ payload, secret, timestamp: now })
        const judged = (body: string) =>
          outcomeOf({ format, secrets: [secret], now }, request({ 'stripe-signature': header }, body))
        expect(await judged(payload)).toBe('0')
        expect(await judged(`${payload} `)).toBe('signature_mismatch')
      }),
    )
  })
})

describe('@octokit/webhooks-methods@6.0.0', () => {
  const format = github()

  it('accepts what we sign', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(anyObject, secret, async (data, secret) => {
        const { headers, body } = await send(format, [secret], delivery({ data: JSON.stringify(data) }))
        const signature = String(headers['x-hub-signature-256'])
        expect(await octokitVerify(secret, Buffer.from(body).toString(), signature)).toBe(true)
        expect(await octokitVerify(secret, `${Buffer.from(body)} `, signature)).toBe(false)
      }),
    )
  })

  it('signs what we accept, and nothing that differs by a character', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(text.filter(Boolean), secret, async (payload, secret) => {
        const headers = { 'x-hub-signature-256': await octokitSign(secret, payload) }
        const judged = (body: string) => outcomeOf({ format, secrets: [secret], now }, request(headers, body))
        expect(await judged(payload)).toBe('0')
        expect(await judged(`${payload} `)).toBe('signature_mismatch')
      }),
    )
  })
})

describe('@paddle/paddle-node-sdk@3.10.0', () => {
  const { webhooks } = new Paddle('pdl_test_none')
  const format = paddle()
  afterEach(() => void vi.useRealTimers())

  it('accepts what we sign', { timeout }, async () => {
    vi.useFakeTimers({ now: now * 1000, toFake: ['Date'] })
    await fc.assert(
      fc.asyncProperty(anyObject, secret, async (data, secret) => {
        const { headers, body } = await send(format, [secret], delivery({ data: JSON.stringify(data) }))
        const header = String(headers['paddle-signature'])
        expect(await webhooks.isSignatureValid(Buffer.from(body).toString(), secret, header)).toBe(true)
        expect(await webhooks.isSignatureValid(`${Buffer.from(body)} `, secret, header)).toBe(false)
      }),
    )
  })
})

describe('@sanity/webhook@4.0.4', () => {
  const format = sanity()

  it('accepts what we sign', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(anyObject, secret, async (data, secret) => {
        const { headers, body } = await send(format, [secret], delivery({ data: JSON.stringify(data) }))
        const header = String(headers['sanity-webhook-signature'])
        expect(await isValidSignature(Buffer.from(body).toString(), header, secret)).toBe(true)
        expect(await isValidSignature(`${Buffer.from(body)} `, header, secret)).toBe(false)
      }),
    )
  })

  it('signs what we accept, and nothing that differs by a character', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(text.filter(Boolean), secret, async (payload, secret) => {
        const headers = { 'sanity-webhook-signature': await encodeSignatureHeader(payload, now * 1000, secret) }
        const judged = (body: string) => outcomeOf({ format, secrets: [secret], now }, request(headers, body))
        expect(await judged(payload)).toBe('0')
        expect(await judged(`${payload} `)).toBe('signature_mismatch')
      }),
    )
  })
})

describe('@sendgrid/eventwebhook@8.0.0', () => {
  it('accepts what we sign, numbers of every length in its DER', { timeout }, async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const library = new EventWebhook()
    const key = library.convertPublicKeyToECDSA(publicKey.export({ format: 'der', type: 'spki' }).toString('base64'))
    const sign = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
    await fc.assert(
      fc.asyncProperty(anyObject, async (data) => {
        const { headers, body } = await send(sendgrid(), [sign], delivery({ data: JSON.stringify(data) }))
        const accepts = (payload: string) =>
          library.verifySignature(
            key,
            payload,
            String(headers['x-twilio-email-event-webhook-signature']),
            String(headers['x-twilio-email-event-webhook-timestamp']),
          )
        expect(accepts(Buffer.from(body).toString())).toBe(true)
        expect(accepts(`${Buffer.from(body)} `)).toBe(false)
      }),
    )
  })
})

// Libraries that are too heavy to be here, or need a newer Node.js than ours, were asked once.
describe('requests that other libraries accepted', () => {
  interface Accepted {
    readonly format: 'linear' | 'polar' | 'shopify' | 'slack'
    readonly acceptedBy: string
    readonly secret: string
    readonly now: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
  const file = readFileSync(new URL('../vectors/providers.json', import.meta.url), 'utf8')
  const { requests } = JSON.parse(file) as { requests: readonly Accepted[] }
  const ofName = { linear, polar, shopify, slack }

  it.each(requests.map((one) => [one.acceptedBy, one.body, one] as const))('%s: %s', async (_name, _body, accepted) => {
    const { secret, now, headers, body } = accepted
    const judged = (text: string) =>
      outcomeOf({ format: ofName[accepted.format](), secrets: [secret], now }, request(headers, text))
    expect(await judged(body)).toBe('0')
    expect(await judged(`${body} `)).toBe('signature_mismatch')
  })
})

import { createHmac } from 'node:crypto'
import { shopify } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'

// Shopify publishes no signature with its secret; the scheme is that of @shopify/shopify-api 15.0.0, `validateHmacString`.
const secret = 'shpss_0123456789abcdef0123456789abcdef'
const format = shopify()

formatLaw('shopify', format, secret, {
  signed: ['x-shopify-hmac-sha256'],
  content: ({ message }) => ({
    type: message.type,
    id: message.id,
    tenant: message.tenant,
    occurredAt: message.occurredAt,
    data: JSON.parse(message.data),
  }),
})

describe('shopify', () => {
  const body = '{"id":820982911946154508,"email":"jon@example.com"}'
  const hmac = createHmac('sha256', secret).update(body).digest('base64')
  const family = (prefix: string) => ({
    [`${prefix}Topic`]: 'orders/create',
    [`${prefix}Hmac-Sha256`]: hmac,
    [`${prefix}Shop-Domain`]: 'johns-apparel.myshopify.com',
    [`${prefix}API-Version`]: '2026-10',
    [`${prefix}Webhook-Id`]: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
    [`${prefix}Triggered-At`]: '2026-03-29T18:00:27.877041743Z',
    [`${prefix}Event-Id`]: '98880550-7158-44d4-b7cd-2c97c8a091b5',
  })
  const receiver = { format, secrets: [secret], now: 0 }

  it.each(['X-Shopify-', 'Shopify-'])('accepts and reads the headers named %s*', async (prefix) => {
    const received = request(family(prefix), body)
    expect(await outcomeOf(receiver, received)).toBe('0')
    expect(format.read(received)).toEqual({
      type: 'orders/create',
      id: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
      tenant: 'johns-apparel.myshopify.com',
      occurredAt: new Date('2026-03-29T18:00:27.877Z'),
      data: JSON.parse(body),
    })
    const wrong = { ...family(prefix), [`${prefix}Hmac-Sha256`]: `${hmac.slice(0, -2)}A=` }
    expect(await outcomeOf(receiver, request(wrong, body))).toBe('signature_mismatch')
  })

  it('never falls back: with both families, one wrong signature is not made good by the other', async () => {
    const headers = { ...family('Shopify-'), 'X-Shopify-Hmac-Sha256': 'wrong' }
    expect(await outcomeOf(receiver, request(headers, body))).toBe('signature_mismatch')
  })

  it('takes base64 in its one spelling only', async () => {
    for (const spelled of [hmac.slice(0, -1), `${hmac}=`, ` ${hmac}`, hmac.replaceAll('+', '-').replaceAll('/', '_')]) {
      if (spelled === hmac) continue
      const headers = { ...family('X-Shopify-'), 'X-Shopify-Hmac-Sha256': spelled }
      expect(await outcomeOf(receiver, request(headers, body))).toBe('signature_mismatch')
    }
  })
})

import { Parser } from '@asyncapi/parser'
import { type DeliveryPolicy, defineContract, defineEvents, hmacFormat, part } from '@hooks/core'
import { validate } from '@readme/openapi-parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { consumerDocs, webhooksAsyncApi, webhooksOpenApi } from '../../src/docs/index.ts'

const events = defineEvents({
  'booking.created': {
    description: 'Booked',
    group: 'Bookings',
    deprecated: 'Use booking.made.',
    schema: z.object({ id: z.string() }),
    example: { id: 'b_1' },
  },
})
const info = { title: 'Webhooks', version: '1.0.0' }
const policies = {
  default: {},
  'non2xx-retries': { classify: 'non2xx-retries', pace: false },
  strict4xx: { classify: 'strict4xx' },
  function: { classify: () => undefined },
  once: { retry: ['0s'] },
} satisfies Record<string, DeliveryPolicy>
const contractOf = (name: keyof typeof policies) => defineContract({ events, policy: policies[name] as DeliveryPolicy })

describe('what an answer comes to', () => {
  it.each([
    ['default', ['2XX', '410', '429', '503', 'default']],
    ['non2xx-retries', ['2XX', 'default']],
    ['strict4xx', ['2XX', '408', '409', '410', '425', '429', '4XX', '503', 'default']],
    ['function', ['2XX', '429', '503', 'default']],
    ['once', ['2XX', '410', '429', '503', 'default']],
  ] as const)('is in the OpenAPI document as the policy has it: %s', async (name, statuses) => {
    const document = webhooksOpenApi(contractOf(name), info) as unknown as Described
    const responses = document.webhooks['booking.created']?.post.responses
    expect(Object.keys(responses ?? {}).sort()).toEqual([...statuses].sort())
    expect('Retry-After' in (responses?.['429']?.headers ?? {})).toBe(statuses.includes('429' as never))
    expect(await validate(structuredClone(document) as never)).toMatchObject({ valid: true })
  })

  it('is said of a policy by which 4xx is no failure that is tried again', () => {
    const { 'webhooks.en.md': strict, 'webhooks.fr.md': strictly } = consumerDocs(contractOf('strict4xx'), options)
    expect(strict).toContain('Any other answer of 4xx ends the attempts, but for 408, 409, 425 and 429.')
    expect(strict).toContain('An answer of 410 ends the attempts, and your endpoint is disabled.')
    expect(strictly).toContain('Toute autre réponse 4xx met fin aux tentatives, sauf 408, 409, 425 et 429.')
    expect(consumerDocs(contractOf('default'), options)['webhooks.en.md']).not.toContain('Any other answer of 4xx')
  })
})

describe('that a receiver can end a delivery, or its endpoint, by a header of its answer', () => {
  const heeds = { default: true, strict4xx: true, once: true, 'non2xx-retries': false, function: false } as const

  it.each(Object.entries(heeds))('is said where the policy heeds it: %s (%s)', (name, isHeeded) => {
    const contract = contractOf(name as keyof typeof heeds)
    const { 'webhooks.en.md': english, 'webhooks.fr.html': french } = consumerDocs(contract, options)
    expect(english?.includes('`webhook-delivery: abort-message`')).toBe(isHeeded)
    expect(french?.includes('<code>webhook-delivery: disable</code>')).toBe(isHeeded)
    const { webhooks } = webhooksOpenApi(contract, info) as unknown as Described
    const asked = Object.entries(webhooks['booking.created']?.post.responses ?? {}).map(
      ([status, { headers = {} }]) => [status, (headers['webhook-delivery'] as Header | undefined)?.schema.enum],
    )
    expect(Object.fromEntries(asked)).toMatchObject({
      '2XX': isHeeded ? ['disable'] : undefined,
      default: isHeeded ? ['abort-message', 'disable'] : undefined,
    })
  })
})

it('an AsyncAPI message has its group, its headers, an example, and says that it is deprecated', async () => {
  const document = webhooksAsyncApi(contractOf('default'), info) as unknown as { components: { messages: Messages } }
  expect(document.components.messages['booking.created']).toMatchObject({
    summary: 'Booked',
    description: 'Deprecated: Use booking.made.',
    tags: [{ name: 'Bookings' }],
    headers: { required: ['webhook-id', 'webhook-timestamp', 'webhook-signature'] },
    payload: { deprecated: true },
    examples: [{ payload: { type: 'booking.created', timestamp: '2024-01-15T10:30:00.000Z', data: { id: 'b_1' } } }],
  })
  const { diagnostics } = await new Parser().parse(JSON.stringify(document))
  expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([])
}, 60_000)

it('the data of a union that is spread into the body fits, though its members allow no other field', () => {
  const kinds = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('table'), seats: z.int() }),
    z.strictObject({ kind: z.literal('bar'), stools: z.int() }),
  ])
  const format = hmacFormat({
    name: 'flat',
    secret: 'text',
    body: { event: part.type, '...': part.data },
    signature: { header: 'x-signature', over: [part.body] },
  })
  const contract = defineContract({
    format,
    events: defineEvents({ 'booking.created': { schema: kinds, example: { kind: 'bar', stools: 2 } } }),
  })
  const document = webhooksOpenApi(contract, info) as unknown as Described
  const { example } = document.webhooks['booking.created']?.post.requestBody.content['application/json'] ?? {}
  const fits = new Ajv2020({ strict: false }).compile(document.components.schemas['booking.created'] as object)
  expect([example, fits(example)]).toEqual([{ event: 'booking.created', kind: 'bar', stools: 2 }, true])
  expect(fits({ ...(example as object), stools: 'two' })).toBe(false)
})

const options = { product: 'Acme', version: '1.0.0', date: '2026-01-31', languages: [] }

interface Operation {
  readonly responses: Readonly<Record<string, { readonly headers?: Readonly<Record<string, unknown>> }>>
  readonly requestBody: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> }
}
interface Header {
  readonly schema: { readonly enum: readonly string[] }
}
interface Described {
  readonly webhooks: Readonly<Record<string, { readonly post: Operation }>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}
type Messages = Readonly<Record<string, object>>

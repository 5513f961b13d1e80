import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Parser } from '@asyncapi/parser'
import { defineContract, defineEvents, hmacFormat, part } from '@hooks/core'
import { validate } from '@readme/openapi-parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { consumerDocs, docsDrift, webhooksAsyncApi, webhooksOpenApi, writeDocs } from '../../src/docs/index.ts'

const events = defineEvents({
  'booking.created': {
    description: 'Une réservation | a été <créée>',
    group: 'Réservations',
    schema: z.object({
      id: z.string(),
      seats: z.int(),
      price: z.number().nullable(),
      status: z.enum(['PENDING', 'PAID']),
      guests: z.array(z.object({ name: z.string(), email: z.string().optional() })),
      extras: z.record(z.string(), z.boolean()).optional(),
    }),
    example: { id: 'b_1', seats: 2, price: 250, status: 'PENDING', guests: [{ name: 'Zoë' }] },
  },
  'booking.lost': { deprecated: 'Use booking.cancelled.' },
  payment_completed: { description: 'Paid', schema: z.object({ amount: z.number() }), example: { amount: 100 } },
})

const formats = {
  standard: undefined,
  own: hmacFormat({
    name: 'own',
    secret: 'text',
    body: { id: part.deliveryId, event: part.type, at: part.occurredAt('isoSeconds'), v: 1, data: part.data },
    headers: { 'x-own-time': part.sentAt('unix') },
    signature: { header: 'x-own-signature', prefix: 'sha256=', over: [part.header('x-own-time'), '.', part.body] },
  }),
  flat: hmacFormat({
    name: 'flat',
    secret: 'text',
    body: { event: part.type, '...': part.data },
    signature: { header: 'x-token', token: true },
  }),
}
const contractOf = (name: keyof typeof formats) => {
  const format = formats[name]
  return defineContract({ events, policy: { retry: ['0s', '1m', '2h'], deadline: '10s' }, ...(format && { format }) })
}
const options = { product: "Lok'Room", version: '1.0.0', date: '2026-01-31' }
const info = { title: 'Webhooks', version: '1.0.0' }

describe.each(Object.keys(formats) as (keyof typeof formats)[])(
  'the documents of a contract with the format "%s"',
  (name) => {
    const contract = contractOf(name)

    it('pass the parser of OpenAPI', async () => {
      const result = await validate(structuredClone(webhooksOpenApi(contract, info)) as never)
      expect(result).toMatchObject({ valid: true })
    })

    it('pass the parser of AsyncAPI', async () => {
      const { diagnostics } = await new Parser().parse(JSON.stringify(webhooksAsyncApi(contract, info)))
      expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([])
    }, 60_000)

    it('have schemas that the bodies on the wire fit', () => {
      const document = webhooksOpenApi(contract, info) as {
        components: { schemas: Record<string, object> }
        webhooks: Record<string, { post: { requestBody: { content: Record<string, { example?: unknown }> } } }>
      }
      let checked = 0
      for (const { type, example } of events.all) {
        if (example === undefined) continue
        const valid = new Ajv2020({ strict: false, validateFormats: false }).compile(
          document.components.schemas[type] as object,
        )
        const body = document.webhooks[type]?.post.requestBody.content['application/json']?.example as Record<
          string,
          unknown
        >
        expect(valid(body)).toBe(true)
        const field = name === 'standard' ? 'type' : 'event'
        expect(valid({ ...body, [field]: 'another' })).toBe(false)
        checked++
      }
      expect(checked).toBe(2)
    })

    it('have types that the bodies on the wire fit', () => {
      const types = consumerDocs(contract, options)['events.d.ts'] as string
      const folder = mkdtempSync(join(tmpdir(), 'types-'))
      const envelope = {
        standard: (type: string, data: string) => `{ type: '${type}', timestamp: '', data: ${data} }`,
        own: (type: string, data: string) => `{ id: '', event: '${type}', at: '', v: 1, data: ${data} }`,
        flat: (type: string, data: string) => `{ event: '${type}', ...${data} }`,
      }[name]
      try {
        writeFileSync(join(folder, 'events.ts'), types)
        writeFileSync(
          join(folder, 'use.ts'),
          `import type { BookingCreated, PaymentCompleted, WebhookEvent } from './events.ts'
export const booking: BookingCreated = ${envelope('booking.created', "{ id: '', seats: 1, price: null, status: 'PAID', guests: [{ name: '' }] }")}
export const event: WebhookEvent = ${envelope('payment_completed', '{ amount: 1 }')}
// @ts-expect-error: an amount is a number
export const wrong: PaymentCompleted = ${envelope('payment_completed', "{ amount: '1' }")}
`,
        )
        const program = ts.createProgram([join(folder, 'use.ts')], {
          strict: true,
          noEmit: true,
          allowImportingTsExtensions: true,
          types: [],
          module: ts.ModuleKind.NodeNext,
        })
        const found = ts
          .getPreEmitDiagnostics(program)
          .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
        expect(found).toEqual([])
      } finally {
        rmSync(folder, { recursive: true })
      }
    }, 60_000)
  },
)

describe('a schema that is used twice, or describes itself', () => {
  const guest = z.object({ name: z.string() }).meta({ id: 'Guest' })
  const node: z.ZodType = z.lazy(() => z.object({ leaf: z.string(), under: z.array(node) }))
  const contract = defineContract({
    events: defineEvents({ 'a.b': { schema: z.object({ host: guest, guests: z.array(guest), node }) } }),
  })
  const files = consumerDocs(contract, options)

  it('stands in OpenAPI and AsyncAPI as what it is, since its references point nowhere there', async () => {
    expect(files['openapi.json']).not.toMatch(/\$ref": "#\/\$defs|\$ref": "#"/)
    expect(files['asyncapi.json']).not.toMatch(/\$ref": "#\/\$defs|\$ref": "#"/)
    expect(await validate(JSON.parse(files['openapi.json'] as string))).toMatchObject({ valid: true })
    const { components } = JSON.parse(files['openapi.json'] as string)
    const valid = new Ajv2020({ strict: false, validateFormats: false }).compile(components.schemas['a.b'])
    const body = (host: unknown, leaf: unknown) => ({
      type: 'a.b',
      timestamp: '',
      data: { host, guests: [{ name: '' }], node: { leaf, under: [{ leaf: '', under: [] }] } },
    })
    expect([valid(body({ name: '' }, '')), valid(body({}, '')), valid(body({ name: '' }, 1))]).toEqual([
      true,
      false,
      false,
    ])
  }, 60_000)

  it('has its fields in the guide and in the types', () => {
    expect(files['webhooks.en.md']).toContain('| `host.name` | string | ✓ |')
    expect(files['webhooks.en.md']).toContain('| `node.leaf` | string | ✓ |')
    expect(files['events.d.ts']).toMatch(/host: \{\n\s+name: string\n/)
    expect(files['events.d.ts']).toMatch(/under: unknown\[\]/)
  })

  it('keeps its references in a file of its own, where they point', () => {
    const schema = JSON.parse(files['schemas/a.b.schema.json'] as string)
    const valid = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
    const data = (leaf: unknown) => ({
      host: { name: '' },
      guests: [],
      node: { leaf: '', under: [{ leaf, under: [] }] },
    })
    expect([valid(data('')), valid(data(1))]).toEqual([true, false])
  })
})

describe('the guide for consumers', () => {
  it('says in English what it takes to receive: events, headers, what is signed, answers, retries, duplicates', () => {
    const page = consumerDocs(contractOf('own'), options)['webhooks.en.md'] as string
    for (const said of [
      "# Webhooks Lok'Room",
      '| `booking.created` | Une réservation \\| a été &lt;créée> |',
      'Deprecated: Use booking.cancelled.',
      '| `guests[].name` | string | ✓ |',
      '| `x-own-time` | When this attempt was sent, in Unix seconds |',
      'What is signed: `x-own-time` + `.` + the body.',
      'The signature is the HMAC-SHA256 of that, in hex, after `sha256=`.',
      'within 10 seconds',
      '3 attempts in all',
      '| 3 | 2 hours |',
      'An answer of 410 ends the attempts',
      'Remember `id` of what you have handled',
      '"id": "dlv_abc123"',
    ]) {
      expect(page).toContain(said)
    }
  })

  it('says the same in French', () => {
    const page = consumerDocs(contractOf('own'), options)['webhooks.fr.md'] as string
    expect(page).toContain('Ce qui est signé : `x-own-time` + `.` + le corps.')
    expect(page).toContain('en moins de 10 secondes')
    expect(page).toContain('| 2 | 1 minute |')
  })

  it.each([
    [{}, 'After 5 days of failures without a success your', "Après 5 jours d'échecs sans un succès, votre"],
    [{ disable: 'never' }, 'never disabled', "n'est jamais désactivé"],
    [{ disable: { afterExhausted: 1 } }, 'After 1 failed delivery your', 'Après 1 livraison échouée, votre'],
    [
      { disable: { afterFailures: 5 } },
      'After 5 failed attempts in a row your',
      'Après 5 tentatives échouées de suite, votre',
    ],
  ] as const)('says when an endpoint is disabled: %j', (policy, english, french) => {
    const files = consumerDocs(defineContract({ events, policy }), options)
    expect(files['webhooks.en.md']).toContain(english)
    expect(files['webhooks.fr.md']).toContain(french)
  })

  it('says that a busy receiver is waited for, where it is', () => {
    const page = (pace: boolean) =>
      consumerDocs(defineContract({ events, policy: { pace } }), options)['webhooks.en.md']
    expect(page(true)).toContain('`Retry-After`')
    expect(page(false)).not.toContain('`Retry-After`')
  })

  it('says how a change of secret is followed, with several signatures in the header or with one', () => {
    expect(consumerDocs(contractOf('standard'), options)['webhooks.en.md']).toContain('holds several signatures')
    expect(consumerDocs(contractOf('own'), options)['webhooks.en.md']).toContain('with the new one or with the old one')
  })

  it('says of a token that it protects nothing, and of unsigned ids that the bytes tell a repetition', () => {
    expect(consumerDocs(contractOf('flat'), options)['webhooks.en.md']).toContain('protects nothing of the body')
    const unsigned = hmacFormat({
      name: 'unsigned',
      secret: 'text',
      body: { type: part.type, data: part.data },
      headers: { 'x-id': part.deliveryId },
      signature: { header: 'x-signature' },
    })
    const page = consumerDocs(defineContract({ events, format: unsigned }), options)['webhooks.en.md']
    expect(page).toContain('Remember a hash of the bodies')
  })

  it('carries the front matter of a site generator, and links', () => {
    const frontMatter = { id: 'webhooks', title: 'Webhooks API', sidebar_position: 4, note: 'a: b' }
    const links = [{ text: 'Status', href: 'https://status.example.com' }]
    const files = consumerDocs(contractOf('own'), { ...options, frontMatter, links })
    expect(files['webhooks.fr.md']).toMatch(
      /^---\nid: webhooks\ntitle: Webhooks API\nsidebar_position: 4\nnote: "a: b"\n---\n/,
    )
    expect(files['webhooks.en.md']).toContain('- [Status](https://status.example.com)')
    expect(files['webhooks.en.html']).toContain('<a href="https://status.example.com">Status</a>')
  })

  it('is inert as a page, whatever the catalog says', () => {
    const page = consumerDocs(contractOf('own'), { ...options, product: '<script>alert(1)</script>' })[
      'webhooks.fr.html'
    ]
    expect(page).not.toMatch(/<script/i)
    expect(page).toContain('Une réservation | a été &lt;créée&gt;')
    expect(page).toMatch(/^<!doctype html>\n<html lang="fr">/)
  })

  it('is the same to the byte for the same contract, and drift is named', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'docs-'))
    try {
      const files = consumerDocs(contractOf('standard'), options)
      expect(await docsDrift(folder, files)).toEqual(Object.keys(files))
      await writeDocs(folder, files)
      expect(await docsDrift(folder, consumerDocs(contractOf('standard'), options))).toEqual([])
      const next = consumerDocs(contractOf('standard'), { ...options, version: '1.1.0' })
      const pages = ['webhooks.en.md', 'webhooks.en.html', 'webhooks.fr.md', 'webhooks.fr.html']
      expect(await docsDrift(folder, next)).toEqual([...pages, 'openapi.json', 'asyncapi.json'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

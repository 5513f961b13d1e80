import { defineContract, defineEvents, type EventDefinitions } from '@hooks/core'
import { validate } from '@readme/openapi-parser'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { consumerDocs, webhooksOpenApi } from '../../src/docs/index.ts'

const docsOf = (events: EventDefinitions, more: object = {}) =>
  consumerDocs(defineContract({ events: defineEvents(events) }), {
    product: 'Acme',
    version: '1.0.0',
    date: '2026-01-31',
    languages: [],
    ...more,
  }) as Readonly<Record<string, string>>

/** What TypeScript says of declarations. */
function faultsOf(text = ''): readonly string[] {
  const name = '/events.ts'
  const host = ts.createCompilerHost({})
  const { getSourceFile } = host
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(file, text, ts.ScriptTarget.ES2022) : getSourceFile.call(host, file, ...rest)
  const program = ts.createProgram([name], { strict: true, noEmit: true, types: [] }, host)
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

describe('event types whose names come to one', () => {
  const events = {
    'a.b/c': z.object({ slash: z.string() }),
    'a.b:c': z.object({ colon: z.string() }),
    'a.b_c': z.object({ line: z.string() }),
    'A.b_c': z.object({ large: z.string() }),
  }

  it('have a schema each, in a file whose name is not that of another with other letters', async () => {
    const files = docsOf(events)
    const names = Object.keys(files).filter((name) => name.startsWith('schemas/'))
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(4)
    const { webhooks, components } = JSON.parse(files['openapi.json'] ?? '')
    for (const [type, field] of [
      ['a.b/c', 'slash'],
      ['a.b:c', 'colon'],
      ['a.b_c', 'line'],
      ['A.b_c', 'large'],
    ] as const) {
      const { $ref } = webhooks[type].post.requestBody.content['application/json'].schema
      const body = components.schemas[$ref.split('/').at(-1)]
      expect([type, Object.keys(body.properties.data.properties)]).toEqual([type, [field]])
    }
    const contract = defineContract({ events: defineEvents(events) })
    const document = webhooksOpenApi(contract, { title: 'Webhooks', version: '1.0.0' })
    expect((await validate(structuredClone(document) as never)).valid).toBe(true)
  })

  it('have a type each, and none the name of what the declarations need themselves', () => {
    const data = z.object({ labels: z.record(z.string(), z.string()) })
    const text = docsOf({ ...events, 'webhook.event': data, record: data, '-': data, '1.2': data })['events.d.ts']
    expect(faultsOf(text)).toEqual([])
  })
})

describe('a schema with choices', () => {
  const events = {
    'booking.changed': z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('seats'), seats: z.number() }),
      z.object({ kind: z.literal('note'), note: z.string().nullable() }),
    ]),
    'booking.made': z.object({
      guests: z.array(z.object({ name: z.string() })).nullable(),
      prices: z.record(z.string(), z.object({ amount: z.number() })),
      place: z.object({ town: z.string() }).nullable(),
      path: z.tuple([z.string()]).rest(z.number()),
    }),
    'booking.list': z.array(z.object({ id: z.string() })),
  }
  const files = docsOf(events)

  it('has all its fields in the guide, with those within what may be null', () => {
    const rows = (files['webhooks.en.md'] ?? '')
      .split('\n')
      .filter((line) => /^\| `[^`]+` \| .* \| (✓|optional) \|$/.test(line))
    expect(rows).toEqual([
      '| `kind` | `"seats"` / `"note"` | ✓ |',
      '| `seats` | number | optional |',
      '| `note` | string / null | optional |',
      '| `guests` | array / null | ✓ |',
      '| `guests[].name` | string | ✓ |',
      '| `prices` | object | ✓ |',
      '| `prices.*.amount` | number | ✓ |',
      '| `place` | object / null | ✓ |',
      '| `place.town` | string | ✓ |',
      '| `path` | array | ✓ |',
      '| `[].id` | string | ✓ |',
    ])
  })

  it('has a list with a beginning as a type that takes the rest', () => {
    expect(files['events.d.ts']).toContain('path: [string, ...number[]]')
  })
})

describe('what a catalog says', () => {
  const says =
    'List<Booking> of 2 * 3 * 4 [x](https://evil.example) {y} & &lt; snake_case _x_ `a*b|c` <img src=x>\n\n# no heading'

  it('is text in Markdown, in one line, and code stays code', () => {
    const text = docsOf({ 'a.b': { description: says, group: says, example: 1 } })['webhooks.en.md'] ?? ''
    expect(text).toContain(
      '\nList&lt;Booking> of 2 \\* 3 \\* 4 \\[x\\](https://evil.example) \\{y\\} & &amp;lt; snake_case \\_x\\_ `a*b|c` &lt;img src=x> # no heading\n',
    )
    expect(text.split('\n').filter((line) => line.startsWith('# '))).toEqual(['# Webhooks Acme'])
    expect(text).not.toContain('<')
  })

  it.each([
    ['# five', '\\# five'],
    ['- five', '\\- five'],
    ['5. five', '5\\. five'],
    ['> five', '\\> five'],
    ['5 rooms', '5 rooms'],
    ['-5 rooms', '-5 rooms'],
  ])('begins nothing: %s', (description, text) => {
    expect(docsOf({ 'a.b': { description, example: 1 } })['webhooks.en.md']).toContain(`\n\n${text}\n\n`)
  })

  it('is a text in the front matter, where YAML would take it for something else', () => {
    const frontMatter = { title: 'Yes', label: 'null', other: 'On', sidebar: 'No way' }
    expect(docsOf({ 'a.b': {} }, { frontMatter })['webhooks.en.md']).toMatch(
      /^---\ntitle: "Yes"\nlabel: "null"\nother: "On"\nsidebar: No way\n---\n/,
    )
  })
})

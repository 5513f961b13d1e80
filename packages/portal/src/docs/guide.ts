import type { Contract, EventType, WireDescription } from '@hooks/core'
import { resolvePolicy } from '@hooks/sender'
import { dataSchema } from './body-schema.ts'
import type { Block } from './document.ts'
import { exampleBody } from './example.ts'
import { fieldsOf } from './fields.ts'
import { describedHeaders } from './headers.ts'
import { wireOf } from './openapi.ts'
import { LANGUAGES, type Language, verificationCode } from './verification-code.ts'
import type { Words } from './words.ts'

/** What a guide says beside its contract. */
export interface GuideOptions {
  /** The product's name. */
  readonly product: string
  /** The catalog's version, and its date as `2026-01-31`: given, so that the same catalog gives the same pages. */
  readonly version: string
  readonly date: string
  /** Where the reader goes on: documentation, support, status. */
  readonly links?: readonly { readonly text: string; readonly href: string }[]
  /** All six by default. */
  readonly languages?: readonly Language[]
}

/** The guide for those who receive a product's webhooks: events, payloads, headers, verification, answers, retries, duplicates. */
export function guide(contract: Contract, options: GuideOptions, words: Words): readonly Block[] {
  const wire = wireOf(contract)
  return [
    { heading: `${words.title} ${options.product}`, level: 1 },
    { text: words.intro(options.product) },
    { text: words.updated(options.version, options.date) },
    ...eventsIn(contract, words),
    ...payloadsIn(contract, words),
    ...headersIn(wire, words),
    ...verificationIn(contract, wire, options.languages ?? LANGUAGES, words),
    ...answeringIn(contract, words),
    ...duplicatesIn(contract, wire, words),
    ...(options.links ? [{ heading: words.support, level: 2 as const }, { links: options.links }] : []),
  ]
}

function eventsIn({ events }: Contract, words: Words): Block[] {
  const groups = new Map<string, EventType[]>()
  for (const event of events.all) {
    const group = event.group ?? ''
    groups.set(group, [...(groups.get(group) ?? []), event])
  }
  const tables = [...groups].flatMap(([group, all]): Block[] => [
    ...(groups.size > 1 || group ? [{ heading: group || words.noGroup, level: 3 as const }] : []),
    {
      table: {
        head: [words.event, words.description],
        rows: all.map((event) => [`\`${event.type}\``, about(event, words)]),
      },
    },
  ])
  return [{ heading: words.events, level: 2, id: 'events' }, ...tables]
}

const about = ({ description = '', deprecated }: EventType, words: Words) =>
  deprecated === undefined ? description : `${description} ${words.deprecated}: ${deprecated}`.trim()

function payloadsIn(contract: Contract, words: Words): Block[] {
  const blocks = contract.events.all.flatMap((event): Block[] => {
    const body = exampleBody(contract, event)
    const fields = fieldsOf(dataSchema(event))
    if (body === undefined && fields.length === 0) return []
    return [
      { heading: `\`${event.type}\``, level: 3, id: event.type },
      ...(event.description ? [{ text: event.description }] : []),
      ...(body === undefined ? [] : [{ code: pretty(body), language: body.startsWith('{') ? 'json' : 'xml' }]),
      ...(fields.length === 0
        ? []
        : [
            {
              table: {
                head: [words.field, words.type, words.required],
                rows: fields.map(({ path, type, required }) => [`\`${path}\``, type, required ? '✓' : words.optional]),
              },
            },
          ]),
    ]
  })
  return [{ heading: words.payload, level: 2, id: 'payload' }, { text: words.payloadIntro }, ...blocks]
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}

function headersIn(wire: WireDescription, words: Words): Block[] {
  const rows = describedHeaders(wire, words).map(({ name, description }) => [`\`${name}\``, description])
  const contentType = ['`content-type`', `${words.headers.contentType}: \`${wire.contentType}\``]
  return [
    { heading: words.requestHeaders, level: 2, id: 'headers' },
    { table: { head: [words.header, words.meaning], rows: [contentType, ...rows] } },
  ]
}

function verificationIn(
  { format }: Contract,
  wire: WireDescription,
  languages: readonly Language[],
  words: Words,
): Block[] {
  if (!format.wire) return []
  const { signature } = wire
  const what = signature.over
    .map((one) => {
      if (typeof one === 'string') return `\`${one}\``
      return one.part === 'header' ? `\`${(one as { header: string }).header}\`` : words.parts[one.part]
    })
    .join(' + ')
  const algorithm = signature.algorithm.replace('hmac-', 'HMAC-').replace(/sha(\d+)/, 'SHA$1')
  return [
    { heading: words.verification, level: 2, id: 'verification' },
    { text: words.verificationIntro },
    ...(signature.algorithm === 'token'
      ? [{ text: words.tokenIs }]
      : [
          {
            list: [
              words.signedIs(what),
              words.signatureIs(algorithm, signature.encoding, signature.prefix),
              words.keyIs[signature.secret],
              signature.separator ? words.severalSignatures : words.oneSignature,
              ...(format.facts.sentAt === 'signed' ? [words.windowIs] : []),
              words.rawBody,
            ],
          },
        ]),
    ...languages.flatMap((language): Block[] => [
      { heading: words.languages[language], level: 3 },
      { code: verificationCode(wire, language), language: language === 'node' ? 'js' : language },
    ]),
  ]
}

function answeringIn({ policy }: Contract, words: Words): Block[] {
  const { retryMs, deadlineMs, classify, pace, disable } = resolvePolicy(policy)
  const rows = retryMs.map((ms, i) => [`${i + 1}`, ms === 0 ? words.immediately : words.duration(ms)])
  return [
    { heading: words.answering, level: 2, id: 'answering' },
    { text: words.answerIs(words.duration(deadlineMs)) },
    { heading: words.retries, level: 2, id: 'retries' },
    { text: words.retryIs(retryMs.length) },
    ...(retryMs.length > 1 ? [{ table: { head: [words.attempt, words.afterThePrevious], rows } }] : []),
    ...(pace ? [{ text: words.busy }] : []),
    // What a function makes of an answer, nobody knows but the function.
    ...(classify === 'default' || classify === 'strict4xx' ? [{ text: words.gone }, { text: words.control }] : []),
    ...(classify === 'strict4xx' ? [{ text: words.refused }] : []),
    { text: words.afterwards },
    { text: words.disabled(disable) },
  ]
}

function duplicatesIn({ format }: Contract, wire: WireDescription, words: Words): Block[] {
  const header = wire.headers.find(({ value }) => isId(value))?.name
  const field = Object.entries(wire.body).find(([, value]) => isId(value))?.[0]
  const where = field === undefined ? header : field
  const safe = format.facts.id === 'signed' || format.facts.body === 'unsigned'
  return [
    { heading: words.duplicates, level: 2, id: 'duplicates' },
    { text: where !== undefined && safe ? words.duplicateBy(`\`${where}\``) : words.duplicateByBody },
  ]
}

const isId = (value: unknown) =>
  typeof value === 'object' && value !== null && /^(message|delivery)Id$/.test((value as { part?: string }).part ?? '')

import type { Contract } from '@hooks/core'
import { webhooksAsyncApi } from './asyncapi.ts'
import { ownSchema } from './body-schema.ts'
import { type FrontMatter, toHtml, toMarkdown } from './document.ts'
import { type GuideOptions, guide } from './guide.ts'
import { schemaNames } from './names.ts'
import { webhooksOpenApi, wireOf } from './openapi.ts'
import { typeDeclarations } from './typescript.ts'
import { LANGUAGES, verificationCode } from './verification-code.ts'
import { english } from './words/english.ts'
import { french } from './words/french.ts'
import type { Words } from './words.ts'

const WORDS = { en: english, fr: french } as const satisfies Readonly<Record<string, Words>>

/** Options of {@link consumerDocs}. */
export interface ConsumerDocsOptions extends GuideOptions {
  /** `en` and `fr` by default: the guide is written once in each. */
  readonly locales?: readonly (keyof typeof WORDS)[]
  /** Metadata of the Markdown pages, for site generators. */
  readonly frontMatter?: FrontMatter
}

/** Files, by their path relative to a folder. */
export type Files = Readonly<Record<string, string>>

const EXTENSIONS = { node: 'cjs', python: 'py', php: 'php', ruby: 'rb', go: 'go', java: 'java' } as const

/**
 * All that a product's customers need to receive its webhooks, made from the contract: a guide in Markdown and HTML,
 * verification code, JSON Schemas, TypeScript types, OpenAPI and AsyncAPI documents. The same contract and options give
 * the same files to the byte: keep them in the repository, and let `docsDrift` fail where they are no longer true.
 *
 * @throws ConfigurationError `format_invalid` where there is no sample code for what the format signs
 * @example
 * await writeDocs('docs/webhooks', consumerDocs(contract, { product: 'Acme', version: '1.0.0', date: '2026-01-31' }))
 */
export function consumerDocs(contract: Contract, options: ConsumerDocsOptions): Files {
  const { locales = ['en', 'fr'], frontMatter, product, version } = options
  const wire = wireOf(contract)
  const info = { title: `${product} webhooks`, version }
  const files: Record<string, string> = {}
  for (const locale of locales) {
    const words = WORDS[locale]
    const blocks = guide(contract, options, words)
    files[`webhooks.${locale}.md`] = toMarkdown(blocks, frontMatter)
    files[`webhooks.${locale}.html`] = toHtml(blocks, { title: `${words.title} ${product}`, language: locale })
  }
  const nameOf = schemaNames(contract.events.all)
  for (const event of contract.events.all) {
    const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: event.type, ...ownSchema(event) }
    files[`schemas/${nameOf(event)}.schema.json`] = json(schema)
  }
  files['openapi.json'] = json(webhooksOpenApi(contract, info))
  files['asyncapi.json'] = json(webhooksAsyncApi(contract, info))
  files['events.d.ts'] = typeDeclarations(contract.events.all, wire)
  if (!contract.format.wire) return files
  for (const language of options.languages ?? LANGUAGES) {
    const name = language === 'java' ? 'Webhooks' : 'verify'
    files[`verification/${name}.${EXTENSIONS[language]}`] = verificationCode(wire, language)
  }
  return files
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

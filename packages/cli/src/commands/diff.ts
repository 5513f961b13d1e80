import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, UsageError } from '../command.ts'
import { CONFIG, configOf } from '../config.ts'
import type { Io } from '../io.ts'
import { paint, visible } from '../text.ts'
import { type Schema, type Side, type Widening, widenings } from '../widening.ts'

export const diff: Command = {
  usage: '<old openapi.json | -> [<new openapi.json>] [options]',
  words: 2,
  about:
    "Says what has changed between two descriptions of your webhooks, and which of it breaks those who receive them: 1 where something does. The new one is the configuration's `docs` by default.",
  options: { json: { about: 'a line of JSON for each change', kind: 'flag' }, ...CONFIG },
  async run([before, after], flags, io) {
    if (before === undefined) throw new UsageError('which description? `hooks docs` writes it as openapi.json')
    const old = webhooksOf(before, before === '-' ? await typed(io) : await read(before, io))
    const now =
      after === undefined ? webhooksOf('docs', await configured(flags, io)) : webhooksOf(after, await read(after, io))
    const changes = changesOf(old, now)
    for (const { event, text, breaks } of changes)
      if (flags.json === true) io.out(JSON.stringify({ event, change: text, breaks }))
      else io.out(`${breaks ? paint(io, 'red', '✗') : paint(io, 'dim', '·')} ${visible(event)} ${visible(text)}`)
    const broken = changes.filter(({ breaks }) => breaks).length
    io.note(
      broken > 0
        ? `${broken} of ${changes.length} changes break those who receive`
        : `${changes.length} changes, none breaks anybody`,
    )
    return broken > 0 ? 1 : 0
  },
}

interface Change {
  readonly event: string
  readonly text: string
  readonly breaks: boolean
}

/** One event type: its headers by their names, its content type, its body. */
interface Webhook {
  readonly headers: readonly string[]
  readonly contentType: string
  readonly body: Side
  readonly deprecated: boolean
}

type Webhooks = ReadonlyMap<string, Webhook>

function changesOf(old: Webhooks, now: Webhooks): readonly Change[] {
  const gone = [...old.keys()].filter((event) => !now.has(event))
  const made = [...now.keys()].filter((event) => !old.has(event))
  return [
    ...gone.map((event) => ({ event, text: 'is sent no more', breaks: true })),
    ...made.map((event) => ({ event, text: 'is new', breaks: false })),
    ...[...old].flatMap(([event, before]) => {
      const after = now.get(event)
      return after ? between(event, before, after) : []
    }),
  ]
}

function between(event: string, old: Webhook, now: Webhook): readonly Change[] {
  const breaking = (text: string): Change => ({ event, text, breaks: true })
  const harmless = (text: string): Change => ({ event, text, breaks: false })
  return [
    ...(old.contentType === now.contentType ? [] : [breaking(`comes as ${now.contentType}`)]),
    ...old.headers.filter((name) => !now.headers.includes(name)).map((name) => breaking(`header ${name} is gone`)),
    ...widenings(old.body, now.body).map((one) => breaking(`${one.path || 'body'} ${WIDER[one.kind](one)}`)),
    ...now.headers.filter((name) => !old.headers.includes(name)).map((name) => harmless(`header ${name} is new`)),
    ...widenings(now.body, old.body).map((one) => harmless(`${one.path || 'body'} ${NARROWER[one.kind](one)}`)),
    ...(now.deprecated && !old.deprecated ? [harmless('is deprecated')] : []),
  ]
}

type Words = Readonly<Record<Widening['kind'], (one: Widening) => string>>

const WIDER: Words = {
  gone: () => 'is gone',
  optional: () => 'is not always there any more',
  kind: ({ what }) => `may be ${what} now`,
  limit: ({ what }) => `is less limited by ${what}`,
}

const NARROWER: Words = {
  gone: () => 'is new',
  optional: () => 'is always there now',
  kind: ({ what }) => `is never ${what} any more`,
  limit: ({ what }) => `is more limited by ${what}`,
}

function webhooksOf(name: string, text: string): Webhooks {
  const root = parsed(text)
  const { webhooks } = (root ?? {}) as { readonly webhooks?: Readonly<Record<string, { readonly post: Operation }>> }
  const isOurs = (one: { readonly post?: Operation } | null) => typeof one?.post?.requestBody?.content === 'object'
  if (!root || typeof webhooks !== 'object' || webhooks === null || !Object.values(webhooks).every(isOurs))
    throw new UsageError(`${name} describes no webhooks: \`hooks docs\` writes it as openapi.json`)
  return new Map(
    Object.entries(webhooks).map(([event, { post }]) => {
      const [[contentType, { schema }] = ['', { schema: {} }]] = Object.entries(post.requestBody.content)
      const headers = (post.parameters ?? []).filter((one) => one.in === 'header').map((one) => one.name)
      return [event, { headers, contentType, body: { schema, root }, deprecated: post.deprecated === true }]
    }),
  )
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly deprecated?: boolean
}

const typed = async (io: Io) => Buffer.from(await io.stdin()).toString('utf8')

async function read(path: string, { cwd }: Io): Promise<string> {
  try {
    return await readFile(resolve(cwd, path), 'utf8')
  } catch {
    throw new UsageError(`${path} cannot be read`)
  }
}

async function configured(flags: Parameters<Command['run']>[1], io: Io): Promise<string> {
  const text = (await configOf(flags, io)).docs?.['openapi.json']
  if (text === undefined)
    throw new UsageError('there is no new one: name its file, or export `docs` from hooks.config.mjs')
  return text
}

function parsed(text: string): Schema | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Schema) : undefined
  } catch {
    return undefined
  }
}

import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  ConfigurationError,
  type Contract,
  checkOptions,
  HooksError,
  kind,
  type OptionsRule,
  type Storage,
  withMethods,
} from '@hooks/core'
import { type Flags, type Option, optionOf } from './command.ts'
import type { Io } from './io.ts'

/** What `hooks.config.mjs` exports, by name or as its default: what it has of these. */
export interface Config {
  readonly contract?: Contract
  readonly storage?: Storage
  /** What `consumerDocs` of `@hooks/portal/docs` gives: files by their path. */
  readonly docs?: Readonly<Record<string, string>>
}

export const CONFIG = {
  config: {
    about: 'a module that exports `contract`, `storage` or `docs`: ./hooks.config.mjs, .js or .ts where there is one',
  },
} satisfies Readonly<Record<string, Option>>

const USUAL = ['hooks.config.mjs', 'hooks.config.js', 'hooks.config.ts']

/** The file of {@link configOf}, where there is one. */
export const configFile = (flags: Flags, { cwd }: Io) =>
  optionOf(flags, 'config') ?? USUAL.find((name) => existsSync(resolve(cwd, name)))

/** The project's own module, where it has one. @throws ConfigurationError */
export async function configOf(flags: Flags, io: Io): Promise<Config> {
  const { cwd } = io
  const file = configFile(flags, io)
  if (file === undefined) return {}
  const path = resolve(cwd, file)
  if (!existsSync(path)) throw new ConfigurationError('option_invalid', `there is no file ${file}`)
  const loaded = await load(path)
  const { contract, storage, docs } = { ...loaded, ...(loaded.default as object | undefined) }
  const config = { contract: await contract, storage: await storage, docs: await docs }
  const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined))
  checkOptions(given, RULE)
  return given
}

/** Of what is none, a command would say that there is nothing to do. */
const RULE: OptionsRule<keyof Config> = {
  of: 'the configuration',
  kinds: {
    contract: { words: 'what defineContract gives', fits: (value) => kind.object.fits(value) && isContract(value) },
    storage: withMethods('a storage, such as postgresStorage(pool)', 'close', 'depth', 'claim'),
    docs: kind.textByName,
  },
}

const isContract = (value: unknown) => 'events' in (value as object) && 'format' in (value as object)

async function load(path: string): Promise<Config & { readonly default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    const isTypes = path.endsWith('.ts') && (error as { code?: string }).code === 'ERR_UNKNOWN_FILE_EXTENSION'
    if (isTypes)
      throw new ConfigurationError('option_invalid', 'this Node.js reads no TypeScript', {
        hint: 'run it as: node --import tsx node_modules/.bin/hooks …',
      })
    const why = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError('option_invalid', `${basename(path)} cannot be loaded: ${why}`, {
      ...(error instanceof HooksError && error.hint !== undefined && { hint: error.hint }),
      cause: error,
    })
  }
}

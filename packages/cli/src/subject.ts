import { ConfigurationError, type Contract, standardWebhooks, type WireFormat } from '@hooks/core'
import * as providers from '@hooks/core/formats'
import { type Flags, type Option, optionOf, UsageError } from './command.ts'
import { CONFIG, configOf } from './config.ts'
import type { Io } from './io.ts'

/** What requests are signed and read with. */
export interface Subject {
  readonly format: WireFormat
  readonly contract: Contract | undefined
  /** As text, or none. */
  readonly secret: string | undefined
}

export const SUBJECT = {
  format: { about: `the contract's, else standard; or one of: ${names().join(', ')}` },
  secret: { about: 'the signing secret; better in HOOKS_SECRET, which no list of processes shows' },
  ...CONFIG,
} satisfies Readonly<Record<string, Option>>

/** @throws UsageError, ConfigurationError */
export async function subjectOf(flags: Flags, io: Io): Promise<Subject> {
  const { contract } = await configOf(flags, io)
  const named = optionOf(flags, 'format')
  const format = named === undefined ? (contract?.format ?? standardWebhooks()) : formatOf(named)
  return { format, contract, secret: optionOf(flags, 'secret') ?? io.env.HOOKS_SECRET }
}

/** @throws ConfigurationError `secret_missing` */
export function secretOf({ secret }: Subject): string {
  if (secret !== undefined && secret !== '') return secret
  throw new ConfigurationError('secret_missing', 'there is no secret', {
    hint: 'put it in HOOKS_SECRET, or behind --secret; `hooks secret` makes one',
  })
}

function names(): readonly string[] {
  return Object.keys(providers)
}

function formatOf(name: string): WireFormat {
  if (name === 'standard') return standardWebhooks()
  const make = (providers as Readonly<Record<string, (() => WireFormat) | undefined>>)[name]
  if (!make) throw new UsageError(`there is no format "${name}"`)
  return make()
}

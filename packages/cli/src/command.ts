import type { ParseArgsConfig } from 'node:util'
import type { Io } from './io.ts'

/** What was typed that is no command of ours. */
export class UsageError extends Error {}

/** What is typed behind a command, by name; a list where it may be typed several times. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** One command. */
export interface Command {
  /** What follows its name, as the help prints it. */
  readonly usage: string
  readonly about: string
  /** How many words it takes beside its options: none by default. */
  readonly words?: number
  /** Its options, and what each is for. */
  readonly options: Readonly<Record<string, Option>>
  /** 0 where all is well, 1 where the answer is no. @throws UsageError, HooksError */
  run(words: readonly string[], flags: Flags, io: Io): Promise<number>
}

export interface Option {
  readonly about: string
  /** `true` for an option without a value, `many` for one that may come several times. */
  readonly kind?: 'flag' | 'many'
}

export function parseOptions(options: Command['options']): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries({ ...options, help: { about: '', kind: 'flag' } as Option }).map(([name, { kind }]) => [
      name,
      { type: kind === 'flag' ? ('boolean' as const) : ('string' as const), multiple: kind === 'many' },
    ]),
  )
}

/** The value of an option that has one. */
export function optionOf(flags: Flags, name: string): string | undefined {
  const value = flags[name]
  return typeof value === 'string' ? value : undefined
}

/** @throws UsageError */
export function needed(flags: Flags, name: string): string {
  const value = optionOf(flags, name)
  if (value !== undefined) return value
  throw new UsageError(`--${name} is missing`)
}

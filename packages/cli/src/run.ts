import { parseArgs } from 'node:util'
import { HooksError } from '@hooks/core'
import { type Command, parseOptions, UsageError } from './command.ts'
import { diff } from './commands/diff.ts'
import { docs } from './commands/docs.ts'
import { doctor } from './commands/doctor.ts'
import { listen } from './commands/listen.ts'
import { deliveries, delivery, endpoints } from './commands/look.ts'
import { migrate } from './commands/migrate.ts'
import { replay } from './commands/replay.ts'
import { secret } from './commands/secret.ts'
import { sign, trigger } from './commands/sign.ts'
import { verify } from './commands/verify.ts'
import type { Io } from './io.ts'
import { visible } from './text.ts'
import { ownVersion } from './version.ts'

const COMMANDS: Readonly<Record<string, Command>> = {
  sign,
  trigger,
  verify,
  listen,
  endpoints,
  deliveries,
  delivery,
  replay,
  secret,
  migrate,
  doctor,
  docs,
  diff,
}

/**
 * Runs a command line: 0 where all is well, 1 where the answer is no, 2 where the command was typed wrong or could not
 * be run. It never rejects.
 *
 * @param args what follows the program's name
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version') {
    io.out(ownVersion())
    return 0
  }
  const isHelp = name === undefined || name === 'help' || name === '--help' || name === '-h'
  const wanted = isHelp ? rest[0] : name
  const command = commandOf(wanted)
  if (wanted !== undefined && !command) {
    io.note(`hooks: there is no command "${visible(wanted)}"\n\n${help()}`)
    return 2
  }
  if (isHelp || !command) {
    io.out(help(wanted))
    return 0
  }
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      options: parseOptions(command.options),
      allowPositionals: true,
      strict: true,
    })
    if (values.help === true) {
      io.out(help(name))
      return 0
    }
    const extra = positionals[command.words ?? 0]
    if (extra !== undefined) throw new UsageError(`"${visible(extra)}" is one word too many`)
    return await command.run(positionals, values as never, io)
  } catch (error) {
    io.note(`hooks ${name}: ${wordsFor(error)}`)
    if (isUsage(error)) io.note(`\n${help(name)}`)
    return 2
  }
}

const commandOf = (name: string | undefined) =>
  name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined

const isUsage = (error: unknown) =>
  error instanceof UsageError || /^ERR_PARSE_ARGS/.test((error as { code?: string }).code ?? '')

function wordsFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const hint = error instanceof HooksError && error.hint ? `\n${error.hint}` : ''
  return `${error.message}${hint}`
}

function help(of?: string): string {
  const command = commandOf(of)
  if (!command) {
    const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length)) + 2
    const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(width)}${about}`)
    return [
      'Usage: hooks <command> [options]',
      '',
      ...lines,
      '',
      '`hooks help <command>` says more, `hooks --version` which version this is.',
    ].join('\n')
  }
  const options = Object.entries(command.options).map(([name, { about, kind }]) => [
    `--${name}${kind === 'flag' ? '' : ' …'}`,
    about,
  ])
  const width = Math.max(0, ...options.map(([name = '']) => name.length)) + 2
  const lines = options.map(([name = '', about]) => `  ${name.padEnd(width)}${about}`)
  return [
    `Usage: hooks ${of} ${command.usage}`.trimEnd(),
    '',
    command.about,
    ...(lines.length > 0 ? ['', ...lines] : []),
  ].join('\n')
}

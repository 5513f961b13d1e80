import type { Bytes, Clock, Random } from '@hooks/core'

/** All that a command touches of the machine. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The version of Node.js, such as `20.19.0`. */
  readonly node: string
  /** Whether somebody watches: then there are colours and lines that change. */
  readonly isTerminal: boolean
  readonly clock: Clock
  readonly random: Random
  /** A line of the result. */
  out(line: string): void
  /** A line about the result, or a line that replaces the one before. */
  note(line: string, replace?: boolean): void
  /** All of the standard input. */
  stdin(): Promise<Bytes>
  fetch(request: Request): Promise<Response>
  /** Aborts when the user has had enough. */
  readonly end: AbortSignal
}

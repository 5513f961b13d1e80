import { systemClock, systemRandom } from '@hooks/core'
import type { Io } from './io.ts'

/** The machine as it is. */
export function machine(): Io {
  const { env, stdin, stdout, stderr, versions } = process
  const end = new AbortController()
  // Whoever read along has gone, as `head` does when it has enough. What was begun goes on; what waits for more ends.
  for (const stream of [stdout, stderr])
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      end.abort()
      if (code === 'EPIPE') return
      process.exitCode = 2
      if (stream === stdout) stderr.write(`hooks: ${message}\n`)
    })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort())
  return {
    env,
    cwd: process.cwd(),
    node: versions.node,
    isTerminal: stdout.isTTY === true && stderr.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    clock: systemClock,
    random: systemRandom,
    out: (line) => void stdout.write(`${line}\n`),
    note: (line, replace = false) => void stderr.write(replace ? `\r\u001b[2K${line}` : `${line}\n`),
    async stdin() {
      const chunks: Buffer[] = []
      for await (const chunk of stdin) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    },
    fetch: (request) => fetch(request),
    end: end.signal,
  }
}

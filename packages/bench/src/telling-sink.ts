import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Receivers in a process of their own, which keep what came. */
export interface TellingSink<Report> {
  readonly port: number
  tell(): Promise<Report>
  close(): void
}

/** Starts a program that sends its port when it listens, and its report whenever it is sent something. */
export async function startTellingSink<Report>(program: URL): Promise<TellingSink<Report>> {
  const sink = fork(fileURLToPath(program), { execArgv: process.execArgv })
  const [port] = (await once(sink, 'message')) as [number]
  return {
    port,
    async tell() {
      const told = once(sink, 'message')
      sink.send('tell')
      return (await told)[0] as Report
    },
    close: () => sink.disconnect(),
  }
}

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SinkReport } from './neighbour-sink.ts'

/** The machine's one monotonic clock, which all of its processes read, in ms. */
export const now = () => Number(process.hrtime.bigint()) / 1e6

/** Receivers in a process of their own, which keep when each request came. */
export interface TimingSink {
  readonly port: number
  /** What has come since it was last asked. */
  tell(): Promise<SinkReport>
  close(): void
}

export async function startTimingSink(): Promise<TimingSink> {
  const sink = fork(fileURLToPath(new URL('./neighbour-sink.ts', import.meta.url)), { execArgv: process.execArgv })
  const [port] = (await once(sink, 'message')) as [number]
  return {
    port,
    async tell() {
      const told = once(sink, 'message')
      sink.send('tell')
      return (await told)[0] as SinkReport
    },
    close: () => sink.disconnect(),
  }
}

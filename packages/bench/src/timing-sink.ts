import type { SinkReport } from './neighbour-sink.ts'
import { startTellingSink, type TellingSink } from './telling-sink.ts'

/** The machine's one monotonic clock, which all of its processes read, in ms. */
export const now = () => Number(process.hrtime.bigint()) / 1e6

/** Receivers that keep when each request came, and tell what has come since they were last asked. */
export type TimingSink = TellingSink<SinkReport>

export const startTimingSink = (): Promise<TimingSink> =>
  startTellingSink(new URL('./neighbour-sink.ts', import.meta.url))

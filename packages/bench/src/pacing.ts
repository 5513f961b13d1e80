import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import { openPlace } from './database/place.ts'
import { errorsOnly } from './errors-only.ts'
import type { Arrivals } from './pacing-sink.ts'
import type { Figures } from './report.ts'
import { startTellingSink } from './telling-sink.ts'

const PROCESSES = 4
/** What may come in a second more than the rate says. */
const MOST_OVER = 0.05
/** What may be missing of it: more would be a limit that is easily kept. */
const MOST_UNDER = 0.2

/** How the pacing run is made. */
export interface PacingOptions {
  readonly seconds: number
  /** Of the endpoint, in attempts a second. */
  readonly rate: number
}

/**
 * One endpoint with a rate, more due than that lets through, and four processes that deliver to it from one PostgreSQL, in
 * real time: how many requests arrive in the busiest second, wherever that begins.
 */
export async function pacingFigures({ seconds, rate }: PacingOptions): Promise<Figures> {
  const place = await openPlace()
  if (!place) return { text: 'pacing: no PostgreSQL', good: false }
  const sink = await startTellingSink<Arrivals>(new URL('./pacing-sink.ts', import.meta.url))
  const { port } = sink
  const hooks = createSender({
    contract: defineContract({ events: defineEvents({ 'order.paid': {} }) }),
    storage: postgresStorage(place.pool, { migrate: true }),
    dev: true,
    logger: errorsOnly,
  })
  await hooks.endpoints.create('acme', { url: `http://127.0.0.1:${port}/`, rateLimit: rate, concurrency: 50 })
  const program = fileURLToPath(new URL('./pacing-worker.ts', import.meta.url))
  const workers = Array.from({ length: PROCESSES }, (_, n) =>
    fork(program, [place.url, `pacing/${n}`], { execArgv: process.execArgv }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  for (let left = Math.ceil(rate * (seconds + 5)); left > 0; left -= 1_000)
    await hooks.sendMany(
      Array.from({ length: Math.min(left, 1_000) }, () => ({ type: 'order.paid', data: {}, tenant: 'acme' })),
    )
  while ((await sink.tell()).length === 0) await sleep(10)
  await sleep(seconds * 1_000)
  await Promise.all(
    workers.map((worker) => {
      const gone = once(worker, 'exit')
      worker.disconnect()
      return gone
    }),
  )
  await hooks.stop()
  const arrivals = await sink.tell()
  sink.close()
  await place.close()

  const times = arrivals.map(([at]) => at)
  const until = (times[0] as number) + seconds * 1_000
  const counted = times.filter((at) => at <= until)
  const busiest = Math.max(...counted.map((from) => counted.filter((at) => at >= from && at < from + 1_000).length))
  const reached = counted.length / seconds
  const of = new Map<string, number>()
  for (const [, by] of arrivals) of.set(by, (of.get(by) ?? 0) + 1)
  const shares = [...of.values()].sort((a, b) => b - a).join(', ')
  const good = busiest <= Math.floor(rate * (1 + MOST_OVER)) && reached >= rate * (1 - MOST_UNDER)
  const text = `pacing: ${PROCESSES} processes, one endpoint at ${rate} a second, ${seconds} s: ${reached.toFixed(1)} a second, ${busiest} in the busiest second (${((busiest / rate - 1) * 100).toFixed(1)} % over); by process ${shares}\n  target: at most ${MOST_OVER * 100} % over: ${good ? 'met' : 'NOT MET'}`
  return { text, good }
}

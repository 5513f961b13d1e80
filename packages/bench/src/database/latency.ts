import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { postgresQueue, postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import pg from 'pg'
import { Agent } from 'undici'
import { errorsOnly } from '../errors-only.ts'
import { percentiles } from '../percentiles.ts'
import { type Figures, verdict } from '../report.ts'
import { post } from '../request.ts'
import { now, startTimingSink, type TimingSink } from '../timing-sink.ts'
import { openPlace, type Place } from './place.ts'

const TENANT = 'acme'
const contract = defineContract({ events: defineEvents({ 'order.paid': {} }) })

interface Row {
  readonly name: string
  /** The p95 that it may have, in ms. */
  readonly most?: number
  readonly samples: readonly number[]
}

/**
 * `pnpm bench --latency 100`: from a send to the first byte at a receiver on this machine, one at a time while nothing else is
 * going on, so many times: a bare request, a send with the worker in the same process, one in the host's transaction, and
 * one whose worker is another process, which hears by `NOTIFY`, or looks by itself once a second.
 */
export async function latencyFigures(times: number): Promise<Figures> {
  const place = await openPlace()
  if (!place) return { text: 'no PostgreSQL', good: false }
  const sink = await startTimingSink()
  try {
    const rows: Row[] = [
      { name: 'a bare request', samples: await bare(sink, times) },
      ...(await inProcess(place, sink, times)),
      { name: 'a worker elsewhere, by NOTIFY', samples: await elsewhere(place, sink, times, true) },
      { name: 'a worker elsewhere, by poll alone', most: 1_200, samples: await elsewhere(place, sink, times, false) },
    ]
    const good = rows.every(
      ({ most, samples }) => samples.length === times && percentiles(samples).p95 <= (most ?? 1e9),
    )
    const lines = rows.map(({ name, most, samples }) => {
      const { p50, p95, worst } = percentiles(samples)
      const target = most === undefined ? '' : `, target ${most}: ${verdict(p95, most)}`
      return `  ${name}: p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)} ms${target}; worst ${worst.toFixed(1)} of ${samples.length}`
    })
    return { text: ['send to first byte at the receiver, idle, loopback', ...lines].join('\n'), good }
  } finally {
    sink.close()
    await place.close()
  }
}

/** Does `send` so many times, each after a pause, and the first ones for nothing. */
async function timed(sink: TimingSink, times: number, pause: () => number, send: (data: object) => Promise<unknown>) {
  for (let n = -3; n < times; n++) {
    await sleep(pause())
    await send({ due: now(), counts: n >= 0 })
  }
  // What is sent last comes with the poll.
  const samples: number[] = []
  for (let waited = 0; samples.length < times && waited < 50; waited++) {
    for (const [, ms] of (await sink.tell()).samples) samples.push(ms)
    await sleep(100)
  }
  return samples
}

const LONG_MS = 60

async function bare(sink: TimingSink, times: number): Promise<number[]> {
  const agent = new Agent({ connections: 1, pipelining: 1 })
  const samples = await timed(
    sink,
    times,
    () => LONG_MS,
    (data) => post(`http://127.0.0.1:${sink.port}/h/bare`, data, agent),
  )
  await agent.close()
  return samples
}

async function inProcess(place: Place, sink: TimingSink, times: number): Promise<Row[]> {
  const storage = postgresStorage(place.pool, { migrate: true })
  const hooks = createSender({ contract, storage, dev: true, logger: errorsOnly })
  await hooks.endpoints.create(TENANT, { url: `http://127.0.0.1:${sink.port}/h/kick` })
  hooks.start()
  const pause = () => LONG_MS
  const kicked = await timed(sink, times, pause, (data) => hooks.send('order.paid', data, { tenant: TENANT }))
  const client = await place.pool.connect()
  const committed = await timed(sink, times, pause, async (data) => {
    await client.query('begin')
    await hooks.send('order.paid', data, { tenant: TENANT, tx: client })
    await client.query('commit')
  })
  client.release()
  await hooks.stop()
  return [
    { name: 'a send, the worker in the same process', most: 50, samples: kicked },
    { name: "a send in the host's transaction, the worker in the same process", samples: committed },
  ]
}

/** The worker is a process of its own: this one only sends. */
async function elsewhere(place: Place, sink: TimingSink, times: number, hears: boolean): Promise<number[]> {
  const worker = fork(
    fileURLToPath(new URL('./latency-worker.ts', import.meta.url)),
    [place.url, hears ? 'hears' : ''],
    {
      execArgv: process.execArgv,
    },
  )
  await once(worker, 'message')
  const storage = postgresStorage(place.pool)
  const queue = postgresQueue({ database: place.pool, listener: () => new pg.Client(place.url) })
  const hooks = createSender({ contract, storage, dev: true, logger: errorsOnly, ...(hears && { queue }) })
  // Not in time with the polls.
  const pause = hears ? () => LONG_MS : () => 300 + Math.random() * 1_000
  const samples = await timed(sink, times, pause, (data) => hooks.send('order.paid', data, { tenant: TENANT }))
  await hooks.stop()
  await queue.close()
  const ended = once(worker, 'exit')
  worker.disconnect()
  await ended
  return samples
}

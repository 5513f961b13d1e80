import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents, memoryStorage } from '@hooks/sender'
import { openPlace } from './database/place.ts'
import { errorsOnly } from './errors-only.ts'
import { percentiles } from './percentiles.ts'
import { now, startTimingSink } from './timing-sink.ts'

const HEALTHY = 50
const BULK = 10_000
const WARM_UP_MS = 5_000
/** What a neighbour may do to the others' p95. */
const MOST = 2
const CAP = 4
const contract = defineContract({ events: defineEvents({ 'order.paid': {} }) })

/** How the neighbour run is made. */
export interface NeighbourOptions {
  readonly storage: 'memory' | 'postgres'
  /** For each of the runs. */
  readonly seconds: number
  /** Events a second of each healthy endpoint. */
  readonly rate: number
}

type Neighbour = 'nobody' | 'hung' | 'bulk'

interface Measured {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly worst: number
  readonly mostInFlight: number
  /** The p95 of what came while the neighbour had work due. */
  readonly p95Beside: number
  readonly besideMs: number
}

/**
 * Fifty healthy endpoints under a steady rate, in real time: alone, beside one tenant with 10,000 due at an endpoint that
 * hangs, beside one with 10,000 due at a healthy one, and alone once more, which tells how much the machine itself moves.
 * What is measured is the time from when an event was due to be sent to the first byte at its receiver, so that a late
 * sender counts against itself.
 */
export async function neighbourFigures(options: NeighbourOptions): Promise<{ text: string; good: boolean }> {
  const lines = [
    `neighbours, ${options.storage}: ${HEALTHY} endpoints at ${options.rate} events/s each, ${options.seconds} s a run, load ${loadavg()[0]?.toFixed(1)} before`,
  ]
  const runs: [string, Measured][] = []
  for (const [name, neighbour] of [
    ['alone', 'nobody'],
    ['beside a hung endpoint with 10,000 due', 'hung'],
    ['beside a healthy bulk of 10,000', 'bulk'],
    ['alone again', 'nobody'],
  ] as const)
    runs.push([name, await measure(neighbour, options)])
  const baseline = runs[0]?.[1] as Measured
  const ms = (value: number) => value.toFixed(2)
  for (const [name, one] of runs) {
    const beside =
      one.besideMs > 0 ? `, and ${ms(one.p95Beside)} in the ${(one.besideMs / 1000).toFixed(1)} s of it` : ''
    const shares = name.startsWith('beside') ? `; the neighbour had ${one.mostInFlight} in flight at most` : ''
    lines.push(
      `  ${name}: p50 ${ms(one.p50)}, p95 ${ms(one.p95)}${beside}, p99 ${ms(one.p99)}, worst ${ms(one.worst)} ms of ${one.count} samples: ${(one.p95 / baseline.p95).toFixed(2)} of the baseline's p95${shares}`,
    )
  }
  const beside = runs.slice(1, 3).map(([, one]) => one)
  const good = beside.every(({ p95, mostInFlight }) => p95 <= MOST * baseline.p95 && mostInFlight <= CAP)
  // Where what was sent did not arrive in its time, the baseline is a queue's and not a latency.
  const carried = runs.every(([, { count }]) => count === options.seconds * options.rate * HEALTHY)
  const verdict = !carried ? 'NOTHING SAID, for this machine did not carry the rate' : good ? 'met' : 'NOT MET'
  lines.push(`  target: p95 at most ${MOST} times the baseline, ${CAP} in flight at most: ${verdict}`)
  return { text: lines.join('\n'), good: good && carried }
}

async function measure(neighbour: Neighbour, { storage: kind, seconds, rate }: NeighbourOptions): Promise<Measured> {
  const sink = await startTimingSink()
  const { port } = sink
  const place = kind === 'postgres' ? await openPlace() : undefined
  const storage = place ? postgresStorage(place.pool, { migrate: true }) : memoryStorage()
  const hooks = createSender({
    contract,
    storage: storage as ReturnType<typeof memoryStorage>,
    dev: true,
    logger: errorsOnly,
  })
  for (let n = 0; n < HEALTHY; n++)
    await hooks.endpoints.create(`tenant-${n}`, { url: `http://127.0.0.1:${port}/h/${n}` })
  let beside = neighbour === 'bulk' ? BULK : 0
  let endOfBulk = 0
  hooks.on('delivery.delivered', ({ tenant }) => {
    if (tenant === 'neighbour' && --beside === 0) endOfBulk = now()
  })

  let sent = 0
  const sending = async (forMs: number, counts: boolean) => {
    const from = now()
    const pending: Promise<unknown>[] = []
    const total = Math.floor((forMs / 1_000) * rate * HEALTHY)
    for (let n = 0; n < total; n++) {
      const due = from + (n * 1_000) / (rate * HEALTHY)
      if (due > now()) await sleep(due - now())
      const data = { due, counts, note: 'x'.repeat(500) }
      pending.push(hooks.send('order.paid', data, { tenant: `tenant-${sent++ % HEALTHY}` }))
    }
    await Promise.all(pending)
  }
  hooks.start()
  await sending(WARM_UP_MS, false)
  if (neighbour !== 'nobody') {
    // All of its work is due when the measured time begins.
    hooks.pause()
    await hooks.endpoints.create('neighbour', { url: `http://127.0.0.1:${port}/${neighbour}` })
    for (let n = 0; n < BULK; n += 1_000) {
      const batch = Array.from({ length: 1_000 }, () => ({
        type: 'order.paid' as const,
        data: {},
        tenant: 'neighbour',
      }))
      await hooks.sendMany(batch)
    }
    while ((await hooks.health()).due < BULK) await sleep(50)
  }
  hooks.resume()
  const from = now()
  await sending(seconds * 1_000, true)
  await sleep(2_000)
  const { samples, mostInFlight } = await sink.tell()
  await Promise.race([hooks.stop(), sleep(25_000)])
  await place?.close()
  sink.close()
  const besideUntil = neighbour === 'bulk' ? endOfBulk || now() : 0
  const within = samples.filter(([at]) => at <= besideUntil).map(([, ms]) => ms)
  return {
    ...percentiles(samples.map(([, ms]) => ms)),
    mostInFlight,
    p95Beside: percentiles(within).p95,
    besideMs: Math.max(0, besideUntil - from),
  }
}

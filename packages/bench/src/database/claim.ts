import { postgresStorage } from '@hooks/postgres'
import pg from 'pg'
import { type Cost, type Counted, openCounted } from 'tooling/counted-postgres'
import { type Figures, verdict } from '../report.ts'
import { type BenchStorage, deliverRounds, fillOpen, putOff } from './open-deliveries.ts'

const LIMIT = 100
/** Long enough for what is done once a second to count for as much as it does. */
const ROUNDS = 40
const FEW = 10_000
const MOST_BY_SIZE = 2
const MOST_BY_SNAPSHOT = 1.5

/**
 * `pnpm bench --claim 1000000`: what a claim of 100 costs with 10,000 deliveries due, and with as many due, as many for later
 * and as many held as are given; and what it costs after a tenth as many were delivered while somebody kept a snapshot
 * open, beside the same without one. It takes minutes, and pages are the same on every machine.
 */
export async function claimCosts(rows: number): Promise<Figures> {
  const few = await costsAt(FEW, 0)
  const many = await costsAt(rows, rows)
  const free = await costsAfter(rows / 10, false)
  const held = await costsAfter(rows / 10, true)
  if (!few || !many || !free || !held) return { text: 'no PostgreSQL', good: false }
  const bySize = of('pages', many) / of('pages', few)
  const bySnapshot = of('ms', held) / of('ms', free)
  const lines = [
    `a claim of ${LIMIT}, and the settlement of what it took: pages and the server's time`,
    line(`${FEW} due`, few),
    line(`${rows} due, ${rows} for later, ${rows} held`, many, few),
    `  target: at most ${MOST_BY_SIZE} times the pages of the claim: ${verdict(bySize, MOST_BY_SIZE)}`,
    line(`${rows / 10} delivered before`, free),
    line('the same under a snapshot that is kept open', held, free),
    `  target: at most ${MOST_BY_SNAPSHOT} times the time of the claim: ${verdict(bySnapshot, MOST_BY_SNAPSHOT)}`,
  ]
  return { text: lines.join('\n'), good: bySize <= MOST_BY_SIZE && bySnapshot <= MOST_BY_SNAPSHOT }
}

const of = (what: 'pages' | 'ms', { claim }: Costs) => claim[what] / claim.calls

interface Costs {
  readonly claim: Cost
  readonly settle: Cost
}

function line(name: string, costs: Costs, beside?: Costs): string {
  const figure = (cost: Cost, base: Cost | undefined) => {
    const [pages, ms] = [cost.pages / cost.calls, cost.ms / cost.calls]
    const times = base
      ? ` (${((pages * base.calls) / base.pages).toFixed(2)} and ${((ms * base.calls) / base.ms).toFixed(2)} times)`
      : ''
    return `${pages.toFixed(0)} in ${ms.toFixed(1)} ms${times}`
  }
  return `  ${name}: claim ${figure(costs.claim, beside?.claim)}; settlement ${figure(costs.settle, beside?.settle)}`
}

async function inPlace<T>(work: (place: Counted, storage: BenchStorage) => Promise<T>): Promise<T | undefined> {
  const place = await openCounted(2)
  if (!place) return undefined
  try {
    return await work(place, postgresStorage(place.pool, { migrate: true }))
  } finally {
    await place.close()
  }
}

/** Counted in rounds of their own: each figure is of statements of one kind. */
async function measured(place: Counted, storage: BenchStorage): Promise<Costs> {
  const rounds = () => deliverRounds(storage, ROUNDS, LIMIT)
  // What a connection does once.
  await deliverRounds(storage, 5, LIMIT)
  return { claim: await place.costOf(rounds, 'hooks.claim('), settle: await place.costOf(rounds, 'hooks.settle(') }
}

const costsAt = (due: number, others: number) =>
  inPlace(async (place, storage) => {
    await fillOpen(storage, 'later', others)
    await putOff(storage)
    const held = await fillOpen(storage, 'held', others)
    await storage.hold(held.map((endpointId) => ({ endpointId, forMs: Number.POSITIVE_INFINITY })))
    await fillOpen(storage, 'due', due)
    await place.pool.query('vacuum analyze')
    return measured(place, storage)
  })

/** After so many were delivered, 10,000 being due still. Without a snapshot, what is gone is removed as autovacuum does. */
const costsAfter = (delivered: number, underSnapshot: boolean) =>
  inPlace(async (place, storage) => {
    await fillOpen(storage, 'due', delivered + FEW)
    await place.pool.query('vacuum analyze')
    const somebody = new pg.Client(place.url)
    await somebody.connect()
    try {
      if (underSnapshot) await somebody.query('begin isolation level repeatable read; select 1 from hooks.meta')
      for (let left = delivered; left > 0; left -= FEW) {
        await deliverRounds(storage, Math.min(left, FEW) / LIMIT, LIMIT)
        await place.pool.query('vacuum hooks.open, hooks.lane')
      }
      return await measured(place, storage)
    } finally {
      await somebody.end()
    }
  })

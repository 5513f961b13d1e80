import { createHash } from 'node:crypto'
import { type Clock, type DeliveryView, type Ms, type Random, type Storage, toMs } from '@hooks/core'
import { memoryQueue } from '../memory-queue.ts'
import { type PlantedBug, plant, pollOf } from './bugs.ts'
import { contractOf, JITTER, MAX_AGES, RETRY } from './contract.ts'
import type { FaultTable } from './faults.ts'
import { createHost } from './host.ts'
import { judge } from './oracle.ts'
import { boot, type Equipment, type Process } from './process.ts'
import { createFaultyQueue, type RingTable } from './queue-faults.ts'
import { createWorld, FAULTY_FOR, LEASE, passing, SPARE, TENANTS, type World } from './world.ts'

/** A database that outlives the processes of a simulation. */
export interface SimulatedDatabase {
  /** A connection, as a new process opens it. */
  connect(): Storage<never>
  close(): Promise<void>
}

/** Options of {@link simulate}. */
export interface SimulationOptions {
  /** The same seed is the same run, to the last byte. */
  readonly seed: number
  readonly database: (seams: { readonly clock: Clock; readonly random: Random }) => Promise<SimulatedDatabase>
  /** A bug to put in, to see that it is found. */
  readonly bug?: PlantedBug
}

/** What a simulation found. A run without `violations` lost nothing, repeated nothing without a reason, and came to rest. */
export interface SimulationReport {
  readonly seed: number
  /** Of everything that happened, in order. */
  readonly hash: string
  readonly violations: readonly string[]
  readonly deliveries: number
  readonly requests: number
  /** Receptions of what had been received already, all of them explained unless `violations` says otherwise. */
  readonly duplicates: number
  readonly crashes: number
  readonly faults: FaultTable
  /** What befell rings: nothing where the processes had no queue, which is so in every other run. */
  readonly rings: RingTable
}

const WORKERS = 3
/** How long all has to come to rest once nothing goes wrong any more. */
const REST: Ms = 20 * 60_000
/** The least for which an endpoint is left alone that says that it is overloaded. */
const PACED: Ms = 5_000

/**
 * Plays a host, three workers and their receivers on a virtual clock: sends, deliveries, resends, rotations,
 * endpoints that are disabled and enabled, while calls fail before, after and instead, rings are lost, late and repeated,
 * processes die and stand still for longer than a lease. Then it lets everything come to rest, and judges.
 *
 * @example
 * const report = await simulate({ seed: 7, database: async (seams) => {
 *   const storage = memoryStorage(seams)
 *   return { connect: () => storage, close: () => storage.close() }
 * } })
 */
export async function simulate({ seed, database, bug }: SimulationOptions): Promise<SimulationReport> {
  const world = createWorld(seed)
  const { clock, random, dice, plan, receiver, operations, trace, note } = world
  const maxAge = dice.pick(MAX_AGES)
  const db = await database({ clock, random })
  const raw = db.connect()
  const queue = createFaultyQueue(memoryQueue({ clock }), plan, dice, note)
  const equipment: Equipment = {
    contract: contractOf(maxAge),
    connect: db.connect,
    queue: bug === 'rings_only' || dice.chance(0.5) ? queue : null,
    sabotage: bug ? plant(bug, dice) : {},
    poll: pollOf(bug),
  }
  const start = (name: string) => boot(world, equipment, name)
  const host = await createHost(world, raw, start)

  const over = new AbortController()
  const workers = Array.from({ length: WORKERS }, (_, i) => work(world, start, `worker${i}`, over.signal))
  await untilFaultless(world, Promise.all([host.send(), host.meddle()]))
  await untilAtRest(world, raw)
  over.abort()
  await passing(clock, Promise.all(workers), 1_000)

  const deliveries: DeliveryView[] = []
  for (const tenant of TENANTS) deliveries.push(...(await raw.history.deliveries({ tenant }, { limit: 1_000 })).data)
  const spare = (await raw.endpoints.list(SPARE, { limit: 1_000 })).data.map(({ id }) => id)
  const verdict = await judge({
    jobs: await jobsOf(raw),
    startedAt: clock.now().getTime() - clock.monotonic(),
    spare,
    raw,
    endpoints: host.endpoints,
    deliveries,
    depth: await raw.depth(),
    operations,
    receiver,
    retryMs: RETRY.map((delay) => toMs(delay, 'retry')),
    jitter: JITTER,
    maxAgeMs: maxAge,
    pacedMs: PACED,
    leaseMs: LEASE,
  })
  await db.close()
  const receptions = receiver.ledger.map(
    ({ at, endpoint, message, status }) => `${at} ${endpoint} ${message} ${status}`,
  )
  return {
    seed,
    hash: createHash('sha256')
      .update([...trace, ...receptions].join('\n'))
      .digest('hex')
      .slice(0, 16),
    violations: [...receiver.violations, ...verdict.violations],
    deliveries: deliveries.length,
    requests: receiver.ledger.length,
    duplicates: verdict.duplicates,
    crashes: operations.incidents.filter(({ what }) => what === 'crash').length,
    faults: plan.table,
    rings: queue.table,
  }
}

/** A worker's process, started again whenever it died or was stopped. */
async function work({ clock, dice, plan }: World, start: (name: string) => Process, name: string, over: AbortSignal) {
  for (let life = 0; !over.aborted; life++) {
    const { sender, incarnation } = start(`${name}.${life}`)
    sender.start()
    const span = plan.active && dice.chance(0.3) ? dice.between(3_000, 40_000) : Number.POSITIVE_INFINITY
    await clock.sleep(span, AbortSignal.any([over, incarnation.gone]))
    if (!incarnation.dead) await Promise.race([sender.stop(), incarnation.died])
    if (!over.aborted) await clock.sleep(dice.between(0, 2_000))
  }
}

/** Until the time of faults is over, and what began in it is done. */
async function untilFaultless({ clock, plan }: World, began: Promise<unknown>): Promise<void> {
  let busy = true
  void began.then(() => {
    busy = false
  })
  while (clock.monotonic() < FAULTY_FOR || busy) {
    if (clock.monotonic() >= FAULTY_FOR) plan.active = false
    await clock.advance(1_000)
  }
  plan.active = false
}

/** Until nothing is left to do, or it has taken too long. */
async function untilAtRest({ clock }: World, raw: Storage): Promise<void> {
  const end = clock.monotonic() + REST
  const isWorking = async () => {
    const { open, unexpanded } = await raw.depth()
    return open > 0 || unexpanded > 0 || (await jobsOf(raw)).some(({ state }) => state === 'running')
  }
  while (clock.monotonic() < end && (await isWorking())) await clock.advance(2_000)
}

const jobsOf = async (raw: Storage) =>
  (await Promise.all(TENANTS.map((tenant) => raw.jobs.list(tenant, { limit: 100 })))).flatMap(({ data }) => data)

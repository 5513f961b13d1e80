import { type Clock, type Ms, type Storage, StorageError } from '@hooks/core'
import type { Dice } from './dice.ts'

/**
 * What can befall a call through a seam. `before`: it fails, and nothing was done. `after`: it was done, and its
 * answer is lost. `instead`: nothing was done, and that is known only after a time-out (at the network: another
 * answer came). `crash`: the process dies, before or after it was done. `stall`: the process stands still for
 * longer than a lease, before or after.
 */
export const FAULTS = ['before', 'after', 'instead', 'crash', 'stall'] as const
export type Fault = (typeof FAULTS)[number]

/** How often each fault hit each seam method. */
export type FaultTable = Record<string, Record<Fault, number>>

/** How often a call is hit. Methods that are called seldom are hit more often, so that each cell of the table fills. */
const RATES: Readonly<Record<string, number>> = {
  claim: 0.04,
  settle: 0.08,
  expand: 0.12,
  unexpanded: 0.03,
  nextDueInMs: 0.02,
  'jobs.nextDueInMs': 0.02,
  'jobs.claim': 0.04,
  'jobs.release': 0.9,
  'endpoints.remove': 0.6,
  'history.prune': 0.6,
  lanes: 0.08,
  hold: 0.08,
  'transport.send': 0.08,
  // Only where a process is stopped while a claim is on its way.
  release: 0.9,
}
const OTHER_RATE = 0.25

/** One run of a worker's process, from its start to its crash or stop. */
export interface Incarnation {
  readonly name: string
  dead: boolean
  /** Resolves when it dies. */
  readonly died: Promise<null>
  /** When it last stood still. */
  stalledAt: Ms | null
  /** Aborted once it has died or was told to stop. */
  readonly gone: AbortSignal
  /** Stops as a process does that is told to. */
  leave(): void
  crash(): void
}

/** Draws faults and counts them. */
export interface FaultPlan {
  active: boolean
  readonly table: FaultTable
  draw(method: string): Fault | null
}

export function createFaultPlan(dice: Dice): FaultPlan {
  const table: FaultTable = {}
  return {
    active: true,
    table,
    draw(method) {
      table[method] ??= { before: 0, after: 0, instead: 0, crash: 0, stall: 0 }
      if (!this.active || !dice.chance(RATES[method] ?? OTHER_RATE)) return null
      const fault = dice.pick(FAULTS)
      table[method][fault]++
      return fault
    },
  }
}

const never = new Promise<never>(() => {})

/** Carries a call through the seam `method` of a process, with what befalls it. */
export type Carry = <T>(method: string, call: () => Promise<T> | T) => Promise<T>

/** {@link Carry} for one process. `trace` is told of every call. */
export function carrier(
  incarnation: Incarnation,
  plan: FaultPlan,
  dice: Dice,
  clock: Clock,
  longerThanLease: () => Ms,
  trace: (event: string) => void,
): Carry {
  const alive = async <T>(value: T): Promise<T> => (incarnation.dead ? never : value)
  const stall = async () => {
    incarnation.stalledAt = clock.monotonic()
    await clock.sleep(longerThanLease())
  }
  return async (method, call) => {
    if (incarnation.dead) return never
    const fault = plan.draw(method)
    trace(`${incarnation.name} ${method} ${fault ?? ''}`)
    if (dice.chance(0.3)) await clock.sleep(dice.between(1, 20))
    if (incarnation.dead) return never
    if (fault === 'before') throw new StorageError('storage_unavailable', 'simulated: not reached')
    if (fault === 'instead') {
      await clock.sleep(dice.between(500, 4_000))
      throw await alive(new StorageError('storage_busy', 'simulated: timed out'))
    }
    const early = dice.chance(0.5)
    if (fault === 'crash' && early) {
      incarnation.crash()
      return never
    }
    if (fault === 'stall' && early) await stall()
    if (incarnation.dead) return never
    const result = await call()
    if (fault === 'crash') {
      incarnation.crash()
      return never
    }
    if (fault === 'stall' && !early) await stall()
    if (fault === 'after') throw await alive(new StorageError('storage_unavailable', 'simulated: the answer was lost'))
    return alive(result)
  }
}

/** The parts of a storage that have calls of their own. */
const PARTS = new Set(['endpoints', 'history', 'jobs'])

/** A storage whose every call goes through `carry`. */
export function faultyStorage(storage: Storage, carry: Carry): Storage {
  const through = <O extends object>(target: O, prefix: string): O =>
    new Proxy(target, {
      get(object, key) {
        const value = Reflect.get(object, key)
        if (typeof value !== 'function')
          return PARTS.has(String(key)) ? through(value as object, `${String(key)}.`) : value
        return (...args: unknown[]) => carry(prefix + String(key), () => value.apply(object, args))
      },
    })
  return through(storage, '')
}

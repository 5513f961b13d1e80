import type { Ms, Random } from '@hooks/core'
import { seededRandom } from '../seeded-random.ts'
import { type VirtualClock, virtualClock } from '../virtual-clock.ts'
import { noOperations, type Operations } from './books.ts'
import { createDice, type Dice } from './dice.ts'
import { createFaultPlan, type FaultPlan } from './faults.ts'
import { createSimulatedReceiver, type SimulatedReceiver } from './receiver.ts'

/** For how long a claim holds. */
export const LEASE: Ms = 10_000
/** How much an endpoint has in flight at the most. */
export const CAP = 3
export const TENANTS = ['acme', 'globex'] as const
/** A tenant whose endpoints come and go, and who gets no messages. */
export const SPARE = 'initech'
/** For how long things go wrong. */
export const FAULTY_FOR: Ms = 60_000

/** Where a simulation takes place: its time, its chance, those who receive, and what is written down of it all. */
export interface World {
  readonly clock: VirtualClock
  readonly random: Random
  readonly dice: Dice
  readonly plan: FaultPlan
  readonly receiver: SimulatedReceiver
  readonly operations: Operations
  /** Everything that happened, in order. */
  readonly trace: readonly string[]
  note(event: string): void
}

export function createWorld(seed: number): World {
  const clock = virtualClock()
  const random = seededRandom(seed)
  const dice = createDice(random)
  const trace: string[] = []
  return {
    clock,
    random,
    dice,
    plan: createFaultPlan(dice),
    receiver: createSimulatedReceiver(clock, dice, CAP, LEASE),
    operations: noOperations(),
    trace,
    note: (event) => void trace.push(`${clock.monotonic().toFixed(0)} ${event}`),
  }
}

/** Lets time pass, step by step, until it is done. */
export async function passing<T>(clock: VirtualClock, work: Promise<T>, step: Ms): Promise<T> {
  let over = false
  const watched = work.finally(() => {
    over = true
  })
  while (!over) await clock.advance(step)
  return watched
}

import { type Listening, type Ms, type Queue, QueueError } from '@hooks/core'
import type { Dice } from './dice.ts'
import type { FaultPlan, Incarnation } from './faults.ts'

/**
 * What can befall a ring. `lost`: it is taken, and nobody hears it. `early`, `late`: it is heard at another time.
 * `repeated`: it is heard several times. `overtaken`: the next ring is heard before it. `refused`: the queue is not
 * reached. `stuck`: the queue neither takes nor refuses it.
 */
export const RING_FAULTS = ['lost', 'early', 'late', 'repeated', 'overtaken', 'refused', 'stuck'] as const
export type RingFault = (typeof RING_FAULTS)[number]

/** How often each fault hit a ring. */
export type RingTable = Record<RingFault, number>

export const noRings = (): RingTable => ({
  lost: 0,
  early: 0,
  late: 0,
  repeated: 0,
  overtaken: 0,
  refused: 0,
  stuck: 0,
})

/** A queue in the world of a simulation: one for all its processes, each with its own connection. */
export interface FaultyQueue {
  readonly table: RingTable
  connect(incarnation: Incarnation): Queue
}

const RATE = 0.6
const LATEST: Ms = 30_000
const never = new Promise<never>(() => {})

export function createFaultyQueue(
  queue: Queue,
  plan: FaultPlan,
  dice: Dice,
  note: (event: string) => void,
): FaultyQueue {
  const table = noRings()
  /** A ring that waits for the next to overtake it. */
  let held: Ms | undefined

  function draw(inMs: Ms): RingFault | null {
    if (!plan.active || !dice.chance(RATE)) return null
    const fault = dice.pick(RING_FAULTS)
    // A ring for now cannot be early.
    const drawn = fault === 'early' && inMs === 0 ? 'late' : fault
    table[drawn]++
    return drawn
  }

  async function carry(inMs: Ms): Promise<void> {
    const overtaken = held
    held = undefined
    const fault = draw(inMs)
    note(`ring ${inMs.toFixed(0)} ${fault ?? ''}`)
    if (fault === 'refused') throw new QueueError('queue_unavailable', 'simulated: not reached')
    if (fault === 'stuck') return never
    if (fault === 'overtaken') held = inMs
    else if (fault !== 'lost') await queue.ring(heardIn(inMs, fault))
    if (fault === 'repeated') for (let n = dice.between(1, 4); n > 0; n--) await queue.ring(dice.between(0, 5_000))
    if (overtaken !== undefined) await queue.ring(overtaken)
  }

  function heardIn(inMs: Ms, fault: RingFault | null): Ms {
    if (fault === 'early') return dice.between(0, inMs)
    return fault === 'late' ? inMs + dice.between(1, LATEST) : inMs
  }

  return {
    table,
    connect: (incarnation) => ({
      ring: (inMs) => (incarnation.dead ? never : carry(inMs)),
      async listen(onRing, options) {
        if (plan.active && dice.chance(0.3)) throw new QueueError('queue_unavailable', 'simulated: not reached')
        const listening: Listening = await queue.listen(async (signal) => {
          // A dead process takes one ring along, then the queue knows.
          if (incarnation.dead) return void listening.stop(0)
          await onRing(signal)
        }, options)
        return listening
      },
      close: async () => {},
    }),
  }
}

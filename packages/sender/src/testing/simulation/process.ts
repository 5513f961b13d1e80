import { type Clock, type Duration, type Ms, type Storage, silentLogger } from '@hooks/core'
import { createSender } from '../../sender.ts'
import type { Sender } from '../../sender-api.ts'
import type { Planted } from './bugs.ts'
import type { contractOf, SimulatedEvents } from './contract.ts'
import { carrier, faultyStorage, type Incarnation } from './faults.ts'
import type { FaultyQueue } from './queue-faults.ts'
import { createSimulatedTransport } from './transport.ts'
import { watch } from './watched-storage.ts'
import { CAP, LEASE, type World } from './world.ts'

/** What all processes of the simulated host are made with. */
export interface Equipment {
  readonly contract: ReturnType<typeof contractOf>
  /** A connection to the database. */
  connect(): Storage<never>
  readonly queue: FaultyQueue | null
  readonly sabotage: Planted
  readonly poll: Duration
}

/** A process of the host's, with its sender. */
export interface Process {
  readonly sender: Sender<SimulatedEvents>
  readonly incarnation: Incarnation
}

/** Less than what a signature's time may be off, and far more than a lease. */
const SKEW: Ms = 200_000
/** How often a worker is stopped with the step of a job that it has just claimed. */
const LEAVES = 0.06

/** Starts a process, whose calls fail as the world's plan has it. */
export function boot(world: World, equipment: Equipment, name: string): Process {
  const { clock, random, dice, plan, receiver, operations, note } = world
  const { contract, queue, sabotage, poll } = equipment
  const befalls = (what: string) => operations.incidents.push({ by: incarnation, at: clock.monotonic(), what })
  let dies: (nothing: null) => void = () => {}
  const gone = new AbortController()
  const died = new Promise<null>((resolve) => {
    dies = resolve
  })
  const incarnation: Incarnation = {
    name,
    dead: false,
    died,
    stalledAt: null,
    gone: gone.signal,
    leave() {
      gone.abort()
      note(`${name} leaves`)
      void Promise.race([sender.stop(), died])
    },
    crash() {
      incarnation.dead = true
      dies(null)
      gone.abort()
      note(`${name} died`)
      befalls('crash')
    },
  }
  const longer = () => LEASE * (1.1 + dice.float())
  const carry = carrier(incarnation, plan, dice, clock, longer, (event) => {
    note(event)
    if (!event.endsWith(' ')) befalls(event)
  })
  const connection = equipment.connect()
  // What the storage's clock shows, and what a process's own shows beside it.
  const skewMs = dice.chance(0.4) ? dice.between(-SKEW, SKEW) : 0
  const skewed: Clock = { ...clock, now: () => new Date(clock.now().getTime() + skewMs) }
  // A step of a job is given back only by a process that is stopped between claiming and beginning it.
  const mayLeave = () => {
    if (plan.active && dice.chance(LEAVES)) incarnation.leave()
  }
  const watched = watch(sabotage.storage?.(connection, skewMs) ?? connection, operations, clock, incarnation, mayLeave)
  const honest = createSimulatedTransport(incarnation, carry, receiver, clock, operations, note)
  const sender: Sender<SimulatedEvents> = createSender({
    contract,
    storage: faultyStorage(watched, carry),
    clock: skewed,
    random,
    logger: silentLogger,
    transport: sabotage.transport?.(honest) ?? honest,
    ordering: { onBlocked: 'hold' },
    lease: LEASE,
    poll,
    ...(queue && { queue: queue.connect(incarnation) }),
    concurrency: 6,
    endpointConcurrency: CAP,
  })
  return { sender, incarnation }
}

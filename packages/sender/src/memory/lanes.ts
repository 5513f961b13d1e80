import type { Ms } from '@hooks/core'
import { Heap, type Slotted } from '../heap.ts'

/** What scheduling needs to know of an open delivery. */
export interface LaneRow extends Slotted {
  readonly id: string
  /** When it is due, or, while it is leased, when its lease ends. Changed by {@link Lanes} alone. */
  dueAt: Ms
  /** The fencing token of its lease; null where it is not leased. A lease that ended is there until the next claim. */
  token: string | null
}

/** One endpoint's deliveries and when the next of them can be claimed. */
export interface Lane<R extends LaneRow> extends Slotted {
  /** Those that wait, and those whose lease has been seen to end: oldest due first. */
  readonly waiting: Heap<R>
  /** Those whose lease runs: first to end first. */
  readonly leased: Heap<R>
  heldUntil: Ms
  cap: number | null
  failing: boolean
  /** The last claim left it at its cap, and no lease has been given up since. */
  full: boolean
  /** When it can be claimed; Infinity for never. */
  readyAt: Ms
  /** Its place among lanes that are ready at the same time: later for whoever was touched later. */
  turn: number
}

/** All rows of a lane, in no order. */
export const rowsOf = <R extends LaneRow>(lane: Lane<R>): readonly R[] => [...lane.waiting.items, ...lane.leased.items]

const earlier = (a: LaneRow, b: LaneRow) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.id < b.id)

type Place = Pick<Lane<LaneRow>, 'readyAt' | 'turn'>
const sooner = (a: Place, b: Place) => a.readyAt < b.readyAt || (a.readyAt === b.readyAt && a.turn < b.turn)

/**
 * The schedule of all lanes. Every change costs the logarithm of the rows of one lane and that of the number of
 * lanes, whatever waits, is held or lies in the future.
 */
export class Lanes<R extends LaneRow> {
  // Failing lanes apart from the others, because a claim can be for either.
  readonly #failing = new Heap<Lane<R>>(sooner)
  readonly #well = new Heap<Lane<R>>(sooner)
  #turns = 0
  #tokens = 0

  /** A new lane, with nothing in it. */
  create(): Lane<R> {
    return {
      slot: -1,
      waiting: new Heap<R>(earlier),
      leased: new Heap<R>(earlier),
      heldUntil: 0,
      cap: null,
      failing: false,
      full: false,
      readyAt: Number.POSITIVE_INFINITY,
      turn: 0,
    }
  }

  /** Puts a row into its lane, to wait until `dueAt`. */
  add(lane: Lane<R>, row: R, dueAt: Ms, now: Ms): void {
    row.dueAt = dueAt
    lane.waiting.push(row)
    this.reschedule(lane, now)
  }

  /** Takes a row out of its lane, and its lease from it. */
  take(lane: Lane<R>, row: R, now: Ms): void {
    this.#detach(lane, row)
    row.token = null
    this.reschedule(lane, now)
  }

  /** Lets a row wait until `dueAt`, as {@link take} and {@link add} would. */
  postpone(lane: Lane<R>, row: R, dueAt: Ms, now: Ms): void {
    this.#detach(lane, row)
    row.token = null
    this.add(lane, row, dueAt, now)
  }

  /** Changes a lane. Its place in the schedule follows. */
  change(lane: Lane<R>, to: Partial<Pick<Lane<R>, 'heldUntil' | 'cap' | 'failing'>>, now: Ms): void {
    const before = this.#queue(lane)
    // The other queue is another ranking: the lane goes into it at the end of those that are ready.
    if (to.failing !== undefined && to.failing !== lane.failing) before.delete(lane)
    Object.assign(lane, to)
    if (to.cap !== undefined) lane.full = false
    this.reschedule(lane, now)
  }

  /**
   * Leases up to `limit` rows. `found` is called for each before it gets its new token, so that it can see whether
   * an earlier lease of it ended unsettled.
   */
  claim(
    options: { readonly limit: number; readonly leaseMs: Ms; readonly cap: number; readonly failing?: boolean },
    now: Ms,
    found: (row: R) => void,
  ): R[] {
    const claimed: R[] = []
    const visited: Lane<R>[] = []
    while (claimed.length < options.limit) {
      const lane = this.#next(options.failing)
      if (lane === undefined || lane.readyAt > now) break
      this.#queue(lane).delete(lane)
      visited.push(lane)
      this.#endLeases(lane, now)
      const cap = lane.cap ?? options.cap
      for (let room = Math.min(options.limit - claimed.length, cap - lane.leased.size); room > 0; room--) {
        const row = lane.waiting.peek()
        if (row === undefined || row.dueAt > now) break
        lane.waiting.delete(row)
        found(row)
        row.token = String(++this.#tokens)
        row.dueAt = now + options.leaseMs
        lane.leased.push(row)
        claimed.push(row)
      }
      lane.full = lane.leased.size >= cap
    }
    // Only now, so that no lane is visited twice.
    for (const lane of visited) this.#enqueue(lane, this.#nextReady(lane, now))
    return claimed
  }

  /** When the next lane can be claimed; Infinity for never. */
  nextReadyAt(): Ms {
    return this.#next(undefined)?.readyAt ?? Number.POSITIVE_INFINITY
  }

  /** Puts a lane where it now belongs. One that is ready already and stays so keeps its place. */
  reschedule(lane: Lane<R>, now: Ms): void {
    const queue = this.#queue(lane)
    const readyAt = this.#nextReady(lane, now)
    if (queue.has(lane)) {
      if (readyAt <= now && lane.readyAt <= now) return
      if (readyAt === lane.readyAt) return
      queue.delete(lane)
    }
    this.#enqueue(lane, readyAt)
  }

  #next(failing: boolean | undefined): Lane<R> | undefined {
    const [a, b] = [this.#failing.peek(), this.#well.peek()]
    if (failing !== undefined) return failing ? a : b
    if (a === undefined || b === undefined) return a ?? b
    return sooner(a, b) ? a : b
  }

  #queue(lane: Lane<R>): Heap<Lane<R>> {
    return lane.failing ? this.#failing : this.#well
  }

  #enqueue(lane: Lane<R>, readyAt: Ms): void {
    lane.readyAt = readyAt
    lane.turn = ++this.#turns
    // What is never ready is in no queue.
    if (readyAt < Number.POSITIVE_INFINITY) this.#queue(lane).push(lane)
  }

  #nextReady(lane: Lane<R>, now: Ms): Ms {
    const leaseEnd = lane.leased.peek()?.dueAt ?? Number.POSITIVE_INFINITY
    const due = lane.full ? leaseEnd : Math.min(lane.waiting.peek()?.dueAt ?? Number.POSITIVE_INFINITY, leaseEnd)
    return Math.max(now, due, lane.heldUntil)
  }

  /** Rows whose lease is over wait like the others, due since that end. */
  #endLeases(lane: Lane<R>, now: Ms): void {
    for (let row = lane.leased.peek(); row !== undefined && row.dueAt <= now; row = lane.leased.peek()) {
      lane.leased.delete(row)
      lane.waiting.push(row)
    }
  }

  #detach(lane: Lane<R>, row: R): void {
    if (lane.leased.delete(row)) lane.full = false
    else lane.waiting.delete(row)
  }
}

import { freeAfter, freeNow, type Ms } from '@hooks/core'
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
  paused: boolean
  cap: number | null
  /** What its endpoint allows. */
  concurrency: number | null
  perSecond: number | null
  /** Since when one more may start, under its rate. */
  freeAt: Ms
  probing: boolean
  failing: boolean
  readonly health: Health
  readonly tenant: string
  /** The last claim left it at its cap, and no lease has been given up since. */
  full: boolean
  /** When it can be claimed; Infinity for never. */
  readyAt: Ms
  /** Its place among lanes that are ready at the same time: later for whoever was touched later. */
  turn: number
}

/** What became of an endpoint's attempts since its last success. */
export interface Health {
  failures: number
  exhausted: number
  firstFailureAt: Ms | null
  lastFailureAt: Ms | null
  warned: number
}

/** The health of an endpoint that has had a success, or nothing at all. */
export const WELL: Readonly<Health> = {
  failures: 0,
  exhausted: 0,
  firstFailureAt: null,
  lastFailureAt: null,
  warned: 0,
}

/** What of a lane can be changed from outside. */
export type Changeable = Pick<
  Lane<LaneRow>,
  'heldUntil' | 'paused' | 'cap' | 'concurrency' | 'perSecond' | 'probing' | 'failing'
>

/** What {@link Lanes.claim} is asked for. */
export interface LanesClaim {
  readonly limit: number
  readonly leaseMs: Ms
  readonly cap: number
  readonly failing?: boolean
  readonly failingLimit?: number
  readonly tenants?: { readonly most: number; readonly running: Readonly<Record<string, number>> }
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
  create(tenant: string, { concurrency, perSecond }: Pick<Lane<R>, 'concurrency' | 'perSecond'>): Lane<R> {
    return {
      slot: -1,
      waiting: new Heap<R>(earlier),
      leased: new Heap<R>(earlier),
      heldUntil: 0,
      paused: false,
      cap: null,
      concurrency,
      perSecond,
      freeAt: 0,
      probing: false,
      failing: false,
      health: { ...WELL },
      tenant,
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
  change(lane: Lane<R>, to: Partial<Changeable>, now: Ms): void {
    const before = this.#queue(lane)
    // The other queue is another ranking: the lane goes into it at the end of those that are ready.
    if (to.failing !== undefined && to.failing !== lane.failing) before.delete(lane)
    Object.assign(lane, to)
    // A cap that may have grown; a claim finds out.
    if (to.cap !== undefined || to.concurrency !== undefined || to.probing !== undefined) lane.full = false
    this.reschedule(lane, now)
  }

  /**
   * Leases up to `limit` rows. `found` is called for each before it gets its new token, so that it can see whether
   * an earlier lease of it ended unsettled.
   */
  claim(options: LanesClaim, now: Ms, found: (row: R) => void): R[] {
    const { limit, failing, failingLimit = Number.POSITIVE_INFINITY, tenants } = options
    const claimed: R[] = []
    const visited: Lane<R>[] = []
    const passedOver: Lane<R>[] = []
    const served = new Set<Lane<R>>()
    // A tenant may be called what every object has.
    const runningOf = (tenant: string) =>
      (tenants && Object.hasOwn(tenants.running, tenant) && tenants.running[tenant]) || 0
    const taken = new Map<string, number>()
    let takenOfFailing = 0

    const visit = (lane: Lane<R>, room: number) => {
      const rows = this.#take(lane, room, options, now, found)
      claimed.push(...rows)
      if (rows.length > 0) served.add(lane)
      taken.set(lane.tenant, (taken.get(lane.tenant) ?? 0) + rows.length)
      if (lane.failing) takenOfFailing += rows.length
    }
    const roomOf = (lane: Lane<R>) =>
      Math.min(limit - claimed.length, lane.failing ? failingLimit - takenOfFailing : Number.POSITIVE_INFINITY)

    while (claimed.length < limit) {
      const kind = takenOfFailing >= failingLimit && failing === undefined ? false : failing
      const lane = this.#next(kind)
      if (lane === undefined || lane.readyAt > now) break
      this.#queue(lane).delete(lane)
      visited.push(lane)
      const { most = Number.POSITIVE_INFINITY } = tenants ?? {}
      const share = most - runningOf(lane.tenant) - (taken.get(lane.tenant) ?? 0)
      const room = roomOf(lane)
      if (share < room) passedOver.push(lane)
      visit(lane, Math.max(0, Math.min(share, room)))
    }
    for (const lane of passedOver) if (roomOf(lane) > 0) visit(lane, roomOf(lane))
    // Only now, so that no lane is visited twice. One that is ready and got nothing keeps its place.
    for (const lane of visited) {
      const readyAt = this.#nextReady(lane, now)
      if (readyAt <= now && !served.has(lane)) this.#queue(lane).push(lane)
      else this.#enqueue(lane, readyAt)
    }
    return claimed
  }

  /** Leases what is due of a lane, within its cap, its rate and `room`. */
  #take(lane: Lane<R>, room: number, { leaseMs, cap: usual }: LanesClaim, now: Ms, found: (row: R) => void): R[] {
    this.#endLeases(lane, now)
    const cap = lane.probing ? 1 : (lane.cap ?? lane.concurrency ?? usual)
    const rows: R[] = []
    const most = Math.min(room, cap - lane.leased.size, freeNow(lane, now))
    while (rows.length < most) {
      const row = lane.waiting.peek()
      if (row === undefined || row.dueAt > now) break
      lane.waiting.delete(row)
      found(row)
      row.token = String(++this.#tokens)
      row.dueAt = now + leaseMs
      lane.leased.push(row)
      rows.push(row)
    }
    lane.freeAt = freeAfter(lane, rows.length, now)
    lane.full = lane.leased.size >= cap
    return rows
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
    if (lane.paused) return Number.POSITIVE_INFINITY
    return Math.max(now, due, lane.heldUntil, lane.perSecond === null ? 0 : Math.ceil(lane.freeAt))
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

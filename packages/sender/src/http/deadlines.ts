import { type Ms, systemClock } from '@hooks/core'
import { Heap, type Slotted } from '../heap.ts'

/** What expires. */
export interface Expiring extends Slotted {
  /** By the machine's monotonic clock. Changed by {@link Deadlines} alone. */
  endsAt: Ms
  expire(): void
}

/** A longer timer would fire at once. */
const LONGEST_TIMER: Ms = 2 ** 31 - 1

/**
 * The deadlines of everything in flight, on one timer. Almost all of it is over long before its deadline: a timer each, and
 * another for each body, would be made to be thrown away.
 *
 * The time is the machine's, whatever clock a host has given: a socket that says nothing waits for no other.
 */
export class Deadlines {
  readonly #pending = new Heap<Expiring>((a, b) => a.endsAt < b.endsAt)
  /** It keeps the process alive as long as something is pending. */
  #timer: NodeJS.Timeout | undefined
  /** When the timer fires, which may be sooner than anything expires. */
  #wakesAt: Ms = Number.POSITIVE_INFINITY

  /** Has `item` expire in so many ms, and not when it had to before. */
  set(item: Expiring, ms: Ms): void {
    this.#pending.delete(item)
    item.endsAt = systemClock.monotonic() + ms
    this.#pending.push(item)
    if (item.endsAt < this.#wakesAt) this.#wakeAt(item.endsAt)
    else if (this.#pending.size === 1) this.#timer?.ref()
  }

  /** It is over. */
  clear(item: Expiring): void {
    this.#pending.delete(item)
    if (this.#pending.size === 0) this.#timer?.unref()
  }

  /** Nothing will expire any more. */
  close(): void {
    clearTimeout(this.#timer)
  }

  #wakeAt(time: Ms): void {
    clearTimeout(this.#timer)
    this.#wakesAt = time
    const ms = Math.ceil(time - systemClock.monotonic())
    this.#timer = setTimeout(() => this.#wake(), Math.min(ms, LONGEST_TIMER))
  }

  #wake(): void {
    this.#wakesAt = Number.POSITIVE_INFINITY
    const now = systemClock.monotonic()
    let next = this.#pending.peek()
    for (; next !== undefined && next.endsAt <= now; next = this.#pending.peek()) {
      this.#pending.delete(next)
      next.expire()
    }
    if (next !== undefined) this.#wakeAt(next.endsAt)
  }
}

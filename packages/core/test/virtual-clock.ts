import type { Clock, Ms } from '@hooks/core'

interface Sleeper {
  readonly at: Ms
  wake(): void
}

/** Time that stands still until a test moves it: from sleep to sleep, each in its order. */
export class VirtualClock implements Clock {
  #now: Ms = 0
  #sleepers: Sleeper[] = []

  now(): Date {
    return new Date(1_700_000_000_000 + this.#now)
  }

  monotonic(): Ms {
    return this.#now
  }

  sleep(ms: Ms, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const sleeper = { at: this.#now + Math.max(0, ms), wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        resolve()
      })
    })
  }

  /** How many sleep: none may be left when what is tested has ended. */
  get asleep(): number {
    return this.#sleepers.length
  }

  /** Moves time until `until` is settled. */
  async run<T>(until: Promise<T>): Promise<T> {
    let settled = false
    const end = () => {
      settled = true
    }
    until.then(end, end)
    for (;;) {
      await this.#quiet()
      if (settled) return until
      if (!this.#wakeNext(Number.POSITIVE_INFINITY)) throw new Error('nothing sleeps, and nothing is settled')
    }
  }

  /** Moves time by `ms`. */
  async advance(ms: Ms): Promise<void> {
    const end = this.#now + ms
    await this.#quiet()
    while (this.#wakeNext(end)) await this.#quiet()
    this.#now = end
  }

  #wakeNext(end: Ms): boolean {
    const next = this.#sleepers.reduce<Sleeper | undefined>(
      (first, one) => (first && first.at <= one.at ? first : one),
      undefined,
    )
    if (!next || next.at > end) return false
    this.#sleepers = this.#sleepers.filter((other) => other !== next)
    this.#now = Math.max(this.#now, next.at)
    next.wake()
    return true
  }

  /** Until every promise that can go on has gone on. */
  async #quiet(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  }
}

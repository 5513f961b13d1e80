import type { Ms } from '../seams.ts'

/** Until when a piece of work may run. Its signal is made for those who ask for it. */
export class Until {
  /** Monotonic. */
  readonly endsAt: Ms
  readonly #controllers: Set<AbortController>
  #controller: AbortController | undefined

  /** `controllers` are those of all work that has asked. */
  constructor(endsAt: Ms, controllers: Set<AbortController>) {
    this.endsAt = endsAt
    this.#controllers = controllers
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    this.#controllers.add(this.#controller)
    return this.#controller.signal
  }

  /** The work is over. */
  forget(): void {
    if (this.#controller) this.#controllers.delete(this.#controller)
  }
}

/** What a {@link Heap} holds. The heap keeps the item's place in it, so one item can be in one heap at a time. */
export interface Slotted {
  /** Where the item is in its heap; -1 where it is in none. The heap's own business. */
  slot: number
}

/** A binary heap whose items can also be taken out of the middle: every change costs the logarithm of its size. */
export class Heap<T extends Slotted> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  /** `before` tells which of two comes first. What it reads of an item must not change while the item is in here. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  /** All of them, in no order. */
  get items(): readonly T[] {
    return this.#items
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  has(item: T): boolean {
    return this.#items[item.slot] === item
  }

  push(item: T): void {
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.delete(first)
    return first
  }

  /** Takes an item out, wherever it is. Returns whether it was in here. */
  delete(item: T): boolean {
    const { slot } = item
    if (!this.has(item)) return false
    item.slot = -1
    const last = this.#items.pop() as T
    if (last === item) return true
    // The last one fills the gap. It came from another branch, so it may belong further up as well as further down.
    const parent = this.#items[(slot - 1) >> 1]
    if (slot > 0 && parent !== undefined && this.#before(last, parent)) this.#rise(last, slot)
    else this.#sink(last, slot)
    return true
  }

  #rise(item: T, from: number): void {
    let slot = from
    while (slot > 0) {
      const up = (slot - 1) >> 1
      const parent = this.#items[up] as T
      if (!this.#before(item, parent)) break
      this.#put(parent, slot)
      slot = up
    }
    this.#put(item, slot)
  }

  #sink(item: T, from: number): void {
    let slot = from
    for (;;) {
      const left = this.#items[2 * slot + 1]
      if (left === undefined) break
      const right = this.#items[2 * slot + 2]
      const child = right !== undefined && this.#before(right, left) ? right : left
      if (!this.#before(child, item)) break
      const down = child.slot
      this.#put(child, slot)
      slot = down
    }
    this.#put(item, slot)
  }

  #put(item: T, slot: number): void {
    this.#items[slot] = item
    item.slot = slot
  }
}

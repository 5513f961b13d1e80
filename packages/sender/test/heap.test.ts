import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Heap, type Slotted } from '../src/heap.ts'

interface Item extends Slotted {
  readonly n: number
}
const item = (n: number): Item => ({ n, slot: -1 })
const drain = (heap: Heap<Item>) => Array.from({ length: heap.size }, () => heap.pop()?.n)

describe('the heap', () => {
  it('gives items back in order, whatever was put in and taken out', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.option(fc.nat(20), { nil: undefined }))), (steps) => {
        const heap = new Heap<Item>((a, b) => a.n < b.n)
        const inside: Item[] = []
        for (const [n, out] of steps) {
          const made = item(n)
          heap.push(made)
          inside.push(made)
          if (out === undefined) continue
          const [gone] = inside.splice(out % inside.length, 1)
          expect(heap.delete(gone as Item)).toBe(true)
          expect(heap.delete(gone as Item)).toBe(false)
        }
        expect(heap.size).toBe(inside.length)
        expect(inside.every((one) => heap.has(one))).toBe(true)
        expect(drain(heap)).toEqual(inside.map(({ n }) => n).sort((a, b) => a - b))
      }),
    )
  })

  it('has nothing where it is empty, and knows what is not its own', () => {
    const [heap, other] = [new Heap<Item>((a, b) => a.n < b.n), new Heap<Item>((a, b) => a.n < b.n)]
    expect([heap.peek(), heap.pop(), heap.size]).toEqual([undefined, undefined, 0])
    const [mine, theirs] = [item(1), item(2)]
    heap.push(mine)
    other.push(theirs)
    expect([heap.has(mine), heap.has(theirs), heap.delete(theirs), other.size]).toEqual([true, false, false, 1])
  })
})

import { createAnswering, type Ms } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

/** An answering whose calls each take `takes`, and what was seen of them. */
function stage({ concurrency = 1, takes = 100 as Ms, fails = false } = {}) {
  const clock = new VirtualClock()
  const begun: Ms[] = []
  const errors: unknown[] = []
  const aborted: Ms[] = []
  let running = 0
  let most = 0
  const answering = createAnswering(
    async (signal) => {
      begun.push(clock.monotonic())
      most = Math.max(most, ++running)
      await clock.sleep(takes, signal)
      if (signal.aborted) aborted.push(clock.monotonic())
      running--
      if (fails) throw new Error('the call failed')
    },
    { concurrency, onError: (error) => errors.push(error) },
    clock,
  )
  return { clock, answering, begun, errors, aborted, most: () => most }
}

describe('answering rings', () => {
  it('answers a ring at once, and resolves when it is answered', async () => {
    const { clock, answering, begun } = stage()
    await clock.run(answering.ring())
    expect([begun, clock.monotonic()]).toEqual([[0], 100])
  })

  it('makes one call of all the rings that come while the calls are taken, after one of them', async () => {
    const { clock, answering, begun } = stage()
    const rings = Array.from({ length: 1_000 }, () => answering.ring())
    await clock.run(Promise.all(rings))
    expect(begun).toEqual([0, 100])
  })

  it('answers a ring that comes while the last call runs', async () => {
    const { clock, answering, begun } = stage()
    void answering.ring()
    await clock.advance(99)
    void answering.ring()
    await clock.advance(2)
    void answering.ring()
    await clock.advance(1_000)
    expect(begun).toEqual([0, 100, 200])
  })

  it('never runs more calls at a time than it may', async () => {
    const { clock, answering, begun, most } = stage({ concurrency: 3 })
    for (let n = 0; n < 40; n++) {
      void answering.ring()
      await clock.advance(7)
    }
    await clock.advance(1_000)
    expect(most()).toBe(3)
    expect(begun.length).toBeGreaterThan(6)
  })

  it('tells of a call that failed, and answers the next ring', async () => {
    const { clock, answering, begun, errors } = stage({ fails: true })
    await clock.run(answering.ring())
    await clock.run(answering.ring())
    expect(begun).toHaveLength(2)
    expect(errors).toEqual([new Error('the call failed'), new Error('the call failed')])
  })

  it('takes a call that throws at once for one that rejects', async () => {
    const errors: unknown[] = []
    const thrown = new Error('at once')
    const answering = createAnswering(
      () => {
        throw thrown
      },
      { concurrency: 1, onError: (error) => errors.push(error) },
      new VirtualClock(),
    )
    await answering.ring()
    await answering.ring()
    expect(errors).toEqual([thrown, thrown])
  })

  it('says nothing of a failure where nobody asked to be told', async () => {
    const answering = createAnswering(() => Promise.reject(new Error('unseen')), { concurrency: 1 }, new VirtualClock())
    await answering.ring()
  })
})

describe('an answering that is stopped', () => {
  it('waits for the calls that run, and leaves no timer behind', async () => {
    const { clock, answering, aborted } = stage({ takes: 300 })
    void answering.ring()
    await clock.run(answering.stop(10_000))
    expect([clock.monotonic(), aborted, clock.asleep]).toEqual([300, [], 0])
  })

  it('aborts the calls that take longer than it waits', async () => {
    const { clock, answering, aborted } = stage({ takes: 300_000 })
    void answering.ring()
    await clock.run(answering.stop(2_000))
    await clock.advance(1)
    expect([aborted, clock.asleep]).toEqual([[2_000], 0])
  })

  it('begins no call any more: neither for a ring that waited nor for a new one', async () => {
    const { clock, answering, begun } = stage()
    const rings = [answering.ring(), answering.ring()]
    const stopped = answering.stop(1_000)
    rings.push(answering.ring())
    await clock.run(Promise.all([...rings, stopped]))
    await answering.ring()
    expect(begun).toEqual([0])
  })

  it('stops once, however often it is told', async () => {
    const { clock, answering } = stage({ takes: 300 })
    void answering.ring()
    const [first, second] = [answering.stop(1_000), answering.stop(0)]
    expect(second).toBe(first)
    await clock.run(first)
    expect(clock.monotonic()).toBe(300)
  })
})

import { promise, type QueueCase } from './world.ts'

const HOUR = 3_600_000

/** What becomes of rings. */
export const ringingCases: readonly QueueCase[] = [
  promise('a ring is heard by one who listens', async ({ queue, listen, until }) => {
    const listener = await listen(queue)
    await queue.ring(0)
    await until('the ring is heard', () => listener.began.length > 0)
  }),

  promise('a ring is taken where nobody listens', async ({ queue, outcome, expect }) => {
    expect(await outcome(queue.ring(0))).toBe('ok')
    expect(await outcome(queue.ring(20))).toBe('ok')
  }),

  promise('a ring for later is heard, and not much before', async ({ queue, listen, until, now, expect }) => {
    const listener = await listen(queue)
    const rungAt = now()
    await queue.ring(1_200)
    await until('the ring is heard', () => listener.began.length > 0)
    expect((listener.began[0] ?? 0) - rungAt).toBeGreaterThan(1_000)
  }),

  promise('a ring for later keeps no sooner one back', async ({ queue, listen, until }) => {
    const listener = await listen(queue)
    await queue.ring(HOUR)
    await queue.ring(0)
    await until('the ring for now is heard', () => listener.began.length > 0)
    const heard = listener.began.length
    await queue.ring(HOUR)
    await queue.ring(400)
    await until('the sooner ring is heard', () => listener.began.length > heard)
  }),

  promise('a ring for now keeps no later one back', async ({ queue, listen, until, now, expect }) => {
    const listener = await listen(queue)
    const rungAt = now()
    await queue.ring(1_200)
    await queue.ring(0)
    await until('both are heard', () => listener.began.some((at) => at - rungAt > 1_000))
    expect(listener.began.length).toBeGreaterThan(1)
  }),

  promise('of very many rings at once, the last is answered too', async ({ queue, listen, until, outcome, expect }) => {
    const listener = await listen(queue)
    const rings = Array.from({ length: 999 }, () => outcome(queue.ring(0)))
    const begun = listener.began.length
    rings.push(outcome(queue.ring(0)))
    await until('a call begins after the last ring', () => listener.began.length > begun)
    // On a busy machine some may not be confirmed in time.
    for (const ended of await Promise.all(rings)) if (ended !== 'ok') expect(ended).toBe('queue_unavailable')
  }),

  promise('a ring that is made by an answer is answered in its turn', async ({ queue, listen, until }) => {
    const listener = await listen(queue, (_, call) => (call < 25 ? queue.ring(0) : undefined))
    await queue.ring(0)
    await until('25 rings are heard, each from the answer before', () => listener.began.length >= 25)
  }),

  promise('a ring that comes while a call runs is answered after it', async ({ queue, listen, until, gate, pass }) => {
    const { wait, open } = gate()
    const listener = await listen(queue, (signal, call) => (call === 1 ? wait(signal) : undefined))
    await queue.ring(0)
    await until('the first ring is heard', () => listener.running === 1)
    await queue.ring(0)
    await pass(100)
    open()
    await until('the second ring is heard', () => listener.began.length > 1)
  }),

  promise('any delay is taken: a fraction of a millisecond, and ten years', async ({ queue, outcome, expect }) => {
    for (const inMs of [0.25, 17.75, HOUR * 24 * 400, HOUR * 24 * 3_650])
      expect(await outcome(queue.ring(inMs))).toBe('ok')
  }),
]

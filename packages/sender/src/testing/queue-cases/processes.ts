import { promise, type QueueCase } from './world.ts'

/** Several processes on one queue. */
export const processCases: readonly QueueCase[] = [
  promise(
    'a ring of one process is heard in another, from when it began to listen',
    async ({ queue, second, listen, until }) => {
      const here = await listen(queue)
      await second().ring(0)
      await until('the ring is heard', () => here.began.length > 0)
    },
    'second connection',
  ),

  promise(
    'a ring for later is heard in another process, not much before',
    async ({ queue, second, listen, until, now, expect }) => {
      const there = await listen(second())
      const rungAt = now()
      await queue.ring(1_200)
      await until('the ring is heard', () => there.began.length > 0)
      expect((there.began[0] ?? 0) - rungAt).toBeGreaterThan(1_000)
    },
    'second connection',
  ),

  promise(
    'rings reach another process while one is busy',
    async ({ queue, second, listen, ringUntil, gate }) => {
      const { wait, open } = gate()
      const listeners = [await listen(queue, wait), await listen(second(), wait)]
      await ringUntil('both are busy', second(), () => listeners.every(({ running }) => running === 1))
      open()
    },
    'second connection',
  ),

  promise(
    'when one process has closed its queue, another goes on',
    async ({ queue, second, listen, settle, ringUntil }) => {
      const here = await listen(queue)
      const there = await listen(second())
      await ringUntil('one hears', queue, () => here.began.length + there.began.length > 0)
      await settle('it closes', queue.close())
      const calls = there.began.length
      await ringUntil('the other hears itself', second(), () => there.began.length > calls)
    },
    'second connection',
  ),
]

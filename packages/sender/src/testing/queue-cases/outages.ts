import { promise, type QueueCase } from './world.ts'

/** A server that goes away and comes back with nothing of what it held. */
export const outageCases: readonly QueueCase[] = [
  promise(
    'those who listened before an outage hear again after it, by themselves',
    async ({ queue, second, outage, listen, pass, until, outcome, expect }) => {
      const here = await listen(queue)
      const there = await listen(second())
      await queue.ring(60_000)
      await outage().begin()
      await pass(300)
      await outage().end()
      const calls = () => here.began.length + there.began.length
      for (const [who, ringer] of [
        ['this process', queue],
        ['another process', second()],
      ] as const) {
        const before = calls()
        // A ring during the recovery may be lost, so there are several.
        for (let n = 0; n < 300 && calls() === before; n++) {
          const ended = await outcome(ringer.ring(0))
          if (ended !== 'ok') expect(ended).toBe('queue_unavailable')
          await pass(100)
        }
        await until(`a ring of ${who} is heard`, () => calls() > before)
      }
    },
    'second connection',
    'server',
  ),

  promise(
    'a ring during an outage is lost or refused, and says so in time',
    async ({ queue, outage, outcome, expect }) => {
      await queue.ring(0)
      await outage().begin()
      for (const inMs of [0, 500]) {
        const ended = await outcome(queue.ring(inMs))
        if (ended !== 'ok') expect(ended).toBe('queue_unavailable')
      }
      await outage().end()
    },
    'server',
  ),

  promise(
    'who begins to listen during an outage is refused, or hears after it',
    async ({ queue, second, outage, listen, until, pass, outcome, expect }) => {
      await queue.ring(0)
      await outage().begin()
      await pass(100)
      const begun: Awaited<ReturnType<typeof listen>>[] = []
      const refused: unknown[] = []
      void listen(queue).then(
        (listener) => begun.push(listener),
        (error) => refused.push(error),
      )
      await pass(300)
      await outage().end()
      await until('it listens, or is refused', () => begun.length + refused.length > 0)
      for (const error of refused) expect((error as { code?: unknown }).code).toBe('queue_unavailable')
      const listener = begun[0] ?? (await listen(queue))
      for (let n = 0; n < 300 && listener.began.length === 0; n++) {
        await outcome(second().ring(0))
        await pass(100)
      }
      expect(listener.began.length).toBeGreaterThan(0)
    },
    'second connection',
    'server',
  ),

  promise(
    'stopping and closing during an outage end',
    async ({ queue, outage, listen, settle, outcome, expect }) => {
      const listener = await listen(queue)
      await queue.ring(0)
      await outage().begin()
      expect(await outcome(listener.stop(500))).toBe('ok')
      await settle('it closes', queue.close())
      expect(await outcome(queue.ring(0))).toBe('queue_closed')
      await outage().end()
    },
    'server',
  ),
]

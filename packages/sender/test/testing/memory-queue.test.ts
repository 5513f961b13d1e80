import { describe, expect, it } from 'vitest'
import { memoryQueue, queueSuite, virtualClock } from '../../src/testing/index.ts'

queueSuite(
  { describe, it, expect },
  {
    name: 'memory',
    facts: { clock: 'injected', processes: 'one', server: false },
    make: ({ clock }) => {
      const queue = memoryQueue({ clock })
      return { queue, close: () => queue.close() }
    },
  },
)

describe('the queue in memory', () => {
  it('gives each ring to one of those who listen, in turn', async () => {
    const clock = virtualClock()
    const queue = memoryQueue({ clock })
    const heard: string[] = []
    for (const who of ['a', 'b', 'c']) await queue.listen(async () => void heard.push(who), { concurrency: 1 })
    for (let n = 0; n < 6; n++) {
      await queue.ring(0)
      await clock.advance(1)
    }
    expect(heard).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  })

  it('leaves no timer behind once it is closed', async () => {
    const queue = memoryQueue()
    await queue.ring(3_600_000)
    await queue.close()
  })
})

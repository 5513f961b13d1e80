import type { Queue } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { memoryQueue, queueCases, queueSuite, type TestRunner } from '../../src/testing/index.ts'

/** Runs the suite on its own over a queue in memory that was spoilt, and gives the titles of the cases that failed. */
async function failures(spoil: (queue: Queue) => Partial<Queue>) {
  const tests: { title: string; body: () => Promise<void> }[] = []
  const runner: TestRunner = {
    describe: (_, body) => body(),
    it: (title, body) => tests.push({ title, body }),
    expect: (actual) => expect(actual),
  }
  queueSuite(runner, {
    name: 'planted',
    facts: { clock: 'injected', processes: 'one', server: false },
    make: ({ clock }) => {
      const queue = memoryQueue({ clock })
      return { queue: { ...queue, ...spoil(queue) }, close: () => queue.close() }
    },
  })
  const failed: string[] = []
  for (const { title, body } of tests) await body().catch(() => failed.push(title))
  return { titles: tests.map(({ title }) => title), failed }
}

describe('the suite for queues', () => {
  it('passes a good queue, and says of each case that it cannot run why', async () => {
    const { titles, failed } = await failures(() => ({}))
    expect(failed).toEqual([])
    expect(titles.map((title) => title.replace(/^unsupported: (.*) \(.*\)$/, '$1'))).toEqual(queueCases)
    expect(titles.filter((title) => title.startsWith('unsupported: '))).toContain(
      "unsupported: rings reach another process while one is busy (facts.processes is 'one')",
    )
  })

  it('names every promise once', () => {
    expect(new Set(queueCases).size).toBe(queueCases.length)
  })

  it.each<[string, (queue: Queue) => Partial<Queue>]>([
    ['loses every ring', () => ({ ring: async () => {} })],
    ['knows no delay', (queue) => ({ ring: () => queue.ring(0) })],
    ['makes every ring wait', (queue) => ({ ring: (inMs) => queue.ring(inMs + 40_000) })],
    [
      'drops a ring for now while one for later waits, as one job id for all would',
      (queue) => {
        let waiting = false
        return {
          async ring(inMs) {
            if (waiting) return
            waiting = inMs > 0
            await queue.ring(inMs)
          },
        }
      },
    ],
    [
      'drops rings while a call runs',
      (queue) => {
        let running = 0
        return {
          ring: async (inMs) => {
            if (running === 0) await queue.ring(inMs)
          },
          listen: (onRing, options) =>
            queue.listen(async (signal) => {
              running++
              await onRing(signal).finally(() => running--)
            }, options),
        }
      },
    ],
    [
      'asks nobody how many calls may run',
      (queue) => ({ listen: (onRing, options) => queue.listen(onRing, { ...options, concurrency: 100 }) }),
    ],
    [
      'is silent about calls that reject',
      (queue) => ({ listen: (onRing, { concurrency }) => queue.listen(onRing, { concurrency }) }),
    ],
    [
      'stops listening when a call rejects',
      (queue) => ({
        async listen(onRing, options) {
          const listening = await queue.listen(
            (signal) =>
              onRing(signal).catch((error) => {
                options.onError?.(error)
                void listening.stop(0)
              }),
            options,
          )
          return listening
        },
      }),
    ],
    [
      'never stops',
      (queue) => ({
        async listen(onRing, options) {
          await queue.listen(onRing, options)
          return { stop: async () => {} }
        },
      }),
    ],
    [
      'stops without waiting',
      (queue) => ({
        async listen(onRing, options) {
          const listening = await queue.listen(onRing, options)
          return { stop: () => listening.stop(0) }
        },
      }),
    ],
    [
      'stops and never aborts',
      (queue) => ({
        async listen(onRing, options) {
          const listening = await queue.listen(() => onRing(new AbortController().signal), options)
          return { stop: (drainMs) => listening.stop(drainMs) }
        },
      }),
    ],
    [
      'has one place for those who listen',
      (queue) => {
        let last: { stop(drainMs: number): Promise<void> } | undefined
        return {
          async listen(onRing, options) {
            await last?.stop(0)
            last = await queue.listen(onRing, options)
            return last
          },
        }
      },
    ],
    ['cannot be closed', () => ({ close: async () => {} })],
    [
      'is an error to close twice',
      (queue) => {
        let closed = false
        return {
          async close() {
            if (closed) throw new Error('closed already')
            closed = true
            await queue.close()
          },
        }
      },
    ],
    ['refuses delays of a fraction', (queue) => ({ ring: async (inMs) => queue.ring(BigInt(inMs) ? inMs : 0) })],
  ])('sees a queue that %s', async (_, spoil) => {
    expect((await failures(spoil)).failed).not.toEqual([])
  })
})

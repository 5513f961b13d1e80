import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { bullmqQueue } from '../src/index.ts'
import { fresh, server } from './server.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function opened() {
  const made = await fresh()
  closing.push(made.close)
  const { name, prefix, connection } = made.direct
  // What a dashboard of BullMQ does.
  const tools = new Queue(name, { connection, prefix })
  closing.push(() => tools.close())
  return { ...made, tools }
}

/** Rings as BullMQ's own tools see them. */
describe.skipIf(!server)('rings as jobs', () => {
  it('thousands of rings that nobody has heard are one job', { timeout: 30_000 }, async () => {
    const { queue, second, tools } = await opened()
    // On a busy machine some are not confirmed in time. They were made all the same.
    await Promise.allSettled(Array.from({ length: 2_000 }, (_, n) => (n % 2 ? queue : second).ring(0)))
    expect(await tools.getJobCounts('waiting', 'delayed', 'active')).toEqual({ waiting: 1, delayed: 0, active: 0 })
  })

  it('rings for about one time are one delayed job, which says when', { timeout: 30_000 }, async () => {
    const { queue, second, tools } = await opened()
    const from = Date.now()
    await Promise.allSettled(Array.from({ length: 200 }, (_, n) => (n % 2 ? queue : second).ring(60_000)))
    const jobs = await tools.getDelayed()
    // As many as there were twentieths of a second.
    expect(jobs.length).toBeLessThanOrEqual(2 + (Date.now() - from) / 50)
    const due = Date.parse(jobs[0]?.data.ring)
    expect(jobs[0]).toMatchObject({ name: 'ring', data: { ring: expect.stringMatching(/^\d{4}-.*Z$/) } })
    expect(due - from).toBeGreaterThanOrEqual(60_000)
  })

  it('the last answered ones stay on view, and no more', { timeout: 60_000 }, async () => {
    const { direct, tools } = await opened()
    const queue = bullmqQueue({ ...direct, keep: 3 })
    closing.push(() => queue.close())
    let heard = 0
    await queue.listen(async () => void heard++, { concurrency: 1 })
    for (let n = 1; n <= 8; n++) {
      await queue.ring(0)
      while (heard < n) await sleep(5)
    }
    for (;;) {
      const { completed, active, waiting } = await tools.getJobCounts('completed', 'active', 'waiting')
      if (completed === 3 && active === 0 && waiting === 0) break
      await sleep(20)
    }
    expect(await tools.getFailedCount()).toBe(0)
  })

  it('a queue that is paused with those tools rings again when it is resumed', { timeout: 60_000 }, async () => {
    const { queue, tools } = await opened()
    let heard = 0
    await queue.listen(async () => void heard++, { concurrency: 1 })
    await queue.ring(0)
    while (heard === 0) await sleep(5)
    await tools.pause()
    await queue.ring(0)
    await tools.resume()
    while (heard === 1) await sleep(5)
  })

  it('works with a client of the host, and leaves it open', { timeout: 60_000 }, async () => {
    const { direct } = await opened()
    const client = new Redis({ ...direct.connection, maxRetriesPerRequest: null })
    closing.push(async () => client.disconnect())
    const queue = bullmqQueue({ ...direct, connection: client })
    let heard = 0
    const listening = await queue.listen(async () => void heard++, { concurrency: 1 })
    await queue.ring(0)
    while (heard === 0) await sleep(5)
    await listening.stop(1_000)
    await queue.close()
    expect(await client.ping()).toBe('PONG')
  })
})

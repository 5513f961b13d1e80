import { defineContract, defineEvents, silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createSender, memoryStorage } from '../src/index.ts'
import { memoryQueue, seededRandom, virtualClock } from '../src/testing/index.ts'
import { scriptedTransport } from './stage.ts'

const contract = defineContract({
  events: defineEvents({ tick: {} }),
  policy: { retry: ['0s', '10s', '1h'], jitter: 0 },
})

/** Senders of several processes on one storage, which look by themselves once an hour. */
async function processes(count: number, { queued = true, concurrency = 100, takesMs = 0, status = 204 } = {}) {
  const clock = virtualClock()
  const random = seededRandom(5)
  const storage = memoryStorage({ clock, random })
  const queue = memoryQueue({ clock })
  const { transport, requests } = scriptedTransport(async () => {
    await clock.sleep(takesMs)
    return status
  })
  const senders = Array.from({ length: count }, () =>
    createSender({
      contract,
      storage,
      clock,
      random,
      transport,
      logger: silentLogger,
      poll: '1h',
      concurrency,
      ...(queued && { queue }),
    }),
  )
  const [web] = senders as [(typeof senders)[0]]
  for (let n = 0; n < 40; n++) await web.endpoints.create('acme', { url: `https://acme.example/${n}` })
  return { clock, queue, storage, senders, requests, web }
}

describe('several processes with a queue', () => {
  it('one that works starts at once on what one that does not work has sent', async () => {
    const { senders, clock, requests } = await processes(2)
    const [web, worker] = senders
    worker?.start()
    await clock.advance(1_000)
    await web?.send('tick', {}, { tenant: 'acme' })
    await clock.advance(50)
    expect(requests).toHaveLength(40)
  })

  it('without one, it would have waited for its poll', async () => {
    const { senders, clock, requests } = await processes(2, { queued: false })
    const [web, worker] = senders
    worker?.start()
    await clock.advance(1_000)
    await web?.send('tick', {}, { tenant: 'acme' })
    await clock.advance(3_000_000)
    expect(requests).toHaveLength(0)
  })

  it('share what is more than one of them can start', async () => {
    const { senders, clock, requests } = await processes(4, { concurrency: 10, takesMs: 5_000 })
    for (const sender of senders) sender.start()
    await clock.advance(1_000)
    await senders[0]?.send('tick', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(requests).toHaveLength(40)
  })

  it('retry when it is time, whoever made the attempt and has stopped since', async () => {
    const { senders, clock, requests } = await processes(3, { status: 500 })
    const [web, one, other] = senders
    one?.start()
    other?.start()
    await web?.send('tick', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    const first = requests.length
    await one?.stop()
    await clock.advance(9_500)
    expect([first, requests.length]).toEqual([40, 80])
  })

  it('a message sent in a transaction is found after its commit', async () => {
    // The storage in memory has no transactions: its put stands for the commit that comes 100 ms after the send.
    const { senders, clock, requests, storage } = await processes(2)
    const [web, worker] = senders
    worker?.start()
    await clock.advance(1_000)
    web?.wake()
    await clock.advance(100)
    expect(requests).toHaveLength(0)
    await storage.put([{ id: 'msg_1', type: 'tick', tenant: 'acme', occurredAt: clock.now(), data: '{}' }])
    web?.wake()
    await clock.advance(50)
    expect(requests).toHaveLength(40)
  })

  it('say how their queue is doing', async () => {
    const { queue, clock, web } = await processes(2)
    expect((await web.health()).queue).toBe('ok')
    await queue.close()
    await web.send('tick', {}, { tenant: 'acme' })
    await clock.advance(10)
    expect((await web.health()).queue).toBe('failing')
    expect((await (await processes(1, { queued: false })).web.health()).queue).toBeUndefined()
  })

  it('lose nothing to a queue that is closed under them: each finds its work by its poll', async () => {
    const { senders, queue, clock, requests, web } = await processes(2)
    senders[1]?.start()
    await clock.advance(1_000)
    await queue.close()
    await web.send('tick', {}, { tenant: 'acme' })
    await clock.advance(3_600_000)
    expect(requests).toHaveLength(40)
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { findPostgres } from 'tooling/postgres'
import { findOwnRedis } from 'tooling/redis'
import { startRelay } from 'tooling/relay'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { product } from './host.ts'

const redis = await findOwnRedis()
const postgres = await findPostgres()
afterAll(() => redis?.kill())

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function opened(database?: string) {
  const made = await product(database)
  closing.push(made.close)
  return made
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let waited = 0; !isSo(); waited += 20) {
    if (waited > 60_000) throw new Error(`not within a minute: ${what}`)
    await sleep(20)
  }
}

/** Processes that look by themselves every ten minutes, so what arrives was rung for, unless a test says otherwise. */
describe.skipIf(!redis)('processes on one SQLite file and one Redis', () => {
  const url = redis?.url ?? ''

  it('what one sends, another delivers at once; stopped, they end by themselves', { timeout: 120_000 }, async () => {
    const { host, received, url: receiver } = await opened()
    const [web, worker, other] = [await host(url, 'one'), await host(url, 'one'), await host(url, 'one')]
    await web.do({ endpoint: receiver })
    await worker.do('work')
    await other.do('work')
    await sleep(500)
    for (let n = 0; n < 30; n++) await web.do({ send: n })
    await until('all are received', () => received.length >= 30)
    for (const one of [web, worker, other]) expect(await one.stop()).toEqual({ code: 0, output: '' })
    expect([...received].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n))
  })

  it('Redis flushed, killed and started again loses nothing and repeats nothing: it costs a poll', {
    timeout: 180_000,
  }, async () => {
    const { host, received, url: receiver } = await opened()
    const hosts = [await host(url, 'two', '2s'), await host(url, 'two', '2s'), await host(url, 'two', '2s')]
    const [web, ...workers] = hosts as [(typeof hosts)[0], ...typeof hosts]
    await web.do({ endpoint: receiver })
    for (const worker of workers) await worker.do('work')
    const admin = new Redis(url)
    admin.on('error', () => {})
    for (let n = 0; n < 60; n++) {
      await web.do({ send: n })
      if ([5, 15, 25, 50].includes(n)) await admin.flushall()
      if (n === 30) await redis?.kill()
      if (n === 45) await redis?.start()
    }
    admin.disconnect()
    await until('all are received', () => received.length >= 60)
    for (const one of hosts) expect(await one.stop()).toEqual({ code: 0, output: '' })
    expect([...received].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n))
  })

  it('rings wake others again once Redis is back', { timeout: 180_000 }, async () => {
    const { host, received, url: receiver } = await opened()
    const [web, worker] = [await host(url, 'three'), await host(url, 'three')]
    await web.do({ endpoint: receiver })
    await worker.do('work')
    await redis?.kill()
    await web.do({ send: 0 })
    await redis?.start()
    // The first rings find the connections on their way back, and are lost: nothing is, because the next brings it along.
    for (let n = 1; n < 100 && received.length === 0; n++) {
      await sleep(500)
      await web.do({ send: n })
    }
    await until('the first is received too', () => received.includes(0))
    for (const one of [web, worker]) expect(await one.stop()).toEqual({ code: 0, output: '' })
  })

  it('without a Redis, they send, deliver by their poll, and end by themselves', { timeout: 120_000 }, async () => {
    const { host, received, url: receiver } = await opened()
    const nowhere = 'redis://127.0.0.1:1'
    const [web, worker] = [await host(nowhere, 'four', '1s'), await host(nowhere, 'four', '1s')]
    await web.do({ endpoint: receiver })
    await worker.do('work')
    for (let n = 0; n < 10; n++) await web.do({ send: n })
    await until('all are received', () => received.length >= 10)
    for (const one of [web, worker]) expect(await one.stop()).toEqual({ code: 0, output: '' })
  })

  it('one that is killed takes no more than a poll along', { timeout: 120_000 }, async () => {
    const { host, received, url: receiver } = await opened()
    const start = () => host(url, 'five', '2s')
    const [web, doomed, worker] = [await start(), await start(), await start()]
    await web.do({ endpoint: receiver })
    await doomed.do('work')
    await worker.do('work')
    for (let n = 0; n < 20; n++) {
      await web.do({ send: n })
      if (n === 10) doomed.kill()
    }
    await until('all are received', () => new Set(received).size >= 20)
    for (const one of [web, worker]) expect(await one.stop()).toEqual({ code: 0, output: '' })
  })
})

describe.skipIf(!redis)('a process whose Redis is away', () => {
  it.each(['cut', 'stall'] as const)('ends by itself when it is stopped: %s', { timeout: 120_000 }, async (outage) => {
    const { hostname, port } = new URL(redis?.url ?? '')
    const relay = await startRelay(hostname, Number(port))
    closing.push(() => relay.close())
    const { host, received, url: receiver } = await opened()
    const worker = await host(`redis://127.0.0.1:${relay.port}`, outage)
    const web = await host(redis?.url ?? '', outage)
    await web.do({ endpoint: receiver })
    await worker.do('work')
    // It has heard rings when it is cut off, for it looks by itself every ten minutes.
    for (let n = 0; received.length === 0; n++) {
      await web.do({ send: n })
      await sleep(50)
    }
    relay[outage]()
    expect(await web.stop()).toEqual({ code: 0, output: '' })
    expect(await worker.stop()).toEqual({ code: 0, output: '' })
  })
})

describe.skipIf(!redis || !postgres)('processes on one PostgreSQL and one Redis', () => {
  const url = redis?.url ?? ''

  it('share what is sent, and lose nothing to a flush, a killed worker and a poll that is rare', {
    timeout: 180_000,
  }, async () => {
    const database = await postgres?.database()
    closing.push(async () => database?.drop())
    const { host, received, url: receiver } = await opened(database?.url)
    const start = () => host(url, 'pg', '3s')
    const web = await start()
    await web.do({ endpoint: receiver })
    const [doomed, worker] = [await start(), await start()]
    await doomed.do('work')
    await worker.do('work')
    const admin = new Redis(url)
    for (let n = 0; n < 60; n++) {
      await web.do({ send: n })
      if (n === 20 || n === 40) await admin.flushall()
      if (n === 30) doomed.kill()
    }
    admin.disconnect()
    await until('all are received', () => new Set(received).size >= 60)
    for (const one of [web, worker]) expect(await one.stop()).toEqual({ code: 0, output: '' })
  })
})

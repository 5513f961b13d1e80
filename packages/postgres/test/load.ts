import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HooksError, isHooksError, silentLogger } from '@hooks/core'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import pg from 'pg'
import { type PostgresHandle, type PostgresStorageOptions, postgresStorage } from '../src/index.ts'

const contract = defineContract({
  events: defineEvents({ tick: {} }),
  policy: { retry: ['0s', '100ms', '500ms', '1s', '1s'], deadline: '5s' },
})

/** A sender at work, and a receiver that counts. */
export type Load = Awaited<ReturnType<typeof openLoad>>

const ENDPOINTS = 2
const TENANT = 'acme'
/** No test passes or fails by it. */
const LEASE_MS = 60_000

/** Makes the tables, and a sender on `handle` that sends and delivers all the time. */
export async function openLoad(handle: PostgresHandle, options: PostgresStorageOptions = {}) {
  /** By endpoint and message, how often it was received. */
  const received = new Map<string, number>()
  /** Codes of what sends were refused with. */
  const refused = new Set<string>()
  const receiver = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      const key = `${request.url} ${request.headers['webhook-id']}`
      received.set(key, (received.get(key) ?? 0) + 1)
      response.writeHead(204).end()
    })
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo
  const storage = postgresStorage(handle, { logger: silentLogger, ...options })
  await postgresStorage(handle).schema.migrate()
  const hooks = createSender({
    contract,
    storage,
    dev: true,
    logger: silentLogger,
    poll: '100ms',
    lease: LEASE_MS,
    concurrency: 16,
    endpointConcurrency: 16,
  })
  for (let i = 0; i < ENDPOINTS; i++) await hooks.endpoints.create(TENANT, { url: `http://127.0.0.1:${port}/${i}` })
  hooks.start()
  let sent = 0

  /** Sends one, and until it is acknowledged sends it again under its key, as a host does. */
  async function send(): Promise<void> {
    const idempotencyKey = String(++sent)
    for (;;) {
      try {
        await hooks.send('tick', { n: sent }, { tenant: TENANT, idempotencyKey })
        return
      } catch (error) {
        if (!isHooksError(error)) throw error
        refused.add((error as HooksError).code)
        await sleep(50)
      }
    }
  }

  return {
    hooks,
    storage,
    refused,
    get received(): number {
      return received.size
    },
    send,
    async sendMany(count: number): Promise<void> {
      for (let n = 0; n < count; n++) await send()
    },
    /** Sends until that has been refused with `code`, and a few more, which must wait for what was in the way. */
    async sendPast(code: string): Promise<void> {
      while (!refused.has(code)) await send()
      for (let n = 0; n < 20; n++) await send()
    },
    /** Until so many deliveries have been received. */
    async until(count: number): Promise<void> {
      while (received.size < count) await sleep(10)
    },
    /** Waits until nothing is open, and lets `pass` end the leases that nobody is at. Returns what is wrong. */
    async outcome(pass: (ms: number) => Promise<void> = async () => {}) {
      for (let quiet = 0; ; quiet++) {
        const { open, unexpanded, inFlight } = await hooks
          .health()
          .catch(() => ({ open: 1, unexpanded: 1, inFlight: 1 }))
        if (open + unexpanded === 0) break
        // What nobody is at was claimed by a call whose answer was lost.
        if (inFlight > 0 || unexpanded > 0) quiet = 0
        if (quiet === 30) {
          await pass(LEASE_MS + 1_000)
          quiet = 0
        }
        await sleep(50)
      }
      return {
        missing: sent * ENDPOINTS - received.size,
        twice: [...received.values()].filter((count) => count > 1).length,
        undelivered: sent * ENDPOINTS - ((await hooks.deliveries.stats(TENANT)).delivered ?? 0),
      }
    },
    async close(): Promise<void> {
      await hooks.stop()
      await storage.close()
      receiver.closeAllConnections()
      receiver.close()
    },
  }
}

/** A pool whose database can be moved on in time. What happens to its idle connections is no news. */
export function timedPool(config: pg.PoolConfig): { pool: pg.Pool; pass(ms: number): Promise<void> } {
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  let passedMs = 0
  const later = (text: string) =>
    text.replaceAll(/(?:statement|clock)_timestamp\(\)/g, (now) => `(${now} + ${passedMs} * interval '1 millisecond')`)
  const timed = new Proxy(pool, {
    get(target, key) {
      const value = Reflect.get(target, key)
      if (key !== 'query') return typeof value === 'function' ? value.bind(target) : value
      return (first: string | { text: string }, values?: unknown[]) =>
        target.query(typeof first === 'string' ? later(first) : { ...first, text: later(first.text) }, values)
    },
  })
  return {
    pool: timed,
    pass: async (ms) => {
      passedMs += ms
    },
  }
}

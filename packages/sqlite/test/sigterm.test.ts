import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineContract, defineEvents, silentLogger } from '@hooks/core'
import { createSender } from '@hooks/sender'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { startChild } from './child.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'

/** `HOOKS_SIGTERM_ROUNDS=100` for a long run. */
const ROUNDS = Number(process.env.HOOKS_SIGTERM_ROUNDS ?? 5)
const MESSAGES = 60
/** What a stop may take: 20 s for what is in flight, and a little for the rest. */
const LONGEST_STOP_MS = 21_000

/** A receiver that takes its time, and counts what it gets. */
async function startReceiver() {
  const received = new Map<string, number>()
  const server = createServer((request, response) => {
    request.resume().on('end', async () => {
      const id = request.headers['webhook-id'] as string
      received.set(id, (received.get(id) ?? 0) + 1)
      await sleep(5 + (received.size % 7) * 10)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { received, url: `http://127.0.0.1:${port}/`, close }
}

describe('a worker that is told to stop under load', () => {
  it(
    'ends what is in flight, gives the rest back, and is gone: nothing is lost and nothing repeated',
    async () => {
      const receiver = await startReceiver()
      const driver = drivers.libsql
      const path = freshPath()
      const shared = sqliteStorage(path, { logger: silentLogger, busyTimeoutMs: 30_000, ...(driver && { driver }) })
      const hooks = createSender({
        contract: defineContract({ events: defineEvents({ 'user.deleted': {} }) }),
        storage: shared,
        dev: true,
        logger: silentLogger,
      })
      for (const n of [1, 2]) await hooks.endpoints.create('acme', { url: `${receiver.url}${n}` })
      const sent = new Set<string>()
      for (let round = 0; round < ROUNDS; round++) {
        const messages = Array.from({ length: MESSAGES }, () => ({
          type: 'user.deleted' as const,
          data: {},
          tenant: 'acme',
        }))
        for (const { id } of await hooks.sendMany(messages)) sent.add(id)
        const worker = await startChild('deliver', path)
        const before = total(receiver.received)
        while (total(receiver.received) < before + 20) await sleep(5)
        const toldAt = performance.now()
        worker.stop()
        await worker.over
        expect(performance.now() - toldAt).toBeLessThan(LONGEST_STOP_MS)
        expect(worker.lines).toContain('stopped')
        const stats = await hooks.deliveries.stats('acme')
        expect(stats.sending).toBe(0)
      }
      hooks.start()
      while ((await hooks.deliveries.stats('acme')).delivered < 2 * sent.size) await sleep(50)
      await hooks.stop()
      await shared.close()
      await receiver.close()
      expect(new Set(receiver.received.keys())).toEqual(sent)
      // Two endpoints: each message twice.
      expect([...receiver.received.values()].filter((count) => count !== 2)).toEqual([])
    },
    60_000 + ROUNDS * 30_000,
  )
})

const total = (received: ReadonlyMap<string, number>) => [...received.values()].reduce((sum, count) => sum + count, 0)

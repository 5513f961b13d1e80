import { setTimeout as sleep } from 'node:timers/promises'
import { postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents, type Sender } from '@hooks/sender'
import { Agent } from 'undici'
import { errorsOnly } from '../errors-only.ts'
import type { Section } from '../report.ts'
import { data, post } from '../request.ts'
import { type Contender, measure } from '../rounds.ts'
import { startSink } from '../sink-process.ts'
import { batchSql } from './batch-sql.ts'
import { bullmq, pgBoss } from './peers.ts'
import { CONNECTIONS, openPlace, openRedis, type Place } from './place.ts'
import { byProcessorTime } from './processor-time.ts'

const IN_FLIGHT = 64
const ENDPOINTS = 100
const COUNT = 10_000
/** What a run leaves behind. */
const TABLES = ['message', 'payload', 'outbox', 'open', 'ended', 'attempt']

type BenchStorage = ReturnType<typeof postgresStorage>

const contract = defineContract({ events: defineEvents({ 'order.paid': {} }) })

/** Delivery with the work in PostgreSQL, beside those who do it otherwise: one database, one pool, one receiver. */
export async function databaseDeliverSections(rounds: number): Promise<Section[]> {
  const place = await openPlace()
  const redis = await openRedis()
  if (!place) return []
  const sink = await startSink()
  try {
    const urls = Array.from({ length: ENDPOINTS }, (_, i) => `http://127.0.0.1:${sink.port}/${i}`)
    const storage = postgresStorage(place.pool, { migrate: true })
    const { endpoints } = createSender({ contract, storage, dev: true, logger: errorsOnly })
    for (const [i, url] of urls.entries()) await endpoints.create(`tenant${i}`, { url })
    const costs = await costsOfDelivery(place, storage)
    const contenders = [
      bare(urls),
      ours(place, storage, { matched: true }),
      ours(place, storage, { matched: false }),
      batchSql(place.pool, urls, COUNT, IN_FLIGHT),
      pgBoss(place.url, CONNECTIONS, urls, COUNT, IN_FLIGHT),
      ...(redis
        ? [bullmq(redis, 'undici', urls, COUNT, IN_FLIGHT), bullmq(redis, 'fetch', urls, COUNT, IN_FLIGHT)]
        : []),
    ]
    const title = `PostgreSQL ${place.version}, loopback: ${ENDPOINTS} endpoints, ${IN_FLIGHT} in flight, 1 KB`
    const target =
      'ours at least 4 times BullMQ + fetch, 1.4 times BullMQ + undici, 2 times pg-boss, 0.8 of hand-written SQL'
    const byTime = { title: `deliver, ${title}; ours: ${costs}`, target, results: await measure(contenders, rounds) }
    if (process.platform !== 'linux') return [byTime]
    const measured = contenders.map((contender) => byProcessorTime(contender, place.url, redis?.url))
    const results = await measure(measured, Math.min(rounds, 3))
    return [
      byTime,
      {
        title: `deliver, by a second of processor time of sender, database and Redis together, ${title}`,
        target,
        results,
      },
    ]
  } finally {
    sink.close()
    await place.close()
    await redis?.close()
  }
}

function bare(urls: readonly string[]): Contender {
  return {
    name: 'bare signed undici, no database',
    async run() {
      const agent = new Agent({ connections: null, pipelining: 1 })
      let next = 0
      const loop = async () => {
        for (let i = next++; i < COUNT; i = next++) await post(urls[i % urls.length] as string, data, agent)
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, loop))
      await agent.close()
      return COUNT
    },
  }
}

/**
 * All messages are there when the worker starts. `matched`, so are their deliveries, as the jobs of the others are, and what
 * is measured is claiming, signing, sending, settling and the log. Otherwise, matching is measured with it, which the
 * others do not do.
 */
function ours(place: Place, storage: BenchStorage, { matched }: { readonly matched: boolean }): Contender {
  let hooks: Sender | undefined
  return {
    name: matched ? '@hooks/sender + @hooks/postgres' : 'the same, and matched to endpoints',
    async prepare() {
      await place.pool.query(`truncate ${TABLES.map((table) => `hooks.${table}`).join(', ')}`)
      const sender = createSender({ contract, storage, dev: true, logger: errorsOnly, concurrency: IN_FLIGHT })
      hooks = sender as unknown as Sender
      for (let i = 0; i < COUNT; i += 1_000) await sender.sendMany(messages(i, Math.min(1_000, COUNT - i), ENDPOINTS))
      if (matched) {
        sender.pause()
        sender.start()
        while ((await storage.unexpanded(1)).length > 0) await sleep(20)
      }
      await place.pool.query('analyze')
    },
    async run() {
      if (!hooks) throw new Error('not prepared')
      let delivered = 0
      const sender = hooks
      await new Promise<void>((resolve) => {
        sender.on('delivery.delivered', () => {
          if (++delivered === COUNT) resolve()
        })
        if (matched) sender.resume()
        else sender.start()
      })
      await sender.stop()
      return COUNT
    },
  }
}

const messages = (from: number, count: number, tenants: number) =>
  Array.from({ length: count }, (_, i) => ({
    type: 'order.paid' as const,
    data,
    tenant: `tenant${(from + i) % tenants}`,
  }))

/** Statements and pages of one delivery, from its mark to its end in the log. */
async function costsOfDelivery(place: Place, storage: BenchStorage): Promise<string> {
  const contender = ours(place, storage, { matched: false })
  await contender.prepare?.()
  const [pages, statements] = [await place.pages(), place.statements()]
  await contender.run()
  const [usedStatements, usedPages] = [place.statements() - statements, (await place.pages()) - pages]
  return `${(usedStatements / COUNT).toFixed(3)} statements and ${(usedPages / COUNT).toFixed(1)} pages a delivery`
}

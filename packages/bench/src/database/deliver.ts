import { postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents, type Sender } from '@hooks/sender'
import { Agent } from 'undici'
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
const COUNT = 5_000
const contract = defineContract({ events: defineEvents({ 'order.paid': {} }) })

/** Delivery with the work in PostgreSQL, beside those who do it otherwise: one database, one pool, one receiver. */
export async function databaseDeliverSections(rounds: number): Promise<Section[]> {
  const place = await openPlace()
  const redis = await openRedis()
  if (!place) return []
  const sink = await startSink()
  try {
    const urls = Array.from({ length: ENDPOINTS }, (_, i) => `http://127.0.0.1:${sink.port}/${i}`)
    const costs = await costsOfDelivery(place, urls)
    const contenders = [
      bare(urls),
      ours(place, urls),
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

/** All messages are there when the worker starts: what is measured is matching, claiming, signing, sending, settling, the log. */
function ours(place: Place, urls: readonly string[]): Contender {
  let hooks: Sender | undefined
  return {
    name: '@hooks/sender + @hooks/postgres',
    async prepare() {
      await place.pool.query('drop schema if exists hooks cascade')
      const storage = postgresStorage(place.pool, { migrate: true })
      const sender = createSender({ contract, storage, dev: true, concurrency: IN_FLIGHT })
      hooks = sender as unknown as Sender
      for (const [i, url] of urls.entries()) await sender.endpoints.create(`tenant${i}`, { url })
      for (let i = 0; i < COUNT; i += 1_000) await sender.sendMany(messages(i, Math.min(1_000, COUNT - i), urls.length))
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
        sender.start()
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
async function costsOfDelivery(place: Place, urls: readonly string[]): Promise<string> {
  const contender = ours(place, urls)
  await contender.prepare?.()
  const [pages, statements] = [await place.pages(), place.statements()]
  await contender.run()
  const [usedStatements, usedPages] = [place.statements() - statements, (await place.pages()) - pages]
  return `${(usedStatements / COUNT).toFixed(3)} statements and ${(usedPages / COUNT).toFixed(1)} pages a delivery`
}

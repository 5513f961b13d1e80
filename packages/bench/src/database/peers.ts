import { Queue, Worker } from 'bullmq'
import PgBoss from 'pg-boss'
import { Agent } from 'undici'
import { data, post, postByFetch } from '../request.ts'
import type { Contender } from '../rounds.ts'

type Job = { readonly url: string; readonly data: typeof data }

const jobs = (urls: readonly string[], count: number): Job[] =>
  Array.from({ length: count }, (_, i) => ({ url: urls[i % urls.length] as string, data }))

/** One job a delivery, as BullMQ is used for webhooks. */
export function bullmq(
  redis: { readonly url: string; readonly prefix: string },
  client: 'fetch' | 'undici',
  urls: readonly string[],
  count: number,
  inFlight: number,
): Contender {
  const options = { connection: { url: redis.url }, prefix: redis.prefix }
  return {
    name: `BullMQ + ${client}`,
    async prepare() {
      const queue = new Queue<Job>(client, options)
      await queue.obliterate({ force: true })
      const all = jobs(urls, count)
      for (let i = 0; i < count; i += 1_000)
        await queue.addBulk(
          all.slice(i, i + 1_000).map((job) => ({
            name: 'deliver',
            data: job,
            opts: { attempts: 10, backoff: { type: 'exponential', delay: 5_000 }, removeOnComplete: true },
          })),
        )
      await queue.close()
    },
    async run() {
      const agent = new Agent({ connections: null, pipelining: 1 })
      let done = 0
      await new Promise<void>((resolve, reject) => {
        const worker = new Worker<Job>(
          client,
          async ({ data: { url, data: of } }) => {
            const status = client === 'fetch' ? await postByFetch(url, of) : await post(url, of, agent)
            if (status !== 204) throw new Error(`answered ${status}`)
          },
          { ...options, concurrency: inFlight },
        )
        worker.on('error', reject)
        worker.on('completed', () => {
          if (++done === count) void worker.close().then(resolve, reject)
        })
      })
      await agent.close()
      return count
    },
  }
}

/**
 * pg-boss 10, the last that runs on Node.js 20. It polls at most twice a second, so what it can do is what its batches
 * take: its documentation's way to more throughput is larger batches and more workers.
 */
export function pgBoss(
  url: string,
  connections: number,
  urls: readonly string[],
  count: number,
  inFlight: number,
): Contender {
  const QUEUE = 'deliver'
  const WORKERS = 4
  let boss: PgBoss | undefined
  return {
    name: 'pg-boss + undici',
    async prepare() {
      boss = new PgBoss({ connectionString: url, max: connections })
      boss.on('error', () => {})
      await boss.start()
      await boss.createQueue(QUEUE)
      await boss.purgeQueue(QUEUE)
      const all = jobs(urls, count)
      for (let i = 0; i < count; i += 1_000)
        await boss.insert(
          all.slice(i, i + 1_000).map((job) => ({ name: QUEUE, data: job, retryLimit: 10, retryBackoff: true })),
        )
    },
    async run() {
      const agent = new Agent({ connections: inFlight, pipelining: 1 })
      let done = 0
      await new Promise<void>((resolve, reject) => {
        const work = async (batch: PgBoss.Job<Job>[]) => {
          const statuses = await Promise.all(batch.map(({ data: job }) => post(job.url, job.data, agent)))
          done += batch.length
          // The batch is completed when this has returned.
          if (done >= count) setImmediate(resolve)
          return statuses
        }
        for (let n = 0; n < WORKERS; n++)
          boss?.work<Job>(QUEUE, { batchSize: 500, pollingIntervalSeconds: 0.5 }, work as never).catch(reject)
      })
      await boss?.stop({ graceful: true, wait: true, timeout: 30_000 })
      boss = undefined
      await agent.close()
      return count
    },
  }
}

import { type ConnectionOptions, Queue, type QueueBase, QueueEvents, Worker } from 'bullmq'
import type { AuditEvent } from './contract.ts'

/** Where the queue is, and what is done with what it holds. */
export interface BullOptions {
  readonly connection: ConnectionOptions & object
  readonly name: string
  readonly work: (event: AuditEvent) => Promise<unknown>
}

/** The longest that the inbox waits for a job, before it asks for it again. */
const PATIENCE_MS = 10_000

/**
 * The document's queue, for work that belongs on other machines, behind the inbox: what is queued was proved and stored
 * before. The inbox is done with an event when its job is; until then it asks for it again, so what a Redis forgets is
 * queued anew. An event is one job, however often it is asked for.
 */
export function bullEvents({ connection, name, work }: BullOptions) {
  // Where Redis is away, adding fails at once, and the inbox tries again.
  const queue = new Queue(name, { connection: { ...connection, enableOfflineQueue: false } })
  const finished = new QueueEvents(name, { connection })
  const worker = new Worker<AuditEvent>(name, (job) => work(job.data), { connection })
  const parts: readonly QueueBase[] = [queue, finished, worker]
  // They come back by themselves.
  for (const part of parts) part.on('error', () => {})
  return {
    async event(event: AuditEvent): Promise<void> {
      const job = await queue.add('event', event, {
        jobId: event.id,
        attempts: 3,
        removeOnFail: true,
        removeOnComplete: { age: 3_600 },
      })
      await job.waitUntilFinished(finished, PATIENCE_MS)
    },
    async close() {
      await Promise.all(parts.map((part) => part.close()))
    },
  }
}

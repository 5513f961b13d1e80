import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { findRedis } from 'tooling/redis'
import { startRelay } from 'tooling/relay'
import { bullmqQueue } from '../src/index.ts'

/** The server of this run; undefined where there is none, which it has said. */
export const server = await findRedis()

/** Two processes' queues under a name of their own, behind a relay that can be cut. */
export async function fresh() {
  if (!server) throw new Error('no Redis')
  const { password, username } = new URL(server.url)
  const login = { ...(password && { password }), ...(username && { username }) }
  const relay = await startRelay(server.host, server.port)
  const name = `test-${randomUUID()}`
  const options = { name, prefix: 'hooks-test', connection: { host: '127.0.0.1', port: relay.port, ...login } }
  const [queue, second] = [bullmqQueue(options), bullmqQueue(options)]
  return {
    name,
    options,
    queue,
    second,
    relay,
    direct: { ...options, connection: { host: server.host, port: server.port, ...login } },
    outage: {
      begin: () => relay.cut(),
      async end() {
        await forget(name)
        relay.restore()
      },
    },
    async close() {
      await Promise.all([queue.close(), second.close()])
      await relay.close()
      await forget(name)
    },
  }
}

/** Takes from Redis all that a queue has there, and nothing else. */
async function forget(name: string): Promise<void> {
  const redis = new Redis(server?.url ?? '')
  try {
    for await (const keys of redis.scanStream({ match: `hooks-test:${name}:*`, count: 1_000 }))
      if ((keys as string[]).length > 0) await redis.del(...(keys as string[]))
  } finally {
    redis.disconnect()
  }
}

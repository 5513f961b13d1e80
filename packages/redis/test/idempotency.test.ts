import { inboxSuite } from '@hooks/receiver/testing'
import { findRedis } from 'tooling/redis'
import { describe, expect, it } from 'vitest'
import { redisIdempotency } from '../src/index.ts'
import { clear, freshPrefix, libraries, pass } from './clients.ts'

const server = await findRedis()
const others: Readonly<Record<string, string>> = { ioredis: 'node-redis', 'node-redis': 'ioredis' }

describe.skipIf(!server)('on a real Redis', () => {
  for (const [name, connect] of Object.entries(libraries)) {
    const other = others[name] as string
    inboxSuite(
      { describe, it, expect },
      {
        name: `Redis by ${name}, the second connection by ${other}`,
        facts: { clock: 'database', processes: 'many', tx: 'none', expires: true },
        make: async () => {
          const { url } = server as NonNullable<typeof server>
          const prefix = freshPrefix()
          const first = await connect(url)
          const second = await (libraries[other] as typeof connect)(url)
          return {
            store: redisIdempotency({ client: first.client, prefix, timeoutMs: 20_000 }),
            second: redisIdempotency({ client: second.client, prefix, timeoutMs: 20_000 }),
            pass: (ms) => pass(first, prefix, ms),
            close: async () => {
              await clear(first, prefix)
              first.close()
              second.close()
            },
          }
        },
      },
    )
  }
})

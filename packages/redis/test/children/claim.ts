/** Claims a key (url: argument 1, prefix: argument 2, key: argument 3, lease in ms: argument 4), says so, and never completes it. */
import { Redis } from 'ioredis'
import { redisIdempotency } from '../../src/index.ts'

const [url = '', prefix = '', key = '', leaseMs = ''] = process.argv.slice(2)
const store = redisIdempotency({ client: new Redis(url), prefix })
const begun = await store.begin(key, { leaseMs: Number(leaseMs) })
console.log(begun.state)
setInterval(() => {}, 1_000)

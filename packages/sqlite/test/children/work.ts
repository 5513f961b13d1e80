/**
 * Claims and settles until nothing is left (path: argument 1, name: argument 2, batch: argument 3, lease in ms:
 * argument 4). It prints `claimed <id> <token>` before and `settled <id>` after each settlement is confirmed. With
 * `meet` as argument 5, it waits with its first batch until it is told to go on.
 */
import { once } from 'node:events'
import { silentLogger } from '@hooks/core'
import { sqliteStorage } from '../../src/index.ts'
import { drivers } from '../drivers.ts'
import { delivered } from '../tour.ts'

const [path = '', worker = '', limit = '10', leaseMs = '60000', meet] = process.argv.slice(2)
const driver = drivers.libsql
const storage = sqliteStorage(path, { logger: silentLogger, busyTimeoutMs: 30_000, ...(driver && { driver }) })
console.log('ready')
for (let round = 0; ; round++) {
  const leases = await storage.claim({ worker, limit: Number(limit), leaseMs: Number(leaseMs), cap: 1_000 })
  if (leases.length === 0) break
  for (const { key, token } of leases) console.log('claimed', key, token)
  if (meet && round === 0) await once(process.stdin, 'data').finally(() => process.stdin.destroy())
  await storage.settle(leases.map(({ key, token }) => ({ key, token, ...delivered })))
  for (const { key } of leases) console.log('settled', key)
}
await storage.close()

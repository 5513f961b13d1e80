/**
 * Claims whatever it gets for a time and settles nothing (path: argument 1, name: argument 2, how long in ms: argument
 * 3). It prints `claimed <id> <time>` for each.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger } from '@hooks/core'
import { sqliteStorage } from '../../src/index.ts'
import { drivers } from '../drivers.ts'

const [path = '', worker = '', forMs = '1000'] = process.argv.slice(2)
const driver = drivers.libsql
const storage = sqliteStorage(path, { logger: silentLogger, busyTimeoutMs: 30_000, ...(driver && { driver }) })
console.log('ready')
const end = Date.now() + Number(forMs)
while (Date.now() < end) {
  for (const { key } of await storage.claim({ worker, limit: 10, leaseMs: 600_000, cap: 10_000 }))
    console.log('claimed', key, Date.now())
  await sleep(3)
}
await storage.close()

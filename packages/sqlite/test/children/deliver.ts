/**
 * A sender's worker (path of the database: argument 1), which stops when it is told to. It prints `ready`, and `stopped`
 * when everything is let go of; then nothing keeps the process.
 */
import { defineContract, defineEvents, silentLogger } from '@hooks/core'
import { createSender } from '@hooks/sender'
import { sqliteStorage } from '../../src/index.ts'
import { drivers } from '../drivers.ts'

const [path = ''] = process.argv.slice(2)
const driver = drivers.libsql
const storage = sqliteStorage(path, { logger: silentLogger, busyTimeoutMs: 30_000, ...(driver && { driver }) })
const hooks = createSender({
  contract: defineContract({ events: defineEvents({ 'user.deleted': {} }) }),
  storage,
  dev: true,
  logger: silentLogger,
  endpointConcurrency: 10,
})
process.once('SIGTERM', () => void stop())
hooks.start()
console.log('ready')

async function stop(): Promise<void> {
  await hooks.stop()
  await storage.close()
  console.log('stopped')
}

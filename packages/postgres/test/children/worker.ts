/**
 * A process that delivers (arguments: the URL of the database, its name, how much it has in flight at most). It says that
 * it has begun, and ends when its parent lets go of it.
 */
import { defineContract, defineEvents, silentLogger } from '@hooks/core'
import { createSender } from '@hooks/sender'
import pg from 'pg'
import { postgresStorage } from '../../src/index.ts'

const [url, name = '', concurrency] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 3 })
pool.on('error', () => {})
const hooks = createSender({
  contract: defineContract({ events: defineEvents({ tick: {} }) }),
  storage: postgresStorage(pool, { logger: silentLogger }),
  dev: true,
  logger: silentLogger,
  poll: '100ms',
  concurrency: Number(concurrency),
  // By which the receiver knows whose request it is.
  userAgent: name,
})
hooks.start()
process.send?.('begun')
process.on('disconnect', async () => {
  await hooks.stop()
  await pool.end()
})

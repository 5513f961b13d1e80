import { postgresQueue, postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import pg from 'pg'

/** A process that delivers and does not send: by its poll, or with what it hears too. It says that it has begun. */
const [url, hears] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 3 })
pool.on('error', () => {})
const hooks = createSender({
  contract: defineContract({ events: defineEvents({ 'order.paid': {} }) }),
  storage: postgresStorage(pool),
  dev: true,
  ...(hears && { queue: postgresQueue({ database: pool, listener: () => new pg.Client(url) }) }),
})
hooks.start()
// It listens, and has looked once.
setTimeout(() => process.send?.('begun'), 1_500)
process.on('disconnect', async () => {
  await hooks.stop()
  process.exit()
})

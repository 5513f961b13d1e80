import { postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import pg from 'pg'

/** One of the processes of the pacing run: it delivers what is due in the database (argument 1) until it is told to stop. */
const [url = '', name = ''] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 4 })
const hooks = createSender({
  contract: defineContract({ events: defineEvents({ 'order.paid': {} }) }),
  storage: postgresStorage(pool),
  dev: true,
  userAgent: name,
})
process.once('disconnect', async () => {
  await hooks.stop()
  await pool.end()
})
hooks.start()
process.send?.('ready')

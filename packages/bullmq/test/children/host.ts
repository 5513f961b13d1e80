/**
 * A host's process: a sender on the database and the queue that it is told of (arguments: an SQLite file or the URL of a
 * PostgreSQL, Redis URL, name, poll).
 * It does what it is told: `work` starts it, `{ endpoint }` creates one, `{ send }` sends, `stop` ends it. Each is answered.
 */
import type { Storage } from '@hooks/core'
import { postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'
import pg from 'pg'
import { bullmqQueue } from '../../src/index.ts'

const [database = '', url = '', name = '', poll = '10m'] = process.argv.slice(2)
const contract = defineContract({ events: defineEvents({ tick: {} }), policy: { retry: ['0s', '1s', '2s'] } })
const queue = bullmqQueue({ connection: { url }, name, prefix: 'hooks-test' })
const pool = database.startsWith('postgres') ? new pg.Pool({ connectionString: database }) : undefined
const storage = pool ? postgresStorage(pool, { migrate: true }) : sqliteStorage(database, { busyTimeoutMs: 30_000 })
const hooks = createSender({
  contract,
  storage: storage as Storage,
  queue,
  dev: true,
  // One that is killed keeps others waiting no longer.
  lease: '20s',
  poll: poll as '10m',
  // What is wrong with the queue is part of the test, and of no interest.
  logger: { debug() {}, info() {}, warn() {}, error: (fields, message) => console.error(message, fields) },
})

type Command = 'work' | 'stop' | { endpoint: string } | { send: number }

async function act(command: Command): Promise<void> {
  if (command === 'work') hooks.start()
  else if (command === 'stop') {
    await hooks.stop()
    await queue.close()
    await pool?.end()
    process.disconnect()
  } else if ('endpoint' in command) await hooks.endpoints.create('acme', { url: command.endpoint })
  else await hooks.send('tick', { n: command.send }, { tenant: 'acme', idempotencyKey: `tick-${command.send}` })
}

process.on('message', async (command: Command) => {
  await act(command)
  if (process.connected) process.send?.('done')
})
process.send?.('done')

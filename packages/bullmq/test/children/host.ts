/**
 * A host's process: a sender on the SQLite file and the queue that it is told of (arguments: file, Redis URL, name, poll).
 * It does what it is told: `work` starts it, `{ endpoint }` creates one, `{ send }` sends, `stop` ends it. Each is answered.
 */
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'
import { bullmqQueue } from '../../src/index.ts'

const [file = '', url = '', name = '', poll = '10m'] = process.argv.slice(2)
const contract = defineContract({ events: defineEvents({ tick: {} }), policy: { retry: ['0s', '1s', '2s'] } })
const queue = bullmqQueue({ connection: { url }, name, prefix: 'hooks-test' })
const hooks = createSender({
  contract,
  storage: sqliteStorage(file, { busyTimeoutMs: 30_000 }),
  queue,
  dev: true,
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
    process.disconnect()
  } else if ('endpoint' in command) await hooks.endpoints.create('acme', { url: command.endpoint })
  else await hooks.send('tick', { n: command.send }, { tenant: 'acme', idempotencyKey: `tick-${command.send}` })
}

process.on('message', async (command: Command) => {
  await act(command)
  if (process.connected) process.send?.('done')
})
process.send?.('done')

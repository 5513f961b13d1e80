import { createSender, defineContract, defineEvents } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'

/** A host's process of the soak: it sends what it is told to, acknowledges, and delivers, until it is killed. */
const [file, concurrency] = process.argv.slice(2) as [string, string]
const contract = defineContract({
  events: defineEvents({ tick: {} }),
  policy: { retry: ['0s', '200ms', '500ms', '1s', '1s', '1s', '1s', '1s', '1s', '1s'], deadline: '1s' },
})
const hooks = createSender({
  contract,
  storage: sqliteStorage(file),
  dev: true,
  lease: '3s',
  poll: '250ms',
  concurrency: Number(concurrency),
})

type Command = { endpoint: string } | { send: number } | 'report'

process.on('message', async (command: Command) => {
  if (command === 'report') {
    const { running, inFlight, lastClaimAt, ...depth } = await hooks.health()
    const { data } = await hooks.deliveries.list('soak', { states: ['failed'], limit: 250 })
    const states = await hooks.deliveries.stats('soak')
    process.send?.({ report: { ...depth, states, failures: data.map(({ reason }) => reason) } })
  } else if ('endpoint' in command) {
    const { id } = await hooks.endpoints.create('soak', { url: command.endpoint })
    process.send?.({ created: id })
  } else {
    const { id } = await hooks.send(
      'tick',
      { n: command.send },
      { tenant: 'soak', idempotencyKey: `tick-${command.send}` },
    )
    process.send?.({ sent: command.send, id })
  }
})
hooks.start()
process.send?.('ready')

import { setTimeout as sleep } from 'node:timers/promises'
import { type Storage, silentLogger } from '@hooks/core'
import { postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'
import pg from 'pg'

/** A host's process of the soak: it sends what it is told to, acknowledges, and delivers, until it is killed or told to stop. */
const [place, concurrency, name, mode] = process.argv.slice(2) as [string, string, string, string]

/** What is the host's own, and stays open when a sender stops. */
let pool: pg.Pool | undefined

/** A path, or the URL of a PostgreSQL. */
function open(): Storage {
  if (!place.startsWith('postgres')) return sqliteStorage(place) as Storage
  pool = new pg.Pool({ connectionString: place, max: 4 })
  // A backend that is terminated while its connection is idle.
  pool.on('error', () => {})
  return postgresStorage(pool, { migrate: true }) as Storage
}

/** Between an early acknowledgement and the work: long enough for kills to fall into it. */
const EARLY_MS = 300

/** The negative control: it settles work as delivered before it is done, as a queue that acknowledges first does. */
function acknowledgeFirst(storage: Storage): Storage {
  const early = async (...args: Parameters<Storage['claim']>) => {
    const leases = await storage.claim(...args)
    const attempt = { ms: 0, status: 200, trigger: 'schedule' } as const
    await storage.settle(leases.map(({ key, token }) => ({ key, token, result: 'delivered', attempt })))
    if (leases.length > 0) await sleep(EARLY_MS)
    return leases
  }
  return { ...storage, claim: early }
}
/** What is killed leaves leases, which are to end soon. What stops leaves none, and a slow machine is not to end any. */
const [deadline, lease] = mode === 'stops' ? (['15s', '60s'] as const) : (['1s', '3s'] as const)
const contract = defineContract({
  events: defineEvents({ tick: {} }),
  policy: { retry: ['0s', '200ms', '500ms', '1s', '1s', '1s', '1s', '1s', '1s', '1s'], deadline },
})
const storage = open()
const hooks = createSender({
  contract,
  storage: mode === 'ack-first' ? acknowledgeFirst(storage) : storage,
  // What fails while connections are cut is the point of it.
  ...(place.startsWith('postgres') && { logger: silentLogger }),
  dev: true,
  lease,
  poll: '250ms',
  concurrency: Number(concurrency),
  // By which the receiver knows whose request it is.
  userAgent: name,
})

type Command =
  | { endpoint: string }
  | { send: number }
  | { records: readonly { endpointId: string; message: string }[] }
  | 'report'

/** What is on record of a message at an endpoint. */
async function record(endpointId: string, message: string) {
  const { endpoints } = await hooks.messages.get('soak', message)
  const found = endpoints.find((one) => one.endpointId === endpointId)
  return found && 'delivery' in found ? hooks.deliveries.attempts('soak', found.delivery.id) : []
}

process.on('message', async (command: Command) => {
  if (command === 'report') {
    const { running, inFlight, lastClaimAt, ...depth } = await hooks.health()
    const { data } = await hooks.deliveries.list('soak', { states: ['failed'], limit: 250 })
    const states = await hooks.deliveries.stats('soak')
    process.send?.({ report: { ...depth, states, failures: data.map(({ reason }) => reason) } })
  } else if ('endpoint' in command) {
    const { id } = await hooks.endpoints.create('soak', { url: command.endpoint })
    process.send?.({ created: id })
  } else if ('records' in command) {
    const records = []
    for (const { endpointId, message } of command.records) records.push(await record(endpointId, message))
    process.send?.({ records })
  } else {
    const sending = hooks.send('tick', { n: command.send }, { tenant: 'soak', idempotencyKey: `tick-${command.send}` })
    // One that fails is not acknowledged, and sent again under its key.
    const sent = await sending.catch(() => undefined)
    if (sent) process.send?.({ sent: command.send, id: sent.id })
  }
})
process.once('SIGTERM', async () => {
  await hooks.stop()
  await storage.close()
  await pool?.end()
  // Nothing else keeps the process.
  process.disconnect()
})
hooks.start()
process.send?.('ready')

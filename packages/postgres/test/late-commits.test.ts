import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { id, newEndpoint, newMessage } from './tour.ts'

/** Longer than what reads usually go back behind the mark: see `LANES_REACH`. */
const LATE_MS = 300
const CLAIM = { worker: 'w', limit: 10, leaseMs: 60_000, cap: 4 }

describe.skipIf(!server)('what is committed long after the time that it bears', () => {
  let pool: pg.Pool
  let drop: () => Promise<void>

  beforeAll(async () => {
    const database = await (server as NonNullable<typeof server>).database()
    drop = database.drop
    pool = new pg.Pool({ connectionString: database.url })
    await postgresStorage(pool).schema.migrate()
  }, 60_000)
  afterAll(async () => {
    await pool?.end()
    await drop?.()
  })

  it('is due when a worker asks what is next, and is claimed at once then, though others were claimed meanwhile', async () => {
    const storage = postgresStorage(pool)
    const [early, late] = [newEndpoint(), newEndpoint()]
    for (const endpoint of [early, late]) await storage.endpoints.create(endpoint, 10)
    const messages = [newMessage(), newMessage()]
    await storage.put(messages)
    const [first, second] = messages.map(({ id: messageId }, n) => [
      { messageId, deliveries: [{ id: id('dlv_'), endpointId: (n === 0 ? early : late).id }] },
    ])
    const client = await pool.connect()
    await client.query('begin')
    await postgresStorage(client).expand(second as NonNullable<typeof second>)
    // One read is made at the beginning, and the next go back a little behind the mark.
    for (let n = 0; n < 2; n++) expect(await storage.claim(CLAIM)).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, LATE_MS))
    await storage.expand(first as NonNullable<typeof first>)
    expect((await storage.claim(CLAIM)).map(({ endpoint }) => endpoint.id)).toEqual([early.id])
    await client.query('commit')
    client.release()

    expect(await storage.nextDueInMs()).toBe(0)
    expect((await storage.claim(CLAIM)).map(({ endpoint }) => endpoint.id)).toEqual([late.id])
    await storage.close()
  })
})

import { silentLogger } from '@hooks/core'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresStorage, type QueryFunction, toQuery } from '../src/index.ts'
import { probe } from './probe.ts'
import { server } from './servers.ts'
import { delivered, id, newEndpoint, send } from './tour.ts'

const OPEN = 5_000
/** What one statement may end. */
const MOST = 2_000

/** An endpoint with very many open deliveries, and a storage whose statements are seen before they are run. */
async function place(seen: (text: string) => Promise<void> | void = () => {}) {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const pool = new pg.Pool({ connectionString: url })
  const counts: number[] = []
  const watched: QueryFunction = async (text, parameters) => {
    await seen(text)
    const { rows } = await pool.query(text, [...parameters])
    if (isSweep(text)) counts.push(Number(rows[0].n))
    return rows
  }
  const storage = postgresStorage(watched, { logger: silentLogger })
  const beside = postgresStorage(pool)
  await storage.schema.migrate()
  const [endpoint, other] = [newEndpoint(), newEndpoint()]
  await beside.endpoints.create(endpoint, 10)
  await beside.endpoints.create(other, 10)
  const [first] = (await send(beside, [endpoint.id])) as [string]
  await pool.query(
    `insert into hooks.open (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, due_at, since)
    select o.id || '_' || i, o.week, o.tenant, o.endpoint_id, o.message_id || '_' || i, o.message_week, o.type, now(), now(), now(), now()
    from hooks.open o, generate_series(2, ${OPEN}) i`,
  )
  await pool.query(`update hooks.lane set open = ${OPEN} where endpoint_id = $1`, [endpoint.id])
  return {
    pool,
    storage,
    beside,
    endpoint,
    other,
    first,
    counts,
    close: async () => {
      await pool.end()
      await drop()
    },
  }
}

const isSweep = (text: string) => /delete from hooks\.open o where o\.id = any/.test(text)

describe.skipIf(!server)('the removal of an endpoint that has very much open', () => {
  it('takes it from everybody at once, and ends what is open in statements of a bounded size', {
    timeout: 60_000,
  }, async () => {
    let looks = 0
    const { storage, beside, endpoint, other, first, counts, close } = await place(async (text) => {
      if (!isSweep(text)) return
      looks++
      expect(await beside.endpoints.get('acme', endpoint.id)).toBe(null)
      expect(await beside.lanes([endpoint.id])).toEqual([])
      expect(await beside.claim({ worker: 'w', limit: 10, leaseMs: 60_000, cap: 10 })).toEqual([])
      expect(await beside.settle([{ key: first, token: lease?.token ?? '', ...delivered }])).toEqual(['stale'])
      const [sent] = await send(beside, [endpoint.id])
      expect(await beside.history.delivery('acme', sent as string)).toBe(null)
      // Nobody's deliveries wait for that.
      await send(beside, [other.id])
      const [theirs] = await beside.claim({ worker: 'w', limit: 10, leaseMs: 60_000, cap: 10 })
      expect(theirs).toMatchObject({ endpoint: { id: other.id } })
      if (theirs) await beside.settle([{ key: theirs.key, token: theirs.token, ...delivered }])
    })
    const [lease] = await beside.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })
    expect(lease?.key).toBe(first)
    expect(await storage.endpoints.remove('acme', endpoint.id)).toBe('applied')
    expect(looks).toBe(3)
    expect(counts).toEqual([MOST, MOST, OPEN - 2 * MOST])
    const ends = { tenant: 'acme', endpoint: endpoint.id }
    expect(await storage.history.stats(ends)).toMatchObject({ cancelled: OPEN, pending: 0, sending: 0, retrying: 0 })
    await close()
  })

  it('goes on where it was interrupted, whoever comes by: another call, a cancellation, an expunging, a pruning', {
    timeout: 60_000,
  }, async () => {
    let sweeps = 0
    const { pool, storage, beside, endpoint, first, close } = await place((text) => {
      if (isSweep(text) && ++sweeps === 2) throw Object.assign(new Error('gone away'), { code: 'ECONNRESET' })
    })
    // Last in its order.
    await pool.query(`update hooks.open set due_at = now() + interval '1 day' where id = $1`, [first])
    await expect(storage.endpoints.remove('acme', endpoint.id)).rejects.toMatchObject({ code: 'storage_unavailable' })
    const left = async () => (await beside.depth()).open
    expect(await left()).toBe(OPEN - MOST)
    const { messageId } = (await beside.history.delivery('acme', first)) ?? { messageId: '' }
    expect(await beside.history.expunge({ tenant: 'acme', message: messageId }, 10)).toEqual({
      removed: 2,
      more: false,
    })
    expect(await beside.retire({ tenant: 'acme' }, { state: 'cancelled', reason: 'by_hand' }, 100)).toBe(100)
    expect(await left()).toBe(OPEN - MOST - 101)
    const pruned = await beside.history.prune({}, 500)
    expect(pruned.more).toBe(true)
    expect(await left()).toBe(OPEN - MOST - 601)
    expect(await storage.endpoints.remove('acme', endpoint.id)).toBe('stale')
    expect(await left()).toBe(0)
    expect((await probe(toQuery(pool))).filter((wrong) => !wrong.includes('without its message'))).toEqual([])
    await close()
  })

  it('takes what is first in an index, and sorts nothing, though the planner has not heard yet how much there is', {
    timeout: 60_000,
  }, async () => {
    const sweeps: { text: string; parameters: readonly (string | null)[] }[] = []
    const { pool, beside, close } = await place()
    await pool.query('analyze hooks.open')
    const late = newEndpoint({ tenant: 'globex' })
    await beside.endpoints.create(late, 10)
    await pool.query(
      `insert into hooks.open (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, due_at, since)
      select 'late_' || o.id, week, 'globex', $1, message_id, message_week, type, occurred_at, created_at, due_at, since from hooks.open o`,
      [late.id],
    )
    const recorded = postgresStorage(async (text, parameters) => {
      if (isSweep(text)) sweeps.push({ text, parameters })
      return isSweep(text) ? [{ n: 0 }] : (await pool.query(text, [...parameters])).rows
    })
    await recorded.endpoints.remove('globex', late.id)
    const [{ text, parameters } = { text: '', parameters: [] }] = sweeps
    const { rows } = await pool.query(`explain ${text}`, [...parameters])
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain('Index Scan using open_due')
    expect(plan).not.toMatch(/Sort|Bitmap|Seq Scan on open/)
    expect(await beside.depth()).toMatchObject({ open: 2 * OPEN })
    await close()
  })

  it('in a transaction of the host is undone with it', { timeout: 60_000 }, async () => {
    const { pool, storage, endpoint, close } = await place()
    const client = await pool.connect()
    await client.query('begin')
    expect(await storage.endpoints.remove('acme', endpoint.id, client)).toBe('applied')
    await client.query('rollback')
    client.release()
    expect(await storage.depth()).toMatchObject({ open: OPEN })
    expect(await storage.endpoints.get('acme', endpoint.id)).toMatchObject({ id: endpoint.id })
    await close()
  })

  it('leaves alone what is open of an endpoint that is there, whatever tenant asks', { timeout: 60_000 }, async () => {
    const { storage, endpoint, close } = await place()
    expect(await storage.endpoints.remove('globex', endpoint.id)).toBe('stale')
    expect(await storage.endpoints.remove('globex', id('ep_'))).toBe('stale')
    expect(await storage.depth()).toMatchObject({ open: OPEN })
    await close()
  })
})

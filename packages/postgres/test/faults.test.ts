import { silentLogger } from '@hooks/core'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { delivered, id, newEndpoint, newMessage, send } from './tour.ts'

const options = { logger: silentLogger }

async function place() {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => {})
  const storage = postgresStorage(pool, options)
  await storage.schema.migrate()
  const close = async () => {
    await pool.end()
    await drop()
  }
  return { url, pool, storage, close }
}

describe.skipIf(!server)('what goes wrong with PostgreSQL', () => {
  it('a role that may not make tables works on those that are there, and is told what it lacks', {
    timeout: 60_000,
  }, async () => {
    const { url, pool, storage, close } = await place()
    const role = `hooks_limited_${process.pid}`
    await pool.query(`create role ${role}`)
    await pool.query(`grant usage on schema hooks to ${role}`)
    await pool.query(`grant select, insert, update, delete on all tables in schema hooks to ${role}`)
    await pool.query(`grant usage on all sequences in schema hooks to ${role}`)
    const limited = new pg.Pool({ connectionString: url, options: `-c role=${role}` })
    const theirs = postgresStorage(limited, options)
    const endpoint = newEndpoint()
    await theirs.endpoints.create(endpoint, 10)
    await send(theirs, [endpoint.id], { orderingKey: 'k' })
    const [lease] = await theirs.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })
    expect(await theirs.settle([{ key: lease?.key ?? '', token: lease?.token ?? '', ...delivered }])).toEqual([
      'applied',
    ])
    expect(await theirs.schema.check()).toEqual(await storage.schema.check())
    expect(await theirs.history.prune({ historyBefore: new Date(0) }, 10)).toMatchObject({ removed: 0 })
    await pool.query('delete from hooks.meta')
    await expect(theirs.schema.migrate()).rejects.toMatchObject({ code: 'storage_denied' })
    await limited.end()
    await pool.query(`drop owned by ${role}`)
    await pool.query(`drop role ${role}`)
    await close()
  })

  it('a statement that its timeout cancels is busy, and has changed nothing', { timeout: 60_000 }, async () => {
    const { url, pool, storage, close } = await place()
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    const [sent] = (await send(storage, [endpoint.id])) as [string]
    const [lease] = await storage.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })
    const hasty = new pg.Pool({ connectionString: url, options: '-c statement_timeout=100' })
    const theirs = postgresStorage(hasty, options)
    const holder = await pool.connect()
    await holder.query('begin')
    await holder.query('select 1 from hooks.lane for update')
    const settlement = [{ key: sent, token: lease?.token ?? '', ...delivered }]
    await expect(theirs.settle(settlement)).rejects.toMatchObject({ code: 'storage_busy' })
    // A lane that another is at is passed over, not waited for: that would take for ever.
    expect(await storage.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })).toEqual([])
    await holder.query('commit')
    holder.release()
    // Without the timeout: a busy machine may take longer for it, without anything that stands in the way.
    expect(await storage.settle(settlement)).toEqual(['applied'])
    await hasty.end()
    await close()
  })

  it('a connection that does not answer is left behind after the timeout, and the next call takes another', {
    timeout: 60_000,
  }, async () => {
    const { url, pool, storage, close } = await place()
    const patient = new pg.Pool({ connectionString: url })
    const theirs = postgresStorage(patient, { ...options, timeoutMs: 3_000 })
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    await theirs.depth()
    const holder = await pool.connect()
    await holder.query('begin')
    await holder.query('select 1 from hooks.lane for update')
    await expect(theirs.hold([{ endpointId: endpoint.id, cap: 1 }])).rejects.toMatchObject({ code: 'storage_busy' })
    await expect(theirs.hold([{ endpointId: endpoint.id, cap: 1 }])).rejects.toMatchObject({ code: 'storage_busy' })
    expect(await theirs.depth()).toMatchObject({ open: 0 })
    await holder.query('commit')
    holder.release()
    await patient.end()
    await close()
  })

  it('backends that are terminated cost the call under way, and nothing after it', { timeout: 60_000 }, async () => {
    const { pool, storage, close } = await place()
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    const terminate = () =>
      pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      )
    const sent: string[] = []
    for (let round = 0; round < 30; round++) {
      const message = newMessage()
      const [put] = await Promise.allSettled([storage.put([message]), terminate()])
      if (put.status === 'fulfilled') sent.push(message.id)
      else {
        expect(put.reason).toMatchObject({ code: 'storage_unavailable' })
        // The answer may be what was lost: the same again is the same.
        expect(await storage.put([message])).toEqual([{ id: message.id, outcome: 'created' }])
        sent.push(message.id)
      }
    }
    // The last termination may have been of an idle connection, and the pool may not have heard of it yet.
    const left = await storage.unexpanded(100).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'storage_unavailable' })
      return storage.unexpanded(100)
    })
    expect(left.map((message) => message.id).sort()).toEqual([...sent].sort())
    await close()
  })

  it("a host's serializable transaction that loses is told to begin again", { timeout: 60_000 }, async () => {
    const { pool, storage, close } = await place()
    const [one, two] = [await pool.connect(), await pool.connect()]
    for (const client of [one, two]) {
      await client.query('begin isolation level serializable')
      await client.query('select count(*) from hooks.idempotency')
    }
    const keyed = { idempotencyKey: 'k', idempotencyKeepMs: 60_000 }
    await storage.put([newMessage(keyed)], one)
    const second = Promise.resolve(storage.put([newMessage(keyed)], two))
    second.catch(() => {})
    await one.query('commit')
    await expect(second).rejects.toMatchObject({ code: 'storage_busy' })
    await two.query('rollback')
    one.release()
    two.release()
    await close()
  })

  it('a key under which another has sent since a repeatable read began is one too, and then the first one', {
    timeout: 60_000,
  }, async () => {
    const { pool, storage, close } = await place()
    const keyed = { idempotencyKey: 'k', idempotencyKeepMs: 60_000 }
    const client = await pool.connect()
    await client.query('begin isolation level repeatable read')
    await client.query('select count(*) from hooks.idempotency')
    const [{ id: first } = { id: '' }] = await storage.put([newMessage(keyed)])
    // It cannot see the first one, and must not take its place.
    await expect(storage.put([newMessage(keyed)], client)).rejects.toMatchObject({ code: 'storage_busy' })
    await client.query('rollback')
    // As the code asks: all of it again.
    await client.query('begin isolation level repeatable read')
    expect(await storage.put([newMessage(keyed)], client)).toEqual([{ id: first, outcome: 'duplicate' }])
    await client.query('commit')
    client.release()
    expect((await storage.unexpanded(10)).map(({ id }) => id)).toEqual([first])
    await close()
  })

  it("a host's statement timeout ends its transaction with the send in it, which is safe to run again", {
    timeout: 60_000,
  }, async () => {
    const { pool, storage, close } = await place()
    const keyed = { idempotencyKey: 'k', idempotencyKeepMs: 60_000 }
    const [holder, hasty] = [await pool.connect(), await pool.connect()]
    await holder.query('begin')
    await storage.put([newMessage(keyed)], holder)
    await hasty.query('begin')
    await hasty.query('set local statement_timeout = 100')
    // It waits for whether the first one commits.
    await expect(storage.put([newMessage(keyed)], hasty)).rejects.toMatchObject({ code: 'storage_busy' })
    await expect(storage.put([newMessage()], hasty)).rejects.toMatchObject({ code: 'transaction_aborted' })
    await hasty.query('rollback')
    await holder.query('rollback')
    const again = newMessage(keyed)
    expect(await storage.put([again], hasty)).toEqual([{ id: again.id, outcome: 'created' }])
    expect((await storage.unexpanded(10)).map(({ id }) => id)).toEqual([again.id])
    for (const client of [holder, hasty]) client.release()
    await close()
  })

  it('a tenant cannot reach what is of another, by any id', { timeout: 60_000 }, async () => {
    const { storage, close } = await place()
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    const [sent] = (await send(storage, [endpoint.id])) as [string]
    const other = { tenant: 'other', delivery: sent }
    expect(await storage.history.delivery('other', sent)).toBe(null)
    expect(await storage.history.attempts('other', sent)).toEqual([])
    expect(await storage.retire(other, { state: 'cancelled', reason: 'x' }, 10)).toBe(0)
    expect(await storage.revive(other, 10)).toMatchObject({ revived: 0, inFlight: 0 })
    expect(await storage.endpoints.remove('other', endpoint.id)).toBe('stale')
    await close()
  })

  it('a NUL is kept where it can be, and refused with what it is in where it cannot', { timeout: 60_000 }, async () => {
    const { storage, close } = await place()
    const keyed = newMessage({ idempotencyKey: 'a\0b', idempotencyKeepMs: 60_000 })
    await storage.put([keyed])
    expect(await storage.unexpanded(1)).toMatchObject([{ idempotencyKey: 'a\0b' }])
    for (const over of [{ type: 'a\0' }, { tenant: 'a\0' }, { data: '"\0"' }, { id: '\ud800' }])
      await expect(storage.put([newMessage(over)])).rejects.toMatchObject({ code: 'option_invalid' })
    await expect(storage.endpoints.create(newEndpoint({ id: `${id('ep_')}\0` }), 1)).rejects.toMatchObject({
      code: 'option_invalid',
    })
    await close()
  })

  it('a storage whose pool is closed says so', { timeout: 60_000 }, async () => {
    const { pool, storage, close } = await place()
    const other = new pg.Pool({ connectionString: pool.options.connectionString })
    const theirs = postgresStorage(other, options)
    await other.end()
    await expect(theirs.depth()).rejects.toMatchObject({ code: 'storage_closed' })
    await storage.close()
    await expect(storage.put([newMessage()])).rejects.toMatchObject({ code: 'storage_closed' })
    await close()
  })
})

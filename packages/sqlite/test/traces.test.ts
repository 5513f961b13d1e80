import { silentLogger } from '@hooks/core'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { type SqliteHandle, sqliteStorage } from '../src/index.ts'
import { freshPath } from './place.ts'
import { delivered, newEndpoint, send, tour } from './tour.ts'

/** The tables that have rows. */
function tablesWithRows(host: SqliteHandle): string[] {
  const tables = host.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[]
  return tables.map(({ name }) => name).filter((name) => host.prepare(`select 1 from ${name} limit 1`).get())
}

describe('forgetting', () => {
  it('leaves no row of a tenant that was expunged, whatever it did before', async () => {
    const host = new Libsql(freshPath())
    const storage = sqliteStorage(host, { logger: silentLogger })
    // It ends with the expunging of its only tenant.
    await tour(storage)
    expect(tablesWithRows(host)).toEqual(['hooks_meta'])
    await storage.close()
    host.close()
  })

  it('leaves no row of what was pruned', async () => {
    const host = new Libsql(freshPath())
    const storage = sqliteStorage(host, { logger: silentLogger })
    await storage.endpoints.create(newEndpoint('e1'), 1)
    await send(storage, 'e1', 2)
    const leases = await storage.claim({ worker: 'w', limit: 2, leaseMs: 60_000, cap: 2 })
    await storage.settle(leases.map(({ key, token }) => ({ key, token, ...delivered })))
    const before = new Date(8_640_000_000_000_000)
    while ((await storage.history.prune({ payloadsBefore: before, historyBefore: before }, 10)).more);
    expect(tablesWithRows(host).sort()).toEqual(['hooks_endpoint', 'hooks_lane', 'hooks_meta'])
    await storage.close()
    host.close()
  })
})

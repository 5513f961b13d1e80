import { silentLogger } from '@hooks/core'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { freshPath } from './place.ts'
import { tour } from './tour.ts'

describe('forgetting', () => {
  it('leaves no row of a tenant that was expunged, whatever it did and was pruned of before', async () => {
    const host = new Libsql(freshPath())
    const storage = sqliteStorage(host, { logger: silentLogger })
    // It ends with the expunging of its only tenant.
    await tour(storage)
    const tables = host.prepare("select name from sqlite_master where type = 'table' and name <> 'hooks_meta'").all()
    const counts = (tables as { name: string }[]).map(({ name }) => [
      name,
      (host.prepare(`select count(*) as n from ${name}`).get() as { n: number }).n,
    ])
    expect(counts.length).toBeGreaterThan(8)
    expect(counts.filter(([, n]) => n !== 0)).toEqual([])
    await storage.close()
    host.close()
  })
})

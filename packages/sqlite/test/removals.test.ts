import { silentLogger, systemClock } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'
import { newEndpoint, send } from './tour.ts'

const OPEN = 1_200

describe.each(Object.entries(drivers))('the removal of an endpoint that has very much open, by %s', (_name, driver) => {
  it('takes it away at once, and ends what is open in short transactions, others between them', async () => {
    /** How much is open, each time that others have their turn. */
    const left: number[] = []
    const clock = {
      ...systemClock,
      turn: async () => {
        expect(await storage.endpoints.get('acme', 'e1')).toBe(null)
        expect(await storage.claim({ worker: 'w', limit: 10, leaseMs: 60_000, cap: 10 })).toEqual([])
        await send(storage, 'e1', 1, 10_000 + left.length)
        left.push((await storage.depth()).open)
      },
    }
    const storage = sqliteStorage(freshPath(), { driver, clock, logger: silentLogger })
    await storage.endpoints.create(newEndpoint('e1'), 10)
    await send(storage, 'e1', OPEN)
    expect(await storage.endpoints.remove('acme', 'e1')).toBe('applied')
    expect(left).toEqual([700, 200])
    expect(await storage.history.stats({ tenant: 'acme' })).toMatchObject({ cancelled: OPEN, pending: 0 })
    await storage.close()
  })

  it('in a transaction of the host has ended all when it returns', async () => {
    const path = freshPath()
    const host = new driver(path)
    const storage = sqliteStorage(host, { logger: silentLogger })
    await storage.endpoints.create(newEndpoint('e1'), 10)
    await send(storage, 'e1', OPEN)
    host.exec('BEGIN IMMEDIATE')
    const removing = storage.endpoints.remove('acme', 'e1', host)
    host.exec('COMMIT')
    expect((await storage.depth()).open).toBe(0)
    expect(await removing).toBe('applied')
    await storage.close()
    host.close()
  })
})

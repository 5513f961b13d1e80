import { StorageError, silentLogger } from '@hooks/core'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { freshPath } from './place.ts'
import { newMessage, tour } from './tour.ts'

const options = { logger: silentLogger, driver: Libsql }

describe('schema', () => {
  it('is not made where it must not be, and said to be missing', async () => {
    const path = freshPath()
    const host = new Libsql(path)
    const storage = sqliteStorage(host, { ...options, migrate: false })
    const missing = expect.objectContaining({
      name: 'StorageError',
      code: 'schema_missing',
      hint: expect.stringContaining('migrate()'),
    })
    await expect(storage.depth()).rejects.toEqual(missing)
    expect(() => storage.put([newMessage('m1')])).toThrow(missing)
    expect(() => storage.put([newMessage('m1')], host)).toThrow(missing)
    expect(await storage.schema.check()).toEqual({ version: 0, expected: 2, installation: '' })
    expect(host.prepare('select count(*) as n from sqlite_master').get()).toMatchObject({ n: 0 })

    await storage.schema.migrate()
    expect(storage.put([newMessage('m1')], host)).toEqual([{ id: 'm1', outcome: 'created' }])
    expect(await storage.unexpanded(1)).toMatchObject([{ id: 'm1' }])
    await storage.close()
  })

  it('is made by the host, from the statements that it is given', async () => {
    const path = freshPath()
    const host = new Libsql(path)
    const storage = sqliteStorage(host, { ...options, migrate: false, prefix: 'app_' })
    for (const { sql } of storage.schema.migrations()) for (const statement of sql) host.exec(statement)
    const { version, expected, installation } = await storage.schema.check()
    expect(version).toBe(expected)
    expect(installation).toMatch(/^[0-9a-f]{32}$/)
    await tour(storage)
    await storage.close()
  })

  it('is not touched once it is there', async () => {
    const path = freshPath()
    await sqliteStorage(path, options).close()
    const host = new Libsql(path)
    const { schema_version } = host.prepare('PRAGMA schema_version').get() as { schema_version: number }
    const storage = sqliteStorage(path, options)
    await storage.schema.migrate()
    expect(host.prepare('PRAGMA schema_version').get()).toMatchObject({ schema_version })
    await storage.close()
  })

  it('of a newer release is used if that allows it, and refused if not', async () => {
    const path = freshPath()
    await sqliteStorage(path, options).close()
    const host = new Libsql(path)
    host.exec('update hooks_meta set version = 3, least_client = 2')
    const expanded = sqliteStorage(host, options)
    expect(await expanded.schema.check()).toMatchObject({ version: 3, expected: 2 })
    await expanded.schema.migrate()
    expect(expanded.put([newMessage('m1')], host)).toMatchObject([{ outcome: 'created' }])
    await expanded.close()

    host.exec('update hooks_meta set version = 4, least_client = 4')
    const storage = sqliteStorage(host, options)
    const tooNew = expect.objectContaining({ code: 'schema_too_new', hint: expect.stringContaining('update') })
    await expect(storage.depth()).rejects.toEqual(tooNew)
    await expect(storage.schema.migrate()).rejects.toEqual(tooNew)
    expect(() => storage.put([newMessage('m2')], host)).toThrow(tooNew)
    expect(await storage.schema.check()).toMatchObject({ version: 4, expected: 2 })
    await storage.close()
  })

  it('of each new database is another installation', async () => {
    const [a, b] = [sqliteStorage(freshPath(), options), sqliteStorage(freshPath(), options)]
    expect((await a.schema.check()).installation).not.toBe((await b.schema.check()).installation)
    await a.close()
    await b.close()
    await expect(a.schema.check()).rejects.toBeInstanceOf(StorageError)
  })
})

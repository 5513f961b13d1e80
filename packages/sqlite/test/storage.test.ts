import { storageSuite } from '@hooks/sender/testing'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'

for (const [name, driver] of Object.entries(drivers)) {
  storageSuite(
    { describe, it, expect },
    {
      name: `SQLite in a file, by ${name}`,
      facts: { clock: 'injected', processes: 'many', tx: 'sync' },
      make: (seams) => {
        const path = freshPath()
        const handle = new driver(path)
        const storage = sqliteStorage(handle, seams)
        const second = sqliteStorage(path, { ...seams, driver })
        return {
          storage,
          second,
          begin: () => {
            handle.exec('BEGIN IMMEDIATE')
            return {
              tx: handle,
              commit: () => void handle.exec('COMMIT'),
              rollback: () => void handle.exec('ROLLBACK'),
            }
          },
          close: async () => {
            await storage.close()
            await second.close()
            handle.close()
          },
        }
      },
    },
  )

  storageSuite(
    { describe, it, expect },
    {
      name: `SQLite in memory, by ${name}`,
      facts: { clock: 'injected', processes: 'one', tx: 'none' },
      make: (seams) => {
        const storage = sqliteStorage(':memory:', { ...seams, driver })
        return { storage, close: () => storage.close() }
      },
    },
  )
}

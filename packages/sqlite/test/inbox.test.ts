import { inboxSuite } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { sqliteInbox } from '../src/index.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'

for (const [name, driver] of Object.entries(drivers)) {
  inboxSuite(
    { describe, it, expect },
    {
      name: `SQLite in a file, by ${name}`,
      facts: { clock: 'injected', processes: 'many', tx: 'sync', inbox: true },
      make: (seams) => {
        const path = freshPath()
        const handle = new driver(path)
        const options = { ...seams, driver, busyTimeoutMs: 1_000 }
        const store = sqliteInbox(handle, options)
        const second = sqliteInbox(path, options)
        return {
          store,
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
            await store.close()
            await second.close()
            handle.close()
          },
        }
      },
    },
  )

  inboxSuite(
    { describe, it, expect },
    {
      name: `SQLite in memory, by ${name}`,
      facts: { clock: 'injected', processes: 'one', tx: 'none', inbox: true },
      make: (seams) => {
        const store = sqliteInbox(':memory:', { ...seams, driver })
        return { store, close: () => store.close() }
      },
    },
  )
}

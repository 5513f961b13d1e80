import { inboxSuite } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { postgresInbox } from '../src/index.ts'
import { movableTime, openPlace } from './place.ts'
import { drivers } from './servers.ts'

for (const name of Object.keys(drivers)) {
  describe(name, () => suite(name))
}

function suite(name: string): void {
  const place = openPlace(name, postgresInbox)
  // One connection, which everyone shares: a transaction of the host's has whatever comes while it lasts.
  const processes = name === 'PGlite' ? 'one' : 'many'
  inboxSuite(
    { describe, it, expect },
    {
      name: `PostgreSQL by ${name}`,
      facts: { clock: 'database', processes, tx: 'async', inbox: true },
      make: async () => {
        const time = movableTime()
        const { handle, second, begin, close } = await place()
        const store = postgresInbox(time.on(handle))
        return {
          store: { ...store, facts: { ...store.facts, processes } },
          ...(processes === 'many' && { second: postgresInbox(time.on(second)) }),
          begin: async () => {
            const { tx, ...rest } = await begin()
            return { tx: time.on(tx), ...rest }
          },
          pass: time.pass,
          close,
        }
      },
    },
  )
}

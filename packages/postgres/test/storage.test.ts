import { storageSuite } from '@hooks/sender/testing'
import { describe, expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { givenTime, movableTime, openPlace } from './place.ts'
import { drivers } from './servers.ts'

for (const name of Object.keys(drivers)) {
  describe(name, () => suite(name))
}

// How many start in a second is seen to the last one by a clock that stands still.
describe('PGlite', () => {
  const place = openPlace('PGlite')
  const ofRates = (name: string, body: () => void) => {
    if (name === 'rates' || name.startsWith('storage contract')) describe(name, body)
  }
  storageSuite(
    { describe: ofRates, it, expect },
    {
      name: 'PostgreSQL by PGlite, by a given clock',
      facts: { clock: 'injected', processes: 'one', tx: 'async' },
      make: async ({ clock, random }) => {
        const { handle, begin, close } = await place()
        const storage = postgresStorage(givenTime(handle, clock), { random })
        return {
          storage: { ...storage, facts: { ...storage.facts, clock: 'injected', processes: 'one' } },
          begin,
          close,
        }
      },
    },
  )
})

function suite(name: string): void {
  const place = openPlace(name)
  // One connection, which everyone shares: a transaction of the host's has whatever comes while it lasts.
  const processes = name === 'PGlite' ? 'one' : 'many'
  storageSuite(
    { describe, it, expect },
    {
      name: `PostgreSQL by ${name}`,
      facts: { clock: 'database', processes, tx: 'async' },
      make: async ({ random }) => {
        const time = movableTime()
        const { handle, second, begin, close } = await place()
        const storage = postgresStorage(time.on(handle), { random })
        return {
          storage: { ...storage, facts: { ...storage.facts, processes } },
          ...(processes === 'many' && { second: postgresStorage(time.on(second), { random }) }),
          begin,
          pass: time.pass,
          close,
        }
      },
    },
  )
}

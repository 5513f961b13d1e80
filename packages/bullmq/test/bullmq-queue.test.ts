import { queueSuite } from '@hooks/sender/testing'
import { describe, expect, it } from 'vitest'
import { fresh, server } from './server.ts'

if (server)
  queueSuite(
    { describe, it, expect },
    { name: 'BullMQ', facts: { clock: 'own', processes: 'many', server: true }, make: fresh },
  )
// Seen in the report: where no Redis is to be had there is nothing to run it on. With CI set, looking for one fails instead.
else describe.skip('queue contract: BullMQ, without a Redis', () => {})

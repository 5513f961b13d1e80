import { queueSuite } from '@hooks/sender/testing'
import { describe, expect, it } from 'vitest'
import { fresh, server } from './server.ts'

if (server)
  queueSuite(
    { describe, it, expect },
    { name: 'BullMQ', facts: { clock: 'own', processes: 'many', server: true }, make: fresh },
  )
else describe.skip('queue contract: BullMQ, without a Redis', () => {})

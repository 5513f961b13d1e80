import { queueSuite } from '@hooks/sender/testing'
import { describe, expect, it, vi } from 'vitest'
import { fresh, server } from './server.ts'

vi.mock('bullmq', () => import('bullmq-5'))

it('the other major version stands in for this one', async () => {
  expect((await import('bullmq')).Worker).toBe((await import('bullmq-5')).Worker)
})

if (server)
  queueSuite(
    { describe, it, expect },
    { name: 'BullMQ 5', facts: { clock: 'own', processes: 'many', server: true }, make: fresh },
  )
// Seen in the report: where no Redis is to be had there is nothing to run it on. With CI set, looking for one fails instead.
else describe.skip('queue contract: BullMQ 5, without a Redis', () => {})

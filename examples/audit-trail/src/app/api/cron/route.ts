import { nextCron } from '@hooks/nextjs'
import { auditTrail } from '../../../audit-trail.ts'

export const maxDuration = 10
export const { GET } = nextCron(auditTrail.hooks, { secret: () => process.env.CRON_SECRET, maxMs: 8_000 })

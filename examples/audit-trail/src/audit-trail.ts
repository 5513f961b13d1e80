import { bullmqQueue } from '@hooks/bullmq'
import { oncePerProcess } from '@hooks/nextjs'
import { openDatabase } from './database.ts'
import { createAuditTrail } from './sender.ts'

const { AUDIT_TRAIL_DATABASE_URL, REDIS_URL, QUEUE_NAME, API_KEYS, NODE_ENV } = process.env

/** The Audit Trail of this process. Next.js loads a module more than once; this is made once. */
export const auditTrail = oncePerProcess('audit-trail', () =>
  createAuditTrail({
    database: openDatabase(AUDIT_TRAIL_DATABASE_URL),
    keys: JSON.parse(API_KEYS ?? '{}'),
    queue: REDIS_URL ? bullmqQueue({ connection: { url: REDIS_URL }, name: QUEUE_NAME ?? 'audit-trail' }) : undefined,
    dev: NODE_ENV !== 'production',
  }),
)

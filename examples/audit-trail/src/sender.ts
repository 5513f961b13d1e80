import type { Queue } from '@hooks/core'
import { type Authorize, createManagementApi } from '@hooks/portal'
import { postgresStorage } from '@hooks/postgres'
import { createSender } from '@hooks/sender'
import { type AuditEvent, contract } from './contract.ts'
import type { Database } from './database.ts'

/** What Audit Trail is told. */
export interface AuditTrailOptions {
  readonly database: Database
  /** API keys, and for which tenants each may act. */
  readonly keys: Readonly<Record<string, readonly [string, ...string[]]>>
  /** Tells the other machines at once that there is work. Without it they look once a second. */
  readonly queue?: Queue | undefined
  /** http and localhost may be webhooks' URLs: for trying out. */
  readonly dev?: boolean
}

/** The sending side: Audit Trail, with its log of events, and the webhooks that tell of them. */
export function createAuditTrail({ database, keys, queue, dev = false }: AuditTrailOptions) {
  const storage = postgresStorage(database.pool)
  // With a queue to tell of work, looking for it may be rare.
  const hooks = createSender({ contract, storage, dev, ...(queue && { queue, poll: '30s' }) })

  // Customers create their webhooks and look at their deliveries: /api/v1/webhooks, as the document prints it.
  const api = createManagementApi(hooks, { contract, authorize: byApiKey(keys) })

  /** Events and the webhook about them are stored together, or neither is. */
  async function record(tenant: string, events: readonly [AuditEvent, ...AuditEvent[]]): Promise<void> {
    await database.transaction(async (tx) => {
      for (const event of events) {
        const row = [event.id, tenant, JSON.stringify(event)]
        await tx.query('insert into audit_event (id, tenant, event) values ($1, $2, $3)', row)
      }
      if (events.length > 1) await hooks.send('event.batch.created', { events: [...events] }, { tenant, tx })
      else await hooks.send('event.created', { event: events[0] }, { tenant, tx })
    })
  }

  return {
    hooks,
    api,
    record,
    /** When you deploy: makes the tables. */
    async migrate() {
      await database.pool.query(
        'create table if not exists audit_event (id text primary key, tenant text not null, event jsonb not null)',
      )
      await storage.schema.migrate()
    },
    async close() {
      await hooks.stop()
      await queue?.close()
      await database.close()
    },
  }
}

/** Who asks, by the header `X-API-Key`. A tenant that a request names must be one of the key's. */
export function byApiKey(keys: AuditTrailOptions['keys']): Authorize {
  return ({ headers }) => {
    const key = headers.get('x-api-key') ?? ''
    const tenants = Object.hasOwn(keys, key) ? keys[key] : undefined
    return tenants ? { tenants } : null
  }
}

import type { Clock } from '@hooks/core'
import { postgresInbox } from '@hooks/postgres'
import { type BackgroundOptions, background, createReceiver, type Logger } from '@hooks/receiver'
import { type AuditEvent, contract } from './contract.ts'
import type { Database } from './database.ts'

/** An alert, as Audit Trail tells of it. */
export interface Alert {
  readonly id: string
  readonly ruleName: string
  readonly severity: string
  readonly title: string
  readonly description: string
}

/** What a customer of Audit Trail does with its events. */
export interface Handlers {
  readonly event: (event: AuditEvent, tenant: string | undefined) => unknown
  readonly alert: (alert: Alert, tenant: string | undefined) => unknown
}

/** What the customer's application is told. */
export interface CustomerOptions {
  readonly database: Database
  readonly secret: string | (() => string | undefined)
  readonly handlers: Handlers
  readonly work?: BackgroundOptions
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * The receiving side: a customer's application. A request is proved, stored and answered, in this order; what was stored
 * is handled afterwards, again where that fails, and once however often it comes: the id in the signed body tells.
 */
export function createCustomer({ database, secret, handlers, work = {}, ...seams }: CustomerOptions) {
  const inbox = postgresInbox(database.pool)
  const receiver = createReceiver({ contract, secret, inbox: background(inbox, work), ...seams })
    .on('event.created', ({ data, tenant }) => handlers.event(data.event, tenant))
    .on('event.batch.created', async ({ data, tenant }) => {
      for (const event of data.events) await handlers.event(event, tenant)
    })
    .on('alert.triggered', ({ data, tenant }) => handlers.alert(data.alert, tenant))

  return {
    receiver,
    /** When you deploy: makes the table. */
    migrate: () => inbox.schema.migrate(),
    async close() {
      await receiver.stop()
      await database.close()
    },
  }
}

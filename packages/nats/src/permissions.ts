import { QueueError } from '@hooks/core'
import type { NatsStatus } from './client.ts'

/** Whether the server reports that this was published and may not be. */
export function deniesPublishing({ error, permissionContext }: NatsStatus, subject: string): boolean {
  const about = (permissionContext ?? error ?? {}) as { readonly operation?: unknown; readonly subject?: unknown }
  return about.operation === 'publish' && about.subject === subject
}

/** Whether an error of a subscription says that the user may not have it: of `@nats-io`, or of `nats`. */
export function isDenied(error: unknown): boolean {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown }
  return name === 'PermissionViolationError' || code === 'PERMISSIONS_VIOLATION'
}

/** The user of the connection lacks a permission. */
export function denied(what: 'publishing' | 'subscribing', subject: string, cause: unknown): QueueError {
  return new QueueError('queue_unavailable', `NATS forbids this user ${what} to ${subject}`, {
    hint: `allow the user publishing and subscribing to ${subject}; rings are lost meanwhile, and polling finds the work`,
    cause,
  })
}

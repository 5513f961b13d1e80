import { type ApiDelivery, defineContract, defineEvents, hmacFormat, part, writeStamp } from '@hooks/core'
import { z } from 'zod'

const auditEvent = z.object({
  id: z.string(),
  timestamp: z.iso.datetime(),
  actor: z.object({ id: z.string(), type: z.string(), name: z.string() }),
  action: z.object({ type: z.string(), description: z.string() }),
  resource: z.object({ id: z.string(), type: z.string(), name: z.string() }),
})

/** What happened, who did it, and to what. */
export type AuditEvent = z.infer<typeof auditEvent>

/** Audit Trail, as its document has it: packages/documents/texts/audit-trail.md. */
export const contract = defineContract({
  events: defineEvents({
    'event.created': {
      description: "Nouvel evenement d'audit cree",
      schema: z.object({ event: auditEvent }),
      example: {
        event: {
          id: '550e8400-e29b-41d4-a716-446655440000',
          timestamp: '2025-01-15T10:30:00Z',
          actor: { id: 'user-123', type: 'USER', name: 'John Doe' },
          action: { type: 'CREATE', description: 'Created document' },
          resource: { id: 'doc-456', type: 'DOCUMENT', name: 'Q4 Report' },
        },
      },
    },
    // The document prints no data for it.
    'event.batch.created': {
      description: "Batch d'evenements cree",
      schema: z.object({ events: z.array(auditEvent).min(1) }),
    },
    'alert.triggered': {
      description: 'Alerte declenchee par une regle',
      schema: z.object({
        alert: z.object({
          id: z.string(),
          ruleName: z.string(),
          severity: z.string(),
          title: z.string(),
          description: z.string(),
        }),
        // The document cuts these events short, after their id.
        triggeringEvents: z.array(z.looseObject({ id: z.string() })),
      }),
      example: {
        alert: {
          id: '550e8400-...',
          ruleName: 'Failed Login Detection',
          severity: 'HIGH',
          title: 'Multiple failed logins detected',
          description: '5 failed login attempts from user-123',
        },
        triggeringEvents: [{ id: 'event-1' }, { id: 'event-2' }],
      },
    },
    'alert.resolved': { description: 'Alerte resolue' },
    'report.completed': { description: 'Rapport genere' },
    'report.failed': { description: 'Echec de generation de rapport' },
  }),
  format: hmacFormat({
    name: 'audit-trail',
    secret: 'text',
    body: {
      id: part.deliveryId,
      type: part.type,
      timestamp: part.occurredAt('isoSeconds'),
      tenantId: part.tenant,
      data: part.data,
    },
    headers: { 'x-audit-trail-timestamp': part.sentAt('unix'), 'x-audit-trail-delivery-id': part.deliveryId },
    signature: {
      header: 'x-audit-trail-signature',
      prefix: 'sha256=',
      over: [part.header('x-audit-trail-timestamp'), '.', part.body],
    },
  }),
  ids: { delivery: 'whd_' },
  policy: {
    retry: ['0s', '1m', '5m', '30m', '2h'],
    jitter: 0,
    classify: 'non2xx-retries',
    pace: false,
    // "Apres 5 echecs, le webhook est desactive": the five attempts of one delivery.
    disable: { afterExhausted: 1 },
  },
  api: {
    base: '/api/v1/webhooks',
    names: { tenant: 'tenantId' },
    secret: 'client',
    show: {
      endpoint: ({ id, tenant, name, url, events, enabled, reason, createdAt }) => ({
        id,
        tenantId: tenant,
        name,
        url,
        events,
        enabled,
        reason,
        createdAt: writeStamp(createdAt, 'isoSeconds'),
      }),
      deliveries: ({ data }) => ({ deliveries: data.map(delivery) }),
    },
  },
  answers: {
    signature_mismatch: [401, 'Invalid signature'],
    missing_header: [401, 'Invalid signature'],
    timestamp_too_old: [400, 'Webhook too old'],
    accepted: [200, 'OK'],
    handled: [200, 'OK'],
    duplicate: [200, 'Already processed'],
    unknown_event: [200, 'OK'],
  },
})

/** A delivery as the document prints it. Its time is that of the last attempt's end, from which the next delay counts. */
function delivery({ id, state, last, nextAttemptAt, createdAt }: ApiDelivery) {
  return {
    id,
    timestamp: writeStamp(last ? new Date(last.at.getTime() + last.ms) : createdAt, 'isoSeconds'),
    status: last?.status ?? null,
    duration: last ? Math.round(last.ms) : null,
    success: state === 'delivered',
    ...(state === 'retrying' && nextAttemptAt && { retryAt: writeStamp(nextAttemptAt, 'isoSeconds') }),
  }
}

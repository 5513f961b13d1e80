import { defineContract, defineEvents, hmacFormat, part, writeStamp } from '@hooks/core'
import { z } from 'zod'

const sensor = { sensor_id: z.string(), station_code: z.string() }

/** Grillo's webhooks, as its document promises them. */
export const contract = defineContract({
  events: defineEvents({
    'event.detected': {
      description: 'Déclenché quand un séisme est détecté.',
      schema: z.object({
        event_id: z.string(),
        origin_time: z.iso.datetime(),
        latitude: z.number(),
        longitude: z.number(),
        depth_km: z.number(),
        magnitude: z.number(),
        magnitude_type: z.string(),
        location_description: z.string(),
        network_id: z.string(),
      }),
      example: {
        event_id: 'evt_abc123',
        origin_time: '2024-01-15T14:32:41.500Z',
        latitude: 37.7749,
        longitude: -122.4194,
        depth_km: 8.5,
        magnitude: 4.2,
        magnitude_type: 'ML',
        location_description: '5 km NE of San Francisco, CA',
        network_id: 'net_xyz789',
      },
    },
    'event.updated': {
      description: "Déclenché quand les paramètres d'un événement sont révisés.",
      schema: z.object({
        event_id: z.string(),
        changes: z.record(z.string(), z.object({ old: z.json(), new: z.json() })),
      }),
      example: { event_id: 'evt_abc123', changes: { magnitude: { old: 4.2, new: 4.4 } } },
    },
    'sensor.offline': {
      description: 'Déclenché quand un capteur passe hors ligne.',
      schema: z.object({ ...sensor, last_seen: z.iso.datetime(), network_id: z.string() }),
      example: {
        sensor_id: 'sen_abc123',
        station_code: 'GRIL01',
        last_seen: '2024-01-15T14:30:00Z',
        network_id: 'net_xyz789',
      },
    },
    'sensor.online': {
      description: 'Déclenché quand un capteur revient en ligne.',
      schema: z.object({ ...sensor, offline_duration_seconds: z.int(), network_id: z.string() }),
      example: {
        sensor_id: 'sen_abc123',
        station_code: 'GRIL01',
        offline_duration_seconds: 3600,
        network_id: 'net_xyz789',
      },
    },
  }),
  format: hmacFormat({
    name: 'grillo',
    secret: 'text',
    body: { type: part.type, timestamp: part.occurredAt('isoSeconds'), data: part.data },
    headers: { 'x-grillo-event': part.type, 'x-grillo-delivery': part.deliveryId },
    signature: { header: 'x-grillo-signature', prefix: 'sha256=' },
  }),
  ids: { delivery: 'dlv_' },
  // At once, then 1, 5 and 30 minutes after the one before, to the second; every answer but 2xx is tried again, and nothing
  // but its own deliveries changes for a webhook.
  policy: {
    retry: ['0s', '1m', '5m', '30m'],
    jitter: 0,
    classify: 'non2xx-retries',
    pace: false,
    disable: 'never',
  },
  api: {
    base: '/v1/webhooks',
    names: { enabled: 'active' },
    secret: 'client',
    show: {
      endpoint: ({ id, url, events, enabled, reason, createdAt }) => ({
        id,
        url,
        events,
        active: enabled,
        reason,
        created_at: writeStamp(createdAt, 'isoSeconds'),
      }),
      endpoints: (webhooks) => ({ webhooks }),
      delivery: ({ id, type, state, reason, attempts, last, nextAttemptAt, createdAt }) => ({
        id,
        event: type,
        state,
        reason,
        attempts,
        last_status: last?.status ?? null,
        last_error: last?.detail ?? null,
        next_attempt: nextAttemptAt && writeStamp(nextAttemptAt, 'isoSeconds'),
        created_at: writeStamp(createdAt, 'isoSeconds'),
      }),
      deliveries: ({ data, next }) => ({ deliveries: data, next: next ?? null }),
      test: ({ id }) => ({ message_id: id }),
    },
  },
  answers: {
    signature_mismatch: [401, 'Signature invalide'],
    missing_header: [401, 'Signature invalide'],
    accepted: [200, 'OK'],
    handled: [200, 'OK'],
    duplicate: [200, 'OK'],
    unknown_event: [200, 'OK'],
  },
})

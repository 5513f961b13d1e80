import { defineContract, defineEvents, hmacFormat, part, writeStamp } from '@hooks/core'
import { z } from 'zod'

/** Veza's webhooks, as its document promises them. No delay between tries is promised there, so the defaults hold. */
export const contract = defineContract({
  events: defineEvents({
    'user.created': {
      description: 'Utilisateur créé',
      group: 'Événements Utilisateur',
      schema: z.object({ user_id: z.string(), email: z.email(), created_at: z.iso.datetime() }),
      example: { user_id: 'user_123', email: 'user@example.com', created_at: '2024-01-01T12:00:00Z' },
    },
    'user.updated': { description: 'Utilisateur modifié', group: 'Événements Utilisateur' },
    'user.deleted': { description: 'Utilisateur supprimé', group: 'Événements Utilisateur' },
    'user.login': { description: 'Connexion utilisateur', group: 'Événements Utilisateur' },
    'user.logout': { description: 'Déconnexion utilisateur', group: 'Événements Utilisateur' },
    'message.sent': { description: 'Message envoyé', group: 'Événements Chat' },
    'message.received': { description: 'Message reçu', group: 'Événements Chat' },
    'room.created': { description: 'Salle créée', group: 'Événements Chat' },
    'room.joined': { description: 'Utilisateur rejoint une salle', group: 'Événements Chat' },
    'room.left': { description: 'Utilisateur quitte une salle', group: 'Événements Chat' },
    'stream.started': { description: 'Stream démarré', group: 'Événements Stream' },
    'stream.stopped': { description: 'Stream arrêté', group: 'Événements Stream' },
    'stream.paused': { description: 'Stream en pause', group: 'Événements Stream' },
    'stream.resumed': { description: 'Stream repris', group: 'Événements Stream' },
  }),
  format: hmacFormat({
    name: 'veza',
    secret: 'text',
    body: {
      event: part.type,
      timestamp: part.occurredAt('isoSeconds'),
      data: part.data,
      webhook_id: part.endpointId,
    },
    signature: { header: 'x-veza-signature' },
  }),
  ids: { endpoint: 'webhook_' },
  api: {
    base: '/api/v1/webhooks',
    secret: 'client',
    show: {
      endpoint: ({ id, url, events, createdAt }) => ({
        id,
        url,
        events,
        created_at: writeStamp(createdAt, 'isoSeconds'),
      }),
      // The document lists them group by group, name and description.
      eventTypes: (types) => {
        const groups: Record<string, Record<string, string>> = {}
        for (const { type, group = '', description = '' } of types) (groups[group] ??= {})[type] = description
        return groups
      },
      problem: ({ code, detail }) => ({ error: detail, code }),
    },
  },
  answers: {
    signature_mismatch: [401, { error: 'Signature invalide' }],
    missing_header: [401, { error: 'Signature invalide' }],
    handled: [200, { received: true }],
    duplicate: [200, { received: true }],
    unknown_event: [200, { received: true }],
  },
})

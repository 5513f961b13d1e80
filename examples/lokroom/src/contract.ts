import { type ApiEndpoint, defineContract, defineEvents, hmacFormat, part, writeStamp } from '@hooks/core'
import { z } from 'zod'

const booking = z.object({
  id: z.string(),
  listingId: z.string(),
  guestId: z.string(),
  startDate: z.iso.datetime(),
  endDate: z.iso.datetime(),
  /** In units of the currency. */
  totalPrice: z.number(),
  currency: z.string(),
  status: z.string(),
  pricingMode: z.string(),
  createdAt: z.iso.datetime(),
})

/** A reservation. */
export type Booking = z.infer<typeof booking>

/** A webhook as Lok'Room's document prints it. Its secret is there when it was made, and never again. */
const webhook = ({ id, url, events, secret, enabled, createdAt, updatedAt }: ApiEndpoint) => ({
  id,
  url,
  events,
  ...(secret !== undefined && { secret }),
  active: enabled,
  createdAt: writeStamp(createdAt, 'isoSeconds'),
  updatedAt: writeStamp(updatedAt, 'isoSeconds'),
})

/** Lok'Room, as its document has it: packages/documents/texts/lokroom.md. */
export const contract = defineContract({
  events: defineEvents({
    'booking.created': {
      description: 'Une nouvelle réservation a été créée',
      group: 'Réservations',
      schema: booking,
      example: {
        id: 'booking_abc123',
        listingId: 'listing_def456',
        guestId: 'user_ghi789',
        startDate: '2024-02-01T14:00:00Z',
        endDate: '2024-02-03T11:00:00Z',
        totalPrice: 250,
        currency: 'EUR',
        status: 'PENDING',
        pricingMode: 'DAILY',
        createdAt: '2024-01-15T10:30:00Z',
      },
    },
    'booking.confirmed': { description: 'Une réservation a été confirmée', group: 'Réservations' },
    'booking.cancelled': { description: 'Une réservation a été annulée', group: 'Réservations' },
    'booking.completed': { description: 'Une réservation est terminée', group: 'Réservations' },
    'listing.created': {
      description: 'Une nouvelle annonce a été créée',
      group: 'Annonces',
      schema: z.object({
        id: z.string(),
        title: z.string(),
        description: z.string(),
        price: z.number(),
        currency: z.string(),
        country: z.string(),
        city: z.string(),
        type: z.string(),
        ownerId: z.string(),
        createdAt: z.iso.datetime(),
      }),
      example: {
        id: 'listing_xyz789',
        title: 'Appartement cosy à Paris',
        description: 'Bel appartement...',
        price: 80,
        currency: 'EUR',
        country: 'FR',
        city: 'Paris',
        type: 'APARTMENT',
        ownerId: 'user_abc123',
        createdAt: '2024-01-15T09:00:00Z',
      },
    },
    'listing.updated': { description: 'Une annonce a été mise à jour', group: 'Annonces' },
    'listing.deleted': { description: 'Une annonce a été supprimée', group: 'Annonces' },
    'review.created': {
      description: 'Un nouvel avis a été publié',
      group: 'Avis',
      schema: z.object({
        id: z.string(),
        bookingId: z.string(),
        listingId: z.string(),
        authorId: z.string(),
        targetUserId: z.string(),
        rating: z.int(),
        comment: z.string(),
        type: z.string(),
        createdAt: z.iso.datetime(),
      }),
      example: {
        id: 'review_123',
        bookingId: 'booking_abc123',
        listingId: 'listing_def456',
        authorId: 'user_ghi789',
        targetUserId: 'user_abc123',
        rating: 5,
        comment: 'Excellent séjour !',
        type: 'GUEST_TO_HOST',
        createdAt: '2024-01-15T16:00:00Z',
      },
    },
    'message.received': { description: 'Un nouveau message a été reçu', group: 'Messages' },
    'payment.succeeded': {
      description: 'Un paiement a réussi',
      group: 'Paiements',
      schema: z.object({
        bookingId: z.string(),
        /** In hundredths of the currency. */
        amount: z.int(),
        currency: z.string(),
        paymentIntentId: z.string(),
        status: z.string(),
        timestamp: z.iso.datetime(),
      }),
      example: {
        bookingId: 'booking_abc123',
        amount: 25000,
        currency: 'EUR',
        paymentIntentId: 'pi_1234567890',
        status: 'succeeded',
        timestamp: '2024-01-15T10:35:00Z',
      },
    },
    'payment.failed': { description: 'Un paiement a échoué', group: 'Paiements' },
  }),
  format: hmacFormat({
    name: 'lokroom',
    secret: 'text',
    body: { event: part.type, timestamp: part.occurredAt('isoSeconds'), data: part.data },
    headers: {
      'x-lok-event': part.type,
      'x-lok-timestamp': part.sentAt('isoSeconds'),
      'x-lok-attempt': part.attempt,
      'user-agent': 'Lokroom-Webhooks/1.0',
    },
    signature: { header: 'x-lok-signature' },
  }),
  ids: { endpoint: 'webhook_', delivery: 'delivery_' },
  policy: {
    retry: ['0s', '1m', '5m'],
    jitter: 0,
    deadline: '10s',
    classify: 'non2xx-retries',
    pace: false,
    disable: 'never',
  },
  api: {
    base: '/api/webhooks',
    routes: { rotateSecret: 'POST /:id/regenerate-secret' },
    names: { enabled: 'active' },
    secret: 'generated',
    eventLimit: 20,
    pages: 'numbered',
    states: {
      success: ['delivered'],
      failed: ['failed', 'cancelled', 'skipped'],
      pending: ['pending', 'sending', 'retrying'],
    },
    show: {
      endpoint: webhook,
      endpoints: (webhooks, next) => ({ webhooks, ...(next !== undefined && { nextCursor: next }) }),
      secret: (_, endpoint) => webhook(endpoint),
      delivery: ({ id, type, status, attempts, last, createdAt }) => ({
        id,
        event: type,
        status,
        attempts,
        lastAttempt: last && writeStamp(last.at, 'isoSeconds'),
        // What the customer's server said; where it said nothing, why.
        response: last?.error === undefined ? (last?.answer ?? null) : { error: last.error, message: last.detail },
        createdAt: writeStamp(createdAt, 'isoSeconds'),
      }),
      deliveries: ({ data, statistics, page, pageSize, total, pageCount }) => ({
        deliveries: data,
        statistics,
        page,
        pageSize,
        total,
        pageCount,
      }),
    },
  },
  answers: {
    signature_mismatch: [401, 'Invalid signature'],
    missing_header: [401, 'Invalid signature'],
    accepted: [200, 'OK'],
    handled: [200, 'OK'],
    duplicate: [200, 'OK'],
    unknown_event: [200, 'OK'],
    handler_failed: [500, 'Internal error'],
  },
})

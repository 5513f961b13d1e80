import { type Clock, silentLogger, systemClock } from '@hooks/core'
import { createPortal, type PortalOptions } from '@hooks/portal'
import { createSender, defineContract, defineEvents, memoryStorage } from '@hooks/sender'
import { z } from 'zod'

const events = defineEvents({
  'booking.created': {
    description: 'A guest has booked a table, and the booking is confirmed.',
    group: 'Bookings',
    schema: z.object({
      id: z.string().describe('The booking'),
      seats: z.int().describe('How many sit at the table'),
      status: z.enum(['PENDING', 'PAID']),
      guests: z.array(z.object({ name: z.string(), email: z.email().optional() })),
      note: z.string().nullable().optional(),
    }),
    example: { id: 'booking_1', seats: 2, status: 'PAID', guests: [{ name: 'Zoë Müller' }] },
    versions: { '2025-06': ({ id, seats }) => ({ booking: id, seats }) },
  },
  'booking.cancelled': {
    description: 'A booking was cancelled, by the guest or by the house.',
    group: 'Bookings',
    schema: z.object({ id: z.string() }),
    example: { id: 'booking_1' },
  },
  'booking.lost': { group: 'Bookings', deprecated: 'Use booking.cancelled.' },
  'payment.completed': {
    description: 'The money has arrived.',
    group: 'Payments',
    schema: z.object({ id: z.string(), amount: z.number() }),
    example: { id: 'pay_1', amount: 42.5 },
  },
  'payment.refunded': {
    description: 'The money went back.',
    group: 'Payments',
    schema: z.object({ id: z.string(), amount: z.number() }),
    example: { id: 'pay_1', amount: 42.5 },
  },
  'note.left': { schema: z.object({ text: z.string() }), example: { text: 'Bon appétit' } },
})
export const contract = defineContract({ events })

type Answer = { readonly status: number; readonly body?: string } | { readonly error: string; readonly detail: string }

/** A clock that can be set back, so that a history of days is made in seconds. */
function settableClock(): Clock & { ago: number } {
  const clock = { ...systemClock, ago: 0, now: () => new Date(Date.now() - clock.ago) }
  return clock
}

/** A sender whose receivers are scripted by host, and its portal for whoever has a session cookie. */
export function world(options: Partial<PortalOptions> = {}) {
  const clock = settableClock()
  const answers = new Map<string, () => Answer>()
  const sent: { readonly host: string; readonly body: string }[] = []
  const hooks = createSender({
    contract,
    clock,
    storage: memoryStorage({ clock }),
    concurrency: 1_000,
    endpointConcurrency: 1_000,
    transport: {
      async send({ url, body }) {
        sent.push({ host: url.hostname, body: Buffer.from(body).toString() })
        const ms = 20 + ((sent.length * 7919) % 180)
        const answer = answers.get(url.hostname)?.() ?? { status: 200, body: '{"received":true}' }
        if ('error' in answer) return { ms: ms * 4, sent: false, ...answer }
        return {
          ms,
          sent: true,
          status: answer.status,
          headers: { 'content-type': 'text/html', server: 'nginx', 'x-request-id': 'req_7f3a' },
          truncated: false,
          body: Buffer.from(answer.body ?? ''),
        }
      },
    },
  })
  const portal = createPortal(hooks, {
    contract,
    authorize: ({ headers }) => {
      const name = /session=(\w+)/.exec(headers.get('cookie') ?? '')?.[1]
      if (name === 'operator') return { tenants: 'all' }
      return name ? { tenants: [name], ...(name === 'reader' && { can: ['read'] }) } : null
    },
    links: { secret: 'a secret for links of 32 letters' },
    brand: { name: 'Tafel', accent: '#0f766e', links: [{ label: 'Back to Tafel', url: '/' }] },
    language: 'en',
    // What it refuses is part of the tests.
    logger: silentLogger,
    ...options,
  })
  const settle = () => hooks.drain({ maxMs: 20_000 })
  return { clock, answers, sent, hooks, portal, settle }
}

export type World = ReturnType<typeof world>

/** Three webhooks and two days of their lives: one well, one with troubles, one disabled. */
export async function history({ clock, answers, hooks, settle }: World) {
  const HOUR = 3_600_000
  clock.ago = 50 * HOUR
  const well = await hooks.endpoints.create('acme', { url: 'https://hooks.acme.example/billing', name: 'Billing' })
  const ill = await hooks.endpoints.create('acme', {
    url: 'https://staging.acme.example/webhooks/incoming?team=kitchen',
    events: ['booking.created', 'booking.cancelled'],
  })
  const off = await hooks.endpoints.create('acme', { url: 'https://old.acme.example/in', name: 'Old CRM' })
  const troubles: readonly Answer[] = [
    { status: 500, body: '<h1>Internal Server Error</h1>' },
    { error: 'tls_certificate_expired', detail: "The server's certificate expired on 2026-10-01. Renew it." },
    { status: 200 },
    { error: 'response_timeout', detail: 'No response came in time. Answer first, and do the work afterwards.' },
  ]
  let turn = 0
  answers.set('staging.acme.example', () => troubles[turn++ % troubles.length] as Answer)
  for (const hour of [30, 23, 20, 17, 12, 9, 6, 4, 3, 2, 1]) {
    clock.ago = hour * HOUR
    await hooks.send(
      'booking.created',
      { id: `booking_${hour}`, seats: 2, status: 'PAID', guests: [{ name: 'Zoë Müller' }] },
      { tenant: 'acme' },
    )
    await hooks.send('payment.completed', { id: `pay_${hour}`, amount: hour * 1.5 }, { tenant: 'acme' })
    if (hour === 9) await hooks.endpoints.disable('acme', off.id)
    await settle()
  }
  clock.ago = 0
  const other = await hooks.endpoints.create('globex', { url: 'https://globex.example/in' })
  await hooks.send('note.left', { text: 'of globex' }, { tenant: 'globex' })
  await settle()
  return { well, ill, off, other }
}

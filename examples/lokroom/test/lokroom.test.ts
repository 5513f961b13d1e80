import { createHmac } from 'node:crypto'
import { systemClock } from '@hooks/core'
import { consumerDocs } from '@hooks/portal/docs'
import { block, document, printedBodies } from 'documents'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contract } from '../src/contract.ts'
import { SUPPORT } from '../src/sender.ts'
import { type Received, type Stage, stage } from './stage.ts'

const URL_ = 'https://votre-domaine.com/webhooks/lokroom'
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const BOOKING = contract.events.get('booking.created')?.example as Parameters<Stage['createBooking']>[1]

let lokroom: Stage
beforeEach(async () => {
  lokroom = await stage()
})
afterEach(() => lokroom.end())

/** A call of the document: its method, path and body, to the letter. */
const printed = (path: string) => {
  const code = block('lokroom', 'bash', path)
  const [, method = '', target = ''] = /^(\S+) (\S+)/.exec(code) ?? []
  const body = code.split('\n\n')[1]
  return { method, path: target, body, of: (id: string) => [method, target.replace('{id}', id), body] as const }
}
const book = (id = 'booking_abc123', user = 'alice') => lokroom.createBooking(user, { ...BOOKING, id })
const sign = (secret: string, body: string) => createHmac('sha256', secret).update(body).digest('hex')

describe('Vue d’ensemble', () => {
  it('tells of what happens when it happens, by a POST to the URL, without being asked (L1)', async () => {
    const now = await stage({ clock: systemClock })
    try {
      const { url, received } = await now.customer()
      await now.register(url)
      now.hooks.start()
      now.createBooking('alice', BOOKING)
      await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 20_000 })
      expect(received[0]).toMatchObject({ method: 'POST', path: '/webhooks/lokroom' })
    } finally {
      await now.end()
    }
  }, 30_000)

  it('wakes a worker that has nothing to do within a second of a send (L1)', async () => {
    const { clock, hooks, customer, register } = lokroom
    const at: number[] = []
    const { url, received } = await customer((response) => {
      at.push(clock.monotonic())
      response.end('OK')
    })
    await register(url)
    hooks.start()
    await clock.advance(3_600_000)
    const began = clock.monotonic()
    book()
    await clock.advance(1_000)
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 20_000 })
    expect(at.map((one) => one - began <= 1_000)).toEqual([true])
  }, 30_000)
})

describe('Événements disponibles', () => {
  it('are the eleven of the document, in its groups and its words (L2, L3, L4, L5, L6)', async () => {
    const documented = document('lokroom')
      .split('\n### ')
      .flatMap((section) =>
        [...section.matchAll(/^- `(\w+\.\w+)` - (.*)$/gm)].map(([, type, description]) => ({
          type,
          description,
          group: section.slice(0, section.indexOf('\n')),
        })),
      )
    expect(documented).toHaveLength(11)
    const { json } = await lokroom.call('GET', '/api/webhooks/event-types')
    expect(
      json.data.map(({ type, description, group }: Record<string, unknown>) => ({ type, description, group })),
    ).toEqual(documented)
  })

  it('can each be sent, all in one format, and no other can (L2, L3, L4, L5, L6, L18)', async () => {
    const { url, received } = await lokroom.customer()
    await lokroom.call('POST', '/api/webhooks', { url })
    for (const { type, example = { id: 'x' } } of contract.events.all) {
      await lokroom.hooks.send(type as 'booking.confirmed', example, { tenant: 'alice' })
    }
    await lokroom.deliver()
    const bodies = received.map(({ body }) => JSON.parse(body))
    expect(bodies.map(({ event }) => event).sort()).toEqual([...contract.events.types].sort())
    for (const body of bodies) {
      expect(Object.keys(body)).toEqual(['event', 'timestamp', 'data'])
      expect(body.timestamp).toMatch(TIME)
    }
    // @ts-expect-error: a name that is not in the catalog
    const unknown = lokroom.hooks.send('booking.lost', {}, { tenant: 'alice' })
    await expect(unknown).rejects.toMatchObject({ code: 'event_type_unknown' })
  })
})

describe('1. Créer un webhook', () => {
  it('takes the printed call and answers as printed, without DNS (L7, L8, L9, L10, L11, L12)', async () => {
    const { method, path, body } = printed('POST /api/webhooks\nContent-Type')
    const documented = JSON.parse(block('lokroom', 'json', '"whsec_'))
    // The printed call has its headers between the first line and the body; those are sent too.
    const { status, json } = await lokroom.call(method, path, body)
    expect(status).toBe(201)
    expect(Object.keys(json)).toEqual(Object.keys(documented))
    expect(json).toEqual({
      id: expect.stringMatching(/^webhook_\w+$/),
      url: documented.url,
      events: documented.events,
      secret: expect.stringMatching(/^whsec_/),
      active: true,
      createdAt: '2024-01-15T10:30:00Z',
      updatedAt: '2024-01-15T10:30:00Z',
    })
    // RFC 6761: no DNS ever finds a name below `invalid`.
    expect((await lokroom.register('https://votre-domaine.invalid/')).url).toBe('https://votre-domaine.invalid/')
  })

  it('needs the token (L7)', async () => {
    for (const token of ['', 'WRONG']) {
      expect((await lokroom.call('POST', '/api/webhooks', { url: URL_ }, token)).status).toBe(401)
    }
    expect((await lokroom.hooks.endpoints.list('alice')).data).toEqual([])
  })

  it('makes a secret of 32 random bytes each time, used as text, and takes none of the client’s (L7, L10)', async () => {
    const { url, received } = await lokroom.customer()
    const own = { url, events: ['booking.created'], secret: 'whsec_of_the_client_itself' }
    const [one, two] = [
      (await lokroom.call('POST', '/api/webhooks', own)).json,
      await lokroom.register(URL_, ['payment.failed']),
    ]
    for (const { secret } of [one, two]) {
      expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32)
    }
    expect(new Set([one.secret, two.secret, own.secret]).size).toBe(3)
    book()
    await lokroom.deliver()
    expect(received[0]?.headers['x-lok-signature']).toBe(sign(one.secret, received[0]?.body ?? ''))
  })

  it('moves updatedAt when the webhook is changed or its secret made anew, and createdAt never (L12)', async () => {
    const { id } = await lokroom.register(URL_)
    const shown = async () => (await lokroom.call('GET', `/api/webhooks/${id}`)).json
    await lokroom.clock.advance(5_000)
    await lokroom.call('PUT', `/api/webhooks/${id}`, { active: true })
    expect(await shown()).toMatchObject({ createdAt: '2024-01-15T10:30:00Z', updatedAt: '2024-01-15T10:30:05Z' })
    await lokroom.clock.advance(5_000)
    book()
    await lokroom.deliver()
    expect((await shown()).updatedAt).toBe('2024-01-15T10:30:05Z')
    await lokroom.call('POST', `/api/webhooks/${id}/regenerate-secret`)
    expect(await shown()).toMatchObject({ createdAt: '2024-01-15T10:30:00Z', updatedAt: '2024-01-15T10:30:10Z' })
  })

  it('shows the secret in that answer and in no other (L13)', async () => {
    const { id, secret } = await lokroom.register(URL_)
    for (const [method, path, body] of [
      ['GET', '/api/webhooks'],
      ['GET', `/api/webhooks/${id}`],
      ['PUT', `/api/webhooks/${id}`, { active: true }],
      ['GET', `/api/webhooks/${id}/deliveries`],
    ] as const) {
      const { status, text } = await lokroom.call(method, path, body)
      expect([status, text.includes(secret), text.includes('"secret"')]).toEqual([200, false, false])
    }
  })
})

describe('2. Limites', () => {
  it('are 100 webhooks for a user, whoever races for the last one, and not for all users together (L14)', async () => {
    for (let i = 0; i < 99; i++) await lokroom.hooks.endpoints.create('alice', { url: URL_ })
    const race = await Promise.all(
      Array.from({ length: 20 }, () => lokroom.call('POST', '/api/webhooks', { url: URL_ })),
    )
    expect(race.filter(({ status }) => status === 201)).toHaveLength(1)
    for (const { status, json } of race.filter((one) => one.status !== 201)) {
      expect([status, json.code]).toEqual([409, 'endpoint_limit'])
    }
    expect((await lokroom.hooks.endpoints.list('alice', { limit: 250 })).data).toHaveLength(100)
    expect((await lokroom.call('POST', '/api/webhooks', { url: URL_ }, 'OTHER_TOKEN')).status).toBe(201)
    const { id } = race.find(({ status }) => status === 201)?.json ?? {}
    await lokroom.call('DELETE', `/api/webhooks/${id}`)
    expect((await lokroom.call('POST', '/api/webhooks', { url: URL_ })).status).toBe(201)
    expect((await lokroom.call('POST', '/api/webhooks', { url: URL_ })).status).toBe(409)
  }, 30_000)

  it('are 20 entries of events in a webhook, repeated ones too, at creation and at a change (L15)', async () => {
    const names = [...contract.events.types, ...contract.events.types]
    const [twenty, more] = [names.slice(0, 20), names.slice(0, 21)]
    const created = await lokroom.call('POST', '/api/webhooks', { url: URL_, events: twenty })
    expect([created.status, created.json.events]).toEqual([201, contract.events.types])
    const refused = await lokroom.call('POST', '/api/webhooks', { url: URL_, events: more })
    expect([refused.status, refused.json.field]).toEqual([400, 'events'])
    const path = `/api/webhooks/${created.json.id}`
    expect((await lokroom.call('PUT', path, { events: twenty })).status).toBe(200)
    expect((await lokroom.call('PUT', path, { events: more })).status).toBe(400)
    expect((await lokroom.call('GET', path)).json.events).toEqual(contract.events.types)
  })

  it('are 10 seconds for a request: an answer before is a success, none is a failure whose connection is closed (L16)', async () => {
    const deadlines: number[] = []
    const asked = await stage({
      transport: {
        send: async ({ deadline }) => {
          deadlines.push(deadline - asked.clock.monotonic())
          return { ms: 9_500, sent: true, status: 200, headers: {}, body: Buffer.from(''), truncated: false }
        },
      },
    })
    try {
      await asked.register(URL_)
      asked.createBooking('alice', BOOKING)
      await asked.deliver()
      expect(deadlines).toEqual([10_000])
    } finally {
      await asked.end()
    }

    let closed = 0
    const late = await lokroom.customer((response) => setTimeout(() => response.end('OK'), 6_000))
    const silent = await lokroom.customer((response) => response.on('close', () => closed++))
    const stalled = await lokroom.customer((response) => response.writeHead(200).write('O'))
    const ids: string[] = []
    for (const { url } of [late, silent, stalled]) ids.push((await lokroom.register(url)).id)
    book()
    const from = performance.now()
    await lokroom.deliver()
    expect(performance.now() - from).toBeGreaterThan(9_900)
    const rows = await Promise.all(ids.map(async (id) => (await lokroom.history(id)).deliveries[0]))
    expect(rows.map(({ status }) => status)).toEqual(['success', 'pending', 'success'])
    expect(rows[1].response.error).toBe('response_timeout')
    await vi.waitFor(() => expect(closed).toBe(1), { timeout: 5_000 })
  }, 60_000)

  it('are three attempts: at once, a minute and five minutes after the one before, then none, and the webhook stays active (L17)', async () => {
    const { url, received } = await lokroom.customer((response) => response.writeHead(410).end())
    const { id } = await lokroom.register(url)
    book()
    await lokroom.deliver()
    for (const [wait, count] of [
      [59_999, 1],
      [1, 2],
      [299_999, 2],
      [1, 3],
      [30 * 86_400_000, 3],
    ] as const) {
      await lokroom.clock.advance(wait)
      await lokroom.deliver()
      expect(received).toHaveLength(count)
    }
    expect((await lokroom.history(id)).deliveries[0]).toMatchObject({ status: 'failed', attempts: 3 })
    expect((await lokroom.call('GET', `/api/webhooks/${id}`)).json.active).toBe(true)
    book('booking_next')
    await lokroom.deliver()
    expect(received).toHaveLength(4)
  })
})

describe('Format du payload', () => {
  it('is what the document prints, event by event, to the byte (L18, L19, L53, L54, L55, L56)', async () => {
    const { url, received } = await lokroom.customer()
    await lokroom.call('POST', '/api/webhooks', { url })
    const bodies = printedBodies('lokroom')
    expect(bodies).toHaveLength(5)
    for (const { event, timestamp, data } of bodies) {
      const occurredAt = new Date(String(timestamp))
      await lokroom.hooks.send(event as 'booking.confirmed', data as object, { tenant: 'alice', occurredAt })
      await lokroom.deliver()
    }
    expect(received.map(({ body }) => body)).toEqual(bodies.map((body) => JSON.stringify(body)))
    // `250.00` is the number 250, and is written so.
    expect(received[0]?.body).toContain('"totalPrice":250,')
    expect(received[2]?.body).not.toContain('"data":{"id"')
    expect(received[3]?.body).toContain('à Paris')
    expect(received[4]?.body).toContain('Excellent séjour !')
  })
})

describe('Vérification de la signature', () => {
  it('is each webhook’s own: two get the same bytes, signed by their own secrets, and others get nothing (L1, L20)', async () => {
    const [one, two, foreign] = [await lokroom.customer(), await lokroom.customer(), await lokroom.customer()]
    const secrets: string[] = []
    for (const { url } of [one, two]) secrets.push((await lokroom.register(url)).secret)
    await lokroom.register(foreign.url, ['booking.created'], 'OTHER_TOKEN')
    book()
    await lokroom.deliver()
    const [first, second] = [...one.received, ...two.received] as [Received, Received]
    expect(second.body).toBe(first.body)
    expect([first, second].map(({ headers }) => headers['x-lok-signature'])).toEqual(
      secrets.map((secret) => sign(secret, first.body)),
    )
    expect(secrets[0]).not.toBe(secrets[1])
    expect([one, two, foreign].map(({ received }) => received.length)).toEqual([1, 1, 0])
  })

  it('fits the same bytes when a delivery is sent again by hand, under the secret of then (L20, L43)', async () => {
    const { url, received } = await lokroom.customer()
    const { id } = await lokroom.register(url)
    book()
    await lokroom.deliver()
    const { secret } = (await lokroom.call('POST', `/api/webhooks/${id}/regenerate-secret`)).json
    await lokroom.clock.advance(3_600_000)
    const [{ id: delivery }] = (await lokroom.history(id)).deliveries
    expect((await lokroom.call('POST', `/api/webhooks/deliveries/${delivery}/resend`)).status).toBe(202)
    await lokroom.deliver()
    const [first, again] = received as [Received, Received]
    expect(again.body).toBe(first.body)
    expect(again.headers['x-lok-signature']).toBe(sign(secret, first.body))
    expect(again.headers['x-lok-timestamp']).toBe('2024-01-15T11:30:00Z')
    expect((await lokroom.history(id)).deliveries).toMatchObject([{ id: delivery, status: 'success', attempts: 2 }])
  })
})

describe('Headers des webhooks', () => {
  it('are the six of the document, on every attempt, which is numbered (L20, L26, L27, L28, L29, L30)', async () => {
    const { url, received } = await lokroom.customer((response) => response.writeHead(500).end())
    const { secret } = await lokroom.register(url)
    book()
    await lokroom.deliver()
    await lokroom.clock.advance(60_000)
    await lokroom.deliver()
    await lokroom.clock.advance(300_000)
    await lokroom.deliver()
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    const documented = block('lokroom', '', 'X-Lok-Attempt')
      .split('\n')
      .map((line) => line.slice(0, line.indexOf(':')).toLowerCase())
    const own = received.map(({ headers, body }) => {
      expect(headers['x-lok-signature']).toMatch(/^[0-9a-f]{64}$/)
      expect(headers['x-lok-signature']).toBe(sign(secret, body))
      return Object.fromEntries(documented.map((name) => [name, headers[name]]))
    })
    const same = {
      'content-type': 'application/json',
      'x-lok-signature': expect.any(String),
      'x-lok-event': 'booking.created',
      'user-agent': 'Lokroom-Webhooks/1.0',
    }
    expect(own).toEqual([
      { ...same, 'x-lok-timestamp': '2024-01-15T10:30:00Z', 'x-lok-attempt': '1' },
      { ...same, 'x-lok-timestamp': '2024-01-15T10:31:00Z', 'x-lok-attempt': '2' },
      { ...same, 'x-lok-timestamp': '2024-01-15T10:36:00Z', 'x-lok-attempt': '3' },
    ])
    expect(JSON.parse(received[0]?.body ?? '').event).toBe('booking.created')
  })
})

describe('Sécurité', () => {
  it('is HTTPS, but for trying out, and never http in production (L35)', async () => {
    const live = await stage({ dev: false })
    try {
      const refused = await live.call('POST', '/api/webhooks', { url: 'http://votre-domaine.com/webhooks' })
      expect([refused.status, refused.json.code]).toEqual([422, 'url_scheme'])
      expect((await live.call('POST', '/api/webhooks', { url: URL_ })).status).toBe(201)
    } finally {
      await live.end()
    }
    vi.stubEnv('NODE_ENV', 'production')
    await expect(stage()).rejects.toMatchObject({ code: 'dev_in_production' })
    vi.unstubAllEnvs()
  })

  it('keeps the secret out of every log, error and answer (L36)', async () => {
    const { url } = await lokroom.customer((response, n) =>
      n === 1 ? response.writeHead(500).end() : response.destroy(),
    )
    const { id, secret } = await lokroom.register(url)
    const told: unknown[] = []
    for (const name of ['attempt.failed', 'delivery.failed', 'delivery.exhausted'] as const) {
      lokroom.hooks.on(name, (event) => void told.push(event))
    }
    book()
    for (const wait of [0, 60_000, 300_000]) {
      await lokroom.clock.advance(wait)
      await lokroom.deliver()
    }
    const errors = [
      await lokroom.hooks.endpoints.update('alice', id, { url: 'nope' }).catch((error) => error),
      await lokroom.hooks.send('booking.created', {} as never, { tenant: 'alice' }).catch((error) => error),
    ]
    const { text } = await lokroom.call('GET', `/api/webhooks/${id}/deliveries`)
    expect(told.length).toBeGreaterThan(2)
    const all = JSON.stringify([told, lokroom.logged, text, ...errors.map((error) => [error, error.stack])])
    expect(all).not.toContain(secret)
    expect(all).not.toContain(secret.replace('whsec_', ''))
  })
})

describe('Gestion des webhooks', () => {
  it('lists one’s own, without secrets (L39)', async () => {
    const { id } = await lokroom.register(URL_)
    await lokroom.register(URL_, ['review.created'], 'OTHER_TOKEN')
    const { status, json } = await lokroom.call('GET', '/api/webhooks')
    expect(status).toBe(200)
    expect(json.webhooks.map((one: { id: string }) => one.id)).toEqual([id])
  })

  it('shows one, and to others none (L40)', async () => {
    const created = await lokroom.register(URL_)
    const { secret: _, ...shown } = created
    expect((await lokroom.call('GET', `/api/webhooks/${created.id}`)).json).toEqual(shown)
    expect((await lokroom.call('GET', '/api/webhooks/webhook_nobody')).status).toBe(404)
    for (const [method, path, body] of [
      ['GET', ''],
      ['PUT', '', { active: false }],
      ['DELETE', ''],
      ['GET', '/deliveries'],
      ['POST', '/test'],
      ['POST', '/regenerate-secret'],
    ] as const) {
      const { status } = await lokroom.call(method, `/api/webhooks/${created.id}${path}`, body, 'OTHER_TOKEN')
      expect([path, status]).toEqual([path, 404])
    }
    expect((await lokroom.call('GET', `/api/webhooks/${created.id}`)).json).toEqual(shown)
  })

  it('changes what is named and keeps the rest, the URL and the secret too (L41)', async () => {
    const { url, received } = await lokroom.customer()
    const { id, secret } = await lokroom.register(url, ['payment.failed'])
    const changed = await lokroom.call(...printed('PUT').of(id))
    expect(changed.status).toBe(200)
    expect(changed.json).toMatchObject({ id, url, events: ['booking.created', 'booking.cancelled'], active: true })
    await lokroom.hooks.send('payment.failed', {}, { tenant: 'alice' })
    book()
    await lokroom.deliver()
    expect(received.map(({ headers }) => headers['x-lok-event'])).toEqual(['booking.created'])
    expect(received[0]?.headers['x-lok-signature']).toBe(sign(secret, received[0]?.body ?? ''))
    const off = await lokroom.call('PATCH', `/api/webhooks/${id}`, { active: false })
    expect(off.json).toMatchObject({ url, events: ['booking.created', 'booking.cancelled'], active: false })
    book('booking_2')
    await lokroom.deliver()
    expect(received).toHaveLength(1)
  })

  it('deletes one with what was still to be sent to it (L42)', async () => {
    const { url, received } = await lokroom.customer((response) => response.writeHead(500).end())
    const { id } = await lokroom.register(url)
    book()
    await lokroom.deliver()
    const { status, text } = await lokroom.call(...printed('DELETE').of(id))
    expect([status, text]).toEqual([204, ''])
    await lokroom.clock.advance(3_600_000)
    await lokroom.deliver()
    expect(received).toHaveLength(1)
    expect((await lokroom.call('GET', `/api/webhooks/${id}`)).status).toBe(404)
  })

  it('makes a new secret, by which alone the next attempt is signed, a waiting one’s too (L43)', async () => {
    const { url, received } = await lokroom.customer((response, n) => response.writeHead(n === 1 ? 500 : 200).end())
    const { id, secret } = await lokroom.register(url)
    book()
    await lokroom.deliver()
    const { status, json } = await lokroom.call(...printed('/regenerate-secret').of(id))
    expect(status).toBe(200)
    expect(json.secret).toMatch(/^whsec_/)
    expect(json.secret).not.toBe(secret)
    await lokroom.clock.advance(60_000)
    await lokroom.deliver()
    expect(received.map(({ headers, body }) => [headers['x-lok-signature'], body])).toEqual([
      [sign(secret, received[0]?.body ?? ''), received[0]?.body],
      [sign(json.secret, received[0]?.body ?? ''), received[0]?.body],
    ])
  })
})

describe('Historique des livraisons', () => {
  interface Row {
    readonly id: string
    readonly status: string
  }
  const documented = () => JSON.parse(block('lokroom', 'json', '"statistics"'))

  it('answers in the printed shape: keys, order and types (L46, L47, L48, L49, L50, L51)', async () => {
    const { url } = await lokroom.customer((response, n) =>
      n === 1 ? response.writeHead(503).end() : response.end('{"status":"ok"}'),
    )
    const { id } = await lokroom.register(url)
    book()
    await lokroom.deliver()
    await lokroom.clock.advance(60_000)
    await lokroom.deliver()
    const shown = await lokroom.history(id)
    expect(Object.keys(shown)).toEqual(Object.keys(documented()))
    expect(Object.keys(shown.statistics)).toEqual(Object.keys(documented().statistics))
    expect(Object.keys(shown.deliveries[0])).toEqual(Object.keys(documented().deliveries[0]))
    expect(shown).toEqual({
      deliveries: [
        {
          id: expect.stringMatching(/^delivery_\w+$/),
          event: 'booking.created',
          status: 'success',
          attempts: 2,
          lastAttempt: '2024-01-15T10:31:00Z',
          response: { status: 'ok' },
          createdAt: '2024-01-15T10:30:00Z',
        },
      ],
      statistics: { total: 1, success: 1, failed: 0, pending: 0 },
      page: 1,
      pageSize: 20,
      total: 1,
      pageCount: 1,
    })
  })

  it('takes the printed query, and has pages that hold still with `until` while more arrives (L44, L51)', async () => {
    const { url } = await lokroom.customer()
    const { id } = await lokroom.register(url)
    const send = (count: number) =>
      lokroom.hooks.sendMany(
        Array.from({ length: count }, () => ({ type: 'booking.created', data: BOOKING, tenant: 'alice' }) as const),
      )
    await send(150)
    await lokroom.deliver()
    const { method, path } = printed('/deliveries?')
    const failed = (await lokroom.call(method, path.replace('{id}', id))).json
    expect(failed).toMatchObject({ deliveries: [], page: 1, pageSize: 20, total: 0, pageCount: 0 })
    await lokroom.clock.advance(1_000)
    const until = '2024-01-15T10:30:01Z'
    const seen: string[] = []
    for (let page = 1; page <= 8; page++) {
      await send(3)
      await lokroom.deliver()
      const shown = await lokroom.history(id, `?page=${page}&pageSize=20&until=${until}`)
      expect(shown).toMatchObject({ page, pageSize: 20, total: 150, pageCount: 8 })
      expect(shown.deliveries).toHaveLength(page < 8 ? 20 : 10)
      seen.push(...shown.deliveries.map((row: Row) => row.id))
    }
    expect(new Set(seen).size).toBe(150)
    expect((await lokroom.history(id, `?page=9&pageSize=20&until=${until}`)).deliveries).toEqual([])
    expect((await lokroom.history(id, '?page=1&pageSize=1000000000')).pageSize).toBe(100)
    for (const query of ['pageSize=0', 'pageSize=-1', 'pageSize=abc', 'page=0', 'page=1.5']) {
      expect((await lokroom.call('GET', `/api/webhooks/${id}/deliveries?${query}`)).status).toBe(400)
    }
  }, 60_000)

  it('filters by the document’s words, which cover every state, and counts whatever the filter (L45, L47, L50, L51)', async () => {
    let status = 200
    const { url } = await lokroom.customer((response) => response.writeHead(status).end())
    const { id } = await lokroom.register(url)
    const after = async (code: number, bookingId: string, ...waits: number[]) => {
      status = code
      book(bookingId)
      for (const wait of [0, ...waits]) {
        await lokroom.clock.advance(wait)
        await lokroom.deliver()
      }
    }
    await after(200, 'delivered')
    await after(500, 'failed', 60_000, 300_000)
    await after(500, 'cancelled')
    const [waiting] = (await lokroom.hooks.deliveries.list('alice', { states: ['retrying'] })).data
    await lokroom.hooks.deliveries.cancel('alice', waiting?.id ?? '')
    await lokroom.call('PUT', `/api/webhooks/${id}`, { active: false })
    await after(200, 'skipped')
    await lokroom.call('PUT', `/api/webhooks/${id}`, { active: true })
    await after(500, 'retrying')
    const states = await lokroom.hooks.deliveries.stats('alice')
    expect(states).toMatchObject({ delivered: 1, failed: 1, cancelled: 1, skipped: 1, retrying: 1 })
    const statistics = { total: 5, success: 1, failed: 3, pending: 1 }
    for (const [word, count] of [
      ['success', 1],
      ['failed', 3],
      ['pending', 1],
    ] as const) {
      const shown = await lokroom.history(id, `?page=1&pageSize=20&status=${word}`)
      expect(shown).toMatchObject({ statistics, total: count, pageCount: 1 })
      expect(shown.deliveries.map((row: Row) => row.status)).toEqual(Array(count).fill(word))
    }
    expect((await lokroom.history(id)).statistics).toEqual(statistics)
    for (const word of ['delivered', 'retrying', 'failure', '']) {
      expect((await lokroom.call('GET', `/api/webhooks/${id}/deliveries?status=${word}`)).status).toBe(400)
    }
    const words = Object.values(contract.api.states ?? {}).flat()
    expect(words.sort()).toEqual(Object.keys(states).sort())
  })

  it('shows what the customer’s server said: JSON as such, text as text, no more than 16 KiB, and nothing that runs (L49)', async () => {
    const said = ['{"status":"ok"}', 'plain text', '<script>alert(1)</script>', `"${'x'.repeat(100_000)}"`, '']
    const { url } = await lokroom.customer((response, n) => response.end(said[n - 1]))
    const { id } = await lokroom.register(url)
    const shown: unknown[] = []
    for (const [i] of said.entries()) {
      book(`booking_${i}`)
      await lokroom.deliver()
      await lokroom.clock.advance(1_000)
      shown.push((await lokroom.history(id)).deliveries[0].response)
    }
    expect(shown).toEqual([{ status: 'ok' }, said[1], said[2], said[3]?.slice(0, 16_384), null])
    const answer = await fetch(`${await lokroom.listen(lokroom.app)}/api/webhooks/${id}/deliveries`, {
      headers: { authorization: 'Bearer YOUR_TOKEN' },
    })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  })
})

describe('Tester un webhook', () => {
  it('sends the chosen event with valid data, once, signed, whatever the webhook is subscribed to (L18, L52)', async () => {
    const { url, received } = await lokroom.customer()
    const { id, secret } = await lokroom.register(url, ['payment.succeeded'])
    expect((await lokroom.call(...printed('/test\n').of(id))).status).toBe(202)
    await lokroom.deliver()
    expect(received).toHaveLength(1)
    const [{ headers, body }] = received as [Received]
    expect(headers['x-lok-signature']).toBe(sign(secret, body))
    expect(Object.keys(JSON.parse(body))).toEqual(['event', 'timestamp', 'data'])
    expect(JSON.parse(body)).toMatchObject({ event: 'booking.created', data: BOOKING })
    // Without a choice it is one of its own events.
    expect((await lokroom.call('POST', `/api/webhooks/${id}/test`)).status).toBe(202)
    await lokroom.deliver()
    expect(received[1]?.headers['x-lok-event']).toBe('payment.succeeded')
    const unknown = await lokroom.call('POST', `/api/webhooks/${id}/test`, { event: 'booking.lost' })
    expect([unknown.status, unknown.json.field]).toEqual([422, 'event'])
  })
})

describe('Dépannage', () => {
  it('has a history that says why nothing arrived: no answer, a refused or a blocked address (L57)', async () => {
    const broken = await lokroom.customer((response) => response.destroy())
    const gone = (await lokroom.listen(() => {})).replace(/\d+$/, '1')
    for (const [url, error] of [
      [broken.url, 'connection_reset'],
      [`${gone}/webhooks`, 'connect_refused'],
    ] as const) {
      const { id } = await lokroom.register(url)
      await lokroom.call('POST', `/api/webhooks/${id}/test`)
      await lokroom.deliver()
      const [{ response }] = (await lokroom.history(id)).deliveries
      expect(response).toEqual({ error, message: expect.stringMatching(/^[A-Z].*\.$/) })
    }
    const live = await stage({
      dev: false,
      resolver: { resolve: async () => [{ address: '10.0.0.7', family: 4, ttlMs: 1_000 }] },
    })
    try {
      const { id } = await live.register(URL_)
      live.createBooking('alice', BOOKING)
      await live.deliver()
      const [{ response }] = (await live.history(id)).deliveries
      expect(response.error).toBe('address_blocked')
      expect(JSON.stringify(response)).not.toContain('10.0.0.7')
      expect((await live.call('POST', '/api/webhooks', { url: 'https://10.0.0.7/' })).json.code).toBe('address_blocked')
    } finally {
      await live.end()
    }
  })

  it('goes from the failure in the history to a test that succeeds once the server is mended (L58)', async () => {
    let status = 500
    const { url } = await lokroom.customer((response) => response.writeHead(status).end('{"error":"no database"}'))
    const { id } = await lokroom.register(url)
    book()
    await lokroom.deliver()
    expect((await lokroom.history(id)).deliveries[0]).toMatchObject({
      status: 'pending',
      response: { error: 'no database' },
    })
    status = 200
    await lokroom.clock.advance(1_000)
    await lokroom.call(...printed('/test\n').of(id))
    await lokroom.deliver()
    expect((await lokroom.history(id)).deliveries.map((row: { status: string }) => row.status)).toEqual([
      'success',
      'pending',
    ])
  })
})

describe('Support', () => {
  it('has the document’s three links on the page for customers and on the generated one (L61)', async () => {
    for (const { url } of SUPPORT) expect(document('lokroom')).toContain(url.replace('mailto:', ''))
    const portal = await (await fetch(`${lokroom.api}/settings/webhooks`)).text()
    const links = SUPPORT.map(({ label, url }) => ({ text: label, href: url }))
    const pages = consumerDocs(contract, { product: "Lok'Room", version: '1.0.0', date: '2024-01-15', links })
    for (const { label, url } of SUPPORT) {
      expect(portal).toContain(url)
      expect(pages['webhooks.fr.md']).toContain(`- [${label}](${url})`)
      expect(pages['webhooks.fr.html']).toContain(`href="${url}"`)
    }
  })
})

describe('the page for customers', () => {
  it('lets in whoever has a link, to the history and the test of their own webhooks alone (L58)', async () => {
    const { url, received } = await lokroom.customer((response, n) => response.writeHead(n === 1 ? 500 : 200).end())
    const { id } = await lokroom.register(url)
    await lokroom.register(URL_, ['booking.created'], 'OTHER_TOKEN')
    book()
    await lokroom.deliver()
    const page = await fetch(`${lokroom.api}/settings/webhooks`)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await page.text()).toContain("<title>Lok'Room</title>")
    const token = (await lokroom.portal.link({ tenant: 'alice' })).replace(/^#/, '')
    const call = async (method: string, path: string, authorization = `Bearer ${token}`) => {
      const answer = await fetch(`${lokroom.api}/settings/webhooks/api/v1${path}`, {
        method,
        headers: { authorization },
      })
      const json = (await answer.json()) as { data: readonly { id: string }[] }
      return { status: answer.status, json }
    }
    const { json } = await call('GET', '/endpoints')
    expect(json.data.map((one) => one.id)).toEqual([id])
    const history = (await call('GET', `/endpoints/${id}/deliveries`)).json.data
    expect(history[0]).toMatchObject({ type: 'booking.created', state: 'retrying', last: { status: 500 } })
    expect((await call('POST', `/endpoints/${id}/test`)).status).toBe(202)
    await lokroom.deliver()
    expect(received).toHaveLength(2)
    expect((await call('GET', '/endpoints', 'Bearer nobody')).status).toBe(401)
  })
})

import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createReceiver, memoryInbox } from '@hooks/receiver'
import { block, expressVersions, php, python3, runPhp, runPython, runSample } from 'documents'
import express from 'express'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contract } from '../src/contract.ts'
import { createBusyCustomer, createCustomer, type Handlers, rateLimit } from '../src/receiver.ts'
import { type Received, recorder, type Stage, stage } from './stage.ts'

const PATH = '/webhooks/lokroom'
const BOOKING = contract.events.get('booking.created')?.example as Parameters<Stage['createBooking']>[1]
const PAYMENT = contract.events.get('payment.succeeded')?.example as { bookingId: string; amount: number }

let lokroom: Stage
beforeEach(async () => {
  lokroom = await stage()
})
afterEach(() => lokroom.end())

interface Sent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Requests of Lok'Room as they arrive, and the secret that signs them. */
async function requests(...messages: readonly (readonly [type: string, data: object])[]) {
  const { url, received } = await lokroom.customer()
  const { secret } = (await lokroom.call('POST', '/api/webhooks', { url })).json as { secret: string }
  for (const [type, data] of messages) {
    await lokroom.hooks.send(type as 'booking.confirmed', data, { tenant: 'alice' })
    await lokroom.deliver()
    await lokroom.clock.advance(1_000)
  }
  return { secret, sent: received.map(own) }
}

/** What our sender says in a request, without what HTTP adds. */
const own = ({ headers, body }: Received): Sent => {
  const names = ['content-type', 'x-lok-signature', 'x-lok-event', 'x-lok-timestamp', 'x-lok-attempt', 'user-agent']
  return { headers: Object.fromEntries(names.map((name) => [name, String(headers[name])])), body }
}
const altered = ({ headers, body }: Sent): Sent => ({ headers, body: body.replace('EUR', 'USD') })

/** A customer's server, and how to post to it. */
async function customer(secret: string, handlers: Handlers = {}) {
  const { lines, logger } = recorder()
  const url = `${await lokroom.listen(createCustomer(secret, handlers, logger))}${PATH}`
  return { url, lines, post: (sent: Sent) => post(url, sent) }
}
async function post(url: string, { headers, body }: Sent) {
  const answer = await fetch(url, { method: 'POST', headers, body })
  return [answer.status, await answer.text()] as const
}

describe('Vérification de la signature', () => {
  it('cannot be left out: there is no receiver without a secret (L21)', () => {
    expect(() => createCustomer(undefined, {})).toThrow(expect.objectContaining({ code: 'secret_missing' }))
    expect(() => createCustomer('', {})).toThrow()
    expect(() => createReceiver({ contract, secret: undefined })).toThrow()
  })

  it('answers in the document’s words (L23, L34)', async () => {
    const { secret, sent } = await requests(['booking.created', BOOKING])
    const [honest] = sent as [Sent]
    const seen: unknown[] = []
    const { post } = await customer(secret, { bookingCreated: (booking) => seen.push(booking) })
    const { 'x-lok-signature': signature = '', ...rest } = honest.headers
    const signed = (value: string) => ({ headers: { ...rest, 'x-lok-signature': value }, body: honest.body })
    for (const forged of [
      altered(honest),
      { headers: rest, body: honest.body },
      signed('abc'),
      signed(`sha256=${signature}`),
      signed(`${signature}, ${signature}`),
      signed(signature.replace(/.$/, (last) => (last === '0' ? '1' : '0'))),
    ]) {
      expect(await post(forged)).toEqual([401, 'Invalid signature'])
    }
    expect(seen).toEqual([])
    expect(await post(honest)).toEqual([200, 'OK'])
    expect(seen).toEqual([BOOKING])
  })

  it.each(expressVersions)(
    'is what the document’s Node.js sample accepts, and nothing altered, on %s (L19, L22, L23)',
    async (_, version) => {
      const { secret, sent } = await requests(['booking.created', BOOKING], ['payment.succeeded', PAYMENT])
      const handled: unknown[] = []
      const sample = await runSample(block('lokroom', 'javascript', 'verifyWebhookSignature'), version, {
        process: { env: { LOKROOM_WEBHOOK_SECRET: secret } },
        handleBookingCreated: (data: unknown) => handled.push(data),
        handlePaymentSucceeded: (data: unknown) => handled.push(data),
      })
      try {
        for (const one of sent) {
          expect(await sample.post(PATH, one.headers, one.body)).toEqual({ status: 200, body: 'OK' })
          expect(await sample.post(PATH, one.headers, altered(one).body)).toEqual({
            status: 401,
            body: 'Invalid signature',
          })
        }
        expect(handled).toEqual([BOOKING, PAYMENT])
      } finally {
        await sample.close()
      }
    },
  )

  it.runIf(python3)('is what the document’s Python sample accepts, and nothing altered (L24)', async () => {
    const { secret, sent } = await requests(['booking.created', BOOKING], ['payment.succeeded', PAYMENT])
    const cases = sent
      .flatMap((one) => [one, altered(one)])
      .map(({ headers, body }) => ({
        route: PATH,
        headers: { 'X-Lok-Signature': String(headers['x-lok-signature']) },
        body,
      }))
    const results = runPython(block('lokroom', 'python', 'verify_webhook_signature'), cases, {
      environment: { LOKROOM_WEBHOOK_SECRET: secret },
      handlers: ['handle_booking_created', 'handle_payment_succeeded'],
    })
    const refused = ['Invalid signature', 401]
    expect(results).toEqual([['OK', 200], refused, ['OK', 200], refused])
  })

  it.runIf(php)(
    'is what the document’s PHP sample accepts, and nothing altered (L25)',
    async () => {
      const { secret, sent } = await requests(['booking.created', BOOKING], ['payment.succeeded', PAYMENT])
      const sample = await runPhp(block('lokroom', 'php', 'verifyWebhookSignature'), {
        environment: { LOKROOM_WEBHOOK_SECRET: secret },
        handlers: ['handleBookingCreated', 'handlePaymentSucceeded'],
      })
      try {
        for (const one of sent) {
          expect(await sample.post(PATH, one.headers, one.body)).toEqual({ status: 200, body: 'OK' })
          expect(await sample.post(PATH, one.headers, altered(one).body)).toEqual({
            status: 401,
            body: 'Invalid signature',
          })
        }
      } finally {
        await sample.close()
      }
    },
    60_000,
  )

  it('does not cover the time in the header: moved to 2031, it is the same message again (L28)', async () => {
    const { secret, sent } = await requests(['booking.created', BOOKING])
    const [{ headers, body }] = sent as [Sent]
    const seen: unknown[] = []
    const { post } = await customer(secret, { bookingCreated: ({ id }) => seen.push(id) })
    expect(await post({ headers: { ...headers, 'x-lok-timestamp': '2031-01-01T00:00:00Z' }, body })).toEqual([
      200,
      'OK',
    ])
    expect(await post({ headers, body })).toEqual([200, 'OK'])
    expect(seen).toEqual(['booking_abc123'])
  })
})

describe('1. Répondre rapidement', () => {
  it('answers 200 once the event is in the inbox, and works after that (L31)', async () => {
    const { secret, sent } = await requests(['booking.created', BOOKING])
    const [honest] = sent as [Sent]
    let release = () => {}
    const held = new Promise<void>((done) => {
      release = done
    })
    const seen: unknown[] = []
    const { app, webhooks } = createBusyCustomer(
      secret,
      {
        async bookingCreated({ id }) {
          await held
          seen.push(id)
        },
      },
      memoryInbox(),
    )
    const url = `${await lokroom.listen(app)}${PATH}`
    webhooks.start()
    try {
      expect(await post(url, honest)).toEqual([200, 'OK'])
      expect(await post(url, honest)).toEqual([200, 'OK'])
      expect(await post(url, altered(honest))).toEqual([401, 'Invalid signature'])
      expect(seen).toEqual([])
      release()
      await vi.waitFor(() => expect(seen).toEqual(['booking_abc123']), { timeout: 10_000 })
    } finally {
      release()
      await webhooks.stop()
    }
    expect(seen).toEqual(['booking_abc123'])
  }, 30_000)
})

describe('2. Idempotence', () => {
  it('takes a retry for what it is, and a cancellation and payments without an id for new (L32)', async () => {
    const { secret, sent } = await requests(
      ['booking.created', BOOKING],
      ['booking.cancelled', { id: BOOKING.id }],
      ['payment.succeeded', { ...PAYMENT, paymentIntentId: 'pi_1' }],
      ['payment.succeeded', { ...PAYMENT, paymentIntentId: 'pi_2' }],
      ['payment.succeeded', { ...PAYMENT, paymentIntentId: 'pi_2' }],
    )
    const seen: string[] = []
    const { post } = await customer(secret, {
      bookingCreated: () => seen.push('created'),
      bookingCancelled: () => seen.push('cancelled'),
      paymentSucceeded: () => seen.push('paid'),
    })
    for (const one of [...sent, ...sent, ...sent]) expect(await post(one)).toEqual([200, 'OK'])
    expect(seen).toEqual(['created', 'cancelled', 'paid', 'paid', 'paid'])
  })

  it('works once for five copies at the same time (L32)', async () => {
    const { secret, sent } = await requests(['booking.created', BOOKING])
    const [honest] = sent as [Sent]
    const seen: unknown[] = []
    const { post } = await customer(secret, {
      async bookingCreated({ id }) {
        await sleep(50)
        seen.push(id)
      },
    })
    await Promise.all(Array.from({ length: 5 }, () => post(honest)))
    expect(await post(honest)).toEqual([200, 'OK'])
    expect(seen).toEqual(['booking_abc123'])
  })

  it('absorbs the second attempt after an answer that was lost: same bytes, attempt 2 (L60)', async () => {
    const seen: unknown[] = []
    const received: Received[] = []
    let origin = ''
    // Between the two, a network that loses the first answer.
    const lossy = await lokroom.listen((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', async () => {
        const { method, url: path, headers } = request
        received.push({ method, path, headers, body: Buffer.concat(chunks).toString() })
        const [status, text] = await post(`${origin}${PATH}`, own(received.at(-1) as Received))
        if (received.length === 1) response.destroy()
        else response.writeHead(status).end(text)
      })
    })
    const { id, secret } = await lokroom.register(`${lossy}${PATH}`)
    origin = await lokroom.listen(createCustomer(secret, { bookingCreated: (booking) => seen.push(booking.id) }))
    lokroom.createBooking('alice', BOOKING)
    await lokroom.deliver()
    await lokroom.clock.advance(60_000)
    await lokroom.deliver()
    expect(received.map(({ headers }) => headers['x-lok-attempt'])).toEqual(['1', '2'])
    expect(received[1]?.body).toBe(received[0]?.body)
    expect(seen).toEqual(['booking_abc123'])
    expect((await lokroom.history(id)).deliveries[0]).toMatchObject({ status: 'success', attempts: 2, response: 'OK' })
  })
})

describe('3. Gestion des erreurs', () => {
  it('answers 500 where the work fails, without saying why, and does it when Lok’Room comes again a minute later (L33, L34)', async () => {
    let tries = 0
    const done: unknown[] = []
    const app = { current: express() }
    const { id, secret } = await lokroom.register(
      `${await lokroom.listen((request, response) => app.current(request, response))}${PATH}`,
    )
    const { lines, logger } = recorder()
    app.current = createCustomer(
      secret,
      {
        bookingCreated(booking) {
          if (tries++ === 0) throw new Error('the database is away: password=hunter2')
          done.push(booking.id)
        },
      },
      logger,
    )
    lokroom.createBooking('alice', BOOKING)
    await lokroom.deliver()
    expect((await lokroom.history(id)).deliveries[0]).toMatchObject({
      status: 'pending',
      attempts: 1,
      response: 'Internal error',
    })
    const stored = await lokroom.hooks.deliveries.list('alice')
    expect(stored.data[0]?.last?.status).toBe(500)
    expect(lines).toContainEqual([expect.objectContaining({ code: 'handler_failed' }), expect.any(String)])
    await lokroom.clock.advance(59_999)
    await lokroom.deliver()
    expect(tries).toBe(1)
    await lokroom.clock.advance(1)
    await lokroom.deliver()
    expect([tries, done]).toEqual([2, ['booking_abc123']])
    expect((await lokroom.history(id)).deliveries[0]).toMatchObject({ status: 'success', attempts: 2, response: 'OK' })
  })
})

describe('4. Sécurité', () => {
  it('gives no handler data that is not of its form, though it is signed (L37)', async () => {
    const seen: unknown[] = []
    const secret = 'whsec_1234567890abcdef'
    const { post, lines } = await customer(secret, { bookingCreated: (booking) => seen.push(booking) })
    const body = JSON.stringify({ event: 'booking.created', timestamp: '2024-01-15T10:30:00Z', data: { id: 7 } })
    const headers = {
      'content-type': 'application/json',
      'x-lok-signature': createHmac('sha256', secret).update(body).digest('hex'),
    }
    expect((await post({ headers, body }))[0]).toBe(500)
    expect(seen).toEqual([])
    expect(lines).toContainEqual([expect.objectContaining({ code: 'payload_invalid' }), expect.any(String)])
  })

  it('may turn away what is too much before it is read: it comes again, and nothing is lost (L38)', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2024-01-15T10:30:00Z') })
    try {
      const seen: string[] = []
      const app = express()
      const { id, secret } = await lokroom.register(`${await lokroom.listen(app)}${PATH}`)
      app.use(rateLimit(2))
      app.use(createCustomer(secret, { bookingCreated: (booking) => seen.push(booking.id) }))
      for (const n of [1, 2, 3, 4, 5]) lokroom.createBooking('alice', { ...BOOKING, id: `booking_${n}` })
      await lokroom.deliver()
      expect(seen).toHaveLength(2)
      const refused = (await lokroom.hooks.deliveries.list('alice', { states: ['retrying'] })).data
      expect(refused.map(({ last }) => last?.status)).toEqual([429, 429, 429])
      for (const wait of [60_000, 300_000]) {
        vi.setSystemTime(Date.now() + wait)
        await lokroom.clock.advance(wait)
        await lokroom.deliver()
      }
      expect(seen.sort()).toEqual([1, 2, 3, 4, 5].map((n) => `booking_${n}`))
      expect((await lokroom.history(id)).statistics).toEqual({ total: 5, success: 5, failed: 0, pending: 0 })
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('Erreur de signature', () => {
  it('is explained in the customer’s own log: another secret, a body that was parsed and written again (L59)', async () => {
    const { secret, sent } = await requests(['booking.created', BOOKING])
    const [honest] = sent as [Sent]
    const wrong = await customer(`${secret}x`)
    expect(await wrong.post(honest)).toEqual([401, 'Invalid signature'])
    expect(JSON.stringify(wrong.lines)).toContain('another secret')
    const quoted = await customer(`"${secret}"`)
    await quoted.post(honest)
    expect(JSON.stringify(quoted.lines)).toContain('the secret fits without quotes')
    const right = await customer(secret)
    await right.post({ ...honest, body: JSON.stringify(JSON.parse(honest.body), null, 2) })
    expect(JSON.stringify(right.lines)).toContain('JSON round trip')
    for (const { lines } of [wrong, quoted, right]) {
      expect(JSON.stringify(lines)).not.toContain(secret.replace('whsec_', ''))
      expect(JSON.stringify(lines)).not.toContain(honest.headers['x-lok-signature'])
    }
  })
})

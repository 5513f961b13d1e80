import { inspect } from 'node:util'
import {
  type DeliveryView,
  headerBag,
  hmacFormat,
  part,
  platformCrypto,
  silentLogger,
  standardWebhooks,
  verifyRequest,
} from '@hooks/core'
import { describe, expect, it } from 'vitest'
import type { TransportRequest } from '../src/seams.ts'
import { stage } from './stage.ts'

const code = (wanted: string) => expect.objectContaining({ code: wanted })

async function verifies(
  request: TransportRequest,
  secret: string,
  clock: { now(): Date },
  format = standardWebhooks(),
) {
  const raw = { method: 'POST', url: request.url.href, headers: headerBag(request.headers), body: request.body }
  const keys = [{ keyId: '0', keys: format.keys(secret, 'verify') }]
  return verifyRequest(format, keys, raw, clock as never, platformCrypto()).then(
    () => true,
    () => false,
  )
}

describe('endpoints', () => {
  it('are created with a secret that no other answer shows', async () => {
    const { hooks, endpoint } = await stage()
    expect(endpoint.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const answers = [
      await hooks.endpoints.get('acme', endpoint.id),
      await hooks.endpoints.list('acme'),
      await hooks.endpoints.update('acme', endpoint.id, { name: 'Orders' }),
      await hooks.endpoints.disable('acme', endpoint.id),
    ]
    expect(inspect(answers, { depth: 9 })).not.toContain(endpoint.secret.slice(6))
    expect(inspect(hooks, { depth: 9 })).not.toContain(endpoint.secret.slice(6))
  })

  it('change in everything that one update names, the state with it', async () => {
    const { hooks, endpoint } = await stage()
    const change = {
      events: ['user.deleted'],
      name: 'Users',
      enabled: false,
      url: 'https://acme.example/users',
    } as const
    expect(await hooks.endpoints.update('acme', endpoint.id, change)).toMatchObject({ ...change, reason: 'manual' })
    const again = await hooks.endpoints.update('acme', endpoint.id, { enabled: true, name: 'All' })
    expect(again).toMatchObject({ events: ['user.deleted'], name: 'All', enabled: true, reason: null })
  })

  it('take a secret of their owner where the format can', async () => {
    const format = hmacFormat({
      name: 'acme',
      secret: 'text',
      body: { event: part.type, data: part.data },
      signature: { header: 'x-acme-signature' },
    })
    const { hooks, clock, requests } = await stage(() => 200, { format })
    const { secret } = await hooks.endpoints.create('globex', {
      url: 'https://globex.example/',
      secret: 'your_webhook_secret',
    })
    expect(secret).toBe('your_webhook_secret')
    await hooks.send('user.deleted', {}, { tenant: 'globex' })
    await hooks.drain({ maxMs: 10_000 })
    expect(await verifies(requests[0] as TransportRequest, 'your_webhook_secret', clock, format)).toBe(true)
    const weak = hooks.endpoints.create('globex', { url: 'https://globex.example/', secret: 'weak' })
    await expect(weak).rejects.toThrow(code('secret_too_short'))
    expect((await hooks.endpoints.list('globex')).data).toHaveLength(1)
  })

  for (const [url, wanted] of [
    ['http://acme.example/', 'url_scheme'],
    ['https://127.0.0.1/', 'address_blocked'],
    ['https://[::ffff:10.0.0.1]/', 'address_blocked'],
    ['https://localhost/', 'url_host'],
    ['https://user:password@acme.example/', 'url_credentials'],
    ['https://acme.example:6379/', 'url_port'],
    ['nonsense', 'url_invalid'],
    [undefined, 'url_invalid'],
  ] as const) {
    it(`refuse the URL ${url} at creation and at update`, async () => {
      const { hooks, endpoint } = await stage()
      await expect(hooks.endpoints.create('acme', { url: url as string })).rejects.toThrow(code(wanted))
      if (url) await expect(hooks.endpoints.update('acme', endpoint.id, { url })).rejects.toThrow(code(wanted))
      expect((await hooks.endpoints.get('acme', endpoint.id)).url).toBe('https://acme.example/webhooks')
    })
  }

  it('may be http and loopback, on any port, in development', async () => {
    const { hooks } = await stage(() => 200, { dev: true })
    await hooks.endpoints.create('acme', { url: 'http://localhost:3000/webhook' })
    await hooks.endpoints.create('acme', { url: 'http://127.0.0.1:4000/webhook' })
    await expect(hooks.endpoints.create('acme', { url: 'http://10.0.0.1/' })).rejects.toThrow(code('address_blocked'))
  })

  it('belong to one tenant, and are not found by another', async () => {
    const { hooks, endpoint } = await stage()
    const missing = code('endpoint_not_found')
    await expect(hooks.endpoints.get('globex', endpoint.id)).rejects.toThrow(missing)
    await expect(hooks.endpoints.update('globex', endpoint.id, { name: 'x' })).rejects.toThrow(missing)
    await expect(hooks.endpoints.remove('globex', endpoint.id)).rejects.toThrow(missing)
    await expect(hooks.endpoints.rotateSecret('globex', endpoint.id)).rejects.toThrow(missing)
    await expect(hooks.endpoints.sendTest('globex', endpoint.id)).rejects.toThrow(missing)
  })

  it('are no more than the limit, however many are created at once', async () => {
    const { hooks } = await stage(() => 200, { endpointLimit: 5 })
    const racing = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => hooks.endpoints.create('acme', { url: `https://acme.example/${i}` })),
    )
    expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    expect(racing.filter((one) => one.status === 'rejected' && one.reason.code === 'endpoint_limit')).toHaveLength(16)
    await hooks.endpoints.create('globex', { url: 'https://globex.example/' })
  })

  it('keep what an update does not name', async () => {
    const { hooks } = await stage()
    const made = await hooks.endpoints.create('acme', {
      url: 'https://acme.example/2',
      events: ['booking.*'],
      name: 'Orders',
      metadata: { team: 'a' },
    })
    const updated = await hooks.endpoints.update('acme', made.id, { events: ['user.deleted'] })
    expect(updated).toMatchObject({
      url: 'https://acme.example/2',
      name: 'Orders',
      metadata: { team: 'a' },
      events: ['user.deleted'],
    })
    expect((await hooks.endpoints.update('acme', made.id, { events: null })).events).toBeNull()
  })

  it('lose no change when many change one at once', async () => {
    const { hooks, endpoint } = await stage()
    await Promise.all([
      hooks.endpoints.update('acme', endpoint.id, { name: 'Orders' }),
      hooks.endpoints.update('acme', endpoint.id, { metadata: { a: 'b' } }),
      hooks.endpoints.update('acme', endpoint.id, { channels: ['eu'] }),
    ])
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({
      name: 'Orders',
      metadata: { a: 'b' },
      channels: ['eu'],
    })
  })

  it('record what they miss while they are disabled, and send nothing', async () => {
    const { hooks, endpoint, requests } = await stage()
    await hooks.endpoints.disable('acme', endpoint.id)
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    expect(requests).toHaveLength(0)
    const [skipped] = (await hooks.deliveries.list('acme')).data
    expect(skipped).toMatchObject({ state: 'skipped', reason: 'endpoint_disabled' })
    await expect(hooks.deliveries.resend('acme', skipped?.id as string)).rejects.toThrow(code('endpoint_disabled'))
    await hooks.endpoints.enable('acme', endpoint.id)
    await hooks.deliveries.resend('acme', skipped?.id as string)
    await hooks.drain({ maxMs: 10_000 })
    expect(requests).toHaveLength(1)
  })

  it('that are enabled by an update are told of, as those that are enabled by name', async () => {
    const { hooks, endpoint } = await stage()
    const told: string[] = []
    hooks.on('endpoint.enabled', ({ endpointId, by }) => void told.push(`${endpointId} ${by}`))
    await hooks.endpoints.update('acme', endpoint.id, { enabled: true })
    await hooks.endpoints.update('acme', endpoint.id, { enabled: false })
    expect(told).toEqual([])
    await hooks.endpoints.update('acme', endpoint.id, { enabled: true, name: 'again' })
    expect(told).toEqual([`${endpoint.id} hand`])
  })

  it('can be created disabled', async () => {
    const { hooks, requests } = await stage()
    const quiet = await hooks.endpoints.create('globex', { url: 'https://globex.example/', enabled: false })
    expect(quiet).toMatchObject({ enabled: false, reason: 'manual' })
    await hooks.send('user.deleted', {}, { tenant: 'globex' })
    await hooks.drain({ maxMs: 10_000 })
    expect(requests).toHaveLength(0)
  })

  it('get no further request once they are removed, waiting retries included', async () => {
    const { hooks, endpoint, requests, clock } = await stage(() => 500)
    const { id } = await hooks.send('user.deleted', {}, { tenant: 'acme' })
    hooks.start()
    await clock.advance(100)
    expect(requests).toHaveLength(1)
    await hooks.endpoints.remove('acme', endpoint.id)
    await clock.advance(3_600_000)
    expect(requests).toHaveLength(1)
    await expect(hooks.endpoints.get('acme', endpoint.id)).rejects.toThrow(code('endpoint_not_found'))
    const { endpoints } = await hooks.messages.get('acme', id)
    expect(endpoints[0]).toMatchObject({ delivery: { state: 'cancelled', reason: 'endpoint_deleted' } })
  })

  it('that are removed, and created again under the same key, get what is theirs at their new URL', async () => {
    const { hooks, clock, requests } = await stage()
    const create = (url: string) => hooks.endpoints.create('globex', { url }, { idempotencyKey: 'main' })
    hooks.start()
    const first = await create('https://old.globex.example/')
    await hooks.send('user.deleted', {}, { tenant: 'globex' })
    await clock.advance(100)
    await hooks.endpoints.remove('globex', first.id)
    const second = await create('https://new.globex.example/')
    await hooks.send('user.deleted', {}, { tenant: 'globex' })
    await clock.advance(100)
    expect(requests.map(({ url }) => url.host)).toEqual(['old.globex.example', 'new.globex.example'])
    expect(await verifies(requests[1] as TransportRequest, second.secret, clock)).toBe(true)
    await hooks.stop()
  })

  it('that are removed end what is in flight as cancelled, and that it was received all the same is logged', async () => {
    const said: unknown[] = []
    const logger = { ...silentLogger, info: (what: object) => void said.push(what) }
    let answer = () => {}
    const answered = new Promise<number>((resolve) => {
      answer = () => resolve(204)
    })
    const { hooks, endpoint, requests, clock } = await stage(() => answered, { logger })
    const { id } = await hooks.send('user.deleted', {}, { tenant: 'acme' })
    hooks.start()
    await clock.advance(100)
    expect(requests).toHaveLength(1)
    await hooks.endpoints.remove('acme', endpoint.id)
    answer()
    await clock.advance(100)
    const [found] = (await hooks.messages.get('acme', id)).endpoints
    const { delivery } = found as { delivery: DeliveryView }
    expect(delivery).toMatchObject({ state: 'cancelled', reason: 'endpoint_deleted', attempts: 0 })
    expect(said).toEqual([{ deliveryId: delivery.id, endpointId: endpoint.id, status: 204 }])
  })

  it('that are disabled before they are removed keep on record what was in flight', async () => {
    let answer = () => {}
    const answered = new Promise<number>((resolve) => {
      answer = () => resolve(204)
    })
    const { hooks, endpoint, requests, clock } = await stage(() => answered)
    const { id } = await hooks.send('user.deleted', {}, { tenant: 'acme' })
    hooks.start()
    await clock.advance(100)
    expect(requests).toHaveLength(1)
    await hooks.endpoints.disable('acme', endpoint.id)
    answer()
    await clock.advance(100)
    await hooks.endpoints.remove('acme', endpoint.id)
    const { endpoints } = await hooks.messages.get('acme', id)
    expect(endpoints).toMatchObject([{ delivery: { state: 'delivered', attempts: 1 } }])
  })

  it('are signed for by old and new secret during the overlap of a rotation, then by the new one alone', async () => {
    const { hooks, endpoint, requests, clock } = await stage()
    const { secret } = await hooks.endpoints.rotateSecret('acme', endpoint.id)
    const deliver = async () => {
      await hooks.send('user.deleted', {}, { tenant: 'acme' })
      await hooks.drain({ maxMs: 10_000 })
      return requests.at(-1) as TransportRequest
    }
    const during = await deliver()
    expect(await verifies(during, secret, clock)).toBe(true)
    expect(await verifies(during, endpoint.secret, clock)).toBe(true)
    await clock.advance(24 * 3_600_000)
    const after = await deliver()
    expect(await verifies(after, secret, clock)).toBe(true)
    expect(await verifies(after, endpoint.secret, clock)).toBe(false)
  })

  it('get a test event: the example of the catalog, through the real path', async () => {
    const { hooks, endpoint, requests } = await stage()
    await hooks.endpoints.create('acme', { url: 'https://acme.example/other' })
    await hooks.endpoints.sendTest('acme', endpoint.id)
    await hooks.drain({ maxMs: 10_000 })
    expect(requests).toHaveLength(1)
    expect(JSON.parse(Buffer.from(requests[0]?.body as Uint8Array).toString())).toMatchObject({
      type: 'booking.created',
      data: { id: 'booking_1' },
    })
    await expect(hooks.endpoints.sendTest('acme', endpoint.id, { type: 'nope' as never })).rejects.toThrow(
      code('event_type_unknown'),
    )
    await expect(hooks.endpoints.sendTest('acme', endpoint.id, { type: 'user.deleted' })).rejects.toThrow(
      code('payload_invalid'),
    )
  })
})

import { ConfigurationError, defineContract, defineEvents, HooksError, silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createSender, memoryStorage } from '../src/index.ts'

const contract = defineContract({ events: defineEvents({ 'order.paid': {} }) })
const storage = memoryStorage()
const good = { contract, storage, logger: silentLogger }
const create = createSender as (options?: unknown) => unknown

/** What a plain JavaScript host may hand over. */
describe('createSender refuses, and says which option it is', () => {
  it.each([
    ['createSender takes an object', undefined],
    ['createSender needs contract', {}],
    ['createSender needs storage', { contract }],
    ['createSender: storage', { contract, storage: Promise.resolve(storage) }],
    ['createSender: contract', { contract: { events: {} }, storage }],
    ['createSender: concurrency', { ...good, concurrency: '5' }],
    ['createSender: endpointConcurrency', { ...good, endpointConcurrency: 0.5 }],
    ['createSender: endpointLimit', { ...good, endpointLimit: 0 }],
    ['lease', { ...good, lease: 'soon' }],
    ['the lease is shorter', { ...good, lease: '5s' }],
    ['poll', { ...good, poll: -1 }],
    ['poll is shorter than 10 ms', { ...good, poll: 0 }],
    ['createSender: retention', { ...good, retention: 30 }],
    ['retention: payloads', { ...good, retention: { payloads: true } }],
    ['retention has no option "payload"', { ...good, retention: { payload: '1d' } }],
    ['allowPrivateNetworks', { ...good, allowPrivateNetworks: ['10.1'] }],
    ['allowPrivateNetworks', { ...good, allowPrivateNetworks: '10.0.0.0/8' }],
    ['createSender: ca', { ...good, ca: ['no certificate'] }],
    ['keyring needs current', { ...good, keyring: {} }],
    ['keyring needs keys', { ...good, keyring: { current: 'k1' } }],
    ['keyring.keys', { ...good, keyring: { current: 'k1', keys: { k1: 'short' } } }],
    ['keyring.current names none', { ...good, keyring: { current: 'k1', keys: {} } }],
    ['createSender: queue', { ...good, queue: 'redis' }],
    ['ordering: onBlocked', { ...good, ordering: { onBlocked: 'wait' } }],
    ['ordering.wait', { ...good, ordering: { wait: 'long' } }],
    ['createSender: userAgent', { ...good, userAgent: 'a\r\nx-admin: 1' }],
    ['createSender: alsoSign', { ...good, alsoSign: 'github' }],
    ['createSender: clock', { ...good, clock: Date }],
    ['createSender: logger', { ...good, logger: {} }],
    ['createSender has no option "endpointConcurency"', { ...good, endpointConcurency: 3 }],
  ])('%s', (message, options) => {
    expect(() => create(options)).toThrow(ConfigurationError)
    expect(() => create(options)).toThrow(message)
  })
})

describe('a call refuses what it would not understand, and stores nothing', () => {
  // biome-ignore lint/suspicious/noExplicitAny: what has no type is the matter here
  const hooks = create(good) as any
  const to = { tenant: 'acme' }
  const url = 'https://receiver.example/'
  const never = new Date(Number.NaN)
  const calls: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    ['event_type_unknown', 'event type', () => hooks.send()],
    ['tenant_invalid', 'tenant', () => hooks.send('order.paid', {})],
    ['tenant_invalid', 'tenant', () => hooks.send('order.paid', {}, { tenant: 5 })],
    ['payload_not_json', 'undefined', () => hooks.send('order.paid', undefined, to)],
    ['option_invalid', 'deliverAt', () => hooks.send('order.paid', {}, { ...to, deliverAt: 'tomorrow' })],
    ['option_invalid', 'occurredAt', () => hooks.send('order.paid', {}, { ...to, occurredAt: new Date(Number.NaN) })],
    // Milliseconds taken for seconds, or the other way round: no database, and no receiver, could read what comes of it.
    ['option_invalid', 'deliverAt', () => hooks.send('order.paid', {}, { ...to, deliverAt: new Date(8.64e15) })],
    ['option_invalid', 'occurredAt', () => hooks.send('order.paid', {}, { ...to, occurredAt: new Date(-8.64e15) })],
    ['option_invalid', 'channels', () => hooks.send('order.paid', {}, { ...to, channels: 'one' })],
    ['option_invalid', 'endpoints', () => hooks.send('order.paid', {}, { ...to, endpoints: 'ep_1' })],
    ['option_invalid', '"idempotencykey"', () => hooks.send('order.paid', {}, { ...to, idempotencykey: '1' })],
    ['idempotency_key_invalid', 'key', () => hooks.send('order.paid', {}, { ...to, idempotencyKey: 7 })],
    ['ordering_key_invalid', 'key', () => hooks.send('order.paid', {}, { ...to, orderingKey: {} })],
    ['option_invalid', 'list', () => hooks.sendMany()],
    ['option_invalid', 'list', () => hooks.sendMany({ length: 1 })],
    ['option_invalid', 'object', () => hooks.sendMany([{ type: 'order.paid', data: {}, ...to }, null])],
    ['option_invalid', 'object', () => hooks.endpoints.create('acme')],
    ['url_invalid', 'URL', () => hooks.endpoints.create('acme', {})],
    ['option_invalid', '"event"', () => hooks.endpoints.create('acme', { url, event: ['order.paid'] })],
    ['filter_invalid', 'events', () => hooks.endpoints.create('acme', { url, events: 'order.paid' })],
    ['option_invalid', 'channels', () => hooks.endpoints.create('acme', { url, channels: 'one' })],
    ['option_invalid', 'name', () => hooks.endpoints.create('acme', { url, name: {} })],
    ['option_invalid', 'metadata', () => hooks.endpoints.create('acme', { url, metadata: { plan: 5 } })],
    ['option_invalid', 'enabled', () => hooks.endpoints.create('acme', { url, enabled: 'no' })],
    ['option_invalid', 'rateLimit', () => hooks.endpoints.create('acme', { url, rateLimit: -1 })],
    ['option_invalid', 'signing', () => hooks.endpoints.create('acme', { url, signing: 'v2' })],
    ['option_invalid', 'limit', () => hooks.endpoints.list('acme', { limit: 'ten' })],
    ['option_invalid', 'limit', () => hooks.endpoints.list('acme', { limit: -1 })],
    ['option_invalid', 'offset', () => hooks.endpoints.list('acme', { offset: 1.5 })],
    ['option_invalid', '"page"', () => hooks.endpoints.list('acme', { page: 2 })],
    ['option_invalid', 'states', () => hooks.deliveries.list('acme', { states: ['done'] })],
    ['option_invalid', 'since', () => hooks.deliveries.stats('acme', { since: '2026-01-01' })],
    ['option_invalid', 'types', () => hooks.messages.list('acme', { types: 'order.paid' })],
    ...[never, Number.NaN, -1, '2026-01-01'].flatMap((time): typeof calls => [
      ['option_invalid', 'since', () => hooks.messages.list('acme', { since: time })],
      ['option_invalid', 'until', () => hooks.deliveries.list('acme', { until: time })],
      ['option_invalid', 'until', () => hooks.deliveries.stats('acme', { until: time })],
      ['option_invalid', 'since', () => hooks.recover('acme', 'ep_1', { since: time })],
      ['option_invalid', 'until', () => hooks.recover('acme', 'ep_1', { since: new Date(0), until: time })],
      ['option_invalid', 'since', () => hooks.replayMissing('acme', 'ep_1', { since: time })],
      ['option_invalid', 'until', () => hooks.replayMissing('acme', 'ep_1', { since: new Date(0), until: time })],
    ]),
    ['option_invalid', 'object', () => hooks.recover('acme', 'ep_1')],
    ['option_invalid', 'since', () => hooks.recover('acme', 'ep_1', { since: 'yesterday' })],
    ['option_invalid', 'states', () => hooks.recover('acme', 'ep_1', { since: new Date(), states: ['pending'] })],
    ['option_invalid', 'perSecond', () => hooks.replayMissing('acme', 'ep_1', { since: new Date(), perSecond: 1e9 })],
    ['option_invalid', 'object', () => hooks.drain()],
    ['option_invalid', 'maxMs', () => hooks.drain({ maxMs: '5s' })],
    ['option_invalid', 'event', async () => hooks.on('endpoint.broken', () => {})],
    ['option_invalid', 'listener', async () => hooks.on('endpoint.disabled')],
  ]

  it.each(calls)('%s: %s (%#)', async (code, word, call) => {
    const error = await call().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(HooksError)
    expect((error as HooksError).code).toBe(code)
    expect((error as HooksError).message).toContain(word)
    expect(await storage.depth()).toMatchObject({ unexpanded: 0, open: 0 })
    expect((await storage.endpoints.list('acme', { limit: 1 })).data).toEqual([])
  })
})

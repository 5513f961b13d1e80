import { type DeliveryLease, defineContract, defineEvents } from '@hooks/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkDataFilter, type DataFilter, matchesData } from '../src/data-filter.ts'
import { createSender, memoryStorage } from '../src/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { virtualClock } from '../src/testing/virtual-clock.ts'
import { scriptedTransport, stage } from './stage.ts'

const invalid = expect.objectContaining({ code: expect.stringMatching(/^(data_filter_invalid|version_unknown)$/) })
const data = {
  id: 'b1',
  amount: { value: 120, currency: 'EUR' },
  status: 'paid',
  at: '2026-03-01T00:00:00Z',
  tags: ['a', 'b'],
  items: [{ sku: 'x' }],
  none: null,
}

describe('a filter on data', () => {
  const fits: readonly DataFilter[] = [
    { status: 'paid' },
    { 'amount.currency': 'EUR', 'amount.value': 120 },
    { 'amount.value': { $gt: 100, $lte: 120 } },
    { at: { $gte: '2026-01-01T00:00:00Z', $lt: '2027' } },
    { status: { $in: ['paid', 'open'] } },
    { status: { $nin: ['draft'] } },
    { status: { $ne: 'draft' } },
    { missing: { $exists: false }, none: { $exists: true } },
    { none: null },
    { id: { $startsWith: 'b', $endsWith: '1' } },
    { tags: 'b' },
    { tags: { $in: ['x', 'a'] } },
    { tags: { $nin: ['x'] } },
    { tags: { $exists: true } },
    { $or: [{ status: 'draft' }, { 'amount.currency': 'EUR' }] },
    { $and: [{ status: 'paid' }, { id: 'b1' }] },
    { $not: { status: 'draft' }, id: 'b1' },
  ]
  const fails: readonly DataFilter[] = [
    { status: 'open' },
    { 'amount.value': '120' },
    { 'amount.value': { $gt: 120 } },
    { status: { $gt: 5 } },
    { missing: 'x' },
    { missing: { $exists: true } },
    { tags: 'c' },
    { tags: { $nin: ['a'] } },
    { tags: { $ne: 'a' } },
    { 'items.sku': 'x' },
    { toString: { $exists: true } },
    { '__proto__.x': { $exists: true } },
    { constructor: { $exists: true } },
    { $or: [{ status: 'draft' }, { id: 'x' }] },
    { $not: { status: 'paid' } },
    { status: 'paid', id: 'other' },
  ]
  for (const filter of fits)
    it(`lets through: ${JSON.stringify(filter)}`, () => expect(matchesData(filter, data)).toBe(true))
  for (const filter of fails)
    it(`keeps out: ${JSON.stringify(filter)}`, () => expect(matchesData(filter, data)).toBe(false))

  it('is judged when it is stored, and refused where it is not of the form', () => {
    for (const filter of [...fits, ...fails].filter((one) => !('__proto__.x' in one)))
      expect(checkDataFilter(filter)).toEqual(filter)
    expect(checkDataFilter(null)).toBe(null)
    const deep = (depth: number): object => (depth === 0 ? { a: 1 } : { $not: deep(depth - 1) })
    const wrong: unknown[] = [
      7,
      [],
      {},
      { $nor: [] },
      { $or: [] },
      { $or: { a: 1 } },
      { a: {} },
      { a: [1] },
      { a: { $regex: '.*' } },
      { a: { $gt: null } },
      { a: { $gt: Number.NaN } },
      { a: { $in: 'x' } },
      { a: { $in: [] } },
      { a: { $in: [{}] } },
      { a: { $exists: 1 } },
      { a: { $startsWith: 1 } },
      { a: { toString: 1 } },
      { '': 1 },
      { a: undefined },
      deep(5),
      Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`a${i}`, 1])),
    ]
    for (const filter of wrong) expect(() => checkDataFilter(filter)).toThrow(invalid)
  })

  it('never throws, whatever the data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...fits, ...fails), (value, filter) => {
        expect(typeof matchesData(filter, value)).toBe('boolean')
      }),
    )
  })

  it('decides which endpoints get a message, and the message tells why one did not', async () => {
    const { hooks, clock, requests, endpoint } = await stage()
    await expect(hooks.endpoints.update('acme', endpoint.id, { filter: { a: { $x: 1 } } as never })).rejects.toEqual(
      invalid,
    )
    const shown = await hooks.endpoints.update('acme', endpoint.id, { filter: { seats: { $gte: 3 } } })
    expect(shown.filter).toEqual({ seats: { $gte: 3 } })
    hooks.start()
    const small = await hooks.send('booking.created', { id: 'b1', seats: 2 }, { tenant: 'acme' })
    await hooks.send('booking.created', { id: 'b2', seats: 3 }, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(requests).toHaveLength(1)
    expect((await hooks.messages.get('acme', small.id)).endpoints).toEqual([
      { endpointId: endpoint.id, none: 'filtered' },
    ])
    await hooks.endpoints.update('acme', endpoint.id, { filter: null })
    await hooks.send('booking.created', { id: 'b3' }, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(requests).toHaveLength(2)
    await hooks.stop()
  })
})

describe('what became of a message', () => {
  it('is told of each of its endpoints, however many there are', async () => {
    const { hooks, clock } = await stage(() => 204, { endpointLimit: 300 })
    for (let n = 1; n < 300; n++) await hooks.endpoints.create('acme', { url: `https://acme.example/${n}` })
    hooks.start()
    const { id } = await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(5_000)
    const { endpoints } = await hooks.messages.get('acme', id)
    expect(endpoints.map((one) => ('delivery' in one ? one.delivery.state : one.none))).toEqual(
      Array.from({ length: 300 }, () => 'delivered'),
    )
    await hooks.stop()
  })
})

describe('what an endpoint gets of the data', () => {
  async function shaped() {
    const clock = virtualClock()
    const random = seededRandom(5)
    const contract = defineContract({
      events: defineEvents({
        'order.paid': {
          versions: {
            '2025-01': ({ order_id, total }: { order_id: string; total: number }) => ({
              order: order_id,
              cents: total * 100,
            }),
            'spring 2024 thin': ({ order_id }: { order_id: string }) => ({ number: order_id, customerId: 'c2' }),
          },
        },
        'order.shipped': { thin: ({ order_id }: { order_id: string }) => ({ order_id, see: 'the API' }) },
      }),
      policy: { retry: ['0s', '1m', '1m'] },
    })
    let failures = 0
    const { transport, requests } = scriptedTransport(() => (failures-- > 0 ? 500 : 200))
    const storage = memoryStorage({ clock, random })
    const hooks = createSender({ contract, storage, clock, random, transport })
    hooks.start()
    const bodies = () => requests.splice(0).map(({ body }) => JSON.parse(Buffer.from(body).toString()).data)
    return { hooks, clock, bodies, storage, fail: (count: number) => void (failures = count), requests }
  }
  const paid = { order_id: 'o1', total: 7, customerId: 'c1', id: 1, address: { id: 'a' } }

  it('is as of a version, whatever that is called', async () => {
    const { hooks, clock, bodies } = await shaped()
    const url = 'https://acme.example/'
    const { id } = await hooks.endpoints.create('acme', { url, version: 'spring 2024 thin' })
    await hooks.send('order.paid', paid, { tenant: 'acme' })
    await clock.advance(1_000)
    await hooks.endpoints.update('acme', id, { payload: 'thin' })
    await hooks.send('order.paid', paid, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(bodies()).toEqual([{ number: 'o1', customerId: 'c2' }, { customerId: 'c2' }])
    await hooks.stop()
  })

  it('is all of it, its identifiers, what the catalog leaves of it, or as of a version', async () => {
    const { hooks, clock, bodies } = await shaped()
    const url = 'https://acme.example/'
    const { id } = await hooks.endpoints.create('acme', { url })
    const send = async (type: 'order.paid' | 'order.shipped') => {
      await hooks.send(type, paid, { tenant: 'acme' })
      await clock.advance(1_000)
      return bodies()
    }
    expect(await send('order.paid')).toEqual([paid])
    expect(await hooks.endpoints.update('acme', id, { payload: 'thin' })).toMatchObject({ payload: 'thin' })
    expect(await send('order.paid')).toEqual([{ order_id: 'o1', customerId: 'c1', id: 1 }])
    expect(await send('order.shipped')).toEqual([{ order_id: 'o1', see: 'the API' }])
    await hooks.endpoints.update('acme', id, { payload: 'full', version: '2025-01' })
    expect(await send('order.paid')).toEqual([{ order: 'o1', cents: 700 }])
    expect(await send('order.shipped')).toEqual([paid])
    await expect(hooks.endpoints.update('acme', id, { version: '1999' })).rejects.toEqual(invalid)
    await hooks.endpoints.update('acme', id, { version: null })
    expect(await send('order.paid')).toEqual([paid])
    await hooks.stop()
  })

  it('stays what it was for a delivery that is under way when the endpoint changes its mind', async () => {
    const { hooks, clock, bodies, fail } = await shaped()
    const { id } = await hooks.endpoints.create('acme', { url: 'https://acme.example/', payload: 'thin' })
    fail(1)
    await hooks.send('order.shipped', paid, { tenant: 'acme' })
    await clock.advance(1_000)
    await hooks.endpoints.update('acme', id, { payload: 'full' })
    await clock.advance(5 * 60_000)
    const [first, second] = bodies()
    expect(second).toEqual(first)
    await hooks.stop()
  })

  it('is what is shown of a delivery, also once nothing else is left of it', async () => {
    const { hooks, clock, requests, storage } = await shaped()
    const { id } = await hooks.endpoints.create('acme', { url: 'https://acme.example/', version: '2025-01' })
    await hooks.send('order.paid', paid, { tenant: 'acme' })
    await clock.advance(1_000)
    const [delivery] = (await hooks.deliveries.list('acme')).data
    const shown = () => hooks.deliveries.request('acme', delivery?.id ?? '')
    const [sent] = requests
    expect(await shown()).toMatchObject({
      url: 'https://acme.example/',
      body: Buffer.from(sent?.body ?? []).toString(),
      data: { order: 'o1', cents: 700 },
      headers: { 'webhook-id': sent?.headers['webhook-id'], 'content-type': 'application/json' },
    })
    expect((await shown()).headers).not.toHaveProperty('webhook-signature')
    await hooks.endpoints.remove('acme', id)
    expect((await shown()).url).toBe(null)
    await storage.history.prune({ payloadsBefore: new Date(8.64e15) }, 10)
    expect(await shown()).toMatchObject({ body: null, data: undefined, headers: {} })
    await expect(hooks.deliveries.request('globex', delivery?.id ?? '')).rejects.toMatchObject({
      code: 'delivery_not_found',
    })
    await hooks.stop()
  })

  it('is chosen when the message is matched', async () => {
    const { hooks, clock, storage } = await shaped()
    const leases: DeliveryLease[] = []
    hooks.pause()
    await hooks.endpoints.create('acme', { url: 'https://acme.example/', payload: 'thin', version: '2025-01' })
    await hooks.send('order.paid', paid, { tenant: 'acme' })
    await clock.advance(1_000)
    leases.push(...(await storage.claim({ worker: 'w', limit: 1, leaseMs: 1_000, cap: 1 })))
    expect(leases.map(({ variant }) => variant)).toEqual(['version=2025-01 thin'])
    await hooks.stop()
  })
})

describe('limits of an endpoint', () => {
  it('are its own: so many a second, so many at once', async () => {
    let inFlight = 0
    let most = 0
    const at: number[] = []
    const { hooks, clock, endpoint } = await stage(async () => {
      at.push(clock.monotonic())
      most = Math.max(most, ++inFlight)
      await clock.sleep(50)
      inFlight--
      return 200
    })
    const shown = await hooks.endpoints.update('acme', endpoint.id, { rateLimit: 10, concurrency: 2 })
    expect(shown).toMatchObject({ rateLimit: 10, concurrency: 2 })
    hooks.start()
    await hooks.sendMany(
      Array.from({ length: 40 }, () => ({ type: 'user.deleted' as const, data: {}, tenant: 'acme' })),
    )
    await clock.advance(10_000)
    expect(at).toHaveLength(40)
    for (const from of at)
      expect(at.filter((time) => time >= from && time < from + 1_000).length).toBeLessThanOrEqual(11)
    expect(Math.max(...at)).toBeGreaterThan(3_500)
    expect(most).toBeLessThanOrEqual(2)
    await hooks.endpoints.update('acme', endpoint.id, { rateLimit: null })
    for (const rateLimit of [0, -1, Number.NaN, 1e9, 1e-5, Number.MIN_VALUE])
      await expect(hooks.endpoints.update('acme', endpoint.id, { rateLimit })).rejects.toMatchObject({
        code: 'option_invalid',
      })
    for (const concurrency of [0, 1.5, 1e9])
      await expect(hooks.endpoints.update('acme', endpoint.id, { concurrency })).rejects.toMatchObject({
        code: 'option_invalid',
      })
    await hooks.stop()
  })

  it('can be paused, in every process, and resumed', async () => {
    const { hooks, clock, requests, endpoint } = await stage()
    hooks.start()
    await hooks.endpoints.pause('acme', endpoint.id)
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(3_600_000)
    expect(requests).toHaveLength(0)
    expect(await hooks.health()).toMatchObject({ heldEndpoints: 1 })
    await hooks.endpoints.resume('acme', endpoint.id)
    await clock.advance(10)
    expect(requests).toHaveLength(1)
    await expect(hooks.endpoints.pause('globex', endpoint.id)).rejects.toMatchObject({ code: 'endpoint_not_found' })
    await hooks.stop()
  })

  it('are listed by state, by offset, with a total', async () => {
    const { hooks, clock, endpoint } = await stage()
    await clock.advance(1)
    const other = await hooks.endpoints.create('acme', { url: 'https://acme.example/2', enabled: false })
    expect((await hooks.endpoints.list('acme', { enabled: false })).data.map(({ id }) => id)).toEqual([other.id])
    expect((await hooks.endpoints.list('acme', { enabled: true, total: true })).total).toBe(1)
    const page = await hooks.endpoints.list('acme', { limit: 1, offset: 1, total: true })
    expect({ ids: page.data.map(({ id }) => id), total: page.total }).toEqual({ ids: [other.id], total: 2 })
    expect((await hooks.endpoints.list('acme', { limit: 1 })).data.map(({ id }) => id)).toEqual([endpoint.id])
  })
})

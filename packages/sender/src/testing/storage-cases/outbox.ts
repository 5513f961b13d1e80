import type { Endpoint, NewMessage, PutResult, StoredMessage } from '@hooks/core'
import { idsOf, promise, type StorageCase, TENANT } from './world.ts'

/** Text that a JSON column, a parser or a careless escape would change. */
const FRAGILE = [
  '{"b":1,"a":2,"1":3,"b":4}',
  '{"n":[1.0,1e400,-0,12345678901234567890,0.1e-7]}',
  '"\u2028\u2029 \u00e9 e\u0301 \ud83d\ude80"',
  String.raw`{"lone":"\ud800","low":"\udfff","nul":"\u0000","slash":"\/"}`,
  ' { "spaced" :\t[ ] } ',
  `'; drop table message; -- $1 ? :a @b %s \\`,
  'null',
]

const MEBIBYTE = `{"text":"${'0123456789abcdef'.repeat(65_536)}"}`

const outcomes = (results: readonly PutResult[]) => results.map(({ outcome }) => outcome)

/** The stored form of a message: what was put, without what only the put needs. */
function stored(message: NewMessage, { createdAt }: StoredMessage) {
  const { dueInMs: _dueInMs, idempotencyKeepMs: _keepMs, ...rest } = message
  return { ...rest, createdAt }
}

/** OUTBOX, IDEM and BYTES: put, unexpanded, expand. */
export const outboxCases: readonly StorageCase[] = [
  promise('a message comes back as it was put', async ({ storage, newMessage, expect, expectTime, clock }) => {
    const message = newMessage({
      idempotencyKey: 'key-1',
      idempotencyKeepMs: 1_000,
      channels: ['eu', 'us'],
      endpoints: ['ep_1'],
      occurredAt: new Date('2024-02-29T12:34:56.789Z'),
    })
    expect(await storage.put([message])).toEqual([{ id: message.id, outcome: 'created' }])
    const [found] = (await storage.unexpanded(10)) as [StoredMessage]
    expect(found).toEqual(stored(message, found))
    expectTime(found.createdAt, clock.now())
    expect(await storage.history.message(TENANT, message.id)).toEqual({ ...found, expired: false, expanded: false })
  }),

  promise('what a message does not have stays absent', async ({ storage, put, expect }) => {
    const [message] = (await put()) as [NewMessage]
    const [found] = (await storage.unexpanded(10)) as [StoredMessage]
    expect(found).toEqual(stored(message, found))
    expect('idempotencyKey' in found && found.idempotencyKey !== undefined).toBe(false)
  }),

  promise(
    'the text of the data is kept to the letter',
    async ({ storage, newMessage, endpoint, id, claim, expect }) => {
      const to = await endpoint()
      const messages = FRAGILE.map((data) => newMessage({ data }))
      await storage.put(messages)
      expect((await storage.unexpanded(100)).map(({ data }) => data)).toEqual(FRAGILE)
      await storage.expand(
        messages.map((message) => ({ messageId: message.id, deliveries: [{ id: id('dlv_'), endpointId: to.id }] })),
      )
      expect((await claim()).map(({ delivery }) => delivery.message.data)).toEqual(FRAGILE)
      for (const [i, message] of messages.entries())
        expect((await storage.history.message(TENANT, message.id))?.data).toBe(FRAGILE[i])
    },
  ),

  promise('a mebibyte of data is kept to the letter', async ({ send, endpoint, claimOne, expect }) => {
    await send([await endpoint()], 1, { data: MEBIBYTE })
    // Compared first, so that a failure does not print it.
    expect((await claimOne()).delivery.message.data === MEBIBYTE).toBe(true)
  }),

  promise(
    'names in any language are kept to the letter',
    async ({ storage, newMessage, endpoint, send, claimOne, expect }) => {
      const name = `Größe 'zürich' "東京" \ud83c\udf0d ;--`
      const to = await endpoint({ tenant: name, name, metadata: { [name]: name } })
      await send([to], 1, { type: name })
      const { delivery, endpoint: claimed } = await claimOne()
      expect([delivery.message.tenant, delivery.message.type]).toEqual([name, name])
      expect(claimed).toEqual(to)
      expect((await storage.put([newMessage({ tenant: name, idempotencyKey: name })]))[0]?.outcome).toBe('created')
      expect((await storage.put([newMessage({ tenant: name, idempotencyKey: name })]))[0]?.outcome).toBe('duplicate')
    },
  ),

  promise('a put that is repeated is created, and marked once', async ({ storage, newMessage, expect }) => {
    const message = newMessage({ idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 })
    expect(await storage.put([message])).toEqual([{ id: message.id, outcome: 'created' }])
    expect(await storage.put([message])).toEqual([{ id: message.id, outcome: 'created' }])
    expect((await storage.unexpanded(10)).length).toBe(1)
  }),

  promise(
    'a put that is repeated after its expansion does not mark the message again',
    async ({ storage, newMessage, expect }) => {
      const message = newMessage()
      await storage.put([message])
      await storage.expand([{ messageId: message.id, deliveries: [] }])
      expect(await storage.put([message])).toEqual([{ id: message.id, outcome: 'created' }])
      expect(await storage.unexpanded(10)).toEqual([])
    },
  ),

  promise(
    'the same key with the same data is a duplicate of the first message',
    async ({ storage, newMessage, expect }) => {
      const keyed = { idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 }
      const first = newMessage(keyed)
      await storage.put([first])
      const again = newMessage({ ...keyed, occurredAt: new Date('2026-03-01T00:00:00Z') })
      expect(await storage.put([again])).toEqual([{ id: first.id, outcome: 'duplicate' }])
      expect(idsOf(await storage.unexpanded(10))).toEqual([first.id])
      expect(await storage.history.message(TENANT, again.id)).toBe(null)
    },
  ),

  promise('the same key with other data, or another type, is a conflict', async ({ storage, newMessage, expect }) => {
    const keyed = { idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 }
    const first = newMessage({ ...keyed, data: '{"a":1}' })
    await storage.put([first])
    for (const other of [{ data: '{"a":2}' }, { data: '{"a": 1}' }, { data: '{"a":1}', type: 'booking.updated' }])
      expect(await storage.put([newMessage({ ...keyed, ...other })])).toEqual([{ id: first.id, outcome: 'conflict' }])
    expect(idsOf(await storage.unexpanded(10))).toEqual([first.id])
  }),

  promise('the keys of two tenants have nothing to do with each other', async ({ storage, newMessage, expect }) => {
    const keyed = { idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 }
    await storage.put([newMessage({ ...keyed, tenant: 'one' })])
    expect(outcomes(await storage.put([newMessage({ ...keyed, tenant: 'two', data: '{}' })]))).toEqual(['created'])
  }),

  promise('a key is remembered for its time, and not longer', async ({ storage, newMessage, pass, expect }) => {
    const keyed = { idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 }
    await storage.put([newMessage(keyed)])
    await pass(50_000)
    await storage.history.prune({}, 10)
    expect(outcomes(await storage.put([newMessage(keyed)]))).toEqual(['duplicate'])
    await pass(10_001)
    const next = newMessage({ ...keyed, data: '{"other":true}' })
    expect(outcomes(await storage.put([next]))).toEqual(['created'])
    await pass(50_000)
    expect(await storage.put([newMessage({ ...keyed, data: '{"other":true}' })])).toEqual([
      { id: next.id, outcome: 'duplicate' },
    ])
  }),

  promise('fifty concurrent puts of one key create one message', async ({ storage, worker, newMessage, expect }) => {
    const keyed = { idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 }
    const puts = Array.from({ length: 50 }, async (_, i) => (await worker(i).put([newMessage(keyed)]))[0] as PutResult)
    const results = await Promise.all(puts)
    expect(results.filter(({ outcome }) => outcome === 'created').length).toBe(1)
    expect(results.filter(({ outcome }) => outcome === 'duplicate').length).toBe(49)
    expect(new Set(results.map(({ id }) => id)).size).toBe(1)
    expect((await storage.unexpanded(100)).length).toBe(1)
  }),

  promise('a put of several answers for each of them in their order', async ({ storage, newMessage, expect }) => {
    const keyed = { idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 }
    const [a, b, c, d, e] = [
      newMessage(),
      newMessage(keyed),
      newMessage(keyed),
      newMessage({ ...keyed, data: '0' }),
      newMessage(),
    ]
    expect(await storage.put([a, b, c, d, e] as NewMessage[])).toEqual([
      { id: a?.id, outcome: 'created' },
      { id: b?.id, outcome: 'created' },
      { id: b?.id, outcome: 'duplicate' },
      { id: b?.id, outcome: 'conflict' },
      { id: e?.id, outcome: 'created' },
    ])
    expect(idsOf(await storage.unexpanded(10))).toEqual([a?.id, b?.id, e?.id])
    expect(await storage.put([])).toEqual([])
  }),

  promise(
    'what the caller changes afterwards does not change what is stored',
    async ({ storage, newMessage, newEndpoint, expect }) => {
      const [occurredAt, channels] = [new Date('2026-01-01T00:00:00Z'), ['eu']]
      const message = newMessage({ occurredAt, channels })
      await storage.put([message])
      occurredAt.setFullYear(1999)
      channels.push('us')
      expect(await storage.unexpanded(1)).toMatchObject([
        { occurredAt: new Date('2026-01-01T00:00:00Z'), channels: ['eu'] },
      ])
      const [metadata, filters] = [{ team: 'a' }, ['booking.*']]
      const made = newEndpoint({ metadata, filters })
      await storage.endpoints.create(made, 10)
      metadata.team = 'b'
      filters.length = 0
      expect(await storage.endpoints.get(TENANT, made.id)).toMatchObject({
        metadata: { team: 'a' },
        filters: ['booking.*'],
      })
    },
  ),

  promise(
    'messages wait for expansion oldest due first, and reading them changes nothing',
    async ({ storage, put, pass, expect }) => {
      const [later] = await put(1, { dueInMs: 5_000 })
      const first = await put(3)
      await pass(1_000)
      const [second] = await put()
      const order = [...idsOf(first), second?.id]
      expect(idsOf(await storage.unexpanded(100))).toEqual(order)
      expect(idsOf(await storage.unexpanded(100))).toEqual(order)
      expect(idsOf(await storage.unexpanded(2))).toEqual(order.slice(0, 2))
      await pass(4_000)
      expect(idsOf(await storage.unexpanded(100))).toEqual([...order, later?.id])
    },
  ),

  promise(
    'a scheduled message waits for its time, and says when that is',
    async ({ storage, put, pass, expect, expectTime }) => {
      const [message] = await put(1, { dueInMs: 3_600_000 })
      expect(await storage.unexpanded(10)).toEqual([])
      expectTime(await storage.nextDueInMs(), 3_600_000)
      expect((await storage.depth()).unexpanded).toBe(1)
      await pass(3_590_000)
      expect(await storage.unexpanded(10)).toEqual([])
      expectTime(await storage.nextDueInMs(), 10_000)
      await pass(10_000)
      expect(idsOf(await storage.unexpanded(10))).toEqual([message?.id])
      expect(await storage.nextDueInMs()).toBe(0)
    },
  ),

  promise(
    'an expansion makes deliveries that are due at once',
    async ({ storage, put, endpoints, id, claim, view, expect, expectTime, clock }) => {
      const [a, b] = await endpoints(2)
      const [message] = await put()
      const deliveries = [a, b].map((to) => ({ id: id('dlv_'), endpointId: to?.id as string }))
      await storage.expand([{ messageId: message?.id as string, deliveries }])
      expect(await storage.unexpanded(10)).toEqual([])
      expect(await storage.nextDueInMs()).toBe(0)
      const pending = await view(deliveries[0]?.id as string)
      expect(pending).toMatchObject({ state: 'pending', reason: null, attempts: 0, last: null, finishedAt: null })
      expectTime(pending.createdAt, clock.now())
      expectTime(pending.nextAttemptAt, clock.now())
      expect((await claim()).map(({ key }) => key).sort()).toEqual(deliveries.map((delivery) => delivery.id))
    },
  ),

  promise(
    'an expansion that is repeated, or comes second, does nothing',
    async ({ storage, put, endpoint, id, expect }) => {
      const to = await endpoint()
      const [message] = (await put()) as [NewMessage]
      const expansion = () => [{ messageId: message.id, deliveries: [{ id: id('dlv_'), endpointId: to.id }] }]
      const first = expansion()
      await storage.expand([...first, ...expansion()])
      await storage.expand(first)
      await storage.expand(expansion())
      await storage.expand([{ messageId: id('msg_'), deliveries: [{ id: id('dlv_'), endpointId: to.id }] }])
      expect(await storage.depth()).toMatchObject({ unexpanded: 0, open: 1 })
      expect(idsOf((await storage.history.deliveries({ tenant: TENANT }, { limit: 10 })).data)).toEqual([
        first[0]?.deliveries[0]?.id,
      ])
    },
  ),

  promise(
    'three expanders at once make one delivery for each message and endpoint',
    async ({ storage, worker, put, endpoints, id, claim, expect }) => {
      const to = await endpoints(3)
      await put(100)
      const expander = async (by: typeof storage) => {
        const marked = await by.unexpanded(100)
        for (let i = 0; i < marked.length; i += 10)
          await by.expand(
            marked.slice(i, i + 10).map((message) => ({
              messageId: message.id,
              deliveries: to.map((endpoint) => ({ id: id('dlv_'), endpointId: endpoint.id })),
            })),
          )
      }
      await Promise.all([0, 1, 2].map((n) => expander(worker(n))))
      expect(await storage.depth()).toMatchObject({ unexpanded: 0, open: 300 })
      const pairs = (await claim({ limit: 1_000, cap: 1_000 })).map(
        ({ delivery }) => `${delivery.message.id} ${delivery.endpoint.id}`,
      )
      expect([pairs.length, new Set(pairs).size]).toEqual([300, 300])
    },
  ),

  promise(
    'a message that goes to nobody is expanded all the same, and stays in the history',
    async ({ storage, put, expect }) => {
      const [message] = (await put()) as [NewMessage]
      await storage.expand([{ messageId: message.id, deliveries: [] }])
      expect(await storage.unexpanded(10)).toEqual([])
      expect(await storage.history.message(TENANT, message.id)).toMatchObject({
        id: message.id,
        expired: false,
        expanded: true,
      })
    },
  ),

  promise(
    'for an endpoint that is disabled by now the delivery is recorded as skipped',
    async ({ storage, put, endpoint, change, id, claim, view, expect, expectTime, clock }) => {
      const to = await endpoint()
      const [message] = (await put()) as [NewMessage]
      await change(TENANT, to.id, { state: 'disabled', reason: 'manual' })
      const delivery = { id: id('dlv_'), endpointId: to.id }
      await storage.expand([{ messageId: message.id, deliveries: [delivery] }])
      const skipped = await view(delivery.id)
      expect(skipped).toMatchObject({
        state: 'skipped',
        reason: 'endpoint_disabled',
        attempts: 0,
        last: null,
        nextAttemptAt: null,
      })
      expectTime(skipped.finishedAt, clock.now())
      expect(await storage.depth()).toMatchObject({ unexpanded: 0, open: 0 })
      expect(await claim()).toEqual([])
    },
  ),

  promise(
    'for an endpoint that is gone by now nothing is recorded',
    async ({ storage, put, endpoints, id, claimOne, expect }) => {
      const [gone, stays] = (await endpoints(2)) as [Endpoint, Endpoint]
      const [message] = (await put()) as [NewMessage]
      await storage.endpoints.remove(TENANT, gone.id)
      const deliveries = [gone, stays].map((to) => ({ id: id('dlv_'), endpointId: to.id }))
      await storage.expand([{ messageId: message.id, deliveries }])
      expect((await claimOne()).endpoint.id).toBe(stays.id)
      expect(await storage.history.delivery(TENANT, deliveries[0]?.id as string)).toBe(null)
      expect(await storage.unexpanded(10)).toEqual([])
    },
  ),
]

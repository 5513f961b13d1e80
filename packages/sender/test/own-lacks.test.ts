import { defineContract, silentLogger, standardWebhooks, type WireFormat } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createSender } from '../src/index.ts'
import { events, stage } from './stage.ts'

const lacks = { error: 'sender_resources', detail: 'The sender ran short of sockets.', sent: false }
const closed = { error: 'transport_closed', detail: 'The request was not sent.', sent: false }
/** One failure more than none ends both a delivery and its endpoint. */
const policy = { retry: ['0s'], jitter: 0, disable: { afterFailures: 1 } } as const

describe('what a process lacks', () => {
  it.each([lacks, closed])('costs a delivery no attempt, and its endpoint nothing: $error', async (answer) => {
    const { hooks, clock, endpoint, requests } = await stage((_, n) => (n < 4 ? answer : 200), { policy })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    expect((await hooks.health()).lacks).toBe(null)
    await clock.advance(1_000)
    expect(requests).toHaveLength(1)
    expect((await hooks.health()).lacks).toBe(answer.error)
    expect(await hooks.endpoints.health('acme', endpoint.id)).toMatchObject({ failures: 0, failing: false })
    await clock.advance(60_000)
    expect(requests).toHaveLength(4)
    const [delivery] = (await hooks.deliveries.list('acme')).data
    expect(delivery).toMatchObject({ state: 'delivered', attempts: 1 })
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({ enabled: true })
    expect((await hooks.health()).lacks).toBe(null)
    await hooks.stop()
  })

  it('ends nothing, however long it lasts', async () => {
    const { hooks, clock, endpoint } = await stage(() => lacks, { policy, poll: '1m' })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(3_600_000)
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ failed: 0, skipped: 0 })
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({ enabled: true })
    await hooks.stop()
  })

  it('is no lack where bytes of the request may have left: that is an attempt like any other', async () => {
    const { hooks, clock } = await stage(() => ({ ...lacks, sent: true }), { policy })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect((await hooks.deliveries.list('acme')).data).toMatchObject([{ state: 'failed', attempts: 1 }])
    await hooks.stop()
  })

  it('leaves the work to others: it takes what it can start and then rests, longer each time, and says so as often', async () => {
    const said: object[] = []
    const logger = { ...silentLogger, error: (fields: object) => void said.push(fields) }
    const { hooks, storage, clock, random, requests } = await stage(() => lacks, { policy, logger, concurrency: 10 })
    const { id } = await hooks.endpoints.create('globex', { url: 'https://globex.example/webhooks' })
    for (let n = 0; n < 40; n++) await hooks.endpoints.create('many', { url: `https://many.example/${n}` })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'many' })
    await clock.advance(40)
    expect(requests).toHaveLength(10)
    expect(said).toEqual([{ error: 'sender_resources', detail: lacks.detail }])
    const delivered: string[] = []
    const other = createSender({
      contract: defineContract({ events, policy }),
      storage,
      clock,
      random,
      logger: silentLogger,
      transport: {
        async send({ url }) {
          delivered.push(url.pathname)
          return { status: 200, ms: 1, sent: true, headers: {}, body: new Uint8Array(), truncated: false }
        },
      },
    })
    other.start()
    await hooks.send('user.deleted', {}, { tenant: 'globex', endpoints: [id] })
    await clock.advance(60)
    expect(delivered).toHaveLength(31)
    await clock.advance(60_000)
    expect(delivered).toHaveLength(41)
    expect(said.length).toBeLessThan(12)
    await Promise.all([hooks.stop(), other.stop()])
  })

  it('of one host alone, such as a way to it, holds up nobody else', async () => {
    const { hooks, clock, requests } = await stage(({ url }) => (url.host === 'acme.example' ? lacks : 200), { policy })
    for (let n = 0; n < 20; n++) await hooks.endpoints.create('many', { url: `https://many.example/${n}` })
    hooks.start()
    for (let round = 1; round <= 3; round++) {
      await hooks.send('user.deleted', { round }, { tenant: 'acme' })
      await clock.advance(100)
      await hooks.send('user.deleted', { round }, { tenant: 'many' })
      await clock.advance(100)
      expect(await hooks.deliveries.stats('many')).toMatchObject({ delivered: 20 * round })
      await clock.advance(10_000)
    }
    expect(requests.filter(({ url }) => url.host === 'acme.example').length).toBeGreaterThan(3)
    await hooks.stop()
  })

  it('ends a drain, which leaves what is due for the next one', async () => {
    const { hooks, clock, requests } = await stage(() => lacks, { policy })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    const drained = hooks.drain({ maxMs: 20_000 })
    await clock.advance(100)
    await drained
    expect(requests).toHaveLength(1)
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ pending: 1, sending: 0 })
    await hooks.stop()
  })
})

describe('a request that cannot be composed or signed', () => {
  const broken = (say: (fields: object) => void = () => {}) => {
    let isBroken = true
    const format: WireFormat = {
      ...standardWebhooks(),
      compose(delivery) {
        if (isBroken) throw new Error('a mistake of a deploy')
        return standardWebhooks().compose(delivery)
      },
    }
    const options = {
      format,
      policy: { retry: ['0s', '1m', '1m'], jitter: 0, disable: { afterFailures: 1 } } as const,
      logger: { ...silentLogger, error: say },
    }
    return { options, mend: () => void (isBroken = false) }
  }

  it('is tried again by the schedule, and is never held against the endpoint', async () => {
    const said: object[] = []
    const { options, mend } = broken((fields) => void said.push(fields))
    const { hooks, clock, endpoint, requests } = await stage(() => 200, options)
    const events: string[] = []
    hooks.on('attempt.failed', ({ error }) => void events.push(String(error)))
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect((await hooks.deliveries.list('acme')).data).toMatchObject([
      { state: 'retrying', attempts: 1, last: { error: 'request_invalid' } },
    ])
    expect(await hooks.endpoints.health('acme', endpoint.id)).toMatchObject({ failures: 0, failing: false })
    expect(events).toEqual(['request_invalid'])
    expect(said).toMatchObject([{ type: 'user.deleted', endpoint: endpoint.id }])
    mend()
    await clock.advance(60_000)
    expect(requests).toHaveLength(1)
    expect((await hooks.deliveries.list('acme')).data).toMatchObject([{ state: 'delivered', attempts: 2 }])
    await hooks.stop()
  })

  it('ends its delivery when the schedule is over, and disables and holds nothing', async () => {
    const { hooks, clock, endpoint } = await stage(() => 200, broken().options)
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(300_000)
    expect((await hooks.deliveries.list('acme')).data).toMatchObject([{ state: 'failed', reason: 'exhausted' }])
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({ enabled: true })
    const well = { failures: 0, exhausted: 0, failing: false, probing: false, heldForMs: 0 }
    expect(await hooks.endpoints.health('acme', endpoint.id)).toMatchObject(well)
    await hooks.stop()
  })
})

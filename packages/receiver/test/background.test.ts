import type { Inbox } from '@hooks/core'
import {
  type BackgroundOptions,
  background,
  createReceiver,
  Discard,
  defineContract,
  defineEvents,
  memoryIdempotency,
  memoryInbox,
  type Outcome,
  RetryLater,
  standardWebhooks,
} from '@hooks/receiver'
import { type SignedMessage, signRequest, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { deferred, grillo, lokroom, memoryLogger, SECRET, TEXT_SECRET, utf8 } from './support.ts'

const steady = { bytes: (n: number) => new Uint8Array(n).fill(7), float: () => 0 }

/** A receiver that handles in the background, on a clock that stands still. */
function setUp({ inbox, clock = virtualClock(), ...rest }: Parameters<typeof options>[0] = {}) {
  const kept = inbox ?? memoryInbox({ clock })
  const logger = memoryLogger()
  const outcomes: Outcome[] = []
  const receiver = createReceiver({
    secret: SECRET,
    clock,
    logger,
    explain: false,
    onOutcome: (outcome: Outcome) => outcomes.push(outcome),
    ...rest.receiver,
    inbox: background(kept, { random: steady, ...rest.background }),
  } as never) as ReturnType<typeof typed>
  const request = (message: Partial<SignedMessage> = {}) =>
    signRequest(standardWebhooks(), SECRET, { type: 'booking.created', data: { n: 1 }, clock, ...message })
  const codes = () => outcomes.splice(0).map(({ code }) => code)
  return { receiver, inbox: kept, clock, logger, request, outcomes, codes }
}
const options = (_: {
  readonly inbox?: Inbox
  readonly clock?: ReturnType<typeof virtualClock>
  readonly background?: BackgroundOptions
  readonly receiver?: object
}) => undefined
const typed = (inbox: Inbox) => createReceiver({ secret: SECRET, inbox: background(inbox) })

/** What a receiver of Standard Webhooks is called in an inbox. */
const OURS = { receiver: ':standard-webhooks' }

describe('a request for the background', () => {
  it('is accepted with 202, and its handler waited for by nobody', async () => {
    const { receiver, request, clock, codes } = setUp()
    const seen: unknown[] = []
    const work = deferred()
    receiver.on('booking.created', async ({ data, id }, { attempt, keyId, rawBody }) => {
      await work.promise
      seen.push({ data, id, attempt, keyId, bytes: rawBody.length > 0 })
    })
    receiver.start()
    const answer = await receiver.handle(await request({ id: 'msg_1' }))
    expect(answer).toMatchObject({ status: 202, outcome: 'accepted', body: '{"received":true}' })
    expect(seen).toEqual([])
    work.resolve()
    await clock.advance(10)
    expect(seen).toEqual([{ data: { n: 1 }, id: 'msg_1', attempt: 1, keyId: '0', bytes: true }])
    expect(codes()).toEqual(['accepted', 'handled'])
    await receiver.stop()
  })

  it('is answered as the contract says', async () => {
    const { receiver, request } = setUp({ receiver: { answers: { accepted: [200, 'OK'] } } })
    receiver.onUnknown(() => {})
    expect(await receiver.handle(await request())).toMatchObject({ status: 200, body: 'OK' })
  })

  it('that comes again is a duplicate, while it waits, and once it is done, for as long as it is remembered', async () => {
    const { receiver, request, clock, codes } = setUp()
    receiver.onUnknown(() => {})
    const sent = await request()
    for (let i = 0; i < 2; i++) await receiver.handle(sent)
    await receiver.drain({ maxMs: 60_000 })
    await receiver.handle(sent)
    expect(codes()).toEqual(['accepted', 'duplicate', 'handled', 'duplicate'])
    await clock.advance(7 * 86_400_000 + 1)
    expect((await receiver.handle(sent)).outcome).toBe('timestamp_too_old')
  })

  it('is verified first: what is not signed is kept by nobody', async () => {
    const { receiver, request, inbox } = setUp()
    receiver.onUnknown(() => {})
    expect((await receiver.handle({ ...(await request()), body: utf8('{}') })).status).toBe(401)
    expect(await inbox.nextDueInMs(OURS)).toBe(null)
  })

  it('of a type that nobody handles is acknowledged and not kept', async () => {
    const { receiver, request, inbox } = setUp()
    receiver.on('user.deleted', () => {})
    expect(await receiver.handle(await request())).toMatchObject({ status: 200, outcome: 'unknown_event' })
    expect(await inbox.nextDueInMs(OURS)).toBe(null)
  })

  it('is a 503 where it cannot be kept', async () => {
    const clock = virtualClock()
    const inbox = { ...memoryInbox({ clock }), accept: () => Promise.reject(new Error('disk full')) }
    const { receiver, request } = setUp({ inbox, clock })
    receiver.onUnknown(() => expect.fail('ran'))
    expect(await receiver.handle(await request())).toMatchObject({ status: 503, outcome: 'store_unavailable' })
  })

  it('is told to come again while a foreground handler has it', async () => {
    const clock = virtualClock()
    const inbox = { ...memoryInbox({ clock }), accept: async () => 'in_progress' as const }
    const { receiver, request } = setUp({ inbox, clock })
    receiver.onUnknown(() => {})
    const answer = await receiver.handle(await request())
    expect([answer.status, answer.headers['retry-after']]).toEqual([500, '60'])
  })

  it('whose id is not signed is accepted once under any id, and again with other bytes', async () => {
    const clock = virtualClock()
    const { receiver, codes } = setUp({ clock, receiver: { format: grillo, secret: TEXT_SECRET } })
    receiver.onUnknown(() => {})
    for (const [deliveryId, data] of [
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ] as const) {
      await receiver.handle(await signRequest(grillo, TEXT_SECRET, { type: 'a.b', deliveryId, data, clock }))
    }
    expect(codes()).toEqual(['accepted', 'duplicate', 'accepted'])
  })

  it('is handled by the receiver that accepted it, and not by others on the same inbox', async () => {
    const clock = virtualClock()
    const inbox = memoryInbox({ clock })
    const log: string[] = []
    const make = (name: string, receiver: object, named: BackgroundOptions = {}) => {
      const { receiver: made } = setUp({ inbox, clock, receiver, background: named })
      made.on('a.b', () => log.push(name))
      made.start()
      return made
    }
    const stores = make('grillo', { format: grillo, secret: TEXT_SECRET })
    const [billing, crm] = [make('billing', { source: 'billing' }), make('crm', { source: 'crm' })]
    const byTenant = { source: ({ url }: { url: string }) => url }
    const [one, two] = [make('one', byTenant, { name: 'one' }), make('two', byTenant, { name: 'two' })]
    await stores.handle(await signRequest(grillo, TEXT_SECRET, { type: 'a.b', deliveryId: '1', clock }))
    for (const [i, receiver] of [crm, billing, two, one].entries()) {
      const sent = await signRequest(standardWebhooks(), SECRET, { type: 'a.b', id: `msg_${i}`, clock })
      expect((await receiver.handle(sent)).outcome).toBe('accepted')
    }
    await clock.advance(60_000)
    expect(log.sort()).toEqual(['billing', 'crm', 'grillo', 'one', 'two'])
    for (const receiver of [stores, billing, crm, one, two]) await receiver.stop()
  })

  it('of a format without an id needs a key of the user', () => {
    expect(() => setUp({ receiver: { format: lokroom, secret: TEXT_SECRET } })).toThrow(
      expect.objectContaining({ code: 'idempotency_key_needed' }),
    )
  })

  it('keeps its headers as they came, whatever form the host has them in', async () => {
    const { receiver, request, inbox } = setUp()
    receiver.onUnknown(() => {})
    const pairs = Object.entries((await request({ id: 'msg_1' })).headers)
    const { body } = await request({ id: 'msg_1' })
    for (const [id, headers] of [
      ['msg_1', [...pairs, ['X-Two', 'a'], ['x-two', 'b']] as [string, string][]],
      [
        'msg_2',
        { ...Object.fromEntries(Object.entries((await request({ id: 'msg_2' })).headers)), 'x-two': ['a', 'b'] },
      ],
      ['msg_3', new Headers((await request({ id: 'msg_3' })).headers)],
    ] as const) {
      expect(
        (await receiver.handle({ headers, body: id === 'msg_1' ? body : (await request({ id })).body })).status,
      ).toBe(202)
    }
    const leases = await inbox.claim({ ...OURS, worker: 'w', limit: 10, leaseMs: 1_000 })
    expect(
      leases.map(({ request }) => request.headers.filter(([name]) => name.toLowerCase() === 'x-two').length),
    ).toEqual([2, 2, 0])
    expect(leases.every(({ request }) => request.headers.some(([name]) => name === 'webhook-id'))).toBe(true)
  })
})

describe('a handler in the background', () => {
  const failing = (times: number, work: () => unknown = () => Promise.reject(new Error('not yet'))) => {
    let left = times
    return () => (left-- > 0 ? work() : undefined)
  }

  it('that fails is asked again after each delay of the schedule, and knows how often', async () => {
    const { receiver, request, clock, logger } = setUp({ background: { retry: ['5s', '1m'] } })
    const attempts: [number, number][] = []
    receiver.onUnknown((_, { attempt }) => {
      attempts.push([attempt, clock.monotonic()])
      throw new Error('not yet')
    })
    receiver.start()
    await receiver.handle(await request())
    await clock.advance(600_000)
    expect(attempts.map(([attempt]) => attempt)).toEqual([1, 2, 3])
    expect((attempts[1]?.[1] ?? 0) - (attempts[0]?.[1] ?? 0)).toBeGreaterThanOrEqual(5_000)
    expect((attempts[2]?.[1] ?? 0) - (attempts[1]?.[1] ?? 0)).toBeGreaterThanOrEqual(60_000)
    expect(logger.lines.map(({ level, fields }) => [level, fields.code])).toEqual([
      ['warn', 'handler_failed'],
      ['warn', 'handler_failed'],
      ['error', 'dead_letter'],
    ])
    await receiver.stop()
  })

  it('says when to be asked again', async () => {
    const { receiver, request, clock, codes } = setUp()
    receiver.onUnknown(
      failing(1, () => {
        throw new RetryLater(3_600)
      }),
    )
    receiver.start()
    await receiver.handle(await request())
    await clock.advance(3_500_000)
    expect(codes()).toEqual(['accepted', 'retry_later'])
    await clock.advance(200_000)
    expect(codes()).toEqual(['handled'])
    await receiver.stop()
  })

  it('that discards is done with it', async () => {
    const { receiver, request, codes, inbox } = setUp()
    receiver.onUnknown(() => {
      throw new Discard('not ours')
    })
    await receiver.handle(await request())
    await receiver.drain({ maxMs: 60_000 })
    expect(codes()).toEqual(['accepted', 'discarded'])
    expect(await inbox.nextDueInMs(OURS)).toBe(null)
  })

  it('gets the data as its schema gives it; what does not fit waits for a deploy, or is acknowledged by option', async () => {
    const contract = defineContract({ events: defineEvents({ 'booking.created': z.object({ n: z.string() }) }) })
    for (const [onInvalidPayload, due] of [
      ['retry', true],
      ['acknowledge', false],
    ] as const) {
      const { receiver, request, codes, inbox } = setUp({ receiver: { contract, onInvalidPayload } })
      receiver.on('booking.created', () => expect.fail('ran'))
      await receiver.handle(await request())
      await receiver.drain({ maxMs: 60_000 })
      expect(codes()).toEqual(['accepted', 'payload_invalid'])
      expect((await inbox.nextDueInMs(OURS)) !== null).toBe(due)
    }
  })

  it('is told by its signal that its lease is over', async () => {
    const { receiver, request, clock, codes } = setUp({ background: { leaseMs: 30_000 } })
    const stopped = deferred()
    receiver.onUnknown(async (_, { signal, extendLease }) => {
      expect(await extendLease()).toBe(true)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      expect(await extendLease()).toBe(false)
      stopped.resolve()
    })
    receiver.start()
    await receiver.handle(await request())
    await clock.advance(29_000)
    await stopped.promise
    await clock.advance(10)
    expect(codes()).toEqual(['accepted', 'handled'])
    await receiver.stop()
  })

  it('that never ends keeps nothing from the others, and is given up in the end', async () => {
    const { receiver, request, clock, logger } = setUp({ background: { concurrency: 1, leaseMs: 30_000 } })
    const ended: string[] = []
    receiver.on('booking.created', () => new Promise(() => {}))
    receiver.on('booking.cancelled', () => ended.push('cancelled'))
    receiver.start()
    await receiver.handle(await request({ id: 'hangs' }))
    await clock.advance(1_000)
    await receiver.handle(await request({ type: 'booking.cancelled' }))
    await clock.advance(60_000)
    expect(ended).toEqual(['cancelled'])
    expect(logger.lines).toMatchObject([{ level: 'error' }, { level: 'error' }])
    await clock.advance(120_000)
    const { data } = await receiver.deadLetters.list()
    expect(data.map(({ id, reason }) => [id, reason])).toEqual([['hangs', 'poison']])
  })

  it('that ends after its lease is done all the same', async () => {
    const { receiver, request, clock, inbox } = setUp({ background: { leaseMs: 30_000 } })
    const works = [deferred(), deferred()]
    let runs = 0
    receiver.on('booking.created', () => works[runs++]?.promise)
    receiver.start()
    await receiver.handle(await request())
    await clock.advance(31_000)
    expect(runs).toBe(2)
    works[0]?.resolve()
    await clock.advance(1)
    expect(await inbox.nextDueInMs(OURS)).toBe(null)
    works[1]?.resolve()
    await clock.advance(60_000)
    expect(runs).toBe(2)
  })

  it('runs as often at a time as is allowed', async () => {
    const { receiver, request, clock } = setUp({ background: { concurrency: 3 } })
    let running = 0
    let most = 0
    receiver.onUnknown(async () => {
      most = Math.max(most, ++running)
      await clock.sleep(1_000)
      running--
    })
    receiver.start()
    for (let i = 0; i < 10; i++) await receiver.handle(await request())
    await clock.advance(20_000)
    expect([most, running]).toEqual([3, 0])
    await receiver.stop()
  })
})

describe('a process that ends', () => {
  it('between accepting and handling loses nothing: another finds what is due', async () => {
    const clock = virtualClock()
    const inbox = memoryInbox({ clock })
    const first = setUp({ inbox, clock })
    first.receiver.onUnknown(() => expect.fail('ran'))
    for (let i = 0; i < 20; i++) expect((await first.receiver.handle(await first.request())).status).toBe(202)

    const second = setUp({ inbox, clock })
    let handled = 0
    second.receiver.onUnknown(() => handled++)
    await second.receiver.drain({ maxMs: 60_000 })
    expect(handled).toBe(20)
  })

  it('while it handles loses nothing: at the end of the lease another does it, and the attempt is not counted', async () => {
    const clock = virtualClock()
    const inbox = memoryInbox({ clock })
    const first = setUp({ inbox, clock, background: { leaseMs: 30_000 } })
    first.receiver.onUnknown(() => {})
    await first.receiver.handle(await first.request())
    await inbox.claim({ ...OURS, worker: 'one that was killed', limit: 1, leaseMs: 30_000 })

    const second = setUp({ inbox, clock, background: { leaseMs: 30_000 } })
    const attempts: number[] = []
    second.receiver.onUnknown((_, { attempt }) => attempts.push(attempt))
    second.receiver.start()
    await clock.advance(29_000)
    expect(attempts).toEqual([])
    await clock.advance(3_000)
    expect(attempts).toEqual([1])
    await second.receiver.stop()
  })

  it('each time over one message leaves it to people: after five it is a dead letter', async () => {
    const { receiver, request, clock, inbox } = setUp()
    receiver.onUnknown(() => expect.fail('ran'))
    await receiver.handle(await request())
    for (let i = 0; i < 5; i++) {
      await inbox.claim({ ...OURS, worker: 'w', limit: 1, leaseMs: 1_000 })
      await clock.advance(1_001)
    }
    await receiver.drain({ maxMs: 60_000 })
    expect((await receiver.deadLetters.list()).data).toMatchObject([{ reason: 'poison', type: 'booking.created' }])
  })

  it('in order waits for what runs, and takes no more; accepting goes on', async () => {
    const { receiver, request, clock, codes, inbox } = setUp()
    const work = deferred()
    receiver.onUnknown(() => work.promise)
    receiver.start()
    await receiver.handle(await request())
    await clock.advance(10)
    const stopped = receiver.stop({ drainMs: 5_000 })
    await receiver.handle(await request())
    work.resolve()
    await clock.advance(100)
    await stopped
    expect(codes()).toEqual(['accepted', 'accepted', 'handled'])
    expect(await inbox.nextDueInMs(OURS)).toBe(0)
    receiver.start()
    await clock.advance(10)
    expect(codes()).toEqual(['handled'])
    await receiver.stop()
  })

  it('in a hurry costs no attempt, not even the last: what runs is due at once for others', async () => {
    const { receiver, request, clock, inbox, codes } = setUp({ background: { retry: [] } })
    let tries = 0
    receiver.onUnknown(async (_, { signal }) => {
      if (++tries > 1) return
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    })
    receiver.start()
    await receiver.handle(await request())
    await clock.advance(10)
    const stopped = receiver.stop({ drainMs: 1_000 })
    await clock.advance(5_000)
    await stopped
    expect((await receiver.deadLetters.list()).data).toEqual([])
    expect(await inbox.nextDueInMs(OURS)).toBe(0)
    receiver.start()
    await clock.advance(10)
    expect(codes()).toEqual(['accepted', 'handled'])
    await receiver.stop()
  })

  it('in a hurry aborts what runs', async () => {
    const { receiver, request, clock } = setUp()
    let aborted = false
    receiver.onUnknown(async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      aborted = true
    })
    receiver.start()
    await receiver.handle(await request())
    await clock.advance(10)
    const stopped = receiver.stop({ drainMs: 1_000 })
    await clock.advance(5_000)
    await stopped
    expect(aborted).toBe(true)
  })
})

describe('without a worker', () => {
  it('what was accepted is handled after the answer, where the host keeps the process alive for it', async () => {
    const { receiver, request, codes } = setUp()
    const work = deferred()
    receiver.onUnknown(() => work.promise)
    const alive: Promise<unknown>[] = []
    await receiver.handle({ ...(await request()), waitUntil: (promise) => alive.push(promise) })
    expect(codes()).toEqual(['accepted'])
    work.resolve()
    await Promise.all(alive)
    expect(codes()).toEqual(['handled'])
  })

  it('waits, and is handled when a clock of the host asks for it', async () => {
    const { receiver, request, codes } = setUp()
    receiver.onUnknown(() => {})
    await receiver.handle(await request())
    expect(codes()).toEqual(['accepted'])
    await receiver.drain({ maxMs: 8_000 })
    expect(codes()).toEqual(['handled'])
  })
})

describe('dead letters', () => {
  const dead = async () => {
    const setting = setUp({ background: { retry: [] } })
    let broken = true
    setting.receiver.onUnknown(() => {
      if (broken) throw new Error('no')
    })
    for (const id of ['msg_1', 'msg_2']) await setting.receiver.handle(await setting.request({ id }))
    await setting.receiver.drain({ maxMs: 60_000 })
    setting.codes()
    const mend = () => {
      broken = false
    }
    return { ...setting, mend }
  }

  it('are listed with what they were, page by page', async () => {
    const { receiver } = await dead()
    const { data, next } = await receiver.deadLetters.list({ limit: 1 })
    expect(data).toMatchObject([{ reason: 'exhausted', attempt: 1, type: 'booking.created', id: 'msg_1' }])
    const rest = await receiver.deadLetters.list(next === undefined ? {} : { cursor: next })
    expect(rest.data.map(({ id }) => id)).toEqual(['msg_2'])
  })

  it('are handled anew when people ask for it', async () => {
    const { receiver, mend, codes } = await dead()
    mend()
    const { data } = await receiver.deadLetters.list()
    expect(await receiver.deadLetters.replay(data.map(({ key }) => key))).toBe(2)
    await receiver.drain({ maxMs: 60_000 })
    expect(codes()).toEqual(['handled', 'handled'])
    expect((await receiver.deadLetters.list()).data).toEqual([])
    expect(await receiver.deadLetters.replay('no such key')).toBe(0)
  })

  it('are listed though the format cannot read them any more', async () => {
    const { inbox, clock } = await dead()
    const format = {
      ...standardWebhooks(),
      read() {
        throw new Error('not this format')
      },
    }
    const { receiver } = setUp({ inbox, clock, receiver: { format } })
    expect((await receiver.deadLetters.list()).data).toMatchObject([{ type: undefined }, { type: undefined }])
  })
})

it.each<[string, BackgroundOptions]>([
  ['a delay that is none', { retry: ['soon' as never] }],
  ['no concurrency', { concurrency: 0 }],
  ['a negative jitter', { jitter: -1 }],
  ['a lease that leaves no time to work', { leaseMs: 2_000 }],
  ['a lease of text, as from the environment', { leaseMs: '300000' as never }],
  ['a time between looks that is none', { pollMs: Number.NaN }],
  ['a name that nothing reads', { retries: ['5s'] } as never],
])('background() refuses %s', (_, given) => {
  expect(() => background(memoryInbox(), given)).toThrow(expect.objectContaining({ code: 'option_invalid' }))
})

it('background() refuses a store that keeps no requests, and says where that belongs', () => {
  expect(() => background(memoryIdempotency() as never)).toThrow(
    expect.objectContaining({ code: 'option_invalid', hint: expect.stringContaining('`idempotency`') }),
  )
})

import {
  createReceiver,
  Discard,
  defineContract,
  defineEvents,
  type InboundFormat,
  memoryIdempotency,
  type Outcome,
  RetryLater,
  standardWebhooks,
} from '@hooks/receiver'
import { slack } from '@hooks/receiver/formats'
import { signRequest, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { OTHER_SECRET, SECRET, setUp, TEXT_SECRET, utf8 } from './support.ts'

const events = defineEvents({
  'booking.created': { schema: z.object({ n: z.number() }) },
  'booking.payment.failed': { description: 'no money' },
  booking: { description: 'the root of all bookings' },
  'user.deleted': { description: 'gone' },
})

const catalogued = { contract: defineContract({ events }) } as never

describe('a handler of several types', () => {
  const heard = (names: readonly string[], catalog = false) => {
    const { receiver, request } = setUp(catalog ? catalogued : {})
    const log: string[] = []
    for (const name of names) receiver.on(name as '*', ({ type }) => log.push(`${name} < ${type}`))
    return async (type: string) => {
      const { outcome } = await receiver.handle(await request({ type, data: { n: 1 } }))
      return log.pop() ?? outcome
    }
  }

  it('by prefix has what is any depth below it, and not the prefix itself', async () => {
    const hear = heard(['booking.*'])
    expect(await hear('booking.created')).toBe('booking.* < booking.created')
    expect(await hear('booking.payment.failed')).toBe('booking.* < booking.payment.failed')
    for (const other of ['booking', 'bookings.created', 'rebooking.created', 'user.booking.created']) {
      expect(await hear(other)).toBe('unknown_event')
    }
  })

  it('gives way to a nearer one: the type itself, then the longest prefix, then all', async () => {
    const hear = heard(['*', 'booking.*', 'booking.payment.*', 'booking.payment.failed'])
    expect(await hear('booking.payment.failed')).toBe('booking.payment.failed < booking.payment.failed')
    expect(await hear('booking.payment.refunded')).toBe('booking.payment.* < booking.payment.refunded')
    expect(await hear('booking.created')).toBe('booking.* < booking.created')
    expect(await hear('user.deleted')).toBe('* < user.deleted')
    expect(await hear('user')).toBe('* < user')
  })

  it('has the types of the catalog and no other, where there is one: their data was checked', async () => {
    const hear = heard(['*', 'booking.*'], true)
    expect(await hear('booking.created')).toBe('booking.* < booking.created')
    expect(await hear('user.deleted')).toBe('* < user.deleted')
    expect(await hear('booking.cancelled')).toBe('unknown_event')
    expect(await hear('other')).toBe('unknown_event')
  })

  it('leaves what the catalog lacks to the one for unknown types', async () => {
    const { receiver, request } = setUp(catalogued)
    const log: unknown[] = []
    receiver.on('*' as never, () => expect.fail('ran')).onUnknown(({ type, data }) => log.push([type, data]))
    await receiver.handle(await request({ type: 'booking.cancelled', data: 'anything' }))
    expect(log).toEqual([['booking.cancelled', 'anything']])
  })

  it('gets the data as the schema of each type gives it', async () => {
    const { receiver, request } = setUp(catalogued)
    receiver.on('booking.*' as never, () => expect.fail('ran'))
    expect((await receiver.handle(await request({ data: { n: 'text' } }))).outcome).toBe('payload_invalid')
  })

  it.each(['bookings.*', 'booking.created.*', 'booking*', '', '**'])(
    'is refused for %j, which the catalog lacks',
    (name) => {
      const { receiver } = setUp(catalogued)
      expect(() => receiver.on(name as never, () => {})).toThrow(expect.objectContaining({ code: expect.any(String) }))
    },
  )
})

describe('a handler that throws RetryLater', () => {
  it('has the sender told when to come again, and is asked again then', async () => {
    let tries = 0
    const { receiver, request, logger } = setUp({
      onUnknown() {
        if (tries++ === 0) throw new RetryLater(90.5)
      },
    })
    const sent = await request()
    const answer = await receiver.handle(sent)
    expect(answer).toMatchObject({ status: 500, outcome: 'retry_later', headers: { 'retry-after': '91' } })
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { code: 'retry_later' } }])
    expect((await receiver.handle(sent)).outcome).toBe('handled')
  })

  it('without a store too', async () => {
    const { receiver, request } = setUp({
      idempotency: undefined as never,
      onUnknown: () => Promise.reject(new RetryLater(0)),
    })
    expect((await receiver.handle(await request())).headers['retry-after']).toBe('1')
  })

  it.each([Number.NaN, -1, Infinity, '5' as never])(
    'with a time that is none, %s, has failed as any other',
    async (seconds) => {
      const { receiver, request } = setUp({
        onUnknown() {
          throw new RetryLater(seconds)
        },
      })
      expect((await receiver.handle(await request())).outcome).toBe(
        seconds === ('5' as never) ? 'retry_later' : 'handler_failed',
      )
    },
  )
})

describe('a handler that throws Discard', () => {
  it('has the message count as done, and its reason logged', async () => {
    const { receiver, request, logger } = setUp({
      onUnknown() {
        throw new Discard('no such booking any more')
      },
    })
    const sent = await request()
    expect(await receiver.handle(sent)).toMatchObject({ status: 200, outcome: 'discarded', body: '{"received":true}' })
    expect(logger.lines).toMatchObject([
      { level: 'warn', fields: { code: 'discarded', err: { message: 'no such booking any more' } } },
    ])
    expect((await receiver.handle(sent)).outcome).toBe('duplicate')
  })

  it('without a store too', async () => {
    const { receiver, request } = setUp({
      idempotency: undefined as never,
      onUnknown: async () => Promise.reject(new Discard('no')),
    })
    expect((await receiver.handle(await request())).status).toBe(200)
  })
})

describe('a lease that the handler extends', () => {
  it('holds for as long as was asked, though the event loop stands still', async () => {
    const { receiver, request, clock, idempotency } = setUp()
    const sent = await request()
    let meanwhile: unknown
    receiver.onUnknown(async (_, { extendLease, signal }) => {
      expect(await extendLease(600_000)).toBe(true)
      await clock.advance(500_000)
      meanwhile = { aborted: signal.aborted, other: await idempotency.completedWithin('none', 1) }
    })
    expect((await receiver.handle(sent)).outcome).toBe('handled')
    expect(meanwhile).toEqual({ aborted: false, other: false })
  })

  it('stays extended by the beats that follow', async () => {
    const lengths: number[] = []
    const clock = virtualClock()
    const store = memoryIdempotency({ clock })
    const idempotency = {
      ...store,
      extend(lease: Parameters<typeof store.extend>[0], ms: number) {
        lengths.push(ms)
        return store.extend(lease, ms)
      },
    }
    const receiver = createReceiver({ secret: SECRET, clock, idempotency }).onUnknown(async (_, { extendLease }) => {
      await clock.advance(20_000)
      await extendLease(300_000)
      await clock.advance(20_000)
    })
    await receiver.handle(await signRequest(standardWebhooks(), SECRET, { type: 'a.b', clock }))
    expect(lengths).toEqual([60_000, 300_000, 300_000])
  })

  it.each(['10m', Number.NaN])('by what is no time stays what it was: %o', async (ms) => {
    const { receiver, request } = setUp()
    const sent = await request()
    const codes: unknown[] = []
    let ran = 0
    receiver.onUnknown(async (_, { extendLease }) => {
      if (++ran > 1) return
      await extendLease(ms as number).catch(({ code }) => codes.push(code))
      codes.push((await receiver.handle(sent)).outcome)
    })
    expect((await receiver.handle(sent)).outcome).toBe('handled')
    expect(codes).toEqual(['option_invalid', 'in_progress'])
  })

  it('and was lost is told so', async () => {
    const { receiver, request, clock, idempotency } = setUp()
    let held: unknown
    receiver.onUnknown(async (_, { extendLease }) => {
      idempotency.extend = () => 'stale'
      held = await extendLease()
      await clock.advance(60_000)
    })
    await receiver.handle(await request())
    expect(held).toBe(false)
  })
})

describe('the outcome', () => {
  const heard = (options: object = {}) => {
    const outcomes: Outcome[] = []
    const setting = setUp({ onOutcome: (one) => outcomes.push(one), ...options })
    return { ...setting, outcomes }
  }

  it('is told for every request, with who was proved and how long it took', async () => {
    const { receiver, request, clock, outcomes } = heard({ onUnknown: () => clock.advance(25) })
    const sent = await request({ id: 'msg_1' })
    await receiver.handle(sent)
    await receiver.handle(sent)
    await receiver.handle({ ...sent, body: utf8('{}') })
    await receiver.handle({ method: 'GET', headers: {}, body: utf8('') })
    const known = { type: 'booking.created', id: 'msg_1', keyId: '0' }
    const stranger = { type: undefined, id: undefined, keyId: undefined, ms: 0 }
    expect(outcomes).toEqual([
      { code: 'handled', ...known, ms: 25 },
      { code: 'duplicate', ...known, ms: 0 },
      { code: 'signature_mismatch', ...stranger },
      { code: 'method_not_allowed', ...stranger },
    ])
  })

  it('changes nothing where its hook fails', async () => {
    const { receiver, request } = heard({
      onOutcome() {
        throw new Error('no metrics today')
      },
    })
    expect((await receiver.handle(await request())).status).toBe(200)
  })

  it('is told though the log is full', async () => {
    const full = () => {
      throw new Error('the log is full')
    }
    const logger = { debug: full, info: full, warn: full, error: full }
    const { receiver, request, outcomes } = heard({ logger, onUnknown: full })
    await receiver.handle(await request())
    expect(outcomes).toMatchObject([{ code: 'handler_failed' }])
  })
})

describe("a provider's own answer", () => {
  const challenge = async (clock = virtualClock()) => {
    const body = utf8(JSON.stringify({ type: 'url_verification', challenge: 'abc', token: 't' }))
    return signRequest(slack(), TEXT_SECRET, { type: 'url_verification', data: {}, body, clock })
  }

  it('to a challenge is given once the request is proved, and no handler runs', async () => {
    const clock = virtualClock()
    const receiver = createReceiver({
      format: slack(),
      secret: TEXT_SECRET,
      clock,
      idempotency: memoryIdempotency({ clock }),
    })
    receiver.on('*', () => expect.fail('ran'))
    const sent = await challenge(clock)
    for (const _ of ['first', 'again']) {
      expect(await receiver.handle(sent)).toMatchObject({
        status: 200,
        outcome: 'challenge',
        body: 'abc',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      })
    }
  })

  it('is given to nobody who did not sign', async () => {
    const clock = virtualClock()
    const receiver = createReceiver({ format: slack(), secret: 'another secret of 30 letters..', clock })
    const answer = await receiver.handle(await challenge(clock))
    expect(answer).toMatchObject({ status: 401, body: '{"error":"signature_mismatch"}' })
  })

  const replying = (reply: NonNullable<InboundFormat['reply']>): InboundFormat => ({ ...standardWebhooks(), reply })
  const outcomeOf = (to: { outcome: string | undefined }) =>
    to.outcome === undefined ? undefined : { status: 299, headers: { 'x-own': '1' }, body: `own ${to.outcome}` }

  it('to an outcome is given in place of the usual one, to what was refused by its signature too', async () => {
    const { receiver, request } = setUp({ format: replying(outcomeOf) })
    receiver.on('a.b', () => Promise.reject(new Error('no')))
    const answers = [
      await receiver.handle(await request()),
      await receiver.handle(await request({ type: 'a.b' })),
      await receiver.handle({ headers: {}, body: utf8('{}') }),
    ]
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [299, 'own unknown_event'],
      [299, 'own handler_failed'],
      [299, 'own missing_header'],
    ])
    expect(answers[0]?.headers['x-own']).toBe('1')
  })

  it("gives way to the user's own", async () => {
    const { receiver, request } = setUp({ format: replying(outcomeOf), answers: { unknown_event: [204] } })
    const answer = await receiver.handle(await request())
    expect([answer.status, answer.body, answer.headers['x-own']]).toEqual([204, '', undefined])
  })

  it('is made with the keys of the secret that fitted, and what fails in it is a 500', async () => {
    const seen: unknown[] = []
    const format = replying(({ keys }) => {
      seen.push(keys.map(({ bytes }) => Buffer.from(bytes).toString('base64')))
      throw new Error('no answer')
    })
    const { receiver, request } = setUp({ format, secret: [OTHER_SECRET, SECRET] })
    expect(await receiver.handle(await request())).toMatchObject({ status: 500, outcome: 'handler_failed' })
    expect(await receiver.handle(await request({ invalid: 'signature' }))).toMatchObject({ status: 401 })
    expect(seen).toEqual([[SECRET.slice('whsec_'.length)], []])
  })

  it('asks for the secret once: what becomes of the work depends on no second look', async () => {
    let asked = 0
    const secret = async () => {
      if (++asked > 1) throw new Error('the secrets are away')
      return SECRET
    }
    const { receiver, request } = setUp({ format: replying(() => undefined), secret })
    receiver.on('a.b', () => {})
    expect(await receiver.handle(await request({ type: 'a.b' }))).toMatchObject({ status: 200, outcome: 'handled' })
  })
})

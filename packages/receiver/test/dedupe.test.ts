import { createReceiver, type IdempotencyStore, isHooksError, memoryIdempotency } from '@hooks/receiver'
import { linear } from '@hooks/receiver/formats'
import { signRequest, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { codeOf, deferred, grillo, lokroom, OTHER_SECRET, SECRET, setUp, TEXT_SECRET, token } from './support.ts'

/** A store that fails where it is told to, and counts what it is asked. */
function faulty(store: IdempotencyStore, fails: (call: string, n: number) => boolean) {
  const calls: string[] = []
  const wrap =
    <A extends unknown[], R>(name: string, method: (...args: A) => R) =>
    async (...args: A) => {
      calls.push(name)
      if (fails(name, calls.filter((one) => one === name).length)) throw new Error(`${name} failed`)
      return method(...args)
    }
  const { facts, begin, complete, abandon, extend, completedWithin, prune, close } = store
  const wrapped = {
    facts,
    prune,
    close,
    begin: wrap('begin', begin),
    complete: wrap('complete', complete),
    abandon: wrap('abandon', abandon),
    extend: wrap('extend', extend),
    completedWithin: wrap('completedWithin', completedWithin),
  } as unknown as IdempotencyStore
  return { calls, store: wrapped }
}

describe('a message that comes twice', () => {
  it('is handled once: the second is a duplicate, for 7 days', async () => {
    const { receiver, clock, request } = setUp()
    let ran = 0
    receiver.on('booking.created', () => ran++)
    const again = () => request({ id: 'msg_1' })
    expect((await receiver.handle(await again())).outcome).toBe('handled')
    expect(await receiver.handle(await again())).toMatchObject({
      outcome: 'duplicate',
      status: 200,
      body: '{"received":true}',
    })
    await clock.advance(7 * 86_400_000 - 1)
    expect((await receiver.handle(await again())).outcome).toBe('duplicate')
    expect(ran).toBe(1)
    await clock.advance(2)
    expect((await receiver.handle(await again())).outcome).toBe('handled')
  })

  it('is handled twice without a store', async () => {
    const { receiver, request } = setUp({ idempotency: undefined as never })
    let ran = 0
    receiver.on('booking.created', () => ran++)
    const sent = await request()
    for (let i = 0; i < 2; i++) expect((await receiver.handle(sent)).outcome).toBe('handled')
    expect(ran).toBe(2)
  })

  it('while the first is being handled is a 500 that says when to come again, and never a 200', async () => {
    const { receiver, request } = setUp({ leaseMs: 45_500 })
    const work = deferred()
    receiver.on('booking.created', () => work.promise)
    const sent = await request()
    const first = receiver.handle(sent)
    const second = await receiver.handle(sent)
    expect(second).toMatchObject({ outcome: 'in_progress', status: 500, body: '{"error":"in_progress"}' })
    expect(second.headers['retry-after']).toBe('46')
    work.resolve()
    expect((await first).outcome).toBe('handled')
    expect((await receiver.handle(sent)).outcome).toBe('duplicate')
  })

  it('is told to come again in a second at least', async () => {
    const { receiver, request } = setUp({
      idempotency: { ...memoryIdempotency(), begin: () => ({ state: 'in_progress', retryInMs: 0 }) },
    })
    receiver.on('booking.created', () => {})
    expect((await receiver.handle(await request())).headers['retry-after']).toBe('1')
  })

  it('two hundred times at once, with a first handler that crashes, runs once to completion, and none is told 200 before', async () => {
    const { receiver, request } = setUp()
    let begun = 0
    let completed = 0
    let running = 0
    receiver.on('booking.created', async () => {
      expect(++running).toBe(1)
      begun++
      await new Promise((resolve) => setImmediate(resolve))
      running--
      if (begun === 1) throw new Error('crash')
      completed++
    })
    const sent = await request({ id: 'msg_1' })
    const waiting = Array.from({ length: 200 }, async () => {
      for (let tries = 1; tries < 100; tries++) {
        const { status } = await receiver.handle(sent)
        if (status === 200) {
          expect(completed).toBe(1)
          return tries
        }
        expect(status).toBe(500)
        await new Promise((resolve) => setImmediate(resolve))
      }
      return expect.fail('never handled')
    })
    await Promise.all(waiting)
    expect([begun, completed]).toEqual([2, 1])
  })

  it('after its handler failed is handled again, at once, and its handler knows how often it was tried', async () => {
    const { receiver, request } = setUp()
    const attempts: number[] = []
    receiver.on('booking.created', (_, { attempt }) => {
      attempts.push(attempt)
      if (attempt < 3) throw new Error('not yet')
    })
    const outcomes: string[] = []
    for (let i = 0; i < 4; i++) outcomes.push((await receiver.handle(await request({ id: 'msg_1' }))).outcome)
    expect(outcomes).toEqual(['handler_failed', 'handler_failed', 'handled', 'duplicate'])
    expect(attempts).toEqual([1, 2, 3])
  })

  it('after the process that handled it crashed is handled when the lease is over', async () => {
    const clock = virtualClock()
    const idempotency = memoryIdempotency({ clock })
    const { receiver, request } = setUp({ clock, idempotency })
    const { receiver: crashed } = setUp({ clock: { ...clock, sleep: () => new Promise(() => {}) }, idempotency })
    crashed.on('booking.created', () => new Promise(() => {}))
    receiver.on('booking.created', () => {})
    const sent = await request({ sentAt: clock.now() })
    void crashed.handle(sent)
    expect((await receiver.handle(sent)).outcome).toBe('in_progress')
    await clock.advance(60_001)
    expect((await receiver.handle(sent)).outcome).toBe('handled')
  })

  it('under two secrets of a rotation is one message', async () => {
    const { receiver, request } = setUp({ secret: [OTHER_SECRET, SECRET] })
    receiver.on('booking.created', () => {})
    expect((await receiver.handle(await request({ id: 'msg_1' }, SECRET))).outcome).toBe('handled')
    expect((await receiver.handle(await request({ id: 'msg_1' }, OTHER_SECRET))).outcome).toBe('duplicate')
  })

  it('for two receivers with one store is two messages, if they have names of their own', async () => {
    const { idempotency, clock, request } = setUp()
    const make = (source?: string) =>
      createReceiver({ secret: SECRET, idempotency, clock, ...(source && { source }) }).on('booking.created', () => {})
    const sent = await request()
    for (const source of [undefined, 'billing', 'crm'])
      expect((await make(source).handle(sent)).outcome).toBe('handled')
    expect((await make('crm').handle(sent)).outcome).toBe('duplicate')
  })

  it('from two tenants with secrets of their own is two messages: neither uses up the ids of the other', async () => {
    const { receiver, request } = setUp({
      secret: ({ url }) => (url === '/a' ? SECRET : OTHER_SECRET),
      source: ({ url }) => url,
    })
    receiver.on('booking.created', () => {})
    expect((await receiver.handle({ ...(await request({ id: 'msg_1' })), url: '/a' })).outcome).toBe('handled')
    expect((await receiver.handle({ ...(await request({ id: 'msg_1' }, OTHER_SECRET)), url: '/b' })).outcome).toBe(
      'handled',
    )
    expect((await receiver.handle({ ...(await request({ id: 'msg_1' })), url: '/a' })).outcome).toBe('duplicate')
  })

  it('of a type that nobody handles is remembered by nobody', async () => {
    const { receiver, request, idempotency } = setUp()
    const { calls, store } = faulty(idempotency, () => false)
    const other = setUp({ idempotency: store })
    await other.receiver.handle(await request())
    await receiver.handle(await request())
    expect(calls).toEqual([])
  })
})

describe('the key in the store', () => {
  it("has a bounded length and none of the sender's text", async () => {
    const keys: string[] = []
    const clock = virtualClock()
    const memory = memoryIdempotency({ clock })
    const idempotency: IdempotencyStore = {
      ...memory,
      begin(key, options) {
        keys.push(key)
        return memory.begin(key, options)
      },
    }
    const { receiver } = setUp({ format: grillo, secret: TEXT_SECRET, idempotency, clock } as never)
    receiver.on('a.b', () => {})
    const sent = await signRequest(grillo, TEXT_SECRET, {
      type: 'a.b',
      deliveryId: `${'x'.repeat(5_000)}\u00e9`,
      clock,
    })
    expect((await receiver.handle(sent)).outcome).toBe('handled')
    expect(keys.length).toBe(2)
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('an id that the signature does not cover', () => {
  const make = () => {
    const setting = setUp({ format: grillo, secret: TEXT_SECRET } as never)
    const ran: unknown[] = []
    setting.receiver.on('a.b', ({ data }) => ran.push(data))
    const sign = (deliveryId: string, data: unknown = 1) =>
      signRequest(grillo, TEXT_SECRET, { type: 'a.b', data, deliveryId, clock: setting.clock })
    return { ...setting, ran, sign }
  }

  it('is a duplicate under any other id for ten minutes, since anyone can write another id', async () => {
    const { receiver, sign, ran, clock } = make()
    expect((await receiver.handle(await sign('a'))).outcome).toBe('handled')
    expect((await receiver.handle(await sign('b'))).outcome).toBe('duplicate')
    expect((await receiver.handle(await sign('a'))).outcome).toBe('duplicate')
    await clock.advance(600_001)
    expect((await receiver.handle(await sign('a'))).outcome).toBe('duplicate')
    expect((await receiver.handle(await sign('c'))).outcome).toBe('handled')
    expect(ran.length).toBe(2)
  })

  it('is a duplicate under any other id for as long as the time is good that is among its bytes', async () => {
    const clock = virtualClock()
    const { receiver } = setUp({
      format: linear(),
      secret: TEXT_SECRET,
      clock,
      idempotency: memoryIdempotency({ clock }),
    } as never)
    let ran = 0
    receiver.on('Issue', () => ran++)
    const sent = await signRequest(linear(), TEXT_SECRET, { type: 'Issue', data: {}, id: 'first', clock })
    const outcomes: string[] = []
    for (const hours of [0, 1, 6.9, 0.5]) {
      await clock.advance(hours * 3_600_000)
      const headers = { ...sent.headers, 'linear-delivery': `forged ${hours}` }
      outcomes.push((await receiver.handle({ ...sent, headers })).outcome)
    }
    expect(outcomes).toEqual(['handled', 'duplicate', 'duplicate', 'timestamp_too_old'])
    expect(ran).toBe(1)
  })

  it('is asked about by a store whose promises are of a class of its own', async () => {
    const clock = virtualClock()
    const memory = memoryIdempotency({ clock })
    const foreign = <T>(value: T) => ({
      // biome-ignore lint/suspicious/noThenProperty: it is the point.
      then: (done: (value: T) => unknown) => Promise.resolve(value).then(done),
    })
    const idempotency = {
      ...memory,
      begin: (...given: Parameters<typeof memory.begin>) => foreign(memory.begin(...given)),
      completedWithin: (...given: Parameters<typeof memory.completedWithin>) =>
        foreign(memory.completedWithin(...given)),
    }
    const { receiver } = setUp({ format: grillo, secret: TEXT_SECRET, clock, idempotency } as never)
    receiver.on('a.b', () => {})
    const handle = async (deliveryId: string) =>
      (await receiver.handle(await signRequest(grillo, TEXT_SECRET, { type: 'a.b', deliveryId, clock }))).outcome
    expect([await handle('a'), await handle('a'), await handle('b')]).toEqual(['handled', 'duplicate', 'duplicate'])
  })

  it("is no duplicate while its bytes failed: the sender's retry is handled", async () => {
    const { receiver, request: _request, clock } = setUp({ format: grillo, secret: TEXT_SECRET } as never)
    let tries = 0
    receiver.on('a.b', () => {
      if (++tries === 1) throw new Error('not yet')
    })
    const sent = await signRequest(grillo, TEXT_SECRET, { type: 'a.b', deliveryId: 'a', clock })
    expect((await receiver.handle(sent)).outcome).toBe('handler_failed')
    expect((await receiver.handle(sent)).outcome).toBe('handled')
  })

  it('with other bytes is another message, also under an id that a forger used before', async () => {
    const { receiver, sign, ran } = make()
    const forged = { ...(await sign('next')), body: new TextEncoder().encode('{"event":"a.b"}') }
    expect((await receiver.handle(forged)).outcome).toBe('signature_mismatch')
    expect((await receiver.handle(await sign('next', 2))).outcome).toBe('handled')
    expect(ran).toEqual([2])
  })

  it('is never taken for the bytes of another message, though a forger writes those into it', async () => {
    const { receiver, sign, ran } = make()
    const next = await sign('next', 2)
    const replayed = await sign('a', 1)
    const headers = { ...replayed.headers, 'x-grillo-delivery': Buffer.from(next.body).toString() }
    expect((await receiver.handle({ ...replayed, headers })).outcome).toBe('handled')
    expect((await receiver.handle(next)).outcome).toBe('handled')
    expect(ran).toEqual([1, 2])
  })

  it('is all there is where a token signs nothing: equal bodies under two ids are two messages', async () => {
    const { receiver } = setUp({ format: token, secret: TEXT_SECRET } as never)
    receiver.on('a.b', () => {})
    const sign = (deliveryId: string) => signRequest(token, TEXT_SECRET, { type: 'a.b', deliveryId })
    expect((await receiver.handle(await sign('a'))).outcome).toBe('handled')
    expect((await receiver.handle(await sign('b'))).outcome).toBe('handled')
    expect((await receiver.handle(await sign('a'))).outcome).toBe('duplicate')
  })
})

describe('a format without an id on the wire', () => {
  it('is refused a store at construction, since a retry could not be told from a new event', async () => {
    const make = () => createReceiver({ format: lokroom, secret: TEXT_SECRET, idempotency: memoryIdempotency() })
    expect(await codeOf(make)).toBe('idempotency_key_needed')
    expect(make).toThrow('lokroom has no id on the wire')
    expect(await codeOf(() => createReceiver({ format: lokroom, secret: TEXT_SECRET }))).toBe('accepted')
  })

  it('takes the key that the user makes of the message', async () => {
    const { receiver, clock } = setUp({
      format: lokroom,
      secret: TEXT_SECRET,
      idempotencyKey: ({ type, data }: { type: string; data: unknown }) => `${type}:${(data as { id: string }).id}`,
    } as never)
    receiver.onUnknown(() => {})
    const handle = async (type: string, id: string) =>
      (await receiver.handle(await signRequest(lokroom, TEXT_SECRET, { type, data: { id }, clock }))).outcome
    expect(await handle('booking.created', 'b1')).toBe('handled')
    expect(await handle('booking.cancelled', 'b1')).toBe('handled')
    expect(await handle('booking.created', 'b2')).toBe('handled')
    expect(await handle('booking.created', 'b1')).toBe('duplicate')
  })

  it.each([undefined, '', null, Promise.resolve('b1'), { id: 'b1' }])(
    'handles nothing where that key is missing or no text: %o',
    async (key) => {
      const { receiver, clock } = setUp({
        format: lokroom,
        secret: TEXT_SECRET,
        idempotencyKey: () => key as never,
      } as never)
      receiver.onUnknown(() => expect.fail('ran'))
      const sent = await signRequest(lokroom, TEXT_SECRET, { type: 'a.b', clock })
      expect(await receiver.handle(sent)).toMatchObject({ status: 500, outcome: 'idempotency_key_invalid' })
    },
  )
})

describe('the lease', () => {
  it('is held for as long as the handler works', async () => {
    const { receiver, clock, request } = setUp()
    const work = deferred<void>()
    let aborted: boolean | undefined
    receiver.on('booking.created', async (_, { signal }) => {
      await work.promise
      aborted = signal.aborted
    })
    const sent = await request()
    const first = receiver.handle(sent)
    await clock.advance(240_000)
    expect((await receiver.handle(sent)).outcome).toBe('in_progress')
    work.resolve()
    expect((await first).outcome).toBe('handled')
    expect(aborted).toBe(false)
  })

  it('that was lost aborts the signal; what finishes then is not told to be handled', async () => {
    const clock = virtualClock()
    const memory = memoryIdempotency({ clock })
    const { store } = faulty(memory, (call) => call === 'extend')
    const { receiver, request, logger } = setUp({ clock, idempotency: store })
    const work = deferred<void>()
    let signal: AbortSignal | undefined
    receiver.on('booking.created', async (_, context) => {
      signal = context.signal
      await work.promise
    })
    const first = receiver.handle(await request({ id: 'msg_1' }))
    await clock.advance(59_999)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(signal?.aborted).toBe(true)
    const { receiver: other } = setUp({ clock, idempotency: memory })
    const elsewhere = deferred<void>()
    other.on('booking.created', () => elsewhere.promise)
    const second = other.handle(await request({ id: 'msg_1' }))
    await clock.advance(0)
    work.resolve()
    expect(await first).toMatchObject({ outcome: 'in_progress', status: 500 })
    expect(logger.lines).toMatchObject([{ fields: { code: 'in_progress', id: 'msg_1', err: 'the lease was lost' } }])
    elsewhere.resolve()
    expect((await second).outcome).toBe('handled')
  })

  it.each([
    ['that ends while the store says nothing is lost', 60_000, () => new Promise<never>(() => {})],
    ['that another took is known at the next beat', 20_000, () => 'stale' as const],
  ])('%s', async (_, lostAfter, extend) => {
    const clock = virtualClock()
    const memory = memoryIdempotency({ clock })
    const { receiver, request } = setUp({ clock, idempotency: { ...memory, extend } })
    const work = deferred<void>()
    let signal: AbortSignal | undefined
    receiver.on('booking.created', async (_message, context) => {
      signal = context.signal
      await work.promise
    })
    const answer = receiver.handle(await request())
    await clock.advance(lostAfter - 1)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(signal?.aborted).toBe(true)
    work.resolve()
    await answer
  })

  it('is still held where the store was away for one beat', async () => {
    const clock = virtualClock()
    const { store, calls } = faulty(memoryIdempotency({ clock }), (call, n) => call === 'extend' && n === 1)
    const { receiver, request } = setUp({ clock, idempotency: store })
    const work = deferred<void>()
    let aborted: boolean | undefined
    receiver.on('booking.created', async (_, { signal }) => {
      await work.promise
      aborted = signal.aborted
    })
    const first = receiver.handle(await request())
    await clock.advance(100_000)
    work.resolve()
    expect((await first).outcome).toBe('handled')
    expect(aborted).toBe(false)
    expect(calls.filter((call) => call === 'extend').length).toBe(5)
  })

  it('is extended no more once the work is over', async () => {
    const clock = virtualClock()
    const { store, calls } = faulty(memoryIdempotency({ clock }), () => false)
    const { receiver, request } = setUp({ clock, idempotency: store })
    receiver.on('booking.created', () => {})
    await receiver.handle(await request())
    await clock.advance(600_000)
    expect(calls).toEqual(['begin', 'complete'])
  })
})

describe('a store that fails', () => {
  it('before the work is a 503, and the handler does not run', async () => {
    const { store } = faulty(memoryIdempotency(), (call) => call === 'begin')
    const { receiver, request, logger } = setUp({ idempotency: store })
    receiver.on('booking.created', () => expect.fail('ran'))
    expect(await receiver.handle(await request())).toMatchObject({ status: 503, outcome: 'store_unavailable' })
    expect(logger.lines).toMatchObject([
      { level: 'error', fields: { code: 'store_unavailable', type: 'booking.created' } },
    ])
  })

  it('after the work is asked again, and the message is handled', async () => {
    const clock = virtualClock()
    const { store, calls } = faulty(memoryIdempotency({ clock }), (call, n) => call === 'complete' && n < 3)
    const { receiver, request } = setUp({ clock, idempotency: store })
    receiver.on('booking.created', () => {})
    const answer = receiver.handle(await request())
    await clock.advance(60_000)
    expect((await answer).outcome).toBe('handled')
    expect(calls.filter((call) => call === 'complete').length).toBe(3)
  })

  it('for good after the work is a 500, and the claim is not given up, so that the work is not done again at once', async () => {
    const clock = virtualClock()
    const { store, calls } = faulty(memoryIdempotency({ clock }), (call) => call === 'complete')
    const { receiver, request } = setUp({ clock, idempotency: store })
    let ran = 0
    receiver.on('booking.created', () => ran++)
    const sent = await request()
    const answer = receiver.handle(sent)
    await clock.advance(30_000)
    expect(await answer).toMatchObject({ status: 500, outcome: 'in_progress' })
    expect(calls).not.toContain('abandon')
    expect((await receiver.handle(sent)).outcome).toBe('in_progress')
    expect(ran).toBe(1)
  })

  it("while giving up a claim is silent: the handler's own failure is what is told", async () => {
    const clock = virtualClock()
    const { store } = faulty(memoryIdempotency({ clock }), (call) => call === 'abandon')
    const { receiver, request, logger } = setUp({ clock, idempotency: store })
    const failure = new Error('work')
    receiver.on('booking.created', () => Promise.reject(failure))
    expect((await receiver.handle(await request())).outcome).toBe('handler_failed')
    expect(logger.lines).toMatchObject([{ fields: { err: failure } }])
  })

  it('is no failure of ours where the handler throws one of our errors', async () => {
    const { receiver, request } = setUp()
    receiver.on('booking.created', async () => {
      const { ConfigurationError } = await import('@hooks/receiver')
      const thrown = new ConfigurationError('secret_missing')
      expect(isHooksError(thrown)).toBe(true)
      throw thrown
    })
    expect((await receiver.handle(await request())).outcome).toBe('handler_failed')
  })
})

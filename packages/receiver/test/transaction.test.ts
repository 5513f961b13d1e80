import type { Begun } from '@hooks/core'
import {
  createReceiver,
  Discard,
  type IdempotencyStore,
  memoryIdempotency,
  RetryLater,
  standardWebhooks,
} from '@hooks/receiver'
import { signRequest, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { grillo, memoryLogger, SECRET, TEXT_SECRET } from './support.ts'

/** A database: keys and orders, snapshots, a commit, and a lock a key that nobody waits for. */
interface Tables {
  readonly keys: Map<string, { token: string; done: boolean }>
  readonly orders: string[]
}

function database(kind: 'async' | 'sync' = 'async') {
  let tables: Tables = { keys: new Map(), orders: [] }
  const locks = new Map<string, Tables>()
  let tokens = 0
  /** What happens at a commit: by default it is made. */
  const commit = { now: (make: () => void): void => make() }
  /** What is called, and what may stand in front of each call. */
  const before = { begin: (_key: string): void => {}, complete: (): void => {} }
  /** Transactions that are open: each has a connection of the host's pool. */
  let open = 0

  const store: IdempotencyStore<Tables> = {
    facts: { clock: 'injected', processes: 'many', tx: kind },
    begin(key, { tx }): Begun {
      before.begin(key)
      const own = tx ?? tables
      if (locks.has(key) && locks.get(key) !== tx) return { state: 'in_progress', retryInMs: 5_000 }
      if (own.keys.get(key)?.done) return { state: 'completed' }
      if (tx) locks.set(key, tx)
      const token = `${++tokens}`
      own.keys.set(key, { token, done: false })
      return { state: 'claimed', lease: { key, token, attempt: 1, claims: 1, leaseLeftMs: 60_000 } }
    },
    complete({ key, token }, { tx }) {
      before.complete()
      const own = tx ?? tables
      if (own.keys.get(key)?.token !== token) return 'stale'
      own.keys.set(key, { token, done: true })
      return 'applied'
    },
    abandon: () => expect.fail('a rollback gives up a claim'),
    extend: () => expect.fail('a transaction holds its claim'),
    completedWithin(key) {
      // It asks on a connection of its own, and a pool whose connections all wait for one more never ends.
      expect(open).toBe(0)
      return tables.keys.get(key)?.done === true
    },
    prune: () => ({ more: false }),
    async close() {},
  }
  const begin = (): Tables => {
    open++
    return { keys: new Map(tables.keys), orders: [...tables.orders] }
  }
  const close = (tx: Tables) => {
    open--
    for (const [key, owner] of locks) if (owner === tx) locks.delete(key)
  }
  const make = (tx: Tables) => () => {
    const added = tx.orders.slice(tables.orders.length)
    tables = { keys: new Map([...tables.keys, ...tx.keys]), orders: [...tables.orders, ...added] }
  }
  const transaction = async (run: (tx: Tables) => Promise<void>): Promise<void> => {
    const tx = begin()
    try {
      await run(tx)
      commit.now(make(tx))
    } finally {
      close(tx)
    }
  }
  const transactionSync = (run: (tx: Tables) => unknown): void => {
    const tx = begin()
    try {
      run(tx)
      commit.now(make(tx))
    } finally {
      close(tx)
    }
  }
  return {
    store,
    transaction,
    transactionSync,
    commit,
    before,
    orders: () => tables.orders,
    keys: () => tables.keys.size,
  }
}

function setUp(work: (tx: Tables, id: string) => unknown, options: { sync?: boolean; format?: typeof grillo } = {}) {
  const db = database(options.sync ? 'sync' : 'async')
  const clock = virtualClock()
  const logger = memoryLogger()
  const format = options.format ?? standardWebhooks()
  const secret = options.format ? TEXT_SECRET : SECRET
  const receiver = createReceiver({
    format,
    secret,
    clock,
    logger,
    idempotency: db.store,
    transaction: options.sync ? (run: (tx: Tables) => Promise<void>) => db.transactionSync(run) : db.transaction,
  }).on('order.placed', ({ id }, { tx }) => work(tx, id ?? ''))
  const request = (id: string, deliveryId = id) =>
    signRequest(format, secret, { type: 'order.placed', data: { n: 1 }, id, deliveryId, clock })
  const outcome = async (id: string, deliveryId = id) => (await receiver.handle(await request(id, deliveryId))).outcome
  return { ...db, db, receiver, request, outcome, logger, clock }
}
const place = (tx: Tables, id: string) => tx.orders.push(id)

describe("a handler in the host's transaction", () => {
  it('commits with its claim and its completion: the second time it is a duplicate', async () => {
    const { outcome, orders } = setUp(place)
    expect([await outcome('m1'), await outcome('m1'), await outcome('m2')]).toEqual(['handled', 'duplicate', 'handled'])
    expect(orders()).toEqual(['m1', 'm2'])
  })

  it('that throws has written nothing and claimed nothing, and is asked again', async () => {
    let fails = true
    const { outcome, orders, keys } = setUp((tx, id) => {
      place(tx, id)
      if (fails) throw new Error('no stock')
    })
    expect(await outcome('m1')).toBe('handler_failed')
    expect([orders(), keys()]).toEqual([[], 0])
    fails = false
    expect(await outcome('m1')).toBe('handled')
    expect(orders()).toEqual(['m1'])
  })

  it('tells when to come again, and has written nothing', async () => {
    const { receiver, request, orders } = setUp((tx, id) => {
      place(tx, id)
      throw new RetryLater(30)
    })
    expect(await receiver.handle(await request('m1'))).toMatchObject({
      status: 500,
      outcome: 'retry_later',
      headers: { 'retry-after': '30' },
    })
    expect(orders()).toEqual([])
  })

  it('that discards its message commits what it wrote before', async () => {
    const { outcome, orders } = setUp((tx, id) => {
      tx.orders.push(`${id} refused`)
      throw new Discard('no such customer')
    })
    expect([await outcome('m1'), await outcome('m1')]).toEqual(['discarded', 'duplicate'])
    expect(orders()).toEqual(['m1 refused'])
  })

  it('runs once however many come at once: who comes meanwhile waits for nobody', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const { outcome, orders } = setUp(async (tx, id) => {
      await gate
      place(tx, id)
    })
    const first = outcome('m1')
    const others = await Promise.all(Array.from({ length: 19 }, () => outcome('m1')))
    expect(new Set(others)).toEqual(new Set(['in_progress']))
    release()
    expect([await first, await outcome('m1')]).toEqual(['handled', 'duplicate'])
    expect(orders()).toEqual(['m1'])
  })
})

describe('a transaction that fails', () => {
  const broken = () => {
    throw new Error('connection terminated')
  }

  it.each<[string, (db: ReturnType<typeof database>) => void]>([
    [
      'before the claim',
      ({ before }) => {
        before.begin = broken
      },
    ],
    [
      'at the completion',
      ({ before }) => {
        before.complete = broken
      },
    ],
    [
      'at the commit',
      ({ commit }) => {
        commit.now = broken
      },
    ],
  ])('%s is a 503: nothing is written, and the next attempt handles it', async (_, fail) => {
    const { receiver, request, outcome, db, orders } = setUp(place)
    const { before, commit } = db
    const whole = { begin: before.begin, complete: before.complete, now: commit.now }
    fail(db)
    expect(await receiver.handle(await request('m1'))).toMatchObject({ status: 503, outcome: 'store_unavailable' })
    expect(orders()).toEqual([])
    Object.assign(before, whole)
    commit.now = whole.now
    expect(await outcome('m1')).toBe('handled')
    expect(orders()).toEqual(['m1'])
  })

  it('after a commit whose answer is lost is a 503, and the next attempt a duplicate: the work is there once', async () => {
    const { outcome, db, orders } = setUp(place)
    db.commit.now = (make) => {
      make()
      broken()
    }
    expect(await outcome('m1')).toBe('store_unavailable')
    db.commit.now = (make) => make()
    expect(await outcome('m1')).toBe('duplicate')
    expect(orders()).toEqual(['m1'])
  })

  it('and is played again by the host counts as the last time went', async () => {
    const db = database()
    let conflicts = 1
    const clock = virtualClock()
    const receiver = createReceiver({
      secret: SECRET,
      clock,
      idempotency: db.store,
      async transaction(run: (tx: Tables) => Promise<void>) {
        for (;;) {
          try {
            return await db.transaction(async (tx) => {
              await run(tx)
              if (conflicts-- > 0) throw new Error('could not serialize access')
            })
          } catch (error) {
            if (!(error as Error).message.includes('serialize')) throw error
          }
        }
      },
    }).on('order.placed', ({ id }, { tx }) => place(tx, id ?? ''))
    const sent = await signRequest(standardWebhooks(), SECRET, { type: 'order.placed', id: 'm1', clock })
    expect((await receiver.handle(sent)).outcome).toBe('handled')
    expect(db.orders()).toEqual(['m1'])
  })

  it.each([
    ['never runs its callback', async () => {}],
    ['throws', () => broken()],
    ['rejects', async () => broken()],
  ])('because the host %s is a 503', async (_, transaction) => {
    const { store } = database()
    const clock = virtualClock()
    const logger = memoryLogger()
    const receiver = createReceiver({ secret: SECRET, clock, logger, idempotency: store, transaction, onUnknown() {} })
    const sent = await signRequest(standardWebhooks(), SECRET, { type: 'a.b', clock })
    expect(await receiver.handle(sent)).toMatchObject({ status: 503, outcome: 'store_unavailable' })
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { code: 'store_unavailable' } }])
  })
})

describe('an id that is not signed, in a transaction,', () => {
  it('is a duplicate under any other id, and is not while the first was rolled back', async () => {
    let fails = true
    const { outcome, orders } = setUp(
      (tx, id) => {
        place(tx, id)
        if (fails) throw new Error('not yet')
      },
      { format: grillo },
    )
    expect(await outcome('a')).toBe('handler_failed')
    fails = false
    expect([await outcome('b'), await outcome('c'), await outcome('b')]).toEqual(['handled', 'duplicate', 'duplicate'])
    expect(orders()).toEqual(['b'])
  })

  it('is looked up before the transaction, which holds no connection while it waits for another', async () => {
    const { receiver, request, db } = setUp(place, { format: grillo })
    db.store.completedWithin = () => Promise.reject(new Error('the database was away'))
    expect(await receiver.handle(await request('a'))).toMatchObject({ status: 503, outcome: 'store_unavailable' })
  })
})

describe('a synchronous transaction', () => {
  it('is over when its callback returns: claim, work and completion are made before', async () => {
    const { outcome, orders } = setUp(place, { sync: true })
    expect([await outcome('m1'), await outcome('m1')]).toEqual(['handled', 'duplicate'])
    expect(orders()).toEqual(['m1'])
  })

  it('rolls back where the handler throws', async () => {
    const { outcome, orders, keys } = setUp(
      (tx, id) => {
        place(tx, id)
        throw new Error('no')
      },
      { sync: true },
    )
    expect(await outcome('m1')).toBe('handler_failed')
    expect([orders(), keys()]).toEqual([[], 0])
  })

  it('refuses a handler that gives a promise, rolls back, and names the fix', async () => {
    const { receiver, request, orders, logger } = setUp(
      async (tx, id) => {
        place(tx, id)
        await Promise.reject(new Error('later'))
      },
      { sync: true },
    )
    expect(await receiver.handle(await request('m1'))).toMatchObject({ status: 500, outcome: 'tx_unsupported' })
    expect(orders()).toEqual([])
    expect(logger.lines[0]?.fields.err).toMatchObject({ hint: expect.stringContaining('before it returns') })
  })
})

it.each([
  ['none', undefined],
  ['one whose claims and completions no rollback undoes', memoryIdempotency()],
])('transaction needs a store to commit with, and not %s', (_, idempotency) => {
  expect(() =>
    createReceiver({ secret: SECRET, transaction: async () => {}, ...(idempotency && { idempotency }) }),
  ).toThrow(expect.objectContaining({ code: 'option_invalid' }))
})

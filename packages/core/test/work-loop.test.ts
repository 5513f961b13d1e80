import {
  type Applied,
  type ClaimOptions,
  createWorkLoop,
  type Lease,
  type LeaseRef,
  type Leases,
  type Logger,
  type Ms,
  type WorkLoopOptions,
} from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

interface Outcome {
  readonly result: string
}

interface Row {
  readonly key: string
  dueAt: Ms
  token: string
  leasedUntil: Ms
}

/** A store of work in memory, whose answers take time and can be made to fail. */
class FakeLeases implements Leases<Lease, Outcome> {
  readonly rows: Row[] = []
  readonly claims: ClaimOptions[] = []
  readonly settlements: (LeaseRef & Outcome)[][] = []
  readonly released: string[] = []
  /** By method, how long its answer takes, and what it does instead of its work. */
  readonly takes: Record<string, Ms> = {}
  readonly fails: Record<string, (() => void) | undefined> = {}
  #tokens = 0

  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  add(key: string, dueAt: Ms = 0): void {
    this.rows.push({ key, dueAt, token: '', leasedUntil: 0 })
  }

  async claim(options: ClaimOptions): Promise<readonly Lease[]> {
    this.claims.push(options)
    this.fails.claim?.()
    const now = this.#clock.monotonic()
    const due = this.rows.filter((row) => row.dueAt <= now && row.leasedUntil <= now).slice(0, options.limit)
    for (const row of due) Object.assign(row, { token: String(++this.#tokens), leasedUntil: now + options.leaseMs })
    const leases = due.map(({ key, token }) => ({ key, token, attempt: 1, claims: 1, leaseLeftMs: options.leaseMs }))
    await this.#answer('claim')
    return leases
  }

  async settle(settlements: readonly (LeaseRef & Outcome)[]): Promise<readonly Applied[]> {
    this.settlements.push([...settlements])
    await this.#answer('settle')
    this.fails.settle?.()
    return settlements.map(({ key, token }) => {
      const at = this.rows.findIndex((row) => row.key === key && row.token === token)
      if (at >= 0) this.rows.splice(at, 1)
      return at >= 0 ? 'applied' : 'stale'
    })
  }

  async release(leases: readonly LeaseRef[]): Promise<void> {
    this.fails.release?.()
    for (const { key } of leases) {
      this.released.push(key)
      const row = this.rows.find((one) => one.key === key)
      if (row) row.leasedUntil = 0
    }
  }

  async nextDueInMs(): Promise<Ms | null> {
    this.fails.nextDueInMs?.()
    const now = this.#clock.monotonic()
    const times = this.rows.map(({ dueAt, leasedUntil }) => Math.max(dueAt, leasedUntil) - now)
    return times.length > 0 ? Math.max(0, Math.min(...times)) : null
  }

  async #answer(method: string): Promise<void> {
    const ms = this.takes[method]
    if (ms) await this.#clock.sleep(ms)
  }
}

const setUp = (options: Partial<WorkLoopOptions<Lease, Outcome>> = {}, count = 0) => {
  const clock = new VirtualClock()
  const leases = new FakeLeases(clock)
  for (let i = 0; i < count; i++) leases.add(`job-${i}`)
  const logged: string[] = []
  const log = (_: object, message?: string) => logged.push(String(message))
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  /** What was run, and when it ended. */
  const ended: { key: string; at: Ms }[] = []
  const settled: [key: string, applied: Applied][] = []
  let inFlight = 0
  let most = 0
  const work = async (ms: Ms, { key }: LeaseRef, signal?: AbortSignal) => {
    most = Math.max(most, ++inFlight)
    await clock.sleep(ms, signal)
    inFlight--
    ended.push({ key, at: clock.monotonic() })
    return { result: 'done' }
  }
  const loop = createWorkLoop<Lease, Outcome>({
    leases,
    clock,
    logger,
    random: { bytes: (n) => new Uint8Array(n), float: () => 0.5 },
    worker: 'worker-1',
    concurrency: 3,
    leaseMs: 60_000,
    pollMs: 1_000,
    run: (lease, { signal }) => work(100, lease, signal),
    settled: ({ key }, _, applied) => settled.push([key, applied]),
    ...options,
  })
  return { clock, leases, loop, logged, ended, settled, work, most: () => most }
}

/** Until the loop has ended, and no timer of it is left. */
const end = async ({ clock, loop }: ReturnType<typeof setUp>) => {
  await clock.run(loop.stop(60_000))
  expect(loop.running).toBe(0)
  expect(clock.asleep).toBe(0)
}

describe('claiming', () => {
  it('gives back work that was not begun, and settles nothing of it', async () => {
    let refused = 0
    const { clock, leases, loop, settled } = setUp({ run: async () => (refused++ < 2 ? null : { result: 'done' }) }, 1)
    loop.start()
    await clock.advance(5_000)
    expect(leases.released).toEqual(['job-0', 'job-0'])
    expect(leases.settlements.flat()).toHaveLength(1)
    expect(settled).toEqual([['job-0', 'applied']])
    await loop.stop(0)
  })

  it('asks for no more than the free slots, and runs no more at a time', async () => {
    const test = setUp({}, 20)
    test.loop.start()
    await test.clock.advance(10_000)
    expect(test.ended).toHaveLength(20)
    expect(test.most()).toBe(3)
    for (const claim of test.leases.claims) {
      expect(claim).toEqual({ worker: 'worker-1', limit: expect.any(Number), leaseMs: 60_000 })
      expect(claim.limit).toBeGreaterThan(0)
      expect(claim.limit).toBeLessThanOrEqual(3)
    }
    await end(test)
  })

  it('goes on in every slot that is free: slow work holds up nothing but its own slot', async () => {
    const test = setUp({ concurrency: 2, run: (lease) => test.work(lease.key === 'job-0' ? 30_000 : 100, lease) }, 6)
    test.loop.start()
    await test.clock.advance(1_000)
    expect(test.ended.map(({ key }) => key)).toEqual(['job-1', 'job-2', 'job-3', 'job-4', 'job-5'])
    expect(test.ended.at(-1)?.at).toBeLessThan(600)
    expect(test.loop.running).toBe(1)
    await end(test)
  })

  it('asks for nothing while every slot is taken', async () => {
    const test = setUp({ concurrency: 1, run: (lease) => test.work(5_500, lease) }, 2)
    test.loop.start()
    await test.clock.advance(5_000)
    expect(test.leases.claims).toHaveLength(1)
    await test.clock.advance(1_000)
    expect(test.leases.claims).toHaveLength(2)
    await end(test)
  })

  it('looks again when the next work is due, and at the latest at the poll', async () => {
    const test = setUp()
    test.leases.add('soon', 250)
    test.loop.start()
    await test.clock.advance(400)
    expect(test.ended).toEqual([{ key: 'soon', at: 350 }])
    const before = test.leases.claims.length
    await test.clock.advance(10_000)
    expect(test.leases.claims.length - before).toBeGreaterThanOrEqual(9)
    expect(test.leases.claims.length - before).toBeLessThanOrEqual(11)
    await end(test)
  })

  it('looks at once when it is woken', async () => {
    const test = setUp({ pollMs: 60_000 })
    test.loop.start()
    await test.clock.advance(10)
    test.leases.add('new', 10)
    test.loop.wake()
    await test.clock.advance(110)
    expect(test.ended).toEqual([{ key: 'new', at: 110 }])
    await end(test)
  })

  it('hears a wake-up that comes while a claim is under way', async () => {
    const test = setUp({ pollMs: 60_000 })
    test.leases.takes.claim = 50
    test.loop.start()
    await test.clock.advance(20)
    test.leases.add('new', 0)
    test.loop.wake()
    await test.clock.advance(500)
    expect(test.ended.map(({ key }) => key)).toEqual(['new'])
    await end(test)
  })

  it('does not turn without end over work that is due and cannot be claimed', async () => {
    const test = setUp()
    test.leases.add('held')
    test.leases.claim = async (options) => {
      test.leases.claims.push(options)
      return []
    }
    test.loop.start()
    await test.clock.advance(1_000)
    expect(test.leases.claims.length).toBeLessThanOrEqual(201)
    await end(test)
  })

  it('gives each piece of work the time of its lease, less what settling needs', async () => {
    const ends: Ms[] = []
    const test = setUp({ run: async (_, { endsAt }) => ({ result: String(ends.push(endsAt)) }) }, 1)
    test.leases.takes.claim = 500
    test.loop.start()
    await test.clock.advance(1_000)
    expect(ends).toEqual([60_000 - 2_000])
    await end(test)
  })

  it('gives back leases that were nearly over when the answer came', async () => {
    const test = setUp({ leaseMs: 10_000 }, 2)
    test.leases.takes.claim = 8_500
    test.loop.start()
    await test.clock.advance(9_000)
    expect(test.leases.released).toEqual(['job-0', 'job-1'])
    expect(test.ended).toEqual([])
    test.leases.takes.claim = 0
    await test.clock.advance(20_000)
    expect(test.ended.map(({ key }) => key).sort()).toEqual(['job-0', 'job-1'])
    await end(test)
  })

  it('starts once, however often it is started', async () => {
    const test = setUp()
    test.loop.start()
    test.loop.start()
    await test.clock.advance(0)
    expect(test.leases.claims).toHaveLength(1)
    expect(test.loop.started).toBe(true)
    await end(test)
    expect(test.loop.started).toBe(false)
  })
})

describe('a claim', () => {
  it('is reported once what it brought runs, with what it had asked for', async () => {
    const claimed: [count: number, limit: number, running: number][] = []
    const test = setUp({ claimed: (count, limit) => claimed.push([count, limit, test.loop.running]) }, 2)
    test.loop.start()
    await test.clock.advance(50)
    expect(claimed[0]).toEqual([2, 3, 2])
    await end(test)
  })

  it('waits until three quarters of the slots are free, or as long as the last took, and 5 ms at most', async () => {
    for (const [takes, waits] of [
      [0, 0],
      [3, 3],
      [45, 5],
    ] as const) {
      const run = (lease: Lease) => test.work(lease.key === 'job-0' ? 100 : 1_000, lease)
      const test = setUp({ concurrency: 4, run }, 6)
      test.leases.takes.claim = takes
      const at: Ms[] = []
      const claim = test.leases.claim.bind(test.leases)
      test.leases.claim = (options) => {
        at.push(test.clock.monotonic())
        return claim(options)
      }
      test.loop.start()
      await test.clock.advance(500)
      expect(at).toEqual([0, takes + 100 + waits])
      await end(test)
    }
  })

  it('waits for nothing once three quarters of the slots are free', async () => {
    const run = (lease: Lease) => test.work(Number(lease.key.slice(4)) < 3 ? 100 : 1_000, lease)
    const test = setUp({ concurrency: 4, run }, 8)
    test.leases.takes.claim = 45
    test.loop.start()
    await test.clock.advance(145)
    expect(test.leases.claims.map(({ limit }) => limit)).toEqual([4, 3])
    await end(test)
  })

  it('comes once for all slots that were left in one turn', async () => {
    const test = setUp({ concurrency: 4 }, 8)
    Object.assign(test.clock, { turn: () => test.clock.sleep(0) })
    test.loop.start()
    await test.clock.advance(150)
    expect(test.ended).toHaveLength(4)
    expect(test.leases.claims.map(({ limit }) => limit)).toEqual([4, 4])
    await end(test)
  })

  it('is not reported where it failed', async () => {
    let reports = 0
    const test = setUp({ claimed: () => reports++ })
    test.leases.fails.claim = () => {
      throw new Error('the store is away')
    }
    test.loop.start()
    await test.clock.advance(1_000)
    expect([reports, test.leases.claims.length > 0]).toEqual([0, true])
    await end(test)
  })
})

describe('claiming ahead', () => {
  /** Ten slots that are left after 10 ms each, one a millisecond. */
  const busy = (run: (lease: Lease, ms: Ms) => Ms = (_, ms) => ms, count = 5_000) => {
    const test = setUp(
      {
        concurrency: 10,
        leastRunMs: 50,
        run: (lease, { signal }) => test.work(run(lease, 5 + (Number(lease.key.slice(4)) % 11)), lease, signal),
      },
      count,
    )
    Object.assign(test.leases.takes, { claim: 3, settle: 2 })
    return test
  }
  const ofJob = ({ key }: Lease) => Number(key.slice(4))

  it('keeps the slots full while a claim is under way, and never runs more than there are', async () => {
    const test = busy()
    test.loop.start()
    await test.clock.advance(1_000)
    const before = test.ended.length
    await test.clock.advance(1_000)
    // Ten slots could do 1,000 pieces of 10 ms in a second.
    expect(test.ended.length - before).toBeGreaterThan(950)
    expect(test.most()).toBe(10)
    await end(test)
    expect(new Set(test.ended.map(({ key }) => key)).size).toBe(test.ended.length)
  })

  it('asks for something each time, however slow the settlements are', async () => {
    const test = busy()
    test.leases.takes.settle = 12
    test.loop.start()
    await test.clock.advance(3_000)
    expect(test.leases.claims.length).toBeGreaterThan(50)
    expect(test.leases.claims.filter(({ limit }) => limit <= 0)).toEqual([])
    await end(test)
  })

  it('asks for nothing that would wait where work takes long', async () => {
    const test = busy(() => 1_000)
    test.loop.start()
    await test.clock.advance(5_500)
    // Three quarters of the slots are worth a claim, and the last two make another.
    const limits = test.leases.claims.map(({ limit }) => limit)
    expect(limits).toEqual([10, 8, 2, 8, 2, 8, 2, 8, 2, 8, 2])
    expect(test.leases.released).toEqual([])
    await end(test)
  })

  it('gives back what has waited a quarter of a second for a slot, and claims nothing ahead until slots are left again', async () => {
    const test = busy((lease, ms) => (ofJob(lease) < 500 ? ms : 30_000))
    test.loop.start()
    while (test.ended.length < 500) await test.clock.advance(1)
    await test.clock.advance(300)
    const { released } = test.leases
    expect(released.length).toBeGreaterThan(0)
    expect(released.length).toBeLessThanOrEqual(10)
    const claims = test.leases.claims.length
    const given = released.length
    await test.clock.advance(10_000)
    expect([test.leases.claims.length, released.length]).toEqual([claims, given])
    expect(test.leases.rows.filter(({ leasedUntil }) => leasedUntil > test.clock.monotonic())).toHaveLength(10)
    await end(test)
  })

  it('gives back at a stop what waits for a slot, and runs nothing of it', async () => {
    const test = busy()
    test.loop.start()
    await test.clock.advance(500)
    const stopped = test.loop.stop(60_000)
    await test.clock.run(stopped)
    expect(test.leases.released.length).toBeGreaterThan(0)
    expect(test.leases.released.filter((key) => test.ended.some((one) => one.key === key))).toEqual([])
    expect(test.leases.rows.filter(({ leasedUntil }) => leasedUntil > test.clock.monotonic())).toEqual([])
    expect(test.clock.asleep).toBe(0)
  })

  it('gives back at the end of a drain what waits for a slot', async () => {
    const test = busy()
    await test.clock.run(test.loop.drain(3_000))
    expect(test.ended.length).toBeGreaterThan(1_000)
    expect(test.leases.rows.filter(({ leasedUntil }) => leasedUntil > test.clock.monotonic())).toEqual([])
    expect(test.loop.running).toBe(0)
    expect(test.clock.asleep).toBe(0)
  })
})

describe('settling', () => {
  it('goes in groups: what ends while a settlement is under way goes with the next', async () => {
    const test = setUp({ concurrency: 10, run: (lease) => test.work(10 * Number(lease.key.slice(4)), lease) }, 10)
    test.leases.takes.settle = 45
    test.loop.start()
    await test.clock.advance(1_000)
    expect(test.leases.settlements.map((batch) => batch.map(({ key }) => key))).toEqual([
      ['job-0'],
      ['job-1', 'job-2', 'job-3', 'job-4'],
      ['job-5', 'job-6', 'job-7', 'job-8', 'job-9'],
    ])
    expect(test.leases.settlements[0]).toEqual([{ key: 'job-0', token: '1', result: 'done' }])
    expect(test.settled).toEqual(Array.from({ length: 10 }, (_, i) => [`job-${i}`, 'applied']))
    await end(test)
  })

  it('answers for each of a group', async () => {
    const test = setUp({ concurrency: 3, run: (lease) => test.work(10 * Number(lease.key.slice(4)), lease) }, 3)
    test.leases.takes.settle = 45
    test.loop.start()
    await test.clock.advance(30)
    const [, another] = test.leases.rows
    if (another) another.token = 'another'
    await test.clock.advance(200)
    expect(test.leases.settlements.map((batch) => batch.length)).toEqual([1, 2])
    expect(test.settled).toEqual([
      ['job-0', 'applied'],
      ['job-1', 'stale'],
      ['job-2', 'applied'],
    ])
    await end(test)
  })

  it('goes at once: what holds it up holds up a slot', async () => {
    const run = (lease: Lease) => test.work(100 * (1 + Number(lease.key.slice(4))), lease)
    const test = setUp({ concurrency: 3, run }, 3)
    test.leases.takes.settle = 45
    const at: Ms[] = []
    const settle = test.leases.settle.bind(test.leases)
    test.leases.settle = (settlements) => {
      at.push(test.clock.monotonic())
      return settle(settlements)
    }
    test.loop.start()
    await test.clock.advance(1_000)
    expect(at).toEqual([100, 200, 300])
    await end(test)
  })

  it('never sends more than 200 at a time', async () => {
    const test = setUp({ concurrency: 500 }, 450)
    test.leases.takes.settle = 10
    test.loop.start()
    await test.clock.advance(2_000)
    expect(test.leases.settlements.map((batch) => batch.length)).toEqual([1, 200, 200, 49])
    await end(test)
  })

  it('takes no slot: what is due meanwhile runs, and what is settled counts as running', async () => {
    const test = setUp({ concurrency: 1 }, 2)
    test.leases.takes.settle = 5_000
    test.loop.start()
    await test.clock.advance(1_000)
    expect(test.ended.map(({ key }) => key)).toEqual(['job-0', 'job-1'])
    expect(test.most()).toBe(1)
    expect(test.settled).toEqual([])
    expect(test.loop.running).toBe(2)
    await end(test)
    expect(test.settled.map(([key]) => key)).toEqual(['job-0', 'job-1'])
  })

  it('holds claiming up once as much is to be settled as there are slots', async () => {
    const test = setUp({ concurrency: 2 }, 10)
    test.leases.takes.settle = 30_000
    test.loop.start()
    await test.clock.advance(20_000)
    expect(test.ended).toHaveLength(4)
    expect(test.loop.running).toBe(4)
    await test.clock.advance(20_000)
    expect(test.ended.length).toBeGreaterThan(4)
    await end(test)
  })

  it('is tried again while the lease lasts, and then it has happened', async () => {
    let failures = 5
    const test = setUp({}, 1)
    test.leases.fails.settle = () => {
      if (failures-- > 0) throw new Error('no database')
    }
    test.loop.start()
    await test.clock.advance(20_000)
    expect(test.leases.settlements).toHaveLength(6)
    expect(new Set(test.leases.settlements.map((batch) => JSON.stringify(batch))).size).toBe(1)
    expect(test.settled).toEqual([['job-0', 'applied']])
    expect(test.logged.filter((line) => line.includes('tried again'))).toHaveLength(5)
    await end(test)
  })

  it('is given up when the lease is over: the work is done again, and nothing was reported of it', async () => {
    const test = setUp({ leaseMs: 10_000 }, 1)
    const tried: Ms[] = []
    test.leases.fails.settle = () => {
      tried.push(test.clock.monotonic())
      if (test.clock.monotonic() < 10_100) throw new Error('no database')
    }
    test.loop.start()
    await test.clock.advance(9_999)
    expect(test.settled).toEqual([])
    expect(test.logged.at(-1)).toContain('given up')
    for (const at of tried) expect(at).toBeLessThan(10_000)
    await test.clock.advance(5_000)
    expect(test.ended.map(({ key }) => key)).toEqual(['job-0', 'job-0'])
    expect(test.settled).toEqual([['job-0', 'applied']])
    await end(test)
  })

  it('tells when it came too late', async () => {
    const test = setUp({}, 1)
    test.loop.start()
    await test.clock.advance(50)
    Object.assign(test.leases.rows[0] as Row, { token: 'of another worker' })
    await test.clock.advance(100)
    expect(test.settled).toEqual([['job-0', 'stale']])
    await end(test)
  })
})

describe('stopping', () => {
  it('waits for what runs, claims nothing more, and leaves no timer behind', async () => {
    const test = setUp({ run: (lease) => test.work(3_000, lease) }, 5)
    test.loop.start()
    await test.clock.advance(1_000)
    await test.clock.run(test.loop.stop(20_000))
    expect(test.clock.monotonic()).toBe(3_000)
    expect(test.settled).toHaveLength(3)
    expect(test.leases.claims).toHaveLength(1)
    expect(test.clock.asleep).toBe(0)
    await test.clock.advance(60_000)
    expect(test.ended).toHaveLength(3)
  })

  it('gives back what a claim brings that was under way', async () => {
    const test = setUp({}, 2)
    test.leases.takes.claim = 500
    test.loop.start()
    await test.clock.advance(100)
    await test.clock.run(test.loop.stop(1_000))
    expect(test.leases.released).toEqual(['job-0', 'job-1'])
    expect(test.ended).toEqual([])
    expect(test.clock.monotonic()).toBe(500)
    expect(test.clock.asleep).toBe(0)
  })

  it('aborts what still runs when the time is up, and settles what it comes to', async () => {
    const test = setUp({ run: (lease, { signal }) => test.work(50_000, lease, signal) }, 1)
    test.loop.start()
    await test.clock.advance(1_000)
    await test.clock.run(test.loop.stop(5_000))
    expect(test.ended).toEqual([{ key: 'job-0', at: 6_000 }])
    expect(test.settled).toEqual([['job-0', 'applied']])
  })

  it('ends 2 s later even if the work does not', async () => {
    const test = setUp({ run: (lease) => test.work(50_000, lease) }, 1)
    test.loop.start()
    await test.clock.advance(1_000)
    await test.clock.run(test.loop.stop(5_000))
    expect(test.clock.monotonic()).toBe(8_000)
    expect(test.loop.running).toBe(1)
    await test.clock.advance(60_000)
    expect(test.loop.running).toBe(0)
  })

  it('is over at once where nothing runs, or nothing was started, and can be repeated', async () => {
    const test = setUp()
    await test.clock.run(test.loop.stop(5_000))
    test.loop.start()
    await test.clock.advance(10)
    await test.clock.run(Promise.all([test.loop.stop(5_000), test.loop.stop(5_000)]))
    expect(test.clock.monotonic()).toBe(10)
    expect(test.clock.asleep).toBe(0)
  })

  it('can be followed by another start', async () => {
    const test = setUp({}, 1)
    test.loop.start()
    await test.clock.advance(200)
    await test.clock.run(test.loop.stop(0))
    test.leases.add('later')
    await test.clock.advance(5_000)
    expect(test.ended).toHaveLength(1)
    test.loop.start()
    await test.clock.advance(200)
    expect(test.ended.map(({ key }) => key)).toEqual(['job-0', 'later'])
    await end(test)
  })
})

describe('draining', () => {
  it('runs what is due, and ends when nothing is', async () => {
    const test = setUp({}, 10)
    test.leases.add('tomorrow', 86_400_000)
    await test.clock.run(test.loop.drain(20_000))
    expect(test.ended).toHaveLength(10)
    expect(test.most()).toBe(3)
    expect(test.clock.monotonic()).toBeLessThan(1_000)
    expect(test.loop.running).toBe(0)
    expect(test.clock.asleep).toBe(0)
  })

  it('is over at once where nothing is due', async () => {
    const test = setUp()
    await test.clock.run(test.loop.drain(20_000))
    expect(test.clock.monotonic()).toBe(0)
  })

  it('takes up what becomes due while other work runs', async () => {
    const test = setUp({ run: (lease) => test.work(lease.key === 'job-0' ? 2_000 : 100, lease) }, 1)
    test.leases.add('meanwhile', 500)
    await test.clock.run(test.loop.drain(20_000))
    expect(test.ended.map(({ key }) => key)).toEqual(['meanwhile', 'job-0'])
  })

  it('starts nothing that could not end in time, and is over when its time is', async () => {
    const test = setUp({ concurrency: 1, leastRunMs: 3_000, run: (lease) => test.work(1_500, lease) }, 20)
    await test.clock.run(test.loop.drain(8_000))
    expect(test.ended.map(({ at }) => at)).toEqual([1_500, 3_000, 4_500, 6_000])
    expect(test.clock.monotonic()).toBeLessThanOrEqual(8_000)
    expect(test.loop.running).toBe(0)
  })

  it('tells the work to end 1 s before the time is up, and waits no longer than that', async () => {
    const ends: Ms[] = []
    const test = setUp({ run: (lease, { endsAt }) => test.work(ends.push(endsAt) * 60_000, lease) }, 1)
    await test.clock.run(test.loop.drain(8_000))
    expect(ends).toEqual([7_000])
    expect(test.clock.monotonic()).toBe(8_000)
    await test.clock.advance(60_000)
  })

  it('gives back what a claim brings too late to be started', async () => {
    const test = setUp({ leastRunMs: 3_000 }, 2)
    test.leases.takes.claim = 6_000
    await test.clock.run(test.loop.drain(8_000))
    expect(test.leases.released).toEqual(['job-0', 'job-1'])
    expect(test.ended).toEqual([])
  })

  it('ends where the store fails', async () => {
    const test = setUp({}, 1)
    test.leases.fails.claim = () => {
      throw new Error('no database')
    }
    await test.clock.run(test.loop.drain(20_000))
    expect(test.clock.monotonic()).toBe(0)
    expect(test.logged).toEqual([expect.stringContaining('claiming work failed')])
  })

  it('can follow a stop that had to abort: its own work is not aborted', async () => {
    const aborted: boolean[] = []
    const test = setUp(
      {
        run: (lease, { signal }) => {
          aborted.push(signal.aborted)
          return test.work(lease.key === 'job-0' ? 50_000 : 100, lease, signal)
        },
      },
      1,
    )
    test.loop.start()
    await test.clock.advance(1_000)
    await test.clock.run(test.loop.stop(0))
    test.leases.add('later')
    await test.clock.run(test.loop.drain(10_000))
    expect(aborted).toEqual([false, false])
  })

  it('shares the slots with a loop that runs', async () => {
    const test = setUp({}, 12)
    test.loop.start()
    await test.clock.run(test.loop.drain(20_000))
    expect(test.ended).toHaveLength(12)
    expect(test.most()).toBe(3)
    await end(test)
  })
})

describe('failures', () => {
  const fail = () => {
    throw new Error('planted')
  }

  it('of the work are logged, its slot is free again, and its lease runs out', async () => {
    const test = setUp(
      {
        leaseMs: 5_000,
        run: (lease) => (test.ended.length ? test.work(100, lease) : test.work(100, lease).then(fail)),
      },
      1,
    )
    test.loop.start()
    await test.clock.advance(500)
    expect(test.loop.running).toBe(0)
    expect(test.leases.settlements).toEqual([])
    expect(test.logged).toEqual([expect.stringContaining('without an outcome')])
    await test.clock.advance(6_000)
    expect(test.settled).toEqual([['job-0', 'applied']])
    await end(test)
  })

  it('of work that throws at once are the same', async () => {
    const test = setUp({ run: fail }, 3)
    test.loop.start()
    await test.clock.advance(500)
    expect(test.loop.running).toBe(0)
    expect(test.logged).toHaveLength(3)
    await end(test)
  })

  it('of a claim are tried again after 0.5 s, doubling to 30 s, and forgotten after a success', async () => {
    const test = setUp()
    const tried: Ms[] = []
    test.leases.fails.claim = () => {
      tried.push(test.clock.monotonic())
      fail()
    }
    test.loop.start()
    await test.clock.advance(120_000)
    // Half of the delay, and half of that half by chance: three quarters.
    const delays = tried.slice(1).map((at, i) => at - (tried[i] as number))
    expect(delays.slice(0, 9)).toEqual([375, 750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500])
    delete test.leases.fails.claim
    test.leases.add('late')
    await test.clock.advance(30_000)
    expect(test.settled).toEqual([['late', 'applied']])
    await end(test)
  })

  it('of everything at once end nothing: the loop recovers when they do', async () => {
    const test = setUp({ concurrency: 2, leaseMs: 20_000, run: (lease) => test.work(100, lease) }, 4)
    for (const method of ['settle', 'release', 'nextDueInMs']) test.leases.fails[method] = fail
    test.loop.start()
    await test.clock.advance(30_000)
    test.leases.fails.claim = fail
    await test.clock.advance(30_000)
    for (const method of ['settle', 'release', 'nextDueInMs', 'claim']) delete test.leases.fails[method]
    await test.clock.advance(120_000)
    expect(test.settled.filter(([, applied]) => applied === 'applied')).toHaveLength(4)
    await end(test)
  })

  it('of a release are logged, and the lease runs out', async () => {
    const test = setUp({}, 1)
    test.leases.fails.release = fail
    test.leases.takes.claim = 100
    test.loop.start()
    await test.clock.advance(50)
    await test.clock.run(test.loop.stop(0))
    expect(test.logged).toEqual([expect.stringContaining('releasing work failed')])
  })

  it('of who is told of a settlement are logged, and the loop goes on', async () => {
    const test = setUp({ settled: fail }, 5)
    test.loop.start()
    await test.clock.advance(1_000)
    expect(test.leases.rows).toEqual([])
    expect(test.logged).toHaveLength(5)
    await end(test)
  })
})

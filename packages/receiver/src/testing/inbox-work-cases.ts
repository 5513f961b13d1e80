import type { InboxLease, LeaseRef } from '@hooks/core'
import {
  completed,
  dead,
  type InboxCase,
  KEEP,
  keysOf,
  LEASE,
  newRequest,
  OURS,
  promise,
  retry,
} from './inbox-world.ts'

const counts = ({ attempt, claims }: InboxLease) => ({ attempt, claims })
const tokensOf = (leases: readonly LeaseRef[]) => new Set(leases.map(({ key, token }) => `${key} ${token}`))

/** How accepted requests are claimed, settled and given back. */
export const workCases: readonly InboxCase[] = [
  promise(
    'requests are claimed in the order in which they became ready, up to the limit, and once',
    async ({ accepted, take, settled, pass, expect }) => {
      await accepted('retried', ...Array.from({ length: 5 }, (_, i) => `k${i}`))
      const [first] = await take({ limit: 1 })
      await settled(first as InboxLease, retry(1_000))
      await pass(1_001)
      await accepted('last')
      expect(keysOf(await take({ limit: 3 }))).toEqual(['k0', 'k1', 'k2'])
      expect(keysOf(await take({ limit: 3 }))).toEqual(['k3', 'k4', 'retried'])
      expect(keysOf(await take({ limit: 3 }))).toEqual(['last'])
      expect(await take()).toEqual([])
    },
    'inbox',
  ),

  promise(
    'receivers that share an inbox have their own requests each: claimed, due, settled and dead',
    async ({ inbox, accepted, take, settled, expect }) => {
      const others = { receiver: 'crm' }
      await accepted('a')
      await inbox.accept({ key: 'b', request: newRequest(others) }, { keepMs: KEEP })
      expect(keysOf(await take({ limit: 1, ...others }))).toEqual(['b'])
      expect(await take({ receiver: 'nobody' })).toEqual([])
      expect(await inbox.nextDueInMs({ receiver: 'nobody' })).toBe(null)
      expect(await inbox.nextDueInMs(OURS)).toBe(0)
      expect(await inbox.nextDueInMs(others)).toBeGreaterThan(0)
      for (const lease of await take()) await settled(lease, dead())
      const keysOfDead = async (of: typeof OURS) => keysOf((await inbox.dead({ ...of, limit: 10 })).data)
      expect([await keysOfDead(OURS), await keysOfDead(others)]).toEqual([['a'], []])
      expect(await inbox.retry(['a'])).toBe(1)
      expect(await take(others)).toEqual([])
      expect(keysOf(await take())).toEqual(['a'])
    },
    'inbox',
  ),

  promise(
    'no request is given to two workers that claim at once, and none is forgotten',
    async ({ accepted, take, inbox, store, secondInbox, expect }) => {
      const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
      await accepted(...keys)
      const workers = store.facts.processes === 'many' ? [inbox, secondInbox()] : [inbox]
      const work = async (n: number) => {
        const mine: string[] = []
        for (;;) {
          const leases = await take({ worker: `w${n}`, limit: 7 }, workers[n % workers.length] as typeof inbox)
          if (leases.length === 0) return mine
          mine.push(...keysOf(leases))
        }
      }
      const taken = (await Promise.all([0, 1, 2, 3].map(work))).flat()
      // A claim may pass by what another has under way; it is there at the next one.
      taken.push(...keysOf(await take({ limit: 300 })))
      expect(taken.length).toBe(300)
      expect(new Set(taken).size).toBe(300)
    },
    'inbox',
  ),

  promise(
    'a lease says its attempt, its claims and what it has left',
    async ({ accepted, takeOne, expect }) => {
      await accepted('k')
      const lease = await takeOne()
      expect(counts(lease)).toEqual({ attempt: 1, claims: 1 })
      expect(lease.leaseLeftMs).toBeGreaterThan(0)
      expect(lease.leaseLeftMs).toBeLessThanOrEqual(LEASE)
      expect(lease.token.length).toBeGreaterThan(0)
    },
    'inbox',
  ),

  promise(
    'a held request is claimed again when its lease is over, and not before, under another token',
    async ({ accepted, takeOne, take, pass, expect }) => {
      await accepted('k')
      const first = await takeOne()
      await pass(LEASE - 5_000)
      expect(await take()).toEqual([])
      await pass(5_001)
      const again = await takeOne()
      expect(again.key).toBe('k')
      expect(again.token === first.token).toBe(false)
    },
    'inbox',
  ),

  promise(
    'a crash is counted as a claim and not as an attempt, until something comes of it',
    async ({ accepted, takeOne, settled, pass, expect }) => {
      await accepted('k')
      for (let claims = 1; claims < 5; claims++) {
        expect(counts(await takeOne())).toEqual({ attempt: 1, claims })
        await pass(LEASE + 1)
      }
      const fifth = await takeOne()
      expect(counts(fifth)).toEqual({ attempt: 1, claims: 5 })
      await settled(fifth, retry(0))
      expect(counts(await takeOne())).toEqual({ attempt: 2, claims: 1 })
    },
    'inbox',
  ),

  promise(
    'a request to be tried again is due after its time, and not before',
    async ({ inbox, accepted, takeOne, take, settled, pass, expect }) => {
      await accepted('k')
      await settled(await takeOne(), retry(2 * LEASE))
      await pass(2 * LEASE - 5_000)
      expect(await take()).toEqual([])
      const due = await inbox.nextDueInMs(OURS)
      expect(due).toBeGreaterThan(0)
      expect(due).toBeLessThanOrEqual(5_000)
      await pass(5_001)
      expect((await takeOne()).request.body.length).toBe(1)
    },
    'inbox',
  ),

  promise(
    'settlements are answered in their order, each by itself',
    async ({ inbox, accepted, take, claim, expect }) => {
      await accepted('a', 'b', 'c')
      const begun = await claim('begun')
      const [a, b, c] = (await take()) as [InboxLease, InboxLease, InboxLease]
      const applied = await inbox.settle([
        { ...ref(b), ...completed },
        { key: 'unknown', token: 'x', ...completed },
        { ...ref(a), ...retry(0) },
        { ...ref(begun), ...completed },
        { ...ref(c), token: 'x', ...dead() },
        { ...ref(c), ...dead() },
        { ...ref(c), ...dead() },
      ])
      expect(applied).toEqual(['applied', 'stale', 'applied', 'stale', 'stale', 'applied', 'stale'])
      expect(await inbox.settle([])).toEqual([])
      expect(keysOf(await take())).toEqual(['a'])
    },
    'inbox',
  ),

  promise(
    'what is settled twice is settled once',
    async ({ accepted, takeOne, settle, take, expect }) => {
      const applied = []
      await accepted('k')
      const first = await takeOne()
      for (const outcome of [retry(0), retry(10 * LEASE)]) applied.push(await settle(first, outcome))
      const second = await takeOne()
      for (const outcome of [completed, completed, retry(0), dead()]) applied.push(await settle(second, outcome))
      expect(applied).toEqual(['applied', 'stale', 'applied', 'stale', 'stale', 'stale'])
      expect(await take()).toEqual([])
    },
    'inbox',
  ),

  promise(
    'who lost the lease neither retries nor buries what another holds',
    async ({ accepted, takeOne, settle, settled, pass, inbox, expect }) => {
      await accepted('k')
      const late = await takeOne()
      await pass(LEASE + 1)
      const current = await takeOne()
      expect([await settle(late, retry(0)), await settle(late, dead())]).toEqual(['stale', 'stale'])
      await inbox.release([late])
      expect(await inbox.nextDueInMs(OURS)).toBeGreaterThan(0)
      await settled(current, retry(0))
      expect([await settle(late, retry(0)), await settle(late, dead())]).toEqual(['stale', 'stale'])
      expect(counts(await takeOne())).toEqual({ attempt: 2, claims: 1 })
    },
    'inbox',
  ),

  promise(
    'a lease that is over and was taken by nobody still settles',
    async ({ accepted, takeOne, settled, pass, expect }) => {
      await accepted('k')
      const slow = await takeOne()
      await pass(LEASE + 1)
      await settled(slow, retry(0))
      expect(counts(await takeOne())).toEqual({ attempt: 2, claims: 1 })
    },
    'inbox',
  ),

  promise(
    'a late success is true whoever reports it: the work is done, and done for the one who holds it',
    async ({ accepted, takeOne, settle, settled, take, pass, state, expect }) => {
      await accepted('k')
      const late = await takeOne()
      await pass(LEASE + 1)
      const current = await takeOne()
      await settled(late, completed)
      expect([await settle(current, retry(0)), await settle(current, completed)]).toEqual(['stale', 'stale'])
      await pass(LEASE + 1)
      expect(await take()).toEqual([])
      expect(await state('k')).toBe('completed')
    },
    'inbox',
  ),

  promise(
    'a late success counts while the request waits to be tried again',
    async ({ accepted, takeOne, settled, take, pass, expect }) => {
      await accepted('k')
      const late = await takeOne()
      await pass(LEASE + 1)
      await settled(await takeOne(), retry(0))
      await settled(late, completed)
      expect(await take()).toEqual([])
    },
    'inbox',
  ),

  promise(
    'a claim that is given back is due at once, and was no claim',
    async ({ inbox, accepted, take, takeOne, settle, expect }) => {
      await accepted('k')
      const lease = await takeOne()
      await inbox.release([lease])
      await inbox.release([lease])
      expect(await settle(lease, retry(LEASE))).toBe('stale')
      const again = await takeOne()
      expect(counts(again)).toEqual({ attempt: 1, claims: 1 })
      await inbox.release([{ key: 'k', token: 'x' }, { key: 'k', token: '' }, lease, { key: 'unknown', token: 'x' }])
      expect(await take()).toEqual([])
    },
    'inbox',
  ),

  promise(
    'when the next request is due is known: now, at the end of a lease, or never',
    async ({ inbox, accepted, claim, takeOne, settled, pass, expect }) => {
      await claim('begun')
      expect(await inbox.nextDueInMs(OURS)).toBe(null)
      await accepted('k')
      expect(await inbox.nextDueInMs(OURS)).toBe(0)
      const lease = await takeOne()
      const left = Number(await inbox.nextDueInMs(OURS))
      expect(left).toBeGreaterThan(LEASE - 5_000)
      expect(left).toBeLessThanOrEqual(LEASE)
      await pass(LEASE + 1)
      expect(await inbox.nextDueInMs(OURS)).toBe(0)
      await settled(lease, completed)
      expect(await inbox.nextDueInMs(OURS)).toBe(null)
    },
    'inbox',
  ),

  promise(
    'every claim has another token',
    async ({ inbox, accepted, take, expect }) => {
      await accepted('a', 'b')
      const first = await take()
      await inbox.release(first)
      const second = await take()
      expect(new Set([...tokensOf(first), ...tokensOf(second)]).size).toBe(4)
    },
    'inbox',
  ),

  promise(
    'what one process accepts another handles, and takes over from a third that crashed',
    async ({ accepted, inbox, secondInbox, takeOne, settle, pass, accept, expect }) => {
      await accepted('k')
      const crashed = await takeOne()
      await pass(LEASE + 1)
      const taken = await takeOne(secondInbox())
      expect(counts(taken)).toEqual({ attempt: 1, claims: 2 })
      expect(await settle(crashed, retry(0))).toBe('stale')
      expect(await settle(taken, completed, secondInbox())).toBe('applied')
      expect(await accept('k')).toBe('duplicate')
      expect(await inbox.nextDueInMs(OURS)).toBe(null)
    },
    'inbox',
    'second connection',
  ),
]

const ref = ({ key, token }: LeaseRef): LeaseRef => ({ key, token })

import { delivered, failed, keysOf, LEASE, promise, retry, type StorageCase } from './world.ts'

/** LEASE and FENCE: who holds a piece of work, for how long, and what a late worker can still do. */
export const leaseCases: readonly StorageCase[] = [
  promise(
    'work is not given again before its lease ends, and is when it does',
    async ({ storage, endpoint, send, pass, claim, claimOne, expect, expectTime }) => {
      const [id] = await send([await endpoint()])
      await claimOne()
      expectTime(await storage.nextDueInMs(), LEASE)
      await pass(LEASE - 10_000)
      expect(await claim()).toEqual([])
      await pass(10_000)
      expect(await storage.nextDueInMs()).toBe(0)
      expect((await claimOne()).key).toBe(id)
    },
  ),

  promise('every claim has a token of its own', async ({ endpoint, send, storage, pass, claim, expect }) => {
    await send([await endpoint()], 5)
    const tokens: string[] = []
    for (let i = 0; i < 4; i++) {
      const leases = await claim()
      tokens.push(...leases.map(({ key, token }) => `${key} ${token}`))
      if (i % 2 === 0) await storage.release(leases)
      else await pass(LEASE)
    }
    expect([tokens.length, new Set(tokens).size]).toEqual([20, 20])
  }),

  promise(
    'a claim after the end of a lease logs the lost attempt, and does not count it',
    async ({ endpoint, send, pass, claimOne, settle, view, attempts, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      await claimOne()
      await pass(LEASE)
      expect(await attempts(id)).toEqual([])
      const lease = await claimOne()
      expect(lease).toMatchObject({ attempt: 1, claims: 2, step: 0 })
      expect(await attempts(id)).toMatchObject([{ n: 1, error: 'lost', trigger: 'schedule' }])
      expect(await view(id)).toMatchObject({ state: 'sending', attempts: 0 })
      await settle(lease, delivered())
      expect((await attempts(id)).map(({ n, error, status }) => [n, error ?? status])).toEqual([
        [1, 'lost'],
        [1, 200],
      ])
      expect(await view(id)).toMatchObject({ state: 'delivered', attempts: 1 })
    },
  ),

  promise(
    'a lost attempt has the number that it would have had',
    async ({ endpoint, sendAndRetry, pass, claimOne, attempts, view, expect }) => {
      const id = await sendAndRetry(await endpoint(), 1_000)
      await pass(1_000)
      expect(await claimOne()).toMatchObject({ attempt: 2, claims: 1, step: 1 })
      await pass(LEASE)
      expect(await claimOne()).toMatchObject({ attempt: 2, claims: 2, step: 1 })
      // It is in the log, and is not the last that ended.
      expect((await view(id)).last).toMatchObject({ n: 1, status: 500 })
      expect((await attempts(id)).map(({ n, error }) => [n, error])).toEqual([
        [1, undefined],
        [2, 'lost'],
      ])
    },
  ),

  promise(
    'all that a worker lost of an endpoint is due at once, also to claims that take a part of it',
    async ({ storage, endpoint, send, pass, claim, expect }) => {
      const ids = await send([await endpoint()], 3)
      expect((await claim()).length).toBe(3)
      await pass(LEASE)
      expect(keysOf(await claim({ limit: 1 }))).toEqual(ids.slice(0, 1))
      expect(await storage.nextDueInMs()).toBe(0)
      expect(keysOf(await claim())).toEqual(ids.slice(1))
    },
  ),

  promise(
    'work that ends its worker each time shows in its claims, until something is settled',
    async ({ endpoint, send, pass, claimOne, settle, attempts, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      for (let claims = 1; claims <= 5; claims++) {
        expect(await claimOne()).toMatchObject({ attempt: 1, claims })
        await pass(LEASE)
      }
      const sixth = await claimOne()
      expect(sixth.claims).toBe(6)
      expect((await attempts(id)).map(({ n, error }) => [n, error])).toEqual(
        Array.from({ length: 5 }, () => [1, 'lost']),
      )
      expect(await settle(sixth, retry(0))).toBe('applied')
      expect(await claimOne()).toMatchObject({ attempt: 2, claims: 1 })
    },
  ),

  promise(
    "a lease that ended and that nobody took is still its worker's",
    async ({ endpoint, send, pass, claimOne, settle, view, attempts, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const lease = await claimOne()
      await pass(LEASE + 10_000)
      expect(await settle(lease, retry(3_600_000))).toBe('applied')
      expect(await view(id)).toMatchObject({ state: 'retrying', attempts: 1 })
      expect(await attempts(id)).toMatchObject([{ n: 1, status: 500 }])
    },
  ),

  promise(
    'a late retry, failure, skip or cancellation is stale and changes nothing',
    async ({ worker, endpoint, send, pass, claimOne, settle, view, attempts, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const late = await claimOne({ worker: 'w1' }, worker(0))
      await pass(LEASE)
      const current = await claimOne({ worker: 'w2' }, worker(1))
      expect(await settle(late, retry(0), worker(0))).toBe('stale')
      expect(await settle(late, failed(), worker(0))).toBe('stale')
      expect(await settle(late, { result: 'skipped', reason: 'endpoint_disabled' }, worker(0))).toBe('stale')
      expect(await settle(late, { result: 'cancelled', reason: 'by_hand' }, worker(0))).toBe('stale')
      expect(await view(id)).toMatchObject({ state: 'sending', attempts: 0 })
      expect((await attempts(id)).length).toBe(1)
      expect(await settle(current, failed(), worker(1))).toBe('applied')
      expect(await view(id)).toMatchObject({ state: 'failed', attempts: 1 })
    },
  ),

  promise(
    'a late success wins over the lease of another worker, and stays',
    async ({ worker, endpoint, send, pass, claim, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const late = await claimOne({ worker: 'w1' }, worker(0))
      await pass(LEASE)
      const other = await claimOne({ worker: 'w2' }, worker(1))
      expect(await settle(late, delivered(), worker(0))).toBe('applied')
      expect(await view(id)).toMatchObject({ state: 'delivered', attempts: 1 })
      expect(await settle(other, retry(0), worker(1))).toBe('stale')
      expect(await settle(other, failed(), worker(1))).toBe('stale')
      expect(await settle(other, delivered(), worker(1))).toBe('stale')
      expect(await view(id)).toMatchObject({ state: 'delivered', attempts: 1, reason: null })
      await pass(LEASE)
      expect(await claim()).toEqual([])
    },
  ),

  promise(
    'a late success wins while the delivery waits for a retry',
    async ({ worker, storage, endpoint, send, pass, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const late = await claimOne({ worker: 'w1' }, worker(0))
      await pass(LEASE)
      await settle(await claimOne({ worker: 'w2' }, worker(1)), retry(3_600_000), worker(1))
      expect(await settle(late, delivered(), worker(0))).toBe('applied')
      expect(await view(id)).toMatchObject({ state: 'delivered', attempts: 2, nextAttemptAt: null })
      expect(await storage.nextDueInMs()).toBe(null)
    },
  ),

  promise(
    'a late success gives its place under the cap back',
    async ({ endpoint, send, pass, claim, settle, expect }) => {
      const ids = await send([await endpoint()], 2)
      const [late] = await claim({ cap: 1 })
      await pass(LEASE)
      const [other] = await claim({ cap: 1 })
      expect(keysOf([late, other].filter((lease) => lease !== undefined))).toEqual(ids)
      await pass(LEASE)
      const [again] = await claim({ cap: 1 })
      expect(again?.key).toBe(ids[0])
      if (late) expect(await settle(late, delivered())).toBe('applied')
      expect(keysOf(await claim({ cap: 1 }))).toEqual([ids[1]])
    },
  ),

  promise(
    'what is released is due at once, and its claim is not counted',
    async ({ storage, endpoint, send, claim, view, attempts, expect }) => {
      const ids = await send([await endpoint()], 3)
      const leases = await claim({ limit: 2 })
      await storage.release(leases.slice(0, 1))
      expect(await storage.nextDueInMs()).toBe(0)
      expect(await view(ids[0] as string)).toMatchObject({ state: 'pending', attempts: 0 })
      const again = await claim()
      expect(keysOf(again).sort()).toEqual([ids[0], ids[2]])
      expect(again.map(({ claims, attempt }) => [claims, attempt])).toEqual([
        [1, 1],
        [1, 1],
      ])
      expect(await attempts(ids[0] as string)).toEqual([])
    },
  ),

  promise(
    'a released lease settles as stale, unless it succeeded',
    async ({ storage, endpoint, send, claim, settle, view, expect }) => {
      const [a, b] = (await send([await endpoint()], 2)) as [string, string]
      const leases = await claim()
      await storage.release(leases)
      await storage.release(leases)
      const [first, second] = leases
      if (first) expect(await settle(first, retry(0))).toBe('stale')
      if (second) expect(await settle(second, delivered())).toBe('applied')
      expect(await view(a)).toMatchObject({ state: 'pending', attempts: 0 })
      expect(await view(b)).toMatchObject({ state: 'delivered', attempts: 1 })
    },
  ),

  promise(
    'a stale release is left alone',
    async ({ storage, endpoint, send, pass, claim, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const late = await claimOne()
      await pass(LEASE)
      const current = await claimOne()
      await storage.release([late, { key: 'dlv_unknown', token: '1' }])
      expect(await claim()).toEqual([])
      expect(await settle(current, delivered())).toBe('applied')
      await storage.release([current])
      expect(await view(id)).toMatchObject({ state: 'delivered' })
      expect(await claim()).toEqual([])
    },
  ),

  promise(
    'a worker that is gone leaves its endpoint with work that others do',
    async ({ storage, endpoint, send, pass, claim, expect }) => {
      const ids = await send([await endpoint()], 4)
      await claim({ cap: 4 })
      expect(await claim({ cap: 4 })).toEqual([])
      await pass(LEASE)
      expect((await storage.depth()).due).toBe(4)
      const again = await claim({ cap: 4 })
      expect(keysOf(again)).toEqual(ids)
      expect(again.map(({ claims }) => claims)).toEqual([2, 2, 2, 2])
    },
  ),
]

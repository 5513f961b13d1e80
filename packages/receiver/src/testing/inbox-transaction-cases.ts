import type { Begun, MaybePromise } from '@hooks/core'
import { type InboxCase, KEEP, keysOf, LEASE, newRequest, OURS, promise } from './inbox-world.ts'

/** What is written in the host's transaction shares its fate. */
export const transactionCases: readonly InboxCase[] = [
  promise(
    'a claim and its completion in a transaction are there once it commits',
    async ({ store, begin, state, expect }) => {
      const { tx, commit } = await begin()
      const begun = await store.begin('k', { leaseMs: LEASE, tx })
      expect(begun.state).toBe('claimed')
      if (begun.state === 'claimed') expect(await store.complete(begun.lease, { keepMs: KEEP, tx })).toBe('applied')
      await commit()
      expect(await state('k')).toBe('completed')
    },
    'transactions',
  ),

  promise(
    'a claim in a transaction that rolls back was never made',
    async ({ store, begin, state, expect }) => {
      const { tx, rollback } = await begin()
      const begun = await store.begin('k', { leaseMs: LEASE, tx })
      if (begun.state === 'claimed') await store.complete(begun.lease, { keepMs: KEEP, tx })
      await rollback()
      expect(await store.completedWithin('k', KEEP)).toBe(false)
      expect(await state('k')).toBe('claimed')
    },
    'transactions',
  ),

  promise(
    'a completion in a transaction that rolls back leaves the lease as it was',
    async ({ store, begin, claim, state, expect }) => {
      const lease = await claim('k')
      const { tx, rollback } = await begin()
      expect(await store.complete(lease, { keepMs: KEEP, tx })).toBe('applied')
      await rollback()
      expect(await state('k')).toBe('in_progress')
      expect(await store.complete(lease, { keepMs: KEEP })).toBe('applied')
    },
    'transactions',
  ),

  promise(
    'a claim in a transaction finds what is committed, and what the same transaction wrote',
    async ({ store, begin, claim, done, expect }) => {
      await done('done')
      await claim('held')
      const { tx, commit } = await begin()
      const states = []
      for (const key of ['done', 'held', 'new', 'new'])
        states.push((await store.begin(key, { leaseMs: LEASE, tx })).state)
      await commit()
      expect(states).toEqual(['completed', 'in_progress', 'claimed', 'in_progress'])
    },
    'transactions',
  ),

  promise(
    'a claim in a transaction takes over a lease that is over, and the old owner changes nothing',
    async ({ store, begin, claim, pass, state, expect }) => {
      const late = await claim('k')
      await pass(LEASE + 1)
      const { tx, commit } = await begin()
      const begun = await store.begin('k', { leaseMs: LEASE, tx })
      if (begun.state === 'claimed') await store.complete(begun.lease, { keepMs: KEEP, tx })
      await commit()
      expect(begun.state).toBe('claimed')
      expect(await store.complete(late, { keepMs: 1 })).toBe('stale')
      expect(await state('k')).toBe('completed')
    },
    'transactions',
  ),

  promise(
    'who lost the lease completes nothing in a transaction either',
    async ({ store, begin, claim, pass, expect }) => {
      const late = await claim('k')
      await pass(LEASE + 1)
      await claim('k')
      const { tx, rollback } = await begin()
      expect(await store.complete(late, { keepMs: KEEP, tx })).toBe('stale')
      await rollback()
    },
    'transactions',
  ),

  promise(
    'a claim in an open transaction makes nobody wait: it is in progress, or the database is busy',
    async ({ store, second, begin, within2s, expect }) => {
      const { tx, rollback } = await begin()
      await store.begin('k', { leaseMs: LEASE, tx })
      const answer = await within2s(async () => (await second().begin('k', { leaseMs: LEASE })).state)
      await rollback()
      expect(answer).toBe('in_progress')
    },
    'transactions',
    'second connection',
  ),

  promise(
    'on a synchronous handle a claim, its completion and an acceptance have run when they return',
    async ({ store, inbox, begin, state, expect }) => {
      const { tx, commit } = await begin()
      const begun: MaybePromise<Begun> = store.begin('k', { leaseMs: LEASE, tx })
      const lease = !(begun instanceof Promise) && begun.state === 'claimed' ? begun.lease : { key: 'k', token: '' }
      const answers: unknown[] = [store.complete(lease, { keepMs: KEEP, tx })]
      if (store.facts.inbox) answers.push(inbox.accept({ key: 'a', request: newRequest() }, { keepMs: KEEP, tx }))
      // What comes too late is not waited for, whatever comes of it.
      void Promise.allSettled([begun, ...answers])
      void commit()
      expect(answers).toEqual(['applied', 'accepted'].slice(0, answers.length))
      expect(await state('k')).toBe('completed')
    },
    'synchronous transactions',
  ),

  promise(
    'a request accepted in a transaction is there once it commits, and not before',
    async ({ inbox, secondInbox, store, begin, take, expect }) => {
      const { tx, commit } = await begin()
      expect(await inbox.accept({ key: 'k', request: newRequest() }, { keepMs: KEEP, tx })).toBe('accepted')
      expect(await inbox.accept({ key: 'k', request: newRequest() }, { keepMs: KEEP, tx })).toBe('duplicate')
      if (store.facts.processes === 'many') expect(await secondInbox().nextDueInMs(OURS)).toBe(null)
      await commit()
      expect(keysOf(await take())).toEqual(['k'])
    },
    'transactions',
    'inbox',
  ),

  promise(
    'a request accepted in a transaction that rolls back was never accepted',
    async ({ inbox, begin, accept, take, expect }) => {
      const { tx, rollback } = await begin()
      await inbox.accept({ key: 'k', request: newRequest() }, { keepMs: KEEP, tx })
      await rollback()
      expect(await take()).toEqual([])
      expect(await accept('k')).toBe('accepted')
    },
    'transactions',
    'inbox',
  ),

  promise(
    'what an open transaction claims or accepts is never called a duplicate, and makes nobody wait',
    async ({ store, inbox, secondInbox, begin, accept, within2s, expect }) => {
      const { tx, rollback } = await begin()
      await inbox.accept({ key: 'a', request: newRequest() }, { keepMs: KEEP, tx })
      await store.begin('b', { leaseMs: LEASE, tx })
      const answers = []
      for (const key of ['a', 'b']) answers.push(await within2s(() => accept(key, KEEP, secondInbox())))
      answers.push(await within2s(async () => (await secondInbox().begin('a', { leaseMs: LEASE })).state))
      await rollback()
      expect(answers).toEqual(['in_progress', 'in_progress', 'in_progress'])
      expect([await accept('a'), await accept('b')]).toEqual(['accepted', 'accepted'])
    },
    'transactions',
    'second connection',
    'inbox',
  ),
]

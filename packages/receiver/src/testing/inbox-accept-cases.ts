import type { InboxLease } from '@hooks/core'
import { completed, dead, type InboxCase, KEEP, keysOf, LEASE, newRequest, promise, retry } from './inbox-world.ts'

/** Each is a method of the keyed half, tried on what was accepted. */
const byHand = ['complete', 'abandon', 'extend'] as const

/** What is accepted, what is a duplicate, and how the two halves of an inbox know each other's keys. */
export const acceptCases: readonly InboxCase[] = [
  promise(
    'a request comes back as it was accepted: every header in its place, every byte',
    async ({ inbox, take, expect }) => {
      const requests = [
        newRequest({
          url: '/hooks?a=%C3%A9&b=\\u0000\\',
          headers: [
            ['X-Twice', 'one'],
            ['a', ''],
            ['x-twice', 'two'],
            ['X-Twice', 'one'],
            ['odd', '\u00e9 "\\" \t \u{1f680} \\u0041'],
          ],
          body: Uint8Array.from({ length: 1_024 }, (_, i) => i % 256),
        }),
        newRequest({ method: 'GET', url: '', headers: [], body: new Uint8Array(), keyId: '3' }),
        newRequest({ body: new Uint8Array(2 ** 20).fill(0xff), receivedAt: new Date(0) }),
      ]
      for (const [i, request] of requests.entries()) await inbox.accept({ key: `k${i}`, request }, { keepMs: KEEP })
      const taken = await take()
      expect(keysOf(taken)).toEqual(['k0', 'k1', 'k2'])
      for (const [i, { body, ...rest }] of requests.entries()) {
        const { body: bytes, ...request } = (taken[i] as InboxLease).request
        expect(request).toEqual(rest)
        expect([bytes instanceof Uint8Array, bytes.length]).toEqual([true, body.length])
        expect(body.every((byte, at) => bytes[at] === byte)).toBe(true)
      }
    },
    'inbox',
  ),

  promise(
    'a key is accepted once, however many accept it at once',
    async ({ accept, take, expect }) => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => accept('k')))
      expect(answers.filter((answer) => answer === 'accepted').length).toBe(1)
      expect(keysOf(await take())).toEqual(['k'])
    },
    'inbox',
  ),

  promise(
    'a key is accepted once by all processes',
    async ({ accept, inbox, secondInbox, take, expect }) => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => accept('k', KEEP, i % 2 ? inbox : secondInbox())),
      )
      expect(answers.filter((answer) => answer === 'accepted').length).toBe(1)
      expect(keysOf(await take({}, secondInbox()))).toEqual(['k'])
      expect(await take()).toEqual([])
    },
    'inbox',
    'second connection',
  ),

  promise(
    'keys of requests are told apart to the letter',
    async ({ accepted, take, expect }) => {
      const keys = ['k', 'K', 'k ', ' k', 'k:', 'é', 'e\u0301', '%', "'", '\\', '\\\\', 'k'.repeat(255)]
      await accepted(...keys)
      expect(keysOf(await take())).toEqual(keys)
    },
    'inbox',
  ),

  promise(
    'what was accepted is a duplicate while it waits, is held, waits again, is done, or is dead',
    async ({ accept, accepted, takeOne, settled, expect }) => {
      const answers = []
      await accepted('k')
      answers.push(await accept('k'))
      const first = await takeOne()
      answers.push(await accept('k'))
      await settled(first, retry(0))
      answers.push(await accept('k'))
      await settled(await takeOne(), completed)
      answers.push(await accept('k'))
      await accepted('other')
      await settled(await takeOne(), dead())
      answers.push(await accept('other'))
      expect(answers).toEqual(Array.from({ length: 5 }, () => 'duplicate'))
    },
    'inbox',
  ),

  promise(
    'what was handled in the foreground is a duplicate to accept, and not accepted',
    async ({ accept, done, take, expect }) => {
      await done('k')
      expect(await accept('k')).toBe('duplicate')
      expect(await take()).toEqual([])
    },
    'inbox',
  ),

  promise(
    'what is being handled in the foreground is in progress to accept, because nobody has it for good',
    async ({ store, accept, claim, pass, take, expect }) => {
      const failing = await claim('failed')
      await claim('crashed')
      expect([await accept('failed'), await accept('crashed')]).toEqual(['in_progress', 'in_progress'])
      await store.abandon(failing)
      expect(await accept('failed')).toBe('accepted')
      await pass(LEASE + 1)
      expect(await accept('crashed')).toBe('accepted')
      const leases = await take()
      expect(keysOf(leases)).toEqual(['failed', 'crashed'])
      expect(leases.map(({ attempt, claims }) => [attempt, claims])).toEqual([
        [1, 1],
        [1, 1],
      ])
    },
    'inbox',
  ),

  promise(
    'a foreground handler whose key was accepted after its lease changes nothing of it',
    async ({ store, claim, accepted, pass, take, expect }) => {
      const late = await claim('k')
      await pass(LEASE + 1)
      await accepted('k')
      expect(await store.complete(late, { keepMs: KEEP })).toBe('stale')
      expect(await store.abandon(late)).toBe('stale')
      expect(await store.extend(late, LEASE)).toBe('stale')
      expect(keysOf(await take())).toEqual(['k'])
    },
    'inbox',
  ),

  promise(
    'to the foreground an accepted key is in progress for its wait and for its lease, then completed',
    async ({ store, accepted, takeOne, settled, state, expect }) => {
      const left = async () => {
        const begun = await store.begin('k', { leaseMs: 10 * LEASE })
        return begun.state === 'in_progress' ? begun.retryInMs : Number.POSITIVE_INFINITY
      }
      await accepted('k')
      expect(Math.abs(await left())).toBeLessThanOrEqual(5_000)
      const lease = await takeOne()
      expect(Math.abs((await left()) - LEASE)).toBeLessThanOrEqual(5_000)
      await settled(lease, retry(10 * LEASE))
      expect(Math.abs((await left()) - 10 * LEASE)).toBeLessThanOrEqual(5_000)
      expect(await store.completedWithin('k', KEEP)).toBe(false)
      await settled(lease, completed)
      expect(await state('k')).toBe('completed')
      expect(await store.completedWithin('k', KEEP)).toBe(true)
    },
    'inbox',
  ),

  promise(
    'to the foreground a dead key is completed, though its work was not done',
    async ({ store, accepted, takeOne, settled, state, expect }) => {
      await accepted('k')
      await settled(await takeOne(), dead())
      expect(await state('k')).toBe('completed')
      expect(await store.completedWithin('k', KEEP)).toBe(false)
    },
    'inbox',
  ),

  promise(
    'completing, abandoning and extending by hand leave an accepted key alone',
    async ({ store, accepted, takeOne, settle, settled, take, state, expect }) => {
      const tried = async (lease: InboxLease) => {
        const answers = []
        for (const method of byHand) {
          if (method === 'complete') answers.push(await store.complete(lease, { keepMs: KEEP }))
          else if (method === 'abandon') answers.push(await store.abandon(lease))
          else answers.push(await store.extend(lease, 10 * LEASE))
        }
        return answers
      }
      const stale = ['stale', 'stale', 'stale']
      await accepted('k')
      const lease = await takeOne()
      expect(await tried(lease)).toEqual(stale)
      expect(await tried({ ...lease, token: '' })).toEqual(stale)
      expect(await state('k')).toBe('in_progress')
      expect(await take()).toEqual([])
      await settled(lease, completed)
      expect(await tried(lease)).toEqual(stale)
      expect(await settle(lease, completed)).toBe('stale')
      expect(await state('k')).toBe('completed')
    },
    'inbox',
  ),

  promise(
    'a key is kept for the time of its accept, counted from its completion, and is new after that',
    async ({ accept, takeOne, settled, pass, state, store, expect }) => {
      expect(await accept('k', 2 * LEASE)).toBe('accepted')
      await pass(3 * LEASE)
      await settled(await takeOne(), completed)
      await pass(2 * LEASE - 5_000)
      expect(await accept('k')).toBe('duplicate')
      expect(await state('k')).toBe('completed')
      await pass(5_001)
      expect(await store.completedWithin('k', 100 * LEASE)).toBe(false)
      expect(await accept('k')).toBe('accepted')
      const { attempt, claims } = await takeOne()
      expect({ attempt, claims }).toEqual({ attempt: 1, claims: 1 })
    },
    'inbox',
  ),
]

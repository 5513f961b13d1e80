import type { Inbox } from '@hooks/core'
import { completed, dead, type InboxCase, KEEP, keysOf, LEASE, OURS, promise, retry } from './inbox-world.ts'

const reasonsOf = async (inbox: Inbox) =>
  (await inbox.dead({ ...OURS, limit: 100 })).data.map(({ key, reason }) => [key, reason])

/** What is given up, and what becomes of it. */
export const deadCases: readonly InboxCase[] = [
  promise(
    'what is given up is kept with its request and the reason, and handled by nobody',
    async ({ inbox, accepted, takeOne, take, settled, pass, expect }) => {
      await accepted('k')
      await settled(await takeOne(), retry(0))
      await settled(await takeOne(), dead('poison'))
      await pass(2 * LEASE)
      expect(await take()).toEqual([])
      expect(await inbox.nextDueInMs(OURS)).toBe(null)
      const { data, next } = await inbox.dead({ ...OURS, limit: 10 })
      expect(next).toBe(undefined)
      expect(data.map(({ key, reason, attempt, claims }) => ({ key, reason, attempt, claims }))).toEqual([
        { key: 'k', reason: 'poison', attempt: 2, claims: 1 },
      ])
      expect(new TextDecoder().decode(data[0]?.request.body)).toBe('k')
      expect(data[0]?.request.keyId).toBe('0')
    },
    'inbox',
  ),

  promise(
    'the dead are listed as they died, page by page, each once',
    async ({ inbox, accepted, take, settled, pass, expect }) => {
      const keys = Array.from({ length: 7 }, (_, i) => `k${i}`)
      await accepted(...keys)
      const leases = [...(await take())].reverse()
      for (const [i, lease] of leases.entries()) {
        if (i === 3) await pass(1_000)
        await settled(lease, dead(`r${i}`))
      }
      const pages = []
      let cursor: string | undefined
      do {
        const page = await inbox.dead({ ...OURS, limit: 3, ...(cursor !== undefined && { cursor }) })
        pages.push(keysOf(page.data))
        cursor = page.next
      } while (cursor !== undefined)
      expect(pages).toEqual([['k6', 'k5', 'k4'], ['k3', 'k2', 'k1'], ['k0']])
    },
    'inbox',
  ),

  promise(
    'a dead one is retried at once, from its first attempt, and is counted',
    async ({ inbox, accepted, takeOne, settled, claim, done, expect }) => {
      await accepted('k')
      await settled(await takeOne(), retry(0))
      await settled(await takeOne(), dead())
      await claim('begun')
      await done('done')
      expect(await inbox.retry(['k', 'unknown', 'begun', 'done', 'k'])).toBe(1)
      expect(await inbox.retry(['k'])).toBe(0)
      expect(await inbox.retry([])).toBe(0)
      expect(await reasonsOf(inbox)).toEqual([])
      const { attempt, claims, request } = await takeOne()
      expect({ attempt, claims }).toEqual({ attempt: 1, claims: 1 })
      expect(new TextDecoder().decode(request.body)).toBe('k')
    },
    'inbox',
  ),

  promise(
    'a dead one that is retried can end in any way',
    async ({ inbox, accepted, takeOne, settled, state, expect }) => {
      await accepted('k')
      await settled(await takeOne(), dead('one'))
      await inbox.retry(['k'])
      await settled(await takeOne(), dead('two'))
      expect(await reasonsOf(inbox)).toEqual([['k', 'two']])
      await inbox.retry(['k'])
      await settled(await takeOne(), completed)
      expect(await reasonsOf(inbox)).toEqual([])
      expect(await state('k')).toBe('completed')
    },
    'inbox',
  ),

  promise(
    'a late success of a dead one is true: it is dead no more',
    async ({ inbox, store, accepted, takeOne, settled, pass, expect }) => {
      await accepted('k')
      const late = await takeOne()
      await pass(LEASE + 1)
      await settled(await takeOne(), dead())
      await settled(late, completed)
      expect(await reasonsOf(inbox)).toEqual([])
      expect(await inbox.retry(['k'])).toBe(0)
      expect(await store.completedWithin('k', KEEP)).toBe(true)
    },
    'inbox',
  ),

  promise(
    'the dead are kept for the time of their accept, counted from their end, and are new after that',
    async ({ inbox, accept, takeOne, settled, pass, expect }) => {
      await accept('k', 2 * LEASE)
      await pass(3 * LEASE)
      await settled(await takeOne(), dead())
      await pass(2 * LEASE - 5_000)
      expect(await reasonsOf(inbox)).toEqual([['k', 'exhausted']])
      await pass(5_001)
      expect(await reasonsOf(inbox)).toEqual([])
      expect(await inbox.retry(['k'])).toBe(0)
      expect(await accept('k')).toBe('accepted')
      expect((await takeOne()).attempt).toBe(1)
    },
    'inbox',
  ),

  promise(
    'pruning forgets what was done and what died, each after its time, and nothing that waits or is held',
    async ({ inbox, accept, accepted, take, takeOne, settled, pass, expect }) => {
      await accept('done', LEASE)
      await settled(await takeOne(), completed)
      await accept('dead', LEASE)
      await settled(await takeOne(), dead())
      await accepted('kept dead')
      await settled(await takeOne(), dead())
      await accept('held', 1)
      await takeOne()
      await accept('waiting', 1)
      await pass(2 * LEASE)
      expect(await inbox.prune(1)).toEqual({ more: true })
      expect(await inbox.prune(1)).toEqual({ more: false })
      expect(await inbox.prune(100)).toEqual({ more: false })
      expect(keysOf(await take()).sort()).toEqual(['held', 'waiting'])
      expect(await reasonsOf(inbox)).toEqual([['kept dead', 'exhausted']])
      expect([await accept('done'), await accept('dead'), await accept('kept dead')]).toEqual([
        'accepted',
        'accepted',
        'duplicate',
      ])
    },
    'inbox',
  ),
]

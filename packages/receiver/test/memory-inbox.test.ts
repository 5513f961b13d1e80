import { type Inbox, memoryInbox } from '@hooks/receiver'
import { inboxSuite, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'

inboxSuite(
  { describe, it, expect },
  {
    name: 'memory',
    facts: { clock: 'injected', processes: 'one', tx: 'none', inbox: true },
    make: ({ clock }) => {
      const store = memoryInbox({ clock })
      return { store, close: () => store.close() }
    },
  },
)

const OURS = { receiver: 'billing' }

describe('the inbox of one process', () => {
  const clock = virtualClock()
  const request = {
    method: 'POST',
    url: '',
    headers: [],
    body: new Uint8Array(),
    keyId: '0',
    ...OURS,
    receivedAt: clock.now(),
  }
  const accept = (inbox: Inbox, key: string, keepMs = 1e6) => inbox.accept({ key, request }, { keepMs })

  it('drops no request that waits, is held or is dead: where all are, a new one is refused, and a new key is to come again', async () => {
    const inbox = memoryInbox({ clock, max: 3 })
    for (const key of ['dead', 'held', 'waiting']) expect(accept(inbox, key)).toBe('accepted')
    const [dead] = await inbox.claim({ ...OURS, worker: 'w', limit: 2, leaseMs: 1_000 })
    await inbox.settle([{ key: 'dead', token: dead?.token ?? '', result: 'dead', reason: 'exhausted' }])
    expect(() => accept(inbox, 'new')).toThrow(
      expect.objectContaining({ code: 'storage_full', hint: expect.any(String) }),
    )
    expect(inbox.begin('new', { leaseMs: 1_000 })).toEqual({ state: 'in_progress', retryInMs: 1_000 })
    expect([accept(inbox, 'dead'), accept(inbox, 'held'), accept(inbox, 'waiting')]).toEqual(
      Array.from({ length: 3 }, () => 'duplicate'),
    )
    await inbox.settle([{ key: 'held', token: '', result: 'completed' }])
    expect(accept(inbox, 'new')).toBe('accepted')
  })

  it('is part of no transaction, and says so', () => {
    const inbox = memoryInbox({ clock })
    const unsupported = expect.objectContaining({ code: 'tx_unsupported' })
    expect(() => inbox.begin('k', { leaseMs: 1, tx: {} })).toThrow(unsupported)
    expect(() => inbox.complete({ key: 'k', token: '1' }, { keepMs: 1, tx: {} })).toThrow(unsupported)
    expect(() => inbox.accept({ key: 'k', request }, { keepMs: 1, tx: {} })).toThrow(unsupported)
  })

  it('hands out twenty thousand, each once', async () => {
    const inbox = memoryInbox({ clock })
    for (let i = 0; i < 20_000; i++) accept(inbox, `k${i}`)
    let claimed = 0
    for (;;) {
      const leases = await inbox.claim({ ...OURS, worker: 'w', limit: 100, leaseMs: 1e6 })
      if (leases.length === 0) break
      claimed += leases.length
      await inbox.settle(leases.map(({ key, token }) => ({ key, token, result: 'completed' })))
    }
    expect(claimed).toBe(20_000)
  })
})

import type { MaybePromise, PutResult } from '@hooks/core'
import { idsOf, promise, type StorageCase, TENANT } from './world.ts'

/** TX: what is written in the host's transaction shares its fate. */
export const transactionCases: readonly StorageCase[] = [
  promise(
    'a send in a transaction is there once it commits',
    async ({ storage, begin, newMessage, expect }) => {
      const message = newMessage()
      const { tx, commit } = await begin()
      expect(await storage.put([message], tx)).toEqual([{ id: message.id, outcome: 'created' }])
      await commit()
      expect(idsOf(await storage.unexpanded(10))).toEqual([message.id])
    },
    'transactions',
  ),

  promise(
    'a send in a transaction that rolls back leaves nothing, its key included',
    async ({ storage, begin, newMessage, expect }) => {
      const keyed = { idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 }
      const message = newMessage(keyed)
      const { tx, rollback } = await begin()
      await storage.put([message], tx)
      await rollback()
      expect(await storage.unexpanded(10)).toEqual([])
      expect(await storage.history.message(TENANT, message.id)).toBe(null)
      const again = newMessage({ ...keyed, data: '{"other":true}' })
      expect(await storage.put([again])).toEqual([{ id: again.id, outcome: 'created' }])
    },
    'transactions',
  ),

  promise(
    'nobody sees a send before its transaction commits',
    async ({ storage, second, begin, newMessage, expect }) => {
      const message = newMessage()
      const { tx, commit } = await begin()
      await storage.put([message], tx)
      expect(await second().unexpanded(10)).toEqual([])
      expect(await second().history.message(TENANT, message.id)).toBe(null)
      await commit()
      expect(idsOf(await second().unexpanded(10))).toEqual([message.id])
    },
    'transactions',
    'second connection',
  ),

  promise(
    'a send in a transaction finds the key that the same transaction wrote',
    async ({ storage, begin, newMessage, expect }) => {
      const keyed = { idempotencyKey: 'key-1', idempotencyKeepMs: 60_000 }
      const first = newMessage(keyed)
      const { tx, commit } = await begin()
      await storage.put([first], tx)
      expect(await storage.put([newMessage(keyed)], tx)).toEqual([{ id: first.id, outcome: 'duplicate' }])
      expect(await storage.put([newMessage({ ...keyed, data: '0' })], tx)).toEqual([
        { id: first.id, outcome: 'conflict' },
      ])
      await commit()
      expect(idsOf(await storage.unexpanded(10))).toEqual([first.id])
    },
    'transactions',
  ),

  promise(
    'on a synchronous handle a send has run when it returns',
    async ({ storage, begin, newMessage, expect }) => {
      const message = newMessage()
      const { tx, commit } = await begin()
      const results: MaybePromise<readonly PutResult[]> = storage.put([message], tx)
      void commit()
      expect(results).toEqual([{ id: message.id, outcome: 'created' }])
      expect(idsOf(await storage.unexpanded(10))).toEqual([message.id])
    },
    'synchronous transactions',
  ),

  promise(
    'an endpoint made in a transaction is seen in it, and goes with its rollback',
    async ({ storage, begin, newEndpoint, expect }) => {
      const made = newEndpoint()
      const rolledBack = await begin()
      expect(await storage.endpoints.create(made, 1, rolledBack.tx)).toBe('applied')
      expect(await storage.endpoints.get(TENANT, made.id, rolledBack.tx)).toMatchObject({ id: made.id })
      await rolledBack.rollback()
      expect(await storage.endpoints.get(TENANT, made.id)).toBe(null)
      const committed = await begin()
      expect(await storage.endpoints.create(made, 1, committed.tx)).toBe('applied')
      await committed.commit()
      expect(await storage.endpoints.get(TENANT, made.id)).toMatchObject({ id: made.id })
    },
    'transactions',
  ),

  promise(
    'a change and a removal of an endpoint go with the rollback of their transaction',
    async ({ storage, begin, endpoint, send, claimOne, expect }) => {
      const made = await endpoint()
      const { rev, createdAt: _createdAt, updatedAt: _updatedAt, ...rest } = made
      const [sent] = await send([made])
      const { tx, rollback } = await begin()
      expect(await storage.endpoints.update({ ...rest, state: 'disabled' }, rev, tx)).toBe('applied')
      expect(await storage.endpoints.remove(TENANT, made.id, tx)).toBe('applied')
      await rollback()
      expect(await storage.endpoints.get(TENANT, made.id)).toEqual(made)
      expect((await claimOne()).key).toBe(sent)
    },
    'transactions',
  ),
]

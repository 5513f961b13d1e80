import { silentLogger } from '@hooks/core'
import { inboxSuite, type TestRunner } from '@hooks/receiver/testing'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { type SqliteInbox, sqliteInbox } from '../src/index.ts'
import { freshPath } from './place.ts'

/** Runs the cases of the suite about transactions on their own, and gives the titles of those that failed. */
async function failures(spoil: (inbox: SqliteInbox) => Partial<SqliteInbox>): Promise<string[]> {
  const tests: { title: string; body: () => Promise<void> }[] = []
  const within: string[] = []
  const runner: TestRunner = {
    describe: (name, body) => {
      within.push(name)
      body()
      within.pop()
    },
    it: (title, body) => within.at(-1) === 'transactions' && tests.push({ title, body }),
    expect: (actual) => expect(actual),
  }
  inboxSuite(runner, {
    name: 'planted',
    facts: { clock: 'injected', processes: 'many', tx: 'sync', inbox: true },
    make: ({ clock }) => {
      const path = freshPath()
      const host = new Libsql(path)
      // A lock is no reason to wait: the clock stands still.
      const options = { clock, logger: silentLogger, driver: Libsql, busyTimeoutMs: 0 }
      const store = sqliteInbox(host, options)
      const second = sqliteInbox(path, options)
      return {
        store: { ...store, ...spoil(store) },
        second: { ...second, ...spoil(second) },
        begin: () => {
          host.exec('BEGIN IMMEDIATE')
          return { tx: host, commit: () => void host.exec('COMMIT'), rollback: () => void host.exec('ROLLBACK') }
        },
        close: async () => {
          await store.close()
          await second.close()
          host.close()
        },
      }
    },
  })
  expect(tests.length).toBeGreaterThan(8)
  const failed: string[] = []
  for (const { title, body } of tests) await body().catch(() => failed.push(title))
  return failed
}

describe('the suite for inboxes, about transactions', () => {
  it('passes a good inbox', async () => {
    expect(await failures(() => ({}))).toEqual([])
  })

  it.each<[string, (inbox: SqliteInbox) => Partial<SqliteInbox>]>([
    ['claims outside of the transaction', (inbox) => ({ begin: (key, { leaseMs }) => inbox.begin(key, { leaseMs }) })],
    [
      'completes outside of the transaction',
      (inbox) => ({ complete: (lease, { keepMs }) => inbox.complete(lease, { keepMs }) }),
    ],
    [
      'accepts outside of the transaction',
      (inbox) => ({ accept: (entry, { keepMs }) => inbox.accept(entry, { keepMs }) }),
    ],
    [
      'only says that it has claimed',
      (inbox) => ({
        begin: (key, options) =>
          options.tx
            ? { state: 'claimed', lease: { key, token: 'x', attempt: 1, claims: 1, leaseLeftMs: 1 } }
            : inbox.begin(key, options),
      }),
    ],
    [
      'only says that it has completed',
      (inbox) => ({ complete: (lease, options) => (options.tx ? 'applied' : inbox.complete(lease, options)) }),
    ],
    [
      'only says that it has accepted',
      (inbox) => ({ accept: (entry, options) => (options.tx ? 'accepted' : inbox.accept(entry, options)) }),
    ],
    [
      'commits by itself',
      (inbox) => ({
        accept: (entry, options) => {
          const answer = inbox.accept(entry, options)
          options.tx?.exec('COMMIT')
          options.tx?.exec('BEGIN IMMEDIATE')
          return answer
        },
      }),
    ],
    [
      'writes after it has returned',
      (inbox) => ({
        begin: async (key, options) => {
          await undefined
          return inbox.begin(key, options)
        },
      }),
    ],
    [
      'waits for whoever has the key',
      (inbox) => ({
        begin: async (key, options) => {
          for (;;) {
            try {
              return await inbox.begin(key, options)
            } catch {
              await new Promise((resolve) => setTimeout(resolve, 20))
            }
          }
        },
      }),
    ],
    [
      'calls what is locked a duplicate',
      (inbox) => ({
        accept: async (entry, options) => {
          try {
            return await inbox.accept(entry, options)
          } catch {
            return 'duplicate'
          }
        },
      }),
    ],
  ])('sees an inbox that %s', { timeout: 60_000 }, async (_, spoil) => {
    expect(await failures(spoil)).not.toEqual([])
  })
})

import type { Storage } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/index.ts'
import { type Crash, type CrashOperation, crashCases, crashSuite, performOperation } from '../../src/testing/index.ts'

const facts = { clock: 'injected', processes: 'one', tx: 'none' } as const

/** The titles of the cases that fail where a process dies as `die` says. */
async function failing(
  die: (storage: Storage, crash: Crash) => Promise<'killed' | 'ended'>,
  wrong: readonly string[] = [],
): Promise<string[]> {
  const cases: { title: string; run: () => Promise<void> }[] = []
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (title: string, run: () => Promise<void>) => cases.push({ title, run }),
    expect,
  }
  crashSuite(runner, {
    name: 'memory',
    facts,
    failpoints: ['before', 'during'],
    make: (seams) => {
      const storage = memoryStorage(seams)
      return { storage, crash: (crash) => die(storage, crash), probe: () => wrong, close: () => storage.close() }
    },
  })
  const failed: string[] = []
  for (const { title, run } of cases)
    await run().catch(() => {
      failed.push(title)
    })
  return failed
}

/** Dies in its one statement, which is done as a whole or not at all. */
async function honest(storage: Storage, { operation, failpoint }: Crash) {
  if (failpoint.at === 'before' && failpoint.statement === 1) return 'killed'
  await performOperation(storage, operation)
  return failpoint.statement === 2 ? 'ended' : 'killed'
}

/** The first part of what was to be done. */
function half(operation: CrashOperation): CrashOperation {
  if (operation.name === 'send') return { ...operation, messages: operation.messages.slice(0, 1) }
  if (operation.name === 'settle') return { ...operation, settlements: operation.settlements.slice(0, 1) }
  if (operation.name === 'claim') return { ...operation, options: { ...operation.options, limit: 1 } }
  if (operation.name === 'remove') return operation
  const [first] = operation.expansions
  return { name: 'expand', expansions: first ? [{ ...first, deliveries: first.deliveries.slice(0, 1) }] : [] }
}

describe('the suite of those who die', () => {
  it('passes where each call is done as a whole or not at all', async () => {
    expect(await failing(honest)).toEqual([])
  })

  it('fails in every case where calls are done in part', async () => {
    const partly = async (storage: Storage, crash: Crash) => {
      const inTheMiddle = crash.failpoint.at === 'during' && crash.failpoint.statement === 1
      if (inTheMiddle && crash.operation.name === 'remove') {
        const { tenant, id: endpoint } = crash.operation.endpoint
        await storage.retire({ tenant, endpoint }, { state: 'cancelled', reason: 'endpoint_deleted' }, 1)
        return 'killed' as const
      }
      return honest(storage, inTheMiddle ? { ...crash, operation: half(crash.operation) } : crash)
    }
    expect(await failing(partly)).toEqual(crashCases)
  })

  it('fails in every case where the probe finds something, or nobody dies', async () => {
    expect(await failing(honest, ['a lane that miscounts: ep_1'])).toEqual(crashCases)
    const never = async (storage: Storage, { operation }: Crash) => {
      await performOperation(storage, operation)
      return 'ended' as const
    }
    expect(await failing(never)).toEqual(crashCases)
  })
})

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { crashSuite } from '@hooks/sender/testing'
import { compiledScript } from 'tooling/script'
import { afterAll, describe, expect, it } from 'vitest'
import { type SqliteDriver, sqliteStorage } from '../src/index.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'
import { probe } from './probe.ts'
import { delivered, newEndpoint, send } from './tour.ts'

const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

const [[name, driver] = ['', undefined]] = Object.entries(drivers)
const Driver = driver as SqliteDriver

/** A process that is ready to be told what to die of. */
async function ready(path: string): Promise<ChildProcess> {
  const script = await compiledScript(new URL('./children/crash.ts', import.meta.url))
  const child = fork(script, [path, name], { serialization: 'advanced' })
  children.add(child)
  await once(child, 'message')
  return child
}

crashSuite(
  { describe, it, expect },
  {
    name: `SQLite, by ${name}`,
    facts: { clock: 'injected', processes: 'many', tx: 'sync' },
    // Its one thread waits for each statement.
    failpoints: ['before'],
    make(seams) {
      const path = freshPath()
      const storage = sqliteStorage(path, { ...seams, driver: Driver })
      void storage.depth()
      const beside = new Driver(path)
      let next = ready(path)
      return {
        storage,
        probe: () => probe(beside),
        async crash(crash) {
          const child = await next
          child.send(crash)
          const [code] = await once(child, 'exit')
          children.delete(child)
          next = ready(path)
          if (code !== null && code !== 0) throw new Error(`a process ended with ${code}`)
          return code === null ? 'killed' : 'ended'
        },
        async close() {
          ;(await next).kill('SIGKILL')
          await storage.close()
          beside.close()
        },
      }
    },
  },
)

describe('the probe beside the storage', () => {
  it('finds nothing in what a storage does, and each fault that is made by hand', async () => {
    const path = freshPath()
    const storage = sqliteStorage(path, { driver: Driver })
    await storage.endpoints.create(newEndpoint('ep_1'), 10)
    await send(storage, 'ep_1', 3)
    const [lease] = await storage.claim({ worker: 'w', limit: 2, leaseMs: 60_000, cap: 2 })
    await storage.settle([{ key: lease?.key ?? '', token: lease?.token ?? '', ...delivered }])
    const beside = new Driver(path)
    expect(probe(beside)).toEqual([])
    for (const fault of [
      'update hooks_lane set ready_at = null',
      'delete from hooks_payload',
      'delete from hooks_message',
      'delete from hooks_attempt',
      'update hooks_attempt set n = 2',
      'update hooks_open set token = null',
      'update hooks_delivery set message_seq = 1',
      'delete from hooks_open',
      'delete from hooks_delivery',
      'insert into hooks_outbox (seq, due_at) select seq, 0 from hooks_message',
      'delete from hooks_lane',
    ]) {
      beside.exec('begin immediate')
      beside.exec(fault)
      expect([fault, probe(beside).length]).not.toEqual([fault, 0])
      beside.exec('rollback')
    }
    beside.close()
    await storage.close()
  })
})

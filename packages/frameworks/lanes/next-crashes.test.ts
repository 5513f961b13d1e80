import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findPostgres } from 'tooling/postgres'
import { findRedis } from 'tooling/redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { flood } from '../test/crashes/flood.ts'
import { type Database, type HostPlan, type Mode, POINTS } from '../test/crashes/plan.ts'
import { type Host, play, type Stage } from '../test/crashes/play.ts'
import { cleanUp, writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'
import { buildNext, NEXT_VERSIONS, nextDependencies, startNext } from './next-project.ts'

/** Two at every point, or as many as are asked for. */
const ROUNDS = Number(process.env.HOOKS_CRASH_ROUNDS ?? 2 * POINTS.transaction.length)
const COPIES = 200
/** Longer than a busy machine keeps a process from its turn: under a lease that is lost, work is done again, and nothing is wrong. */
const LEASE_MS = 10_000
const postgres = await findPostgres()
const redis = await findRedis()
const databases = mkdtempSync(join(tmpdir(), 'next-crashes-databases-'))

/** A file of ours, which imports as a project of Next.js does: without endings. */
const ours = (name: string): string =>
  readFileSync(new URL(`../test/crashes/${name}.ts`, import.meta.url), 'utf8').replaceAll(".ts'", "'")

const FILES = [
  ['lib/plan.ts', ours('plan')],
  ['lib/receiving.ts', ours('receiving')],
  [
    'app/hooks/route.ts',
    `import { nextReceiver } from '@hooks/nextjs'
     import { arm, receive } from '../../lib/receiving'
     const receiver = receive(JSON.parse(process.env.HOST_PLAN ?? ''))
     export const { POST } = nextReceiver(receiver)
     export const PUT = async (request: Request) => {
       arm(await request.text())
       return new Response()
     }`,
  ],
  ['app/layout.tsx', 'export default ({ children }: any) => <html><body>{children}</body></html>'],
  // What is native stays outside of the bundle.
  ['next.config.mjs', `export default { serverExternalPackages: ['libsql', 'pg', 'ioredis'] }`],
] as const

/** A place for keys and effects, empty. */
interface Place {
  readonly database: Database
  remove(): unknown
}

const file = (): string => join(databases, `${randomBytes(6).toString('hex')}.sqlite`)
const nothing = (): void => {}

/** By store: how a receiver remembers in it, how often 200 duplicates have their effect, and which kills can repeat it. */
const STORES: readonly {
  readonly store: string
  readonly mode: Mode
  readonly flooded: number
  readonly repeats: readonly string[]
  readonly place: (() => Promise<Place>) | undefined
}[] = [
  {
    store: 'SQLite, in the transaction of the host',
    mode: 'transaction',
    flooded: 1,
    repeats: [],
    place: async () => ({ database: { kind: 'sqlite', path: file() }, remove: nothing }),
  },
  {
    store: 'PostgreSQL, in the transaction of the host',
    mode: 'transaction',
    flooded: 1,
    repeats: [],
    place:
      postgres &&
      (async () => {
        const { url, drop } = await postgres.database()
        return { database: { kind: 'postgres', url }, remove: drop }
      }),
  },
  // Under a key alone, what failed after its effect has it twice: nobody else does.
  {
    store: 'Redis, under a key',
    mode: 'keyed',
    flooded: 2,
    repeats: ['after effect'],
    place:
      redis &&
      (async () => {
        const { url } = redis
        const prefix = `next-crashes:${randomBytes(6).toString('hex')}:`
        const remove = async () => {
          const client = new Redis(url)
          for (const key of await client.keys(`${prefix}*`)) await client.del(key)
          client.disconnect()
        }
        return { database: { kind: 'redis', url, prefix, path: file() }, remove }
      }),
  },
  {
    store: 'memory, under a key',
    mode: 'keyed',
    flooded: 2,
    repeats: ['after effect', 'after completion'],
    place: async () => ({ database: { kind: 'memory', path: file() }, remove: nothing }),
  },
]

/** A built application, served by a process of its own, which is killed with SIGKILL; observed from outside. */
describe.each(NEXT_VERSIONS)('a real server of Next.js %s', { timeout: 3_600_000 }, (version) => {
  let folder: string
  beforeAll(() => {
    folder = newProject('next-crashes', ['core', 'receiver', 'nextjs', 'postgres', 'sqlite', 'redis'], {
      ...nextDependencies(version),
      '@types/pg': '8.23.1',
      ioredis: '6.0.0',
      libsql: '0.5.29',
      pg: '8.23.1',
    })
    writeFiles(folder, FILES)
    const anywhere: Omit<HostPlan, 'framework'> = {
      mode: 'transaction',
      database: { kind: 'postgres', url: 'postgres://127.0.0.1/none' },
      leaseMs: LEASE_MS,
    }
    buildNext(folder, { HOST_PLAN: JSON.stringify(anywhere) })
  })
  afterAll(() => {
    cleanUp()
    if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 })
  })

  /** Its servers know from the start what they will serve. */
  const stage = (plan: Omit<HostPlan, 'framework'>): Stage => ({
    frameworks: ['next start'],
    async standBy() {
      const [port, { child }] = await startNext(folder, 'start', { HOST_PLAN: JSON.stringify(plan) })
      const over = once(child, 'exit')
      const kill = () => void child.kill('SIGKILL')
      const arm = async (point: string) => {
        const { status } = await fetch(`http://127.0.0.1:${port}/hooks`, { method: 'PUT', body: point })
        if (status !== 200) throw new Error(`the server answers ${status}`)
      }
      // Its code is loaded when it is first asked for something.
      await arm('none')
      const host: Host = { port, over, kill, arm }
      return { kill, serve: async () => host }
    },
  })

  describe.each(STORES.filter(({ place }) => place))('on $store', ({ mode, flooded, repeats, place }) => {
    let database: Database
    let remove: Place['remove']
    beforeEach(async () => {
      ;({ database, remove } = await (place as () => Promise<Place>)())
    })
    afterEach(async () => void (await remove()))

    it('that is killed at every point: nothing lost, no 200 before the commit, twice only where a kill fell behind the work', async () => {
      const plan = { mode, database, leaseMs: LEASE_MS }
      const report = await play(stage(plan), plan, { rounds: ROUNDS, copies: COPIES })
      process.stdout.write(`next start ${version}, ${database.kind}, ${mode}: ${JSON.stringify(report)}\n`)
      const { lost, early, unanswered, repeated, kills } = report
      expect({ lost, early, unanswered }).toEqual({ lost: [], early: [], unanswered: [] })
      const counts = kills['next start'] ?? {}
      for (const point of POINTS[mode])
        expect(counts[point], point).toBeGreaterThanOrEqual(Math.floor(ROUNDS / POINTS[mode].length))
      expect(repeated.length).toBeLessThanOrEqual(repeats.reduce((sum, point) => sum + (counts[point] ?? 0), 0))
    })

    it(`that is sent ${COPIES} duplicates at once, and whose handler fails before its work and after it`, async () => {
      const plan = { mode, database, leaseMs: LEASE_MS, fails: true }
      const { effects, early, answers } = await flood(stage(plan), plan, COPIES)
      expect({ effects, early, done: answers[200] }).toEqual({ effects: flooded, early: 0, done: COPIES })
      // A duplicate of what is in progress, or has failed, is told to come again.
      expect(Object.keys(answers).filter((status) => !['200', '500', '503'].includes(status))).toEqual([])
    })
  })

  it('is seen to lie where it answers before the work is done', async () => {
    const plan = { mode: 'keyed', database: { kind: 'sqlite', path: file() }, isHasty: true } as const
    const stageOf = stage({ ...plan, leaseMs: LEASE_MS })
    expect((await play(stageOf, plan, { rounds: 1, copies: COPIES })).early).toContain('msg_0')
  })
})

afterAll(() => rmSync(databases, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 }))

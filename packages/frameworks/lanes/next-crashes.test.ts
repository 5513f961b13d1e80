import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPostgres } from 'tooling/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, type HostPlan, POINTS } from '../test/crashes/plan.ts'
import { type Host, play, type Stage } from '../test/crashes/play.ts'
import { cleanUp, writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'
import { buildNext, nextDependencies, startNext } from './next-project.ts'

/** Two at every point, or as many as are asked for. */
const ROUNDS = Number(process.env.HOOKS_CRASH_ROUNDS ?? 2 * POINTS.transaction.length)
const postgres = await findPostgres()
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

/** A built application, served by a process of its own, which is killed with SIGKILL; observed from outside. */
describe('a real server of Next.js that is killed', { timeout: 3_600_000 }, () => {
  let folder: string
  beforeAll(() => {
    folder = newProject('next-crashes', ['core', 'receiver', 'nextjs', 'postgres', 'sqlite', 'redis'], {
      ...nextDependencies(),
      '@types/pg': '8.23.1',
      ioredis: '6.0.0',
      libsql: '0.5.29',
      pg: '8.23.1',
    })
    writeFiles(folder, FILES)
    const anywhere: Omit<HostPlan, 'framework'> = {
      mode: 'transaction',
      database: { kind: 'postgres', url: 'postgres://127.0.0.1/none' },
      leaseMs: 3_000,
    }
    buildNext(folder, { HOST_PLAN: JSON.stringify(anywhere) })
  })
  afterAll(() => {
    cleanUp()
    for (const one of [folder, databases])
      if (one) rmSync(one, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 })
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

  async function run(database: Database) {
    const plan = { mode: 'transaction', database } as const
    const report = await play(stage({ ...plan, leaseMs: 3_000 }), plan, ROUNDS)
    process.stdout.write(`next start, ${database.kind}, transaction: ${JSON.stringify(report)}\n`)
    const { lost, early, unanswered, repeated, kills } = report
    expect({ lost, early, unanswered, repeated }).toEqual({ lost: [], early: [], unanswered: [], repeated: [] })
    for (const point of POINTS.transaction) expect(kills[point]).toBeGreaterThanOrEqual(Math.floor(ROUNDS / 5))
  }

  it('on SQLite, in the transaction of the host: nothing lost, done once, no 200 before the commit', async () => {
    await run({ kind: 'sqlite', path: join(databases, 'app.sqlite') })
  })

  it.skipIf(!postgres)(
    'on PostgreSQL, in the transaction of the host: nothing lost, done once, no 200 before the commit',
    async () => {
      const place = await (postgres as NonNullable<typeof postgres>).database()
      await run({ kind: 'postgres', url: place.url })
      await place.drop()
    },
  )

  it('is seen to lie where it answers before the work is done', async () => {
    const plan = {
      mode: 'keyed',
      database: { kind: 'sqlite', path: join(databases, 'hasty.sqlite') },
      isHasty: true,
    } as const
    expect((await play(stage({ ...plan, leaseMs: 3_000 }), plan, 1)).early).toContain('msg_0')
  })
})

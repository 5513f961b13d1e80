import { execSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cleanUp, freePort, type Running, readPage, run, writeFiles } from '../test/pages.ts'
import { entries, newProject, published } from './install.ts'
import { nextDependencies, startNext } from './next-project.ts'

const tsx = createRequire(import.meta.url).resolve('tsx/package.json')
const { version: tsxVersion } = createRequire(import.meta.url)(tsx) as { version: string }

/** A handle as its driver types it, the host's transaction, and a provider's events. */
const TYPED = `
import { createReceiver } from '@hooks/receiver'
import { github, shopify } from '@hooks/receiver/formats'
import { sqliteInbox } from '@hooks/sqlite'
import Database from 'libsql'

const db = new Database(':memory:')
const transaction = (run: (tx: typeof db) => void) => db.transaction(() => run(db)).immediate()
createReceiver({ format: shopify(), secret: process.env.SECRET, idempotency: sqliteInbox(db), transaction }).on(
  'orders/create',
  ({ id }, { tx }) => void tx.prepare('insert into orders values (?)').run(id),
)
createReceiver<{ issues: { action: string }; push: { ref: string } }>({ format: github(), secret: process.env.SECRET })
  .on('issues', ({ data }) => console.log(data.action.length))
  .on('push', ({ data }) => console.log(data.ref.length))
`

/** What somebody types who has read the README and nothing else, in a folder that has nothing to do with this one. */
describe('a newcomer', () => {
  let folder: string
  beforeAll(() => {
    folder = newProject(
      'newcomer',
      published,
      // Node.js 20 has no SQLite of its own.
      {
        express: '5.3.0',
        fastify: '5.12.8',
        libsql: '0.5.29',
        zod: '4.6.7',
        tsx: tsxVersion,
        typescript: '5.9.3',
        'typescript-5.4': 'npm:typescript@5.4.5',
        '@types/express': '5.0.6',
        '@types/node': '20.19.43',
      },
    )
  })
  afterAll(() => {
    cleanUp()
    rmSync(folder, { recursive: true })
  })
  /** What a compiler says, of declarations too. */
  const compile = (compiler: string, files: readonly string[], ...options: readonly string[]): string => {
    const all = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', ...options, ...files]
    const { stdout } = spawnSync(process.execPath, [`node_modules/${compiler}/bin/tsc`, ...all], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    return stdout
  }
  const everything = (names: readonly string[]) =>
    names.map((name, i) => `export * as entry${i} from '${name}'\n`).join('')
  const start = (file: string, env: Readonly<Record<string, string>> = {}): Running =>
    run(process.execPath, ['--import', 'tsx', file], folder, { NODE_ENV: '', NODE_OPTIONS: '', ...env })

  it('has a sender, a receiver and a page for customers from the README, with Express', async () => {
    const ports = [await freePort(), await freePort()] as const
    const { blocks, text } = readPage('../README.md')
    const files = [...blocks].map(
      ([name, code]) => [name, code.replaceAll('4000', `${ports[0]}`).replaceAll('3000', `${ports[1]}`)] as const,
    )
    writeFiles(join(folder, 'with-express'), files)
    const [prepare] = /^npm init .*$/m.exec(text) as unknown as [string]
    execSync(prepare, { cwd: join(folder, 'with-express'), stdio: 'pipe' })
    const env = { WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }
    const receiver = start('with-express/receive.ts', env)
    await receiver.listening(ports[0])
    const portal = start('with-express/portal.ts', env)
    await receiver.prints(/2 seats for booking_1/)
    await portal.listening(ports[1])
    const page = `http://127.0.0.1:${ports[1]}/settings/webhooks/`
    expect(await (await fetch(page)).text()).toMatch(/^<!doctype html>/i)
    // However often it is started, the customer has the one URL.
    portal.child.kill('SIGKILL')
    await once(portal.child, 'exit')
    await start('with-express/portal.ts', env).listening(ports[1])
    const { data } = (await (await fetch(`${page}api/v1/endpoints`)).json()) as { data: { url: string }[] }
    expect(data.map(({ url }) => url)).toEqual([`http://localhost:${ports[0]}/webhooks`])
  }, 180_000)

  it('has them from the page of Fastify: a webhook is added on the page, and the next event reaches it', async () => {
    const ports = [await freePort(), await freePort()] as const
    // Of no kind of modules, as `npm install` in an empty folder leaves it.
    writeFiles(join(folder, 'with-fastify'), [...readPage('fastify/README.md').blocks, ['package.json', '{}']])
    await start('with-fastify/server.ts', { PORT: `${ports[0]}` }).listening(ports[0])
    const secret = await added(ports[0], `http://localhost:${ports[1]}/webhooks`)
    const receiver = start('with-fastify/receive.ts', { PORT: `${ports[1]}`, WEBHOOK_SECRET: secret })
    await receiver.listening(ports[1])
    await booked(ports[0])
    await receiver.prints(/booked \{ id: 'booking_7' \}/)
  }, 180_000)

  it('signs a request, has it verified, and is told what is wrong with another, from the command line', async () => {
    const env = { ...process.env, NODE_OPTIONS: '', HOOKS_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }
    const hooks = (args: readonly string[], input = '') =>
      spawnSync('npx', ['--no-install', 'hooks', ...args], { cwd: folder, env, input, encoding: 'utf8' })
    const honest = hooks(['sign', 'booking.created', '--data', '{"id":"booking_7"}'])
    expect(honest).toMatchObject({ status: 0, stdout: expect.stringMatching(/^curl -X POST/) })
    expect(hooks(['verify'], honest.stdout)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^✓ honest: booking/),
    })
    const forged = hooks(['sign', 'booking.created', '--wrong', 'signature', '--json'])
    expect(hooks(['verify'], forged.stdout)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^✗ signature_mismatch/),
    })
  }, 120_000)

  describe.each([
    ['Node.js', ['--module', 'node16', '--moduleResolution', 'node16']],
    ['a bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
  ])('has the right types under TypeScript 5, with modules as %s finds them,', (_, modules) => {
    const check = (files: readonly string[], ...options: readonly string[]): string =>
      compile('typescript', files, ...modules, ...options)

    it('of all that is published, from both kinds of modules', () => {
      const text = everything(entries(published))
      writeFiles(folder, [
        ['types/all.ts', text],
        ['types/all.cts', text],
      ])
      expect(check(['types/all.ts', 'types/all.cts'], '--types', 'node')).toBe('')
    }, 300_000)

    it('of all that is published, under TypeScript 5.4', () => {
      writeFiles(folder, [['types/all.ts', everything(entries(published))]])
      expect(compile('typescript-5.4', ['types/all.ts'], ...modules, '--types', 'node')).toBe('')
    }, 300_000)

    it("of a receiver, without Node.js's own", () => {
      writeFiles(folder, [['types/web.ts', everything(entries(['core', 'receiver', 'redis']))]])
      expect(check(['types/web.ts'], '--typeRoots', 'none', '--lib', 'es2022,webworker')).toBe('')
    }, 300_000)

    it('of the programs of the README, and of what they lead to', () => {
      const files: [string, string][] = [...readPage('../README.md').blocks].map(([name, code]) => [
        `types/${name}`,
        code,
      ])
      writeFiles(folder, [...files, ['types/check.ts', TYPED]])
      const names = ['types/check.ts', ...files.map(([name]) => name)]
      expect(check(names, '--types', 'node', '--allowImportingTsExtensions')).toBe('')
    }, 300_000)
  })

  it('has them too where modules are found as before there were exports, as projects of CommonJS are often set up', () => {
    writeFiles(folder, [['types/all.ts', everything(entries(published))]])
    // The logger that Fastify brings wants the interop.
    const modules = ['--module', 'commonjs', '--moduleResolution', 'node10', '--esModuleInterop']
    expect(compile('typescript', ['types/all.ts'], ...modules, '--types', 'node')).toBe('')
  }, 300_000)

  it('gets the same from CommonJS', async () => {
    writeFiles(folder, [
      [
        'common.cjs',
        `const names = ['core', 'sender', 'receiver', 'sqlite', 'portal', 'express', 'fastify']
         for (const name of names) if (Object.keys(require('@hooks/' + name)).length === 0) throw new Error(name)
         console.log('loaded', names.length)`,
      ],
    ])
    await run(process.execPath, ['common.cjs'], folder, { NODE_OPTIONS: '' }).prints(/loaded 7/)
  }, 60_000)
})

it('a newcomer has them from the page of Next.js', async () => {
  const folder = newProject('newcomer-next', ['core', 'sender', 'receiver', 'portal', 'nextjs'], nextDependencies())
  try {
    writeFiles(folder, readPage('nextjs/README.md').blocks)
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const [port, server] = await startNext(folder, 'dev', { WEBHOOK_SECRET: secret, CRON_SECRET: 'of the scheduler' })
    expect(await added(port, `http://localhost:${port}/webhooks`, secret)).toBe(secret)
    await booked(port)
    await server.prints(/booked \{ id: 'booking_7' \}/)
    const ended = once(server.child, 'exit')
    server.child.kill('SIGINT')
    await ended
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 })
  }
}, 600_000)

/** Opens the page, and adds a webhook as it does. Returns its secret. */
async function added(port: number, url: string, secret?: string): Promise<string> {
  const page = `http://127.0.0.1:${port}/settings/webhooks`
  expect(await (await fetch(page)).text()).toMatch(/^<!doctype html>/i)
  const answer = await fetch(`${page}/api/v1/endpoints`, post({ url, events: ['booking.created'], secret }))
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { secret: string }).secret
}

async function booked(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/bookings`, post({ id: 'booking_7' }))
  expect(answer.status).toBe(200)
}

const post = (body: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

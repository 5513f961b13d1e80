import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { square } from '@hooks/receiver/formats'
import { signRequest } from '@hooks/receiver/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesSuite, SECRET, sign } from '../test/bytes-suite.ts'
import { send } from '../test/exchange.ts'
import { freePort, type Running, readPage, run, writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'

const guide = (name: string) => readPage(`receiver/docs/frameworks/${name}.md`).blocks

/** A page's program with the receiver of the shared suite in place of its own. */
const withAnswers = (code = '') =>
  code.replace('idempotency:', `answers: { handled: [200, 'handled'], duplicate: [200, 'duplicate'] },\n  idempotency:`)

const PUBLIC_URL = 'https://acme.example/in/webhooks'

/** A page's program behind a proxy, with a format that signs the URL. */
const behindProxy = (code = '') =>
  `import { square } from '@hooks/receiver/formats'\n${code}`
    .replace('createReceiver({', 'createReceiver({\n  format: square(),')
    .replace(/receiver\.fetch(?!\()/, '(request) => receiver.fetch(request)')
    .replace('receiver.fetch(request)', `receiver.fetch(new Request('${PUBLIC_URL}', request))`)

let folder: string
let esbuild: string
beforeAll(() => {
  folder = newProject('runtimes', ['core', 'receiver'], {
    bun: '1.4.5',
    deno: '2.9.6',
    workerd: '1.20261117.1',
    esbuild: '0.28.2',
  })
  writeFiles(folder, [
    ['bun.ts', guide('bun').get('server.ts') ?? ''],
    ['bun-under-test.ts', withAnswers(guide('bun').get('server.ts'))],
    ['bun-behind-proxy.ts', behindProxy(guide('bun').get('server.ts'))],
    ['deno.ts', guide('deno').get('server.ts') ?? ''],
    ['deno-under-test.ts', withAnswers(guide('deno').get('server.ts'))],
    ['deno-behind-proxy.ts', behindProxy(guide('deno').get('server.ts'))],
    ['worker.ts', guide('workers').get('worker.ts') ?? ''],
    ['worker-under-test.ts', withAnswers(guide('workers').get('worker.ts'))],
    ['worker-behind-proxy.ts', behindProxy(guide('workers').get('worker.ts'))],
  ])
  const bundle = ['--bundle', '--format=esm', '--external:cloudflare:workers', '--outdir=bundles']
  esbuild = binary('@esbuild', /./, 'esbuild')
  execFileSync(esbuild, ['worker.ts', 'worker-under-test.ts', 'worker-behind-proxy.ts', ...bundle], {
    cwd: folder,
    stdio: 'pipe',
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The program that a package for this machine brings along, without an install script. */
function binary(scope: string, name: RegExp, program: string): string {
  const modules = join(folder, 'node_modules', scope)
  const found = readdirSync(modules)
    .filter((one) => name.test(one))
    .flatMap((one) => [join(modules, one, program), join(modules, one, 'bin', program)])
    .find((path) => existsSync(path))
  if (!found) throw new Error(`${scope} has no ${program} for this machine`)
  return found
}

/** What the bundler says of its output. */
interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly inputs: Readonly<Record<string, unknown>>
        readonly imports: readonly { readonly path: string; readonly kind: string }[]
      }
    >
  >
}

/** A page's program as it stands, and what is made of it: what its file's name ends with. */
type Program = '' | '-under-test' | '-behind-proxy'

interface Runtime {
  readonly name: string
  start(program: Program, env: Readonly<Record<string, string>>): Running
}

const runtimes: readonly Runtime[] = [
  {
    name: 'Bun',
    start: (program, env) => run(binary('@oven', /^bun-[a-z]+-[a-z0-9]+$/, 'bun'), [`bun${program}.ts`], folder, env),
  },
  {
    name: 'Deno',
    start(program, env) {
      const file = `deno${program}.ts`
      return run(
        binary('@deno', /./, 'deno'),
        ['run', '--no-remote', '--node-modules-dir=manual', '--allow-net', '--allow-env', '--allow-read', file],
        folder,
        { ...env, DENO_DIR: join(folder, '.deno'), DENO_NO_UPDATE_CHECK: '1' },
      )
    },
  },
  {
    name: 'Cloudflare Workers',
    start(program, env) {
      const file = `worker${program}`
      // Without nodejs_compat: what verifies is Web Crypto.
      const config = `using Workerd = import "/workerd/workerd.capnp";
        const config :Workerd.Config = (
          services = [(name = "main", worker = .worker)],
          sockets = [(name = "http", address = "127.0.0.1:${env.PORT}", http = (), service = "main")],
        );
        const worker :Workerd.Worker = (
          modules = [(name = "worker", esModule = embed "bundles/${file}.js")],
          bindings = [(name = "WEBHOOK_SECRET", fromEnvironment = "WEBHOOK_SECRET")],
          compatibilityDate = "2026-11-01",
        );`
      writeFileSync(join(folder, `${file}.capnp`), config)
      return run(binary('@cloudflare', /^workerd-/, 'workerd'), ['serve', '--verbose', `${file}.capnp`], folder, env)
    },
  },
]

describe('a bundle in parts', () => {
  it('has in its first part no file that answers, or explains, what fails', () => {
    const parts = ['--bundle', '--format=esm', '--splitting', '--outdir=parts', '--metafile=parts.json']
    execFileSync(esbuild, ['worker.ts', ...parts, '--external:cloudflare:workers'], { cwd: folder, stdio: 'pipe' })
    const { outputs }: Metafile = JSON.parse(readFileSync(join(folder, 'parts.json'), 'utf8'))
    const first = new Set(['parts/worker.js'])
    for (const part of first) {
      for (const { path, kind } of outputs[part]?.imports ?? []) if (kind === 'import-statement') first.add(path)
    }
    const names = (parts: readonly string[]) =>
      parts.flatMap((part) => Object.keys(outputs[part]?.inputs ?? {})).map((path) => path.split('/').at(-1))
    expect(names([...first])).toContain('receiver.js')
    expect(names([...first])).not.toContain('answer.js')
    expect(names(Object.keys(outputs))).toEqual(expect.arrayContaining(['answer.js', 'explain.js']))
  })
})

describe.each(runtimes)('$name', ({ start }) => {
  async function serve(program: Program) {
    const port = await freePort()
    const server = start(program, { PORT: String(port), WEBHOOK_SECRET: SECRET })
    await server.listening(port)
    return { server, port, path: '/webhooks' }
  }

  it('receives as its page shows', async () => {
    const { server, ...place } = await serve('')
    const honest = await sign({ data: { n: 1.5 } })
    const altered = { ...honest, body: Buffer.from(Buffer.from(honest.body).toString().replace('1.5', '2.5')) }
    expect((await send(place, altered)).status).toBe(401)
    expect((await send(place, honest)).status).toBe(200)
    expect((await send(place, honest)).status).toBe(200)
    await server.prints(/booked/)
    expect(server.output().match(/booked/g)).toHaveLength(1)
    server.child.kill()
  })

  it('has the URL that is signed, behind a proxy too', async () => {
    const { server, ...place } = await serve('-behind-proxy')
    const signed = (url: string) => signRequest(square(), SECRET, { type: 'booking.created', url })
    expect((await send(place, await signed(PUBLIC_URL))).status).toBe(200)
    expect((await send(place, await signed(`http://127.0.0.1:${place.port}/webhooks`))).status).toBe(401)
    server.child.kill()
  })

  describe('bytes survive it:', () => {
    let served: Awaited<ReturnType<typeof serve>>
    beforeAll(async () => {
      served = await serve('-under-test')
    })
    afterAll(() => void served.server.child.kill())

    bytesSuite(() => served, { joinsHeaders: true })
  })
})

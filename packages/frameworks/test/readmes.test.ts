import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { cleanUp, newFolder, readPage, writeFiles } from './pages.ts'

afterAll(cleanUp)

const CONTRACT = `ReturnType<typeof import('@hooks/core').defineContract<{
  'booking.created': import('zod').ZodObject<{ id: import('zod').ZodString; seats: import('zod').ZodInt }>
}>>`
const STORAGE = `import('@hooks/core').Storage<any>`
const HOOKS = `import('@hooks/sender').Sender<any, any>`
const BOOK = '(data: { id: string; seats: number }) => Promise<void>'

/** The file that the configuration of the command line imports. */
const CONTRACT_FILE = `export declare const contract: ${CONTRACT}`

/** By README, what its blocks take from the program around them: the types of the names that they do not declare. */
const SURROUNDINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bullmq: { contract: CONTRACT, storage: STORAGE },
  cli: {},
  core: {},
  nats: { contract: CONTRACT, storage: STORAGE },
  portal: {
    hooks: HOOKS,
    contract: CONTRACT,
    app: `import('express').Express`,
    sessionOf: '(request: Request) => Promise<{ organisation: string } | null>',
    authorize: `import('@hooks/portal').Authorize`,
    portal: `import('@hooks/portal').Portal`,
    defineContract: `typeof import('@hooks/core').defineContract`,
    events: `import('@hooks/core').Events`,
  },
  postgres: {
    pool: `import('pg').Pool`,
    contract: CONTRACT,
    secret: 'string',
    createSender: `typeof import('@hooks/sender').createSender`,
    createReceiver: `typeof import('@hooks/receiver').createReceiver`,
    storage: `ReturnType<typeof import('@hooks/postgres').postgresStorage>`,
    db: `import('drizzle-orm/node-postgres').NodePgDatabase`,
    bookings: `import('drizzle-orm/pg-core').PgTable`,
    booking: '{ id: string; seats: number }',
    knex: '{ raw(statement: string): Promise<unknown> }',
    pg: `typeof import('pg')`,
  },
  receiver: {
    contract: CONTRACT,
    secret: 'string',
    book: BOOK,
    store: `import('@hooks/core').IdempotencyStore`,
    inbox: `import('@hooks/core').Inbox`,
    createReceiver: `typeof import('@hooks/receiver').createReceiver`,
    background: `typeof import('@hooks/receiver').background`,
    receiver: `import('@hooks/receiver').Receiver`,
    Tx: `type import('drizzle-orm/node-postgres').NodePgDatabase`,
    db: `import('drizzle-orm/node-postgres').NodePgDatabase`,
    bookings: `import('drizzle-orm/pg-core').PgTable`,
  },
  redis: { contract: CONTRACT, book: BOOK, redisIdempotency: `typeof import('@hooks/redis').redisIdempotency` },
  sender: {
    contract: CONTRACT,
    hooks: HOOKS,
    endpointId: 'string',
    since: 'Date',
    transport: `import('@hooks/sender').Transport`,
  },
  sqlite: {
    db: `import('libsql').Database`,
    insertOrder: '{ run(order: object): void }',
    order: '{ id: string }',
    hooks: HOOKS,
    tenant: 'string',
    contract: CONTRACT,
    secret: 'string',
    createReceiver: `typeof import('@hooks/receiver').createReceiver`,
  },
}

/** Blocks without a file's name. Those with one are in `guides.test.ts`. */
function blocksOf(name: string): string[] {
  const { text } = readPage(`${name}/README.md`)
  return [...text.matchAll(/^```[tj]s\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
}

/** A block as a module of its own, with what it takes from around it declared in front. */
function moduleOf(code: string, around: Readonly<Record<string, string>>): string {
  const declared = (name: string) => new RegExp(`(const|import) (\\{[^}\\n]*\\b)?${name}\\b`).test(code)
  const lines = Object.entries(around)
    .filter(([name]) => new RegExp(`(?<![.'\\w])${name}\\b(?!')`).test(code) && !declared(name))
    .map(([name, type]) =>
      type.startsWith('type ') ? `type ${name} = ${type.slice(5)}` : `declare const ${name}: ${type}`,
    )
  return `${lines.join('\n')}\nexport {}\n${code}`
}

/** Packages whose names mean nothing to this one, by where they are. */
const at = (path: string) => [fileURLToPath(new URL(`../../${path}`, import.meta.url))]
const TSCONFIG = JSON.stringify({
  extends: '../../../../tsconfig.base.json',
  compilerOptions: {
    module: 'ESNext',
    moduleResolution: 'bundler',
    paths: {
      '@hooks/bullmq': at('bullmq/src/index.ts'),
      '@hooks/nats': at('nats/src/index.ts'),
      redis: at('redis/node_modules/redis'),
      '@nats-io/transport-node': at('nats/node_modules/@nats-io/transport-node'),
      zod: at('cli/node_modules/zod'),
      'drizzle-orm/node-postgres': at('postgres/node_modules/drizzle-orm/node-postgres'),
      'drizzle-orm/pg-core': at('postgres/node_modules/drizzle-orm/pg-core'),
    },
  },
  include: ['.'],
})

it("every block of the packages' READMEs has the right types, but for shell commands", { timeout: 180_000 }, () => {
  const folder = newFolder()
  const files = Object.entries(SURROUNDINGS).flatMap(([name, around]) => {
    const blocks = blocksOf(name)
    expect(blocks.length, name).toBeGreaterThan(0)
    return blocks.map((code, n) => [`${name}/block-${n + 1}.ts`, moduleOf(code, around)] as const)
  })
  writeFiles(folder, [...files, ['cli/contract.ts', CONTRACT_FILE], ['tsconfig.json', TSCONFIG]])
  const tsc = createRequire(import.meta.url).resolve('typescript/lib/tsc.js')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' })
  expect(stdout).toBe('')
})

it('no README has blocks that nothing looks at', () => {
  const packages = readdirSync(new URL('../../', import.meta.url))
  const withBlocks = packages.filter((name) => {
    const path = new URL(`../../${name}/README.md`, import.meta.url)
    return existsSync(path) && /^```[tj]s$/m.test(readFileSync(path, 'utf8'))
  })
  expect(withBlocks).toEqual(Object.keys(SURROUNDINGS).sort())
})

/** The package that a module is of: `@hooks/portal/docs` is of `@hooks/portal`. */
const packageOf = (module: string) => module.split('/', module.startsWith('@') ? 2 : 1).join('/')

it.each(['..', ...Object.keys(SURROUNDINGS), 'express', 'fastify', 'nextjs'])(
  'the README of %s says of all that its blocks import how it is installed',
  (name) => {
    const { text } = readPage(`${name}/README.md`)
    const installs = [...text.matchAll(/npm install ([^\n`]+)/g)].map(([, line]) => line).join(' ')
    const imported = [...text.matchAll(/^```[tj]s\b.*\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) =>
      [...code.matchAll(/\b(?:from|import) '([^.'][^']*)'/g)].map(([, module = '']) => module),
    )
    expect(imported.length).toBeGreaterThan(0)
    const packages = new Set(imported.filter((module) => !module.startsWith('node:')).map(packageOf))
    // A comment counts: "beside ioredis or redis".
    const named = (one: string) => installs.split(/[\s,()]+/).includes(one)
    expect([...packages].filter((one) => !named(one))).toEqual([])
  },
)

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { standardWebhooks } from '@hooks/receiver'
import { square } from '@hooks/receiver/formats'
import { signRequest } from '@hooks/receiver/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { SECRET } from './bytes-suite.ts'
import { send } from './exchange.ts'
import { cleanUp, freePort, newFolder, type Page, type Running, readPage, runFile, writeFiles } from './pages.ts'

const DOCS = 'receiver/docs/frameworks'
const guide = (name: string) => readPage(`${DOCS}/${name}.md`)

afterAll(cleanUp)

/** What a page that shows no server of its own is run with: a file that serves what it exports. */
const serveFetch = (imports: string, fetch: string) => `
import { serve } from '@hono/node-server'
${imports}
serve({ fetch: ${fetch}, port: Number(process.env.PORT) })
`

interface Example {
  readonly name: string
  readonly page: Page
  /** The file that is run. */
  readonly file: string
  /** That file, where the page shows no server. */
  readonly around?: string
}

const examples: readonly Example[] = [
  { name: 'Express', page: readPage('express/README.md'), file: 'receive.ts' },
  { name: 'Express behind a parser', page: readPage('express/README.md'), file: 'behind-json.ts' },
  { name: 'Fastify', page: readPage('fastify/README.md'), file: 'receive.ts' },
  { name: 'NestJS on Express', page: guide('nestjs'), file: 'on-express.ts' },
  { name: 'NestJS on Fastify', page: guide('nestjs'), file: 'on-fastify.ts' },
  { name: 'node:http', page: guide('http'), file: 'server.ts' },
  { name: 'Koa', page: guide('koa'), file: 'server.ts' },
  { name: 'Hono', page: guide('hono'), file: 'server.ts' },
  {
    name: 'AWS Lambda',
    page: guide('lambda'),
    file: 'run.ts',
    around: `import { createServer } from 'node:http'
      import { gateway } from '../../test/gateway.ts'
      import { handler } from './handler.ts'
      createServer(gateway('http', handler)).listen(Number(process.env.PORT))`,
  },
  {
    name: 'SvelteKit',
    page: guide('sveltekit'),
    file: 'run.ts',
    around: serveFetch(`import { POST } from './src/routes/webhooks/+server.ts'`, '(request) => POST({ request })'),
  },
  {
    name: 'React Router',
    page: guide('react-router'),
    file: 'run.ts',
    around: serveFetch(
      `import { action } from './app/routes/webhooks.ts'`,
      '(request) => action({ request, params: {}, context: {} })',
    ),
  },
]

describe('each page shows a receiver that works as it stands:', () => {
  it.each(examples)('$name', { timeout: 60_000 }, async ({ page, file, around }) => {
    const folder = newFolder()
    writeFiles(folder, [...page.blocks, ...(around ? [[file, around] as const] : []), ['tsconfig.json', TSCONFIG]])
    const port = await freePort()
    const server = runFile(folder, file, { PORT: String(port), WEBHOOK_SECRET: SECRET })
    await server.listening(port)
    await receives(server, port)
  })

  /** An altered one, an honest one, and its copy. */
  async function receives(server: Running, port: number): Promise<void> {
    const place = { port, path: '/webhooks' }
    const honest = await signRequest(standardWebhooks(), SECRET, { type: 'booking.created', data: { n: 1.5 } })
    const altered = { ...honest, body: Buffer.from(Buffer.from(honest.body).toString().replace('1.5', '2.5')) }
    expect((await send(place, altered)).status).toBe(401)
    expect((await send(place, honest)).status).toBe(200)
    expect((await send(place, honest)).status).toBe(200)
    await server.prints(/booked/)
    expect(server.output().match(/booked \{ n: 1\.5 \}/g)).toHaveLength(1)
  }
})

it('the page of Fastify shows a sender that lives with the server, and a page for customers', {
  timeout: 60_000,
}, async () => {
  const folder = newFolder()
  writeFiles(folder, [...readPage('fastify/README.md').blocks, ['tsconfig.json', TSCONFIG]])
  const port = await freePort()
  await runFile(folder, 'server.ts', { PORT: String(port) }).listening(port)
  const headers = { 'content-type': 'application/json' }
  const booked = await send({ port, path: '/bookings' }, { headers, body: Buffer.from('{"id":"booking_1"}') })
  expect(booked).toMatchObject({ status: 200, body: expect.stringMatching(/^\{"id":"msg_/) })
  const page = await send({ port, path: '/settings/webhooks' }, { method: 'GET' })
  expect(page.body).toMatch(/^<!doctype html>/i)
  const listed = await send({ port, path: '/settings/webhooks/api/v1/endpoints' }, { method: 'GET' })
  expect(JSON.parse(listed.body)).toEqual({ data: [], nextCursor: null })
})

it('the page of Express shows how to serve a fetch handler', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  writeFiles(folder, [...readPage('express/README.md').blocks, ['tsconfig.json', TSCONFIG]])
  const port = await freePort()
  await runFile(folder, 'portal.ts', { PORT: String(port) }).listening(port)
  const answer = await send({ port, path: '/manage/v1/endpoints?a=b' }, { method: 'GET' })
  expect(JSON.parse(answer.body)).toEqual({
    url: `http://127.0.0.1:${port}/manage/v1/endpoints?a=b`,
    basePath: '/manage',
  })
})

it('the page of Hono shows what to do behind a reader of the body', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  const { blocks } = guide('hono')
  const served = `${blocks.get('server.ts')?.split('const app')[0]}
    import type { Context } from 'hono'
    ${blocks.get('behind-a-reader.ts')}
    const app = new Hono()
    app.use(async (c, next) => { await c.req.arrayBuffer(); await next() })
    app.post('/webhooks', webhooks)
    app.post('/json', async (c) => { await c.req.json(); return receiver.fetch(c.req.raw) })
    serve({ fetch: app.fetch, port: Number(process.env.PORT) })`
  writeFiles(folder, [
    ['server.ts', served],
    ['tsconfig.json', TSCONFIG],
  ])
  const port = await freePort()
  await runFile(folder, 'server.ts', { PORT: String(port), WEBHOOK_SECRET: SECRET }).listening(port)
  const body = `\ufeff{"type":"booking.created","data":1.0}`
  const honest = await signRequest(standardWebhooks(), SECRET, { type: 'booking.created', body })
  // Only bytes that fit their signature are looked at as payload.
  expect((await send({ port, path: '/webhooks' }, honest)).body).toBe('{"error":"payload_invalid"}')
  const other = await signRequest(standardWebhooks(), SECRET, { type: 'booking.created' })
  expect((await send({ port, path: '/webhooks' }, other)).status).toBe(200)
  expect((await send({ port, path: '/json' }, other)).body).toBe('{"error":"body_unavailable"}')
})

it('the first page shows how a fetch server has the URL that is signed', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  const served = `import { serve } from '@hono/node-server'
    import { createReceiver } from '@hooks/receiver'
    import { square } from '@hooks/receiver/formats'
    const receiver = createReceiver({ format: square(), secret: process.env.WEBHOOK_SECRET })
    ${guide('README').blocks.get('behind-a-proxy.ts')}
    serve({ fetch: webhooks, port: Number(process.env.PORT) })`
  writeFiles(folder, [
    ['server.ts', served],
    ['tsconfig.json', TSCONFIG],
  ])
  const port = await freePort()
  await runFile(folder, 'server.ts', { PORT: String(port), WEBHOOK_SECRET: SECRET }).listening(port)
  const signed = (url: string) => signRequest(square(), SECRET, { type: 'payment.updated', url })
  const place = { port, path: '/webhooks?shop=1' }
  expect((await send(place, await signed('https://acme.example/in/webhooks?shop=1'))).status).toBe(200)
  expect((await send(place, await signed(`http://127.0.0.1:${port}/webhooks?shop=1`))).status).toBe(401)
})

it.each([
  ['http', 'http-receiver.ts'],
  ['koa', 'koa-receiver.ts'],
  ['lambda', 'lambda-receiver.ts'],
])('the page of %s shows the file that is tested', (name, file) => {
  expect(guide(name).blocks.get(file)).toBe(readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8'))
})

it('every page can be reached, and leads nowhere that is not there', () => {
  const folder = new URL(`../../${DOCS}/`, import.meta.url)
  const index = readPage(`${DOCS}/README.md`).text
  const names = readdirSync(folder).filter((name) => name !== 'README.md')
  expect(names.filter((name) => !index.includes(`](${name})`))).toEqual([])
  for (const [name, text] of [['README.md', index], ...names.map((one) => [one, readPage(`${DOCS}/${one}`).text])])
    for (const [, link = ''] of (text ?? '').matchAll(/\]\(([^)#]+)\)/g))
      if (!link.startsWith('http'))
        expect(() => readdirSync(new URL(link, folder)), `${name}: ${link}`).not.toThrow(/ENOENT/)
})

/** The packages' sources stand in for their builds. */
const TSCONFIG = JSON.stringify({
  extends: '../../../../tsconfig.base.json',
  // As the bundlers of Next.js, SvelteKit and React Router find files.
  compilerOptions: { module: 'ESNext', moduleResolution: 'bundler', paths: { '$lib/*': ['./src/lib/*.ts'] } },
  include: ['.'],
})

/** What the frameworks make by themselves, or have in their run time. */
const surroundings: readonly (readonly [string, string])[] = [
  [
    'shims.d.ts',
    `declare const Bun: { serve(options: { routes: Record<string, (request: Request) => Promise<Response>>; port: number }): unknown }
     declare const Deno: {
       env: { get(name: string): string | undefined }
       serve(options: { port: number }, handler: (request: Request) => Response | Promise<Response>): unknown
     }
     declare module 'cloudflare:workers' { export const env: Record<string, unknown> }
     declare module 'next/server' { export function after(work: Promise<unknown>): void }`,
  ],
  [
    'src/routes/webhooks/$types.d.ts',
    'export type RequestHandler = (event: { request: Request }) => Response | Promise<Response>',
  ],
  ['app/routes/+types/webhooks.d.ts', 'export namespace Route { export interface ActionArgs { request: Request } }'],
]

it('every block has the right types', { timeout: 120_000 }, () => {
  const folder = newFolder()
  const pages = [
    readPage('express/README.md'),
    readPage('fastify/README.md'),
    readPage('nextjs/README.md'),
    ...['nestjs', 'hono', 'http', 'koa', 'lambda', 'sveltekit', 'react-router', 'bun', 'deno', 'workers'].map(guide),
  ]
  for (const { path, blocks } of pages) {
    const files = [...blocks].filter(([name]) => name !== 'behind-a-reader.ts')
    // SvelteKit's alias and generated types are found from the top of its project.
    const at = path.includes('sveltekit') || path.includes('react-router') ? '' : path.replace(/\W+/g, '-')
    writeFiles(join(folder, at), files)
  }
  writeFiles(folder, surroundings)
  writeFileSync(join(folder, 'tsconfig.json'), TSCONFIG)
  const tsc = createRequire(import.meta.url).resolve('typescript/lib/tsc.js')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
})

import { rmSync } from 'node:fs'
import { twilio } from '@hooks/receiver/formats'
import { signRequest } from '@hooks/receiver/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET, sign } from '../test/bytes-suite.ts'
import { type Answer, type Sent, sayAll, send } from '../test/exchange.ts'
import { type Running, readPage, writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'
import { buildNext, nextDependencies, startNext } from './next-project.ts'

const CRON_SECRET = 'a-secret-of-the-scheduler'
const PUBLIC_URL = 'https://acme.example/in/calls/?order=a%20b'

/** Routes that the page does not show: a format that signs the URL, and what Next.js makes of one. */
const ownFiles: readonly (readonly [string, string])[] = [
  [
    'lib/calls.ts',
    `import { createReceiver } from '@hooks/receiver'
     import { twilio } from '@hooks/receiver/formats'
     export const calls = createReceiver({ format: twilio(), secret: '${SECRET}' }).on('*', () => {})`,
  ],
  [
    'app/calls/route.ts',
    `import { nextReceiver } from '@hooks/nextjs'
     import { calls } from '../../lib/calls'
     export const { GET, POST } = nextReceiver(calls, { publicUrl: '${PUBLIC_URL}' })`,
  ],
  [
    'pages/api/calls.ts',
    `import { nextPagesReceiver } from '@hooks/nextjs'
     import { calls } from '../../lib/calls'
     export const config = { api: { bodyParser: false } }
     export default nextPagesReceiver(calls, { publicUrl: '${PUBLIC_URL}' })`,
  ],
  ['app/where/route.ts', 'export const POST = async ({ url }: Request) => new Response(url)'],
]

/** Settings that move the routes, or that forbid them something. */
const settings = [
  { name: 'basePath and trailingSlash', config: { basePath: '/shop', trailingSlash: true }, base: '/shop', end: '/' },
  { name: 'cacheComponents', config: { cacheComponents: true }, base: '', end: '' },
] as const

let folder: string
beforeAll(() => {
  folder = newProject('next-settings', ['core', 'receiver', 'sender', 'portal', 'nextjs'], nextDependencies())
  writeFiles(folder, [...readPage('nextjs/README.md').blocks, ...ownFiles])
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 }))

describe.each(settings)('Next.js with $name', ({ config, base, end }) => {
  let port: number
  let server: Running
  beforeAll(async () => {
    writeFiles(folder, [['next.config.mjs', `export default ${JSON.stringify(config)}`]])
    buildNext(folder)
    ;[port, server] = await startNext(folder, 'start', { CRON_SECRET, WEBHOOK_SECRET: SECRET })
  })
  afterAll(() => void server?.child.kill())

  const at = (path: string) => ({ port, path: `${base}${path}${end}` })
  const ask = (path: string, sent: Sent): Promise<Answer> => send(at(path), sent)

  it.each(['/webhooks', '/api/webhooks'])('receives as its page shows: %s', async (path) => {
    const data = { path }
    const honest = await sign({ data })
    const altered = await sign({ data, invalid: 'body' })
    expect((await ask(path, altered)).status).toBe(401)
    expect((await ask(path, honest)).status).toBe(200)
    expect((await ask(path, honest)).status).toBe(200)
    await server.prints(new RegExp(`booked \\{ path: '${path}' \\}`))
    expect(server.output().split(`'${path}'`)).toHaveLength(2)
  })

  it.each(['/calls', '/api/calls'])('verifies what signs the URL that its sender has: %s', async (path) => {
    const signed = (url: string) => signRequest(twilio(), SECRET, { type: 'call.ringing', data: { to: 'b' }, url })
    expect(await ask(path, await signed(PUBLIC_URL))).toMatchObject({ status: 200, body: '<Response/>' })
    const own = `http://127.0.0.1:${port}${base}${path}${end}`
    expect((await ask(path, await signed(own))).status).toBe(401)
  })

  it.each(['/webhooks', '/api/webhooks'])('refuses what is too large so that its sender hears it: %s', async (path) => {
    expect(await sayAll(at(path), 20 * 2 ** 20)).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('drains for the scheduler, and for nobody else', async () => {
    expect((await ask('/cron', { method: 'GET' })).status).toBe(401)
    const drained = await ask('/cron', { method: 'GET', headers: { authorization: `Bearer ${CRON_SECRET}` } })
    expect(drained).toMatchObject({ status: 200, body: '{"drained":true}' })
  })

  it('has a page for customers, and its script and its API where it looks for them', async () => {
    const page = `http://127.0.0.1:${port}${base}/settings/webhooks${end}`
    const [, source = ''] = /<script[^>]* src="([^"]+)"/.exec(await (await fetch(page)).text()) ?? []
    const script = await fetch(new URL(source, page))
    expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
    // As the script does it, and browsers.
    const call = async (method: string, path: string, body?: object) => {
      const headers = {
        origin: new URL(page).origin,
        'sec-fetch-site': 'same-origin',
        'content-type': 'application/json',
      }
      const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) }
      return (await fetch(new URL(`../api/${path}`, script.url), sent)).json()
    }
    expect(await call('GET', 'session')).toMatchObject({ tenants: ['acme'] })
    const url = 'https://receiver.example/webhooks'
    const made = await call('POST', 'v1/endpoints', { url, events: ['booking.created'] })
    const { id } = made as { id: string }
    expect(await call('PATCH', `v1/endpoints/${id}`, { name: 'Bookings' })).toMatchObject({ id, name: 'Bookings' })
    expect(await call('GET', 'v1/endpoints?limit=1')).toMatchObject({ data: [{ id, url, name: 'Bookings' }] })
  })

  it('gives a route a URL that nobody signed, as the page says: off the basePath, and with a query of its own', async () => {
    const { body } = await send({ port, path: `${base}/where${end}?order=a%20b` }, {})
    expect(body).toMatch(new RegExp(`^http://[^/]+/where${end}\\?order=a\\+b$`))
  })

  it.runIf(end)('redirects what has no slash at its end, which no sender follows', async () => {
    const { status, headers } = await send({ port, path: `${base}/webhooks` }, await sign())
    expect([status, headers.location]).toEqual([308, `${base}/webhooks/`])
  })
})

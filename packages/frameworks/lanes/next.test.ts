import { once } from 'node:events'
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesSuite, SECRET, sign } from '../test/bytes-suite.ts'
import { send } from '../test/exchange.ts'
import { type Running, readPage, writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'
import { buildNext, NEXT_VERSIONS, nextDependencies, startNext } from './next-project.ts'

const CRON_SECRET = 'a-secret-of-the-scheduler'

/** Routes that the page does not show: of the shared suite, and to look into the process. */
const underTest = `
import { createReceiver, memoryIdempotency } from '@hooks/receiver'
export const receiver = createReceiver({
  secret: '${SECRET}',
  idempotency: memoryIdempotency(),
  answers: { handled: [200, 'handled'], duplicate: [200, 'duplicate'] },
}).on('booking.created', () => {})
`
const ownFiles: readonly (readonly [string, string])[] = [
  ['lib/under-test.ts', underTest],
  [
    'app/under-test/route.ts',
    `import { nextReceiver } from '@hooks/nextjs'
     import { after } from 'next/server'
     import { receiver } from '../../lib/under-test'
     export const { GET, POST, PUT, DELETE } = nextReceiver(receiver, { waitUntil: after })`,
  ],
  [
    'pages/api/under-test.ts',
    `import { nextPagesReceiver } from '@hooks/nextjs'
     import { receiver } from '../../lib/under-test'
     export const config = { api: { bodyParser: false } }
     export default nextPagesReceiver(receiver)`,
  ],
  [
    'pages/api/parsed.ts',
    `import { nextPagesReceiver } from '@hooks/nextjs'
     import { receiver } from '../../lib/under-test'
     export default nextPagesReceiver(receiver)`,
  ],
  [
    'app/health/route.ts',
    `import { hooks } from '../../lib/hooks'
     export const dynamic = 'force-dynamic'
     export const GET = async () => Response.json(await hooks.health())`,
  ],
  [
    'app/manage/[[...path]]/route.ts',
    `import { nextPortal } from '@hooks/nextjs'
     const echo = {
       fetch: async (request: Request, mount?: object) => Response.json({ url: request.url, ...mount }),
     }
     export const { GET, POST, PUT, PATCH, DELETE } = nextPortal(echo)`,
  ],
  [
    'lib/one.ts',
    `import { oncePerProcess } from '@hooks/nextjs'
     const counts: { loads: number; made: number } = ((globalThis as any).counts ??= { loads: 0, made: 0 })
     counts.loads++
     oncePerProcess('one', () => counts.made++)
     export { counts }`,
  ],
  [
    'app/counts/route.ts',
    `import { counts } from '../../lib/one'
     export const dynamic = 'force-dynamic'
     export const GET = async () => Response.json(counts)`,
  ],
]

describe.each(NEXT_VERSIONS)('Next.js %s', (version) => {
  let folder: string
  beforeAll(() => {
    folder = newProject('next', ['core', 'receiver', 'sender', 'portal', 'nextjs'], nextDependencies(version))
    writeFiles(folder, [...readPage('nextjs/README.md').blocks, ...ownFiles])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 }))

  const start = (command: 'start' | 'dev') => startNext(folder, command, { CRON_SECRET, WEBHOOK_SECRET: SECRET })

  describe('in production', () => {
    let port: number
    let server: Running
    beforeAll(async () => {
      buildNext(folder)
      ;[port, server] = await start('start')
    })
    afterAll(() => void server.child.kill())
    const at = (path: string) => ({ port, path })

    it.each(['/webhooks', '/api/webhooks'])('receives as its page shows: %s', async (path) => {
      const honest = await sign({ data: { n: 1.5 } })
      const altered = { ...honest, body: Buffer.from(Buffer.from(honest.body).toString().replace('1.5', '2.5')) }
      expect((await send(at(path), altered)).status).toBe(401)
      expect((await send(at(path), honest)).status).toBe(200)
      expect((await send(at(path), honest)).status).toBe(200)
      await server.prints(/booked/)
    })

    it('handled what came twice once, on each of the two', () => {
      expect(server.output().match(/booked \{ n: 1\.5 \}/g)).toHaveLength(2)
    })

    it('leaves other methods of a route that exports POST alone to Next.js', async () => {
      expect((await send(at('/webhooks'), { method: 'GET' })).status).toBe(405)
    })

    it('says of a route whose body Next.js parsed that it did', async () => {
      expect(await send(at('/api/parsed'), await sign())).toMatchObject({
        status: 500,
        body: '{"error":"body_unavailable"}',
      })
    })

    it('drains for the scheduler, and for nobody else', async () => {
      expect((await send(at('/cron'), { method: 'GET' })).status).toBe(401)
      const drained = await send(at('/cron'), { method: 'GET', headers: { authorization: `Bearer ${CRON_SECRET}` } })
      expect(drained).toMatchObject({ status: 200, body: '{"drained":true}' })
    })

    it.each(['', '/v1/endpoints?a=b'])('serves a fetch handler, which knows where it is: %s', async (rest) => {
      const answer = await send(at(`/manage${rest}`), { method: 'GET' })
      expect(JSON.parse(answer.body)).toMatchObject({ url: expect.stringMatching(/\/manage/), basePath: '/manage' })
    })

    it('has one sender for instrumentation and routes, and it delivers', async () => {
      expect(JSON.parse((await send(at('/health'), { method: 'GET' })).body)).toMatchObject({ running: true })
    })

    describe('bytes survive the App Router:', () => bytesSuite(() => at('/under-test'), { joinsHeaders: true }))
    describe('bytes survive the Pages Router:', () => bytesSuite(() => at('/api/under-test')))
  })

  describe('in development', () => {
    let port: number
    let server: Running
    beforeAll(async () => {
      rmSync(join(folder, '.next'), { recursive: true, force: true })
      ;[port, server] = await start('dev')
    })
    afterAll(async () => {
      const ended = once(server.child, 'exit')
      server.child.kill('SIGINT')
      await ended
    })

    async function counts(): Promise<{ loads: number; made: number }> {
      const { status, body } = await send({ port, path: '/counts' }, { method: 'GET' })
      if (status !== 200) throw new Error(`${status}: ${server.output()}`)
      return JSON.parse(body)
    }

    it('makes one of a thing, however often its module is loaded', { timeout: 300_000 }, async () => {
      expect(await counts()).toMatchObject({ made: 1 })
      for (let edit = 1; edit <= 3; edit++) {
        const { loads } = await counts()
        appendFileSync(join(folder, 'lib/one.ts'), `\nexport const edit${edit} = ${edit}\n`)
        while ((await counts()).loads === loads) await sleep(200)
      }
      const { loads, made } = await counts()
      expect(loads).toBeGreaterThan(3)
      expect(made).toBe(1)
    })
  })
})

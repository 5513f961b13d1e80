import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Portal } from '@hooks/portal'
import { afterAll, beforeAll } from 'vitest'
import { writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'
import { buildNext, nextDependencies } from './next-project.ts'
import { type Host, skipped } from './portal/browsing.ts'
import { portalSuite } from './portal/suite.ts'

/** The route of a customer's page. What it serves is made by each test, in the process that Next.js runs in. */
const files: readonly (readonly [string, string])[] = [
  [
    'app/settings/webhooks/[[...path]]/route.ts',
    `import { nextPortal } from '@hooks/nextjs'
     const portal = { fetch: (request: Request, mount: object) => (globalThis as any).portal.fetch(request, mount) }
     export const { GET, POST, PUT, PATCH, DELETE } = nextPortal(portal)`,
  ],
]

interface NextServer {
  prepare(): Promise<void>
  getRequestHandler(): Parameters<typeof createServer>[1]
  close(): Promise<void>
}

let folder: string
let next: NextServer
let server: Server

beforeAll(async () => {
  if (skipped) return
  folder = newProject('next-portal', ['core', 'nextjs'], nextDependencies())
  writeFiles(folder, files)
  buildNext(folder)
  const create = createRequire(join(folder, 'package.json'))('next') as (options: object) => NextServer
  next = create({ dev: false, dir: folder })
  await next.prepare()
  server = createServer(next.getRequestHandler()).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(async () => {
  server?.closeAllConnections()
  server?.close()
  await next?.close()
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 })
})

const onNext: Host = {
  name: 'Next.js',
  async serve(portal: Portal) {
    ;(globalThis as { portal?: Portal }).portal = portal
    return { port: (server.address() as AddressInfo).port, close: () => server.closeAllConnections() }
  },
}

portalSuite(onNext)

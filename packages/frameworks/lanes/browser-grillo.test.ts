import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { findPostgres } from 'tooling/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contract } from '../../../examples/grillo/src/contract.ts'
import { createGrillo } from '../../../examples/grillo/src/sender.ts'
import { listen } from '../test/hosts.ts'
import { browsing, skipped } from './portal/browsing.ts'
import { onFastify } from './portal/hosts.ts'

const postgres = await findPostgres()
const NETWORK = 'net_xyz789'

describe.skipIf(skipped || !postgres)("Grillo's dashboard, in a browser", () => {
  const { look } = browsing(onFastify)
  const closing: (() => unknown)[] = []
  let grillo: ReturnType<typeof createGrillo>
  let dashboard: string

  beforeAll(async () => {
    const database = await postgres?.database()
    const pool = new pg.Pool({ connectionString: database?.url })
    grillo = createGrillo({
      database: pool,
      tokens: { TOKEN: NETWORK },
      linkSecret: 'a secret for links of 32 characters',
      dev: true,
    })
    await grillo.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = grillo.app.server.address() as AddressInfo
    dashboard = `http://127.0.0.1:${port}/parametres/notifications/webhooks/${await grillo.portal.link({ tenant: NETWORK })}`
    closing.push(
      async () => database?.drop(),
      () => pool.end(),
      () => grillo.app.close(),
      () => grillo.app.server.closeAllConnections(),
    )
  })
  afterAll(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  it('adds a webhook by the steps of the document, and the next event reaches it (G4, G5, G6, G7, G8)', async () => {
    const received: string[] = []
    const server = await listen((request, response) => {
      received.push(String(request.headers['x-grillo-event']))
      request.resume()
      response.end('OK')
    })
    closing.push(server.close)
    const { page, shoot } = await look(dashboard, { session: null })
    await page.getByRole('link', { name: 'Ajouter un Webhook' }).first().click()
    await page.getByLabel('URL').fill(`http://localhost:${server.port}/grillo-webhook`)
    await page.getByLabel('Seulement ceux-ci').check()
    await page.getByRole('checkbox', { name: /event\.detected/ }).check()
    await page.getByRole('checkbox', { name: /sensor\.offline/ }).check()
    await shoot('grillo-form')
    await page.getByRole('button', { name: 'Enregistrer' }).click()
    await page.getByRole('region', { name: 'Votre secret de signature' }).waitFor()
    for (const type of ['event.updated', 'event.detected'] as const)
      await grillo.hooks.send(type, contract.events.get(type)?.example as never, { tenant: NETWORK })
    await page.getByRole('row').filter({ hasText: 'event.detected' }).getByText('Livrée').waitFor()
    await shoot('grillo')
    expect(received).toEqual(['event.detected'])
  })
})

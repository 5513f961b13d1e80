import { fastifyHooks, fastifyPortal } from '@hooks/fastify'
import { type Authorize, createManagementApi, createPortal } from '@hooks/portal'
import { type PostgresHandle, postgresStorage } from '@hooks/postgres'
import { createSender } from '@hooks/sender'
import fastify from 'fastify'
import { contract } from './contract.ts'

/** What Grillo's server is told. */
export interface GrilloOptions {
  /** The PostgreSQL that seismic events and webhooks share. */
  readonly database: PostgresHandle
  /** API tokens, and whose each is. */
  readonly tokens: Readonly<Record<string, string>>
  /** What signs the links by which people get to the dashboard without a token: at least 32 characters. */
  readonly linkSecret: string
  /** http and localhost may be webhooks' URLs: for trying out. */
  readonly dev?: boolean
}

/** The sending side: Grillo's own server. It delivers from when it listens until it is closed. */
export function createGrillo({ database, tokens, linkSecret, dev = false }: GrilloOptions) {
  const hooks = createSender({ contract, storage: postgresStorage(database, { migrate: true }), dev })
  const authorize: Authorize = ({ headers }) => {
    const network = tokens[headers.get('authorization')?.replace(/^Bearer /, '') ?? '']
    return network === undefined ? null : { tenants: [network] }
  }

  const app = fastify()
  app.register(fastifyHooks, { sender: hooks })
  // The API of the document.
  app.register(fastifyPortal, { prefix: '/v1/webhooks', portal: createManagementApi(hooks, { contract, authorize }) })
  // The dashboard: Paramètres → Notifications → Webhooks.
  const portal = createPortal(hooks, {
    contract,
    authorize,
    language: 'fr',
    brand: { name: 'Grillo' },
    links: { secret: linkSecret },
  })
  app.register(fastifyPortal, { prefix: '/parametres/notifications/webhooks', portal })
  return { app, hooks, portal }
}

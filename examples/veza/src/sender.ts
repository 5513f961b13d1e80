import { expressPortal } from '@hooks/express'
import { createManagementApi } from '@hooks/portal'
import { createSender } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'
import express from 'express'
import Database from 'libsql'
import { contract } from './contract.ts'

/** What Veza's server is told. */
export interface VezaOptions {
  /** The SQLite file that users and webhooks share. */
  readonly file: string
  /** API tokens, and whose each is. */
  readonly tokens: Readonly<Record<string, string>>
  /** http and localhost may be webhooks' URLs: for trying out. */
  readonly dev?: boolean
}

/** The sending side: Veza's own server, with users, and webhooks that tell of them. */
export function createVeza({ file, tokens, dev = false }: VezaOptions) {
  const db = new Database(file)
  db.pragma('journal_mode = WAL')
  db.exec('create table if not exists users (user_id text primary key, email text not null)')
  const hooks = createSender({ contract, storage: sqliteStorage(db), dev })

  const customerOf = (authorization: string | null | undefined) => tokens[authorization?.replace(/^Bearer /, '') ?? '']

  // 1. Customers register their webhooks: POST /api/v1/webhooks, as the document prints it.
  const webhooks = createManagementApi(hooks, {
    contract,
    authorize({ headers }) {
      const customer = customerOf(headers.get('authorization'))
      return customer === undefined ? null : { tenants: [customer] }
    },
  })
  const app = express()
  app.use('/api/v1/webhooks', expressPortal(webhooks))

  // 2. Something happens: the user and the message about it are stored together, or neither is.
  const createUser = db.transaction((customer: string, user: { user_id: string; email: string }) => {
    db.prepare('insert into users (user_id, email) values (?, ?)').run(user.user_id, user.email)
    const created_at = `${new Date().toISOString().slice(0, 19)}Z`
    hooks.sendSync('user.created', { ...user, created_at }, { tenant: customer, tx: db })
  })
  return { app, db, hooks, createUser }
}

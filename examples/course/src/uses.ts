import { background, createReceiver, type Inbox } from '@hooks/receiver'
import { sqliteInbox } from '@hooks/sqlite'
import type Database from 'libsql'
import { signedContract } from './contract.ts'
import { sameBytes } from './receiver.ts'

/**
 * "Synchronisation de données": a CRM that counts the forms of a contact. The count and the note that this event was
 * counted are one transaction, so no form counts twice, and none is forgotten.
 */
export function createCrm(db: Database.Database, secret: string) {
  db.exec('create table if not exists contacts (email text primary key, forms integer not null)')
  return createReceiver({
    contract: signedContract,
    secret,
    idempotency: sqliteInbox(db),
    idempotencyKey: sameBytes,
    transaction: (run: (tx: Database.Database) => void) => db.transaction(() => run(db)).immediate(),
  }).on('form_submitted', ({ data }, { tx }) => {
    tx.prepare(
      'insert into contacts (email, forms) values (?, 1) on conflict (email) do update set forms = forms + 1',
    ).run(data.email)
  })
}

/** "Déclenchement de workflows": a deployment takes long, so the event is put into an inbox and answered at once. */
export function createPipeline(inbox: Inbox, secret: string, deploy: (commit: string) => unknown) {
  return createReceiver({
    contract: signedContract,
    secret,
    idempotencyKey: sameBytes,
    inbox: background(inbox),
  }).on('code_pushed', ({ data }) => deploy(data.commit))
}

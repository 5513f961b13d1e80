import { expressPortal } from '@hooks/express'
import { createManagementApi } from '@hooks/portal'
import { createSender, type SenderOptions } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'
import express from 'express'
import Database from 'libsql'
import { type Booking, contract } from './contract.ts'

/** What Lok'Room's server is told. */
export interface LokroomOptions
  extends Pick<SenderOptions<never, never>, 'clock' | 'random' | 'logger' | 'transport' | 'resolver'> {
  /** The SQLite file that bookings and webhooks share. */
  readonly file: string
  /** API tokens, and which user's each is. */
  readonly tokens: Readonly<Record<string, string>>
  /** http and localhost may be webhooks' URLs: for trying out. */
  readonly dev?: boolean
}

/** The sending side: Lok'Room's own server, with bookings, and webhooks that tell of them. */
export function createLokroom({ file, tokens, ...options }: LokroomOptions) {
  const db = new Database(file)
  db.pragma('journal_mode = WAL')
  db.exec('create table if not exists bookings (id text primary key, listing text not null, price real not null)')
  const storage = sqliteStorage(db, options)
  // "Maximum 100 webhooks par utilisateur". The other limits are in the contract: both sides may know them.
  const hooks = createSender({ contract, storage, endpointLimit: 100, ...options })

  // 1. Users manage their webhooks below /api/webhooks, with the calls that the document prints.
  const webhooks = createManagementApi(hooks, {
    contract,
    authorize({ headers }) {
      const user = tokens[headers.get('authorization')?.replace(/^Bearer /, '') ?? '']
      return user === undefined ? null : { tenants: [user] }
    },
  })
  const app = express()
  app.use('/api/webhooks', expressPortal(webhooks))

  // 2. Something happens: the booking and the message about it are stored together, or neither is.
  const createBooking = db.transaction((user: string, booking: Booking) => {
    const { id, listingId, totalPrice } = booking
    db.prepare('insert into bookings (id, listing, price) values (?, ?, ?)').run(id, listingId, totalPrice)
    hooks.sendSync('booking.created', booking, { tenant: user, tx: db })
  })
  return { app, db, hooks, createBooking }
}

import { expressPortal } from '@hooks/express'
import { type Authorize, createManagementApi, createPortal } from '@hooks/portal'
import { createSender, type SenderOptions } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'
import express from 'express'
import Database from 'libsql'
import { type Booking, contract } from './contract.ts'

/** Where the document sends its readers with questions. */
export const SUPPORT = [
  { label: 'Documentation', url: 'https://docs.lokroom.com/webhooks' },
  { label: 'Support', url: 'mailto:support@lokroom.com' },
  { label: 'Status', url: 'https://status.lokroom.com' },
]

/** What Lok'Room's server is told. */
export interface LokroomOptions
  extends Pick<SenderOptions<never, never>, 'clock' | 'random' | 'logger' | 'transport' | 'resolver'> {
  /** The SQLite file that bookings and webhooks share. */
  readonly file: string
  /** API tokens, and which user's each is. */
  readonly tokens: Readonly<Record<string, string>>
  /** What signs the links by which users get to their page without a token: at least 32 characters. */
  readonly linkSecret: string
  /** http and localhost may be webhooks' URLs: for trying out. */
  readonly dev?: boolean
}

/** The sending side: Lok'Room's own server, with bookings, and webhooks that tell of them. */
export function createLokroom({ file, tokens, linkSecret, ...options }: LokroomOptions) {
  const db = new Database(file)
  db.pragma('journal_mode = WAL')
  db.exec('create table if not exists bookings (id text primary key, listing text not null, price real not null)')
  // The clock, the chance and the log are the storage's as well.
  const { dev, transport, resolver, ...seams } = options
  const storage = sqliteStorage(db, seams)
  // "Maximum 100 webhooks par utilisateur". The other limits are in the contract: both sides may know them.
  const hooks = createSender({ contract, storage, endpointLimit: 100, ...options })

  // 1. Users manage their webhooks below /api/webhooks, with the calls that the document prints, or on a page.
  const authorize: Authorize = ({ headers }) => {
    const user = tokens[headers.get('authorization')?.replace(/^Bearer /, '') ?? '']
    return user === undefined ? null : { tenants: [user] }
  }
  const portal = createPortal(hooks, {
    contract,
    authorize,
    language: 'fr',
    brand: { name: "Lok'Room", links: SUPPORT },
    links: { secret: linkSecret },
    ...(options.clock && { clock: options.clock }),
    ...(options.logger && { logger: options.logger }),
  })
  const app = express()
  const api = createManagementApi(hooks, { contract, authorize, ...(options.logger && { logger: options.logger }) })
  app.use('/api/webhooks', expressPortal(api))
  app.use('/settings/webhooks', expressPortal(portal))

  // 2. Something happens: the booking and the message about it are stored together, or neither is.
  const createBooking = db.transaction((user: string, booking: Booking) => {
    const { id, listingId, totalPrice } = booking
    db.prepare('insert into bookings (id, listing, price) values (?, ?, ?)').run(id, listingId, totalPrice)
    hooks.sendSync('booking.created', booking, { tenant: user, tx: db })
  })
  return { app, db, hooks, portal, createBooking }
}

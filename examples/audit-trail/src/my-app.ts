import { oncePerProcess } from '@hooks/nextjs'
import { openDatabase } from './database.ts'
import { createCustomer } from './receiver.ts'

/** The customer's application in this process. Here it would book, notify or count; this one keeps what it was told. */
export const myApp = oncePerProcess('my-app', () => {
  const database = openDatabase(process.env.MY_APP_DATABASE_URL)
  const told = (kind: string) => async (what: { readonly id: string }) => {
    await database.pool.query('insert into told (kind, id) values ($1, $2) on conflict do nothing', [kind, what.id])
  }
  const customer = createCustomer({
    database,
    // A function: `next build` loads this file, and has no secrets.
    secret: () => process.env.WEBHOOK_SECRET,
    handlers: { event: told('event'), alert: told('alert') },
  })
  return {
    ...customer,
    async migrate() {
      await database.pool.query(
        'create table if not exists told (kind text not null, id text not null, primary key (kind, id))',
      )
      await customer.migrate()
    },
    told: async () => (await database.pool.query('select kind, id from told order by kind, id')).rows,
  }
})

import { type PostgresHandle, postgresStorage } from '@hooks/postgres'
import { createSender, defineContract, defineEvents, type Sender } from '@hooks/sender'
import { errorsOnly } from '../errors-only.ts'
import type { Section } from '../report.ts'
import { data } from '../request.ts'
import { type Contender, measure } from '../rounds.ts'
import { CONNECTIONS, openPlace, type Place } from './place.ts'

const contract = defineContract({ events: defineEvents({ 'order.paid': {} }) })
type Host = Sender<{ 'order.paid': Record<never, never> }, PostgresHandle>

const SCHEMA = `
  create schema if not exists bare;
  create table if not exists bare.message (
    id text primary key, tenant text not null, type text not null, occurred_at timestamptz not null, data text not null);
  create table if not exists bare.booking (id bigint generated always as identity primary key, note text not null)`
const INSERT = `insert into bare.message (id, tenant, type, occurred_at, data) values ($1, 'acme', 'order.paid', now(), $2)`
const INSERT_MANY = `
  insert into bare.message (id, tenant, type, occurred_at, data)
  select id, 'acme', 'order.paid', now(), data from unnest($1::text[], $2::text[]) as rows (id, data)`
/** The rows that a send makes, by a host who had thought of those tables and has nothing to check. */
const SAME_ROWS = `
  with given as (select * from unnest($1::text[], $2::text[]) as rows (id, data)),
  messages as (
    insert into hooks.message (week, id, tenant, type, occurred_at, created_at)
    select $3::int, id, 'acme', 'order.paid', now(), now() from given),
  payloads as (insert into hooks.payload (week, id, created_at, data) select $3::int, id, now(), data from given)
  insert into hooks.outbox (id, week, tenant, type, occurred_at, due_at) select id, $3::int, 'acme', 'order.paid', now(), now() from given`
const BOOK = `insert into bare.booking (note) values ('a table for two')`

/** What a send costs a host, beside an insert of the same row that the host writes itself. */
export async function sendSections(rounds: number): Promise<Section[]> {
  const place = await openPlace()
  if (!place) return []
  try {
    await place.pool.query(SCHEMA)
    const storage = postgresStorage(place.pool, { migrate: true })
    const hooks = createSender({ contract, storage, dev: true, logger: errorsOnly }) as unknown as Host
    await hooks.send('order.paid', data, { tenant: 'acme' })
    const cost = await statementsInTransaction(place, hooks)
    const sections: Section[] = []
    for (const [title, target, contenders] of [
      [`send, ${CONNECTIONS} at a time`, 'none', oneByOne(place, hooks)],
      [
        `send in the host's transaction, ${CONNECTIONS} at a time; ours: ${cost}`,
        'one statement for ours',
        inTransaction(place, hooks),
      ],
      ['send in bulk, 1,000 at a time', 'ours at least 0.50 of a bare insert of its rows', inBulk(place, hooks)],
    ] as const)
      sections.push({
        title: `${title}, PostgreSQL ${place.version}, 1 KB`,
        target,
        results: await measure(contenders, rounds),
      })
    return sections
  } finally {
    await place.close()
  }
}

let ids = 0
const id = () => `message-${process.pid}-${ids++}`
const json = JSON.stringify(data)

/** Does `one` `count` times, as many at a time as there are connections. */
async function times(count: number, one: () => Promise<unknown>): Promise<number> {
  let left = count
  const loop = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, loop))
  return count
}

const oneByOne = ({ pool }: Place, hooks: Host): Contender[] => [
  { name: 'bare insert', run: () => times(1_000, () => pool.query(INSERT, [id(), json])) },
  { name: 'hooks.send', run: () => times(1_000, () => hooks.send('order.paid', data, { tenant: 'acme' })) },
]

async function book(place: Place, also: (tx: PostgresHandle) => Promise<unknown>): Promise<void> {
  const client = await place.pool.connect()
  try {
    await client.query('begin')
    await client.query(BOOK)
    await also(client)
    await client.query('commit')
  } finally {
    client.release()
  }
}

const inTransaction = (place: Place, hooks: Host): Contender[] => [
  {
    name: 'a booking and a bare insert',
    run: () => times(500, () => book(place, (tx) => (tx as unknown as Place['pool']).query(INSERT, [id(), json]))),
  },
  {
    name: 'a booking and hooks.send',
    run: () => times(500, () => book(place, (tx) => hooks.send('order.paid', data, { tenant: 'acme', tx }))),
  },
]

const inBulk = ({ pool }: Place, hooks: Host): Contender[] => [
  {
    name: 'bare multi-row insert',
    async run() {
      for (let n = 0; n < 10; n++)
        await pool.query(INSERT_MANY, [
          Array.from({ length: 1_000 }, id),
          Array.from({ length: 1_000 }, () => JSON.stringify(data)),
        ])
      return 10_000
    },
  },
  {
    name: 'bare insert of the rows that a send makes',
    async run() {
      const { rows } = await pool.query<{ week: number }>('select max(week) as week from hooks.message')
      for (let n = 0; n < 10; n++)
        await pool.query(SAME_ROWS, [
          Array.from({ length: 1_000 }, id),
          Array.from({ length: 1_000 }, () => JSON.stringify(data)),
          rows[0]?.week,
        ])
      return 10_000
    },
  },
  {
    name: 'hooks.sendMany',
    async run() {
      const messages = Array.from({ length: 1_000 }, () => ({ type: 'order.paid' as const, data, tenant: 'acme' }))
      for (let n = 0; n < 10; n++) await hooks.sendMany(messages)
      return 10_000
    },
  },
]

async function statementsInTransaction(place: Place, hooks: Host): Promise<string> {
  let used = 0
  await book(place, async (tx) => {
    const before = place.statements()
    await hooks.send('order.paid', data, { tenant: 'acme', tx })
    used = place.statements() - before
  })
  return `${used} statement`
}

import type { AttemptRecord, DeliveryState, DeliveryView, MessageRecord, Page, Paged, Selector } from '@hooks/core'
import type { Database } from './database.ts'
import { findMessages, type MessageRef } from './messages.ts'
import { countOf, paged, type Stretch } from './page.ts'
import { type AttemptRow, attemptOf, type DeliveryRow, deliveryOf, messageOf, type Numeric } from './rows.ts'
import {
  createParameters,
  endedCondition,
  mayFind,
  messageCondition,
  openCondition,
  type Parameters,
} from './selector.ts'
import { epoch, noIndex, OPEN_STATE } from './sql/fragments.ts'
import { ATTEMPTS, LAST_ATTEMPTS } from './sql/history.ts'
import { arrayOf } from './text.ts'
import { NO_WEEK, weekOf } from './week.ts'

/** {@link History.message}. */
export async function findMessage(db: Database, tenant: string, id: string): Promise<MessageRecord | null> {
  return (await recordsOf(db, [{ tenant, id, week: weekOf(id) }]))[0] ?? null
}

async function recordsOf(db: Database, refs: readonly MessageRef[]): Promise<MessageRecord[]> {
  return (await findMessages(db, refs)).map((row) => ({
    ...messageOf(row),
    expired: row.data === null,
    expanded: Number(row.marked) === 0,
  }))
}

/** {@link History.messages}. */
export function listMessages(db: Database, selector: Selector, page: Page): Promise<Paged<MessageRecord>> {
  return messagesWhere(db, (parameters) => messageCondition(selector, parameters), page, 'desc')
}

/** {@link History.undelivered}. */
export function listUndelivered(
  db: Database,
  { message: _message, ...selector }: Selector & { readonly endpoint: string },
  page: Page,
): Promise<Paged<MessageRecord>> {
  const where = (parameters: Parameters) => {
    const endpoint = `${parameters.add(selector.endpoint)}::text`
    return `${messageCondition(selector, parameters)}
      and not exists (select 1 from hooks.outbox x where x.id = m.id)
      and not exists (select 1 from hooks.open o where o.message_id = m.id and ${noIndex(`o.endpoint_id = ${endpoint}`)})
      and not exists (select 1 from hooks.ended d where d.message_id = m.id and ${noIndex(`d.endpoint_id = ${endpoint}`)})`
  }
  return messagesWhere(db, where, page, 'asc')
}

async function messagesWhere(
  db: Database,
  where: (parameters: Parameters) => string,
  page: Page,
  order: 'asc' | 'desc',
): Promise<Paged<MessageRecord>> {
  const found = await paged(page, {
    rows({ cursor, limit, offset }) {
      const parameters = createParameters()
      const condition = where(parameters)
      const from = cursor === undefined ? '' : `and m.id ${order === 'asc' ? '>' : '<'} ${parameters.add(cursor)}::text`
      return db.run<{ id: string; tenant: string; week: Numeric }>(
        `select m.id, m.tenant, m.week from hooks.message m where ${condition} ${from}
        order by m.id ${order} limit ${parameters.add(limit)}::text::int offset ${parameters.add(offset)}::text::int`,
        parameters.values,
      )
    },
    count: () => {
      const parameters = createParameters()
      return countOf(db, `hooks.message m where ${where(parameters)}`, parameters.values)
    },
  })
  const refs = found.data.map(({ id, tenant, week }) => ({ id, tenant, week: Number(week) }))
  return { ...found, data: await recordsOf(db, refs) }
}

/** {@link History.delivery}. */
export async function findDelivery(db: Database, tenant: string, id: string): Promise<DeliveryView | null> {
  return (await deliveriesWhere(db, { tenant, delivery: id }, { limit: 1, offset: 0 }))[0] ?? null
}

/** {@link History.deliveries}. */
export function listDeliveries(db: Database, selector: Selector, page: Page): Promise<Paged<DeliveryView>> {
  return paged(page, {
    rows: (stretch) => deliveriesWhere(db, selector, stretch),
    async count() {
      const counts = await stats(db, selector)
      return Object.values(counts).reduce((sum, n) => sum + n, 0)
    },
  })
}

/** The columns of a delivery, from both places where one can be. */
const OPEN_COLUMNS = `o.id, o.message_id as message, o.endpoint_id as endpoint, o.tenant, o.type, ${OPEN_STATE} as state,
  null::text as reason, o.attempts, o.variant, ${epoch('o.due_at')} as due, ${epoch('o.created_at')} as created, null::bigint as finished,
  o.attempts as n, null::bigint as at, null::int as ms, null::int as status, null::text as error, null::text as detail,
  null::text as response, null::text as headers, null::int as manual`
const ENDED_COLUMNS = `d.id, d.message_id as message, d.endpoint_id as endpoint, d.tenant, d.type, d.state,
  d.reason, d.attempts, d.variant, null::bigint as due, ${epoch('d.created_at')} as created, ${epoch('d.finished_at')} as finished,
  d.attempts as n, ${epoch('d.last_at')} as at, d.last_ms as ms, d.last_status as status, d.last_error as error,
  d.last_detail as detail, d.last_response as response, d.last_response_headers as headers, d.last_manual::int as manual`

/** A delivery, with the attempt by which it ended: not where it is open, or ended otherwise. */
type FoundDelivery = DeliveryRow & (AttemptRow | { readonly at: null })

async function deliveriesWhere(
  db: Database,
  selector: Selector,
  { cursor, limit, offset }: Stretch,
): Promise<DeliveryView[]> {
  const parameters = createParameters()
  const before = (table: string) => (cursor === undefined ? '' : `and ${table}.id < ${parameters.add(cursor)}::text`)
  const rows = await db.run<FoundDelivery>(
    union(
      selector,
      parameters,
      (table, condition) =>
        `select ${table === 'o' ? OPEN_COLUMNS : ENDED_COLUMNS} from hooks.${table === 'o' ? 'open o' : 'ended d'}
        where ${condition} ${before(table)} order by ${table}.id desc limit ${parameters.add(limit + offset)}::text::int`,
      `order by id desc limit ${parameters.add(limit)}::text::int offset ${parameters.add(offset)}::text::int`,
    ),
    parameters.values,
  )
  const logged = await lastAttempts(
    db,
    rows.filter((row) => !endedByAttempt(row)),
  )
  return rows.map((row) => deliveryOf(row, endedByAttempt(row) ? row : logged.get(row.id)))
}

/** One select over what is open and what has ended, or over the one of them that can have some. */
export function union(
  selector: Selector,
  parameters: Parameters,
  select: (table: 'o' | 'd', condition: string) => string,
  end: string,
): string {
  const arms = [
    ...(mayFind('open', selector) ? [select('o', openCondition(selector, parameters, 'by id'))] : []),
    ...(mayFind('ended', selector) ? [select('d', endedCondition(selector, parameters))] : []),
  ]
  // An empty list of states finds nothing.
  if (arms.length === 0) arms.push(select('o', `${openCondition(selector, parameters, 'by id')} and false`))
  return `select * from (${arms.map((arm) => `(${arm})`).join(' union all ')}) both_kinds ${end}`
}

/** Whether the row has its last attempt, too. */
const endedByAttempt = (row: FoundDelivery): row is DeliveryRow & AttemptRow => row.at !== null

/** What the log has of the last attempts of deliveries. */
async function lastAttempts(db: Database, deliveries: readonly DeliveryRow[]): Promise<Map<string, AttemptRow>> {
  const found = new Map<string, AttemptRow>()
  const tried = deliveries.filter(({ attempts }) => Number(attempts) > 0)
  const weeks = tried.map(({ id }) => weekOf(id))
  const known = weeks.filter((week) => week !== NO_WEEK)
  for (const [from, to] of [
    ...(known.length > 0 ? [[Math.min(...known), Math.max(...known)]] : []),
    [NO_WEEK, NO_WEEK],
  ]) {
    const group = tried.filter(
      (_, i) => (weeks[i] as number) >= (from as number) && (weeks[i] as number) <= (to as number),
    )
    if (group.length === 0) continue
    const rows = await db.run<AttemptRow & { id: string }>(LAST_ATTEMPTS, [
      arrayOf(group.map(({ id }) => id)),
      arrayOf(group.map(({ attempts }) => Number(attempts))),
      String(from),
      String(to),
    ])
    for (const row of rows) found.set(row.id, row)
  }
  return found
}

/** {@link History.attempts}. */
export async function listAttempts(db: Database, tenant: string, id: string): Promise<AttemptRecord[]> {
  const parameters = createParameters()
  const select = (table: 'o' | 'd', condition: string) =>
    `select 1 as one from hooks.${table === 'o' ? 'open o' : 'ended d'} where ${condition}`
  const owned = await db.run(union({ tenant, delivery: id }, parameters, select, 'limit 1'), parameters.values)
  if (owned.length === 0) return []
  return (await db.run<AttemptRow>(ATTEMPTS, [id, String(weekOf(id)), tenant])).map(attemptOf)
}

/** {@link History.stats}. */
export async function stats(db: Database, selector: Selector): Promise<Record<DeliveryState, number>> {
  const parameters = createParameters()
  const rows = await db.run<{ state: DeliveryState; n: Numeric }>(
    union(
      selector,
      parameters,
      (table, condition) =>
        `select ${table === 'o' ? OPEN_STATE : 'd.state'} as state, count(*)::bigint as n
        from hooks.${table === 'o' ? 'open o' : 'ended d'} where ${condition} group by 1`,
      '',
    ),
    parameters.values,
  )
  const counts = { pending: 0, sending: 0, retrying: 0, delivered: 0, failed: 0, cancelled: 0, skipped: 0 }
  for (const { state, n } of rows) counts[state] += Number(n)
  return counts
}

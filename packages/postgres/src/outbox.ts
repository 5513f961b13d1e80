import type { NewDelivery, NewMessage, PutResult, StoredMessage } from '@hooks/core'
import type { Database } from './database.ts'
import type { PostgresHandle } from './handle.ts'
import type { Meta } from './ledger.ts'
import { untilUnraced } from './rounds.ts'
import { type MessageRow, messageOf, type Numeric } from './rows.ts'
import { ADD, DUE_MARKS, EXPAND } from './sql/expand.ts'
import { PUT, PUT_KEYED } from './sql/put.ts'
import { arrayOf, encodeOptional, jsonOf, plainText } from './text.ts'
import type { Watermark } from './watermark.ts'
import { weekOf } from './week.ts'

/** The row of the ledger that a statement in the host's transaction brings along. */
export interface FoundMeta {
  readonly version: Numeric
  readonly least: Numeric
  readonly installation: string
}

/** The ledger as a statement found it. */
export const metaOf = (row: FoundMeta | undefined): Meta | undefined =>
  row && { version: Number(row.version), leastClient: Number(row.least), installation: row.installation }

/** {@link Outbox.put}: one statement, whatever the number of messages. */
export async function put(
  db: Database,
  version: number,
  messages: readonly NewMessage[],
  tx: PostgresHandle | undefined,
): Promise<PutResult[]> {
  if (messages.length === 0) {
    await db.ready()
    return []
  }
  const column = <T extends string | number | null>(of: (message: NewMessage) => T) => arrayOf(messages.map(of))
  const keyed = messages.some(({ idempotencyKey }) => idempotencyKey !== undefined)
  const statement = keyed ? PUT_KEYED : PUT
  const parameters = [
    column(({ id }) => plainText(id, "the message's id")),
    column(({ id }) => weekOf(id)),
    column(({ tenant }) => plainText(tenant, 'the tenant')),
    column(({ type }) => plainText(type, 'the event type')),
    column(({ occurredAt }) => Math.floor(occurredAt.getTime())),
    column(({ data }) => plainText(data, 'the data')),
    column(({ idempotencyKey }) => encodeOptional(idempotencyKey)),
    column(({ idempotencyKeepMs }) => String(Math.max(0, idempotencyKeepMs ?? Number.POSITIVE_INFINITY))),
    column(({ channels }) => jsonOf(channels)),
    column(({ endpoints }) => jsonOf(endpoints)),
    column(({ dueInMs = 0 }) => String(Math.max(0, dueInMs))),
    String(version),
    db.installation,
    column(({ orderingKey }) => encodeOptional(orderingKey)),
    column(({ orderingWaitMs }) => orderingWaitMs ?? null),
  ]
  type Row = FoundMeta & { id: string | null; outcome: PutResult['outcome'] }
  const rows = await (tx === undefined
    ? db.runOften<Row>(statement, parameters)
    : db.runIn<Row>(tx, statement, parameters))
  db.judge(metaOf(rows[0]))
  return rows.map(({ id, outcome }) => ({ id: id as string, outcome }))
}

/** {@link Outbox.unexpanded}. */
export async function unexpanded(db: Database, watermark: Watermark, limit: number): Promise<StoredMessage[]> {
  const rows = await db.runOften<{ low: Numeric } & (MessageRow | { id: null })>(DUE_MARKS, [
    String(limit),
    watermark.from(),
  ])
  watermark.raise(Number(rows[0]?.low))
  // One that another has expanded meanwhile is found all the same, and its expansion does nothing.
  return rows.flatMap((row) => (row.id === null ? [] : [messageOf(row)]))
}

/** One message, and what it goes to. */
export interface Expansion {
  readonly messageId: string
  readonly deliveries: readonly NewDelivery[]
}

/** {@link Outbox.expand}. */
export async function expand(db: Database, expansions: readonly Expansion[]): Promise<void> {
  // A second expansion of a message in the same call finds its mark gone.
  const first = new Map<string, Expansion>()
  for (const expansion of expansions) if (!first.has(expansion.messageId)) first.set(expansion.messageId, expansion)
  const rows = rowsOf([...first.values()])
  await db.runOften(EXPAND, [
    arrayOf([...first.keys()]),
    arrayOf(rows.map(({ messageId }) => messageId)),
    arrayOf(rows.map(({ id }) => id)),
    arrayOf(rows.map(({ id }) => weekOf(id))),
    arrayOf(rows.map(({ endpointId }) => endpointId)),
    arrayOf(rows.map(({ variant }) => variant)),
  ])
}

/** {@link Deliveries.add}. */
export async function add(db: Database, expansions: readonly Expansion[]): Promise<number> {
  const rows = rowsOf(expansions)
  let added = 0
  await untilUnraced(rows, async () => {
    const [row] = await db.run<{ n: Numeric; raced: Numeric }>(ADD, [
      arrayOf(rows.map(({ messageId }) => messageId)),
      arrayOf(rows.map(({ messageId }) => weekOf(messageId))),
      arrayOf(rows.map(({ id }) => id)),
      arrayOf(rows.map(({ id }) => weekOf(id))),
      arrayOf(rows.map(({ endpointId }) => endpointId)),
      arrayOf(rows.map(({ variant }) => variant)),
    ])
    added += Number(row?.n)
    return Number(row?.raced) > 0 ? rows : []
  })
  return added
}

const rowsOf = (expansions: readonly Expansion[]) =>
  expansions.flatMap(({ messageId, deliveries }) =>
    deliveries.map(({ id, endpointId, variant = null }) => ({ messageId, id, endpointId, variant })),
  )

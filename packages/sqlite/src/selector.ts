import type { Selector } from '@hooks/core'
import type { SqliteValue } from './driver.ts'
import type { Epoch } from './time.ts'

/** The condition that a selector stands for, and its values. */
export interface Condition {
  readonly sql: string
  readonly values: readonly SqliteValue[]
}

/** A delivery with what it joins: `d` the delivery, `o` its row in `open` or nothing, `m` its message. */
export const DELIVERIES = `
  hooks_delivery d
  join hooks_message m on m.seq = d.message_seq
  left join hooks_open o on o.id = d.id`

/** The same of open deliveries alone, found by way of the open ones. */
export const OPEN_DELIVERIES = `
  hooks_open o
  cross join hooks_delivery d on d.id = o.id
  cross join hooks_message m on m.seq = o.message_seq`

/** A delivery's present state. Its value is the time. A lease that has ended is in flight no more. */
export const STATE = `
  case
    when o.id is null then d.state
    when o.leased = 1 and o.due_at > ? then 'sending'
    when o.attempts > 0 then 'retrying'
    else 'pending'
  end`

/** What a selector says of deliveries: of the tables in {@link DELIVERIES}, or, by `o`, of those in {@link OPEN_DELIVERIES}. */
export function deliveryCondition(selector: Selector, now: Epoch, by: 'd' | 'o' = 'd'): Condition {
  const { tenant, delivery, endpoint, message, states, types, since, until } = selector
  const terms: [string, ...SqliteValue[]][] = []
  // The plus keeps SQLite from walking through a whole tenant where something narrower is given.
  const narrow = delivery !== undefined || endpoint !== undefined || message !== undefined
  terms.push([`${narrow ? '+' : ''}d.tenant = ?`, tenant])
  if (delivery !== undefined) terms.push(['d.id = ?', delivery])
  if (endpoint !== undefined)
    terms.push([`${delivery === undefined && message === undefined ? '' : '+'}${by}.endpoint_id = ?`, endpoint])
  if (message !== undefined) terms.push(['d.message_seq = (select seq from hooks_message where id = ?)', message])
  if (states) terms.push([`${STATE} in (select value from json_each(?))`, now, JSON.stringify(states)])
  if (types) terms.push(['m.type in (select value from json_each(?))', JSON.stringify(types)])
  if (since) terms.push(['d.created_at >= ?', since.getTime()])
  if (until) terms.push(['d.created_at < ?', until.getTime()])
  return all(terms)
}

/** What a selector says of messages, `m`. */
export function messageCondition({ tenant, message, types, since, until }: Selector): Condition {
  const terms: [string, ...SqliteValue[]][] = [['m.tenant = ?', tenant]]
  if (message !== undefined) terms.push(['m.id = ?', message])
  if (types) terms.push(['m.type in (select value from json_each(?))', JSON.stringify(types)])
  if (since) terms.push(['m.created_at >= ?', since.getTime()])
  if (until) terms.push(['m.created_at < ?', until.getTime()])
  return all(terms)
}

function all(terms: readonly [string, ...SqliteValue[]][]): Condition {
  return { sql: terms.map(([sql]) => sql).join(' and '), values: terms.flatMap(([, ...values]) => values) }
}

import type { DeliveryState, Selector } from '@hooks/core'
import { noIndex, OPEN_STATE, timeOf } from './sql/fragments.ts'
import { NO_WEEK, weekAt, weekOf } from './week.ts'

/** The parameters of a statement that is put together, numbered in the order in which they are added. */
export function createParameters() {
  const values: (string | null)[] = []
  return {
    values,
    /** Adds one. Returns its placeholder. */
    add(value: string | number): string {
      values.push(String(value))
      return `$${values.length}`
    },
  }
}

/** {@link createParameters}. */
export type Parameters = ReturnType<typeof createParameters>

const OPEN_STATES: readonly DeliveryState[] = ['pending', 'sending', 'retrying']

/** Whether a selector can find what is open, or what has ended. */
export const mayFind = (kind: 'open' | 'ended', { states }: Selector): boolean =>
  states === undefined || states.some((state) => OPEN_STATES.includes(state) === (kind === 'open'))

/** Ids are made on the machines that send, times by the database: they may differ by as much. */
const SLACK_WEEKS = 1

/** What a selector says of open deliveries, `o`: of them in the order of their ids, or in any, as which those of an endpoint are found faster. */
export const openCondition = (selector: Selector, parameters: Parameters, order: 'by id' | 'any'): string =>
  deliveryCondition(selector, parameters, 'o', OPEN_STATE, order === 'any').join(' and ')

/** What a selector says of ended deliveries, `d`. */
export function endedCondition(selector: Selector, parameters: Parameters): string {
  const { delivery, message, since, until } = selector
  const terms = deliveryCondition(selector, parameters, 'd', 'd.state', true)
  // Of the partitions, only those that can have some.
  if (delivery !== undefined) terms.push(`d.week = ${parameters.add(weekOf(delivery))}::text::int`)
  else {
    const least = [since && weekAt(since.getTime()), message === undefined ? undefined : weekOf(message)]
    const weeks = least.filter((week) => week !== undefined)
    if (weeks.length > 0) terms.push(fromWeek('d', Math.max(...weeks) - SLACK_WEEKS, parameters))
    if (until) terms.push(`d.week <= ${parameters.add(weekAt(until.getTime()) + SLACK_WEEKS)}::text::int`)
  }
  return terms.join(' and ')
}

/** The first whole year that PostgreSQL has: 4712 BC. A `Date` goes back further, and PostgreSQL would refuse it. */
const EARLIEST = Date.UTC(-4711, 0)

const timeIn = (parameters: Parameters, time: Date): string =>
  timeOf(parameters.add(Math.max(EARLIEST, time.getTime())))

const fromWeek = (table: string, week: number, parameters: Parameters): string =>
  `(${table}.week >= ${parameters.add(week)}::text::int or ${table}.week = ${NO_WEEK})`

/**
 * One of a list, each a parameter of its own. The planner sees them, and as they are, where it would have a list of
 * all of them read anew for each row.
 */
const oneOf = (column: string, values: readonly string[], parameters: Parameters): string =>
  values.length === 0 ? 'false' : `${column} in (${values.map((value) => `${parameters.add(value)}::text`).join(', ')})`

/**
 * A message has few deliveries, and an endpoint no more than its tenant: they are found by the index of the message, else of
 * the endpoint. A planner that has not seen the rows yet cannot tell which of the three finds the fewest.
 */
function deliveryCondition(
  selector: Selector,
  parameters: Parameters,
  table: string,
  state: string,
  byEndpoint: boolean,
): string[] {
  const { tenant, delivery, endpoint, message, states, types, since, until } = selector
  const ofMessage = delivery === undefined && message !== undefined
  const ofEndpoint = delivery === undefined && endpoint !== undefined && byEndpoint
  const ofTenant = `${table}.tenant = ${parameters.add(tenant)}::text`
  const terms = [ofMessage || ofEndpoint ? noIndex(ofTenant) : ofTenant]
  if (delivery !== undefined) terms.push(`${table}.id = ${parameters.add(delivery)}::text`)
  if (endpoint !== undefined) {
    const term = `${table}.endpoint_id = ${parameters.add(endpoint)}::text`
    terms.push(ofMessage ? noIndex(term) : term)
  }
  if (message !== undefined) terms.push(`${table}.message_id = ${parameters.add(message)}::text`)
  if (states) terms.push(oneOf(state, states, parameters))
  if (types) terms.push(oneOf(`${table}.type`, types, parameters))
  if (since) terms.push(`${table}.created_at >= ${timeIn(parameters, since)}`)
  if (until) terms.push(`${table}.created_at < ${timeIn(parameters, until)}`)
  return terms
}

/** What a selector says of messages, `m`. */
export function messageCondition(selector: Selector, parameters: Parameters): string {
  const { tenant, message, types, since, until } = selector
  const terms = [`m.tenant = ${parameters.add(tenant)}::text`]
  if (message !== undefined) {
    terms.push(`m.id = ${parameters.add(message)}::text`, `m.week = ${parameters.add(weekOf(message))}::text::int`)
  }
  if (types) terms.push(oneOf('m.type', types, parameters))
  if (since) {
    terms.push(`m.created_at >= ${timeIn(parameters, since)}`)
    terms.push(fromWeek('m', weekAt(since.getTime()) - SLACK_WEEKS, parameters))
  }
  if (until) {
    terms.push(`m.created_at < ${timeIn(parameters, until)}`)
    terms.push(`m.week <= ${parameters.add(weekAt(until.getTime()) + SLACK_WEEKS)}::text::int`)
  }
  return terms.join(' and ')
}

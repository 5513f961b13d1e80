import type { DeliveryState, Selector } from '@hooks/core'
import { list, OPEN_STATE, timeOf } from './sql/fragments.ts'
import { arrayOf } from './text.ts'
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

/** What a selector says of open deliveries, `o`. */
export const openCondition = (selector: Selector, parameters: Parameters): string =>
  deliveryCondition(selector, parameters, 'o', OPEN_STATE).join(' and ')

/** What a selector says of ended deliveries, `d`. */
export function endedCondition(selector: Selector, parameters: Parameters): string {
  const { delivery, message, since, until } = selector
  const terms = deliveryCondition(selector, parameters, 'd', 'd.state')
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

function deliveryCondition(selector: Selector, parameters: Parameters, table: string, state: string): string[] {
  const { tenant, delivery, endpoint, message, states, types, since, until } = selector
  const terms = [`${table}.tenant = ${parameters.add(tenant)}::text`]
  if (delivery !== undefined) terms.push(`${table}.id = ${parameters.add(delivery)}::text`)
  if (endpoint !== undefined) terms.push(`${table}.endpoint_id = ${parameters.add(endpoint)}::text`)
  if (message !== undefined) terms.push(`${table}.message_id = ${parameters.add(message)}::text`)
  if (states) terms.push(`${state} = any(${list(parameters.add(arrayOf(states)), 'text')})`)
  if (types) terms.push(`${table}.type = any(${list(parameters.add(arrayOf(types)), 'text')})`)
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
  if (types) terms.push(`m.type = any(${list(parameters.add(arrayOf(types)), 'text')})`)
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

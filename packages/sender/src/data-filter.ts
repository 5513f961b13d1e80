import { EndpointError } from '@hooks/core'

type Scalar = string | number | boolean | null

/** What a value must be. All that is given must hold. */
export interface DataCondition {
  readonly $eq?: Scalar
  readonly $ne?: Scalar
  /** Of numbers with numbers, and of texts with texts: ISO times compare as they should. */
  readonly $gt?: number | string
  readonly $gte?: number | string
  readonly $lt?: number | string
  readonly $lte?: number | string
  readonly $in?: readonly Scalar[]
  readonly $nin?: readonly Scalar[]
  readonly $exists?: boolean
  readonly $startsWith?: string
  readonly $endsWith?: string
}

/**
 * Which data an endpoint wants: by path (`'customer.country'`), the value that must be there, or a condition on it. All
 * must hold. Of a list, one element that fits is enough. `$or`, `$and` and `$not` take filters.
 *
 * @example
 * { 'amount.currency': 'EUR', 'amount.value': { $gte: 100 }, $not: { status: 'draft' } }
 */
export interface DataFilter {
  readonly [path: string]: Scalar | DataCondition | DataFilter | readonly DataFilter[] | undefined
  readonly $or?: readonly DataFilter[]
  readonly $and?: readonly DataFilter[]
  readonly $not?: DataFilter
}

const MOST_CONDITIONS = 50
const DEEPEST = 5
const LONGEST_TEXT = 256

type Test = (value: unknown, wanted: never) => boolean

const order = (compare: (a: number | string, b: number | string) => boolean): Test =>
  ((value: unknown, wanted: number | string) =>
    typeof value === typeof wanted && compare(value as number | string, wanted)) as Test

const TESTS: Readonly<Record<string, Test>> = {
  $eq: (value, wanted) => value === wanted,
  $ne: (value, wanted) => value !== wanted,
  $gt: order((a, b) => a > b),
  $gte: order((a, b) => a >= b),
  $lt: order((a, b) => a < b),
  $lte: order((a, b) => a <= b),
  $in: (value, wanted: readonly unknown[]) => wanted.includes(value),
  $nin: (value, wanted: readonly unknown[]) => !wanted.includes(value),
  $exists: (value, wanted) => (value !== undefined) === wanted,
  $startsWith: (value, wanted: string) => typeof value === 'string' && value.startsWith(wanted),
  $endsWith: (value, wanted: string) => typeof value === 'string' && value.endsWith(wanted),
}
/** What must hold for all elements of a list, and not for one. */
const FOR_ALL = new Set(['$ne', '$nin', '$exists'])

const isScalar = (value: unknown): value is Scalar =>
  value === null || typeof value === 'boolean' || typeof value === 'string' || Number.isFinite(value)
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether data is what a filter wants. The filter was checked when it was stored. */
export function matchesData(filter: DataFilter, data: unknown): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    if (name === '$or') return (wanted as readonly DataFilter[]).some((one) => matchesData(one, data))
    if (name === '$and') return (wanted as readonly DataFilter[]).every((one) => matchesData(one, data))
    if (name === '$not') return !matchesData(wanted as DataFilter, data)
    const value = at(data, name)
    const conditions = isRecord(wanted) ? Object.entries(wanted) : [['$eq', wanted] as const]
    return conditions.every(([operator, operand]) => holds(operator, value, operand))
  })
}

function holds(operator: string, value: unknown, operand: unknown): boolean {
  const test = TESTS[operator] as Test
  if (!Array.isArray(value) || operator === '$exists') return test(value, operand as never)
  const each = (element: unknown) => test(element, operand as never)
  return FOR_ALL.has(operator) ? value.every(each) : value.some(each)
}

/** The value at a dotted path of own properties; undefined where there is none. */
function at(data: unknown, path: string): unknown {
  let value = data
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

/**
 * Refuses a filter on data that is not of the form. `undefined` and null mean none.
 *
 * @throws EndpointError `data_filter_invalid`
 */
export function checkDataFilter(filter: unknown): DataFilter | null {
  if (filter === undefined || filter === null) return null
  let left = MOST_CONDITIONS
  check(filter, DEEPEST)
  return structuredClone(filter) as DataFilter

  function check(given: unknown, depth: number): void {
    if (!isRecord(given) || Object.keys(given).length === 0) throw invalid('is no object with conditions')
    if (depth === 0) throw invalid(`is deeper than ${DEEPEST}`)
    for (const [name, wanted] of Object.entries(given)) {
      if (left-- <= 0) throw invalid(`has more than ${MOST_CONDITIONS} conditions`)
      if (name === '$or' || name === '$and') {
        if (!Array.isArray(wanted) || wanted.length === 0) throw invalid(`has a ${name} that is no list of filters`)
        for (const one of wanted) check(one, depth - 1)
      } else if (name === '$not') check(wanted, depth - 1)
      else checkCondition(name, wanted)
    }
  }

  function checkCondition(path: string, wanted: unknown): void {
    if (path === '' || path.startsWith('$') || path.length > LONGEST_TEXT) throw invalid('has a name that is no path')
    if (isScalar(wanted)) return
    if (!isRecord(wanted) || Object.keys(wanted).length === 0)
      throw invalid('has a value that is neither plain nor a condition')
    for (const [operator, operand] of Object.entries(wanted)) {
      if (left-- <= 0) throw invalid(`has more than ${MOST_CONDITIONS} conditions`)
      if (!Object.hasOwn(TESTS, operator)) throw invalid('has an operator that there is not')
      if (!fits(operator, operand)) throw invalid(`has a ${operator} that is not of its kind`)
    }
  }
}

function fits(operator: string, operand: unknown): boolean {
  switch (operator) {
    case '$eq':
    case '$ne':
      return isScalar(operand)
    case '$in':
    case '$nin':
      return (
        Array.isArray(operand) && operand.length > 0 && operand.length <= MOST_CONDITIONS && operand.every(isScalar)
      )
    case '$exists':
      return typeof operand === 'boolean'
    case '$startsWith':
    case '$endsWith':
      return typeof operand === 'string'
    default:
      return typeof operand === 'string' || Number.isFinite(operand)
  }
}

function invalid(what: string): EndpointError {
  return new EndpointError('data_filter_invalid', `the filter on data ${what}`, {
    hint: `paths with values or conditions: ${Object.keys(TESTS).join(', ')}; $or, $and, $not`,
  })
}

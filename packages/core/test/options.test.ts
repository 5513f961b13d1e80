import { describe, expect, it } from 'vitest'
import {
  ConfigurationError,
  checkOptions,
  defineContract,
  defineEvents,
  kind,
  listOf,
  oneOf,
  orNull,
  wholeFrom,
  withMethods,
} from '../src/index.ts'

const rule = {
  of: 'pour',
  needs: ['into'],
  kinds: { into: kind.text, cups: wholeFrom(1), slowly: kind.flag, after: orNull(kind.time) },
} as const

const refusal = (call: () => unknown) => {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    const { code, message, hint } = error as ConfigurationError
    return { code, message, hint }
  }
  throw new Error('it was taken')
}

describe('options', () => {
  it('are taken where they are of their kind, and undefined is as if left out', () => {
    checkOptions({ into: 'a pot', cups: 2, slowly: false, after: null }, rule)
    checkOptions({ into: 'a pot', cups: undefined, unknown: undefined }, rule)
  })

  it.each([
    [{ into: 'a pot', cup: 2 }, 'pour has no option "cup"'],
    [{ into: 'a pot', toString: 2 }, 'pour has no option "toString"'],
    [{ into: 5 }, 'pour: into is not text'],
    [{ into: 'a pot', cups: 0 }, 'pour: cups is not a whole number from 1'],
    [{ into: 'a pot', cups: '2' }, 'pour: cups is not a whole number from 1'],
    [{ into: 'a pot', slowly: 'no' }, 'pour: slowly is not true or false'],
    [{ into: 'a pot', after: new Date(Number.NaN) }, 'pour: after is not a valid Date or null'],
    [{ cups: 2 }, 'pour needs into'],
    [undefined, 'pour takes an object'],
    [null, 'pour takes an object'],
    [['a pot'], 'pour takes an object'],
    ['a pot', 'pour takes an object'],
  ])('%j is refused: %s', (given, message) => {
    expect(refusal(() => checkOptions(given, rule))).toMatchObject({ code: 'option_invalid', message })
  })

  it('name in the refusal what there is, and never a value', () => {
    expect(refusal(() => checkOptions({ inot: 'sesame' }, rule)).hint).toBe('its options: into, cups, slowly, after')
    const { message, hint } = refusal(() => checkOptions({ into: { password: 'sesame' } }, rule))
    expect(`${message}${hint}`).not.toContain('sesame')
    const long = refusal(() => checkOptions({ ['x'.repeat(10_000)]: 1 }, rule))
    expect(long.message.length).toBeLessThan(100)
  })

  it('have kinds of lists, choices and ports', () => {
    const fits = { list: listOf('a', 'b'), choice: oneOf('a', 'b'), port: withMethods('a port', 'open') }
    expect([fits.list.fits(['a', 'b']), fits.list.fits(['c']), fits.list.fits('a')]).toEqual([true, false, false])
    expect([fits.choice.fits('a'), fits.choice.fits('c')]).toEqual([true, false])
    const port = { open() {} }
    expect([port, Object.create(port), Promise.resolve(port), null, {}].map(fits.port.fits)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

describe('a contract and its catalog', () => {
  const events = defineEvents({ 'order.paid': {} })
  const define = defineContract as (options: unknown) => unknown
  const catalog = defineEvents as (definitions: unknown) => unknown

  it.each([
    ['defineContract takes an object', undefined],
    ['defineContract needs events', {}],
    ['defineContract: events is not what defineEvents gives', { events: { 'order.paid': {} } }],
    ['defineContract: format is not a wire format', { events, format: 'stripe' }],
    ['defineContract has no option "formats"', { events, formats: [] }],
    ['policy has no option "retries"', { events, policy: { retries: 5 } }],
    ['policy: retry is not a list of durations', { events, policy: { retry: 'often' } }],
    ['policy: classify is not a function,', { events, policy: { classify: 'strict' } }],
    ['policy: disable is not "never" or an object', { events, policy: { disable: false } }],
  ])('is refused: %s', (message, options) => {
    const refused = refusal(() => define(options))
    expect(refused.code).toBe('contract_invalid')
    expect(refused.message).toContain(message)
  })

  it.each([
    ['defineEvents takes an object', undefined],
    ['defineEvents takes an object', ['order.paid']],
    ['the event type "order.paid" takes an object', { 'order.paid': null }],
    ['the event type "order.paid": schema is not a Standard Schema', { 'order.paid': { schema: { type: 'object' } } }],
    ['the event type "order.paid" has no option "schemas"', { 'order.paid': { schemas: {} } }],
    ['the event type "order.paid": thin is not a function', { 'order.paid': { thin: true } }],
    ['the event type "order.paid": versions is not an object of functions', { 'order.paid': { versions: ['v1'] } }],
  ])('is refused: %s', (message, definitions) => {
    const refused = refusal(() => catalog(definitions))
    expect(refused.code).toBe('contract_invalid')
    expect(refused.message).toContain(message)
  })
})

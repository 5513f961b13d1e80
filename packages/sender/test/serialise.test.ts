import { isHooksError, type PayloadError } from '@hooks/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LARGEST_PAYLOAD, serialise } from '../src/serialise.ts'

describe('data as JSON text', () => {
  it('is what JSON.stringify gives, and survives a consumer who parses and writes it again', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const data: unknown = JSON.parse(json)
        const text = serialise(data)
        expect(text).toBe(JSON.stringify(data))
        expect(JSON.stringify(JSON.parse(text))).toBe(text)
      }),
    )
  })

  it('leaves optional properties that are undefined out', () => {
    expect(serialise({ a: 1, b: undefined })).toBe('{"a":1}')
  })

  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  const deep = Array.from({ length: 70 }).reduce<unknown>((inner) => [inner], null)
  const refused: [string, unknown, string][] = [
    ['a bigint', { a: { b: 1n } }, 'a.b'],
    ['a cycle', { a: cycle }, 'a.self'],
    ['a Date', { at: new Date(0) }, 'at'],
    ['a Map', { m: new Map() }, 'm'],
    ['NaN', { n: [1, Number.NaN] }, 'n.1'],
    ['Infinity', Number.POSITIVE_INFINITY, ''],
    ['undefined at the root', undefined, ''],
    ['undefined in a list', [undefined], '0'],
    ['a hole in a list', Array(1), '0'],
    ['a function', { f: () => 1 }, 'f'],
    ['a symbol', { s: Symbol('s') }, 's'],
    ['a class instance', { price: new (class Decimal {})() }, 'price'],
    ['a Buffer', { b: Buffer.from('x') }, 'b'],
  ]
  for (const [what, data, path] of refused) {
    it(`refuses ${what}, naming the path and not the value`, () => {
      try {
        serialise(data)
        expect.unreachable()
      } catch (error) {
        expect(isHooksError(error, 'payload_not_json')).toBe(true)
        expect((error as PayloadError).issues[0]?.path).toBe(path)
      }
    })
  }

  it('refuses data that is nested too deep for a receiver to handle', () => {
    expect(() => serialise(deep)).toThrow(/nested more than 64/)
  })

  it('refuses more than 256 KiB, counted in UTF-8', () => {
    expect(() => serialise('é'.repeat(LARGEST_PAYLOAD / 2 - 1))).not.toThrow()
    expect(() => serialise('é'.repeat(LARGEST_PAYLOAD / 2))).toThrow(/larger than 256 KiB/)
  })

  it('takes one object twice, because that is no cycle', () => {
    const address = { city: 'Paris' }
    expect(serialise({ from: address, to: address })).toBe('{"from":{"city":"Paris"},"to":{"city":"Paris"}}')
  })
})

import { type HeadersInput, headerBag } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { codeOf } from './support.ts'

const forms: [string, (entries: [string, string][]) => HeadersInput][] = [
  ['a fetch Headers', (entries) => new Headers(entries)],
  ['a record', (entries) => Object.fromEntries(entries)],
  ['a record of lists', (entries) => Object.fromEntries(entries.map(([name, value]) => [name, [value]]))],
  ['pairs', (entries) => entries],
  ['the flat rawHeaders of Node.js', (entries) => entries.flat()],
  ['an iterator over pairs', (entries) => ({ [Symbol.iterator]: () => entries[Symbol.iterator]() })],
]

describe.each(forms)('headers in the form of %s', (_, form) => {
  const bag = headerBag(
    form([
      ['Webhook-Id', 'msg_1'],
      ['webhook-timestamp', '1'],
      ['X-EMPTY', ''],
    ]),
  )

  it('are found by their name, whatever its case on the wire', () => {
    expect(bag.find('webhook-id')).toBe('msg_1')
    expect(bag.one('webhook-timestamp')).toBe('1')
  })

  it('are undefined where they are missing, and refused where they are needed', () => {
    expect(bag.find('webhook-signature')).toBeUndefined()
    expect(codeOf(() => bag.one('webhook-signature'))).toBe('missing_header')
    expect(codeOf(() => bag.one('x-empty'))).toBe('missing_header')
  })

  it('are never found on a prototype', () => {
    for (const name of ['constructor', 'tostring', 'length', 'hasownproperty', 'valueof']) {
      expect(bag.find(name)).toBeUndefined()
    }
  })

  it('can be asked for again and again', () => {
    expect([bag.find('webhook-id'), bag.find('webhook-id')]).toEqual(['msg_1', 'msg_1'])
  })
})

describe('a header that is there twice', () => {
  it.each([
    [
      'pairs',
      [
        ['a', '1'],
        ['A', '1'],
      ],
    ],
    ['flat rawHeaders', ['a', '1', 'b', 'a', 'A', '2']],
    ['a record of lists', { a: ['1', '2'] }],
    ['a record of lists, in two spellings', { A: ['1'], a: ['2'] }],
  ] as [string, HeadersInput][])('is refused where the form shows it: %s', (_, input) => {
    expect(codeOf(() => headerBag(input).find('a'))).toBe('ambiguous_header')
  })

  it('is refused in two spellings of a record', () => {
    const bag = headerBag({ 'X-Id': '1', 'x-ID': '2' })
    expect(codeOf(() => bag.find('x-id'))).toBe('ambiguous_header')
    expect(codeOf(() => bag.one('x-id'))).toBe('ambiguous_header')
  })

  it('is one value where the host has joined it: a fetch Headers', () => {
    const input = new Headers([
      ['x-id', '1'],
      ['X-Id', '2'],
    ])
    expect(headerBag(input).find('x-id')).toBe('1, 2')
  })

  it('does not stand in the way of others', () => {
    const bag = headerBag([
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
    ])
    expect(bag.find('b')).toBe('3')
  })

  it('is not quoted by the error', () => {
    try {
      headerBag([
        ['authorization', 's3cr3t-1'],
        ['authorization', 's3cr3t-2'],
      ]).find('authorization')
      expect.fail('found')
    } catch (error) {
      expect(String((error as Error).stack)).not.toContain('s3cr3t')
    }
  })
})

describe('a header whose value is undefined, as Node.js has some,', () => {
  it('is missing', () => {
    expect(headerBag({ a: undefined }).find('a')).toBeUndefined()
    expect(codeOf(() => headerBag({ a: undefined, b: [] }).one('b'))).toBe('missing_header')
  })
})

import { part, type Stamp } from '@hooks/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readStamp, writeStamp } from '../src/parts.ts'

const time = new Date('2024-01-15T10:30:42.917Z')

describe('a time', () => {
  it.each<[Stamp, string, string]>([
    ['iso', '2024-01-15T10:30:42.917Z', '2024-01-15T10:30:42.917Z'],
    ['isoSeconds', '2024-01-15T10:30:42Z', '2024-01-15T10:30:42.000Z'],
    ['unix', '1705314642', '2024-01-15T10:30:42.000Z'],
    ['unixMs', '1705314642917', '2024-01-15T10:30:42.917Z'],
  ])('of the form %s is written %s, and read again', (stamp, text, read) => {
    expect(writeStamp(time, stamp)).toBe(text)
    expect(readStamp(text, stamp)?.toISOString()).toBe(read)
  })

  it('is read again as it was, up to what its form leaves out', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(1000), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (at) => {
          expect(readStamp(writeStamp(at, 'iso'), 'iso')).toEqual(at)
          expect(readStamp(writeStamp(at, 'unixMs'), 'unixMs')).toEqual(at)
          const seconds = new Date(Math.floor(at.getTime() / 1000) * 1000)
          expect(readStamp(writeStamp(at, 'unix'), 'unix')).toEqual(seconds)
          expect(readStamp(writeStamp(at, 'isoSeconds'), 'isoSeconds')).toEqual(seconds)
        },
      ),
    )
  })

  const unix = [
    '',
    '0',
    '00',
    '01705314642',
    '+1705314642',
    '-1705314642',
    ' 1705314642',
    '1705314642 ',
    '1705314642\n',
    '1705314642junk',
    '1705314642.5',
    '17e8',
    '0x65a51e52',
    '1_705',
    '١٧٠٥',
    '1'.repeat(16),
    '999999999999999',
    'NaN',
    'Infinity',
    '2024-01-15T10:30:42Z',
  ]
  it.each(unix)('of the form unix is not "%s"', (text) => {
    expect(readStamp(text, 'unix')).toBeUndefined()
  })

  it.each([
    '',
    '2024',
    '2024-01-15',
    '2024-01-15T10:30',
    '2024-01-15T10:30:42',
    '2024-01-15 10:30:42Z',
    '2024-13-15T10:30:42Z',
    '2024-01-15T25:30:42Z',
    '2024-01-15T10:30:42z',
    '2024-01-15T10:30:42.Z',
    '2024-01-15T10:30:42+01',
    '2024-01-15T10:30:42Zjunk',
    'Mon Jan 15 2024',
    '1705314642',
  ])('of the form iso is not "%s"', (text) => {
    expect(readStamp(text, 'iso')).toBeUndefined()
  })

  it('of the form iso may have another offset and up to nine digits of a second', () => {
    expect(readStamp('2024-01-15T11:30:42.917123456+01:00', 'iso')).toEqual(time)
    expect(readStamp('2022-11-03T20:26:10.344522Z', 'iso')?.toISOString()).toBe('2022-11-03T20:26:10.344Z')
  })

  const others: unknown[] = [
    null,
    undefined,
    {},
    [],
    ['1705314642'],
    true,
    { toString: 1, valueOf: 1 },
    Number.NaN,
    -1,
    1.5,
    10n,
  ]
  it.each(others.map((value) => [value]))('is no other thing than text or a number: %o', (value) => {
    for (const stamp of ['iso', 'isoSeconds', 'unix', 'unixMs'] as const)
      expect(readStamp(value, stamp)).toBeUndefined()
  })

  it('may be a number, as a body has it', () => {
    expect(readStamp(1705314642, 'unix')?.toISOString()).toBe('2024-01-15T10:30:42.000Z')
    expect(readStamp(1705314642917, 'unixMs')).toEqual(time)
  })
})

describe('a header that is signed', () => {
  it('is named in lower case', () => {
    expect(part.header('X-Audit-Trail-Timestamp')).toEqual({ part: 'header', header: 'x-audit-trail-timestamp' })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64, fromHex, joinBytes, toBase64, toHex } from '../src/encoding.ts'

const bytes = fc.uint8Array({ maxLength: 300 })

describe('base64', () => {
  it('is what Node.js writes, and is read again', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const text = toBase64(given)
        expect(text).toBe(Buffer.from(given).toString('base64'))
        expect(Buffer.from(fromBase64(text) as Uint8Array)).toEqual(Buffer.from(given))
      }),
    )
  })

  it('has one spelling: what is read is written again to the letter', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ABCDwxyz0189+/=-_ \n'), maxLength: 12 }), (text) => {
        const read = fromBase64(text)
        if (read) expect(toBase64(read)).toBe(text)
        else expect(text === '' || Buffer.from(text, 'base64').toString('base64') !== text).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['no padding', 'AAA'],
    ['no padding', 'AA'],
    ['too much padding', 'AAAA='],
    ['padding alone', '='],
    ['padding in the middle', 'AA==AA=='],
    ['white space', 'AAAA AAAA'],
    ['a line break', 'AAAA\n'],
    ['the URL alphabet', 'AA-_'],
    ['bits that are not used', 'AB=='],
    ['bits that are not used', 'AAB='],
    ['one letter', 'A'],
    ['another alphabet', 'AAAé'],
  ])('is refused with %s: %s', (_, text) => {
    expect(fromBase64(text)).toBeUndefined()
  })

  it('of nothing is nothing', () => {
    expect(fromBase64('')).toEqual(new Uint8Array())
    expect(toBase64(new Uint8Array())).toBe('')
  })

  it('is refused in a time that grows with its length', () => {
    const begun = process.hrtime.bigint()
    expect(fromBase64(`${'A'.repeat(1_000_001)}!`)).toBeUndefined()
    expect(Number(process.hrtime.bigint() - begun) / 1e6).toBeLessThan(500)
  })
})

describe('hexadecimal', () => {
  it('is written in lower case, and read in either', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        expect(toHex(given)).toBe(Buffer.from(given).toString('hex'))
        expect(Buffer.from(fromHex(toHex(given)) as Uint8Array)).toEqual(Buffer.from(given))
        expect(Buffer.from(fromHex(toHex(given).toUpperCase()) as Uint8Array)).toEqual(Buffer.from(given))
      }),
    )
  })

  it.each(['a', '0g', '0x', ' 00', '00 ', '-1', '1.', 'é0', '00\n'])('is refused where it is none: "%s"', (text) => {
    expect(fromHex(text)).toBeUndefined()
  })
})

describe('pieces', () => {
  it('are joined as their bytes, text as UTF-8', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), bytes)), (pieces) => {
        const expected = Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)))
        expect(Buffer.from(joinBytes(pieces))).toEqual(expected)
      }),
    )
  })
})

import { inspect } from 'node:util'
import { isHooksError } from '@hooks/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeText, parseJson } from '../src/json.ts'
import { codeOf, utf8 } from './support.ts'

const parse = (text: string) => parseJson(utf8(text))

describe('a body', () => {
  it('is parsed as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const expected = JSON.parse(text, (key, value) => (key === '__proto__' ? undefined : value))
        expect(parse(text)).toEqual(expected)
      }),
    )
  })

  it.each([
    ['not JSON', utf8('{')],
    ['empty', utf8('')],
    ['followed by more', utf8('{}{}')],
    ['NaN, which is not JSON', utf8('{"a":NaN}')],
    ['begun by a byte order mark, which was signed', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)],
    ['not UTF-8: a byte FF', Uint8Array.of(0x22, 0xff, 0x22)],
    ['not UTF-8: half a letter', Uint8Array.of(0x22, 0xc3, 0x22)],
    ['not UTF-8: a letter spelled too long', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22)],
    ['not UTF-8: half a surrogate pair', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)],
    ['UTF-16', Uint8Array.from(Buffer.from('\ufeff{}', 'utf16le'))],
  ])('is refused where it is %s', (_, bytes) => {
    expect(codeOf(() => parseJson(bytes))).toBe('payload_invalid')
  })

  it('that is refused is not quoted by the error', () => {
    for (const text of ['{"secret": "s3cr3t-payload', 's3cr3t-payload', '{"a": s3cr3t-payload}']) {
      try {
        parse(text)
        expect.fail('parsed')
      } catch (error) {
        expect(isHooksError(error)).toBe(true)
        expect(inspect(error, { depth: null, showHidden: true })).not.toContain('s3cr3t')
      }
    }
  })

  it('keeps the last of a key that is there twice, as JSON.parse does', () => {
    expect(parse('{"a":1,"a":2}')).toEqual({ a: 2 })
  })

  it('keeps text to the letter: letters that look alike, half surrogate pairs, a byte order mark inside', () => {
    expect(parse('["\u00e9","e\u0301","\\ud800","\ufeff"]')).toEqual(['\u00e9', 'e\u0301', '\ud800', '\ufeff'])
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa')
  })

  it('is read from a part of a larger buffer', () => {
    const whole = utf8('xx{"a":1}xx')
    expect(parseJson(whole.subarray(2, 9))).toEqual({ a: 1 })
  })

  it('nested 100,000 deep is parsed, or refused by an error of ours', () => {
    for (const text of [`${'['.repeat(1e5)}${']'.repeat(1e5)}`, `${'{"__proto__":['.repeat(1e5)}${']}'.repeat(1e5)}`]) {
      expect(['accepted', 'payload_invalid']).toContain(codeOf(() => parse(text)))
    }
  })
})

describe('a key __proto__', () => {
  const letters = [...'__proto__']
  const escaped = (letter: string, upper: boolean) => {
    const hex = letter.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${upper ? hex.toUpperCase() : hex}`
  }

  it('is dropped in each of its spellings, whichever of its letters are escaped', () => {
    for (let mask = 0; mask < 2 ** letters.length; mask++) {
      for (const upper of [false, true]) {
        const key = letters.map((letter, i) => ((mask >> i) & 1 ? escaped(letter, upper) : letter)).join('')
        const parsed = parse(`{"a":{"${key}":{"admin":true},"b":1}}`) as { a: object }
        if (Object.hasOwn(parsed.a, '__proto__')) expect.fail(`kept: ${key}`)
        expect(Object.assign({}, parsed.a)).toEqual({ b: 1 })
      }
    }
  })

  it('is dropped at the root, in arrays, and beside others', () => {
    expect(parse('{"__proto__":null}')).toEqual({})
    expect(parse('[{"__proto__":{},"a":[{"__proto__":1}]}]')).toEqual([{ a: [{}] }])
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  it('is kept where it is a value or a part of a key', () => {
    expect(parse('{"a":"__proto__","__proto__x":1,"_\\u005fproto":2}')).toEqual({
      a: '__proto__',
      __proto__x: 1,
      __proto: 2,
    })
  })
})

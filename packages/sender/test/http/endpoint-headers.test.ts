import { EndpointError } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { checkCustomHeaders } from '../../src/http/endpoint-headers.ts'

function code(headers: unknown, reserved?: string[]): string {
  try {
    checkCustomHeaders(headers, reserved)
  } catch (error) {
    if (!(error instanceof EndpointError)) throw error
    expect(`${error.message} ${error.hint}`).not.toContain('s3cret')
    return error.code
  }
  return 'accepted'
}

describe("an endpoint's own headers", () => {
  it.each(
    `host content-length transfer-encoding connection keep-alive te trailer upgrade expect proxy-authorization proxy-x
     x-forwarded-for x-forwarded-host forwarded cookie content-encoding accept-encoding webhook-id webhook-signature
     webhook-anything Host HOST Transfer-Encoding`.split(/\s+/),
  )('cannot set %s (CVE-2025-6454)', (name) => {
    expect(code({ [name]: 's3cret' })).toBe('header_forbidden')
  })

  it.each(['', 'a b', 'a:b', 'a\r\nb', 'ä', 'a\u0000', '(x)', 'a'.repeat(129), ':authority'])(
    'cannot have the name %j',
    (name) => {
      expect(code({ [name]: 's3cret' })).toBe('header_invalid')
    },
  )

  it.each([
    'a\r\nHost: b',
    'a\nb',
    'a\rb',
    '\u0000',
    '\u007f',
    'é',
    '\u{1f600}',
    'x'.repeat(4097),
    1,
    null,
    undefined,
    ['a'],
    {},
  ])('cannot have the value %j', (value) => {
    expect(code({ 'x-a': value })).toBe('header_invalid')
  })

  it.each([null, undefined, 'a: b', [['a', 'b']], 1])('cannot be %j', (headers) => {
    expect(code(headers)).toBe('header_invalid')
  })

  it('are at most twenty, and no two of one name', () => {
    const many = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`x-${i}`, 'v']))
    expect(code(many(20))).toBe('accepted')
    expect(code(many(21))).toBe('header_invalid')
    expect(code({ 'X-A': '1', 'x-a': '2' })).toBe('header_invalid')
  })

  it('leave the names of the wire format alone', () => {
    expect(code({ 'X-Signature': '1' }, ['x-signature'])).toBe('header_forbidden')
  })

  it('come back in lower case, as an object without a prototype', () => {
    const headers = checkCustomHeaders({
      Authorization: 'Bearer s3cret',
      ['__proto__']: 'x',
      'X-Tab': 'a\tb',
      'x-empty': '',
    })
    expect(Object.getPrototypeOf(headers)).toBeNull()
    expect(Object.entries(headers)).toEqual([
      ['authorization', 'Bearer s3cret'],
      ['__proto__', 'x'],
      ['x-tab', 'a\tb'],
      ['x-empty', ''],
    ])
  })
})

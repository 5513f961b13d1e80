import { describe, expect, it } from 'vitest'
import { dnsFailure, FAILURE_CODES, Failure, failureOf, tlsFailure } from '../../src/http/failures.ts'

const error = (code: string, message = '') => Object.assign(new Error(message), { code })

describe('failures', () => {
  it('have stable codes, and a sentence each', () => {
    for (const code of FAILURE_CODES) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
      expect(new Failure(code).detail).toMatch(/^[A-Z].{10,150}\.$/)
    }
  })

  it.each([
    ['ECONNREFUSED', 'connect_refused'],
    ['ETIMEDOUT', 'connect_timeout'],
    ['ENETUNREACH', 'connect_unreachable'],
    ['EMFILE', 'sender_resources'],
    ['EADDRNOTAVAIL', 'sender_resources'],
    ['ECONNRESET', 'connection_reset'],
    ['EPIPE', 'connection_reset'],
    ['UND_ERR_HEADERS_OVERFLOW', 'response_headers_too_large'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls_handshake'],
    ['UND_ERR_DESTROYED', 'transport_closed'],
    ['ESOMETHING', 'unknown_failure'],
    ['constructor', 'unknown_failure'],
    ['__proto__', 'unknown_failure'],
  ])('name %s %s, and never repeat what Node.js printed', (code, expected) => {
    const failure = failureOf(error(code, 'connect to 10.0.0.1:443 for https://u:p@host/?token=s3cret'))
    expect(failure.code).toBe(expected)
    expect(`${failure.message} ${failure.detail}`).not.toMatch(/10\.0\.0\.1|s3cret|undefined/)
  })

  it.each([undefined, null, 'text', 1, {}, [], Object.create(null)])('can be made of %j', (thrown) => {
    expect(failureOf(thrown).code).toBe('unknown_failure')
    expect(dnsFailure(thrown).code).toBe('dns_failed')
    expect(tlsFailure(thrown, undefined).code).toBe('tls_handshake')
  })

  it('of c-ares are about names, unless it could ask nobody: then the sender lacks something', () => {
    expect(dnsFailure(error('ESERVFAIL')).code).toBe('dns_failed')
    for (const code of ['ECONNREFUSED', 'ENOMEM', 'EMFILE'])
      expect(dnsFailure(error(code))).toMatchObject({
        code: 'sender_resources',
        detail: expect.stringContaining('name servers'),
      })
    expect(dnsFailure(error('ENOTFOUND')).detail).toContain('does not exist')
    expect(dnsFailure(error('ETIMEOUT')).detail).toContain('in time')
  })

  it('of a machine without an IPv6 address are not for want of ports', () => {
    const to = (address: string) => failureOf(Object.assign(error('EADDRNOTAVAIL'), { address })).code
    expect([to('192.0.2.1'), to('2001:db8::1')]).toEqual(['sender_resources', 'connect_unreachable'])
  })

  it('of certificates say dates and names, unless they are hostile', () => {
    const expired = error('CERT_HAS_EXPIRED')
    expect(tlsFailure(expired, { validTo: 'Jan  2 00:00:00 2021 GMT' }).detail).toContain('2021-01-02')
    for (const validTo of ['', '<script>', 'NaN', undefined])
      expect(tlsFailure(expired, { validTo }).detail).toBe(new Failure('tls_certificate_expired').detail)

    const misnamed = error('ERR_TLS_CERT_ALTNAME_INVALID')
    const names = (subjectAltName: string) => tlsFailure(misnamed, { subjectAltName }).detail
    expect(names('DNS:a.example, IP Address:10.0.0.1, DNS:*.b.example')).toContain('for a.example, *.b.example, not')
    expect(names('DNS:a, DNS:b, DNS:c, DNS:d, DNS:e')).toContain('for a, b, c and others, not')
    for (const odd of ['', 'IP Address:10.0.0.1', 'DNS:"a\\u0000b"', 'DNS:<b>', 'DNS:a b', `DNS:${'a'.repeat(300)}`])
      expect(names(odd)).toBe(new Failure('tls_certificate_name').detail)
  })
})

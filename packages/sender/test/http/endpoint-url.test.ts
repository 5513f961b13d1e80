import { EndpointError } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { type EndpointUrlPolicy, HTTP_PORTS, HTTPS_PORTS, parseEndpointUrl } from '../../src/http/endpoint-url.ts'
import { hostile } from './hostile-urls.ts'

const strict: EndpointUrlPolicy = {
  allowHttp: false,
  ports: HTTPS_PORTS,
  addresses: createAddressPolicy(),
  allowLocalNames: false,
}

const development: EndpointUrlPolicy = {
  allowHttp: true,
  ports: 'any',
  addresses: createAddressPolicy({ allowLoopback: true }),
  allowLocalNames: true,
}

function refusal(input: unknown, policy = strict): EndpointError {
  try {
    parseEndpointUrl(input, policy)
  } catch (error) {
    if (error instanceof EndpointError) return error
    throw error
  }
  throw new Error('it was accepted')
}

const rows = Object.entries(hostile).flatMap(([code, inputs]) => inputs.map((input) => ({ code, input })))

describe("an endpoint's URL", () => {
  it.each(rows)('is refused as $code: $input', ({ code, input }) => {
    expect(refusal(input).code).toBe(code)
  })

  it.each([
    ['https://example.com/hooks?a=1', 'https://example.com/hooks?a=1'],
    ['https://example.com', 'https://example.com/'],
    ['HTTPS://EXAMPLE.com:443/A', 'https://example.com/A'],
    ['https://example.com:8443/', 'https://example.com:8443/'],
    ['https://hooks.internal.example.com/', 'https://hooks.internal.example.com/'],
    ['https://my_host.example.com/', 'https://my_host.example.com/'],
    ['https://bücher.example/ü', 'https://xn--bcher-kva.example/%C3%BC'],
    ['https://example.com/user@host/%23', 'https://example.com/user@host/%23'],
    ['https://1.1.1.1./', 'https://1.1.1.1/'],
    ['https://[2606:4700:4700::1111]:8443/', 'https://[2606:4700:4700::1111]:8443/'],
  ])('is accepted and made canonical: %s', (input, expected) => {
    expect(parseEndpointUrl(input, strict).href).toBe(expected)
  })

  it.each([
    'http://localhost:3000/',
    'http://127.0.0.1:1/',
    'http://[::1]:65535/',
    'http://app.localhost/',
    'http://receiver:8080/x',
    'https://host.docker.internal/',
  ])('may be local in development: %s', (input) => {
    expect(parseEndpointUrl(input, development).href).toBe(input)
  })

  it.each([
    ['http://10.0.0.1/', 'address_blocked'],
    ['http://example.com:0/', 'url_port'],
    ['http://localhost./', 'url_host'],
    ['ftp://localhost/', 'url_scheme'],
  ])('is refused even in development: %s', (input, code) => {
    expect(refusal(input, development).code).toBe(code)
  })

  it('may be http where that is allowed, on the ports that are', () => {
    const policy = { ...strict, allowHttp: true, ports: [...HTTPS_PORTS, ...HTTP_PORTS] }
    expect(parseEndpointUrl('http://example.com/', policy).protocol).toBe('http:')
    expect(parseEndpointUrl('http://example.com:8080/', policy).port).toBe('8080')
    expect(refusal('http://example.com:81/', policy).code).toBe('url_port')
  })

  it('is refused in words that say what to do and repeat neither credentials nor path nor query', () => {
    for (const { input } of rows) {
      const { message, hint } = refusal(input)
      expect(`${message} ${hint}`).not.toMatch(/secret|user:|passwd|meta-data|10\.0\.0\.1|undefined/)
      expect(hint).toBeTruthy()
    }
    expect(refusal('https://example.com:22/').hint).toContain('443, 8443')
  })
})

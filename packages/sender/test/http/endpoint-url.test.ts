import { EndpointError } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { type EndpointUrlPolicy, HTTP_PORTS, HTTPS_PORTS, parseEndpointUrl } from '../../src/http/endpoint-url.ts'

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

/** Hostile URLs by the code that each must be refused with. */
const hostile: Readonly<Record<string, readonly unknown[]>> = {
  url_invalid: [
    undefined,
    null,
    12,
    {},
    ['https://example.com/'],
    new URL('https://example.com/'),
    { toString: () => 'https://example.com/' },
    '',
    'example.com',
    '/hooks',
    '//example.com/',
    'https://',
    'https://?a',
    'https:example.com',
    'https:/example.com/x',
    ' https://example.com/',
    'https://example.com/ ',
    'https://exa mple.com/',
    'https://example.com/a b',
    '\thttps://example.com/',
    'ht\ntps://example.com/',
    'https://example.com/\r\nHost: internal',
    'https://example.com/\u0000',
    'https://example.com\\@10.0.0.1/',
    'https:\\\\10.0.0.1\\',
    'https://example.com/\u00a0',
    'https://example.com/\ufeff',
    'https://[::1',
    'https://[fe80::1%25eth0]/',
    'https://[::ffff:127.0.0.1.]/',
    'https://example.com:port/',
    'https://example.com:-1/',
    'https://exa<mple.com/',
    'https://a%00b.example/',
    'https://1.2.3.4.5/',
    'https://256.1.1.1/',
    'https://host.0x/',
    `https://example.com/${'a'.repeat(2048)}`,
  ],
  url_scheme: [
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'javascript:alert(1)',
    'data:text/html,x',
    'ws://example.com/',
    'blob:https://example.com/1',
    'HTTP://example.com/',
  ],
  url_credentials: [
    'https://user:secret@example.com/',
    'https://user@example.com/',
    'https://:secret@example.com/',
    'https://example.com@127.0.0.1/',
    'https://example.com%40@10.0.0.1/',
  ],
  url_fragment: ['https://example.com/#x', 'https://example.com/#', 'https://example.com/?a=1#@10.0.0.1/'],
  url_host: [
    'https://localhost/',
    'https://LOCALHOST/',
    'https://a.localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://internal/',
    'https://nas.home.arpa/',
    'https://abc.onion/',
    'https://intranet/',
    'https://example.com./',
    'https://example..com/',
    'https://-a.example.com/',
    'https://a-.example.com/',
    'https://*.example.com/',
    `https://${'a'.repeat(64)}.example.com/`,
    `https://${'a.'.repeat(126)}com/`,
    'https://ｌｏｃａｌｈｏｓｔ/',
    'https://localhost%2e/',
    'https://%6cocalhost/',
    "https://a'b.example/",
  ],
  url_port: [
    'https://example.com:80/',
    'https://example.com:22/',
    'https://example.com:8080/',
    'https://example.com:0/',
    'https://example.com:65536/',
    'https://example.com:99999999/',
    'https://[2606:4700:4700::1111]:6379/',
    'https://1.1.1.1:25/',
  ],
  address_blocked: [
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://①②⑦.⓪.⓪.①/',
    'https://127。0。0。1/',
    'https://%31%32%37.0.0.1/',
    'https:///127.0.0.1/',
    'https://127.0.0.1./',
    'https://0/',
    'https://0.0.0.0/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://168.63.129.16/',
    'https://192.168.0.1:8443/',
    'https://[::]/',
    'https://[::1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[0:0:0:0:0:ffff:a9fe:a9fe]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
    'https://[2001:db8::1]/',
    'https://[4000::1]/',
  ],
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

import { EndpointError } from '@hooks/core'
import type { AddressPolicy } from './addresses.ts'

/** The longest URL that an endpoint may have, in characters. */
export const MAX_URL_LENGTH = 2048

/** The ports of https endpoints: the standard one and its usual alternative. */
export const HTTPS_PORTS: readonly number[] = [443, 8443]

/** The ports that `allowHttp` adds. */
export const HTTP_PORTS: readonly number[] = [80, 8080]

/** What an endpoint's URL may be. */
export interface EndpointUrlPolicy {
  /** Whether `http:` will do. */
  readonly allowHttp: boolean
  /** The ports that may be used. `'any'` is 1 to 65535. */
  readonly ports: 'any' | readonly number[]
  /** Judges IP literals. What a name resolves to is judged when connecting. */
  readonly addresses: AddressPolicy
  /** Whether names may be used that only a private network knows: `localhost`, `*.internal`, names without a dot. */
  readonly allowLocalNames: boolean
}

// new URL() strips tabs, line breaks and outer spaces, and turns a backslash into a slash. Who sends them means no good.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const STRAY = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029\ufeff\\]/
const LABEL = /^(?!-)[a-z\d_-]{1,63}(?<!-)$/
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal|home\.arpa|onion)$/
const TOO_HIGH_PORT = /^[a-z]+:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i

/** For whoever runs the sender. An endpoint's owner could do neither. */
const FOR_DEVELOPMENT = 'on your own machine, createSender({ dev: true }) allows http, localhost and any port'
const FOR_NETWORKS = 'allowPrivateNetworks of createSender opens networks of yours'

const privately = ({ allowHttp }: EndpointUrlPolicy): string =>
  allowHttp ? FOR_NETWORKS : `${FOR_DEVELOPMENT}; ${FOR_NETWORKS}`

function checkHost(host: string, policy: EndpointUrlPolicy): void {
  const literal = host.startsWith('[') ? host.slice(1, -1) : host
  // WHATWG parsing has made every numeric notation canonical: 127.1, 0x7f.1 and 2130706433 are 127.0.0.1 by now.
  if (host.startsWith('[') || /^[\d.]+$/.test(host)) {
    if (policy.addresses.allows(literal)) return
    throw new EndpointError('address_blocked', "The URL's host is an address that webhooks may not be sent to", {
      hint: 'use the host name of a server on the public internet',
      hostHint: privately(policy),
    })
  }
  if (host.length > 253 || !host.split('.').every((label) => LABEL.test(label))) {
    throw new EndpointError('url_host', "The URL's host is not a valid host name", {
      hint: 'use letters, digits, hyphens and dots, and no dot at the end',
    })
  }
  if (!policy.allowLocalNames && (!host.includes('.') || LOCAL_NAME.test(host))) {
    throw new EndpointError('url_host', "The URL's host is a name of a private network", {
      hint: 'use a host name that is known on the public internet',
      hostHint: privately(policy),
    })
  }
}

function badPort(policy: EndpointUrlPolicy): EndpointError {
  const hint =
    policy.ports === 'any' ? 'use a port from 1 to 65535' : `use one of these ports: ${policy.ports.join(', ')}`
  return new EndpointError('url_port', "The URL's port is not allowed", {
    hint,
    ...(policy.ports !== 'any' && { hostHint: FOR_DEVELOPMENT }),
  })
}

/**
 * The URL of an endpoint, checked by its text alone: no name is resolved. A host in another script comes back as
 * punycode, and a numeric host in its usual notation. No message repeats the URL, for it may hold credentials.
 *
 * @throws EndpointError `url_invalid`, `url_scheme`, `url_credentials`, `url_fragment`, `url_host`, `url_port` or
 * `address_blocked`
 */
export function parseEndpointUrl(input: unknown, policy: EndpointUrlPolicy): URL {
  const invalid = (message: string) =>
    new EndpointError('url_invalid', message, { hint: 'use an absolute URL, such as https://example.com/webhooks' })

  if (typeof input !== 'string') throw invalid('The URL is not a string')
  if (input.length > MAX_URL_LENGTH) throw invalid(`The URL is longer than ${MAX_URL_LENGTH} characters`)
  if (STRAY.test(input)) throw invalid('The URL holds a space, a control character or a backslash')

  let url: URL
  try {
    url = new URL(input)
  } catch {
    if (Number(TOO_HIGH_PORT.exec(input)?.[1] ?? 0) > 65535) throw badPort(policy)
    throw invalid('The URL cannot be parsed')
  }
  if (url.protocol !== 'https:' && !(policy.allowHttp && url.protocol === 'http:')) {
    throw new EndpointError('url_scheme', `The URL does not start with ${policy.allowHttp ? 'http' : 'https'}://`, {
      hint: policy.allowHttp ? 'use https:// or http://' : 'use https://',
      ...(url.protocol === 'http:' && { hostHint: FOR_DEVELOPMENT }),
    })
  }
  // https:example.com parses too, and is rather a slip of the pen.
  if (!/^https?:\/\//i.test(input)) throw invalid('The URL has no // after its scheme')
  if (url.username !== '' || url.password !== '') {
    throw new EndpointError('url_credentials', 'The URL holds a user name or a password', {
      hint: 'take them out: webhooks are signed, and a header can carry a token',
    })
  }
  if (input.includes('#')) {
    throw new EndpointError('url_fragment', 'The URL holds a fragment, which is never sent', {
      hint: 'take out the # and what follows it',
    })
  }
  checkHost(url.hostname, policy)
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  if (port === 0 || (policy.ports !== 'any' && !policy.ports.includes(port))) throw badPort(policy)
  return url
}

import { isIPv6 } from 'node:net'

/** Every code that an {@link Answer} without a status may carry, with the sentence that its endpoint's owner reads. */
const SENTENCES = {
  request_invalid: 'The request was not sent: its URL or one of its headers is not valid HTTP.',
  transport_closed: 'The request was not sent: the sender was shutting down.',
  sender_resources: 'The sender ran short of sockets or memory. Nothing is wrong with the endpoint.',
  address_blocked: 'The host leads to an address that webhooks may not be sent to. Point it at a public address.',
  dns_failed: 'The host name could not be resolved: its name servers gave no usable answer.',
  connect_timeout: 'No connection was made in time. Check that the host can be reached and that no firewall drops it.',
  connect_refused: 'The host refused the connection. Check that a server listens on this port.',
  connect_unreachable: 'No route leads to the host. Check its address in DNS.',
  tls_handshake: 'No TLS connection could be agreed on. Check that the port speaks TLS 1.2 or later.',
  tls_certificate_expired: "The server's certificate has expired. Renew it.",
  tls_certificate_not_yet_valid: "The server's certificate is not valid yet. Check its dates.",
  tls_certificate_name: "The server's certificate is not for this host name.",
  tls_certificate_untrusted:
    "The server's certificate is not signed by a known authority. Install the whole chain, intermediates included.",
  connection_reset: 'The connection was closed before a response came.',
  response_timeout: 'No response came in time. Answer first, and do the work afterwards.',
  response_malformed: 'The response is not valid HTTP/1.1, or is an interim one (100, 101) that nobody asked for.',
  response_headers_too_large: "The response's headers are larger than 16 KiB.",
  unknown_failure: 'The request failed for a reason that the sender does not know.',
} as const

/** A stable name for the reason why there is no status. It is stored with the attempt and shown to the customer. */
export type FailureCode = keyof typeof SENTENCES

/** Every {@link FailureCode}. */
export const FAILURE_CODES = Object.keys(SENTENCES) as readonly FailureCode[]

/**
 * A request that came to no status. `detail` is one sentence for the endpoint's owner: it never holds an address, a
 * header, a query string or a message of Node.js, which likes to print addresses.
 */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly detail: string
  constructor(code: FailureCode, detail: string = SENTENCES[code]) {
    super(detail)
    this.code = code
    this.detail = detail
  }
}

/** What undici, Node.js and OpenSSL call a failure, and what we call it. */
const CODES: ReadonlyMap<string, FailureCode> = new Map<string, FailureCode>([
  ['EADDRNOTAVAIL', 'sender_resources'], // out of ephemeral ports
  ['EMFILE', 'sender_resources'],
  ['ENFILE', 'sender_resources'],
  ['ENOBUFS', 'sender_resources'],
  ['ENOMEM', 'sender_resources'],

  ['ECONNREFUSED', 'connect_refused'],
  ['ETIMEDOUT', 'connect_timeout'],
  ['EHOSTDOWN', 'connect_unreachable'],
  ['EHOSTUNREACH', 'connect_unreachable'],
  ['ENETDOWN', 'connect_unreachable'],
  ['ENETUNREACH', 'connect_unreachable'],

  ['CERT_HAS_EXPIRED', 'tls_certificate_expired'],
  ['CERT_NOT_YET_VALID', 'tls_certificate_not_yet_valid'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_certificate_name'],
  ['HOSTNAME_MISMATCH', 'tls_certificate_name'],
  ['CERT_CHAIN_TOO_LONG', 'tls_certificate_untrusted'],
  ['CERT_REJECTED', 'tls_certificate_untrusted'],
  ['CERT_REVOKED', 'tls_certificate_untrusted'],
  ['CERT_SIGNATURE_FAILURE', 'tls_certificate_untrusted'],
  ['CERT_UNTRUSTED', 'tls_certificate_untrusted'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_certificate_untrusted'],
  ['INVALID_CA', 'tls_certificate_untrusted'],
  ['INVALID_PURPOSE', 'tls_certificate_untrusted'],
  ['PATH_LENGTH_EXCEEDED', 'tls_certificate_untrusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_certificate_untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'tls_certificate_untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls_certificate_untrusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_certificate_untrusted'],
  ['EPROTO', 'tls_handshake'],

  ['ECONNABORTED', 'connection_reset'],
  ['ECONNRESET', 'connection_reset'],
  ['EPIPE', 'connection_reset'],
  ['UND_ERR_SOCKET', 'connection_reset'],

  ['ERR_ASSERTION', 'response_malformed'], // undici asserts on a status below 100
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'response_malformed'],
  ['UND_ERR_HEADERS_OVERFLOW', 'response_headers_too_large'],
  ['UND_ERR_BODY_TIMEOUT', 'response_timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect_timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'response_timeout'],

  ['ERR_INVALID_URL', 'request_invalid'],
  ['UND_ERR_INVALID_ARG', 'request_invalid'],
  ['UND_ERR_NOT_SUPPORTED', 'request_invalid'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'request_invalid'],

  ['UND_ERR_CLOSED', 'transport_closed'],
  ['UND_ERR_DESTROYED', 'transport_closed'],
])

function codeOf(code: string, message: string, address: unknown): FailureCode {
  // Out of ports; but to IPv6 rather that this machine has no address there, which the owner can help by one in IPv4.
  if (code === 'EADDRNOTAVAIL' && isIPv6(String(address))) return 'connect_unreachable'
  // One code of undici for "the peer hung up" and for "the peer answered out of turn".
  if (code === 'UND_ERR_SOCKET' && message.startsWith('bad ')) return 'response_malformed'
  if (code.startsWith('ERR_SSL_')) return 'tls_handshake'
  return CODES.get(code) ?? 'unknown_failure'
}

/** What went wrong with a request, whatever was thrown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  const { code, message, name, address } = Object(error) as Readonly<Record<string, unknown>>
  // Most errors of undici's parser have no code at all.
  if (name === 'HTTPParserError') return new Failure('response_malformed')
  return new Failure(codeOf(String(code), String(message), address))
}

const DNS_DETAILS: ReadonlyMap<unknown, string> = new Map([
  ['ENODATA', 'The host name has no address in public DNS. Check its spelling and its DNS records.'],
  ['ENOTFOUND', 'The host name does not exist in public DNS. Check its spelling and its DNS records.'],
  ['ETIMEOUT', "The host name's name servers did not answer in time."],
])

/** No word on the name: c-ares says ECONNREFUSED where no name server took the question, and where it could make no socket. */
const UNASKED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'EMFILE', 'ENFILE', 'ENOMEM'])
const UNASKED_DETAIL = "The sender's own name servers could not be asked. Nothing is wrong with the endpoint."

/** What went wrong with a name. */
export function dnsFailure(error: unknown): Failure {
  const { code } = Object(error) as { code?: unknown }
  return UNASKED.has(code)
    ? new Failure('sender_resources', UNASKED_DETAIL)
    : new Failure('dns_failed', DNS_DETAILS.get(code))
}

/** What a certificate says of itself, as far as it could be read. */
export interface CertificateFacts {
  /** When it starts and stops to be valid, as OpenSSL prints it. */
  readonly validFrom?: string | undefined
  readonly validTo?: string | undefined
  /** `DNS:a.example, DNS:b.example`. */
  readonly subjectAltName?: string | undefined
}

/** An ISO 8601 day, or null: what a certificate says is the peer's word, and may be anything. */
function day(text: string | undefined): string | null {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? null : new Date(time).toISOString().slice(0, 10)
}

function names(subjectAltName: string | undefined): string | null {
  const found = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([\w*.-]{1,253})(?=, |$)/g)].map((match) => match[1])
  if (found.length === 0) return null
  return found.slice(0, 3).join(', ') + (found.length > 3 ? ' and others' : '')
}

/** What went wrong with a TLS handshake, with the date or the names that let the owner mend it. */
export function tlsFailure(error: unknown, certificate: CertificateFacts | undefined): Failure {
  const { code } = failureOf(error)
  if (code === 'tls_certificate_expired') {
    const on = day(certificate?.validTo)
    if (on !== null) return new Failure(code, `The server's certificate expired on ${on}. Renew it.`)
  }
  if (code === 'tls_certificate_not_yet_valid') {
    const from = day(certificate?.validFrom)
    if (from !== null) return new Failure(code, `The server's certificate is valid from ${from} on, and not before.`)
  }
  if (code === 'tls_certificate_name') {
    const known = names(certificate?.subjectAltName)
    if (known !== null) return new Failure(code, `The server's certificate is for ${known}, not for this host name.`)
  }
  // A peer that hangs up halfway has not agreed either.
  return new Failure(code.startsWith('tls_certificate_') ? code : 'tls_handshake')
}

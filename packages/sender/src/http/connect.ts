import { isIP, type LookupFunction, connect as openTcp, type Socket } from 'node:net'
import { connect as openTls, type SecureContext, type TLSSocket } from 'node:tls'
import type { Ms } from '@hooks/core'
import type { buildConnector } from 'undici'
import type { ResolvedAddress, Resolver } from '../seams.ts'
import type { AddressPolicy } from './addresses.ts'
import { type CertificateFacts, dnsFailure, Failure, failureOf, tlsFailure } from './failures.ts'

/** What a connection needs. */
export interface ConnectOptions {
  readonly resolver: Resolver
  readonly addresses: AddressPolicy
  /** How long DNS, TCP and TLS may take together. */
  readonly timeoutMs: Ms
  /** The authorities and the lowest TLS version. */
  readonly secureContext: SecureContext
}

/** Makes undici's connections. */
export interface Connector {
  readonly connect: buildConnector.connector
  /** Gives up the connections that are still being made. */
  abandon(): void
}

/**
 * How long one address of several is tried. Node.js aborts an attempt and never returns to it, and its default of
 * 250 ms makes hosts that are a slow round trip away unreachable (nodejs/node#54359).
 */
const ADDRESS_ATTEMPT_MS: Ms = 1000

/** TCP keep-alive probes after 60 s, as undici sets them. */
const KEEP_ALIVE_MS: Ms = 60_000

const TLS_LATE = 'The host took the connection, but no TLS connection was agreed on in time.'

interface Pinned {
  readonly address: string
  readonly family: number
}

/** The addresses of a host, all of them judged. One blocked address refuses them all: mixed answers are an attack. */
async function addressesOf(host: string, options: ConnectOptions, signal: AbortSignal): Promise<Pinned[]> {
  // net.connect() never calls `lookup` for a literal, so a guard inside `lookup` would not see it.
  const literal = isIP(host)
  const found = literal !== 0 ? [{ address: host }] : await resolve(host, options.resolver, signal)
  if (found.length === 0) throw dnsFailure(undefined)
  if (!found.every(({ address }) => options.addresses.allows(address))) throw new Failure('address_blocked')
  return found.map(({ address }) => ({ address, family: isIP(address) }))
}

async function resolve(host: string, resolver: Resolver, signal: AbortSignal): Promise<readonly ResolvedAddress[]> {
  try {
    return await resolver.resolve(host, signal)
  } catch (error) {
    throw dnsFailure(error)
  }
}

/** Answers with what was judged, so that no second look-up can say otherwise. */
function lookupOf(pinned: readonly Pinned[]): LookupFunction {
  return (_host, options, done) => {
    const [first] = pinned
    queueMicrotask(() => {
      if (options.all === true) done(null, [...pinned])
      else done(null, first?.address ?? '', first?.family)
    })
  }
}

function factsOf(socket: TLSSocket): CertificateFacts {
  const { valid_from, valid_to, subjectaltname } = socket.getPeerCertificate()
  return { validFrom: valid_from, validTo: valid_to, subjectAltName: subjectaltname }
}

/**
 * The connector of the guarded agent: it resolves, judges, connects to what it judged, and looks once more at what
 * it reached. No TLS session is resumed, because a resumed one skips the check of the certificate's name.
 */
export function createConnector(options: ConnectOptions): Connector {
  const dialling = new Set<() => void>()

  const connect: buildConnector.connector = (target, callback) => {
    const secure = target.protocol === 'https:'
    const cancel = new AbortController()
    let socket: Socket | undefined
    let certificate: CertificateFacts | undefined
    let reached = false
    let over = false

    const fail = (error: Failure) => {
      if (over) return
      over = true
      settle()
      cancel.abort()
      socket?.destroy()
      // undici takes codes of its own (UND_ERR_SOCKET, UND_ERR_INFO) for "try again", for ever. Ours it does not know.
      callback(error, null)
    }
    const done = (made: Socket) => {
      if (over) return
      over = true
      settle()
      // At once: a socket that dies between this event and the callback would make undici connect again, for ever.
      callback(null, made)
    }
    const settle = () => {
      clearTimeout(timer)
      dialling.delete(abandon)
    }
    const abandon = () => fail(new Failure('transport_closed'))
    const late = () => {
      if (socket === undefined) fail(dnsFailure({ code: 'ETIMEOUT' }))
      else fail(reached ? new Failure('connect_timeout', TLS_LATE) : new Failure('connect_timeout'))
    }
    const timer = setTimeout(late, options.timeoutMs)
    // The request's deadline keeps the process alive. A connection that nobody waits for should not.
    timer.unref()
    dialling.add(abandon)

    const open = (pinned: Pinned[]) => {
      if (over) return
      const common = {
        host: target.hostname,
        port: Number(target.port) || (secure ? 443 : 80),
        lookup: lookupOf(pinned),
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
      }
      const made = secure
        ? openTls({
            ...common,
            secureContext: options.secureContext,
            rejectUnauthorized: true, // not the default where NODE_TLS_REJECT_UNAUTHORIZED=0 is set
            ALPNProtocols: ['http/1.1'],
            ...(isIP(target.hostname) === 0 ? { servername: target.hostname } : {}),
          })
        : openTcp(common)
      socket = made
      made
        .setNoDelay(true)
        .setKeepAlive(true, KEEP_ALIVE_MS)
        // It stays on: without a listener, an error after the timeout would end the process.
        .on('error', (error) => fail(reached && secure ? tlsFailure(error, certificate) : failureOf(error)))
        .once('connect', () => {
          reached = true
          const { remoteAddress } = made
          if (remoteAddress === undefined) fail(new Failure('connection_reset'))
          else if (!options.addresses.allows(remoteAddress)) fail(new Failure('address_blocked'))
          else if (!secure) done(made)
        })
      if (!secure) return
      // Before Node.js judges the certificate, because a refused one is gone by the time of the error. Its X.509 form
      // must not be asked for: in Node.js 20 the judgement that follows then finds no names.
      made.prependOnceListener('secure', () => {
        certificate = factsOf(made as TLSSocket)
      })
      made.once('secureConnect', () => done(made))
    }

    addressesOf(target.hostname, options, cancel.signal)
      .then(open)
      .catch((error) => fail(failureOf(error)))
  }

  return {
    connect: (target, callback) => {
      if (target.socketPath == null && target.httpSocket === undefined) connect(target, callback)
      else queueMicrotask(() => callback(new Failure('address_blocked'), null))
    },
    abandon() {
      for (const give of [...dialling]) give()
    },
  }
}

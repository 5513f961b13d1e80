import { createSecureContext, rootCertificates } from 'node:tls'
import { type Clock, type Ms, systemClock } from '@hooks/core'
import { Agent } from 'undici'
import type { Answer, Resolver, Transport } from '../seams.ts'
import { type AddressPolicy, createAddressPolicy } from './addresses.ts'
import { createConnector } from './connect.ts'
import { Deadlines } from './deadlines.ts'
import { Exchange } from './exchange.ts'
import { Failure } from './failures.ts'
import { createResolver } from './resolver.ts'

/** How requests are sent. Everything has a default. */
export interface TransportOptions {
  /** Measures durations. Timers are those of Node.js. Default: the machine's clock. */
  readonly clock?: Clock | undefined
  /** Default: {@link createResolver} with its defaults. */
  readonly resolver?: Resolver | undefined
  /** Where requests may go. Default: the public internet. */
  readonly addresses?: AddressPolicy | undefined
  /** How long DNS, TCP and TLS may take together. Default: 5,000 ms. */
  readonly connectTimeoutMs?: Ms | undefined
  /** How much of a response's body is kept. Default: 16 KiB. */
  readonly bodyCapBytes?: number | undefined
  /** How long after the status line a body is read, the request's deadline permitting. Default: 2,000 ms. */
  readonly bodyWindowMs?: Ms | undefined
  /** Certificates, in PEM, of authorities to trust beside those that Node.js brings. Default: none. */
  readonly ca?: readonly string[] | undefined
}

/** The most that a response's status line and headers may hold, in bytes. */
const MAX_HEADER_BYTES = 16_384

/**
 * How long an idle connection is kept where its server names no time. One that the server closes as it is used again costs an
 * attempt, for a POST is not repeated unasked: some servers close after 2 s (gunicorn) or 5 s (uvicorn), and do not say so.
 */
const KEEP_ALIVE_MS: Ms = 1_000

/** The longest that a receiver's `keep-alive: timeout=`, less 2 s for the way, can ask for; undici would grant ten minutes. */
const KEEP_ALIVE_MAX_MS: Ms = 10_000

/**
 * The guarded HTTP client. It connects to addresses that the policy allows and to nothing else, follows no redirect,
 * reads no proxy from the environment, keeps no cookie, inflates nothing, and verifies every certificate.
 *
 * `send` never rejects. It answers at the status line's word: once a status is parsed, a body that is late, broken or
 * endless is cut and marked as truncated.
 */
export function createTransport(options: TransportOptions = {}): Transport {
  const { clock = systemClock, bodyCapBytes = 16 * 1024, bodyWindowMs = 2_000, ca } = options
  const connector = createConnector({
    resolver: options.resolver ?? createResolver(),
    addresses: options.addresses ?? createAddressPolicy(),
    timeoutMs: options.connectTimeoutMs ?? 5_000,
    secureContext: createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ...ca] }),
    }),
  })
  const agent = new Agent({
    connect: connector.connect,
    connections: null, // as many as it takes: a request queued behind a hung one would miss its deadline unsent
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    // headersTimeout and bodyTimeout stay at undici's 300 s: they are late by up to half a second, interim responses
    // and single bytes put them off, and every request has a deadline of its own.
  })
  const limits = { bodyCapBytes, bodyWindowMs }
  const deadlines = new Deadlines()
  let inFlight = 0
  let closing: Promise<void> | undefined
  let emptied: (() => void) | undefined

  return {
    send: (request) =>
      new Promise<Answer>((resolve) => {
        if (closing !== undefined) {
          const { code, detail } = new Failure('transport_closed')
          return resolve({ error: code, detail, ms: 0, sent: false })
        }
        inFlight += 1
        const finish = (answer: Answer) => {
          inFlight -= 1
          resolve(answer)
          if (inFlight === 0) emptied?.()
        }
        new Exchange(clock, deadlines, limits, finish).begin(agent, request)
      }),
    close() {
      closing ??= (async () => {
        if (inFlight > 0) {
          await new Promise<void>((resolve) => {
            emptied = resolve
          })
        }
        deadlines.close()
        connector.abandon()
        await agent.destroy()
      })()
      return closing
    },
  }
}

import type { Bytes, Clock, Ms } from '@hooks/core'
import type { Dispatcher } from 'undici'
import type { Answer, TransportRequest } from '../seams.ts'
import type { Deadlines, Expiring } from './deadlines.ts'
import { FRAMING_HEADERS, HEADER_NAME, HEADER_VALUE } from './endpoint-headers.ts'
import { Failure, failureOf } from './failures.ts'
import { keepHeaders } from './response-headers.ts'

/** How much of a response's body is read. */
export interface BodyLimits {
  /** In bytes. */
  readonly bodyCapBytes: number
  /** How long after the status line. The request's deadline may cut it shorter. */
  readonly bodyWindowMs: Ms
}

const NOTHING: Bytes = new Uint8Array(0)

/**
 * Interim responses (1xx) before the one that counts: twice what Go's client takes. Each may have as many headers as an answer,
 * and costs as much work; a flood of them would keep the process busy until the deadline.
 */
const MOST_INTERIM = 10
const FLOOD = `More than ${MOST_INTERIM} interim responses (1xx) came, and no answer.`

/** Why undici is told to drop a request that has been answered already. Nobody reads it. */
const ANSWERED = new Failure('unknown_failure')

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(headers)) {
    const value: unknown = headers[name]
    if (typeof value !== 'string' || !HEADER_VALUE.test(value) || !HEADER_NAME.test(name)) {
      throw new Failure('request_invalid')
    }
    if (FRAMING_HEADERS.has(name.toLowerCase())) throw new Failure('request_invalid')
  }
}

/**
 * One request from dispatch to answer. It is undici's handler itself, rather than a caller of `agent.request()`,
 * because that gives every response a stream, and because an abort signal of undici waits for DNS.
 *
 * Whatever comes first wins, once: an error, the deadline, or the end of what is kept of the response. A status
 * that was parsed is never taken back.
 */
export class Exchange implements Dispatcher.DispatchHandler, Expiring {
  slot = -1
  endsAt: Ms = 0
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #limits: BodyLimits
  readonly #finish: (answer: Answer) => void
  readonly #startedAt: Ms
  #deadline: Ms = 0
  #over = false
  /** There once the request is about to be written: from then on bytes of it may have left. */
  #controller: Dispatcher.DispatchController | undefined
  #interim = 0
  #status = 0
  #ms: Ms = 0
  #headers: Record<string, string> | undefined
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor(clock: Clock, deadlines: Deadlines, limits: BodyLimits, finish: (answer: Answer) => void) {
    this.#clock = clock
    this.#deadlines = deadlines
    this.#limits = limits
    this.#finish = finish
    this.#startedAt = clock.monotonic()
  }

  /** Sends `request` through `agent`. It never throws: whatever happens is an answer. */
  begin(agent: Dispatcher, request: TransportRequest): void {
    try {
      const { url, headers, body, deadline } = request
      const left = deadline - this.#startedAt
      if (Number.isNaN(left)) throw new Failure('request_invalid')
      if (left <= 0) throw new Failure('connect_timeout')
      checkHeaders(headers)
      this.#deadline = deadline
      this.#deadlines.set(this, left)
      const path = url.pathname + url.search
      agent.dispatch({ origin: url.origin, path, method: 'POST', headers, body }, this)
    } catch (error) {
      this.#fail(error instanceof Failure ? error : new Failure('request_invalid'))
    }
  }

  /** undici is about to write the request. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over) controller.abort(ANSWERED)
    else this.#controller = controller
  }

  /** A status line and its headers; several times where there are interim responses. */
  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (this.#over) return
    if (status < 200) {
      if (++this.#interim > MOST_INTERIM) this.#giveUp(new Failure('response_malformed', FLOOD))
      return
    }
    const now = this.#clock.monotonic()
    this.#status = status
    this.#ms = now - this.#startedAt
    this.#headers = keepHeaders(headers)
    const { bodyWindowMs } = this.#limits
    if (bodyWindowMs < this.#deadline - now) this.#deadlines.set(this, bodyWindowMs)
  }

  /** Some bytes of the body. */
  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#over) return
    const room = this.#limits.bodyCapBytes - this.#size
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
    this.#size += Math.min(chunk.length, room)
    if (chunk.length > room) this.#cut()
  }

  /** The whole response has come. */
  onResponseEnd(): void {
    if (!this.#over) this.#answer(false)
  }

  /** The request failed, or broke off after its status line. */
  onResponseError(_controller: unknown, error: Error): void {
    if (this.#over) return
    if (this.#status > 0) {
      this.#answer(true)
      return
    }
    const failure = failureOf(error)
    // An established connection dies of ETIMEDOUT or EHOSTUNREACH too, and is then no connection that was not made.
    const lost = this.#controller !== undefined && failure.code.startsWith('connect_')
    this.#fail(lost ? new Failure('connection_reset') : failure)
  }

  /** The deadline, or the end of what is read of the body. */
  expire(): void {
    if (this.#status > 0) this.#cut()
    else this.#giveUp(new Failure(this.#controller === undefined ? 'connect_timeout' : 'response_timeout'))
  }

  #giveUp(failure: Failure): void {
    this.#fail(failure)
    this.#controller?.abort(ANSWERED)
  }

  /** Answers with what has come so far, and closes the connection, for the rest would still arrive on it. */
  #cut(): void {
    this.#answer(true)
    this.#controller?.abort(ANSWERED)
  }

  #answer(truncated: boolean): void {
    this.#end({
      status: this.#status,
      headers: this.#headers ?? {},
      body: this.#chunks.length > 1 ? Buffer.concat(this.#chunks, this.#size) : (this.#chunks[0] ?? NOTHING),
      truncated,
      ms: this.#ms,
      sent: true,
    })
  }

  #fail({ code, detail }: Failure): void {
    const ms = this.#clock.monotonic() - this.#startedAt
    this.#end({ error: code, detail, ms, sent: this.#controller !== undefined })
  }

  #end(answer: Answer): void {
    if (this.#over) return
    this.#over = true
    this.#deadlines.clear(this)
    this.#finish(answer)
  }
}

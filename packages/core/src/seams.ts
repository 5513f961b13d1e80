/**
 * The one file of this package that touches time, chance and the console. Everything else takes a
 * {@link Clock}, a {@link Random} and a {@link Logger}, so that a test can play three days of retries in
 * milliseconds and repeat any run from its seed.
 */

/** A duration in milliseconds. */
export type Ms = number
/** Raw bytes. A Node.js `Buffer` is one. */
export type Bytes = Uint8Array
/** A value that may be there already: a synchronous implementation never costs a turn of the event loop. */
export type MaybePromise<T> = T | Promise<T>

/** Time. `now` is the wall clock, for stamps; `monotonic` never jumps, for durations. */
export interface Clock {
  now(): Date
  /** Milliseconds since an arbitrary start. It never goes back. */
  monotonic(): Ms
  /** Resolves after `ms`, or as soon as `signal` aborts. It never rejects. */
  sleep(ms: Ms, signal?: AbortSignal): Promise<void>
  /** Resolves when what is ready to run has run: for work that goes better in groups. Without it, nothing is waited for. */
  turn?(): Promise<void>
}

/** Chance. */
export interface Random {
  /** `n` bytes fit for keys and ids. */
  bytes(n: number): Bytes
  /** A number from 0 (included) to 1 (excluded), for jitter. */
  float(): number
}

/** The structural part of pino's logger that the packages use: fields first, message second. */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}

/** What a sender or a receiver can be given in place of the real world. */
export interface Seams {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** A timer of 2^31 ms or more fires after 1 ms in Node.js, so a long sleep is cut into shorter ones. */
const LONGEST_TIMER: Ms = 1_073_741_824

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = performance.now() + ms
      let timer: ReturnType<typeof setTimeout>
      const look = () => {
        clearTimeout(timer)
        const left = signal?.aborted ? 0 : end - performance.now()
        if (left > 0) {
          timer = setTimeout(look, Math.min(Math.ceil(left), LONGEST_TIMER))
        } else {
          signal?.removeEventListener('abort', look)
          resolve()
        }
      }
      signal?.addEventListener('abort', look)
      look()
    }),
}

/** One call for very many ids costs as much as one for one. Keys are longer, and never come from here. */
const pool = /* @__PURE__ */ new Uint8Array(4096)
let pooled = 0

function fromPool(n: number): Bytes {
  if (pooled < n) {
    crypto.getRandomValues(pool)
    pooled = pool.length
  }
  const bytes = pool.slice(pooled - n, pooled)
  pool.fill(0, pooled - n, pooled)
  pooled -= n
  return bytes
}

/** The platform's cryptographic random source. */
export const systemRandom: Random = {
  bytes: (n) => (n <= 16 ? fromPool(n) : crypto.getRandomValues(new Uint8Array(n))),
  float: () => Math.random(),
}

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Warnings and errors to the console, one line each. The default. */
export const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => console.warn(message ?? '', fields),
  error: (fields, message) => console.error(message ?? '', fields),
}

import { HooksError, type Ms, type Reply } from '@hooks/core'

/** What became of a message, with the error where that is a failure. */
export interface Run {
  readonly outcome: string
  readonly error?: unknown
  /** When to come again, where that is said: by default after a lease. */
  readonly retryInMs?: Ms | undefined
  /** The provider's own answer; null where it is not asked for one. */
  readonly reply?: Reply | null
}

/** What became of one request, or of one attempt in the background. */
export interface Outcome {
  /** `handled`, `duplicate`, `signature_mismatch`, ...: what the answer has as its `outcome`. */
  readonly code: string
  readonly type: string | undefined
  /** The id on the wire. Undefined for what was not proved. */
  readonly id: string | undefined
  /** Which secret fitted. */
  readonly keyId: string | undefined
  /** From the request's arrival to its answer. */
  readonly ms: Ms
}

/** What the handler of a message is given by whoever runs it. */
export interface Given {
  readonly attempt: number
  /** Made at the first call: it costs as much as a verification, and few look at it. */
  readonly signal: () => AbortSignal
  readonly extendLease: (ms?: Ms) => Promise<boolean>
  readonly tx?: unknown
}

/** The work of one message. */
export type Work = (given: Given) => unknown

/** Runs the work. It never rejects: what the work throws is in the outcome. */
export async function runWork(work: Work, given: Given): Promise<Run> {
  try {
    await work(given)
    return { outcome: 'handled' }
  } catch (error) {
    return failureOf(error)
  }
}

/** What a handler's failure means: two errors are messages to us, and any other is its own affair, ours too. */
export function failureOf(error: unknown): Run {
  const { code, retryInMs } = error instanceof HooksError ? (error as HooksError & Run) : { code: '' }
  return { outcome: /^(retry_later|discarded)$/.test(code) ? code : 'handler_failed', error, retryInMs }
}

/** What an error around the work means: what is none of ours comes from one of the host's functions. */
export const failed = (error: unknown): Run => ({
  outcome: error instanceof HooksError ? error.code : 'handler_failed',
  error,
  reply: null,
})

/** Whether nothing is left to do. */
export const isOver = ({ outcome }: Run): boolean => outcome === 'handled' || outcome === 'discarded'

/** For work under no lease: nobody else may have the message. */
export const unheld = (attempt = 1): Given => ({
  attempt,
  signal: () => new AbortController().signal,
  extendLease: async () => true,
})

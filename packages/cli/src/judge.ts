import { isHooksError, silentLogger } from '@hooks/core'
import { createReceiver, explainMismatch, type VerifiedMessage } from '@hooks/receiver'
import type { Io } from './io.ts'
import type { GivenRequest } from './request-text.ts'
import { type Subject, secretOf } from './subject.ts'

/** What is to be said of a request. */
export type Judgement =
  | { readonly ok: true; readonly message: VerifiedMessage<string, unknown> }
  | { readonly ok: false; readonly code: string; readonly text: string; readonly reasons: readonly string[] }

const AGES = 100 * 365 * 86_400_000

/**
 * Judges requests as a receiver does. Why no signature fits is found by trying what people usually do wrong.
 *
 * @param anyTime whether a request that was kept counts as one that is on time
 * @throws ConfigurationError `secret_*`
 */
export function createJudge(subject: Subject, io: Io, anyTime = false): (given: GivenRequest) => Promise<Judgement> {
  let reasons: readonly string[] = []
  const receiver = createReceiver({
    format: subject.format,
    ...(subject.contract && subject.contract.format === subject.format && { events: subject.contract.events }),
    secret: secretOf(subject),
    clock: io.clock,
    // The explanation tells its logger.
    logger: { ...silentLogger, warn: (facts) => void (reasons = (facts as { reasons?: string[] }).reasons ?? []) },
    explain: explainMismatch,
    ...(anyTime && { maxAge: AGES, maxFuture: AGES }),
  })
  return async (given) => {
    reasons = []
    try {
      const message = await receiver.verify(given)
      return { ok: true, message: message as VerifiedMessage<string, unknown> }
    } catch (error) {
      if (!isHooksError(error)) throw error
      const text = error.hint ? `${error.message}. ${error.hint}` : error.message
      return { ok: false, code: error.code, text, reasons }
    }
  }
}

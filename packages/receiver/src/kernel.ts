import type { Answers, Clock, CryptoBackend, InboundFormat, Logger, Ms, RawRequest } from '@hooks/core'
import type { Explain } from './explain.ts'
import type { Handler } from './handlers.ts'
import type { Proved } from './request.ts'
import type { Outcome, Work } from './run.ts'
import type { SecretSource } from './secrets.ts'

/** What a receiver is made of, for the parts of it that are loaded on demand, or that its user brings. */
export interface Kernel {
  readonly format: InboundFormat
  readonly answers: Answers
  readonly onOutcome?: (outcome: Outcome) => void
  readonly leaseMs: Ms
  readonly keepMs: Ms
  /** How long a signed time is good, from the earliest to the latest moment; 0 where none is signed. */
  readonly goodMs: Ms
  readonly clock: Clock
  /** The host's own. */
  readonly logger?: Logger
  readonly crypto: CryptoBackend
  readonly explain?: Explain | false
  readonly secret: SecretSource | undefined
  readonly source?: string | ((request: RawRequest) => string)
  handlerOf(type: string): Handler | undefined
  /** The work of a message that has a handler. @throws PayloadError `payload_invalid` */
  prepare(proved: Proved, handler: Handler): Promise<Work>
}

import { ConfigurationError, HooksError, type Ms } from '@hooks/core'

/**
 * Thrown by a handler that cannot do the work now: the answer is a 500 with `Retry-After`, and the message is free for
 * the sender's next attempt. In the background the work waits for as long, and that was one of its attempts: short waits use
 * them up sooner than its schedule does.
 *
 * @throws ConfigurationError `option_invalid` where `seconds` is no time to wait
 */
export class RetryLater extends HooksError<'retry_later'> {
  protected static override readonly brand = 'RetryLater'
  readonly retryInMs: Ms
  constructor(seconds: number, message?: string) {
    super('retry_later', message)
    this.retryInMs = seconds * 1000
    if (!(seconds >= 0 && seconds < Infinity)) {
      throw new ConfigurationError('option_invalid', 'RetryLater takes a number of seconds')
    }
  }
}

/**
 * Thrown by a handler for a message that is not worth another try: it counts as done, the answer is a 200, and `reason`
 * is logged, so keep secrets out of it. In a transaction, what the handler wrote before is committed.
 */
export class Discard extends HooksError<'discarded'> {
  protected static override readonly brand = 'Discard'
  constructor(reason: string) {
    super('discarded', reason)
  }
}

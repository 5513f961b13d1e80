import { ConfigurationError, type MaybePromise } from '@hooks/core'

/**
 * Plays `steps` to their end and hands their result to `finish`: at once as long as no step is a promise, so that it can
 * run in a transaction that is over when its callback returns.
 *
 * @throws ConfigurationError `tx_unsupported` where `synchronous` and a step is a promise
 */
export function drive<Result>(
  steps: Generator<unknown, Result, unknown>,
  synchronous: boolean,
  finish: (result: Result) => void,
): MaybePromise<void> {
  const goOn = ({ done, value }: IteratorResult<unknown, Result>): MaybePromise<void> => {
    if (done) return finish(value)
    const pending = value as Promise<unknown> | undefined
    if (typeof pending?.then !== 'function') return goOn(steps.next(value))
    if (!synchronous) return Promise.resolve(pending).then(steps.next.bind(steps), steps.throw.bind(steps)).then(goOn)
    pending.then(undefined, () => {})
    throw new ConfigurationError('tx_unsupported', 'the handler gave a promise inside a synchronous transaction', {
      hint: 'let it do its work before it returns, or leave out `transaction`',
    })
  }
  return goOn(steps.next())
}

import { ConfigurationError } from '@hooks/core'

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
): void | Promise<void> {
  for (let step = steps.next(); ; step = steps.next(step.value)) {
    if (step.done) return finish(step.value)
    if (!isPromise(step.value)) continue
    if (!synchronous) return driveLater(steps, step.value, finish)
    step.value.then(undefined, () => {})
    throw new ConfigurationError('tx_unsupported', 'the handler gave a promise inside a synchronous transaction', {
      hint: 'let it do its work before it returns, or leave out `transaction`',
    })
  }
}

async function driveLater<Result>(
  steps: Generator<unknown, Result, unknown>,
  pending: PromiseLike<unknown>,
  finish: (result: Result) => void,
): Promise<void> {
  for (let value: unknown = pending; ; ) {
    const step = await settle(steps, value)
    if (step.done) return finish(step.value)
    value = step.value
  }
}

async function settle<Result>(steps: Generator<unknown, Result, unknown>, value: unknown) {
  let given: unknown
  try {
    given = await value
  } catch (error) {
    return steps.throw(error)
  }
  return steps.next(given)
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

import type { MaybePromise } from '@hooks/core'

/** What follows a step, at once where that gave no promise: a synchronous transaction cannot wait, and a turn costs time. */
export function after<A, B>(step: MaybePromise<A>, next: (result: A) => MaybePromise<B>): MaybePromise<B> {
  return step instanceof Promise ? step.then(next) : next(step)
}

import type { MaybePromise } from '@hooks/core'

/** What follows a step, at once where that gave no promise: a synchronous transaction cannot wait, and a turn costs time. */
export function after<A, B>(step: MaybePromise<A>, next: (result: A) => MaybePromise<B>): MaybePromise<B> {
  // By what it does: a store may be written with a library whose promises are of a class, or of a realm, of their own.
  const isPromise = typeof (step as Promise<A> | undefined)?.then === 'function'
  return isPromise ? Promise.resolve(step).then(next) : next(step as A)
}

import type { Bytes, Logger, Ms } from '@hooks/core'
import type { VerifiedMessage } from './request.ts'

/** What a handler gets beside the message. */
export interface HandlerContext<Tx = unknown> {
  /** The message's id on the wire, where it has one. */
  readonly id: string | undefined
  /** With a store, how often this message was tried here, this time included; else the sender's count, or 1. */
  readonly attempt: number
  /** When this attempt was sent, where the wire says it. Believe it where the format signs it. */
  readonly timestamp: Date | undefined
  /** Which secret fitted: its index, `'0'` for the first. */
  readonly keyId: string
  /** The bytes of the body, as they came. */
  readonly rawBody: Bytes
  /** Aborts when the lease is lost: another process may have the message now. In the background, at the lease's end. */
  readonly signal: AbortSignal
  readonly log: Logger
  /**
   * Holds the message for `ms` from now, `leaseMs` by default. The lease is extended by itself while the event loop
   * turns: call this before work that blocks it. False where the lease is lost. In the background the lease is fixed.
   */
  extendLease(ms?: Ms): Promise<boolean>
  /** With the option `transaction`, the host's own transaction: what is written in it commits with the completion. */
  readonly tx: Tx
}

/**
 * Does the work of one message. The answer waits for it: what it throws or rejects with makes the sender try again
 * (`RetryLater` says when, `Discard` says never). With a store it runs to completion once; after a crash or a lost lease
 * it runs again.
 */
export type Handler<Message = VerifiedMessage, Tx = unknown> = (
  message: Message,
  context: HandlerContext<Tx>,
) => unknown

/** By event type, its message: what a handler of several types tells apart by `type`. */
type ByType<Messages> = { readonly [T in keyof Messages & string]: VerifiedMessage<T, Messages[T]> }

/** The types of a catalog that a name of {@link Receiver.on} covers. */
type Covered<Types extends string, Name extends string> = string extends Types
  ? string
  : Name extends '*'
    ? Types
    : Name extends `${infer Prefix}.*`
      ? Extract<Types, `${Prefix}.${string}`>
      : Extract<Types, Name>

/** The message that the handler of a name gets: a union on `type` where the name covers several. */
export type MessageOf<Messages, Name extends string> = string extends keyof Messages
  ? VerifiedMessage<Name extends `${string}*` ? string : Name, Messages[keyof Messages]>
  : ByType<Messages>[Covered<keyof Messages & string, Name>]

/** The prefixes of a type: `booking.payment.failed` gives `booking.*` and `booking.payment.*`. */
type Prefixes<Type extends string, Before extends string = ''> = Type extends `${infer Head}.${infer Rest}`
  ? `${Before}${Head}.*` | Prefixes<Rest, `${Before}${Head}.`>
  : never

/** What {@link Receiver.on} takes: an event type, `prefix.*`, or `*`. */
export type HandlerName<Messages> = string extends keyof Messages
  ? string
  : (keyof Messages & string) | Prefixes<keyof Messages & string> | '*'

/** Handlers by name. The nearest one has a type: its own, then by prefix from the longest, then `*`. */
export function handlerFor<H>(handlers: ReadonlyMap<string, H>, type: string): H | undefined {
  let found = handlers.get(type)
  for (let end = type.length; !found && end > 0; ) {
    end = type.lastIndexOf('.', end - 1)
    found = handlers.get(end > 0 ? `${type.slice(0, end)}.*` : '*')
  }
  return found
}

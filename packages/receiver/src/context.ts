import { consoleLogger, type Logger } from '@hooks/core'
import type { HandlerContext } from './handlers.ts'
import type { VerifiedMessage } from './request.ts'
import type { Given } from './run.ts'

/**
 * What a handler gets beside its message. A class, because the engine keeps an object with a getter of its own, and the
 * message with it, until the next full collection.
 */
export class Context implements HandlerContext {
  declare readonly id: HandlerContext['id']
  declare readonly attempt: HandlerContext['attempt']
  declare readonly timestamp: HandlerContext['timestamp']
  declare readonly keyId: HandlerContext['keyId']
  declare readonly rawBody: HandlerContext['rawBody']
  declare readonly log: HandlerContext['log']
  declare readonly extendLease: HandlerContext['extendLease']
  declare readonly tx: HandlerContext['tx']
  readonly #signal

  constructor(message: VerifiedMessage, given: Given, logger: Logger = consoleLogger) {
    this.id = message.id
    this.attempt = given.attempt
    this.timestamp = message.sentAt
    this.keyId = message.keyId
    this.rawBody = message.body
    this.log = logger
    this.extendLease = given.extendLease
    this.tx = given.tx
    this.#signal = given.signal
  }
  get signal() {
    return this.#signal()
  }
}

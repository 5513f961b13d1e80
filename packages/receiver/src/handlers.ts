import { type Logger, PayloadError, payloadIssues, type StandardSchema } from '@hooks/core'
import type { VerifiedMessage } from './request.ts'

/** What a handler gets beside the message. */
export interface HandlerContext {
  /** The message's id on the wire, where it has one. */
  readonly id: string | undefined
  /** With an idempotency store, how often this message was tried here, this time included; else the sender's count, or 1. */
  readonly attempt: number
  /** Aborts when the lease is lost: another process may have the message now. */
  readonly signal: AbortSignal
  /** Which secret fitted: its index, `'0'` for the first. */
  readonly keyId: string
  readonly log: Logger
}

/**
 * Does the work of one message. The answer waits for it: what it throws or rejects with makes the sender try again.
 * With an idempotency store it runs to completion once; after a crash or a lost lease it runs again.
 */
export type Handler<Type extends string = string, Data = unknown> = (
  message: VerifiedMessage<Type, Data>,
  context: HandlerContext,
) => unknown

/** The data as its schema gives it. @throws PayloadError `payload_invalid` */
export async function parseData(schema: StandardSchema | undefined, data: unknown): Promise<unknown> {
  if (!schema) return data
  const result = await schema['~standard'].validate(data)
  if (!result.issues) return result.value
  throw new PayloadError('payload_invalid', 'the data does not fit its schema', {
    issues: payloadIssues(result.issues),
  })
}

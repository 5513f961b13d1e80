import type { ApiOperation, Logger, MaybePromise } from '@hooks/core'
import type { Access } from './access.ts'
import type { Match } from './routes.ts'

/** A call that changed something, sent something or showed a secret. */
export interface AuditEntry {
  readonly operation: ApiOperation
  /** Empty for what is done for all of them. */
  readonly tenant: string
  /** The id in its path: of an endpoint, a delivery or a job; null for a creation. */
  readonly id: string | null
  /** As `authorize`, or a portal link, has it. */
  readonly user: string | null
}

/** Hears of every call that did more than look, once it has succeeded. */
export type Audit = (entry: AuditEntry) => MaybePromise<void>

/** Tells of a call. What is done is done: a failure to write it down is logged, and undoes nothing. */
export async function tell(
  audit: Audit | undefined,
  { operation, id }: Match,
  tenant: string,
  { user }: Access,
  logger: Logger,
): Promise<void> {
  try {
    await audit?.({ operation, tenant, id: id === '' ? null : id, user: user ?? null })
  } catch (error) {
    logger.error({ err: error, operation }, 'hooks: a call to the management API could not be audited')
  }
}

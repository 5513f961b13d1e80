import type { AttemptReport, DeliveryOutcome } from '@hooks/core'
import type { Session } from './session.ts'
import { FAIL, SUCCEED } from './sql/lanes.ts'
import type { Epoch } from './time.ts'

/** Whether it says something of the endpoint: a person asked for no more than one try, and what could not be made asked nobody. */
const isFailure = (attempt: AttemptReport | undefined): boolean =>
  attempt?.trigger === 'schedule' && attempt.error !== 'request_invalid'

/** What the lanes learn of the settlements of one call, in their order. */
export function createHealth() {
  const succeeded = new Set<string>()
  const failures = new Map<string, { failed: number; exhausted: number }>()
  return {
    learn(endpointId: string, { result, attempt }: DeliveryOutcome): void {
      if (result === 'delivered') {
        succeeded.add(endpointId)
        failures.delete(endpointId)
      } else if (isFailure(attempt) && (result === 'retry' || result === 'failed')) {
        const before = failures.get(endpointId) ?? { failed: 0, exhausted: 0 }
        const exhausted = before.exhausted + Number(result === 'failed')
        failures.set(endpointId, { failed: before.failed + 1, exhausted })
      }
    },
    write(db: Session, now: Epoch): void {
      if (succeeded.size > 0) db.run(SUCCEED, JSON.stringify([...succeeded]))
      if (failures.size === 0) return
      const rows = [...failures].map(([endpointId, { failed, exhausted }]) => [endpointId, failed, exhausted])
      db.run(FAIL, now, now, JSON.stringify(rows))
    },
  }
}

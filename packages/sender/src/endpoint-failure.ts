import type { DeliveryOutcome } from '@hooks/core'

/**
 * What counts as a failure of the endpoint. A request that could not even be made is a mistake on this side: a deploy that
 * breaks a format or a template must not disable the endpoints of every customer.
 */
export function isFailure({ result, attempt }: DeliveryOutcome): boolean {
  if (result !== 'retry' && result !== 'failed') return false
  return attempt?.trigger === 'schedule' && attempt.error !== 'request_invalid'
}

import type { Contract } from '@hooks/core'
import { resolvePolicy } from '@hooks/sender'
import type { JsonSchema } from './json-schema.ts'
import { english } from './words/english.ts'

/** 4xx that do not end the attempts where others do. */
const PASSING = ['408', '409', '425', '429']

/** What the answers of a consumer come to, as the responses of an OpenAPI operation. */
export function describedAnswers({ policy }: Contract): JsonSchema {
  const { retryMs, classify, pace } = resolvePolicy(policy)
  // What a function makes of an answer, nobody knows but the function.
  const ends = classify === 'default' || classify === 'strict4xx'
  const control = (...values: readonly string[]) =>
    ends && { 'webhook-delivery': { description: english.control, schema: { type: 'string', enum: values } } }
  const failed = control('abort-message', 'disable')
  const again = { description: english.retryIs(retryMs.length), ...(failed && { headers: failed }) }
  const busy = {
    description: english.busy,
    headers: { 'Retry-After': { description: 'In seconds', schema: { type: 'integer', minimum: 0 } }, ...failed },
  }
  const received = control('disable')
  return {
    '2XX': { description: 'Received.', ...(received && { headers: received }) },
    ...(classify === 'strict4xx' && {
      ...Object.fromEntries(PASSING.map((status) => [status, again])),
      '4XX': { description: english.refused },
    }),
    ...(ends && { '410': { description: english.gone } }),
    ...(pace && { '429': busy, '503': busy }),
    default: again,
  }
}

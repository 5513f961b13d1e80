import type { Contract } from '@hooks/core'
import { contract as auditTrail } from 'example-audit-trail/contract'
import { contract as course } from 'example-course/contract'
import { contract as grillo } from 'example-grillo/contract'
import { contract as lokroom } from 'example-lokroom/contract'
import { contract as veza } from 'example-veza/contract'

/** A product that sends webhooks. The sender and the receiver import the same contract. */
export interface Product {
  readonly name: string
  readonly contract: Contract
  /** The secret that its customer chooses. Lok'Room chooses by itself, and shows it when an endpoint is created. */
  readonly secret?: string
}

export const products: readonly Product[] = [
  { name: 'veza', contract: hurried(veza), secret: 'your_webhook_secret' },
  { name: 'grillo', contract: hurried(grillo), secret: 'votre_secret_partage' },
  { name: 'audit-trail', contract: hurried(auditTrail), secret: 'whsec_abc123def456' },
  { name: 'course', contract: hurried(course), secret: 'mon_secret_123' },
  { name: 'lokroom', contract: hurried(lokroom) },
]

/** The customer in this demo: the tenant that Audit Trail's document prints. */
export const TENANT = 'tenant-001'

export interface PrintedEvent {
  readonly type: string
  readonly data: unknown
}

/** The events that a product's document prints with a payload: those of the catalog that have an example. */
export function printedEvents({ contract }: Product): PrintedEvent[] {
  return contract.events.all
    .filter(({ example }) => example !== undefined)
    .map(({ type, example }) => ({ type, data: example }))
}

/** The products promise retries after minutes and hours. Nobody watches a demo for so long. */
function hurried(contract: Contract): Contract {
  const retry = ['0s', '300ms', '600ms', '1s', '2s', '2s', '2s', '2s'] as const
  return { ...contract, policy: { ...contract.policy, retry, deadline: '1200ms' } }
}

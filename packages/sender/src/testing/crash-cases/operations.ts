import type { DeliveryOutcome, LeaseRef, Ms, NewDelivery, NewMessage, Storage } from '@hooks/core'

/** What a process is at when it is killed. It can be cloned, so that it can be told to another process. */
export type CrashOperation =
  | { readonly name: 'send'; readonly messages: readonly NewMessage[] }
  | {
      readonly name: 'expand'
      readonly expansions: readonly { readonly messageId: string; readonly deliveries: readonly NewDelivery[] }[]
    }
  | { readonly name: 'claim'; readonly options: Parameters<Storage['claim']>[0] }
  | { readonly name: 'settle'; readonly settlements: readonly (LeaseRef & DeliveryOutcome)[] }
  | { readonly name: 'remove'; readonly endpoint: { readonly tenant: string; readonly id: string } }

/**
 * Where it is killed. `before`: its n-th statement is not sent. `during`: it is sent, and its answer not awaited. `after`: the
 * call is over, and nobody was told.
 */
export type Failpoint =
  | { readonly at: 'before' | 'during'; readonly statement: number }
  | { readonly at: 'after'; readonly statement?: undefined }

/** One death of another process. */
export interface Crash {
  readonly operation: CrashOperation
  readonly failpoint: Failpoint
  /** The time of the storage's clock, where that is injected. */
  readonly now: Date
  /** How far the database's clock has been moved on. */
  readonly passedMs: Ms
}

/** Does what the process is at, on its own storage. */
export async function performOperation(storage: Storage, operation: CrashOperation): Promise<void> {
  if (operation.name === 'send') await storage.put(operation.messages)
  else if (operation.name === 'expand') await storage.expand(operation.expansions)
  else if (operation.name === 'claim') await storage.claim(operation.options)
  else if (operation.name === 'settle') await storage.settle(operation.settlements)
  else await storage.endpoints.remove(operation.endpoint.tenant, operation.endpoint.id)
}

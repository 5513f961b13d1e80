import type { Contract } from '@hooks/core'
import type { Sender } from '@hooks/sender'
import type { Access, Capability } from './access.ts'
import type { Fields } from './fields.ts'
import type { Redact } from './redact.ts'
import type { Shape } from './shape.ts'

// biome-ignore lint/suspicious/noExplicitAny: a sender of any catalog and any transaction; its methods take types by name here
export type AnySender = Sender<any, any>

/** What an operation works with. */
export interface Call {
  readonly hooks: AnySender
  readonly contract: Contract
  readonly shape: Shape
  readonly access: Access
  readonly redact: Redact | undefined
  readonly tenant: string
  /** The endpoint's, the delivery's or the message's. */
  readonly id: string
  readonly query: Fields
  readonly body: Fields
  readonly headers: Headers
}

/** A status, what to show (undefined for no body), and headers beside the usual ones. */
export type Outcome = readonly [status: number, value?: unknown, headers?: Readonly<Record<string, string>>]

/** One thing that the API does. */
export interface Operation {
  readonly needs: Capability
  /** Of no tenant: for those alone who may act for all of them. */
  readonly ofAll?: true
  run(call: Call): Promise<Outcome>
}

import type { Duration, EventDefinitions, Lane, Page, Paged } from '@hooks/core'
import type { SettingsInput, SettingsView } from './endpoint-settings.ts'
import type { Sent } from './send.ts'

/** An endpoint as its owner sees it: without its secrets. */
export interface EndpointView extends SettingsView {
  readonly id: string
  readonly tenant: string
  readonly url: string
  /** Event types and patterns; null for all. */
  readonly events: readonly string[] | null
  readonly channels: readonly string[] | null
  readonly enabled: boolean
  /** Why it is disabled: `manual`, or what `endpoint.disabled` told. */
  readonly reason: string | null
  readonly name: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Raised by every change: an update can name the one that it was made from. */
  readonly rev: number
}

/** A secret as its receiver has it. */
export interface SecretView {
  readonly secret: string
  /** When it begins to sign; null where it does already. */
  readonly signsFrom: Date | null
  /** When it stops signing; null for the current one. */
  readonly signsUntil: Date | null
}

/** What an endpoint is made of. */
export interface EndpointInput<Type extends string = string> extends SettingsInput {
  readonly url: string
  /** Event types, and patterns such as `booking.*`. Left out: all. */
  readonly events?: readonly (Type | `${string}.*`)[]
  /** Only messages of these channels. Left out: all. */
  readonly channels?: readonly string[]
  readonly name?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly enabled?: boolean
}

/** How an endpoint is doing. `heldForMs` is 0 where it is not held, Infinity where it is until lifted. */
export type EndpointHealthView = Omit<Lane, 'endpointId' | 'cap' | 'warned'>

/** An endpoint that is to be added. */
export interface CreateEndpoint<Type extends string = string> extends EndpointInput<Type> {
  /** A secret of the owner's choosing, of the format's grammar. Left out: 32 random bytes. */
  readonly secret?: string
  /**
   * Standard Webhooks: `v1a` signs with the private half of an Ed25519 key pair, and the answer's `secret` is the public
   * half, `whpk_`. `v1`, a shared secret, by default.
   */
  readonly signing?: 'v1' | 'v1a'
}

/**
 * What is left out stays; null for `events` and `channels` means all. A `secret` of the owner's choosing follows the old one as
 * with `rotateSecret`; the one that it has already changes nothing.
 */
export type UpdateEndpoint<Type extends string = string> = {
  readonly [K in keyof EndpointInput<Type>]?:
    | EndpointInput<Type>[K]
    | (K extends 'events' | 'channels' | 'name' ? null : never)
} & { readonly secret?: string }

/** The endpoints of tenants. Every call names its tenant: another tenant's endpoint is not found. */
export interface EndpointsApi<D extends EventDefinitions, Tx> {
  /**
   * Adds an endpoint. The secret is in this answer and in no other. The same `idempotencyKey` again, within a day, adds
   * nothing, and gives the same answer again, as long as it is the same creation and nothing was changed since; else it is
   * `endpoint_conflict`.
   *
   * @throws EndpointError `url_*`, `address_blocked`, `filter_invalid`, `data_filter_invalid`, `version_unknown`,
   * `tenant_invalid`, `endpoint_limit`, `endpoint_conflict`
   * @throws ConfigurationError `secret_*` where `secret` is not of the format's grammar; `option_invalid`, also where
   * `signing` asks for a key pair and the format has none
   */
  create(
    tenant: string,
    input: CreateEndpoint<keyof D & string>,
    options?: { readonly tx?: Tx; readonly idempotencyKey?: string },
  ): Promise<EndpointView & { readonly secret: string }>
  /** @throws EndpointError `endpoint_not_found` */
  get(tenant: string, id: string): Promise<EndpointView>
  /** Oldest first; 50 a page by default, 250 at most; by `cursor`, or by `offset`, and with `total` counted. */
  list(tenant: string, filter?: Partial<Page> & { readonly enabled?: boolean }): Promise<Paged<EndpointView>>
  /**
   * Changes what is named; with `rev`, only where that is still the present one.
   *
   * @throws EndpointError as `create`, and `endpoint_not_found`, `endpoint_changed`, `secret_limit`
   * @throws ConfigurationError as `create`
   */
  update(
    tenant: string,
    id: string,
    change: UpdateEndpoint<keyof D & string>,
    options?: { readonly rev?: number },
  ): Promise<EndpointView>
  /**
   * Removes it: all that is open ends as `cancelled` (`endpoint_deleted`), and its history stays. A request that is in flight
   * at that moment ends so too, whatever its answer: that it was received is logged, and not on record. Where that matters,
   * `disable` it first: what is in flight then is recorded as it ends, and the rest as skipped.
   *
   * @throws EndpointError `endpoint_not_found`
   */
  remove(tenant: string, id: string): Promise<void>
  /** @throws EndpointError `endpoint_not_found` */
  enable(tenant: string, id: string): Promise<EndpointView>
  /** Messages from now on, and what is waiting, are recorded as skipped. @throws EndpointError `endpoint_not_found` */
  disable(tenant: string, id: string): Promise<EndpointView>
  /**
   * The secrets that sign, or are about to, the newest first: for people who have lost theirs. Of a key pair it is the
   * public half.
   *
   * @throws EndpointError `endpoint_not_found`
   * @throws ConfigurationError `secret_sealed`
   */
  secrets(tenant: string, id: string): Promise<readonly SecretView[]>
  /**
   * Those of all tenants, and how they are doing: for the people who run the sender. Oldest first; by pages, as `list`.
   *
   * @throws ConfigurationError `storage_lacks`
   */
  listAll(
    filter?: Partial<Page> & { readonly enabled?: boolean },
  ): Promise<Paged<EndpointView & { readonly health: EndpointHealthView }>>
  /**
   * A new secret, of the kind of the old one. Where a request can carry several signatures the old one goes on signing
   * for `overlap` (24 h, 365 d at most), so that receivers can change over. Where it carries one, one signs alone during the overlap: the
   * new one by default, with `during: 'old'` the old one. `revoke` ends the old ones at once: for secrets that leaked. The
   * secret that is the newest already changes nothing, unless `revoke` ends the others.
   *
   * @throws EndpointError `endpoint_not_found`, `secret_limit`
   * @throws ConfigurationError `secret_*`, `option_invalid`
   */
  rotateSecret(
    tenant: string,
    id: string,
    options?: {
      readonly secret?: string
      readonly overlap?: Duration
      readonly revoke?: boolean
      readonly during?: 'new' | 'old'
    },
  ): Promise<{ readonly secret: string }>
  /**
   * Starts nothing more at this endpoint, in any process, until `resume`. What is sent meanwhile waits.
   *
   * @throws EndpointError `endpoint_not_found`
   * @throws ConfigurationError `storage_lacks`
   */
  pause(tenant: string, id: string): Promise<void>
  /** @throws as `pause` */
  resume(tenant: string, id: string): Promise<void>
  /**
   * How it is doing: failures since the last success, and why nothing may be starting. @throws as `pause`
   */
  health(tenant: string, id: string): Promise<EndpointHealthView>
  /**
   * Sends the catalog's example of `type` (by default, of the first type that the endpoint gets and that has one)
   * to this endpoint alone, through the real path. With an `idempotencyKey` it is sent once, as by `send`.
   *
   * @throws PayloadError `event_type_unknown`, `payload_invalid` where there is no example, `idempotency_*`
   * @throws EndpointError `endpoint_not_found`
   */
  sendTest(
    tenant: string,
    id: string,
    options?: { readonly type?: keyof D & string; readonly idempotencyKey?: string },
  ): Promise<Sent>
}

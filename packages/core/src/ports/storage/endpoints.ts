import type { Applied } from '../lease.ts'
import type { LaneSettings } from './lanes.ts'
import type { Page, Paged } from './page.ts'

/** A customer's URL as it is stored. */
export interface NewEndpoint {
  readonly id: string
  readonly tenant: string
  readonly url: string
  /** Event types and patterns; null for all. */
  readonly filters: readonly string[] | null
  readonly channels: readonly string[] | null
  readonly state: 'enabled' | 'disabled'
  /** Why it is disabled. */
  readonly reason: string | null
  readonly name: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly secrets: readonly StoredSecret[]
  /** How it is served. A storage keeps it as JSON, and reads of it what {@link LaneSettings} names. */
  readonly settings: LaneSettings & Readonly<Record<string, unknown>>
}

/** A secret as it is stored, newest first. */
export interface StoredSecret {
  /** The key of the keyring that sealed it; null where it is stored as it is. */
  readonly keyId: string | null
  readonly sealed: string
  /** When it begins to sign; left out where it does already. */
  readonly signsFrom?: Date
  /** When it stops signing; null for the current one. */
  readonly signsUntil: Date | null
}

/** An endpoint as it is stored, its secrets sealed. */
export interface Endpoint extends NewEndpoint {
  /** Raised by every change: an update names the one that it read. */
  readonly rev: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** The endpoints of all tenants. What belongs to another tenant is not found. */
export interface Endpoints<Tx> {
  get(tenant: string, id: string, tx?: Tx): Promise<Endpoint | null>
  /** By id, ascending: the oldest first. Those of all tenants where `tenant` is null. */
  list(tenant: string | null, page: Page, filter?: EndpointFilter): Promise<Paged<Endpoint>>
  /** All of these tenants, in one read: matching happens in TypeScript. */
  forTenants(tenants: readonly string[]): Promise<readonly Endpoint[]>
  /** Stores an endpoint and its lane, unless the tenant has `limit` already, however many are created at once. The same id again is `applied`. */
  create(endpoint: NewEndpoint, limit: number, tx?: Tx): Promise<'applied' | 'limit'>
  /**
   * Replaces all but id and tenant where `rev` is still the stored one. A disabled endpoint keeps its lane: what is
   * still open there is claimed when it is due, and its lease says that the endpoint is disabled. One that is enabled
   * again starts afresh: not held, not failing, not probing, no cap of its own, its health as after a success. It stays
   * paused if it was.
   */
  update(endpoint: NewEndpoint, rev: number, tx?: Tx): Promise<Applied>
  /**
   * Removes it and its lane, and with that it is gone for everybody: nothing more is made for it, claimed or settled. Then
   * ends what is still open as `cancelled` (`endpoint_deleted`). Its history stays. Of very many that is done some thousand at a
   * time: who dies on the way leaves the others open, until it is called again (which is `stale`), an endpoint of the
   * same id is created, or `History.prune` comes by.
   */
  remove(tenant: string, id: string, tx?: Tx): Promise<Applied>
}

/** Which endpoints. */
export interface EndpointFilter {
  readonly state?: 'enabled' | 'disabled'
}

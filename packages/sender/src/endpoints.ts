import {
  type Contract,
  type Duration,
  type Endpoint,
  EndpointError,
  type EventDefinitions,
  isHooksError,
  type Lane,
  type NewEndpoint,
  newId,
  type Page,
  type Paged,
  PayloadError,
  type Seams,
  type Storage,
  toMs,
  type WireFormat,
} from '@hooks/core'
import type { SealedSettings } from './destination.ts'
import { createSettings, type SettingsInput, type SettingsView, shownSettings } from './endpoint-settings.ts'
import { keyedIds } from './keyed-id.ts'
import type { Keyring, Sealed } from './keyring.ts'
import { needs } from './lacks.ts'
import { checkFilters } from './match.ts'
import { pageOf } from './page.ts'
import { type MadeSecret, newKeyPair, newSecret, rotate, shownOf } from './secrets.ts'
import type { Sent } from './send.ts'
import { withStorageRetry } from './storage-retry.ts'
import { checkTenant } from './tenant.ts'

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

export interface CreateEndpoint<Type extends string = string> extends EndpointInput<Type> {
  /** A secret of the owner's choosing, of the format's grammar. Left out: 32 random bytes. */
  readonly secret?: string
  /**
   * Standard Webhooks: `v1a` signs with the private half of an Ed25519 key pair, and the answer's `secret` is the public
   * half, `whpk_`. `v1`, a shared secret, by default.
   */
  readonly signing?: 'v1' | 'v1a'
}

/** What is left out stays; null for `events` and `channels` means all. */
export type UpdateEndpoint<Type extends string = string> = {
  readonly [K in keyof EndpointInput<Type>]?:
    | EndpointInput<Type>[K]
    | (K extends 'events' | 'channels' | 'name' ? null : never)
}

/** The endpoints of tenants. Every call names its tenant: another tenant's endpoint is not found. */
export interface EndpointsApi<D extends EventDefinitions, Tx> {
  /**
   * Adds an endpoint. The secret is in this answer and in no other. The same `idempotencyKey` again, within a day, adds
   * nothing, and gives the same answer again, as long as nothing was changed since.
   *
   * @throws EndpointError `url_*`, `address_blocked`, `filter_invalid`, `tenant_invalid`, `endpoint_limit`, `endpoint_conflict`
   * @throws ConfigurationError `secret_*` where `secret` is not of the format's grammar
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
   * @throws EndpointError as `create`, and `endpoint_not_found`, `endpoint_changed`
   */
  update(
    tenant: string,
    id: string,
    change: UpdateEndpoint<keyof D & string>,
    options?: { readonly rev?: number },
  ): Promise<EndpointView>
  /** Removes it. What is waiting is cancelled; its history stays. @throws EndpointError `endpoint_not_found` */
  remove(tenant: string, id: string): Promise<void>
  /** @throws EndpointError `endpoint_not_found` */
  enable(tenant: string, id: string): Promise<EndpointView>
  /** Messages from now on, and what is waiting, are recorded as skipped. @throws EndpointError `endpoint_not_found` */
  disable(tenant: string, id: string): Promise<EndpointView>
  /**
   * A new secret, of the kind of the old one. Where a request can carry several signatures the old one goes on signing
   * for `overlap` (24 h), so that receivers can change over. Where it carries one, one signs alone during the overlap: the
   * new one by default, with `during: 'old'` the old one. `revoke` ends the old ones at once: for secrets that leaked.
   *
   * @throws EndpointError `endpoint_not_found`, `secret_limit`
   * @throws ConfigurationError `secret_*`
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

/** What {@link createEndpoints} needs. */
export interface EndpointsOptions extends Seams {
  readonly contract: Contract
  readonly storage: Storage
  readonly keyring: Keyring
  /** The second format, during a migration. */
  readonly alsoSign?: WireFormat | undefined
  readonly limit: number
  /** Deliveries may be due. */
  readonly due: () => void
  /** Somebody enabled an endpoint. */
  readonly enabled: (tenant: string, endpointId: string) => void
  /** Judges a URL by syntax. @throws EndpointError */
  readonly checkUrl: (url: unknown) => void
  readonly sendTo: (
    type: string,
    data: unknown,
    tenant: string,
    endpoint: string,
    idempotencyKey: string | undefined,
  ) => Promise<Sent>
}

const CHUNK = 500

export function createEndpoints(options: EndpointsOptions): EndpointsApi<EventDefinitions, unknown> & {
  /** Disables for the sender's own reasons. Null where it was disabled already, or is gone. */
  disableFor(tenant: string, id: string, reason: string): Promise<EndpointView | null>
  /** Enables one that the sender disabled, for a try. Returns whether it did. */
  enableFor(tenant: string, id: string): Promise<boolean>
  /** Seals what is not sealed under the current key of the keyring. Returns how many endpoints it changed. */
  rewrap(): Promise<number>
} {
  const { contract, storage, clock, random, keyring } = options
  const settings = createSettings(options)
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, options)

  async function find(tenant: string, id: string): Promise<Endpoint> {
    checkTenant(tenant)
    const endpoint = await stored(() => storage.endpoints.get(tenant, id))
    if (endpoint) return endpoint
    throw new EndpointError('endpoint_not_found', 'the tenant has no such endpoint')
  }

  /** Reads, changes and writes, again where another change came between. */
  async function change(tenant: string, id: string, to: (endpoint: Endpoint) => NewEndpoint | null): Promise<Endpoint> {
    for (let tries = 0; tries < 10; tries++) {
      const endpoint = await find(tenant, id)
      const changed = to(endpoint)
      if (!changed) return endpoint
      if ((await stored(() => storage.endpoints.update(changed, endpoint.rev))) === 'stale') continue
      if (changed.state === 'disabled' && endpoint.state === 'enabled') await skipOpen(tenant, id)
      return find(tenant, id)
    }
    throw new EndpointError('endpoint_conflict', 'the endpoint is being changed by others', { hint: 'try again' })
  }

  /** The lane is held already, so nothing new starts; what is in flight ends on its own. */
  async function skipOpen(tenant: string, endpoint: string): Promise<void> {
    const to = { state: 'skipped', reason: 'endpoint_disabled' } as const
    while ((await stored(() => storage.retire({ tenant, endpoint }, to, CHUNK))) === CHUNK);
  }

  /** For the sender's own reasons. Null where it was so already, or is gone. */
  async function setStateFor(tenant: string, id: string, enabled: boolean, reason: string | null) {
    let done = false
    try {
      const changed = await change(tenant, id, (endpoint) => {
        const to = setState(enabled, reason)(endpoint)
        done = to !== null
        return to
      })
      return done ? view(changed) : null
    } catch (error) {
      if (error instanceof EndpointError) return null
      throw error
    }
  }

  /** A secret that was given, or a new one. @throws ConfigurationError `secret_*` */
  function secretFor(given: string | undefined, isPair: boolean): MadeSecret {
    const made =
      given !== undefined
        ? { secret: given, shown: given }
        : isPair
          ? newKeyPair(random)
          : newSecret(contract.format, random)
    contract.format.keys(made.secret, 'sign')
    return given === undefined ? made : { secret: given, shown: shownOf(given) }
  }

  /** A secret that cannot be read any more can be followed by another all the same. */
  function hasKeyPair({ secrets: [current], id }: Endpoint): boolean {
    try {
      return current !== undefined && keyring.open(current, id).startsWith('whsk_')
    } catch (error) {
      if (isHooksError(error, 'secret_sealed')) return false
      throw error
    }
  }

  async function setPaused(tenant: string, id: string, paused: boolean): Promise<void> {
    needs(storage, 'health')
    await find(tenant, id)
    await stored(() => storage.hold([{ endpointId: id, paused }]))
    if (!paused) options.due()
  }

  /** The answer to a creation once more. */
  function again(endpoint: Endpoint, url: string): EndpointView & { readonly secret: string } {
    const [secret] = endpoint.secrets
    if (endpoint.rev === 1 && endpoint.url === url && secret)
      return { ...view(endpoint), secret: shownOf(keyring.open(secret, endpoint.id)) }
    throw new EndpointError('endpoint_conflict', 'another endpoint was created under this key', {
      hint: 'a key is for one creation, and for making that again; take another one',
    })
  }

  async function rewrapOne(tenant: string, id: string): Promise<boolean> {
    let done = false
    const again = <T extends Sealed>(sealed: T): T => {
      if (sealed.keyId === keyring.current) return sealed
      done = true
      return { ...sealed, ...keyring.seal(keyring.open(sealed, id), id) }
    }
    try {
      await change(tenant, id, (endpoint) => {
        done = false
        const { headers, alsoSign } = endpoint.settings as SealedSettings
        const changed = {
          ...endpoint,
          secrets: endpoint.secrets.map(again),
          settings: {
            ...endpoint.settings,
            ...(headers && { headers: again(headers) }),
            ...(alsoSign && { alsoSign: again(alsoSign) }),
          },
        }
        return done ? changed : null
      })
      return done
    } catch (error) {
      // Removed meanwhile.
      if (isHooksError(error, 'endpoint_not_found')) return false
      throw error
    }
  }

  const setState = (enabled: boolean, reason: string | null) => (endpoint: Endpoint) =>
    (endpoint.state === 'enabled') === enabled
      ? null
      : { ...endpoint, state: enabled ? ('enabled' as const) : ('disabled' as const), reason }

  return {
    async create(tenant, input, { tx, idempotencyKey } = {}) {
      checkTenant(tenant)
      options.checkUrl(input.url)
      const made = secretFor(input.secret, input.signing === 'v1a')
      const prefix = contract.ids.endpoint
      const keyed = idempotencyKey === undefined ? [] : await keyedIds(prefix, tenant, idempotencyKey, clock)
      for (const one of keyed) {
        const there = await storage.endpoints.get(tenant, one, tx)
        if (there) return again(there, input.url)
      }
      const id = keyed[0] ?? newId(prefix, clock, random)
      const endpoint: NewEndpoint = {
        id,
        tenant,
        url: input.url,
        filters: checkFilters(input.events, contract.events),
        channels: input.channels ?? null,
        state: input.enabled === false ? 'disabled' : 'enabled',
        reason: input.enabled === false ? 'manual' : null,
        name: input.name ?? null,
        metadata: input.metadata ?? {},
        secrets: [{ ...keyring.seal(made.secret, id), signsUntil: null }],
        settings: settings.of(input, id),
      }
      const create = () => storage.endpoints.create(endpoint, options.limit, tx)
      if ((await (tx === undefined ? stored(create) : create())) === 'limit') {
        throw new EndpointError('endpoint_limit', `the tenant has ${options.limit} endpoints, and may have no more`, {
          hint: 'remove one',
        })
      }
      const created = await storage.endpoints.get(tenant, endpoint.id, tx)
      // Another call with the same key may have been the first.
      if (created && idempotencyKey !== undefined) return again(created, input.url)
      return {
        ...view(created ?? { ...endpoint, rev: 1, createdAt: clock.now(), updatedAt: clock.now() }),
        secret: made.shown,
      }
    },

    get: async (tenant, id) => view(await find(tenant, id)),

    async list(tenant, { enabled, ...page } = {}) {
      checkTenant(tenant)
      const filter = enabled === undefined ? {} : { state: enabled ? ('enabled' as const) : ('disabled' as const) }
      const found = await stored(() => storage.endpoints.list(tenant, pageOf(page), filter))
      return { ...found, data: found.data.map(view) }
    },

    async update(tenant, id, input, { rev } = {}) {
      if (input.url !== undefined) options.checkUrl(input.url)
      const filters = input.events === undefined ? undefined : checkFilters(input.events, contract.events)
      const added = settings.of(input, id)
      const changed = await change(tenant, id, (endpoint) => ({
        ...atRev(endpoint, rev),
        settings: { ...endpoint.settings, ...added },
        ...(input.url !== undefined && { url: input.url }),
        ...(filters !== undefined && { filters }),
        ...(input.channels !== undefined && { channels: input.channels }),
        ...(input.name !== undefined && { name: input.name }),
        ...(input.metadata !== undefined && { metadata: input.metadata }),
        // As it is, with its reason, where it was so already.
        ...(input.enabled === true && endpoint.state === 'disabled' && { state: 'enabled', reason: null }),
        ...(input.enabled === false && endpoint.state === 'enabled' && { state: 'disabled', reason: 'manual' }),
      }))
      return view(changed)
    },

    async remove(tenant, id) {
      await find(tenant, id)
      await stored(() => storage.endpoints.remove(tenant, id))
    },

    async enable(tenant, id) {
      let done = false
      const changed = await change(tenant, id, (endpoint) => {
        const to = setState(true, null)(endpoint)
        done = to !== null
        return to
      })
      if (done) options.enabled(tenant, id)
      return view(changed)
    },
    disable: async (tenant, id) => view(await change(tenant, id, setState(false, 'manual'))),

    disableFor: (tenant, id, reason) => setStateFor(tenant, id, false, reason),
    enableFor: async (tenant, id) => (await setStateFor(tenant, id, true, null)) !== null,

    async rotateSecret(tenant, id, { secret, overlap = '24h', revoke = false, during = 'new' } = {}) {
      const overlapMs = toMs(overlap, 'overlap')
      let made = secret === undefined ? undefined : secretFor(secret, false)
      await change(tenant, id, (endpoint) => {
        made ??= secretFor(undefined, hasKeyPair(endpoint))
        const rotation = { now: clock.now(), overlapMs, revoke, during }
        return {
          ...endpoint,
          secrets: rotate(endpoint, keyring.seal(made.secret, id), contract.format, rotation),
        }
      })
      return { secret: (made as MadeSecret).shown }
    },

    async health(tenant, id) {
      needs(storage, 'health')
      await find(tenant, id)
      const [lane] = await stored(() => storage.lanes([id]))
      if (!lane) throw new EndpointError('endpoint_not_found', 'the tenant has no such endpoint')
      const { endpointId: _endpointId, cap: _cap, warned: _warned, ...health } = lane
      return health
    },

    pause: (tenant, id) => setPaused(tenant, id, true),
    resume: (tenant, id) => setPaused(tenant, id, false),

    async rewrap() {
      needs(storage, 'pages')
      let changed = 0
      let cursor: string | undefined
      do {
        const page = { limit: CHUNK, ...(cursor !== undefined && { cursor }) }
        const { data, next } = await stored(() => storage.endpoints.list(null, page))
        for (const { tenant, id } of data) if (await rewrapOne(tenant, id)) changed++
        cursor = next
      } while (cursor !== undefined)
      return changed
    },

    async sendTest(tenant, id, { type, idempotencyKey } = {}) {
      const endpoint = await find(tenant, id)
      const event = type === undefined ? testEvent(endpoint) : contract.events.get(type)
      if (event?.example !== undefined) return options.sendTo(event.type, event.example, tenant, id, idempotencyKey)
      if (type !== undefined && !event)
        throw new PayloadError('event_type_unknown', 'there is no such event type in the catalog')
      throw new PayloadError('payload_invalid', 'the catalog has no example to send', {
        hint: 'give the event type an `example` in defineEvents',
      })
    },
  }

  function testEvent({ filters }: Endpoint) {
    const types = contract.events.all.filter(({ example }) => example !== undefined)
    return (
      types.find(({ type }) =>
        filters?.some((filter) => filter === type || type.startsWith(filter.replace(/\*$/, ''))),
      ) ?? types[0]
    )
  }
}

function atRev(endpoint: Endpoint, rev: number | undefined): Endpoint {
  if (rev === undefined || rev === endpoint.rev) return endpoint
  throw new EndpointError('endpoint_changed', 'the endpoint was changed meanwhile', { hint: 'read it again' })
}

function view({ filters, state, secrets: _secrets, settings, ...endpoint }: Endpoint): EndpointView {
  return { ...endpoint, events: filters, enabled: state === 'enabled', ...shownSettings(settings) }
}

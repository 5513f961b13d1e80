import {
  ConfigurationError,
  type Contract,
  checkOptions,
  type Endpoint,
  EndpointError,
  type EventDefinitions,
  kind,
  type Lane,
  type Ms,
  type NewEndpoint,
  newId,
  type OptionsRule,
  oneOf,
  orNull,
  PayloadError,
  type Seams,
  type Storage,
  toMs,
  type WireFormat,
} from '@hooks/core'
import { createEndpointChanges } from './endpoint-changes.ts'
import { createEndpointSecrets } from './endpoint-secrets.ts'
import { createSettings, shownSettings } from './endpoint-settings.ts'
import type {
  CreateEndpoint,
  EndpointHealthView,
  EndpointInput,
  EndpointsApi,
  EndpointView,
  UpdateEndpoint,
} from './endpoints-api.ts'
import { checkIdempotencyKey, keyedIds } from './keyed-id.ts'
import type { Keyring } from './keyring.ts'
import { needs } from './lacks.ts'
import { checkFilters } from './match.ts'
import { pageOf } from './page.ts'
import { rewrapAll } from './rewrap.ts'
import { isLive, secretFor, shownOf } from './secrets.ts'
import type { Sent } from './send.ts'
import { withStorageRetry } from './storage-retry.ts'
import { checkTenant } from './tenant.ts'

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

/** What is {@link kind.any} here is judged where it is read, with codes of its own. */
const KINDS: OptionsRule<keyof EndpointInput>['kinds'] = {
  url: kind.any,
  events: kind.any,
  channels: orNull(kind.texts),
  name: orNull(kind.text),
  metadata: kind.textByName,
  enabled: kind.flag,
  rateLimit: kind.any,
  concurrency: kind.any,
  headers: kind.any,
  filter: kind.any,
  payload: kind.any,
  version: kind.any,
  alsoSign: orNull(kind.object),
}
const CREATE: OptionsRule<keyof CreateEndpoint> = {
  of: 'endpoints.create',
  kinds: { ...KINDS, secret: kind.any, signing: oneOf('v1', 'v1a') },
}
const UPDATE: OptionsRule<keyof UpdateEndpoint> = { of: 'endpoints.update', kinds: { ...KINDS, secret: kind.any } }
const ROTATE: OptionsRule<'secret' | 'overlap' | 'revoke' | 'during'> = {
  of: 'rotateSecret',
  kinds: { secret: kind.any, overlap: kind.duration, revoke: kind.flag, during: oneOf('new', 'old') },
}

const OVERLAP = '24h'
const LONGEST_OVERLAP: Ms = 365 * 86_400_000

export function createEndpoints(options: EndpointsOptions): EndpointsApi<EventDefinitions, unknown> & {
  /** Disables for the sender's own reasons. Null where it was disabled already, has another URL by now, or is gone. */
  disableFor(attempted: Endpoint, reason: string): Promise<EndpointView | null>
  /** Enables one that the sender disabled, for a try. Returns whether it did. */
  enableFor(tenant: string, id: string): Promise<boolean>
  /** Seals what is not sealed under the current key of the keyring. Returns how many endpoints it changed. */
  rewrap(): Promise<number>
} {
  const { contract, storage, clock, random, keyring } = options
  const settings = createSettings(options)
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, options)
  const { hasKeyPair, rotated } = createEndpointSecrets(options)
  const changes = createEndpointChanges(options)
  const { find, change } = changes

  /** For the sender's own reasons. Null where `to` changes nothing, or it is gone. */
  async function setStateFor(tenant: string, id: string, to: (endpoint: Endpoint) => NewEndpoint | null) {
    let done = false
    try {
      const changed = await change(tenant, id, (endpoint) => {
        const next = to(endpoint)
        done = next !== null
        return next
      })
      return done ? view(changed) : null
    } catch (error) {
      if (error instanceof EndpointError) return null
      throw error
    }
  }

  async function setPaused(tenant: string, id: string, paused: boolean): Promise<void> {
    needs(storage, 'health')
    await find(tenant, id)
    await stored(() => storage.hold([{ endpointId: id, paused }]))
    if (!paused) options.due()
  }

  /** The answer to a creation once more, where it is the same creation. */
  function again(endpoint: Endpoint, wanted: NewEndpoint, chosen: string | undefined) {
    const [secret] = endpoint.secrets
    const text = secret && keyring.open(secret, endpoint.id)
    const isSame = shownText(endpoint) === shownText(wanted) && (chosen === undefined || chosen === text)
    if (endpoint.rev === 1 && isSame && text !== undefined)
      return { ...view(endpoint), secret: shownOf(text, contract.format) }
    throw new EndpointError('endpoint_conflict', 'another endpoint was created under this key', {
      hint: 'a key is for one creation, and for making that again; take another one',
    })
  }

  const setState = (enabled: boolean, reason: string | null) => (endpoint: Endpoint) =>
    (endpoint.state === 'enabled') === enabled
      ? null
      : { ...endpoint, state: enabled ? ('enabled' as const) : ('disabled' as const), reason }

  return {
    async create(tenant, input, { tx, idempotencyKey } = {}) {
      checkTenant(tenant)
      checkOptions(input, CREATE)
      if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey)
      options.checkUrl(input.url)
      const secret = secretFor(input.secret, input.signing === 'v1a', contract.format, random)
      const filters = checkFilters(input.events, contract.events)
      const endpointOf = (id: string): NewEndpoint => ({
        id,
        tenant,
        url: input.url,
        filters,
        channels: input.channels ?? null,
        state: input.enabled === false ? 'disabled' : 'enabled',
        reason: input.enabled === false ? 'manual' : null,
        name: input.name ?? null,
        metadata: input.metadata ?? {},
        secrets: [{ ...keyring.seal(secret, id), signsUntil: null }],
        settings: settings.of(input, id),
      })
      const prefix = contract.ids.endpoint
      const keyed = idempotencyKey === undefined ? [] : await keyedIds(prefix, tenant, idempotencyKey, clock)
      for (const one of keyed) {
        const there = await storage.endpoints.get(tenant, one, tx)
        if (there) return again(there, endpointOf(one), input.secret)
      }
      const endpoint = endpointOf(keyed[0] ?? newId(prefix, clock, random))
      const create = () => storage.endpoints.create(endpoint, options.limit, tx)
      if ((await (tx === undefined ? stored(create) : create())) === 'limit') {
        throw new EndpointError('endpoint_limit', `the tenant has ${options.limit} endpoints, and may have no more`, {
          hint: 'remove one',
        })
      }
      const created = await storage.endpoints.get(tenant, endpoint.id, tx)
      // Another call with the same key may have been the first.
      if (created && idempotencyKey !== undefined) return again(created, endpoint, input.secret)
      return {
        ...view(created ?? { ...endpoint, rev: 1, createdAt: clock.now(), updatedAt: clock.now() }),
        secret: shownOf(secret, contract.format),
      }
    },

    get: async (tenant, id) => view(await find(tenant, id)),

    async list(tenant, { enabled, ...page } = {}) {
      checkTenant(tenant)
      const filter = enabled === undefined ? {} : { state: enabled ? ('enabled' as const) : ('disabled' as const) }
      const found = await stored(() => storage.endpoints.list(tenant, pageOf(page), filter))
      return { ...found, data: found.data.map(view) }
    },

    async listAll({ enabled, ...page } = {}) {
      needs(storage, 'pages')
      needs(storage, 'health')
      const filter = enabled === undefined ? {} : { state: enabled ? ('enabled' as const) : ('disabled' as const) }
      const found = await stored(() => storage.endpoints.list(null, pageOf(page), filter))
      const lanes = await stored(() => storage.lanes(found.data.map(({ id }) => id)))
      const byId = new Map(lanes.map((lane) => [lane.endpointId, lane]))
      // One that was removed in between has no lane.
      const data = found.data.flatMap((endpoint) => {
        const lane = byId.get(endpoint.id)
        return lane ? [{ ...view(endpoint), health: healthOf(lane) }] : []
      })
      return { ...found, data }
    },

    async update(tenant, id, input, { rev } = {}) {
      checkOptions(input, UPDATE)
      if (input.url !== undefined) options.checkUrl(input.url)
      const filters = input.events === undefined ? undefined : checkFilters(input.events, contract.events)
      const added = settings.of(input, id)
      const { secret } = input
      if (secret !== undefined) secretFor(secret, false, contract.format, random)
      const rotation = { overlapMs: toMs(OVERLAP, 'overlap'), revoke: false, during: 'new' } as const
      let enables = false
      const changed = await change(tenant, id, (endpoint) => {
        enables = input.enabled === true && endpoint.state === 'disabled'
        return {
          ...atRev(endpoint, rev),
          settings: { ...endpoint.settings, ...added },
          ...(input.url !== undefined && { url: input.url }),
          ...(filters !== undefined && { filters }),
          ...(input.channels !== undefined && { channels: input.channels }),
          ...(input.name !== undefined && { name: input.name }),
          ...(input.metadata !== undefined && { metadata: input.metadata }),
          ...(secret !== undefined && { secrets: rotated(endpoint, secret, rotation) }),
          // As it is, with its reason, where it was so already.
          ...(enables && { state: 'enabled', reason: null }),
          ...(input.enabled === false && endpoint.state === 'enabled' && { state: 'disabled', reason: 'manual' }),
        }
      })
      if (enables) options.enabled(tenant, id)
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

    disableFor: (attempted, reason) =>
      // What one URL answers says nothing of the next: that the old one is gone is why there is a new one.
      setStateFor(attempted.tenant, attempted.id, (now) =>
        now.url === attempted.url ? setState(false, reason)(now) : null,
      ),
    enableFor: async (tenant, id) => (await setStateFor(tenant, id, setState(true, null))) !== null,

    async rotateSecret(tenant, id, rotation = {}) {
      checkOptions(rotation, ROTATE)
      const { secret, overlap = OVERLAP, revoke = false, during = 'new' } = rotation
      const overlapMs = toMs(overlap, 'overlap')
      if (overlapMs > LONGEST_OVERLAP) {
        throw new ConfigurationError('option_invalid', 'overlap is longer than 365 d', {
          hint: 'the old secret is to end one day: that is what a rotation is for',
        })
      }
      let made = secret === undefined ? undefined : secretFor(secret, false, contract.format, random)
      await change(tenant, id, (endpoint) => {
        made ??= secretFor(undefined, hasKeyPair(endpoint), contract.format, random)
        const secrets = rotated(endpoint, made, { overlapMs, revoke, during })
        return secrets === endpoint.secrets ? null : { ...endpoint, secrets }
      })
      return { secret: shownOf(made as string, contract.format) }
    },

    async secrets(tenant, id) {
      const endpoint = await find(tenant, id)
      const now = clock.now()
      return endpoint.secrets
        .filter((one) => isLive(one, now))
        .map((one) => ({
          secret: shownOf(keyring.open(one, id), contract.format),
          signsFrom: one.signsFrom && one.signsFrom > now ? one.signsFrom : null,
          signsUntil: one.signsUntil,
        }))
    },

    async health(tenant, id) {
      needs(storage, 'health')
      await find(tenant, id)
      const [lane] = await stored(() => storage.lanes([id]))
      if (!lane) throw new EndpointError('endpoint_not_found', 'the tenant has no such endpoint')
      return healthOf(lane)
    },

    pause: (tenant, id) => setPaused(tenant, id, true),
    resume: (tenant, id) => setPaused(tenant, id, false),

    rewrap: () => rewrapAll(options, changes),

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

function healthOf({ endpointId: _endpointId, cap: _cap, warned: _warned, ...health }: Lane): EndpointHealthView {
  return health
}

/** All that its owner sees of one, as text, but for its times: to tell one creation from another. */
function shownText({ url, filters, channels, state, name, metadata, settings }: NewEndpoint): string {
  return JSON.stringify([url, filters, channels, state, name, metadata, shownSettings(settings)])
}

function view({ filters, state, secrets: _secrets, settings, ...endpoint }: Endpoint): EndpointView {
  return { ...endpoint, events: filters, enabled: state === 'enabled', ...shownSettings(settings) }
}

import { type CreateEndpoint, type EndpointView, RATE_LIMIT, type UpdateEndpoint } from '@hooks/sender'
import { demand } from '../access.ts'
import type { Call, Operation, Outcome } from '../call.ts'
import { idempotencyOf } from '../idempotency.ts'
import { Refusal } from '../refusal.ts'
import { statistics, statisticsOver } from './statistics.ts'

const WRITABLE = ['name', 'url', 'events', 'channels', 'enabled', 'metadata', 'secret', 'tenant']
/** What only our own API has: a product's own has what it has promised. */
const OURS = ['rateLimit', 'headers', 'filter', 'payload', 'version']
const MOST_BUCKETS = 48

export const listEndpoints: Operation = {
  needs: 'read',
  async run({ hooks, tenant, query, shape }) {
    const cursor = query.text('cursor')
    const page = { limit: query.count('limit', 50, 250), ...(cursor !== undefined && { cursor }) }
    const { data, next } = await hooks.endpoints.list(tenant, page)
    return [200, shape.show.endpoints(data.map(bare).map(shape.show.endpoint), next)]
  },
}

export const createEndpoint: Operation = {
  needs: 'endpoint:write',
  async run(call) {
    const { hooks, tenant, body, shape } = call
    body.only(isOurs(call) ? [...WRITABLE, ...OURS] : WRITABLE, readOnly(call))
    const url = body.text('url')
    if (url === undefined) throw missing(call, 'url')
    const secret = chosenSecret(call)
    if (shape.secret === 'client' && secret === undefined) throw missing(call, 'secret')
    const input: CreateEndpoint = { ...changes(call), url, ...(secret !== undefined && { secret }) } as CreateEndpoint
    return shown(call, await hooks.endpoints.create(tenant, input, idempotencyOf(call)), 201)
  },
}

export const getEndpoint: Operation = {
  needs: 'read',
  run: async (call) => shown(call, await call.hooks.endpoints.get(call.tenant, call.id)),
}

/** A merge, whatever its verb: what is not named stays. With `If-Match`, only where the endpoint is still as it was read. */
export const updateEndpoint: Operation = {
  needs: 'endpoint:write',
  async run(call) {
    const { hooks, tenant, id, body, access } = call
    body.only(isOurs(call) ? [...WRITABLE, ...OURS] : WRITABLE, readOnly(call))
    const rev = revOf(call)
    const secret = chosenSecret(call)
    if (secret !== undefined) demand(access, 'secret:rotate')
    const url = body.text('url')
    const change = { ...changes(call), ...(url !== undefined && { url }), ...(secret !== undefined && { secret }) }
    return shown(call, await hooks.endpoints.update(tenant, id, change, rev === undefined ? {} : { rev }))
  },
}

export const removeEndpoint: Operation = {
  needs: 'endpoint:write',
  async run({ hooks, tenant, id }) {
    await hooks.endpoints.remove(tenant, id)
    return [204]
  },
}

export const enableEndpoint: Operation = {
  needs: 'endpoint:write',
  run: async (call) => shown(call, await call.hooks.endpoints.enable(call.tenant, call.id)),
}

export const disableEndpoint: Operation = {
  needs: 'endpoint:write',
  run: async (call) => shown(call, await call.hooks.endpoints.disable(call.tenant, call.id)),
}

export const rotateSecret: Operation = {
  needs: 'secret:rotate',
  async run(call) {
    const { hooks, tenant, id, body, shape } = call
    body.only(['secret', 'overlapSeconds', 'tenant'], [])
    const chosen = chosenSecret(call)
    const seconds = body.has('overlapSeconds') ? body.count('overlapSeconds', 0, 30 * 86_400, 0) : undefined
    const { secret } = await hooks.endpoints.rotateSecret(tenant, id, {
      ...(chosen !== undefined && { secret: chosen }),
      // Without an overlap the old ones end at once: one of them has leaked.
      ...(seconds !== undefined && (seconds === 0 ? { revoke: true } : { overlap: seconds * 1000 })),
    })
    const endpoint = { ...bare(await hooks.endpoints.get(tenant, id)), secret }
    return [200, shape.show.secret(secret, endpoint)]
  },
}

/** Those that sign: for people who have lost theirs. */
export const listSecrets: Operation = {
  needs: 'secret:read',
  run: async ({ hooks, tenant, id }) => [200, { data: await hooks.endpoints.secrets(tenant, id) }],
}

/** Nothing is started until it is resumed, and nothing is lost: what is sent meanwhile waits. */
export const pauseEndpoint: Operation = { needs: 'endpoint:write', run: (call) => paused(call, 'pause') }

export const resumeEndpoint: Operation = { needs: 'endpoint:write', run: (call) => paused(call, 'resume') }

export const endpointHealth: Operation = {
  needs: 'read',
  run: async ({ hooks, tenant, id }) => [200, await hooks.endpoints.health(tenant, id)],
}

async function paused({ hooks, tenant, id }: Call, what: 'pause' | 'resume'): Promise<Outcome> {
  await hooks.endpoints[what](tenant, id)
  return [200, await hooks.endpoints.health(tenant, id)]
}

export const testEndpoint: Operation = {
  needs: 'attempt:create',
  async run(call) {
    const { hooks, tenant, id, body, shape } = call
    body.only(['event', 'tenant'], [])
    const type = body.text('event', 128)
    const sent = await hooks.endpoints.sendTest(tenant, id, {
      ...(type !== undefined && { type }),
      ...idempotencyOf(call),
    })
    return [202, shape.show.test(sent)]
  },
}

export const endpointStats: Operation = {
  needs: 'read',
  async run(call) {
    const { hooks, tenant, id, query } = call
    await hooks.endpoints.get(tenant, id)
    const since = query.time('since')
    const until = query.time('until')
    if (isOurs(call) && query.has('buckets')) {
      if (!since || !until || since >= until)
        throw new Refusal(
          400,
          'field_missing',
          '"buckets" needs "since" and a later "until".',
          since ? 'until' : 'since',
        )
      return [200, await statisticsOver(call, id, { since, until, buckets: query.count('buckets', 1, MOST_BUCKETS) })]
    }
    return [200, await statistics(call, id, { ...(since && { since }), ...(until && { until }) })]
  },
}

/** An endpoint as the product shows it, with the revision that a change can name. */
function shown({ shape }: Call, endpoint: EndpointView, status = 200): Outcome {
  return [status, shape.show.endpoint(bare(endpoint)), { etag: `"${endpoint.rev}"` }]
}

const bare = <E extends EndpointView>({ rev: _rev, ...endpoint }: E) => endpoint

/** The revision that `If-Match` names; undefined where any will do. RFC 9110, section 13.1.1. */
function revOf({ headers }: Call): number | undefined {
  const match = headers.get('if-match')?.trim()
  if (match === undefined || match === '*') return undefined
  const [, rev] = /^"(\d{1,15})"$/.exec(match) ?? []
  if (rev !== undefined) return Number(rev)
  throw new Refusal(412, 'endpoint_changed', 'The endpoint is not as `If-Match` says.')
}

/** What a create and an update have in common, the URL and the secret apart. */
function changes(call: Call): UpdateEndpoint {
  const { body, shape } = call
  const events = body.textsOrNull('events', shape.eventLimit)
  const channels = body.textsOrNull('channels', 20)
  const name = body.textOrNull('name', 200)
  const metadata = body.labels('metadata')
  const enabled = body.flag('enabled')
  return {
    ...(events !== undefined && { events: events as NonNullable<UpdateEndpoint['events']> }),
    ...(channels !== undefined && { channels }),
    ...(name !== undefined && { name }),
    ...(metadata !== undefined && { metadata }),
    ...(enabled !== undefined && { enabled }),
    ...(isOurs(call) && settings(call)),
  }
}

/** How an endpoint is served. */
function settings({ body }: Call): UpdateEndpoint {
  const rateLimit = body.numberOrNull('rateLimit', RATE_LIMIT.least, RATE_LIMIT.most)
  const headers = body.labelsOrNull('headers')
  const filter = body.objectOrNull('filter')
  const payload = body.oneOf('payload', ['full', 'thin'])
  const version = body.textOrNull('version', 100)
  return {
    ...(rateLimit !== undefined && { rateLimit }),
    ...(headers !== undefined && { headers }),
    ...(filter !== undefined && { filter: filter as UpdateEndpoint['filter'] }),
    ...(payload !== undefined && { payload }),
    ...(version !== undefined && { version }),
  } as UpdateEndpoint
}

const isOurs = ({ contract }: Call) => contract.api.base === undefined

/** The client's own secret, where the product takes one. */
function chosenSecret({ body, shape }: Call): string | undefined {
  return shape.secret === 'generated' ? undefined : body.text('secret', 200)
}

function missing({ shape }: Call, name: string): Refusal {
  return new Refusal(400, 'field_missing', `"${shape.nameOf(name)}" is missing.`, shape.nameOf(name))
}

/** What our own answers show may come back in a change, and is left as it is. */
function readOnly({ shape }: Call): readonly string[] {
  const shown = shape.show.endpoint(EXAMPLE)
  return typeof shown === 'object' && shown !== null ? Object.keys(shown) : []
}

const EXAMPLE: Omit<EndpointView, 'rev'> & { readonly secret: string } = {
  id: '',
  tenant: '',
  url: '',
  events: [],
  channels: [],
  enabled: true,
  reason: null,
  name: null,
  metadata: {},
  rateLimit: null,
  concurrency: null,
  headers: [],
  filter: null,
  payload: 'full',
  version: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  secret: '',
}

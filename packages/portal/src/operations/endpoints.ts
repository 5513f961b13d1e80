import type { CreateEndpoint, EndpointView, UpdateEndpoint } from '@hooks/sender'
import type { Call, Operation } from '../call.ts'
import { Refusal } from '../refusal.ts'
import { statistics } from './statistics.ts'

const WRITABLE = ['name', 'url', 'events', 'channels', 'enabled', 'metadata', 'secret', 'tenant']

export const listEndpoints: Operation = {
  needs: 'read',
  async run({ hooks, tenant, query, shape }) {
    const cursor = query.text('cursor')
    const page = { limit: query.count('limit', 50, 250), ...(cursor !== undefined && { cursor }) }
    const { data, next } = await hooks.endpoints.list(tenant, page)
    return [200, shape.show.endpoints(data.map(shape.show.endpoint), next)]
  },
}

export const createEndpoint: Operation = {
  needs: 'endpoint:write',
  async run(call) {
    const { hooks, tenant, body, shape } = call
    body.only(WRITABLE, readOnly(call))
    const url = body.text('url')
    if (url === undefined) throw missing(call, 'url')
    const secret = chosenSecret(call)
    if (shape.secret === 'client' && secret === undefined) throw missing(call, 'secret')
    const input: CreateEndpoint = { ...changes(call), url, ...(secret !== undefined && { secret }) } as CreateEndpoint
    const endpoint = await hooks.endpoints.create(tenant, input)
    return [201, shape.show.endpoint(endpoint)]
  },
}

export const getEndpoint: Operation = {
  needs: 'read',
  run: async ({ hooks, tenant, id, shape }) => [200, shape.show.endpoint(await hooks.endpoints.get(tenant, id))],
}

/** A merge, whatever its verb: what is not named stays. */
export const updateEndpoint: Operation = {
  needs: 'endpoint:write',
  async run(call) {
    const { hooks, tenant, id, body, shape } = call
    body.only(WRITABLE, readOnly(call))
    const secret = chosenSecret(call)
    const url = body.text('url')
    const change = { ...changes(call), ...(url !== undefined && { url }) }
    const endpoint = await hooks.endpoints.update(tenant, id, change)
    if (secret === undefined) return [200, shape.show.endpoint(endpoint)]
    await hooks.endpoints.rotateSecret(tenant, id, { secret })
    return [200, shape.show.endpoint(await hooks.endpoints.get(tenant, id))]
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
  run: async ({ hooks, tenant, id, shape }) => [200, shape.show.endpoint(await hooks.endpoints.enable(tenant, id))],
}

export const disableEndpoint: Operation = {
  needs: 'endpoint:write',
  run: async ({ hooks, tenant, id, shape }) => [200, shape.show.endpoint(await hooks.endpoints.disable(tenant, id))],
}

export const rotateSecret: Operation = {
  needs: 'secret:rotate',
  async run(call) {
    const { hooks, tenant, id, body, shape } = call
    const chosen = chosenSecret(call)
    const overlap = body.has('overlapSeconds') ? body.count('overlapSeconds', 0, 30 * 86_400) * 1000 : undefined
    const { secret } = await hooks.endpoints.rotateSecret(tenant, id, {
      ...(chosen !== undefined && { secret: chosen }),
      ...(overlap !== undefined && { overlap }),
    })
    const endpoint = { ...(await hooks.endpoints.get(tenant, id)), secret }
    return [200, shape.show.secret(secret, endpoint)]
  },
}

export const testEndpoint: Operation = {
  needs: 'attempt:create',
  async run({ hooks, tenant, id, body, shape }) {
    const type = body.text('event', 128)
    return [202, shape.show.test(await hooks.endpoints.sendTest(tenant, id, type === undefined ? {} : { type }))]
  },
}

export const endpointStats: Operation = {
  needs: 'read',
  async run(call) {
    const { hooks, tenant, id, query } = call
    await hooks.endpoints.get(tenant, id)
    const since = query.time('since')
    const until = query.time('until')
    return [200, await statistics(call, id, { ...(since && { since }), ...(until && { until }) })]
  },
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
  }
}

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

const EXAMPLE: EndpointView & { readonly secret: string } = {
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

import { type Endpoint, newId, type Seams, type Selector, type Storage } from '@hooks/core'
import { mismatch } from './match.ts'
import type { RecoverOptions, ReplayCount, ReplayJob } from './replay-api.ts'
import { withStorageRetry } from './storage-retry.ts'

/** What a job was created with. It is stored as JSON. */
export interface Params {
  readonly endpoint: string
  readonly since: number
  /** Null for as long as the job is not created. */
  readonly until: number | null
  readonly types: readonly string[] | null
  readonly states: NonNullable<RecoverOptions['states']>
  readonly perSecond: number
  readonly total: ReplayCount
}

export interface Progress {
  readonly sent: number
  readonly expired: number
  readonly left: number
}

/** One stretch of a replay: how far it got, and what it did, or would do. */
interface Stretch extends Progress {
  /** Undefined at the end. */
  readonly next: string | undefined
}

/** What is to be sent again. */
export type Scope = Omit<Params, 'total'>

/** What `createStretches` needs. */
interface StretchOptions extends Seams {
  readonly storage: Storage
  readonly deliveryPrefix: string
  /** How an endpoint wants its bodies. */
  readonly variantOf: (endpoint: Endpoint) => string | undefined
}

/** How many are counted in one call. */
const COUNTED = 1_000
/** How many messages one step looks at before it lets others have the storage. */
const MOST_PAGES = 10
const PAGE = 200

/** The stretches that replays are made of, and the counting of all of them. */
export function createStretches(options: StretchOptions) {
  const { storage, clock, random } = options
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, options)

  async function recoverStretch(tenant: string, params: Scope, limit: number, cursor?: string, dryRun = false) {
    const selector = { ...selectorOf(tenant, params), states: params.states }
    const found = await storage.revive(selector, limit, cursor, dryRun)
    const left = found.inFlight + found.blocked
    return { sent: found.revived, expired: found.expired, left, next: found.next }
  }

  async function missingStretch(
    endpoint: Endpoint,
    params: Scope,
    limit: number,
    cursor?: string,
    dryRun = false,
  ): Promise<Stretch> {
    const selector = selectorOf(endpoint.tenant, params)
    const variant = options.variantOf(endpoint)
    const wanted: string[] = []
    let expired = 0
    let next = cursor
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const page = { limit: PAGE, ...(next !== undefined && { cursor: next }) }
      const { data, next: more } = await storage.history.undelivered(selector, page)
      for (const message of data) {
        next = message.id
        if (message.expired) {
          if (mismatch({ ...message, data: undefined }, endpoint) === null) expired++
        } else if (mismatch(message, endpoint) === null) wanted.push(message.id)
        if (wanted.length >= limit) break
      }
      if (wanted.length >= limit) break
      if (more === undefined) {
        next = undefined
        break
      }
    }
    const deliveries = wanted.map((messageId) => ({
      messageId,
      deliveries: [
        {
          id: newId(options.deliveryPrefix, clock, random),
          endpointId: endpoint.id,
          ...(variant !== undefined && { variant }),
        },
      ],
    }))
    const sent = dryRun || deliveries.length === 0 ? deliveries.length : await storage.add(deliveries)
    return { sent, expired, left: wanted.length - sent, next }
  }

  const stretch = (
    kind: string,
    endpoint: Endpoint,
    params: Scope,
    limit: number,
    cursor?: string,
    dryRun?: boolean,
  ) =>
    kind === 'recover'
      ? recoverStretch(endpoint.tenant, params, limit, cursor, dryRun)
      : missingStretch(endpoint, params, limit, cursor, dryRun)

  async function count(kind: ReplayJob['kind'], endpoint: Endpoint, params: Scope): Promise<ReplayCount> {
    let [matching, expired] = [0, 0]
    let cursor: string | undefined
    do {
      const from = cursor
      const found = await stored(() => stretch(kind, endpoint, params, COUNTED, from, true))
      matching += found.sent
      expired += found.expired
      cursor = found.next
    } while (cursor !== undefined)
    return { matching, expired }
  }

  return { stretch, count }
}

function selectorOf(tenant: string, params: Scope): Selector & { readonly endpoint: string } {
  const { endpoint, since, until, types } = params
  const end = until !== null && { until: new Date(until) }
  return { tenant, endpoint, since: new Date(since), ...end, ...(types && { types }) }
}

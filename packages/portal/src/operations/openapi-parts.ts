import type { ApiOperation } from '@hooks/core'
import { RATE_LIMIT } from '@hooks/sender'

type Schema = Readonly<Record<string, unknown>>

const text = { type: 'string' }
const time = { type: 'string', format: 'date-time' }
const flag = { type: 'boolean' }
const count = { type: 'integer' }
const texts = { type: 'array', items: text }
const orNull = (type: string) => ({ type: [type, 'null'] })
const object = (properties: Schema, required = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
})
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const listOf = (name: string, more: Schema = {}) =>
  object({ data: { type: 'array', items: ref(name) }, nextCursor: orNull('string'), ...more })

/** What each operation does, what it answers with, and the status of that where it is not 200. */
export const SUMMARIES: Readonly<
  Record<ApiOperation, { readonly summary: string; readonly schema?: string; readonly status?: number }>
> = {
  listEventTypes: { summary: 'The catalog of events', schema: 'EventTypes' },
  listEndpoints: { summary: 'All endpoints', schema: 'Endpoints' },
  createEndpoint: { summary: 'Adds an endpoint; its secret is in this answer alone', schema: 'Endpoint', status: 201 },
  getEndpoint: { summary: 'One endpoint', schema: 'Endpoint' },
  updateEndpoint: { summary: 'Changes what is named of an endpoint', schema: 'Endpoint' },
  removeEndpoint: { summary: 'Removes an endpoint', status: 204 },
  enableEndpoint: { summary: 'Enables an endpoint', schema: 'Endpoint' },
  disableEndpoint: { summary: 'Disables an endpoint', schema: 'Endpoint' },
  rotateSecret: { summary: 'Makes a new secret', schema: 'Secret' },
  testEndpoint: { summary: 'Sends the example of an event', schema: 'Sent', status: 202 },
  endpointDeliveries: { summary: 'Deliveries to an endpoint, newest first', schema: 'Deliveries' },
  listSecrets: { summary: 'The secrets that sign', schema: 'Secrets' },
  pauseEndpoint: { summary: 'Starts nothing more at an endpoint until it is resumed; what is sent meanwhile waits' },
  resumeEndpoint: { summary: 'Ends a pause' },
  endpointHealth: { summary: 'How an endpoint is doing' },
  overview: { summary: 'How the sender is doing; for the people who run it' },
  overviewEndpoints: { summary: 'The endpoints of all tenants; for the people who run the sender' },
  overviewRecover: {
    summary:
      'Sends again what failed or was skipped, a page of endpoints of all tenants at a time; for the people who run the sender',
    schema: 'Recovered',
    status: 202,
  },
  endpointStats: { summary: 'How many deliveries to an endpoint are in each state', schema: 'Statistics' },
  listMessages: { summary: 'Messages, newest first' },
  getMessage: { summary: 'One message, and what became of it at each endpoint' },
  listDeliveries: { summary: 'Deliveries, newest first', schema: 'Deliveries' },
  getDelivery: { summary: 'One delivery, with its attempts and its request', schema: 'Delivery' },
  resendDelivery: { summary: 'Sends a delivery again', schema: 'Delivery', status: 202 },
  cancelDelivery: { summary: 'Gives up a delivery that waits', schema: 'Delivery' },
  listVerificationCode: { summary: 'Code that verifies signatures, by language' },
  recoverEndpoint: { summary: 'Sends again what failed or was skipped', schema: 'Job', status: 202 },
  replayMissing: { summary: 'Sends what an endpoint never got', schema: 'Job', status: 202 },
  listJobs: { summary: 'Recoveries, newest first', schema: 'Jobs' },
  getJob: { summary: 'How far a recovery has got', schema: 'Job' },
  cancelJob: { summary: 'Stops a recovery', schema: 'Job' },
  describeApi: { summary: 'This document' },
}

const page = ['limit', 'cursor']
const stretch = ['since', 'until']

/** The parameters in queries, by our names. */
export const QUERIES: Readonly<Partial<Record<ApiOperation, readonly string[]>>> = {
  listEndpoints: page,
  endpointDeliveries: ['status', 'event', ...stretch, ...page],
  endpointStats: [...stretch, 'buckets'],
  listMessages: ['event', ...stretch, ...page],
  listDeliveries: ['endpoint', 'status', 'event', ...stretch, ...page],
  listJobs: page,
  overviewEndpoints: page,
}

const endpoint = {
  url: { type: 'string', format: 'uri' },
  name: orNull('string'),
  events: { ...texts, type: ['array', 'null'] },
  channels: { ...texts, type: ['array', 'null'] },
  enabled: flag,
  metadata: { type: 'object', additionalProperties: text },
  secret: text,
}
const settings = {
  rateLimit: { type: ['number', 'null'], minimum: RATE_LIMIT.least, maximum: RATE_LIMIT.most },
  headers: { type: ['object', 'null'], additionalProperties: text },
  filter: orNull('object'),
  payload: { enum: ['full', 'thin'] },
  version: orNull('string'),
}
const replay = { properties: { since: time, until: time, types: texts, dryRun: flag }, required: ['since'] }

/** What bodies may hold, by our names. */
export const BODIES: Readonly<
  Partial<Record<ApiOperation, { readonly properties: Schema; readonly required: readonly string[] }>>
> = {
  createEndpoint: { properties: { ...endpoint, ...settings }, required: ['url'] },
  updateEndpoint: { properties: { ...endpoint, ...settings }, required: [] },
  rotateSecret: { properties: { secret: text, overlapSeconds: count }, required: [] },
  testEndpoint: { properties: { event: text }, required: [] },
  recoverEndpoint: replay,
  replayMissing: replay,
  overviewRecover: { properties: { ...replay.properties, limit: count, cursor: text }, required: ['since'] },
}

const delivery = {
  id: text,
  messageId: text,
  endpointId: text,
  type: text,
  state: { enum: ['pending', 'sending', 'retrying', 'delivered', 'failed', 'cancelled', 'skipped'] },
  status: text,
  reason: orNull('string'),
  attempts: count,
  last: { anyOf: [ref('Attempt'), { type: 'null' }] },
  nextAttemptAt: orNull('string'),
  createdAt: time,
  finishedAt: orNull('string'),
}

/** Our own answers. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Problem: object({ type: text, status: count, code: text, title: text, detail: text, field: text }, [
    'status',
    'code',
    'title',
    'detail',
  ]),
  Endpoint: object(
    {
      id: text,
      tenant: text,
      ...endpoint,
      ...settings,
      headers: texts,
      reason: orNull('string'),
      createdAt: time,
      updatedAt: time,
    },
    ['id', 'tenant', 'url', 'events', 'enabled', 'createdAt', 'updatedAt'],
  ),
  Endpoints: listOf('Endpoint'),
  Secret: object({ secret: text }),
  Secrets: object({
    data: {
      type: 'array',
      items: object({ secret: text, signsFrom: orNull('string'), signsUntil: orNull('string') }),
    },
  }),
  Sent: object({ messageId: text }),
  Attempt: object(
    {
      n: count,
      at: time,
      ms: { type: 'number' },
      status: count,
      error: text,
      detail: text,
      response: text,
      responseHeaders: { type: 'object', additionalProperties: text },
      trigger: text,
    },
    ['n', 'at', 'ms', 'trigger'],
  ),
  Delivery: object(
    {
      ...delivery,
      occurredAt: time,
      data: {},
      request: { type: 'object' },
      log: { type: 'array', items: ref('Attempt') },
    },
    Object.keys(delivery),
  ),
  Deliveries: listOf('Delivery', { statistics: ref('Statistics') }),
  Statistics: {
    type: 'object',
    properties: { buckets: { type: 'array', items: { type: 'object' } } },
    additionalProperties: count,
  },
  EventTypes: object({ data: { type: 'array', items: ref('EventType') } }),
  EventType: object({ type: text, description: text, group: text, deprecated: text, example: {}, schema: {} }, [
    'type',
  ]),
  Job: object({
    id: text,
    kind: { enum: ['recover', 'replay_missing', 'resend'] },
    endpointId: text,
    since: time,
    until: time,
    state: { enum: ['running', 'done', 'failed', 'cancelled'] },
    reason: orNull('string'),
    total: object({ matching: count, expired: count }),
    sent: count,
    expired: count,
    left: count,
  }),
  Jobs: listOf('Job'),
  Recovered: object({
    data: {
      type: 'array',
      items: object({ tenant: text, endpointId: text, matching: count, expired: count, jobId: orNull('string') }),
    },
    endpoints: count,
    nextCursor: orNull('string'),
  }),
}

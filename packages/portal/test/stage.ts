import {
  type ApiShape,
  defineContract,
  defineEvents,
  type HmacFormatOptions,
  hmacFormat,
  type Logger,
  silentLogger,
} from '@hooks/core'
import { createSender, memoryStorage } from '@hooks/sender'
import { seededRandom, virtualClock } from '@hooks/sender/testing'
import { z } from 'zod'
import { type Access, type Audit, createManagementApi, type Redact } from '../src/index.ts'

export const events = defineEvents({
  'booking.created': {
    description: 'A booking was created',
    group: 'Bookings',
    schema: z.object({ id: z.string() }),
    example: { id: 'booking_1' },
    versions: { '2025-01': ({ id }) => ({ booking: id }) },
  },
  'booking.cancelled': { schema: z.object({ id: z.string() }), example: { id: 'booking_1' } },
  'user.deleted': {},
})

export interface StageOptions {
  readonly api?: ApiShape
  readonly format?: HmacFormatOptions
  readonly status?: () => number
  readonly response?: string
  readonly responseHeaders?: Readonly<Record<string, string>>
  readonly audit?: Audit
  readonly redact?: Redact
  readonly logger?: Logger
}

/** A sender on a virtual clock with a scripted network, and its management API for whoever has the key `acme` or `globex`. */
export function stage({
  api,
  format,
  status = () => 200,
  response = '',
  responseHeaders = {},
  audit,
  redact,
  logger = silentLogger,
}: StageOptions = {}) {
  const clock = virtualClock()
  const random = seededRandom(7)
  const contract = defineContract({ events, ...(api && { api }), ...(format && { format: hmacFormat(format) }) })
  const storage = memoryStorage({ clock, random })
  const sent: { url: string; headers: Readonly<Record<string, string>>; body: string }[] = []
  const hooks = createSender({
    contract,
    storage,
    clock,
    random,
    logger: silentLogger,
    transport: {
      async send({ url, headers, body }) {
        sent.push({ url: url.href, headers, body: Buffer.from(body).toString() })
        const answer = { ms: 12, sent: true, headers: responseHeaders, truncated: false }
        return { ...answer, status: status(), body: Buffer.from(response) }
      },
    },
  })
  const known: Record<string, Access> = {
    acme: { tenants: ['acme'], user: 'ada' },
    globex: { tenants: ['globex'] },
    writer: { tenants: ['acme'], can: ['read', 'endpoint:write'] },
    reader: { tenants: ['acme'], can: ['read'] },
    group: { tenants: ['acme', 'globex'] },
    operator: { tenants: 'all' },
  }
  const { fetch } = createManagementApi(hooks, {
    contract,
    logger,
    ...(audit && { audit }),
    ...(redact && { redact }),
    authorize: ({ headers }) => known[headers.get('authorization')?.replace('Bearer ', '') ?? ''] ?? null,
  })
  /** A call as `acme`, unless the headers say otherwise. */
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(
      new Request(`https://api.example${path}`, {
        method,
        headers: {
          authorization: 'Bearer acme',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, json: text === '' ? undefined : JSON.parse(text) }
  }
  return { clock, contract, hooks, storage, sent, fetch, call }
}

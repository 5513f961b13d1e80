import { createHmac } from 'node:crypto'
import { silentLogger } from '@hooks/core'
import { createManagementApi } from '@hooks/portal'
import { createSender, memoryStorage, type Transport } from '@hooks/sender'
import { seededRandom, virtualClock } from '@hooks/sender/testing'
import { printedBodies } from 'documents'
import { type AuditEvent, contract as documented } from '../src/contract.ts'
import { byApiKey } from '../src/sender.ts'

export const SECRET = 'whsec_abc123def456'
export const TENANT = 'tenant-001'
export const MINUTE = 60_000

/** When the document's events happen. */
export const PRINTED_TIME = new Date('2025-01-15T10:30:00Z')

export interface Received {
  readonly url: string
  readonly at: Date
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface StageOptions {
  /** What the customer's server answers to the nth request: a status, or none within `ms`. */
  readonly answer?: (n: number, request: Received) => number | 'none'
  /** How long each answer takes. */
  readonly ms?: number
  readonly contract?: typeof documented
}

/** Audit Trail as its contract has it, on a clock that is moved by hand, and a network that keeps what it is given. */
export function stage({ answer = () => 200, ms = 0, contract = documented }: StageOptions = {}) {
  const clock = virtualClock(PRINTED_TIME)
  const random = seededRandom(7)
  const received: Received[] = []
  const transport: Transport = {
    async send({ url, headers, body }) {
      const request = { url: url.href, at: clock.now(), headers, body: Buffer.from(body).toString() }
      received.push(request)
      const status = answer(received.length, request)
      await clock.sleep(ms)
      if (status === 'none') return { ms, sent: true, error: 'response_timeout', detail: 'No answer in time.' }
      return { ms, sent: true, status, headers: {}, body: new Uint8Array(), truncated: false }
    },
  }
  const storage = memoryStorage({ clock, random })
  const hooks = createSender({ contract, storage, transport, clock, random, logger: silentLogger, poll: '10m' })
  const authorize = byApiKey({
    'your-api-key': [TENANT, 'tenant-002'],
    'other-key': ['tenant-003'],
  })
  const api = createManagementApi(hooks, { contract, authorize })

  /** A call as the document prints them: with the key, and a content type where there is a body. */
  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answered = await api.fetch(
      new Request(new URL(path, 'https://api.audit-trail.io'), {
        method,
        headers: {
          'x-api-key': 'your-api-key',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
    const text = await answered.text()
    return { status: answered.status, text, json: text === '' ? undefined : JSON.parse(text) }
  }

  async function create(more: object = {}): Promise<string> {
    const created = await call('POST', '/api/v1/webhooks', {
      tenantId: TENANT,
      name: 'My Webhook',
      url: 'https://myapp.com/webhooks/audit-trail',
      secret: SECRET,
      ...more,
    })
    if (created.status !== 201) throw new Error(created.text)
    return created.json.id
  }
  const deliveries = async (id: string) => (await call('GET', `/api/v1/webhooks/${id}/deliveries`)).json.deliveries
  const happens = (event = EVENT, tenant = TENANT) => hooks.send('event.created', { event }, { tenant })
  return { clock, hooks, api, call, create, deliveries, happens, received }
}

/** The event that the document prints. */
export const EVENT = (printedBodies('audit-trail')[0]?.data as { event: AuditEvent } | undefined)?.event as AuditEvent

/** What the document says of a signature, by Node.js alone. */
export const signatureOf = (timestamp: string, body: string) =>
  `sha256=${createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex')}`

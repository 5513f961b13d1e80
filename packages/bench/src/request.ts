import { createHmac, randomUUID } from 'node:crypto'
import { type Agent, request } from 'undici'

/** What every contender sends: 1 KB. */
export const data = { id: 'order_1', note: 'x'.repeat(900) }

const KEY = Buffer.alloc(32, 7)

/** The same work for every peer: compose, sign. */
export function signed(of: unknown): { readonly body: Buffer; readonly headers: Record<string, string> } {
  const body = Buffer.from(
    `{"type":"order.paid","timestamp":"${new Date().toISOString()}","data":${JSON.stringify(of)}}`,
  )
  const id = randomUUID()
  const time = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', KEY).update(`${id}.${time}.`).update(body).digest('base64')
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': time,
      'webhook-signature': `v1,${signature}`,
    },
  }
}

/** Signs and posts with undici. Resolves to the status. */
export async function post(url: string, of: unknown, agent: Agent): Promise<number> {
  const response = await request(url, { method: 'POST', dispatcher: agent, ...signed(of) })
  await response.body.dump()
  return response.statusCode
}

/** Signs and posts with `fetch`, as most hosts do. Resolves to the status. */
export async function postByFetch(url: string, of: unknown): Promise<number> {
  const response = await fetch(url, { method: 'POST', ...signed(of) })
  await response.arrayBuffer()
  return response.status
}

import { type ChildProcess, fork } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createSender, defineContract, defineEvents, memoryStorage } from '@hooks/sender'
import { Agent, request } from 'undici'
import type { Section } from './report.ts'
import { measure } from './rounds.ts'

const IN_FLIGHT = 64
const contract = defineContract({ events: defineEvents({ 'order.paid': {} }) })
const data = { id: 'order_1', note: 'x'.repeat(900) }

/** Delivery over loopback: the sender on memory storage, beside a bare loop that signs and sends. */
export async function deliverSections(rounds: number): Promise<Section[]> {
  const sink = fork(fileURLToPath(new URL('./sink.ts', import.meta.url)), { execArgv: process.execArgv })
  try {
    const [port] = (await once(sink, 'message')) as [number]
    const many = await compare(port, 100, 4, 10_000, rounds)
    const one = await compare(port, 1, IN_FLIGHT, 10_000, rounds)
    return [
      {
        title: `deliver, memory storage, loopback: 100 endpoints, ${IN_FLIGHT} in flight, 1 KB`,
        target: 'ours at least 0.70 of the limit',
        results: many,
      },
      {
        title: `deliver, memory storage, loopback: 1 endpoint, ${IN_FLIGHT} in flight, 1 KB`,
        target: 'ours at least 0.70 of the limit',
        results: one,
      },
    ]
  } finally {
    close(sink)
  }
}

function compare(port: number, endpoints: number, endpointConcurrency: number, count: number, rounds: number) {
  const urls = Array.from({ length: endpoints }, (_, i) => `http://127.0.0.1:${port}/${i}`)
  return measure(
    [
      { name: 'bare signed undici.request loop', run: () => bareLoop(urls, count) },
      { name: '@hooks/sender, memory storage', run: () => sendAll(urls, endpointConcurrency, count) },
    ],
    rounds,
  )
}

async function bareLoop(urls: readonly string[], count: number): Promise<number> {
  const agent = new Agent({ connections: null, pipelining: 1 })
  const key = Buffer.alloc(32, 7)
  let next = 0
  const worker = async () => {
    for (let i = next++; i < count; i = next++) {
      const body = Buffer.from(
        `{"type":"order.paid","timestamp":"${new Date().toISOString()}","data":${JSON.stringify(data)}}`,
      )
      const id = randomUUID()
      const time = String(Math.floor(Date.now() / 1000))
      const signature = createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest('base64')
      const response = await request(urls[i % urls.length] as string, {
        method: 'POST',
        dispatcher: agent,
        body,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': time,
          'webhook-signature': `v1,${signature}`,
        },
      })
      await response.body.dump()
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  await agent.close()
  return count
}

/** All messages are there when the worker starts: what is measured is matching, claiming, signing, sending, settling. */
async function sendAll(urls: readonly string[], endpointConcurrency: number, count: number): Promise<number> {
  const hooks = createSender({
    contract,
    storage: memoryStorage(),
    dev: true,
    concurrency: IN_FLIGHT,
    endpointConcurrency,
  })
  for (const [i, url] of urls.entries()) await hooks.endpoints.create(`tenant${i}`, { url })
  const messages = Array.from({ length: count }, (_, i) => ({
    type: 'order.paid' as const,
    data,
    tenant: `tenant${i % urls.length}`,
  }))
  for (let i = 0; i < count; i += 1_000) await hooks.sendMany(messages.slice(i, i + 1_000))
  let delivered = 0
  const done = new Promise<void>((resolve) => {
    hooks.on('delivery.delivered', () => {
      if (++delivered === count) resolve()
    })
  })
  hooks.start()
  await done
  await hooks.stop()
  return count
}

function close(child: ChildProcess): void {
  child.disconnect()
}

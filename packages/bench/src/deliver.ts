import { createSender, defineContract, defineEvents, memoryStorage } from '@hooks/sender'
import { Agent } from 'undici'
import { errorsOnly } from './errors-only.ts'
import type { Section } from './report.ts'
import { data, post } from './request.ts'
import { measure } from './rounds.ts'
import { startSink } from './sink-process.ts'

const IN_FLIGHT = 64
const contract = defineContract({ events: defineEvents({ 'order.paid': {} }) })

/** Delivery over loopback: the sender on memory storage, beside a bare loop that signs and sends. */
export async function deliverSections(rounds: number): Promise<Section[]> {
  const sink = await startSink()
  try {
    const many = await compare(sink.port, 100, 4, 10_000, rounds)
    const one = await compare(sink.port, 1, IN_FLIGHT, 10_000, rounds)
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
    sink.close()
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
  let next = 0
  const worker = async () => {
    for (let i = next++; i < count; i = next++) await post(urls[i % urls.length] as string, data, agent)
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
    logger: errorsOnly,
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

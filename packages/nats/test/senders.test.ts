import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSender, defineContract, defineEvents, memoryStorage } from '@hooks/sender'
import { afterEach, describe, expect, it } from 'vitest'
import { fresh, server } from './server.ts'

const contract = defineContract({ events: defineEvents({ tick: {} }) })
const silent = { debug() {}, info() {}, warn() {}, error() {} }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A sender that sends and one that works, each on its own connection, which look by themselves as seldom as a test says. */
async function senders(poll: '10m' | '2s') {
  const { queue, second, outage, close } = await fresh()
  closing.push(close)
  const received: number[] = []
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    received.push(JSON.parse(Buffer.concat(chunks).toString()).data.n)
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  closing.push(() => {
    receiver.closeAllConnections()
    receiver.close()
  })
  const options = { contract, storage: memoryStorage(), dev: true, logger: silent, poll }
  const [web, worker] = [createSender({ ...options, queue }), createSender({ ...options, queue: second })]
  closing.push(() => Promise.all([web.stop(), worker.stop()]))
  const { port } = receiver.address() as AddressInfo
  await web.endpoints.create('acme', { url: `http://127.0.0.1:${port}/` })
  return { web, worker, outage, received }
}

describe.skipIf(!server)('senders with a queue on NATS', () => {
  it('deliver at once what another has sent', { timeout: 60_000 }, async () => {
    const { web, worker, received } = await senders('10m')
    worker.start()
    await sleep(300)
    for (let n = 0; n < 20; n++) await web.send('tick', { n }, { tenant: 'acme' })
    while (received.length < 20) await sleep(5)
    expect([...received].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  it('lose nothing to an outage: it costs a poll', { timeout: 60_000 }, async () => {
    const { web, worker, outage, received } = await senders('2s')
    worker.start()
    for (let n = 0; n < 30; n++) {
      if (n === 10) await outage.begin()
      if (n === 20) await outage.end()
      await web.send('tick', { n }, { tenant: 'acme' })
      await sleep(20)
    }
    while (received.length < 30) await sleep(5)
    expect([...received].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n))
  })
})

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defineContract, defineEvents, silentLogger } from '@hooks/core'
import { createSender, memoryStorage, type Resolver, type Transport } from '@hooks/sender'

/** The one host that may be reached, and another of the same network that may not. */
const [PUBLIC, INTERNAL] = ['127.0.0.1', '127.0.0.2']
const TRIES = 20

/**
 * A sender with real sockets, and names whose answer turns from a good address to a bad one and back. With the bug, a name
 * is judged by one look-up and connected to by another. Returns what reached the internal host.
 */
export async function rebind(withBug: boolean): Promise<readonly string[]> {
  let reached = 0
  const { port, close } = await twoHosts(() => reached++)
  let n = 0
  const resolver: Resolver = {
    resolve: async () => [{ address: n++ % 2 === 0 ? PUBLIC : INTERNAL, family: 4, ttlMs: 0 }],
  }
  const storage = memoryStorage()
  const hooks = createSender({
    contract: defineContract({
      events: defineEvents({ tick: {} }),
      policy: { retry: ['0s'], pace: false, disable: 'never' },
    }),
    storage,
    logger: silentLogger,
    resolver,
    allowPrivateNetworks: [`${PUBLIC}/32`],
    ...(withBug && { transport: lookupOnly(resolver) }),
  })
  for (let i = 0; i < TRIES; i++) {
    const { id } = await hooks.endpoints.create('acme', { url: `https://rebind-${i}.example/` })
    const endpoint = await storage.endpoints.get('acme', id)
    // A port that is free, which could not be saved: what is looked at is the address.
    const url = `http://rebind-${i}.example:${port}/`
    if (endpoint) await storage.endpoints.update({ ...endpoint, url }, endpoint.rev)
  }
  const ended = new Promise<void>((resolve) => {
    let left = TRIES
    const one = () => {
      if (--left === 0) resolve()
    }
    hooks.on('delivery.delivered', one).on('delivery.failed', one)
  })
  hooks.start()
  await hooks.send('tick', {}, { tenant: 'acme' })
  await ended
  await hooks.stop()
  await close()
  return reached > 0 ? [`address: ${reached} of ${TRIES} requests reached a host that is blocked`] : []
}

async function twoHosts(internal: () => void): Promise<{ readonly port: number; close(): Promise<void> }> {
  for (;;) {
    const open = await listen(PUBLIC, 0, () => {})
    const { port } = open.address() as AddressInfo
    try {
      const hidden = await listen(INTERNAL, port, internal)
      return { port, close: async () => void (await Promise.all([open, hidden].map(end))) }
    } catch {
      // The port was taken there: another one.
      await end(open)
    }
  }
}

function listen(host: string, port: number, connected: () => void): Promise<Server> {
  const server = createServer((_request, response) => response.writeHead(204, { connection: 'close' }).end())
  server.on('connection', connected)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}

function end(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

/** The bug. */
function lookupOnly({ resolve }: Resolver): Transport {
  return {
    async send({ url }) {
      const { signal } = new AbortController()
      const judged = await resolve(url.hostname, signal)
      if (judged.some(({ address }) => address !== PUBLIC))
        return { error: 'address_blocked', detail: '', ms: 0, sent: false }
      const [found] = await resolve(url.hostname, signal)
      const { status } = await fetch(`http://${found?.address}:${url.port}/`, { method: 'POST' })
      return { status, headers: {}, body: new Uint8Array(), truncated: false, ms: 0, sent: true }
    },
  }
}

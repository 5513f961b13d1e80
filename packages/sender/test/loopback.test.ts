import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { headerBag, platformCrypto, type Storage, standardWebhooks, systemClock, verifyRequest } from '@hooks/core'
import { afterEach, describe, expect, it } from 'vitest'
import { createSender, defineContract, defineEvents, memoryStorage } from '../src/index.ts'

const cleanUp: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const act of cleanUp.splice(0)) await act()
})

describe('a sender over real sockets', () => {
  it('delivers what it is given, signed, to every endpoint, and settles in groups', async () => {
    const seen: { url: string; body: Buffer; headers: Record<string, string> }[] = []
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      seen.push({
        url: request.url as string,
        body: Buffer.concat(chunks),
        headers: request.headers as Record<string, string>,
      })
      response.writeHead(204).end()
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    cleanUp.push(
      () => void server.close(),
      () => server.closeAllConnections(),
    )
    const { port } = server.address() as AddressInfo

    let settlements = 0
    const memory = memoryStorage()
    const storage: Storage<never> = {
      ...memory,
      settle(given) {
        settlements++
        return memory.settle(given)
      },
    }
    const contract = defineContract({ events: defineEvents({ tick: {} }) })
    const hooks = createSender({ contract, storage, dev: true, endpointConcurrency: 20 })
    cleanUp.push(() => hooks.stop())
    const secrets = new Map<string, string>()
    for (const path of ['/a', '/b']) {
      secrets.set(path, (await hooks.endpoints.create('acme', { url: `http://localhost:${port}${path}` })).secret)
    }
    const done = new Promise<void>((resolve) => {
      let delivered = 0
      hooks.on('delivery.delivered', () => {
        if (++delivered === 400) resolve()
      })
    })
    hooks.start()
    await hooks.sendMany(
      Array.from({ length: 200 }, (_, n) => ({ type: 'tick' as const, data: { n }, tenant: 'acme' })),
    )
    await done

    expect(seen).toHaveLength(400)
    expect(settlements).toBeLessThan(400)
    const format = standardWebhooks()
    for (const { url, body, headers } of seen) {
      const keys = [{ keyId: '0', keys: format.keys(secrets.get(url) as string, 'verify') }]
      const raw = { method: 'POST', url, headers: headerBag(headers), body }
      expect(await verifyRequest(format, keys, raw, systemClock, platformCrypto(), format.window)).toBe('0')
    }
    expect(await hooks.health()).toMatchObject({ open: 0, unexpanded: 0, inFlight: 0 })
  })
})

import { defineContract, silentLogger } from '@hooks/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSender, memoryStorage, type SenderOptions } from '../src/index.ts'
import { fakeResolver, tcpPeer } from './http/network.ts'
import { OK, replies } from './http/play.ts'
import { events } from './stage.ts'

/** A sender as a host makes it, with its own transport, and names of the test. */
function senderOn(options: Partial<SenderOptions<never, never>>) {
  const storage = memoryStorage()
  const contract = defineContract({
    events,
    policy: { retry: ['0s', '10ms', '10ms'], jitter: 0, pace: false, disable: 'never' },
  })
  const hooks = createSender({ storage, logger: silentLogger, poll: '20ms', ...options, contract })
  onTestFinished(() => hooks.stop())
  const ended = (count: number) =>
    new Promise<void>((resolve) => {
      let left = count
      const one = () => {
        if (--left === 0) resolve()
      }
      hooks.on('delivery.delivered', one).on('delivery.failed', one)
    })
  return { hooks, storage, ended }
}

describe('the guard of a whole sender', () => {
  it('judges the URL alone when an endpoint is saved: no name is asked for', async () => {
    const resolver = fakeResolver(() => ['10.0.0.7'])
    const { hooks } = senderOn({ resolver })
    const { id } = await hooks.endpoints.create('acme', { url: 'https://inside.example/' })
    await hooks.endpoints.update('acme', id, { url: 'https://elsewhere.example/' })
    await expect(hooks.endpoints.update('acme', id, { url: 'https://10.0.0.7/' })).rejects.toMatchObject({
      code: 'address_blocked',
    })
    expect(resolver.asked).toEqual([])
  })

  it('judges the address at every attempt, of a test event as of any other; each counts, and tells no address', async () => {
    const resolver = fakeResolver(() => ['10.0.0.7'])
    const { hooks, ended } = senderOn({ resolver })
    const { id } = await hooks.endpoints.create('acme', { url: 'https://inside.example/' })
    const both = ended(2)
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await hooks.endpoints.sendTest('acme', id)
    hooks.start()
    await both
    const { data } = await hooks.deliveries.list('acme', { endpoint: id })
    expect(data).toHaveLength(2)
    for (const delivery of data) {
      expect(delivery).toMatchObject({ state: 'failed', reason: 'exhausted', attempts: 3 })
      const attempts = await hooks.deliveries.attempts('acme', delivery.id)
      expect(attempts.map(({ error }) => error)).toEqual(['address_blocked', 'address_blocked', 'address_blocked'])
      expect(JSON.stringify(attempts)).not.toContain('10.0')
    }
    expect(resolver.asked).toHaveLength(6)
  })

  it('opens the private networks that the host names, to be saved and to be connected to, and no others', async () => {
    const inside = await tcpPeer(replies(OK))
    const next = await tcpPeer(replies(OK), '127.0.0.2', inside.port).catch(() => null)
    const resolver = fakeResolver((host) => [host.startsWith('open') ? '127.0.0.1' : '127.0.0.2'])
    const { hooks, storage, ended } = senderOn({ resolver, allowPrivateNetworks: ['127.0.0.1/32', '10.1.0.0/16'] })
    await hooks.endpoints.create('other', { url: 'https://10.1.2.3/' })
    await expect(hooks.endpoints.create('other', { url: 'https://10.2.0.1/' })).rejects.toMatchObject({
      code: 'address_blocked',
    })
    for (const name of ['open', 'shut']) {
      const { id } = await hooks.endpoints.create('acme', { url: `https://${name}.example/` })
      const endpoint = await storage.endpoints.get('acme', id)
      // A port that is free, which could not be saved: what is looked at is the address.
      const url = `http://${name}.example:${inside.port}/`
      if (endpoint) await storage.endpoints.update({ ...endpoint, url }, endpoint.rev)
    }
    const both = ended(2)
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    hooks.start()
    await both
    const { data } = await hooks.deliveries.list('acme')
    expect(data.map(({ state }) => state).sort()).toEqual(['delivered', 'failed'])
    expect([inside.requests(), next?.connections() ?? 0]).toEqual([1, 0])
  })
})

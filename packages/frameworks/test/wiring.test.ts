import { expressPortal, expressReceiver } from '@hooks/express'
import { fastifyHooks, fastifyPortal, fastifyReceiver } from '@hooks/fastify'
import { nextPagesReceiver, nextPortal, nextReceiver } from '@hooks/nextjs'
import fastify from 'fastify'
import { describe, expect, it } from 'vitest'

/** What somebody hands over who has mistaken an adapter for what it serves, or has forgotten an option. */
const NONE: readonly unknown[] = [undefined, { contract: {}, secret: 'whsec_' }, () => {}]
const refusal = (maker: string) =>
  expect.objectContaining({ code: 'option_invalid', hint: expect.stringContaining(maker) })

describe('what cannot be served is refused where it is wired, and not by the first request:', () => {
  it.each([
    ['expressReceiver', expressReceiver, 'createReceiver'],
    ['nextReceiver', nextReceiver, 'createReceiver'],
    ['nextPagesReceiver', nextPagesReceiver, 'createReceiver'],
    ['expressPortal', expressPortal, 'createPortal'],
    ['nextPortal', nextPortal, 'createPortal'],
  ] as const)('%s', (name, adapter, maker) => {
    for (const none of NONE) {
      expect(() => adapter(none as never)).toThrow(refusal(maker))
      expect(() => adapter(none as never)).toThrow(name)
    }
  })

  it('nextPortal in a route that catches no path, which serves no more than the page', async () => {
    const { GET } = nextPortal({ fetch: async () => new Response('the page') })
    const [request, refused] = [new Request('https://app.example/settings/webhooks'), refusal('[[...path]]')]
    await expect(GET(request, { params: Promise.resolve(undefined as never) })).rejects.toEqual(refused)
    expect((await GET(request, { params: Promise.resolve({}) })).status).toBe(200)
  })

  it.each([
    ['fastifyReceiver', fastifyReceiver, 'receiver', 'createReceiver'],
    ['fastifyPortal', fastifyPortal, 'portal', 'createPortal'],
    ['fastifyHooks', fastifyHooks, 'sender', 'createSender'],
  ] as const)('%s', async (name, plugin, option, maker) => {
    for (const none of NONE) {
      const app = fastify()
      app.register(plugin as never, { prefix: '/webhooks', [option]: none } as never)
      const ready = app.ready()
      await expect(ready).rejects.toThrow(name)
      await expect(ready).rejects.toEqual(refusal(maker))
    }
  })
})

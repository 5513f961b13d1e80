import { silentLogger } from '@hooks/core'
import { createReceiver } from '@hooks/receiver'
import { square } from '@hooks/receiver/formats'
import { signRequest } from '@hooks/receiver/testing'
import Koa from 'koa'
import { describe, expect, it } from 'vitest'
import { httpReceiver } from '../src/http-receiver.ts'
import { koaReceiver } from '../src/koa-receiver.ts'
import { send } from './exchange.ts'
import { listen } from './hosts.ts'

const SECRET = 'a secret of text, of 30 letters'
const receiver = createReceiver({ format: square(), secret: SECRET, logger: silentLogger })

/** What the host knows of a request, as far as a URL is made of it. */
type PublicUrl = string | ((request: { url?: string | undefined }) => string)

const hosts = [
  {
    name: 'node:http',
    serve: (publicUrl?: PublicUrl) => {
      const webhooks = httpReceiver(receiver, publicUrl ? { publicUrl } : {})
      return listen((request, response) => void webhooks(request, response))
    },
  },
  {
    name: 'Koa',
    serve: (publicUrl?: PublicUrl) =>
      listen(new Koa().use(koaReceiver(receiver, publicUrl ? { publicUrl } : {})).callback()),
  },
]

describe.each(hosts)('behind $name, what signs its URL is verified', ({ serve }) => {
  const status = async (url: string, publicUrl?: PublicUrl) => {
    const { port, close } = await serve(publicUrl)
    try {
      const sent = await signRequest(square(), SECRET, { type: 'payment.updated', url })
      return (await send({ port, path: '/webhooks?shop=1' }, sent)).status
    } finally {
      close()
    }
  }

  it('by its path, where nothing else is said', async () => {
    expect(await status('/webhooks?shop=1')).toBe(200)
    expect(await status('https://acme.example/in/webhooks?shop=1')).toBe(401)
  })

  it.each<[string, PublicUrl]>([
    ['text', 'https://acme.example/in/webhooks?shop=1'],
    ['a function', ({ url }) => `https://acme.example/in${url}`],
  ])('by the public one, given as %s', async (_, publicUrl) => {
    expect(await status('https://acme.example/in/webhooks?shop=1', publicUrl)).toBe(200)
    expect(await status('/webhooks?shop=1', publicUrl)).toBe(401)
  })
})

import { nextReceiver } from '@hooks/nextjs'
import { describe, expect, it } from 'vitest'
import { real, recorder, sign, signedUrl, URL_HERE, utf8 } from './support.ts'

const post = (init: RequestInit = {}, url = URL_HERE) => new Request(url, { method: 'POST', ...init })

/** A body that comes in pieces. */
const stream = (pieces: readonly Uint8Array[], end: (controller: ReadableStreamDefaultController) => void) =>
  ({
    body: new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece)
        end(controller)
      },
    }),
    duplex: 'half',
  }) as RequestInit

describe('a route of the App Router', () => {
  it.each([
    ['a byte order mark', utf8('\ufeff{"a":1}')],
    ['a byte FF, which is no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['exactly 1 MiB', new Uint8Array(2 ** 20).fill(0x61)],
    ['nothing', new Uint8Array()],
  ])('gives the receiver the bytes as they came: %s', async (_, body) => {
    const { seen, receiver } = recorder()
    await nextReceiver(receiver).POST(post({ body }))
    expect(Buffer.compare(seen.bytes as Uint8Array, body)).toBe(0)
  })

  it('gives it the bytes of pieces, and those of a request without a body', async () => {
    const { seen, receiver } = recorder()
    const { POST } = nextReceiver(receiver)
    await POST(post(stream(['{"a"', ':1}'].map(utf8), (controller) => controller.close())))
    expect(Buffer.from(seen.bytes as Uint8Array).toString()).toBe('{"a":1}')
    await POST(post())
    expect(seen.bytes).toEqual(new Uint8Array())
  })

  it('answers what the receiver answers, and no body where it has none', async () => {
    const { receiver, handled } = real()
    const answer = await nextReceiver(receiver).POST(post(await sign()))
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'application/json',
      '{"received":true}',
    ])
    expect(handled).toEqual([{ n: 1 }])
    const empty = await nextReceiver(real({ answers: { handled: [204] } }).receiver).POST(post(await sign()))
    expect([empty.status, empty.body]).toEqual([204, null])
  })

  it('lets the receiver answer every method that it exports', async () => {
    const handlers = nextReceiver(real().receiver)
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      const answer = await handlers[method](new Request(URL_HERE, { method }))
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'POST'])
    }
  })

  it('reads no more of a body than the receiver takes, and one piece', async () => {
    let asked = 0
    const endless = {
      body: new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(100 + asked++)) }),
      duplex: 'half',
    } as RequestInit
    const { receiver } = real({ maxBodyBytes: 1_000 })
    const answer = await nextReceiver(receiver).POST(post(endless))
    expect([answer.status, await answer.text()]).toEqual([413, '{"error":"body_too_large"}'])
    expect(asked).toBeLessThan(20)
  })

  it('reads a body that is too large to its end where that is near: many senders listen only then', async () => {
    let left = 30
    const pull = (controller: ReadableStreamDefaultController) =>
      left-- > 0 ? controller.enqueue(new Uint8Array(100)) : controller.close()
    const headers = { 'content-length': '3000' }
    const { receiver } = real({ maxBodyBytes: 1_000 })
    const sent = post({ headers, body: new ReadableStream({ pull }), duplex: 'half' } as RequestInit)
    const answer = await nextReceiver(receiver).POST(sent)
    expect([answer.status, left]).toEqual([413, -1])
  })

  it('answers 400 to a body that breaks off', async () => {
    const broken = stream([utf8('{"a"')], (controller) => controller.error(new Error('aborted')))
    const answer = await nextReceiver(real().receiver).POST(post(broken))
    expect([answer.status, await answer.text()]).toEqual([400, '{"error":"body_incomplete"}'])
  })

  it('answers 500 to a body that somebody has read, or is reading', async () => {
    const { POST } = nextReceiver(real().receiver)
    const read = post(await sign())
    await read.text()
    const locked = post(await sign())
    locked.body?.getReader()
    for (const request of [read, locked])
      expect(await (await POST(request)).text()).toBe('{"error":"body_unavailable"}')
  })

  it('hands on what keeps the function alive', async () => {
    const { seen, receiver } = recorder()
    const kept: Promise<unknown>[] = []
    await nextReceiver(receiver, { waitUntil: (promise) => void kept.push(promise) }).POST(post())
    const work = Promise.resolve()
    seen.request?.waitUntil?.(work)
    expect(kept).toEqual([work])
  })

  it('verifies a signature over the URL under the one that the sender has', async () => {
    const url = 'https://acme.example/in/webhooks?a=1'
    const { receiver, sent } = await signedUrl(url)
    const status = async (options: object) =>
      (await nextReceiver(receiver, options).POST(post(sent, `${URL_HERE}?a=1`))).status
    expect(await status({})).toBe(401)
    expect(await status({ publicUrl: url })).toBe(200)
    const publicUrl = (request: Request) => `https://acme.example/in/webhooks${new URL(request.url).search}`
    expect(await status({ publicUrl })).toBe(200)
  })
})

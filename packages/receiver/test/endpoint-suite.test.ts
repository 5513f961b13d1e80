import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hmacFormat, part, standardWebhooks, type WireFormat } from '@hooks/core'
import { createReceiver, memoryIdempotency, type Receiver } from '@hooks/receiver'
import { square } from '@hooks/receiver/formats'
import { endpointSuite, signRequest } from '@hooks/receiver/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { providers } from './support.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.close()
})

interface Answered {
  readonly status: number
  readonly headers?: Record<string, string>
}

/** An endpoint of plain Node.js. */
async function serve(handle: (request: { headers: [string, string][]; body: Buffer }) => Promise<Answered>) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
      const headers: [string, string][] = []
      for (let i = 0; i < request.rawHeaders.length; i += 2)
        headers.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? ''])
      const answered = await handle({ headers, body: Buffer.concat(chunks) })
      response.writeHead(answered.status, answered.headers).end()
    } catch {
      response.destroy()
    }
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`
}

const unsigned = hmacFormat({
  name: 'plain',
  secret: 'whsec',
  body: { event: part.type, data: part.data },
  headers: { 'x-id': part.deliveryId },
  signature: { header: 'x-signature' },
})

for (const [name, format] of [
  ['a receiver of Standard Webhooks', standardWebhooks()],
  ['a receiver of a format with an unsigned id', unsigned],
] as const satisfies readonly (readonly [string, WireFormat])[]) {
  const store = memoryIdempotency()
  let effects = 0
  const make = (): Receiver =>
    createReceiver({ format, secret: SECRET, idempotency: store }).on('booking.created', async () => {
      await new Promise((resolve) => setImmediate(resolve))
      effects++
    }) as never
  let receiver = make()
  const url = await serve(({ headers, body }) => receiver.handle({ method: 'POST', url: '/webhooks', headers, body }))
  describe(name, () => {
    endpointSuite(
      { describe, it, expect },
      {
        url,
        format,
        secret: SECRET,
        message: { type: 'booking.created', data: { id: 'b' } },
        vary: (n) => ({ id: `booking_${n}` }),
        effects: async () => effects,
        restart: async () => {
          receiver = make()
        },
      },
    )
  })
}

{
  // A proxy in front of it has another URL, which the format signs.
  const publicUrl = 'https://acme.example/in/webhooks'
  let effects = 0
  const receiver = createReceiver({ format: square(), secret: SECRET, idempotency: memoryIdempotency() })
  receiver.on('payment.updated', () => {
    effects++
  })
  const url = await serve(({ headers, body }) => receiver.handle({ url: publicUrl, headers, body }))
  describe('a receiver behind a proxy, of a format that signs the URL', () => {
    const message = { type: 'payment.updated', data: { id: 'p' } }
    endpointSuite(
      { describe, it, expect },
      { url, publicUrl, format: square(), secret: SECRET, message, effects: async () => effects },
    )
  })
}

describe('the suite for endpoints', () => {
  type Handle = Parameters<typeof serve>[0]
  type Own = Partial<Omit<Parameters<typeof endpointSuite>[1], 'url'>>

  /** The titles of the cases that an endpoint fails. */
  const failures = async (handle: Handle, effects?: () => Promise<number>): Promise<string[]> =>
    Object.keys(await reports(handle, { ...(effects && { effects }) }))

  /** What is said of each case that an endpoint fails, by its title. */
  async function reports(handle: Handle, own: Own): Promise<Record<string, string>> {
    const url = await serve(handle)
    const cases: [string, () => Promise<void>][] = []
    const runner = {
      describe: (_: string, body: () => void) => body(),
      it: (title: string, body: () => Promise<void>) => cases.push([title, body]),
      expect,
    }
    const message = { type: 'booking.created', data: {} }
    endpointSuite(runner as never, {
      url,
      format: standardWebhooks(),
      secret: SECRET,
      message,
      ...own,
    })
    const failed: Record<string, string> = {}
    for (const [title, body] of cases) {
      await body().catch(({ message }: Error) => {
        failed[title] = message
      })
    }
    return failed
  }

  it('sees an endpoint that verifies nothing', async () => {
    expect(await failures(async () => ({ status: 200 }))).toEqual([
      'refuses what is older than its window',
      'refuses a body of which one byte was changed',
      'refuses the signature of another secret',
      'refuses what is not signed',
    ])
  })

  it('sees one that does the work of a repetition again', async () => {
    let done = 0
    const receiver = createReceiver({ secret: SECRET }).on('booking.created', () => void done++)
    const failed = await failures(
      ({ headers, body }) => receiver.handle({ method: 'POST', url: '/', headers, body }),
      async () => done,
    )
    expect(failed.length).toBe(3)
    expect(failed[0]).toMatch(/repetition/)
  })

  it('sees one that tells a repetition that it is wrong', async () => {
    const seen = new Set<string>()
    const receiver = createReceiver({ secret: SECRET }).on('booking.created', () => {})
    const failed = await failures(async ({ headers, body }) => {
      const { status } = await receiver.handle({ method: 'POST', url: '/', headers, body })
      const id = headers.find(([name]) => name.toLowerCase() === 'webhook-id')?.[1] ?? ''
      if (status !== 200 || !seen.has(id)) seen.add(id)
      else return { status: 409 }
      return { status }
    })
    expect(failed.some((title) => /repetition/.test(title))).toBe(true)
    expect(failed.some((title) => /at once/.test(title))).toBe(true)
  })

  it.each(providers.filter(({ format: { facts } }) => facts.id !== 'absent'))(
    'finds no fault with a receiver of $name that keeps its promises',
    async ({ format, secret, type }) => {
      let done = 0
      const receiver = createReceiver({ format, secret, idempotency: memoryIdempotency() }).on('*', () => {
        done++
      })
      const handle: Handle = ({ headers, body }) => {
        const [, host] = headers.find(([name]) => name.toLowerCase() === 'host') ?? []
        return receiver.handle({ method: 'POST', url: `http://${host}/webhooks`, headers, body })
      }
      const effects = async () => done
      const own = { format, secret, effects, message: { type }, vary: (n: number) => ({ n }) }
      expect(await reports(handle, own)).toEqual({})
    },
  )

  it('sends a later attempt with the same body and a later time', async () => {
    const sent: { id: string; body: string; time: number }[] = []
    await failures(async ({ headers, body }) => {
      const { 'webhook-id': id = '', 'webhook-timestamp': time } = Object.fromEntries(headers)
      sent.push({ id, body: String(body), time: Number(time) })
      return { status: 200 }
    })
    const again = sent.filter(({ id, time }) => sent.some((one) => one.id === id && one.time < time))
    expect(again.length).toBe(1)
    expect(sent.find(({ id }) => id === again[0]?.id)?.body).toBe(again[0]?.body)
  })

  it('sees one that sends senders elsewhere, as they do not follow', async () => {
    const receiver = createReceiver({ secret: SECRET, idempotency: memoryIdempotency() }).on(
      'booking.created',
      () => {},
    )
    const elsewhere = await serve(({ headers, body }) => receiver.handle({ method: 'POST', url: '/', headers, body }))
    const failed = await reports(async () => ({ status: 308, headers: { location: elsewhere } }), {})
    expect(failed['takes an honest request and does its work']).toMatch(/308/)
  })

  it('says what an endpoint answered where it should have answered otherwise', async () => {
    const failed = await reports(async () => ({ status: 503 }), {})
    expect(failed['takes an honest request and does its work']).toMatch(/503.*taken/)
    expect(failed['refuses what is not signed']).toMatch(/503.*refused/)
  })
})

describe('a signed request can be spoiled in one word', () => {
  it.each([
    ['signature', 'signature_mismatch'],
    ['body', 'signature_mismatch'],
    ['timestamp', 'timestamp_too_old'],
    ['duplicate', 'malformed_header'],
  ] as const)('%s', async (invalid, outcome) => {
    const receiver = createReceiver({ secret: SECRET }).on('booking.created', () => {})
    const message = { type: 'booking.created', data: { id: 1 } }
    expect((await receiver.handle(await signRequest(standardWebhooks(), SECRET, message))).outcome).toBe('handled')
    expect(
      (await receiver.handle(await signRequest(standardWebhooks(), SECRET, { ...message, invalid }))).outcome,
    ).toBe(outcome)
  })
})

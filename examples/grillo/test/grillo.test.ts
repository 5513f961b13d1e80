import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PGlite } from '@electric-sql/pglite'
import { type Contract, defineContract, defineEvents } from '@hooks/core'
import { consumerDocs } from '@hooks/portal/docs'
import { createReceiver, type Logger, memoryIdempotency } from '@hooks/receiver'
import { type Answer, createSender, memoryStorage, type TransportRequest } from '@hooks/sender'
import { seededRandom, virtualClock } from '@hooks/sender/testing'
import { block, document, expressVersions, printedBodies, python3, runPython, runSample } from 'documents'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { contract } from '../src/contract.ts'
import { createCustomer } from '../src/receiver.ts'
import { createGrillo } from '../src/sender.ts'

const SECRET = 'votre_secret_partage'
const NETWORK = 'net_xyz789'
const URL_ = 'https://votre-serveur.com/grillo-webhook'
const QUAKE = contract.events.get('event.detected')?.example as never

// --- a sender on a virtual clock, for what takes minutes and days

/** What the receiver does: a status, an answer, or how it fails. */
type Script = (request: TransportRequest, n: number) => number | Partial<Answer>

function stage(script: Script = () => 200) {
  const clock = virtualClock()
  const random = seededRandom(7)
  const requests: (TransportRequest & { readonly at: number })[] = []
  const hooks = createSender({
    contract,
    storage: memoryStorage({ clock, random }),
    // Days go by in an instant where nobody looks every second.
    poll: '6h',
    clock,
    random,
    transport: {
      async send(request) {
        requests.push({ ...request, at: clock.monotonic() })
        const given = script(request, requests.length)
        const answer = typeof given === 'number' ? { status: given } : given
        return { ms: 0, sent: true, headers: {}, body: new Uint8Array(), truncated: false, ...answer } as Answer
      },
    },
  })
  const register = (url = URL_, events?: readonly ['event.detected']) =>
    hooks.endpoints.create(NETWORK, { url, secret: SECRET, ...(events && { events }) })
  const bodyOf = (request: TransportRequest | undefined) => Buffer.from(request?.body ?? []).toString()
  const only = async () => (await hooks.deliveries.list(NETWORK)).data
  return { clock, hooks, requests, register, bodyOf, only }
}

const MINUTE = 60_000

const rewritten = (payload: Buffer<ArrayBuffer>) => Buffer.from(JSON.stringify(JSON.parse(payload.toString()), null, 1))
/** What a host hands on that read the bytes as ASCII. */
const inLatin1 = (payload: Buffer<ArrayBuffer>) =>
  Buffer.from(Buffer.from(payload.toString(), 'latin1').toString('utf8'))

describe('Événements webhook', () => {
  const printed = printedBodies('grillo')

  it.each(printed.map((body) => [String(body.type), body] as const))(
    'sends %s as the document prints it, to the byte (G11, G12, G13, G14, G15, G16)',
    async (type, body) => {
      const { hooks, requests, register, bodyOf } = stage()
      await register()
      const occurredAt = new Date(String(body.timestamp))
      await hooks.send(type as 'event.detected', body.data as never, { tenant: NETWORK, occurredAt })
      await hooks.drain({ maxMs: 30_000 })
      expect(bodyOf(requests[0])).toBe(JSON.stringify(body))
      expect(requests[0]?.headers['x-grillo-event']).toBe(type)
    },
  )

  it('refuses data of another kind, with nothing stored (G15, G16)', async () => {
    const { hooks } = stage()
    const data = { sensor_id: 'sen_abc123', station_code: 'GRIL01', offline_duration_seconds: 1.5, network_id: NETWORK }
    await expect(hooks.send('sensor.online', data, { tenant: NETWORK })).rejects.toMatchObject({
      code: 'payload_invalid',
    })
    expect((await hooks.messages.list(NETWORK)).data).toEqual([])
  })

  it('takes another event in one line of the catalog: sent, subscribed to, received and documented (G2)', async () => {
    const events = defineEvents({
      'sensor.moved': { description: 'Un capteur a été déplacé.', example: { sensor_id: 's' } },
    })
    const more: Contract = defineContract({ events, format: contract.format, policy: contract.policy })
    const { clock, random } = { clock: virtualClock(), random: seededRandom(1) }
    const bodies: string[] = []
    const hooks = createSender({
      contract: more,
      storage: memoryStorage({ clock, random }),
      clock,
      random,
      transport: {
        async send({ body, headers }) {
          bodies.push(Buffer.from(body).toString())
          const receiver = createReceiver({ contract: more, secret: SECRET }).on('sensor.moved', () => {})
          const { outcome } = await receiver.handle({ method: 'POST', url: '', headers, body })
          expect(outcome).toBe('handled')
          return { ms: 1, sent: true, status: 200, headers: {}, body: new Uint8Array(), truncated: false }
        },
      },
    })
    await hooks.endpoints.create(NETWORK, { url: URL_, secret: SECRET, events: ['sensor.moved'] })
    await hooks.send('sensor.moved', { sensor_id: 's' }, { tenant: NETWORK })
    await hooks.drain({ maxMs: 30_000 })
    expect(bodies).toHaveLength(1)
    const page = consumerDocs(more, { product: 'Grillo', version: '1', date: '2024-01-15' })['webhooks.fr.md']
    expect(page).toContain('Un capteur a été déplacé.')
  })
})

describe('Aperçu', () => {
  it('wakes a worker that has nothing to do within a second of a send, and polls nothing (G1, G3)', async () => {
    const { clock, hooks, requests, register } = stage()
    hooks.start()
    await register()
    await clock.advance(60 * MINUTE)
    const began = clock.monotonic()
    await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await clock.advance(1_000)
    expect(requests.map(({ at }) => at - began <= 1_000)).toEqual([true])
    await hooks.stop()
  })
})

describe('Format webhook', () => {
  it('has the three headers on every attempt; the delivery’s id stays, and is another for each webhook and event (G20, G21, G22, G23)', async () => {
    const { clock, hooks, requests, register, only } = stage((_, n) => (n <= 3 ? 500 : 200))
    hooks.start()
    const one = await register()
    await register('https://autre.example/')
    await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await clock.advance(40 * MINUTE)
    await hooks.send('sensor.offline', contract.events.get('sensor.offline')?.example as never, { tenant: NETWORK })
    await clock.advance(MINUTE)
    for (const { headers, body } of requests) {
      expect(headers['content-type']).toBe('application/json')
      expect(headers['x-grillo-signature']).toBe(`sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`)
      expect(headers['x-grillo-event']).toBe(JSON.parse(Buffer.from(body).toString()).type)
      expect(headers['x-grillo-delivery']).toMatch(/^dlv_/)
    }
    const idsAt = (host: string) =>
      requests.filter(({ url }) => url.host === host).map(({ headers }) => headers['x-grillo-delivery'])
    const first = idsAt('votre-serveur.com')
    expect(first.length).toBeGreaterThan(2)
    const ids = new Set([...first, ...idsAt('autre.example')])
    expect(ids.size).toBe(4)
    expect(new Set((await only()).map(({ id }) => id))).toEqual(ids)
    expect((await hooks.deliveries.list(NETWORK, { endpoint: one.id })).data.map(({ id }) => id).sort()).toEqual(
      [...new Set(first)].sort(),
    )
    await hooks.stop()
  })
})

describe('Répondre aux webhooks', () => {
  it.each([200, 201, 202, 204, 299])('takes %d for a success (G27)', async (status) => {
    const { hooks, register, only } = stage(() => status)
    await register()
    await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await hooks.drain({ maxMs: 30_000 })
    expect((await only())[0]).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  it.each([
    301,
    400,
    401,
    404,
    410,
    429,
    500,
    503,
    { error: 'connection_reset', detail: 'reset' },
    { error: 'timeout', detail: 'timed out' },
  ])(
    'tries again after %j: 1, 5 and 30 minutes after the one before, to the second, then it has failed (G28, G29, G30)',
    async (answer) => {
      const { clock, hooks, requests, register, only } = stage(() =>
        typeof answer === 'number' ? { status: answer } : (answer as Partial<Answer>),
      )
      hooks.start()
      const { id } = await register()
      const began = clock.monotonic()
      await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
      await clock.advance(30 * 24 * 60 * MINUTE)
      const seconds = requests.map(({ at }) => Math.floor((at - began) / 1000))
      expect(seconds).toEqual([0, 60, 360, 2160])
      expect((await only())[0]).toMatchObject({ state: 'failed', reason: 'exhausted', attempts: 4 })
      expect((await hooks.endpoints.get(NETWORK, id)).enabled).toBe(true)
      await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
      await clock.advance(1000)
      expect(requests).toHaveLength(5)
      await hooks.stop()
    },
  )

  it('lets one delivery’s 503 delay no other (G29)', async () => {
    const { clock, hooks, requests, register } = stage((_, n) => (n === 1 ? 503 : 200))
    hooks.start()
    await register()
    await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await clock.advance(1000)
    const began = clock.monotonic()
    await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await clock.advance(2000)
    expect(requests).toHaveLength(2)
    expect((requests[1]?.at ?? 0) - began).toBeLessThan(1000)
    await hooks.stop()
  })

  it('says in the history why a delivery failed, each cause in its own words (G35, G42, G47, G48)', async () => {
    const causes: Partial<Answer>[] = [
      { error: 'dns_failed', detail: 'The host name was not found.' },
      { error: 'connection_refused', detail: 'The connection was refused.' },
      { error: 'timeout', detail: 'No answer in time.' },
      { error: 'address_blocked', detail: 'The address is not public.' },
      { status: 404, body: Buffer.from('nothing here') },
    ]
    const { clock, hooks, register, only } = stage((_, n) => causes[(n - 1) % causes.length] ?? {})
    hooks.start()
    await register()
    for (const _ of causes) {
      await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
      await clock.advance(2000)
    }
    const shown = (await only()).map(({ last }) => last?.detail ?? `${last?.status} ${last?.response}`)
    expect(new Set(shown).size).toBe(5)
    expect(shown).toContain('404 nothing here')
    await hooks.stop()
  })
})

describe('a secret that is changed under load (G45)', () => {
  it('has no request refused at a receiver that holds both (G45)', async () => {
    const refused: string[] = []
    let secrets = [SECRET, 'un_nouveau_secret_partage']
    const { clock, hooks, register, requests } = stage()
    const { id } = await register()
    hooks.start()
    for (let i = 0; i < 10; i++) {
      await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
      if (i === 5) await hooks.endpoints.rotateSecret(NETWORK, id, { secret: 'un_nouveau_secret_partage' })
      await clock.advance(1000)
    }
    const judge = createReceiver({ contract, secret: secrets }).on('event.detected', () => {})
    for (const { headers, body } of requests) {
      const { outcome } = await judge.handle({ method: 'POST', url: '', headers, body })
      if (outcome !== 'handled') refused.push(outcome)
    }
    expect([requests.length, refused]).toEqual([10, []])
    secrets = ['un_nouveau_secret_partage']
    const after = createReceiver({ contract, secret: secrets }).on('event.detected', () => {})
    const last = requests.at(-1) as TransportRequest
    expect((await after.handle({ method: 'POST', url: '', headers: last.headers, body: last.body })).outcome).toBe(
      'handled',
    )
    await hooks.stop()
  })
})

// --- the whole thing: Fastify on PostgreSQL

describe('Grillo’s server', () => {
  let database: PGlite
  let grillo: ReturnType<typeof createGrillo>
  let origin: string
  const servers: Server[] = []

  beforeAll(async () => {
    database = await PGlite.create()
  }, 60_000)
  afterAll(() => database.close())
  beforeEach(async () => {
    grillo = createGrillo({
      database,
      tokens: { TOKEN: NETWORK, OTHER: 'net_other' },
      linkSecret: 'a secret for links of 32 characters',
      dev: true,
    })
    origin = await grillo.app.listen({ port: 0, host: '127.0.0.1' })
  }, 60_000)
  afterEach(async () => {
    for (const { id } of (await grillo.hooks.endpoints.list(NETWORK)).data)
      await grillo.hooks.endpoints.remove(NETWORK, id)
    await grillo.app.close()
    for (const server of servers.splice(0)) server.close()
  }, 60_000)

  const call = async (method: string, path: string, body?: unknown, token = 'TOKEN') => {
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
  }
  const recorder = async (answer: (request: IncomingMessage, n: number) => number = () => 200) => {
    const received: { request: IncomingMessage; body: string }[] = []
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        received.push({ request, body: Buffer.concat(chunks).toString() })
        response.writeHead(answer(request, received.length)).end()
      })
    })
    servers.push(server)
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    const port = (server.address() as AddressInfo).port
    return { url: `http://127.0.0.1:${port}/votre-endpoint?cle=1`, host: `127.0.0.1:${port}`, received }
  }
  const printedCall = () => JSON.parse(block('grillo', 'json', '"secret": "votre_secret_partage"'))
  const soon = { timeout: 20_000, interval: 20 }

  it('takes the printed call, and shows the secret to nobody (G9, G10, G31, G32, G37)', async () => {
    const created = await call('POST', '/v1/webhooks', printedCall())
    expect(created.status).toBe(201)
    expect(created.json).toMatchObject({ url: URL_, events: ['event.detected', 'sensor.offline'], active: true })
    const id = created.json.id
    const own = [await call('GET', '/v1/webhooks'), await call('GET', `/v1/webhooks/${id}`)]
    expect(own[0]?.json.webhooks).toHaveLength(1)
    expect(own[1]?.json.id).toBe(id)
    for (const { text } of [created, ...own]) expect(text).not.toContain(SECRET)
    expect((await call('GET', `/v1/webhooks/${id}`, undefined, 'OTHER')).status).toBe(404)
    expect((await call('GET', '/v1/webhooks', undefined, 'OTHER')).json.webhooks).toEqual([])
    expect((await call('GET', '/v1/webhooks/nobody')).status).toBe(404)
    // RFC 6761: no DNS ever finds a name below `invalid`.
    expect((await call('POST', '/v1/webhooks', { ...printedCall(), url: 'https://serveur.invalid/' })).status).toBe(201)
    const site = { ...printedCall(), url: 'https://webhook.site/6f4d3c1e-6b8e-4f59-8d7c-0a1b2c3d4e5f' }
    expect((await call('POST', '/v1/webhooks', site)).status).toBe(201)
  }, 60_000)

  it('sends a POST of HTTP/1.1 to the path and the query of the URL, with its Host, in an instant and unasked (G1, G3, G17, G18, G19, G53)', async () => {
    const { url, host, received } = await recorder()
    await call('POST', '/v1/webhooks', { url, secret: SECRET })
    await grillo.hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await vi.waitFor(() => expect(received).toHaveLength(1), soon)
    const [{ request } = { request: {} as IncomingMessage }] = received
    expect([request.method, request.httpVersion, request.url]).toEqual(['POST', '1.1', '/votre-endpoint?cle=1'])
    expect(request.headers.host).toBe(host)
    expect(request.headers['content-type']).toBe('application/json')
  }, 60_000)

  it('changes what PATCH names, falls silent when it is not active, says why, and resumes (G33, G46)', async () => {
    const { url, received } = await recorder()
    const { id } = (await call('POST', '/v1/webhooks', { url, events: ['sensor.offline'], secret: SECRET })).json
    const patched = await call('PATCH', `/v1/webhooks/${id}`, { events: ['event.detected'], active: false })
    expect(patched.json).toMatchObject({ url, events: ['event.detected'], active: false })
    await grillo.hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    const history = async () => (await call('GET', `/v1/webhooks/${id}/deliveries`)).json.deliveries
    await vi.waitFor(
      async () => expect((await history())[0]).toMatchObject({ state: 'skipped', reason: 'endpoint_disabled' }),
      soon,
    )
    expect((await call('GET', `/v1/webhooks/${id}`)).json).toMatchObject({ active: false, reason: 'manual' })
    expect(received).toEqual([])
    expect((await call('PATCH', `/v1/webhooks/${id}`, { active: true })).json).toMatchObject({ url, active: true })
    await grillo.hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await vi.waitFor(() => expect(received).toHaveLength(1), soon)
  }, 60_000)

  it('lets a secret be changed by PATCH, which the document names no route for (G45)', async () => {
    const { url, received } = await recorder()
    const { id } = (await call('POST', '/v1/webhooks', { url, secret: SECRET })).json
    expect((await call('PATCH', `/v1/webhooks/${id}`, { secret: 'un_autre_secret_partage' })).status).toBe(200)
    await grillo.hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await vi.waitFor(() => expect(received).toHaveLength(1), soon)
    const [{ request, body } = { request: {} as IncomingMessage, body: '' }] = received
    const expected = createHmac('sha256', 'un_autre_secret_partage').update(body).digest('hex')
    expect(request.headers['x-grillo-signature']).toBe(`sha256=${expected}`)
  }, 60_000)

  it('sends nothing more once it is deleted, though a retry was waiting (G34)', async () => {
    const { url, received } = await recorder(() => 500)
    const { id } = (await call('POST', '/v1/webhooks', { url, secret: SECRET })).json
    await grillo.hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await vi.waitFor(async () => {
      const [delivery] = (await call('GET', `/v1/webhooks/${id}/deliveries`)).json.deliveries
      expect(delivery).toMatchObject({
        state: 'retrying',
        attempts: 1,
        last_status: 500,
        next_attempt: expect.any(String),
      })
    }, soon)
    expect((await call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204)
    expect((await call('GET', `/v1/webhooks/${id}`)).status).toBe(404)
    expect((await grillo.hooks.deliveries.list(NETWORK, { endpoint: id })).data[0]).toMatchObject({
      state: 'cancelled',
    })
    expect(received).toHaveLength(1)
  }, 60_000)

  it('shows a webhook’s own history alone, newest first (G35)', async () => {
    const { url } = await recorder()
    const one = (await call('POST', '/v1/webhooks', { url, events: ['event.detected'], secret: SECRET })).json
    const two = (await call('POST', '/v1/webhooks', { url, events: ['sensor.offline'], secret: SECRET })).json
    for (const type of ['event.detected', 'sensor.offline', 'event.detected'] as const) {
      await grillo.hooks.send(type, contract.events.get(type)?.example as never, { tenant: NETWORK })
    }
    const of = async (id: string) => (await call('GET', `/v1/webhooks/${id}/deliveries`)).json.deliveries
    await vi.waitFor(
      async () =>
        expect(await of(one.id)).toMatchObject([
          { event: 'event.detected', state: 'delivered', attempts: 1, last_status: 200 },
          { event: 'event.detected', state: 'delivered', attempts: 1, last_status: 200 },
        ]),
      soon,
    )
    const ids = (await of(one.id)).map(({ id }: { id: string }) => id)
    expect(ids).toEqual([...ids].sort().reverse())
    await vi.waitFor(async () => expect(await of(two.id)).toHaveLength(1), soon)
    expect((await of(two.id))[0].event).toBe('sensor.offline')
  }, 60_000)

  it('sends a test without a body: signed, of a documented type, with all headers (G36)', async () => {
    const { url, received } = await recorder()
    const { id } = (await call('POST', '/v1/webhooks', { url, secret: SECRET })).json
    expect((await call('POST', `/v1/webhooks/${id}/test`)).status).toBe(202)
    await vi.waitFor(() => expect(received).toHaveLength(1), soon)
    const [{ request, body } = { request: {} as IncomingMessage, body: '' }] = received
    expect(contract.events.types).toContain(JSON.parse(body).type)
    expect(request.headers['x-grillo-signature']).toBe(
      `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    )
    expect(request.headers).toMatchObject({
      'x-grillo-event': JSON.parse(body).type,
      'x-grillo-delivery': expect.stringMatching(/^dlv_/),
    })
  }, 60_000)

  it.each([
    ['no content type', {}],
    ['the content type of JSON', { 'content-type': 'application/json' }],
  ])(
    'takes a call without a body, as curl makes it, with %s (G36, T73)',
    async (_, headers) => {
      const { url, received } = await recorder()
      const { id } = (await call('POST', '/v1/webhooks', { url, secret: SECRET })).json
      const answer = await grillo.app.inject({
        method: 'POST',
        url: `/v1/webhooks/${id}/test`,
        headers: { authorization: 'Bearer TOKEN', ...headers },
      })
      expect(answer.statusCode).toBe(202)
      await vi.waitFor(() => expect(received).toHaveLength(1), soon)
    },
    60_000,
  )

  it('is behind a dashboard in French, under the path of the document (G4, G5, G6, G7, G8)', async () => {
    const page = await fetch(`${origin}/parametres/notifications/webhooks/`)
    expect(page.status).toBe(200)
    const html = await page.text()
    expect(html).toContain('lang="fr"')
    const script = /src="([^"]+\.js)"/.exec(html)?.[1] ?? ''
    const code = await (await fetch(new URL(script, page.url))).text()
    for (const label of ['Ajouter un Webhook', 'Enregistrer']) expect(code).toContain(label)
    // What the page's form does, by the calls that it makes.
    const api = '/parametres/notifications/webhooks/api/v1'
    expect((await call('GET', `${api}/event-types`)).json.data.map(({ type }: { type: string }) => type)).toEqual(
      contract.events.types,
    )
    expect((await call('POST', `${api}/endpoints`, { url: 'ftp://nulle.part', secret: SECRET })).json).toMatchObject({
      field: 'url',
      detail: expect.any(String),
    })
    const { url, received } = await recorder()
    expect((await call('POST', `${api}/endpoints`, { url, events: ['event.detected'], secret: SECRET })).status).toBe(
      201,
    )
    await grillo.hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await vi.waitFor(() => expect(received).toHaveLength(1), soon)
  }, 60_000)

  it('takes an answer that is nearly five seconds late for a success (G38)', () => {
    // By the policy: the default deadline of 15 s is beyond it.
    const { clock, hooks, register, requests } = stage(() => ({ status: 200, ms: 4_900 }))
    return (async () => {
      await register()
      await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
      await hooks.drain({ maxMs: 30_000 })
      expect((requests[0]?.deadline ?? 0) - clock.monotonic()).toBeGreaterThan(4_900)
      expect((await hooks.deliveries.list(NETWORK)).data[0]?.state).toBe('delivered')
    })()
  })

  it('refuses http where it is not in development (G44)', async () => {
    const { hooks, register } = stage()
    await expect(register('http://votre-serveur.com/')).rejects.toMatchObject({ code: 'url_scheme' })
    const { id } = await register()
    await expect(hooks.endpoints.update(NETWORK, id, { url: 'http://x.example/' })).rejects.toMatchObject({
      code: 'url_scheme',
    })
  })
})

describe('the document’s own verification', () => {
  const sent = async () => {
    const { hooks, requests, register, bodyOf } = stage()
    await register()
    await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await hooks.drain({ maxMs: 30_000 })
    return { body: bodyOf(requests[0]), signature: requests[0]?.headers['x-grillo-signature'] ?? '' }
  }

  it.each(expressVersions)('in Node.js accepts ours and nothing altered, on %s (G24)', async (_, version) => {
    const { body, signature } = await sent()
    const sample = await runSample(block('grillo', 'javascript', 'function verifyWebhook'), version, {
      WEBHOOK_SECRET: SECRET,
    })
    try {
      const headers = { 'content-type': 'application/json', 'x-grillo-signature': signature }
      expect(await sample.post('/webhook', headers, body)).toEqual({ status: 200, body: 'OK' })
      expect(await sample.post('/webhook', headers, body.replace('4.2', '4.3'))).toEqual({
        status: 401,
        body: 'Signature invalide',
      })
    } finally {
      await sample.close()
    }
  })

  it.runIf(python3)('in Python accepts ours and nothing altered (G26)', async () => {
    const { body, signature } = await sent()
    const cases = [body, body.replace('4.2', '4.3')].map((text) => ({
      call: 'verify_webhook',
      with: [text, signature, SECRET],
    }))
    expect(runPython(block('grillo', 'python', 'def verify_webhook'), cases)).toEqual([true, false])
  })
})

describe('a customer’s server', () => {
  let database: PGlite
  beforeAll(async () => {
    database = await PGlite.create()
  }, 60_000)
  afterAll(() => database.close())
  beforeEach(async () => {
    await database.exec('drop schema if exists hooks cascade')
  })

  const request = async (data: unknown = QUAKE, secret = SECRET) => {
    const { hooks, requests } = stage()
    await hooks.endpoints.create(NETWORK, { url: URL_, secret })
    await hooks.send('event.detected', data as never, { tenant: NETWORK })
    await hooks.drain({ maxMs: 30_000 })
    const { headers, body } = requests[0] as TransportRequest
    return { headers: { ...headers } as Record<string, string>, payload: Buffer.from(body) }
  }
  const open = (alert: Parameters<typeof createCustomer>[0]['alert'], secret: string | string[] = SECRET) => {
    const logged: string[] = []
    const log = (fields: object, message?: string) => logged.push(`${JSON.stringify(fields)} ${message}`)
    const logger: Logger = { debug: log, info: log, warn: log, error: log }
    const customer = createCustomer({ database, secret, alert, logger })
    const post = ({ headers, payload }: Awaited<ReturnType<typeof request>>) =>
      customer.app.inject({ method: 'POST', url: '/grillo-webhook', headers, payload })
    return { ...customer, post, logged }
  }
  const soon = { timeout: 20_000, interval: 20 }

  it('answers `OK` once the event is stored and before the work, and does the work after a crash (G25, G39, G50)', async () => {
    const first = open(() => {
      throw new Error('never here')
    })
    // It accepts and handles nothing: what a process does that dies right after its answer.
    await first.app.ready()
    await first.receiver.stop()
    const { statusCode, body } = await first.post(await request())
    expect([statusCode, body]).toEqual([200, 'OK'])
    await first.app.close()

    const quakes: unknown[] = []
    const next = open((quake) => quakes.push(quake))
    await next.app.ready()
    await vi.waitFor(() => expect(quakes).toEqual([QUAKE]), soon)
    await next.app.close()
  }, 60_000)

  it('does the work once, however often and however much at once the event comes (G40, G41)', async () => {
    const quakes: unknown[] = []
    const { app, post } = open((quake) => quakes.push(quake))
    await app.ready()
    const one = await request()
    const answers = await Promise.all(Array.from({ length: 200 }, () => post(one)))
    expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true)
    await vi.waitFor(() => expect(quakes).toHaveLength(1), soon)
    // The id is in a header that nobody signs: the same bytes under another one are no other event.
    const forged = await post({ ...one, headers: { ...one.headers, 'x-grillo-delivery': 'dlv_forged' } })
    expect(forged.statusCode).toBe(200)
    await app.close()
    const later = open((quake) => quakes.push(quake))
    await later.receiver.drain({ maxMs: 5_000 })
    expect(quakes).toHaveLength(1)
    await later.app.close()
  }, 60_000)

  it('refuses what is not signed in the document’s words, and logs it with its code and without its content (G25, G42, G43)', async () => {
    const { app, post, logged } = open(() => {})
    const one = await request()
    const wrong = await post({ ...one, headers: { ...one.headers, 'x-grillo-signature': `sha256=${'0'.repeat(64)}` } })
    expect([wrong.statusCode, wrong.body]).toEqual([401, 'Signature invalide'])
    const { 'x-grillo-signature': _, ...bare } = one.headers
    const absent = await post({ ...one, headers: bare })
    expect([absent.statusCode, absent.body]).toEqual([401, 'Signature invalide'])
    expect(logged.some((line) => line.includes('signature_mismatch'))).toBe(true)
    for (const line of logged) {
      expect(line).not.toContain(SECRET)
      expect(line).not.toContain('San Francisco')
    }
    expect(() => open(() => {}, '')).toThrow(expect.objectContaining({ code: expect.stringMatching(/^secret_/) }))
    await app.close()
  }, 60_000)

  it.each<[what: string, secret: string, change: (payload: Buffer<ArrayBuffer>) => Buffer<ArrayBuffer>, said: string]>([
    ['another secret', 'un_tout_autre_secret', (payload) => payload, 'it is another secret'],
    ['white space in the secret', `"${SECRET}"`, (payload) => payload, 'the secret fits without quotes, white space'],
    ['a body parsed and written again', SECRET, rewritten, 'the body was parsed and written again'],
    ['a body in another charset', SECRET, inLatin1, 'it was read as text, and bytes that are no UTF-8 were lost'],
  ])(
    'explains a signature that does not fit, in development: %s (G49)',
    async (_, secret, change, said) => {
      const { app, post, logged } = open(() => {}, secret)
      const one = await request({ ...(QUAKE as object), location_description: 'Zoé, à 5 km' })
      expect((await post({ ...one, payload: change(one.payload) })).statusCode).toBe(401)
      await vi.waitFor(() => expect(logged.join('\n')).toContain(said), soon)
      expect(logged.join('\n')).not.toContain(SECRET)
      await app.close()
    },
    60_000,
  )

  it('handles an update of an event that it has seen, for it is another event (G14)', async () => {
    const seen: unknown[] = []
    const receiver = createReceiver({ contract, secret: SECRET, idempotency: memoryIdempotency() })
      .on('event.detected', ({ data }) => seen.push(data.event_id))
      .on('event.updated', ({ data }) => seen.push(data.event_id))
    const { hooks, requests, register } = stage()
    await register()
    await hooks.send('event.detected', QUAKE, { tenant: NETWORK })
    await hooks.send('event.updated', contract.events.get('event.updated')?.example as never, { tenant: NETWORK })
    await hooks.drain({ maxMs: 30_000 })
    for (const { headers, body } of requests) await receiver.handle({ method: 'POST', url: '/', headers, body })
    expect(seen).toEqual(['evt_abc123', 'evt_abc123'])
  })
})

describe('the page for customers', () => {
  it('carries the document’s front matter and the guides that it links to (G51, G52)', () => {
    const links = [...document('grillo').matchAll(/^- \[(.+)\]\((\/events\/.+)\)$/gm)].map(
      ([, text = '', href = '']) => ({ text, href }),
    )
    expect(links).toHaveLength(2)
    const options = {
      product: 'Grillo',
      version: '1.0.0',
      date: '2024-01-15',
      frontMatter: { sidebar_position: 4, title: 'Webhooks' },
      links,
    }
    const page = consumerDocs(contract, options)['webhooks.fr.md'] as string
    expect(page.slice(0, page.indexOf('\n---\n', 4))).toBe(
      document('grillo').slice(0, document('grillo').indexOf('\n---\n', 4)),
    )
    for (const { text, href } of links) expect(page).toContain(`[${text}](${href})`)
  })
})

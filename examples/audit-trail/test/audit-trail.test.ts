import {
  block,
  document,
  expressVersions,
  java,
  printedBodies,
  python3,
  runJava,
  runPython,
  runSample,
} from 'documents'
import { describe, expect, it } from 'vitest'
import { contract } from '../src/contract.ts'
import { EVENT, MINUTE, PRINTED_TIME, type Received, SECRET, signatureOf, stage, TENANT } from './stage.ts'

const BASE = '/api/v1/webhooks'
const isSigned = ({ headers, body }: Received) =>
  headers['x-audit-trail-signature'] === signatureOf(headers['x-audit-trail-timestamp'] ?? '', body)

/** A printed curl command: its method, URL, headers and body. */
function printedCall(text: string) {
  const command = block('audit-trail', 'bash', text)
  return {
    method: /-X (\w+)/.exec(command)?.[1] ?? 'GET',
    url: /https:\S+/.exec(command)?.[0] ?? '',
    headers: [...command.matchAll(/-H "(.*?): (.*?)"/g)].map(([, name = '', value = '']): [string, string] => [
      name,
      value,
    ]),
    body: /-d '([\s\S]*)'/.exec(command)?.[1],
  }
}

const creation = printedCall('"tenantId"')
const post = ({ api }: ReturnType<typeof stage>, body: string | undefined, headers = creation.headers) =>
  api.fetch(new Request(creation.url, { method: creation.method, headers, ...(body !== undefined && { body }) }))

describe('Vue d’ensemble', () => {
  it('makes of one event one POST, and 200 settles it (A1)', async () => {
    const { hooks, clock, create, happens, received } = stage()
    await create()
    hooks.start()
    await happens()
    await clock.advance(24 * 60 * MINUTE)
    expect(received).toHaveLength(1)
    expect((await hooks.deliveries.list(TENANT)).data).toMatchObject([{ state: 'delivered', attempts: 1 }])
    await hooks.stop()
  })
})

describe('Creer un webhook', () => {
  it('takes the printed call, to the letter (A2, A3, A5, A7, A8)', async () => {
    const world = stage()
    expect([creation.method, creation.url]).toEqual(['POST', 'https://api.audit-trail.io/api/v1/webhooks'])
    const answer = await post(world, creation.body)
    expect(answer.status).toBe(201)
    expect(await answer.json()).toEqual({
      id: expect.stringMatching(/^ep_/),
      tenantId: 'tenant-001',
      name: 'My Webhook',
      url: 'https://myapp.com/webhooks/audit-trail',
      events: ['event.created', 'alert.triggered'],
      enabled: true,
      reason: null,
      createdAt: '2025-01-15T10:30:00Z',
    })
    // RFC 6761: no DNS ever finds a name below `invalid`.
    expect((await post(world, creation.body?.replace('myapp.com', 'myapp.invalid'))).status).toBe(201)
  })

  it('lets nobody in without the key, and stores nothing of theirs (A3)', async () => {
    const world = stage()
    for (const key of ['', 'wrong', 'your-api-key2', 'constructor', 'Bearer your-api-key']) {
      const headers = creation.headers.map(([name, value]): [string, string] => [
        name,
        name === 'X-API-Key' ? key : value,
      ])
      expect((await post(world, creation.body, headers)).status).toBe(401)
    }
    const without = creation.headers.filter(([name]) => name !== 'X-API-Key')
    expect((await post(world, creation.body, without)).status).toBe(401)
    expect((await world.hooks.endpoints.list(TENANT)).data).toEqual([])
  })

  it('belongs to the tenant that is named, if the key may act for it; another does not exist (A4)', async () => {
    const world = stage()
    const { hooks, clock, create, call, happens, received } = world
    const refused = await call('POST', BASE, { tenantId: 'tenant-999', url: 'https://myapp.com/x', secret: SECRET })
    expect(refused.status).toBe(404)
    for (const tenant of ['tenant-999', TENANT, 'tenant-002']) {
      expect((await hooks.endpoints.list(tenant)).data).toEqual([])
    }
    const [one, two] = [
      await create({ url: 'https://one.example/' }),
      await create({ tenantId: 'tenant-002', url: 'https://two.example/' }),
    ]
    hooks.start()
    await happens(EVENT, TENANT)
    await clock.advance(MINUTE)
    expect(received.map(({ url, body }) => [url, JSON.parse(body).tenantId])).toEqual([
      ['https://one.example/', TENANT],
    ])
    await happens(EVENT, 'tenant-002')
    await clock.advance(MINUTE)
    expect(received.map(({ url }) => url)).toEqual(['https://one.example/', 'https://two.example/'])
    for (const id of [one, two]) expect((await call('GET', `${BASE}/${id}`)).status).toBe(200)
    expect((await call('GET', `${BASE}/${one}`, undefined, { 'x-api-key': 'other-key' })).status).toBe(404)
    await hooks.stop()
  })

  it('keeps the name, which can be changed (A5)', async () => {
    const { create, call } = stage()
    const id = await create()
    expect((await call('GET', `${BASE}/${id}`)).json.name).toBe('My Webhook')
    expect((await call('PATCH', `${BASE}/${id}`, { name: 'Q4' })).json).toMatchObject({ name: 'Q4', enabled: true })
    expect((await call('GET', `${BASE}?tenantId=${TENANT}`)).json.data).toMatchObject([{ id, name: 'Q4' }])
  })

  it('signs with the 18 characters of the secret, which no answer shows (A6)', async () => {
    const { hooks, clock, create, call, happens, received } = stage()
    const id = await create()
    const answers = [await call('GET', `${BASE}/${id}`), await call('GET', `${BASE}?tenantId=${TENANT}`)]
    for (const { text } of answers) expect(text).not.toContain('abc123')
    hooks.start()
    await happens()
    await clock.advance(MINUTE)
    expect(SECRET).toHaveLength(18)
    expect(received.map(isSigned)).toEqual([true])
    const without = await call('POST', BASE, { tenantId: TENANT, url: 'https://myapp.com/x' })
    expect([without.status, without.json.field]).toEqual([400, 'secret'])
    await hooks.stop()
  })

  it('delivers the events that were asked for and no others, and refuses names that do not exist (A7)', async () => {
    const { hooks, clock, create, call, happens, received } = stage()
    await create({ events: ['event.created', 'alert.triggered'] })
    hooks.start()
    await happens()
    await hooks.send('report.failed', {}, { tenant: TENANT })
    await clock.advance(MINUTE)
    expect(received.map(({ body }) => JSON.parse(body).type)).toEqual(['event.created'])
    const refused = await call('POST', BASE, { ...JSON.parse(creation.body ?? ''), events: ['event.renamed'] })
    expect([refused.status, refused.json.code]).toEqual([422, 'filter_invalid'])
    await hooks.stop()
  })

  it('created with enabled false gets nothing until it is enabled (A8)', async () => {
    const { hooks, clock, create, call, happens, received } = stage()
    const id = await create({ enabled: false })
    hooks.start()
    await happens()
    await clock.advance(60 * MINUTE)
    expect(received).toEqual([])
    expect((await call('PATCH', `${BASE}/${id}`, { enabled: true })).json.enabled).toBe(true)
    await happens()
    await clock.advance(MINUTE)
    expect(received).toHaveLength(1)
    await hooks.stop()
  })
})

describe('Types d’evenements', () => {
  it('are the six of the table, with its words, and each can be sent (A9)', async () => {
    const { hooks, clock, create, call, received } = stage()
    const rows = [...document('audit-trail').matchAll(/^\| `(.*)` \| (.*) \|$/gm)]
    const documented = rows.map(([, type, description]) => ({ type, description }))
    expect(documented).toHaveLength(6)
    const shown = (await call('GET', `${BASE}/event-types?tenantId=${TENANT}`)).json.data
    expect(shown).toMatchObject(documented)
    expect(shown).toHaveLength(6)
    await create()
    hooks.start()
    await hooks.send('event.batch.created', { events: [EVENT, EVENT] }, { tenant: TENANT })
    for (const { type, example = {} } of contract.events.all) {
      if (type !== 'event.batch.created') await hooks.send(type as 'report.failed', example, { tenant: TENANT })
    }
    await clock.advance(MINUTE)
    expect(received.map(({ body }) => JSON.parse(body).type).sort()).toEqual(documented.map(({ type }) => type).sort())
    // @ts-expect-error: a name that is not in the catalog
    const unknown = hooks.send('event.renamed', {}, { tenant: TENANT })
    await expect(unknown).rejects.toMatchObject({ code: 'event_type_unknown' })
    await hooks.stop()
  })
})

describe('Payload', () => {
  it('comes out as printed, byte for byte but for the id, whatever the type (A10, A13, A14)', async () => {
    const { hooks, clock, create, received } = stage()
    await create()
    hooks.start()
    // One is printed in full, and again with its event cut out: `{ ... }`.
    const [full, cut, alert] = printedBodies('audit-trail')
    expect(cut).toEqual({ ...full, data: { event: {} } })
    for (const { type, data, timestamp } of [full, alert] as {
      type: 'report.failed'
      data: object
      timestamp: string
    }[]) {
      await hooks.send(type, data, { tenant: TENANT, occurredAt: new Date(timestamp) })
    }
    await clock.advance(MINUTE)
    const bodies = received.map(({ body }) => ({ id: JSON.parse(body).id, body }))
    expect(bodies.map(({ body }) => body).sort()).toEqual(
      [full, alert].map((printed, i) => JSON.stringify({ ...printed, id: bodies[i]?.id })).sort(),
    )
    expect(bodies.map(({ body }) => Object.keys(JSON.parse(body)))).toEqual([
      ['id', 'type', 'timestamp', 'tenantId', 'data'],
      ['id', 'type', 'timestamp', 'tenantId', 'data'],
    ])
    await hooks.stop()
  })

  it('has one id in body, header and history: the same at every attempt and when sent again, another per webhook (A11, A18)', async () => {
    const { hooks, clock, create, deliveries, happens, received } = stage({ answer: (n) => (n <= 2 ? 500 : 200) })
    const one = await create({ url: 'https://one.example/' })
    const two = await create({ url: 'https://two.example/' })
    hooks.start()
    await happens()
    await clock.advance(2 * MINUTE)
    const [shown] = await deliveries(one)
    await hooks.deliveries.resend(TENANT, shown.id)
    await clock.advance(MINUTE)
    await hooks.recover(TENANT, one, { since: PRINTED_TIME, states: ['delivered'] })
    await clock.advance(MINUTE)
    const idsAt = (url: string) =>
      received
        .filter((request) => request.url === url)
        .map(({ headers, body }) => [headers['x-audit-trail-delivery-id'], JSON.parse(body).id])
    const [[other]] = [await deliveries(two)]
    expect(idsAt('https://one.example/')).toEqual(Array.from({ length: 4 }, () => [shown.id, shown.id]))
    expect(idsAt('https://two.example/')).toEqual(Array.from({ length: 2 }, () => [other.id, other.id]))
    expect(shown.id).toMatch(/^whd_\w+$/)
    expect(other.id).not.toBe(shown.id)
    await hooks.stop()
  })

  it('has data that its schema takes, and nothing is stored of what it does not (A12)', async () => {
    const { hooks, create, happens } = stage()
    await create()
    expect(EVENT).toMatchObject({ actor: { type: 'USER' }, action: { type: 'CREATE' }, resource: { type: 'DOCUMENT' } })
    const { actor: _, ...nobody } = EVENT
    await expect(happens(nobody as never)).rejects.toMatchObject({ code: 'payload_invalid' })
    await expect(happens({ ...EVENT, timestamp: 'now' })).rejects.toMatchObject({ code: 'payload_invalid' })
    expect((await hooks.messages.list(TENANT)).data).toEqual([])
    await happens()
    expect((await hooks.messages.list(TENANT)).data).toHaveLength(1)
  })
})

describe('Verification de signature', () => {
  it('is in every request: first attempt, retry, sent again, recovered, test (A15, A16)', async () => {
    const { hooks, clock, create, call, happens, received } = stage({ answer: (n) => (n === 1 ? 500 : 200) })
    const id = await create()
    hooks.start()
    await happens()
    await clock.advance(2 * MINUTE)
    const [delivery] = (await hooks.deliveries.list(TENANT)).data
    await hooks.deliveries.resend(TENANT, delivery?.id ?? '')
    await clock.advance(MINUTE)
    await hooks.recover(TENANT, id, { since: PRINTED_TIME, states: ['delivered'] })
    await clock.advance(MINUTE)
    await call('POST', `${BASE}/${id}/test`)
    await clock.advance(MINUTE)
    expect(received).toHaveLength(5)
    expect(received.map(isSigned)).toEqual([true, true, true, true, true])
    for (const { headers } of received) {
      expect(headers['x-audit-trail-signature']).toMatch(/^sha256=[0-9a-f]{64}$/)
    }
    await hooks.stop()
  })

  it('carries the time of the attempt, in ten digits: the fifth, 2 h 36 min later, is as fresh as the first (A17)', async () => {
    const { hooks, clock, create, happens, received } = stage({ answer: () => 500 })
    await create()
    hooks.start()
    await happens()
    await clock.advance(3 * 60 * MINUTE)
    const times = received.map(({ headers }) => headers['x-audit-trail-timestamp'] ?? '')
    for (const time of times) expect(time).toMatch(/^\d{10}$/)
    expect(times.map(Number)).toEqual(received.map(({ at }) => Math.floor(at.getTime() / 1000)))
    expect(Number(times[4]) - Number(times[0])).toBe((1 + 5 + 30 + 120) * 60)
    await hooks.stop()
  })

  /** A request that we send, its event with letters beyond ASCII. */
  async function sent() {
    const { hooks, clock, create, happens, received } = stage()
    await create()
    hooks.start()
    await happens({ ...EVENT, action: { type: 'CREATE', description: 'Événement créé, 10 €, 日本' } })
    await clock.advance(MINUTE)
    await hooks.stop()
    const [{ headers, body }] = received as [Received]
    const signature = headers['x-audit-trail-signature'] ?? ''
    const timestamp = headers['x-audit-trail-timestamp'] ?? ''
    return { body, signature, timestamp, later: String(Number(timestamp) + 1), other: body.replace('créé', 'cree') }
  }

  it.each(expressVersions)(
    'is what the document’s own server accepts, and nothing altered, on %s (A19, A20)',
    async (_, version) => {
      const { body, signature, timestamp, later, other } = await sent()
      const sample = await runSample(block('audit-trail', 'javascript', 'function verifyWebhookSignature'), version, {
        WEBHOOK_SECRET: SECRET,
      })
      try {
        const send = (time: string, text: string) =>
          sample.post(
            '/webhooks/audit-trail',
            {
              'content-type': 'application/json',
              'x-audit-trail-signature': signature,
              'x-audit-trail-timestamp': time,
            },
            text,
          )
        expect(await send(timestamp, body)).toEqual({ status: 200, body: 'OK' })
        expect(sample.logged).toEqual(['Webhook verified: event.created'])
        const refused = { status: 401, body: 'Invalid signature' }
        expect([await send(later, body), await send(timestamp, other)]).toEqual([refused, refused])
      } finally {
        await sample.close()
      }
    },
  )

  it.skipIf(!python3)(
    'is what the document’s Python accepts, and nothing altered (A21)',
    { timeout: 60_000 },
    async () => {
      const { body, signature, timestamp, later, other } = await sent()
      const route = (time: string, text: string) => ({
        route: '/webhooks/audit-trail',
        headers: { 'X-Audit-Trail-Signature': signature, 'X-Audit-Trail-Timestamp': time },
        body: text,
      })
      const code = block('audit-trail', 'python', 'def verify_webhook_signature')
      const cases = [route(timestamp, body), route(later, body), route(timestamp, other)]
      expect(runPython(code, cases, { names: { WEBHOOK_SECRET: SECRET } })).toEqual([
        ['OK', 200],
        ['Invalid signature', 401],
        ['Invalid signature', 401],
      ])
    },
  )

  it.skipIf(!java)('is what the document’s Java accepts, and nothing altered (A22)', { timeout: 120_000 }, async () => {
    const { body, signature, timestamp, later, other } = await sent()
    const verify = (...given: string[]) => ({ call: 'verifySignature', with: given })
    const code = block('audit-trail', 'java', 'class WebhookVerifier')
    const cases = [
      verify(body, signature, timestamp, SECRET),
      verify(body, signature, later, SECRET),
      verify(other, signature, timestamp, SECRET),
      verify(body, signature, timestamp, `${SECRET}x`),
    ]
    expect(runJava(code, cases)).toEqual(['true', 'false', 'false', 'false'])
  })
})

describe('Retry Policy', () => {
  it.each([199, 301, 304, 400, 404, 410, 429, 500, 503, 'none'] as const)(
    'tries again after an answer of %s, and not after one of 2xx (A23)',
    async (status) => {
      const { hooks, clock, create, happens, received } = stage({ answer: (n) => (n === 1 ? status : 204) })
      await create()
      hooks.start()
      await happens()
      await clock.advance(4 * 60 * MINUTE)
      expect(received.map(({ at }) => at.getTime() - PRINTED_TIME.getTime())).toEqual([0, MINUTE])
      expect((await hooks.deliveries.list(TENANT)).data).toMatchObject([{ state: 'delivered' }])
      await hooks.stop()
    },
  )

  it('makes five attempts, at once and after 1, 5, 30 minutes and 2 hours, and no sixth (A24)', async () => {
    const { hooks, clock, create, happens, received } = stage({ answer: () => 500 })
    await create()
    hooks.start()
    await happens()
    await clock.advance(7 * 24 * 60 * MINUTE)
    const table = [...document('audit-trail').matchAll(/^\| \d \| (.*) \|$/gm)].map(([, delay]) => delay)
    expect(table).toEqual(['Immediate', '1 minute', '5 minutes', '30 minutes', '2 heures'])
    const minutes = received.map(
      ({ at }, i) => (at.getTime() - (received[i - 1]?.at ?? PRINTED_TIME).getTime()) / MINUTE,
    )
    expect(minutes).toEqual([0, 1, 5, 30, 120])
    await hooks.stop()
  })

  it('disables the webhook after the fifth failure, and tells it; what comes then is skipped, and can be sent when it is enabled again (A25)', async () => {
    let status = 500
    const { hooks, clock, create, call, deliveries, happens, received } = stage({ answer: () => status })
    const told: unknown[] = []
    hooks.on('endpoint.disabled', ({ endpointId, reason, failures }) => void told.push([endpointId, reason, failures]))
    const id = await create()
    hooks.start()
    await happens()
    await clock.advance((1 + 5 + 30 + 120) * MINUTE - 1)
    expect([received.length, (await call('GET', `${BASE}/${id}`)).json.enabled]).toEqual([4, true])
    await clock.advance(MINUTE)
    expect(received).toHaveLength(5)
    expect((await call('GET', `${BASE}/${id}`)).json).toMatchObject({ enabled: false, reason: 'exhausted' })
    expect(told).toEqual([[id, 'exhausted', 5]])
    await happens()
    await clock.advance(60 * MINUTE)
    expect(received).toHaveLength(5)
    const [missed] = (await hooks.deliveries.list(TENANT)).data
    expect(missed).toMatchObject({ state: 'skipped', attempts: 0 })
    expect((await deliveries(id))[0]).toMatchObject({ id: missed?.id, status: null, success: false })
    status = 200
    expect((await call('POST', `${BASE}/${id}/enable`)).json).toMatchObject({ enabled: true, reason: null })
    await hooks.recover(TENANT, id, { since: PRINTED_TIME })
    await clock.advance(MINUTE)
    expect(received.slice(5).map(({ headers }) => headers['x-audit-trail-delivery-id'])).toContain(missed?.id)
    expect((await deliveries(id)).map(({ success }: { success: boolean }) => success)).toEqual([true, true])
    await hooks.stop()
  })

  it('is not disabled where a success comes before the fifth attempt (A25)', async () => {
    const { hooks, clock, create, call, happens, received } = stage({ answer: (n) => (n % 5 === 0 ? 200 : 500) })
    const id = await create()
    hooks.start()
    for (let i = 0; i < 3; i++) {
      await happens()
      await clock.advance(3 * 60 * MINUTE)
    }
    expect(received).toHaveLength(15)
    expect((await call('GET', `${BASE}/${id}`)).json.enabled).toBe(true)
    await hooks.stop()
  })

  it('read the other way, five failures in a row of whatever deliveries disable it, and a success between counts anew (A25)', async () => {
    const other = { ...contract, policy: { ...contract.policy, disable: { afterFailures: 5 } } } as typeof contract
    const answers = [500, 500, 500, 500, 200]
    const { hooks, clock, create, call, happens, received } = stage({
      answer: (n) => answers[n - 1] ?? 500,
      contract: other,
    })
    const id = await create()
    const isEnabled = async () => (await call('GET', `${BASE}/${id}`)).json.enabled
    hooks.start()
    for (let i = 0; i < 5; i++) {
      await happens()
      await clock.advance(1)
    }
    expect([received.length, await isEnabled()]).toEqual([5, true])
    for (let i = 0; i < 5; i++) {
      expect(await isEnabled()).toBe(true)
      await happens()
      await clock.advance(1)
    }
    expect([received.length, await isEnabled()]).toEqual([10, false])
    await hooks.stop()
  })
})

describe('Testing', () => {
  it('takes the printed call, with the key and nothing else, and sends one of the six types, signed (A30)', async () => {
    const { hooks, clock, api, create, received } = stage()
    const { method, url, headers, body } = printedCall('/test')
    expect([method, headers, body]).toEqual(['POST', [['X-API-Key', 'your-api-key']], undefined])
    const request = new Request(url.replace('{id}', await create()), { method, headers })
    expect([request.headers.get('content-type'), request.body]).toEqual([null, null])
    hooks.start()
    const answer = await api.fetch(request)
    expect(answer.status).toBe(202)
    await clock.advance(MINUTE)
    expect(received.map(isSigned)).toEqual([true])
    expect(contract.events.types).toContain(JSON.parse(received[0]?.body ?? '').type)
    await hooks.stop()
  })

  it.each([
    'https://3f2a-81-56.ngrok-free.app/webhooks/audit-trail',
    'https://brave-owl-12.loca.lt/webhooks/audit-trail',
  ])('takes the URL of a tunnel: %s (A31, A32)', async (url) => {
    const { hooks, clock, create, happens, received } = stage()
    await create({ url })
    hooks.start()
    await happens()
    await clock.advance(MINUTE)
    expect(received.map((request) => request.url)).toEqual([url])
    await hooks.stop()
  })
})

describe('Monitoring', () => {
  const monitoring = printedCall('/deliveries')
  const printed = JSON.parse(block('audit-trail', 'json', '"deliveries"')).deliveries

  it('takes the printed call, and shows the webhook’s own deliveries alone (A33)', async () => {
    const { hooks, clock, api, call, create, happens } = stage()
    const one = await create({ url: 'https://one.example/' })
    const two = await create({ url: 'https://two.example/', events: ['report.failed'] })
    const foreign = await hooks.endpoints.create('tenant-003', { url: 'https://three.example/', secret: SECRET })
    hooks.start()
    await happens()
    await clock.advance(MINUTE)
    const { method, url, headers } = monitoring
    const ask = async (id: string) => api.fetch(new Request(url.replace('{id}', id), { method, headers }))
    const answer = await ask(one)
    expect([answer.status, await answer.json()]).toMatchObject([200, { deliveries: [{ status: 200 }] }])
    expect(await (await ask(two)).json()).toEqual({ deliveries: [] })
    expect((await ask(foreign.id)).status).toBe(404)
    expect((await call('GET', `${BASE}/${one}/deliveries`, undefined, { 'x-api-key': 'wrong' })).status).toBe(401)
    await hooks.stop()
  })

  it('shows them newest first, with the keys of the document in its order, and their types (A34, A35, A36, A37, A38)', async () => {
    // As printed: the older one failed and waits, the newer one was delivered.
    const failed = (request: Received) => JSON.parse(request.body).type === 'report.failed'
    const world = stage({ answer: (_, request) => (failed(request) ? 500 : 200), ms: 145 })
    const { hooks, clock, call, create, received } = world
    const id = await create()
    hooks.start()
    await hooks.send('report.failed', {}, { tenant: TENANT })
    await clock.advance(1_000)
    await hooks.send('report.completed', {}, { tenant: TENANT })
    await clock.advance(1_000)
    const { json } = await call('GET', `${BASE}/${id}/deliveries`)
    expect(Object.keys(json)).toEqual(['deliveries'])
    expect(json.deliveries.map(Object.keys)).toEqual(printed.map(Object.keys))
    const types = (one: object) => Object.values(one).map((value) => typeof value)
    expect(json.deliveries.map(types)).toEqual(printed.map(types))
    const [second, first] = received.map(({ body }) => JSON.parse(body).id).reverse()
    expect(json.deliveries).toEqual([
      { id: second, timestamp: '2025-01-15T10:30:01Z', status: 200, duration: 145, success: true },
      {
        id: first,
        timestamp: '2025-01-15T10:30:00Z',
        status: 500,
        duration: 145,
        success: false,
        retryAt: '2025-01-15T10:31:00Z',
      },
    ])
    await hooks.stop()
  })

  it('says null, and not 0, where there was no answer (A36)', async () => {
    const { hooks, clock, create, deliveries, happens } = stage({ answer: () => 'none', ms: 15_000 })
    const id = await create()
    await happens()
    hooks.start()
    await clock.advance(20_000)
    expect(await deliveries(id)).toMatchObject([{ status: null, duration: 15_000, success: false }])
    await hooks.stop()
  })

  it('says when the next attempt will be, to the second from the last one’s end, and only while one waits (A35, A39)', async () => {
    const { hooks, clock, create, deliveries, happens, received } = stage({
      answer: (n) => (n < 5 ? 500 : 200),
      ms: 5_000,
    })
    const id = await create()
    hooks.start()
    await happens()
    for (const [attempt, minutes] of [1, 5, 30, 120].entries()) {
      await clock.advance(5_000)
      const [shown] = await deliveries(id)
      expect(shown).toMatchObject({ status: 500, duration: 5_000, success: false })
      expect(Date.parse(shown.timestamp)).toBe(clock.now().getTime())
      expect(Date.parse(shown.retryAt) - Date.parse(shown.timestamp)).toBe(minutes * MINUTE)
      await clock.advance(minutes * MINUTE - 1)
      expect(received).toHaveLength(attempt + 1)
      await clock.advance(1)
      expect(received.at(-1)?.at.toISOString()).toBe(shown.retryAt.replace('Z', '.000Z'))
    }
    await clock.advance(5_000)
    expect(await deliveries(id)).toEqual([
      { id: expect.any(String), timestamp: expect.any(String), status: 200, duration: 5_000, success: true },
    ])
    await hooks.stop()
  })
})

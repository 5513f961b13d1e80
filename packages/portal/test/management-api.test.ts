import { type ApiShape, StorageError, silentLogger } from '@hooks/core'
import { createSender } from '@hooks/sender'
import { describe, expect, it, vi } from 'vitest'
import type { Redact } from '../src/index.ts'
import { createManagementApi } from '../src/index.ts'
import { events, stage } from './stage.ts'

const URL_ = 'https://acme.example/webhooks'
const as = (key: string) => ({ authorization: `Bearer ${key}` })

describe('the management API', () => {
  it('does not start without an authorize', () => {
    const { hooks, contract } = stage()
    expect(() => createManagementApi(hooks as never, { contract } as never)).toThrow(
      expect.objectContaining({ code: 'authorize_missing' }),
    )
  })

  it('lets no stranger in, and stores nothing of what they send', async () => {
    const { call, hooks } = stage()
    const refused = await call('POST', '/v1/endpoints', { url: URL_ }, as('nobody'))
    expect(refused.status).toBe(401)
    expect(refused.json).toEqual({
      type: 'about:blank',
      status: 401,
      code: 'unauthorized',
      title: 'Not authorized',
      detail: 'Say who you are.',
    })
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect((await hooks.endpoints.list('acme')).data).toEqual([])
  })

  it('creates an endpoint, and shows its secret this once', async () => {
    const { call } = stage()
    const created = await call('POST', '/v1/endpoints', { url: URL_, events: ['booking.*'], name: 'Orders' })
    expect(created.status).toBe(201)
    expect(created.json).toMatchObject({ url: URL_, events: ['booking.*'], name: 'Orders', enabled: true })
    expect(created.json.secret).toMatch(/^whsec_/)
    const id = created.json.id
    for (const answer of [await call('GET', `/v1/endpoints/${id}`), await call('GET', '/v1/endpoints')]) {
      expect(answer.status).toBe(200)
      expect(answer.text).not.toContain(created.json.secret.slice(6))
    }
  })

  it('merges a change, with PATCH as with PUT', async () => {
    const { call } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_, name: 'Orders' })
    const patched = await call('PATCH', `/v1/endpoints/${json.id}`, { events: ['user.deleted'] })
    expect(patched.json).toMatchObject({ url: URL_, name: 'Orders', events: ['user.deleted'] })
    const put = await call('PUT', `/v1/endpoints/${json.id}`, { enabled: false })
    expect(put.json).toMatchObject({ url: URL_, name: 'Orders', events: ['user.deleted'], enabled: false })
  })

  it('takes back what it showed itself', async () => {
    const { call } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    const shown = (await call('GET', `/v1/endpoints/${json.id}`)).json
    expect((await call('PUT', `/v1/endpoints/${json.id}`, { ...shown, name: 'Orders' })).json.name).toBe('Orders')
  })

  it.each([
    ['no URL', {}, 400, 'field_missing', 'url'],
    ['a URL that is none', { url: 'nope' }, 422, 'url_invalid', 'url'],
    ['http', { url: 'http://acme.example/' }, 422, 'url_scheme', 'url'],
    ['a private address', { url: 'https://10.0.0.1/' }, 422, 'address_blocked', 'url'],
    ['a number for a URL', { url: 7 }, 400, 'field_invalid', 'url'],
    ['an unknown event type', { url: URL_, events: ['booking.lost'] }, 422, 'filter_invalid', 'events'],
    ['a misspelt field', { url: URL_, evnts: [] }, 400, 'field_unknown', 'evnts'],
    ['a weak secret', { url: URL_, secret: 'weak' }, 422, 'secret_too_short', 'secret'],
  ])('refuses %s in words, naming the field', async (_, body, status, code, field) => {
    const { call, hooks } = stage()
    const refused = await call('POST', '/v1/endpoints', body)
    expect(refused.json).toMatchObject({ status, code, field })
    expect(refused.status).toBe(status)
    expect((await hooks.endpoints.list('acme')).data).toEqual([])
  })

  it('tells customers what they can do, and the host alone what only the host can', async () => {
    const warn = vi.fn()
    const { call } = stage({ logger: { ...silentLogger, warn } })
    for (const url of ['http://acme.example/', 'https://localhost/', 'https://127.0.0.1/', 'https://acme.example:9/']) {
      const { json } = await call('POST', '/v1/endpoints', { url })
      expect(json.detail).not.toMatch(/createSender|dev|allowPrivateNetworks/)
      const told = { code: json.code, hint: expect.stringContaining('createSender({ dev: true })') }
      expect(warn).toHaveBeenLastCalledWith(told, expect.any(String))
    }
    const weak = await call('POST', '/v1/endpoints', { url: URL_, secret: 'whsec_weak' })
    expect(weak.json.detail).toBe('A secret is "whsec_" and padded base64 of 24 to 64 bytes.')
    expect(warn).toHaveBeenCalledTimes(4)
    vi.stubEnv('NODE_ENV', 'production')
    await call('POST', '/v1/endpoints', { url: 'http://acme.example/' })
    vi.unstubAllEnvs()
    expect(warn).toHaveBeenCalledTimes(4)
  })

  it('tells the host on the console what failed on its side, and the client nothing of it', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { hooks, contract } = stage()
    const failing = { ...hooks, endpoints: { ...hooks.endpoints, list: () => Promise.reject(failure) } }
    let failure: Error
    const ask = async () => {
      const { fetch } = createManagementApi(failing, { contract, authorize: () => ({ tenants: ['acme'] }) })
      return (await fetch(new Request('https://api.example/v1/endpoints'))).json()
    }
    for (const [error, code] of [
      [new StorageError('schema_missing', 'no tables', { hint: 'make them' }), 'internal'],
      [new StorageError('storage_unavailable', 'not reached', { hint: 'look at db.internal' }), 'storage_unavailable'],
    ] as const) {
      failure = error
      expect(await ask()).toMatchObject({ code, detail: 'Something failed on our side. Try again later.' })
      expect(said).toHaveBeenLastCalledWith(expect.any(String), { err: error })
    }
    said.mockRestore()
  })

  it.each([
    ['what is not JSON', 'nope', {}, 400],
    ['a list', [], {}, 400],
    ['a form', 'url=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['more than it reads', JSON.stringify({ name: 'x'.repeat(300_000) }), {}, 413],
  ])('refuses %s', async (_, body, headers, status) => {
    expect((await stage().call('POST', '/v1/endpoints', body, headers)).status).toBe(status)
  })

  it('answers 404 for everything of another tenant', async () => {
    const { call, hooks } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    await hooks.send('booking.created', { id: 'b' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    const [delivery] = (await call('GET', '/v1/deliveries')).json.data
    const [message] = (await call('GET', '/v1/messages')).json.data
    for (const [method, path, body] of [
      ['GET', `/v1/endpoints/${json.id}`],
      ['PATCH', `/v1/endpoints/${json.id}`, { name: 'mine' }],
      ['DELETE', `/v1/endpoints/${json.id}`],
      ['POST', `/v1/endpoints/${json.id}/enable`],
      ['POST', `/v1/endpoints/${json.id}/disable`],
      ['POST', `/v1/endpoints/${json.id}/rotate-secret`],
      ['POST', `/v1/endpoints/${json.id}/test`],
      ['GET', `/v1/endpoints/${json.id}/deliveries`],
      ['GET', `/v1/endpoints/${json.id}/stats`],
      ['GET', `/v1/deliveries/${delivery.id}`],
      ['POST', `/v1/deliveries/${delivery.id}/resend`],
      ['POST', `/v1/deliveries/${delivery.id}/cancel`],
      ['GET', `/v1/messages/${message.id}`],
      ['GET', '/v1/endpoints?tenant=acme'],
    ] as const) {
      expect([path, (await call(method, path, body, as('globex'))).status]).toEqual([path, 404])
    }
    expect((await call('GET', '/v1/deliveries', undefined, as('globex'))).json.data).toEqual([])
  })

  it('acts for the tenant that a request names, of those that it may act for', async () => {
    const { call, hooks } = stage()
    expect((await call('POST', '/v1/endpoints', { url: URL_ }, as('group'))).json.code).toBe('tenant_needed')
    const created = await call('POST', '/v1/endpoints', { url: URL_, tenant: 'globex' }, as('group'))
    expect(created.json.tenant).toBe('globex')
    const stranger = await call('POST', '/v1/endpoints', { url: URL_, tenant: 'initech' }, as('group'))
    expect(stranger.status).toBe(404)
    expect((await hooks.endpoints.list('acme')).data).toEqual([])
  })

  it('lets nobody in by what `authorize` must not give, such as a text, of which every part would be a tenant', async () => {
    const { hooks, contract } = stage()
    await hooks.endpoints.create('ac', { url: URL_ })
    for (const access of [
      { tenants: 'ac' },
      { tenants: 'acme' },
      { tenants: [] },
      { tenants: [undefined] },
      { tenants: ['ac', ''] },
      { tenants: ['ac'], can: 'secret:read' },
      { tenants: ['ac'], can: ['write'] },
      { tenant: 'ac' },
      'ac',
      true,
    ]) {
      const error = vi.fn()
      const { fetch } = createManagementApi(hooks, {
        contract,
        logger: { ...silentLogger, error },
        authorize: async () => access as never,
      })
      for (const path of ['/v1/endpoints', '/v1/endpoints?tenant=ac', '/v1/endpoints/ep_1', '/v1/overview']) {
        const answer = await fetch(new Request(`https://api.example${path}`))
        expect([answer.status, await answer.json()]).toMatchObject([500, { code: 'internal' }])
        expect(error).toHaveBeenLastCalledWith(
          { err: expect.objectContaining({ code: 'option_invalid', hint: expect.stringContaining('tenants') }) },
          expect.any(String),
        )
      }
    }
  })

  it('finds nothing of a tenant that there cannot be', async () => {
    const { call } = stage()
    for (const tenant of ['%20', '%C3%A9', 'a%00', 'x'.repeat(200)]) {
      const { status, json } = await call('GET', `/v1/endpoints?tenant=${tenant}`, undefined, as('operator'))
      expect([tenant, status, json.field]).toEqual([tenant, status === 400 ? 400 : 404, 'tenant'])
    }
  })

  it('asks no storage for what none can keep: PostgreSQL would fail at a NUL', async () => {
    const { call, storage } = stage()
    const asked = vi.spyOn(storage.endpoints, 'get')
    for (const id of ['%00', 'ep_1%00', '%ED%A0%80', 'ep 1', 'ep_%C3%A9'])
      expect((await call('GET', `/v1/endpoints/${id}`)).json.code).toMatch(/not_found$/)
    expect(asked.mock.calls.filter(([, id]) => id !== '')).toEqual([])
    for (const query of ['cursor=%00', 'event=a%00', 'endpoint=%00'])
      expect((await call('GET', `/v1/deliveries?${query}`)).json.code).toBe('field_invalid')
    for (const url of ['https://acme.example/\0', 'https://acme.example/\ud800'])
      expect((await call('POST', '/v1/endpoints', { url })).status).toBeLessThan(500)
    expect((await call('POST', '/v1/endpoints', { url: URL_, name: '\ud800' })).json.code).toBe('field_invalid')
  })

  it('knows by the id which of its tenants is meant, where a request names none', async () => {
    const { call, hooks } = stage()
    const endpoint = await hooks.endpoints.create('globex', { url: URL_ })
    const strange = await hooks.endpoints.create('initech', { url: URL_ })
    await hooks.send('booking.created', { id: 'b' }, { tenant: 'globex' })
    await hooks.drain({ maxMs: 10_000 })
    const { status, json } = await call('GET', `/v1/endpoints/${endpoint.id}/deliveries`, undefined, as('group'))
    expect([status, json.data.length]).toEqual([200, 1])
    expect((await call('GET', `/v1/deliveries/${json.data[0].id}`, undefined, as('group'))).status).toBe(200)
    expect((await call('GET', `/v1/messages/${json.data[0].messageId}`, undefined, as('group'))).status).toBe(200)
    expect((await call('POST', `/v1/endpoints/${endpoint.id}/test`, undefined, as('group'))).status).toBe(202)
    expect((await call('PATCH', `/v1/endpoints/${endpoint.id}`, { name: 'theirs' }, as('group'))).json).toMatchObject({
      tenant: 'globex',
      name: 'theirs',
    })
    expect((await call('GET', `/v1/endpoints/${endpoint.id}?tenant=acme`, undefined, as('group'))).status).toBe(404)
    expect((await call('GET', `/v1/endpoints/${strange.id}`, undefined, as('group'))).status).toBe(404)
    expect((await call('DELETE', `/v1/endpoints/${strange.id}`, undefined, as('group'))).status).toBe(404)
    expect((await hooks.endpoints.list('initech')).data).toHaveLength(1)
  })

  it('does only what the capabilities allow', async () => {
    const { call } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    expect((await call('GET', '/v1/endpoints', undefined, as('reader'))).status).toBe(200)
    for (const [method, path] of [
      ['POST', '/v1/endpoints'],
      ['DELETE', `/v1/endpoints/${json.id}`],
      ['POST', `/v1/endpoints/${json.id}/rotate-secret`],
      ['POST', `/v1/endpoints/${json.id}/test`],
    ] as const) {
      expect((await call(method, path, undefined, as('reader'))).json.code).toBe('forbidden')
    }
  })

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a sibling of the site', { 'sec-fetch-site': 'same-site' }, 403],
    ['an old browser on another site', { origin: 'https://evil.example' }, 403],
    ['the page itself', { 'sec-fetch-site': 'same-origin' }, 202],
    ['an old browser on the page itself', { origin: 'https://api.example' }, 202],
    ['a program', {}, 202],
  ])('lets %s change things or not', async (_, headers, status) => {
    const { call } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    expect((await call('POST', `/v1/endpoints/${json.id}/test`, undefined, headers)).status).toBe(status)
  })

  it('sends a test without a body, and with a chosen event', async () => {
    const { call, hooks, sent } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    expect((await call('POST', `/v1/endpoints/${json.id}/test`)).status).toBe(202)
    expect((await call('POST', `/v1/endpoints/${json.id}/test`, { event: 'booking.cancelled' })).status).toBe(202)
    expect((await call('POST', `/v1/endpoints/${json.id}/test`, { event: 'booking.lost' })).json.field).toBe('event')
    await hooks.drain({ maxMs: 10_000 })
    expect(sent.map(({ body }) => JSON.parse(body).type)).toEqual(['booking.created', 'booking.cancelled'])
  })

  it('lists deliveries with their last attempt, filters them, and counts them whatever the filter', async () => {
    let status = 500
    const { call, hooks } = stage({ status: () => status, response: '{"ok":false}' })
    await call('POST', '/v1/endpoints', { url: URL_ })
    await hooks.send('booking.created', { id: 'a' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    status = 200
    await hooks.send('booking.created', { id: 'b' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    const all = (await call('GET', '/v1/deliveries')).json
    expect(all.data.map((one: { state: string }) => one.state)).toEqual(['delivered', 'retrying'])
    expect(all.data[1]).toMatchObject({ attempts: 1, last: { status: 500, answer: { ok: false } } })
    expect(all.data[1].nextAttemptAt).toEqual(expect.any(String))
    const retrying = (await call('GET', '/v1/deliveries?status=retrying')).json
    expect(retrying.data).toHaveLength(1)
    expect(retrying.statistics).toMatchObject({ total: 2, delivered: 1, retrying: 1, failed: 0 })
    expect((await call('GET', '/v1/deliveries?status=lost')).json).toMatchObject({
      code: 'field_invalid',
      field: 'status',
    })
  })

  it('walks through deliveries by cursor', async () => {
    const { call, hooks } = stage()
    await call('POST', '/v1/endpoints', { url: URL_ })
    for (let i = 0; i < 7; i++) await hooks.send('booking.created', { id: `${i}` }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    const ids: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { json } = await call('GET', `/v1/deliveries?limit=3${query}`)
      ids.push(...json.data.map(({ id }: { id: string }) => id))
      cursor = json.nextCursor
    }
    expect(new Set(ids).size).toBe(7)
  })

  it('shows a delivery with every attempt and what was sent', async () => {
    const { call, hooks } = stage({ status: () => 500 })
    await call('POST', '/v1/endpoints', { url: URL_ })
    await hooks.send('booking.created', { id: 'a' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    const [{ id }] = (await call('GET', '/v1/deliveries')).json.data
    const resent = await call('POST', `/v1/deliveries/${id}/resend`)
    expect([resent.status, resent.json.id]).toEqual([202, id])
    await hooks.drain({ maxMs: 10_000 })
    const shown = (await call('GET', `/v1/deliveries/${id}`)).json
    expect(shown.log).toHaveLength(2)
    expect(shown.log[1].trigger).toBe('manual')
    expect(shown.data).toEqual({ id: 'a' })
    expect((await call('POST', `/v1/deliveries/${id}/cancel`)).json.state).toBe('cancelled')
  })

  it('shows of each delivery the body that its endpoint got, whatever the endpoint wants by now', async () => {
    const { call, hooks, sent, clock } = stage()
    const wants = { full: {}, thin: { payload: 'thin' }, old: { version: '2025-01' } } as const
    const ids: string[] = []
    for (const [name, settings] of Object.entries(wants)) {
      const url = `https://${name}.acme.example/in`
      ids.push((await hooks.endpoints.create('acme', { url, ...settings })).id)
    }
    await hooks.send('booking.created', { id: 'a', seats: 2 } as { id: string }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    for (const id of ids) await hooks.endpoints.update('acme', id, { payload: 'full', version: null })
    await clock.advance(1_000)
    const data = []
    for (const { id } of (await call('GET', '/v1/deliveries')).json.data) {
      const shown = (await call('GET', `/v1/deliveries/${id}`)).json
      const { body, headers } = sent.find(({ url }) => url === shown.request.url) as (typeof sent)[number]
      expect(shown.request.body).toBe(body)
      expect(headers['webhook-id']).toBe(shown.request.headers['webhook-id'])
      data.push(shown.data)
    }
    expect(data).toHaveLength(3)
    expect(data).toEqual(expect.arrayContaining([{ id: 'a', seats: 2 }, { id: 'a' }, { booking: 'a' }]))
  })

  it('shows the catalog with schemas and examples', async () => {
    const { data } = (await stage().call('GET', '/v1/event-types')).json
    expect(data.map(({ type }: { type: string }) => type)).toEqual(events.types)
    expect(data[0]).toMatchObject({ group: 'Bookings', example: { id: 'booking_1' }, schema: { type: 'object' } })
  })

  it('names the methods of a path, and knows no other paths', async () => {
    const { call } = stage()
    const refused = await call('DELETE', '/v1/endpoints')
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, POST'])
    expect((await call('GET', '/v1/nothing')).status).toBe(404)
    expect((await call('GET', '/v1/endpoints/%E0%A4%A')).status).toBe(404)
  })

  it('says nothing of what failed inside', async () => {
    const { contract } = stage()
    const hooks = { endpoints: { list: () => Promise.reject(new Error('password=hunter2')) } }
    const logged: unknown[] = []
    const log = (fields: unknown) => logged.push(fields)
    const api = createManagementApi(hooks as never, {
      contract,
      authorize: () => ({ tenants: ['acme'] }),
      logger: { debug: log, info: log, warn: log, error: log },
    })
    const answer = await api.fetch(new Request('https://api.example/v1/endpoints'))
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('hunter2')
    expect(logged).toHaveLength(1)
  })

  it('answers under any mount', async () => {
    const { fetch } = stage()
    const request = () => new Request('https://api.example/hooks/v1/endpoints', { headers: as('acme') })
    expect((await fetch(request(), { basePath: '/hooks' })).status).toBe(200)
    expect((await fetch(request(), { basePath: '/hooks/' })).status).toBe(200)
    expect((await fetch(request())).status).toBe(404)
  })

  it('is never cached', async () => {
    expect((await stage().call('GET', '/v1/endpoints')).headers.get('cache-control')).toBe('no-store')
  })
})

describe('a product with an API of its own shape', () => {
  const iso = (time: Date | null) => time && `${time.toISOString().slice(0, 19)}Z`
  const api = {
    base: '/api/webhooks',
    routes: { rotateSecret: 'POST /:id/regenerate-secret' },
    names: { enabled: 'active' },
    secret: 'generated',
    pages: 'numbered',
    eventLimit: 2,
    states: {
      success: ['delivered'],
      failed: ['failed', 'cancelled', 'skipped'],
      pending: ['pending', 'sending', 'retrying'],
    },
    show: {
      endpoint: (e) => ({
        id: e.id,
        url: e.url,
        events: e.events,
        secret: e.secret,
        active: e.enabled,
        createdAt: iso(e.createdAt),
        updatedAt: iso(e.updatedAt),
      }),
      endpoints: (list) => list,
      delivery: (d) => ({ id: d.id, event: d.type, status: d.status, response: d.last?.answer }),
      deliveries: (p) => ({
        deliveries: p.data,
        statistics: p.statistics,
        page: p.page,
        pageSize: p.pageSize,
        total: p.total,
        pageCount: p.pageCount,
      }),
    },
  } as const satisfies ApiShape

  it('has its own paths, names, shapes and key order', async () => {
    const { call } = stage({ api })
    const created = await call('POST', '/api/webhooks', { url: URL_, events: ['booking.created'], active: false })
    expect(created.status).toBe(201)
    expect(Object.keys(created.json)).toEqual(['id', 'url', 'events', 'secret', 'active', 'createdAt', 'updatedAt'])
    expect(created.json.active).toBe(false)
    expect((await call('GET', '/api/webhooks')).json).toHaveLength(1)
    expect((await call('PUT', `/api/webhooks/${created.json.id}`, { active: true })).json).toMatchObject({
      url: URL_,
      active: true,
    })
    const rotated = await call('POST', `/api/webhooks/${created.json.id}/regenerate-secret`)
    expect(rotated.json.secret).not.toBe(created.json.secret)
    expect((await call('POST', `/api/webhooks/${created.json.id}/rotate-secret`)).status).toBe(404)
  })

  it('is mounted at its own base, or at what stands before that', async () => {
    const { fetch } = stage({ api })
    const request = (path: string) => new Request(`https://api.example${path}`, { headers: as('acme') })
    expect((await fetch(request('/api/webhooks'), { basePath: '/api/webhooks' })).status).toBe(200)
    expect((await fetch(request('/eu/api/webhooks/'), { basePath: '/eu' })).status).toBe(200)
    expect((await fetch(request('/eu/api/webhooks'), { basePath: '/eu/api/webhooks' })).status).toBe(200)
    expect((await fetch(request('/api/webhooks'), { basePath: '/eu' })).status).toBe(404)
  })

  it('does not take a secret where it makes them', async () => {
    const { call } = stage({ api })
    const { status, json } = await call('POST', '/api/webhooks', { url: URL_, secret: 'whsec_mine' })
    expect(status).toBe(201)
    expect(json.secret).not.toBe('whsec_mine')
  })

  it('counts event types', async () => {
    const { call } = stage({ api })
    const three = { url: URL_, events: ['booking.created', 'booking.cancelled', 'user.deleted'] }
    expect((await call('POST', '/api/webhooks', three)).status).toBe(400)
  })

  it('numbers its pages, in its own words', async () => {
    const { call, hooks } = stage({ api, response: '{"status":"ok"}' })
    const { json } = await call('POST', '/api/webhooks', { url: URL_ })
    for (let i = 0; i < 7; i++) await hooks.send('booking.created', { id: `${i}` }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    const page = (await call('GET', `/api/webhooks/${json.id}/deliveries?page=3&pageSize=3&status=success`)).json
    expect(page).toEqual({
      deliveries: [{ id: expect.any(String), event: 'booking.created', status: 'success', response: { status: 'ok' } }],
      statistics: { total: 7, success: 7, failed: 0, pending: 0 },
      page: 3,
      pageSize: 3,
      total: 7,
      pageCount: 3,
    })
    expect((await call('GET', `/api/webhooks/${json.id}/deliveries?page=4&pageSize=3`)).json.deliveries).toEqual([])
    for (const query of ['pageSize=0', 'pageSize=-1', 'pageSize=abc', 'page=0', 'status=delivered']) {
      expect((await call('GET', `/api/webhooks/${json.id}/deliveries?${query}`)).status).toBe(400)
    }
    expect((await call('GET', `/api/webhooks/${json.id}/deliveries?pageSize=1000000000`)).json.pageSize).toBe(100)
  })
})

describe('calls that are made twice, or at the same time as others', () => {
  const key = { 'idempotency-key': 'a1b2' }

  it('create one endpoint for one Idempotency-Key, however often and however much at once, with the same answer', async () => {
    const { call, hooks } = stage()
    const answers = await Promise.all([1, 2, 3].map(() => call('POST', '/v1/endpoints', { url: URL_ }, key)))
    const later = await call('POST', '/v1/endpoints', { url: URL_ }, key)
    for (const { status, text } of [...answers, later]) expect([status, text]).toEqual([201, answers[0]?.text])
    expect((await hooks.endpoints.list('acme')).data).toHaveLength(1)
  })

  it('remember a key for a day, also over midnight, and each tenant its own', async () => {
    const { call, clock, hooks } = stage()
    const first = await call('POST', '/v1/endpoints', { url: URL_ }, key)
    await clock.advance(86_399_000)
    await clock.advance(2_000)
    expect((await call('POST', '/v1/endpoints', { url: URL_ }, key)).json.id).toBe(first.json.id)
    const theirs = await call('POST', '/v1/endpoints', { url: URL_ }, { ...key, ...as('globex') })
    expect(theirs.json.id).not.toBe(first.json.id)
    await clock.advance(2 * 86_400_000)
    expect((await call('POST', '/v1/endpoints', { url: URL_ }, key)).json.id).not.toBe(first.json.id)
    expect((await hooks.endpoints.list('acme')).data).toHaveLength(2)
  })

  it('refuse a key that was for another endpoint, and one that is none', async () => {
    const { call } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ }, key)
    expect((await call('POST', '/v1/endpoints', { url: `${URL_}/other` }, key)).status).toBe(409)
    await call('POST', `/v1/endpoints/${json.id}/rotate-secret`)
    const after = await call('POST', '/v1/endpoints', { url: URL_ }, key)
    expect(after.status).toBe(409)
    expect(after.text).not.toContain('whsec_')
    const long = { 'idempotency-key': 'x'.repeat(201) }
    expect((await call('POST', '/v1/endpoints', { url: URL_ }, long)).json.code).toBe('header_invalid')
  })

  it('send a delivery again once for one Idempotency-Key, however often and however much at once', async () => {
    let status = 410
    const { call, hooks, sent, clock } = stage({ status: () => status })
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    for (const id of ['a', 'b']) await hooks.send('booking.created', { id }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    await call('POST', `/v1/endpoints/${json.id}/enable`)
    status = 200
    await clock.advance(60_000)
    const [one, other] = (await call('GET', '/v1/deliveries')).json.data
    const before = sent.length
    const resend = (id = one.id, headers: Record<string, string> = key) =>
      call('POST', `/v1/deliveries/${id}/resend`, undefined, headers)
    for (const { status } of await Promise.all([resend(), resend(), resend()])) expect(status).toBe(202)
    for (let i = 0; i < 3; i++) await hooks.drain({ maxMs: 10_000 })
    expect((await resend()).json).toMatchObject({ id: one.id, state: 'delivered' })
    for (let i = 0; i < 3; i++) await hooks.drain({ maxMs: 10_000 })
    expect(sent.length - before).toBe(1)
    expect((await resend(other.id)).json.code).toBe('idempotency_conflict')
    await resend(one.id, { 'idempotency-key': 'another' })
    await hooks.drain({ maxMs: 10_000 })
    expect(sent.length - before).toBe(2)
  })

  it('refuse to resend what cannot be, and do not spend the key on that', async () => {
    let status = 410
    const { call, hooks, sent } = stage({ status: () => status })
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    await hooks.send('booking.created', { id: 'a' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    status = 200
    const [{ id }] = (await call('GET', '/v1/deliveries')).json.data
    const resend = () => call('POST', `/v1/deliveries/${id}/resend`, undefined, key)
    expect((await resend()).json.code).toBe('endpoint_disabled')
    await call('POST', `/v1/endpoints/${json.id}/enable`)
    expect((await resend()).status).toBe(202)
    await hooks.drain({ maxMs: 10_000 })
    expect(sent).toHaveLength(2)
  })

  it('begin one recovery for one Idempotency-Key, and refuse the key for another', async () => {
    const { call, hooks, clock } = stage({ status: () => 410 })
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    await hooks.send('booking.created', { id: 'a' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    await call('POST', `/v1/endpoints/${json.id}/enable`)
    await clock.advance(1_000)
    const since = '2020-01-01'
    const recover = (body: object = { since }, what = 'recover') =>
      call('POST', `/v1/endpoints/${json.id}/${what}`, body, key)
    expect((await recover({ since, dryRun: true })).json).toEqual({ matching: 1, expired: 0 })
    const answers = await Promise.all([recover(), recover()])
    await clock.advance(60_000)
    answers.push(await recover())
    expect(new Set(answers.map((one) => `${one.status} ${one.json.id}`)).size).toBe(1)
    expect((await hooks.jobs.list('acme')).data).toHaveLength(1)
    for (const refused of [
      await recover({ since, types: ['user.deleted'] }),
      await recover({ since }, 'replay-missing'),
    ])
      expect([refused.status, refused.json.code]).toEqual([409, 'idempotency_conflict'])
  })

  it('send one test for one Idempotency-Key', async () => {
    const { call, hooks, sent } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    const test = () => call('POST', `/v1/endpoints/${json.id}/test`, { event: 'booking.created' }, key)
    const [first, second] = [await test(), await test()]
    expect(second.json).toEqual(first.json)
    await hooks.drain({ maxMs: 10_000 })
    expect(sent).toHaveLength(1)
  })

  it('change an endpoint only as it was read, where If-Match says so', async () => {
    const { call } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    const path = `/v1/endpoints/${json.id}`
    const etag = (await call('GET', path)).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"\d+"$/)
    const changed = await call('PATCH', path, { name: 'a' }, { 'if-match': etag })
    expect([changed.status, changed.json.name]).toEqual([200, 'a'])
    const late = await call('PATCH', path, { name: 'b' }, { 'if-match': etag })
    expect([late.status, late.json.code]).toEqual([412, 'endpoint_changed'])
    expect((await call('GET', path)).json.name).toBe('a')
    const now = changed.headers.get('etag') ?? ''
    expect((await call('PATCH', path, { name: 'b' }, { 'if-match': now })).status).toBe(200)
    for (const match of ['"x"', 'W/"1"', '"1", "2"'])
      expect((await call('PATCH', path, { name: 'c' }, { 'if-match': match })).status).toBe(412)
    expect((await call('PATCH', path, { name: 'c' }, { 'if-match': '*' })).status).toBe(200)
    expect((await call('PATCH', path, { name: 'd' })).status).toBe(200)
  })
})

describe('what an endpoint missed', () => {
  async function outage() {
    let status = 410
    const world = stage({ status: () => status })
    const { json } = await world.call('POST', '/v1/endpoints', { url: URL_ })
    for (let i = 0; i < 3; i++) await world.hooks.send('booking.created', { id: `${i}` }, { tenant: 'acme' })
    await world.hooks.drain({ maxMs: 10_000 })
    await world.hooks.endpoints.enable('acme', json.id)
    await world.clock.advance(60_000)
    status = 200
    return { ...world, path: `/v1/endpoints/${json.id}`, since: '2025-12-31T00:00:00Z' }
  }

  it('is counted, then sent again as a job that says how far it is', async () => {
    const { call, hooks, path, since, sent } = await outage()
    const before = sent.length
    const counted = await call('POST', `${path}/recover`, { since, dryRun: true })
    expect([counted.status, counted.json]).toEqual([200, { matching: 3, expired: 0 }])
    const begun = await call('POST', `${path}/recover`, { since })
    expect([begun.status, begun.json.state]).toEqual([202, 'running'])
    expect(begun.json.tenant).toBeUndefined()
    await hooks.drain({ maxMs: 10_000 })
    await hooks.drain({ maxMs: 10_000 })
    expect((await call('GET', `/v1/jobs/${begun.json.id}`)).json).toMatchObject({ state: 'done', sent: 3 })
    expect((await call('GET', '/v1/jobs')).json.data).toHaveLength(1)
    expect(sent.length - before).toBe(3)
  })

  it('can be narrowed to event types and a stretch of time', async () => {
    const { call, path, since } = await outage()
    const count = async (more: object) =>
      (await call('POST', `${path}/recover`, { since, dryRun: true, ...more })).json.matching
    expect(await count({ types: ['user.deleted'] })).toBe(0)
    expect(await count({ types: ['booking.created'] })).toBe(3)
    expect(await count({ until: since })).toBe(0)
    expect((await call('POST', `${path}/recover`, { dryRun: true })).json).toMatchObject({ field: 'since' })
    expect((await call('POST', `${path}/recover`, { since: 'yesterday' })).json).toMatchObject({ field: 'since' })
  })

  it('is sent, too, where the endpoint did not exist yet', async () => {
    const { call, since } = await outage()
    const { json } = await call('POST', '/v1/endpoints', { url: `${URL_}/new` })
    const counted = await call('POST', `/v1/endpoints/${json.id}/replay-missing`, { since, dryRun: true })
    expect(counted.json).toEqual({ matching: 3, expired: 0 })
  })

  it('stops being sent when the job is cancelled', async () => {
    const { call, path, since, sent, hooks } = await outage()
    const { json } = await call('POST', `${path}/recover`, { since })
    const before = sent.length
    expect((await call('POST', `/v1/jobs/${json.id}/cancel`)).json.state).toBe('cancelled')
    await hooks.drain({ maxMs: 10_000 })
    expect(sent.length).toBe(before)
  })

  it("is nobody else's: jobs of another tenant are not found, and readers start none", async () => {
    const { call, path, since } = await outage()
    const { json } = await call('POST', `${path}/recover`, { since })
    for (const [method, at] of [
      ['GET', ''],
      ['POST', '/cancel'],
    ] as const)
      expect((await call(method, `/v1/jobs/${json.id}${at}`, undefined, as('globex'))).json.code).toBe('job_not_found')
    expect((await call('POST', `${path}/recover`, { since }, as('globex'))).status).toBe(404)
    expect((await call('POST', `${path}/recover`, { since }, as('reader'))).status).toBe(403)
  })
})

describe('settings of an endpoint', () => {
  it('are a rate and headers of its own, whose values are in no answer', async () => {
    const { call, hooks, sent } = stage()
    const headers = { 'x-token': 'hush' }
    const { json, text } = await call('POST', '/v1/endpoints', { url: URL_, rateLimit: 5, headers })
    expect(json).toMatchObject({ rateLimit: 5, headers: ['x-token'] })
    expect(text).not.toContain('hush')
    await hooks.send('booking.created', { id: '1' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    expect(sent[0]?.headers).toMatchObject(headers)
    // An answer may be sent back as it came.
    const { secret: _secret, ...shown } = json
    expect((await call('PUT', `/v1/endpoints/${json.id}`, shown)).json).toMatchObject({ headers: ['x-token'] })
    const removed = await call('PATCH', `/v1/endpoints/${json.id}`, { rateLimit: null, headers: null })
    expect(removed.json).toMatchObject({ rateLimit: null, headers: [] })
  })

  it('are refused by name where they are wrong', async () => {
    const { call } = stage()
    for (const [field, value] of [
      ['rateLimit', 0],
      ['rateLimit', 1e-13],
      ['rateLimit', '5'],
      ['headers', { 'webhook-id': 'x' }],
      ['headers', 'x'],
    ] as const) {
      const { status, json } = await call('POST', '/v1/endpoints', { url: URL_, [field]: value })
      expect([status >= 400 && status < 500, json.field]).toEqual([true, field])
    }
  })

  it("are not taken by a product's own API, which has what it has promised", async () => {
    const { call } = stage({ api: { base: '/api/hooks', show: { endpoint: ({ id }) => ({ id }) } } })
    expect((await call('POST', '/api/hooks', { url: URL_, rateLimit: 5 })).json.code).toBe('field_unknown')
  })
})

describe('what only our own API has', () => {
  it('takes a filter, thin content and a version, shows them, and refuses what is none', async () => {
    const { call, hooks, sent } = stage()
    const settings = { filter: { id: 'b' }, payload: 'thin', version: '2025-01' }
    const { json } = await call('POST', '/v1/endpoints', { url: URL_, ...settings })
    expect(json).toMatchObject(settings)
    for (const id of ['a', 'b']) await hooks.send('booking.created', { id }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    expect(sent).toHaveLength(1)
    const path = `/v1/endpoints/${json.id}`
    const cleared = { filter: null, payload: 'full', version: null }
    expect((await call('PATCH', path, cleared)).json).toMatchObject(cleared)
    for (const [field, value] of Object.entries({ filter: 'x', payload: 'half', version: 3 })) {
      const { status, json: problem } = await call('PATCH', path, { [field]: value })
      expect([status, problem.field]).toEqual([400, field])
    }
    expect((await call('PATCH', path, { version: '1999' })).status).toBe(422)
    expect((await call('PATCH', path, { filter: { a: { $near: 1 } } })).json).toMatchObject({
      code: 'data_filter_invalid',
      field: 'filter',
    })
    expect((await call('PATCH', path, { version: 'none' })).json).toMatchObject({
      code: 'version_unknown',
      field: 'version',
    })
  })

  it('shows the secrets that sign to who may see them, and during a change how long each does', async () => {
    const { call, clock } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    const secrets = (key = 'acme') => call('GET', `/v1/endpoints/${json.id}/secrets`, undefined, as(key))
    expect((await secrets()).json).toEqual({ data: [{ secret: json.secret, signsFrom: null, signsUntil: null }] })
    const rotated = await call('POST', `/v1/endpoints/${json.id}/rotate-secret`, { overlapSeconds: 3_600 })
    const until = new Date(clock.now().getTime() + 3_600_000).toISOString()
    expect((await secrets()).json.data).toEqual([
      { secret: rotated.json.secret, signsFrom: null, signsUntil: null },
      { secret: json.secret, signsFrom: null, signsUntil: until },
    ])
    await clock.advance(3_600_000)
    expect((await secrets()).json.data).toHaveLength(1)
    expect((await secrets()).headers.get('cache-control')).toBe('no-store')
    expect((await secrets('reader')).status).toBe(403)
    expect((await secrets('globex')).status).toBe(404)
  })

  it('pauses an endpoint, and resumes it: nothing is lost', async () => {
    const { call, hooks, sent } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    const path = `/v1/endpoints/${json.id}`
    expect((await call('POST', `${path}/pause`)).json).toMatchObject({ paused: true })
    await hooks.send('booking.created', { id: 'a' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    expect(sent).toHaveLength(0)
    expect((await call('GET', `${path}/health`)).json).toMatchObject({ paused: true, failures: 0 })
    expect((await call('POST', `${path}/resume`)).json).toMatchObject({ paused: false })
    await hooks.drain({ maxMs: 10_000 })
    expect(sent).toHaveLength(1)
    expect((await call('POST', `${path}/pause`, undefined, as('globex'))).status).toBe(404)
    expect((await call('POST', `${path}/pause`, undefined, as('reader'))).status).toBe(403)
  })

  it("is not there in a product's own API", async () => {
    const { call } = stage({ api: { base: '/api/hooks' } })
    const { json } = await call('POST', '/api/hooks', { url: URL_ })
    for (const path of [`/${json.id}/secrets`, `/${json.id}/health`, '/overview/endpoints'])
      expect((await call('GET', `/api/hooks${path}`, undefined, as('operator'))).status).toBe(404)
    expect((await call('POST', `/api/hooks/${json.id}/pause`)).status).toBe(404)
  })
})

describe('the people who run the sender', () => {
  it('see how it is doing, and the endpoints of all tenants, which nobody else does', async () => {
    const { call, hooks, clock } = stage({ status: () => 500 })
    for (const tenant of ['acme', 'globex']) {
      await call('POST', '/v1/endpoints', { url: URL_ }, as(tenant))
      await clock.advance(1_000)
    }
    await hooks.send('booking.created', { id: 'a' }, { tenant: 'globex' })
    await hooks.drain({ maxMs: 10_000 })
    await hooks.send('booking.created', { id: 'b' }, { tenant: 'acme' })
    expect((await call('GET', '/v1/overview', undefined, as('operator'))).json).toMatchObject({
      unexpanded: 1,
      open: 1,
    })
    const first = (await call('GET', '/v1/overview/endpoints?limit=1', undefined, as('operator'))).json
    const next = `/v1/overview/endpoints?limit=1&cursor=${first.nextCursor}`
    const second = (await call('GET', next, undefined, as('operator'))).json
    expect([...first.data, ...second.data]).toMatchObject([
      { tenant: 'acme', health: { failures: 0 } },
      { tenant: 'globex', health: { failures: 1 } },
    ])
    expect(JSON.stringify(first)).not.toContain('whsec_')
    for (const key of ['acme', 'group'])
      for (const path of ['/v1/overview', '/v1/overview/endpoints'])
        expect((await call('GET', path, undefined, as(key))).status).toBe(403)
  })

  it('act for the tenant that they name, and for none that they do not', async () => {
    const { call } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    const path = `/v1/endpoints/${json.id}`
    expect((await call('GET', `${path}?tenant=acme`, undefined, as('operator'))).json.id).toBe(json.id)
    expect((await call('GET', `${path}?tenant=globex`, undefined, as('operator'))).status).toBe(404)
    expect((await call('GET', path, undefined, as('operator'))).json.code).toBe('tenant_needed')
    expect((await call('POST', `${path}/disable?tenant=acme`, undefined, as('operator'))).json.enabled).toBe(false)
  })
})

describe('what somebody did', () => {
  it('is told to the host, who did it and to what; looking is not, nor what was refused', async () => {
    const told: unknown[] = []
    const { call } = stage({ audit: (entry) => void told.push(entry) })
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    const path = `/v1/endpoints/${json.id}`
    await call('GET', path)
    await call('GET', `${path}/secrets`)
    await call('POST', `${path}/disable`, undefined, as('reader'))
    await call('POST', `${path}/disable`, undefined, as('globex'))
    await call('DELETE', path, undefined, as('group'))
    expect(told).toEqual([
      { operation: 'createEndpoint', tenant: 'acme', id: null, user: 'ada' },
      { operation: 'listSecrets', tenant: 'acme', id: json.id, user: 'ada' },
      { operation: 'removeEndpoint', tenant: 'acme', id: json.id, user: null },
    ])
    expect(JSON.stringify(told)).not.toContain('whsec_')
  })

  it('is done, though the host fails to write it down', async () => {
    const { call } = stage({ audit: () => Promise.reject(new Error('full')) })
    expect((await call('POST', '/v1/endpoints', { url: URL_ })).status).toBe(201)
  })
})

describe('what is shown of an attempt', () => {
  it('has the headers of the answer beside its body', async () => {
    const responseHeaders = { 'content-type': 'text/html', 'x-request-id': 'req_1' }
    const { call, hooks } = stage({ status: () => 500, response: 'busy', responseHeaders })
    const { id } = await hooks.endpoints.create('acme', { url: URL_ })
    await hooks.send('booking.created', { id: 'b_1' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 8_000 })
    const [{ id: delivery }] = (await call('GET', `/v1/endpoints/${id}/deliveries`)).json.data
    const { log, last } = (await call('GET', `/v1/deliveries/${delivery}`)).json
    expect(log).toMatchObject([{ n: 1, status: 500, response: 'busy', responseHeaders }])
    expect(last.responseHeaders).toEqual(responseHeaders)
  })
})

describe('a host that redacts', () => {
  const masked: Redact = (value, { of }) =>
    typeof value === 'string' ? `[${of}]` : JSON.parse(JSON.stringify(value).replaceAll('b_secret', '***'))

  async function redacting(redact: Redact, response: string) {
    const world = stage({ redact, response })
    const { id: endpoint } = await world.hooks.endpoints.create('acme', { url: URL_ })
    const { id: message } = await world.hooks.send('booking.created', { id: 'b_secret' }, { tenant: 'acme' })
    await world.hooks.drain({ maxMs: 8_000 })
    const list = await world.call('GET', '/v1/deliveries')
    return { ...world, endpoint, message, list, delivery: `/v1/deliveries/${list.json.data?.[0]?.id}` }
  }

  it('decides what is shown of data, requests and answers, wherever they are shown', async () => {
    const { call, sent, list, message, delivery } = await redacting(masked, '{"saw":"b_secret"}')
    const one = await call('GET', delivery)
    const shown = [list, one, await call('GET', '/v1/messages'), await call('GET', `/v1/messages/${message}`)]
    for (const { status, text } of shown) {
      expect(status).toBe(200)
      expect(text).not.toContain('b_secret')
    }
    expect(one.json.data).toEqual({ id: '***' })
    expect(JSON.parse(one.json.request.body).data).toEqual({ id: '***' })
    expect(one.json.log[0]).toMatchObject({ response: '{"saw":"***"}', answer: { saw: '***' } })
    expect(sent[0]?.body).toContain('b_secret')
  })

  it('gets what is no JSON as its text, such as an answer that was cut', async () => {
    const { call, delivery } = await redacting(masked, '{"saw":"b_secret')
    expect((await call('GET', delivery)).json.last).toMatchObject({ response: '[response]', answer: '[response]' })
  })

  it('is told what it is, of which event and tenant, and who looks', async () => {
    const seen: unknown[] = []
    const { call, delivery } = await redacting((value, shown) => {
      seen.push(shown)
      return value
    }, '{}')
    seen.length = 0
    await call('GET', delivery)
    for (const of of ['data', 'request', 'response'])
      expect(seen).toContainEqual({ of, type: 'booking.created', tenant: 'acme', user: 'ada' })
  })

  it('shows nothing where it fails, and changes no text that it leaves as it is', async () => {
    const { call, list } = await redacting(() => {
      throw new Error('no')
    }, '{}')
    expect(list.status).toBe(500)
    expect(list.text).not.toContain('b_secret')
    expect((await call('GET', '/v1/endpoints')).status).toBe(200)
    const kept = await redacting((value) => value, '{ "a":1 }')
    expect((await kept.call('GET', kept.delivery)).json.last.response).toBe('{ "a":1 }')
  })
})

describe('after an outage of the sender', () => {
  const since = new Date(0).toISOString()

  async function outage() {
    let status = 410
    const world = stage({ status: () => status })
    const urls = { acme: ['a', 'b'], globex: ['c'], initech: ['d'] }
    for (const [tenant, names] of Object.entries(urls))
      for (const name of names) await world.hooks.endpoints.create(tenant, { url: `https://${name}.example/in` })
    for (const tenant of ['acme', 'globex']) await world.hooks.send('booking.created', { id: 'b_1' }, { tenant })
    await world.hooks.drain({ maxMs: 8_000 })
    for (const tenant of ['acme', 'globex'])
      for (const { id } of (await world.hooks.endpoints.list(tenant)).data)
        await world.hooks.endpoints.enable(tenant, id)
    status = 200
    await world.clock.advance(1_000)
    return world
  }

  it('those who run it send again what failed, at the webhooks of all tenants, a page at a time', async () => {
    const { call, hooks, clock } = await outage()
    const count = await call('POST', '/v1/overview/recover', { since, dryRun: true }, as('operator'))
    expect(count).toMatchObject({ status: 200, json: { endpoints: 4, nextCursor: null } })
    expect(count.json.data).toHaveLength(3)
    expect(count.json.data[0]).toMatchObject({ tenant: 'acme', matching: 1, expired: 0, jobId: null })

    const jobs: { tenant: string; jobId: string }[] = []
    let cursor: string | undefined
    do {
      const page = await call('POST', '/v1/overview/recover', { since, limit: 3, cursor }, as('operator'))
      expect(page.status).toBe(202)
      jobs.push(...page.json.data)
      cursor = page.json.nextCursor ?? undefined
    } while (cursor)
    expect(jobs).toHaveLength(3)
    hooks.start()
    await clock.advance(60_000)
    for (const { tenant, jobId } of jobs)
      expect(await hooks.jobs.get(tenant, jobId)).toMatchObject({ state: 'done', sent: 1 })
    await hooks.stop()
  })

  it('a second try with the same key begins nothing again', async () => {
    const { call } = await outage()
    const begin = () =>
      call('POST', '/v1/overview/recover', { since }, { ...as('operator'), 'idempotency-key': 'once' })
    const first = (await begin()).json.data
    expect(first).toHaveLength(3)
    expect((await begin()).json.data).toEqual(first)
  })

  it('nobody else may, though they have a tenant', async () => {
    const { call } = await outage()
    for (const who of ['acme', 'group', 'reader'])
      expect((await call('POST', '/v1/overview/recover', { since }, as(who))).status).toBe(403)
    expect((await call('POST', '/v1/overview/recover', {}, as('operator'))).json.field).toBe('since')
  })
})

describe('the statistics of a webhook', () => {
  it('come by equal parts of a stretch of time where that is asked, which sum up to the whole', async () => {
    const { call, hooks, clock } = stage()
    const since = clock.now()
    const { id } = await hooks.endpoints.create('acme', { url: URL_ })
    for (const hours of [0, 0, 2]) {
      await clock.advance(hours * 3_600_000)
      await hooks.send('booking.created', { id: 'b' }, { tenant: 'acme' })
      await hooks.drain({ maxMs: 8_000 })
    }
    const until = new Date(since.getTime() + 4 * 3_600_000)
    const path = `/v1/endpoints/${id}/stats?since=${since.toISOString()}&until=${until.toISOString()}&buckets=4`
    const { status, json } = await call('GET', path)
    expect(status).toBe(200)
    expect(json).toMatchObject({ total: 3, delivered: 3, failed: 0 })
    expect(json.buckets.map((one: { total: number }) => one.total)).toEqual([2, 0, 1, 0])
    expect(json.buckets[1].since).toBe(new Date(since.getTime() + 3_600_000).toISOString())
  })

  it.each(['', '&since=2026-01-02T00:00:00Z', '&since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z'])(
    'are refused by parts of no stretch of time: %j',
    async (query) => {
      const { call, hooks } = stage()
      const { id } = await hooks.endpoints.create('acme', { url: URL_ })
      expect((await call('GET', `/v1/endpoints/${id}/stats?buckets=4${query}`)).status).toBe(400)
    },
  )
})

describe('a secret that the keyring cannot open', () => {
  it("is the host's to mend: its customer is told nothing of it, and the host is", async () => {
    const logger = { ...silentLogger, error: vi.fn() }
    const { call, contract, storage } = stage({ logger })
    const keyring = { current: 'old', keys: { old: Buffer.alloc(32, 1) } }
    const other = createSender({ contract, storage, keyring, logger: silentLogger })
    const { id } = await other.endpoints.create('acme', { url: URL_ })
    const { status, json } = await call('GET', `/v1/endpoints/${id}/secrets`)
    expect([status, json.code, json.field]).toEqual([500, 'internal', undefined])
    expect(logger.error).toHaveBeenCalledWith(
      { err: expect.objectContaining({ code: 'secret_sealed' }) },
      expect.stringContaining('failed'),
    )
  })
})

describe('a secret that leaked', () => {
  it('signs nothing more once it is replaced without an overlap, and neither does any before it', async () => {
    const { call, hooks } = stage()
    const { json } = await call('POST', '/v1/endpoints', { url: URL_ })
    const path = `/v1/endpoints/${json.id}`
    await call('POST', `${path}/rotate-secret`)
    const rotated = await call('POST', `${path}/rotate-secret`, { overlapSeconds: 0 })
    expect(rotated.status).toBe(200)
    const live = (await hooks.endpoints.secrets('acme', json.id)).map(({ secret }) => secret)
    expect(live).toEqual([rotated.json.secret])
    expect((await call('POST', `${path}/rotate-secret`, { overlapSeconds: -1 })).json.field).toBe('overlapSeconds')
  })
})

import type { ApiShape } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { stage } from './stage.ts'

const URL_ = 'https://acme.example/webhooks'
const secretOf = (fill: number) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`

describe('the edge of the management API', () => {
  it.each([
    { secret: 'generate' },
    { pages: 'numbers' },
    { eventLimit: 0 },
    { nmaes: {} },
    { names: { secrets: 'key' } },
    { names: { url: 1 } },
    { routes: { rotate: 'POST /:id/regenerate' } },
    { show: { webhooks: () => [] } },
    { show: { endpoint: 'id' } },
  ])('does not start with what would be ours in silence: %o', (api) => {
    const invalid = expect.objectContaining({ code: 'contract_invalid' })
    expect(() => stage({ api: { base: '/hooks', ...api } as ApiShape })).toThrow(invalid)
  })

  it.each(['constructor', '__proto__', 'toString', 'sent'])('takes no state of the name %s', async (word) => {
    const states = {
      SENT: ['delivered'],
      OPEN: ['pending', 'sending', 'retrying'],
      LOST: ['failed', 'cancelled', 'skipped'],
    } as const
    const { call } = stage({ api: { base: '/hooks', states } })
    const refused = await call('GET', `/hooks/deliveries?status=${word}`)
    expect([refused.status, refused.json.detail]).toEqual([400, '"status" is one of: SENT, OPEN, LOST.'])
  })

  it('names fields as the product does, whoever refuses them', async () => {
    const names = { url: 'target', secret: 'key', events: 'eventTypes', tenant: 'account' }
    const { call } = stage({ api: { base: '/hooks', names } })
    const fieldOf = async (body: object) => (await call('POST', '/hooks', body)).json.field
    expect(await fieldOf({})).toBe('target')
    expect(await fieldOf({ target: 'nope' })).toBe('target')
    expect(await fieldOf({ target: URL_, key: 'weak' })).toBe('key')
    expect(await fieldOf({ target: URL_, eventTypes: ['booking.lost'] })).toBe('eventTypes')
  })

  it('changes all that a request names or nothing', async () => {
    const { call } = stage()
    const { id } = (await call('POST', '/v1/endpoints', { url: URL_ })).json
    const refused = await call('PATCH', `/v1/endpoints/${id}`, { url: 'https://other.example/', secret: 'weak' })
    expect([refused.status, refused.json.field]).toEqual([422, 'secret'])
    expect((await call('GET', `/v1/endpoints/${id}`)).json.url).toBe(URL_)
  })

  it('takes the same PUT as often as it comes, its secret and all', async () => {
    const { call, hooks } = stage()
    const secret = secretOf(1)
    const { id } = (await call('POST', '/v1/endpoints', { url: URL_, secret })).json
    for (let i = 0; i < 7; i++)
      expect((await call('PUT', `/v1/endpoints/${id}`, { url: URL_, secret })).status).toBe(200)
    expect((await hooks.endpoints.secrets('acme', id)).length).toBe(1)
  })

  it('lets nobody change a secret by a change of the endpoint who may not change secrets', async () => {
    const { call, hooks } = stage()
    const { id, secret } = (await call('POST', '/v1/endpoints', { url: URL_ })).json
    const writer = { authorization: 'Bearer writer' }
    const refused = await call('PATCH', `/v1/endpoints/${id}`, { name: 'mine', secret: secretOf(2) }, writer)
    expect([refused.status, refused.json.code]).toEqual([403, 'forbidden'])
    expect((await hooks.endpoints.get('acme', id)).name).toBe(null)
    expect((await hooks.endpoints.secrets('acme', id)).map((one) => one.secret)).toEqual([secret])
    expect((await call('PATCH', `/v1/endpoints/${id}`, { name: 'mine' }, writer)).status).toBe(200)
  })

  it('ends no secret, and sends no test, by a field that it does not know', async () => {
    const { call, hooks } = stage()
    const { id, secret } = (await call('POST', '/v1/endpoints', { url: URL_ })).json
    expect((await call('POST', `/v1/endpoints/${id}/rotate-secret`, { revoke: true })).json.field).toBe('revoke')
    expect((await call('POST', `/v1/endpoints/${id}/rotate-secret`, { overlapSecond: 0 })).status).toBe(400)
    expect((await call('POST', `/v1/endpoints/${id}/test`, { type: 'user.deleted' })).json.field).toBe('type')
    expect((await hooks.endpoints.secrets('acme', id)).map((one) => one.secret)).toEqual([secret])
    expect((await hooks.messages.list('acme')).data).toEqual([])
  })

  it('gives an idempotency key to one creation', async () => {
    const { call } = stage()
    const create = (body: object) => call('POST', '/v1/endpoints', body, { 'idempotency-key': 'k' })
    const body = {
      url: URL_,
      events: ['booking.*'],
      metadata: { a: '1' },
      headers: { 'x-a': 'b' },
      secret: secretOf(1),
    }
    const first = await create(body)
    expect(first.status).toBe(201)
    expect((await create(body)).json).toEqual(first.json)
    for (const other of [
      { ...body, url: `${URL_}/2` },
      { ...body, events: ['user.deleted'] },
      { ...body, secret: secretOf(2) },
      { ...body, metadata: {} },
      { ...body, enabled: false },
      { url: URL_ },
    ]) {
      const refused = await create(other)
      expect([refused.status, refused.json.code]).toEqual([409, 'endpoint_conflict'])
    }
  })

  it('refuses texts that not every database keeps, in lists too', async () => {
    const { call } = stage()
    const { id } = (await call('POST', '/v1/endpoints', { url: URL_ })).json
    for (const types of [['a\0'], ['\ud800']]) {
      const refused = await call('POST', `/v1/endpoints/${id}/recover`, { since: '2025-01-01', types })
      expect([refused.status, refused.json.field]).toEqual([400, 'types'])
    }
  })
})

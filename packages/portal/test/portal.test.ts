import { isHooksError, silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { BUDGET, hashOfSources, weightOf } from '../build-page.ts'
import { createPortal, type PortalOptions } from '../src/index.ts'
import { SCRIPT, SOURCES, STYLE } from '../src/page/assets.generated.ts'
import { stage } from './stage.ts'

const SECRET = '0123456789abcdef0123456789abcdef'

/** A portal at `/settings/webhooks` that lets in whoever has the key `acme`. */
function opened(options: Partial<PortalOptions> = {}) {
  const { hooks, contract, clock } = stage()
  const portal = createPortal(hooks, {
    contract,
    clock,
    authorize: ({ headers }) => (headers.get('authorization') === 'Bearer acme' ? { tenants: ['acme'] } : null),
    ...options,
  })
  const at = (path: string, init: RequestInit = {}, basePath = '/settings/webhooks') =>
    portal.fetch(new Request(`https://app.example${path}`, init), { basePath })
  return { hooks, contract, clock, portal, at }
}

const codeOf = (make: () => unknown) => {
  try {
    make()
  } catch (error) {
    return isHooksError(error) ? error.code : error
  }
  return undefined
}

describe('the page', () => {
  it('is there at its mount, with and without the slash, and finds its files from either', async () => {
    const { at } = opened()
    for (const path of ['/settings/webhooks', '/settings/webhooks/']) {
      const answer = await at(path)
      const html = await answer.text()
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
      const files = [...html.matchAll(/(?:src|href)="([^"]*portal-[^"]+)"/g)].map(([, one]) => one as string)
      expect(files).toHaveLength(2)
      for (const file of files) {
        const { pathname } = new URL(file, `https://app.example${path}`)
        expect((await at(pathname)).status).toBe(200)
      }
    }
  })

  it('works under a path that a proxy has put something in front of: it names no path from the root', async () => {
    const html = await (await opened().at('/settings/webhooks')).text()
    expect(html).not.toMatch(/(src|href)="\//)
  })

  it('works at the root of a host', async () => {
    const { at } = opened()
    expect((await at('/', {}, '')).status).toBe(200)
    expect((await at(`/assets/${SCRIPT.name}`, {}, '')).status).toBe(200)
    expect((await at('/api/v1/endpoints', { headers: { authorization: 'Bearer acme' } }, '')).status).toBe(200)
  })

  it('may load what is of its own origin, and nothing else, and may be framed by its own', async () => {
    const { headers } = await opened().at('/settings/webhooks/')
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    )
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
  })

  it('has no script and no style of its own in it, whatever the brand is called', async () => {
    const name = `</title><script>alert(1)</script>"'&`
    const html = await (await opened({ brand: { name } }).at('/settings/webhooks/')).text()
    expect(html.match(/<script/g)).toHaveLength(1)
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/)
    expect(html).toContain('&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;')
  })

  it('may be framed by those that are named, and shows their logo', async () => {
    const options = { frameAncestors: ['https://app.example'], brand: { logo: 'https://cdn.example/logo.svg' } }
    const policy = (await opened(options).at('/settings/webhooks/')).headers.get('content-security-policy')
    expect(policy).toContain("frame-ancestors 'self' https://app.example")
    expect(policy).toContain("img-src 'self' data: https://cdn.example;")
  })

  it('is kept by browsers until it changes; its files for ever, since their names change', async () => {
    const { at } = opened()
    const page = await at('/settings/webhooks/')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const file = await at(`/settings/webhooks/assets/${STYLE.name}`)
    expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(file.headers.get('content-type')).toBe('text/css; charset=utf-8')
    for (const [path, { headers }] of [['', page] as const, [`assets/${STYLE.name}`, file] as const]) {
      const again = await at(`/settings/webhooks/${path}`, { headers: { 'if-none-match': headers.get('etag') ?? '' } })
      expect([again.status, await again.text()]).toEqual([304, ''])
    }
  })

  it('answers HEAD without a body, and refuses to be changed', async () => {
    const { at } = opened()
    const head = await at('/settings/webhooks/', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const post = await at('/settings/webhooks/', { method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it.each([
    '/settings/webhooksx',
    '/settings/webhooks/nothing',
    '/settings/webhooks/assets/',
    '/settings',
    '/settings/webhooks/assets/toString',
  ])('has nothing at %s', async (path) => {
    expect((await opened().at(path)).status).toBe(404)
  })

  it('weighs no more than 40 KB of script and 6 KB of style on its way', () => {
    expect(weightOf(SCRIPT.text)).toBeLessThan(BUDGET.script)
    expect(weightOf(STYLE.text)).toBeLessThan(BUDGET.style)
  })

  it('is built from the sources as they are: else run `pnpm --filter @hooks/portal build:page`', () => {
    expect(SOURCES).toBe(hashOfSources())
  })

  it('asks no other host for anything', () => {
    // Namespaces and links to explanations are names, and are not loaded.
    const hosts = [...`${SCRIPT.text}${STYLE.text}`.matchAll(/https?:\/\/(\w[\w.-]*)/g)].map(([, host]) => host)
    expect(hosts.filter((host) => host !== 'www.w3.org')).toEqual([])
    expect(STYLE.text).not.toMatch(/url\(|@import/)
  })
})

describe('the API behind the page', () => {
  it('is ours, whatever the product has promised its customers elsewhere', async () => {
    const { hooks, contract } = stage({ api: { base: '/api/hooks', names: { enabled: 'active' } } })
    const portal = createPortal(hooks, { contract, authorize: () => ({ tenants: ['acme'] }) })
    await hooks.endpoints.create('acme', { url: 'https://acme.example/in' })
    const answer = await portal.fetch(new Request('https://app.example/p/api/v1/endpoints'), { basePath: '/p' })
    expect(await answer.json()).toMatchObject({ data: [{ enabled: true, url: 'https://acme.example/in' }] })
  })

  it('is closed to whoever `authorize` does not know, while the page itself says nothing of anybody', async () => {
    const { at } = opened()
    expect((await at('/settings/webhooks/')).status).toBe(200)
    for (const path of ['v1/endpoints', 'session', 'v1/event-types', 'v1/verification-code'])
      expect((await at(`/settings/webhooks/api/${path}`)).status).toBe(401)
  })

  it('says who is looking, and what they may do', async () => {
    const { at } = opened({ authorize: () => ({ tenants: ['acme', 'globex'], can: ['read'], user: 'ann' }) })
    const answer = await at('/settings/webhooks/api/session')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toEqual({ tenants: ['acme', 'globex'], can: ['read'], user: 'ann' })
  })

  it('answers the same where a host ends every path with a slash', async () => {
    const { at } = opened({ authorize: () => ({ tenants: ['acme'] }) })
    for (const path of ['api/session', 'api/v1/endpoints', 'api/v1/event-types']) {
      const plain = await at(`/settings/webhooks/${path}`)
      const slashed = await at(`/settings/webhooks/${path}/`)
      expect([path, slashed.status, await slashed.text()]).toEqual([path, 200, await plain.text()])
    }
  })

  it('says only that something failed where `authorize` does', async () => {
    const { at } = opened({
      logger: silentLogger,
      authorize: () => {
        throw new Error('the session store is down: redis://secret@host')
      },
    })
    const answer = await at('/settings/webhooks/api/session')
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('redis')
  })

  it('has verification code for the contract in every language', async () => {
    const answer = await opened().at('/settings/webhooks/api/v1/verification-code', {
      headers: { authorization: 'Bearer acme' },
    })
    const { data } = (await answer.json()) as { data: { language: string; code: string }[] }
    expect(data.map(({ language }) => language)).toEqual(['node', 'python', 'php', 'ruby', 'go', 'java'])
    for (const { code } of data) expect(code).toContain('webhook-signature')
  })

  it('shows what was sent, to the letter, and never a signature', async () => {
    const { hooks, at } = opened()
    const { id, secret } = await hooks.endpoints.create('acme', { url: 'https://acme.example/in' })
    await hooks.send('booking.created', { id: 'b_1' }, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    const { data } = await hooks.deliveries.list('acme', { endpoint: id })
    const answer = await at(`/settings/webhooks/api/v1/deliveries/${data[0]?.id}`, {
      headers: { authorization: 'Bearer acme' },
    })
    const text = await answer.text()
    const { request } = JSON.parse(text)
    expect(request.url).toBe('https://acme.example/in')
    expect(JSON.parse(request.body)).toMatchObject({ type: 'booking.created', data: { id: 'b_1' } })
    expect(request.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': data[0]?.messageId })
    expect(text).not.toMatch(/webhook-signature|v1,/)
    expect(text).not.toContain(secret)
  })
})

describe('a portal link', () => {
  const linked = async (wanted: Parameters<ReturnType<typeof opened>['portal']['link']>[0]) => {
    const world = opened({ links: { secret: SECRET } })
    const link = await world.portal.link(wanted)
    const call = (path: string, init: RequestInit = {}, token = link.slice(1)) =>
      world.at(`/settings/webhooks/api/${path}`, {
        ...init,
        headers: { ...(init.headers as object), authorization: `Bearer ${token}` },
      })
    return { ...world, link, call }
  }

  it('is a fragment, which no server and no other site gets to see', async () => {
    expect((await linked({ tenant: 'acme' })).link).toMatch(/^#[\w-]+\.[\w-]+\.[\w-]+$/)
  })

  it('lets its holder in as its tenant, and with what it may do', async () => {
    const { call, hooks } = await linked({ tenant: 'globex', can: ['read'], user: 'bob' })
    const { id } = await hooks.endpoints.create('acme', { url: 'https://acme.example/in' })
    expect(await (await call('session')).json()).toEqual({ tenants: ['globex'], can: ['read'], user: 'bob' })
    expect((await call(`v1/endpoints/${id}`)).status).toBe(404)
    expect((await call('v1/endpoints?tenant=acme')).status).toBe(404)
    expect((await call('v1/endpoints', { method: 'POST' })).status).toBe(403)
  })

  it('ends when its time is over, an hour by default', async () => {
    const { call, clock } = await linked({ tenant: 'acme' })
    await clock.advance(3_599_000)
    expect((await call('session')).status).toBe(200)
    await clock.advance(1_000)
    expect((await call('session')).status).toBe(401)
  })

  it('is refused with any letter changed, with another secret, and with no signature', async () => {
    const { call, link } = await linked({ tenant: 'acme' })
    const token = link.slice(1)
    for (let i = 0; i < token.length; i++) {
      const letter = token[i] === 'A' ? 'B' : 'A'
      const forged = token.slice(0, i) + letter + token.slice(i + 1)
      // The last letter has bits that mean nothing, and is compared as text all the same.
      expect((await call('session', {}, forged)).status).toBe(401)
    }
    const [header, claims] = token.split('.')
    for (const forged of [`${header}.${claims}`, `${header}.${claims}.`, `${token}.x`])
      expect((await call('session', {}, forged)).status).toBe(401)
    const other = await linked({ tenant: 'acme' })
    const strange = await opened({ links: { secret: `${SECRET}!` } }).portal.link({ tenant: 'acme' })
    expect((await other.call('session', {}, strange.slice(1))).status).toBe(401)
  })

  it('does not stand in the way of the tokens of the host', async () => {
    const { call } = await linked({ tenant: 'globex' })
    expect(await (await call('session', {}, 'acme')).json()).toMatchObject({ tenants: ['acme'] })
  })

  it('outlives a change of secrets while the old one is among them', async () => {
    const token = (await opened({ links: { secret: SECRET } }).portal.link({ tenant: 'acme' })).slice(1)
    const { at } = opened({ links: { secret: ['another secret of thirty-two letters', SECRET] } })
    const answer = await at('/settings/webhooks/api/session', { headers: { authorization: `Bearer ${token}` } })
    expect(answer.status).toBe(200)
  })

  it('lasts from a second to a day, and belongs to one tenant', async () => {
    const { portal } = opened({ links: { secret: SECRET } })
    await expect(portal.link({ tenant: 'acme', ttl: '25h' })).rejects.toMatchObject({ code: 'option_invalid' })
    await expect(portal.link({ tenant: 'acme', ttl: 0 })).rejects.toMatchObject({ code: 'option_invalid' })
    for (const can of ['read', ['write']])
      await expect(portal.link({ tenant: 'acme', can: can as never })).rejects.toMatchObject({ code: 'option_invalid' })
    await expect(portal.link({ tenant: '' })).rejects.toMatchObject({ code: 'option_invalid' })
  })

  it('lets nobody in once the host has revoked it, and is asked about at every request', async () => {
    const asked: unknown[] = []
    const gone = new Set<string | null>()
    const { portal, at, clock } = opened({
      links: {
        secret: SECRET,
        revoked: (link) => {
          asked.push(link)
          return gone.has(link.id)
        },
      },
    })
    const call = (link: string) =>
      at('/settings/webhooks/api/session', { headers: { authorization: `Bearer ${link.slice(1)}` } })
    const named = await portal.link({ tenant: 'acme', user: 'ada', id: 'invitation_1' })
    const nameless = await portal.link({ tenant: 'acme' })
    expect((await call(named)).status).toBe(200)
    const createdAt = new Date(Math.floor(clock.now().getTime() / 1000) * 1000)
    expect(asked).toEqual([{ id: 'invitation_1', tenant: 'acme', user: 'ada', createdAt }])
    gone.add('invitation_1')
    expect((await call(named)).status).toBe(401)
    expect((await call(nameless)).status).toBe(200)
    expect(asked.at(-1)).toMatchObject({ id: null, user: null })
  })

  it('lets nobody in while the host cannot say whether it is revoked', async () => {
    const { portal, at } = opened({
      logger: silentLogger,
      links: { secret: SECRET, revoked: () => Promise.reject(new Error('down')) },
    })
    const headers = { authorization: `Bearer ${(await portal.link({ tenant: 'acme' })).slice(1)}` }
    expect((await at('/settings/webhooks/api/session', { headers })).status).toBe(500)
    expect((await at('/settings/webhooks/api/v1/endpoints', { headers })).status).toBe(500)
  })

  it('has no name, or one of up to 200 characters', async () => {
    const { portal } = opened({ links: { secret: SECRET } })
    for (const id of ['', 'x'.repeat(201), 7 as never])
      await expect(portal.link({ tenant: 'acme', id })).rejects.toMatchObject({ code: 'option_invalid' })
  })

  it('cannot be made without a secret', async () => {
    await expect(opened().portal.link({ tenant: 'acme' })).rejects.toMatchObject({ code: 'option_invalid' })
  })
})

describe('a portal does not start', () => {
  it('without `authorize`', () => {
    expect(codeOf(() => opened({ authorize: undefined as never }))).toBe('authorize_missing')
  })

  it.each([
    ['a short link secret', { links: { secret: 'short' } }],
    ['no link secret', { links: { secret: [] } }],
    ['a frame ancestor with a path', { frameAncestors: ['https://app.example/x'] }],
    ['a frame ancestor that is another directive', { frameAncestors: ["'self'; script-src *"] }],
    ['an accent that is no colour', { brand: { accent: 'red' } }],
    ['a logo that is script', { brand: { logo: 'javascript:alert(1)' } }],
    ['a link that is script', { brand: { links: [{ label: 'x', url: 'javascript:alert(1)' }] } }],
    ['a language that it does not speak', { language: 'de' as never }],
  ])('with %s', (_what, options) => {
    expect(codeOf(() => opened(options))).toBe('option_invalid')
  })
})

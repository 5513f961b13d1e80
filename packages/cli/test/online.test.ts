import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineContract, defineEvents, silentLogger, systemClock } from '@hooks/core'
import { createPortal } from '@hooks/portal'
import { createSender, memoryStorage } from '@hooks/sender'
import { seededRandom, virtualClock } from '@hooks/sender/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { listening, server, stage } from './stage.ts'

const HOOKS_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const env = { HOOKS_SECRET }

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
const until = <T extends { end(): unknown } | { close(): unknown }>(one: T): T => {
  ends.push(() => ('end' in one ? one.end() : one.close()))
  return one
}

describe('hooks listen and hooks trigger', () => {
  const world = async (...options: string[]) => {
    const listener = until(await listening(options, { env, clock: systemClock }))
    const { hooks } = stage({ env, clock: systemClock, fetch: (request) => fetch(request) })
    return {
      listener,
      trigger: (...more: string[]) => hooks(['trigger', 'invoice.paid', '--to', `${listener.url}/in`, ...more]),
    }
  }

  it('what is sent arrives and is verified, and both say so', async () => {
    const { listener, trigger } = await world()
    const sent = await trigger('--id', 'msg_1')
    expect(sent.status).toBe(0)
    expect(sent.notes).toMatch(/^--> invoice\.paid http:\S+ \(\d+ bytes\)\n<-- 204 No Content in \d+ ms$/)
    expect(listener.out[0]).toMatch(/^#1 ✓ invoice\.paid msg_1 \[204\]/)
  })

  it('what is not honest gets 401, and is told why', async () => {
    const { listener, trigger } = await world()
    expect((await trigger('--wrong', 'body')).status).toBe(1)
    expect(listener.out.join('\n')).toMatch(/^#1 ✗ signature_mismatch \[401\][\s\S]*\n {3}\S/)
  })

  it('answers as it is told, in turn, and then as is right', async () => {
    const { trigger } = await world('--respond', '500x2,302')
    const statuses: (string | undefined)[] = []
    for (let i = 0; i < 4; i++) statuses.push(/<-- (\d+)/.exec((await trigger()).notes)?.[1])
    expect(statuses).toEqual(['500', '500', '302', '204'])
  })

  it('passes requests on as they are, and gives the answer', async () => {
    const app = until(await server(() => ({ status: 409, body: 'known' })))
    const { trigger } = await world('--forward-to', app.url)
    const sent = await trigger('--data', '{"a":1}')
    expect([sent.status, sent.out]).toEqual([1, 'known'])
    expect(JSON.parse(app.bodies[0] ?? '').data).toEqual({ a: 1 })
  })

  it('says 502 where nobody is behind it', async () => {
    const app = await server(() => ({ status: 200 }))
    await app.close()
    const { trigger } = await world('--forward-to', app.url)
    expect((await trigger()).notes).toContain('<-- 502')
  })

  it('keeps each request as a file that hooks verify reads', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hooks-cli-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    const { trigger } = await world('--save', folder)
    await trigger()
    const kept = readFileSync(join(folder, '0001.json'))
    expect((await stage({ env, clock: systemClock }).hooks(['verify'], kept)).status).toBe(0)
  })

  it('prints a line of JSON for each, with what it found', async () => {
    const { listener, trigger } = await world('--json')
    await trigger('--id', 'msg_7')
    expect(JSON.parse(listener.out[0] ?? '')).toMatchObject({
      n: 1,
      status: 204,
      method: 'POST',
      url: '/in',
      found: { ok: true, type: 'invoice.paid', id: 'msg_7' },
    })
  })

  it('without a secret shows what comes, and says that it verifies nothing', async () => {
    const listener = until(await listening([], {}))
    expect(listener.notes[0]).toContain('nothing is verified')
    expect((await fetch(`${listener.url}/x`, { method: 'POST', body: 'hello' })).status).toBe(204)
    expect(listener.out[0]).toMatch(/^#1 POST \/x \[204\] \d+ ms, 5 B$/)
  })

  it('takes no body of more than a mebibyte', async () => {
    const listener = until(await listening([], {}))
    const body = new Uint8Array(1_048_577)
    expect((await fetch(listener.url, { method: 'POST', body })).status).toBe(413)
  })

  it('ends with 0 when the user has had enough', async () => {
    expect(await (await listening([], {})).end()).toBe(0)
  })

  it('trigger says that nobody answers, with 1', async () => {
    const { hooks } = stage({ env })
    const { status, notes } = await hooks(['trigger', 'a.b', '--to', 'http://127.0.0.1:9/'])
    expect([status, notes.split('\n')[1]]).toEqual([1, '<-- nothing: the request failed'])
  })
})

describe('the commands on the management API', () => {
  const events = defineEvents({ 'invoice.paid': {}, 'invoice.void': {} })
  const contract = defineContract({ events })

  async function world() {
    const clock = virtualClock()
    const random = seededRandom(3)
    let status = 410
    const hooks = createSender({
      contract,
      clock,
      random,
      logger: silentLogger,
      storage: memoryStorage({ clock, random }),
      transport: {
        send: async () => ({
          ms: 5,
          sent: true,
          status,
          headers: { 'x-request-id': 'r_1' },
          body: Buffer.from('busy\u001b[2J'),
          truncated: false,
        }),
      },
    })
    const portal = createPortal(hooks, {
      contract,
      authorize: ({ headers }) => {
        const key = headers.get('authorization')
        if (key === 'Bearer acme') return { tenants: ['acme'] }
        return key === 'Bearer operator' ? { tenants: 'all' } : null
      },
    })
    const { id: endpoint } = await hooks.endpoints.create('acme', { url: 'https://acme.example/in' })
    await hooks.endpoints.create('globex', { url: 'https://globex.example/in' })
    for (const tenant of ['acme', 'globex']) {
      await hooks.send('invoice.paid', { id: 1 }, { tenant })
      await hooks.drain({ maxMs: 8_000 })
      for (const { id } of (await hooks.endpoints.list(tenant)).data) await hooks.endpoints.enable(tenant, id)
    }
    status = 200
    await clock.advance(1_000)
    const [delivery] = (await hooks.deliveries.list('acme')).data
    const as = (HOOKS_TOKEN: string) =>
      stage({
        clock,
        env: { HOOKS_URL: 'https://app.example/settings/webhooks/api/', HOOKS_TOKEN },
        fetch: (request) => portal.fetch(request, { basePath: '/settings/webhooks' }),
      }).hooks
    return { clock, sender: hooks, endpoint, delivery: delivery?.id ?? '', as }
  }

  it('list webhooks and deliveries, as a table or as lines of JSON', async () => {
    const { as, endpoint, delivery } = await world()
    const hooks = as('acme')
    const table = (await hooks(['endpoints'])).out.split('\n')
    expect(table).toHaveLength(2)
    expect(table[1]).toMatch(new RegExp(`^${endpoint} +on +all +https://acme.example/in$`))
    const rows = await hooks(['deliveries', '--status', 'failed', '--since', '1h'])
    expect(rows.out).toMatch(new RegExp(`\n${delivery} +invoice.paid +failed +1 +410 `))
    expect(JSON.parse((await hooks(['deliveries', '--json'])).out)).toMatchObject({ id: delivery })
    expect(await hooks(['deliveries', '--event', 'invoice.void'])).toEqual({ status: 0, out: '', notes: 'none' })
  })

  it('show a delivery with its attempts, as text that is all seen', async () => {
    const { as, delivery } = await world()
    const { status, out } = await as('acme')(['delivery', delivery])
    expect(status).toBe(0)
    expect(out).toMatch(/^invoice\.paid failed\n#1 410 5 ms, schedule, /)
    expect(out).toContain('   x-request-id: r_1\n   busy\\u001b[2J')
  })

  it('replay sends again by id, and says of each that could not be why', async () => {
    const { as, sender, delivery } = await world()
    const { status, out } = await as('acme')(['replay', delivery, 'dlv_nothing'])
    expect(status).toBe(1)
    expect(out).toMatch(new RegExp(`^${delivery} sent again\ndlv_nothing .*\\(delivery_not_found\\)$`))
    await sender.drain({ maxMs: 8_000 })
    expect(await sender.deliveries.get('acme', delivery)).toMatchObject({ state: 'delivered', attempts: 2 })
  })

  it('replay counts what a webhook missed, and sends it with --yes, to the end', async () => {
    const { as, sender, clock, endpoint, delivery } = await world()
    const line = ['replay', '--endpoint', endpoint, '--since', '2h']
    expect(await as('acme')(line)).toEqual({ status: 0, out: '', notes: '1 to send again\n--yes sends them' })
    expect((await sender.deliveries.get('acme', delivery)).state).toBe('failed')
    sender.start()
    const replayed = as('acme')([...line, '--yes'])
    await clock.advance(60_000)
    expect(await replayed).toMatchObject({ status: 0, out: 'done: 1 sent again' })
    await sender.stop()
  })

  it('replay at the webhooks of all tenants is for those who run the sender', async () => {
    const { as, sender, clock } = await world()
    const line = ['replay', '--all', '--since', '2h']
    const count = await as('operator')(line)
    expect(count.status).toBe(0)
    expect(count.notes).toBe('2 to send again, at 2 webhooks\n--yes sends them')
    expect((await as('operator')([...line, '--yes'])).notes).toContain('begun, at 2 webhooks')
    sender.start()
    await clock.advance(60_000)
    for (const tenant of ['acme', 'globex'])
      expect((await sender.deliveries.list(tenant)).data[0]?.state).toBe('delivered')
    await sender.stop()
    expect(await as('acme')(line)).toMatchObject({ status: 2, notes: expect.stringContaining('forbidden') })
  })

  it('say whether it is the token, the network, the address or the configuration', async () => {
    const { as } = await world()
    expect((await as('stranger')(['endpoints'])).notes).toContain('unauthorized')
    expect((await stage({ env: { HOOKS_URL: 'https://a.example' } }).hooks(['endpoints'])).notes).toContain(
      'cannot be reached',
    )
    const page = stage({ env: { HOOKS_URL: 'https://a.example' }, fetch: async () => new Response('<html>') })
    expect((await page.hooks(['endpoints'])).notes).toContain('is the URL that of the API?')
    expect((await stage().hooks(['endpoints'])).notes).toContain('HOOKS_URL')
    // The page's own address, and one with the version in it.
    const nothing = Response.json({ code: 'not_found', detail: 'There is nothing here.' }, { status: 404 })
    for (const answer of [new Response('Not found', { status: 404 }), nothing]) {
      const astray = stage({ env: { HOOKS_URL: 'https://a.example/x/v1?y=z' }, fetch: async () => answer.clone() })
      const { status, notes } = await astray.hooks(['endpoints'])
      expect([status, notes]).toEqual([2, expect.stringMatching(/no API at https:\/\/a\.example.*\n.*before its \/v1/)])
    }
    expect((await as('operator')(['endpoints'])).notes).toContain('tenant_needed')
    expect((await as('operator')(['endpoints', '--tenant', 'globex'])).out).toContain('globex.example')
  })
})

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { expressPortal } from '@hooks/express'
import { fastifyPortal } from '@hooks/fastify'
import { nextPortal } from '@hooks/nextjs'
import type { Portal } from '@hooks/portal'
import express from 'express'
import fastify from 'fastify'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { listen, listenFetch, type Serving } from '../test/hosts.ts'
import { chromiumPath, launch, open, type Watched } from './portal/browser.ts'
import { history, type World, world } from './portal/portal-world.ts'

const skipped = !chromiumPath && process.env.CI !== 'true'
if (skipped) console.warn('no Chromium, so the portal is not looked at: install one, or name it in HOOKS_TEST_CHROMIUM')

const PATIENCE = { timeout: 20_000 }
const MOUNT = '/settings/webhooks'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const hosts: readonly { readonly name: string; serve(portal: Portal): Promise<Serving> }[] = [
  { name: 'Express', serve: (portal) => listen(express().use(MOUNT, expressPortal(portal))) },
  {
    name: 'Fastify',
    async serve(portal) {
      const app = fastify()
      app.register(fastifyPortal, { prefix: MOUNT, portal })
      await app.listen({ port: 0, host: '127.0.0.1' })
      const close = () => {
        app.server.closeAllConnections()
        return app.close()
      }
      return { port: (app.server.address() as AddressInfo).port, close }
    },
  },
  {
    name: 'the handlers of Next.js, which takes the slash away',
    serve(portal) {
      const route = nextPortal(portal)
      return listenFetch(async (request) => {
        const url = new URL(request.url)
        if (url.pathname.endsWith('/')) return Response.redirect(url.href.replace(/\/$/, ''), 308)
        const [, , , ...path] = url.pathname.split('/')
        const params = Promise.resolve({ ...(path.length > 0 && { path }) })
        return route[request.method as 'GET'](request, { params })
      })
    },
  },
]

let browser: Browser
beforeAll(async () => {
  if (!skipped) browser = await launch()
})
afterAll(() => browser?.close())

const watched: Watched[] = []
const serving: Serving[] = []
/** Nothing may go wrong in any page, whatever a test is about; what a test expects it takes out. */
afterEach(async () => {
  const faults = watched.flatMap((one) => one.faults)
  for (const { close } of watched.splice(0)) await close()
  for (const { close } of serving.splice(0)) await close()
  expect(faults).toEqual([])
})

async function serve(portal: Portal, host = hosts[0]): Promise<string> {
  const served = await (host as (typeof hosts)[number]).serve(portal)
  serving.push(served)
  return `http://127.0.0.1:${served.port}${MOUNT}`
}

async function look(address: string, options?: Parameters<typeof open>[2]): Promise<Watched> {
  const one = await open(browser, address, options)
  watched.push(one)
  return one
}

/** A world with a history, served, and a way into it. */
async function lived(options?: Parameters<typeof world>[0]) {
  const made: World = world(options)
  const endpoints = await history(made)
  const address = await serve(made.portal)
  return { ...made, ...endpoints, address, at: (path: string) => `${address}#/${path}` }
}

describe.skipIf(skipped)('the portal in a browser', () => {
  it.each(hosts)('works over $name', async (host) => {
    const made = world()
    const { ill } = await history(made)
    const address = await serve(made.portal, host)
    for (const at of [address, `${address}/`]) {
      const { page } = await look(at)
      await page.getByRole('heading', { name: 'Webhooks', level: 1 }).waitFor()
      await page.getByRole('link', { name: ill.url }).click()
      await page.getByRole('heading', { name: ill.url }).waitFor()
      await page.getByRole('row').filter({ hasText: 'Retrying' }).getByRole('link').first().click()
      await page.getByRole('dialog').getByText('Up to your server').waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('link', { name: 'Events' }).click()
      await page.getByRole('heading', { name: 'booking.created' }).waitFor()
      await page.getByRole('link', { name: 'Verify signatures' }).click()
      await page.getByRole('button', { name: 'Python' }).click()
      await page.getByText('import hmac').waitFor()
      await page.reload()
      await page.getByRole('heading', { name: 'Verify signatures' }).waitFor()
    }
  })

  it('adds a webhook in French with the keyboard alone; the next event reaches it', async () => {
    const { page, shoot, made } = await french()
    await page.getByRole('heading', { name: 'Pas encore de webhook' }).waitFor()
    await shoot('fr-empty')
    await tabTo(page, 'Ajouter un Webhook')
    await page.keyboard.press('Enter')
    await page.getByLabel('URL').waitFor()
    await tabTo(page, 'URL')
    await page.keyboard.type('https://bistro.example/webhooks')
    await tabTo(page, 'Tous les événements')
    await page.keyboard.press('ArrowDown')
    await tabTo(page, 'Chercher un événement')
    await page.keyboard.type('payment')
    await tabTo(page, 'payment.completed')
    await page.keyboard.press('Space')
    await shoot('fr-form')
    await tabTo(page, 'Enregistrer')
    await page.keyboard.press('Enter')
    await page.getByRole('region', { name: 'Votre secret de signature' }).waitFor()
    await shoot('fr-secret')
    expect(await page.getByRole('textbox', { name: 'Secret' }).inputValue()).toMatch(/^whsec_/)
    await made.hooks.send('payment.completed', { id: 'p', amount: 1 }, { tenant: 'acme' })
    await made.hooks.send('note.left', { text: 'no' }, { tenant: 'acme' })
    await made.settle()
    expect(made.sent.map(({ host }) => host)).toEqual(['bistro.example'])
    await page.getByRole('row').filter({ hasText: 'payment.completed' }).getByText('Livrée').waitFor()
    // The secret was shown once.
    await page.getByRole('button', { name: "Je l'ai copié" }).click()
    await page.reload()
    await page.getByRole('heading', { name: 'https://bistro.example/webhooks' }).waitFor()
    expect(await page.content()).not.toContain('whsec_')
  })

  async function french() {
    const made = world({ language: 'fr', brand: { name: 'Grillo' } })
    const one = await look(await serve(made.portal))
    return { ...one, made }
  }

  it('says at the field what is wrong with it', async () => {
    const { at } = await lived()
    const one = await look(at('endpoints/new'))
    const { page, shoot, faults } = one
    await page.getByLabel('URL').fill('http://acme.example/in')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Use an address that begins with https://.').waitFor()
    expect(await page.getByLabel('URL').getAttribute('aria-invalid')).toBe('true')
    expect(await page.evaluate('document.activeElement.type')).toBe('url')
    await shoot('form-error')
    await page.getByLabel('URL').fill('https://localhost/in')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(/host/i).first().waitFor()
    await page.getByLabel('URL').fill('https://new.acme.example/in')
    await page.getByLabel('Only these').check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Choose at least one event.').waitFor()
    await page.getByRole('checkbox', { name: 'Bookings' }).check()
    await page.getByLabel('Name').fill('Kitchen')
    await page.getByRole('button', { name: 'Save' }).dblclick()
    await page.getByRole('region', { name: 'Your signing secret' }).waitFor()
    await shoot('secret')
    await page.getByRole('link', { name: /All webhooks/ }).click()
    await page.getByRole('link', { name: 'Kitchen', exact: true }).waitFor()
    expect(await page.getByRole('link', { name: 'Kitchen', exact: true }).count()).toBe(1)
    // The browser itself tells its console of each answer that refuses.
    takeOut(faults, /status of 422/)
  })

  it('shows nothing of another tenant', async () => {
    const { at, other, hooks } = await lived()
    const { data } = await hooks.deliveries.list('globex')
    for (const path of [`endpoints/${other.id}`, `endpoints/${other.id}/edit`]) {
      const { page, faults } = await look(at(path))
      await page.getByRole('alert').waitFor()
      expect(await page.content()).not.toContain('globex')
      takeOut(faults, /status of 404/)
    }
    const { page, faults } = await look(
      at(`endpoints/${(await hooks.endpoints.list('acme')).data[0]?.id}/deliveries/${data[0]?.id}`),
    )
    await page.getByRole('dialog').getByRole('alert').waitFor()
    expect(await page.content()).not.toContain('globex')
    takeOut(faults, /status of 404/)
  })

  it('shows what strangers send as text, whatever it is', async () => {
    const { answers, hooks, settle, well, at } = await lived()
    const evil = `</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1">\u202Egnp.exe`
    answers.set('hooks.acme.example', () => ({ status: 500, body: `${evil}${'A'.repeat(1_000_000)}` }))
    await hooks.endpoints.update('acme', well.id, { name: evil })
    await hooks.send('note.left', { text: evil }, { tenant: 'acme' })
    await settle()
    const [delivery] = (await hooks.deliveries.list('acme', { endpoint: well.id })).data
    const { page, shoot } = await look(at(`endpoints/${well.id}/deliveries/${delivery?.id}`))
    await page.getByRole('dialog').getByText('window.pwned=1').first().waitFor()
    await page.getByRole('dialog').getByText('\\u202egnp.exe').first().waitFor()
    expect(await page.evaluate('window.pwned')).toBeUndefined()
    expect(await page.locator('main img, dialog img, main script').count()).toBe(0)
    await page.getByRole('button', { name: 'Show all of it' }).first().click()
    const length = () =>
      page
        .locator('dialog pre')
        .first()
        .evaluate((pre) => pre.textContent?.length ?? 0)
    await expect.poll(length, PATIENCE).toBeGreaterThan(1_000_000)
    await page.getByRole('button', { name: 'Close' }).click()
    await shoot('hostile')
  })

  it('sends a delivery again once, however often the button is clicked', async () => {
    const { answers, hooks, settle, sent, ill, at } = await lived()
    answers.set('staging.acme.example', () => ({ status: 410 }))
    await hooks.send('booking.cancelled', { id: 'b' }, { tenant: 'acme' })
    await settle()
    await hooks.endpoints.enable('acme', ill.id)
    const [delivery] = (await hooks.deliveries.list('acme', { endpoint: ill.id, states: ['failed'] })).data
    answers.set('staging.acme.example', () => ({ status: 200, body: 'thanks' }))
    const { page } = await look(at(`endpoints/${ill.id}/deliveries/${delivery?.id}`))
    const before = sent.length
    let posts = 0
    page.on('request', (request) => (posts += request.method() === 'POST' ? 1 : 0))
    await page.getByRole('dialog').getByText('Your server answered 410 Gone.').waitFor()
    await page.getByRole('button', { name: 'Send again', exact: true }).dblclick()
    await page.getByText('On its way again').waitFor()
    await settle()
    await page.getByRole('dialog').getByText('Your server took it.').waitFor()
    await settle()
    expect([posts, sent.length - before]).toEqual([1, 1])
    expect((await hooks.deliveries.attempts('acme', delivery?.id ?? '')).length).toBe(2)
  })

  it('pages through 10,000 deliveries', async () => {
    const { hooks, settle, well, at } = await lived()
    for (let i = 0; i < 10; i++) {
      const data = Array.from({ length: 1_000 }, (_, n) => n)
      await hooks.sendMany(data.map((n) => ({ type: 'note.left', data: { text: `${i} ${n}` }, tenant: 'acme' })))
      await settle()
    }
    const { page } = await look(at(`endpoints/${well.id}`))
    await page.getByRole('button', { name: /^Delivered 10,0/ }).waitFor()
    const first = () => page.locator('tbody a').first().getAttribute('href')
    const seen = new Set<string | null>()
    for (let i = 0; i < 5; i++) {
      await expect.poll(async () => seen.has(await first()), PATIENCE).toBe(false)
      seen.add(await first())
      expect(await page.locator('tbody tr').count()).toBe(25)
      await page.getByRole('button', { name: 'Older' }).click()
    }
    expect(seen.size).toBe(5)
    await page.getByRole('button', { name: 'Newest' }).click()
    await page.getByRole('button', { name: 'Newest' }).waitFor({ state: 'detached' })
  })

  it('says when an endpoint is disabled and why, and enables it', async () => {
    const { off, at, hooks } = await lived()
    const { page, shoot } = await look(at(`endpoints/${off.id}`))
    await page.getByText('Somebody disabled it by hand.').waitFor()
    await page.getByRole('row').filter({ hasText: 'Skipped' }).first().waitFor()
    await shoot('disabled')
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByText('This webhook is disabled.').waitFor({ state: 'detached' })
    expect((await hooks.endpoints.get('acme', off.id)).enabled).toBe(true)
  })

  it('sends a test of a chosen event, and makes a new secret', async () => {
    const { well, at, settle, sent } = await lived()
    const { page, shoot } = await look(at(`endpoints/${well.id}`))
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByLabel('Event', { exact: true }).selectOption('payment.refunded')
    await shoot('test')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('On its way').waitFor()
    await settle()
    expect(JSON.parse(sent.at(-1)?.body ?? '')).toMatchObject({ type: 'payment.refunded', data: { amount: 42.5 } })
    await page.getByText('More').click()
    await page.getByRole('button', { name: 'New secret…' }).click()
    await page.getByRole('button', { name: 'Make a new secret' }).click()
    await page.getByRole('textbox', { name: 'Secret' }).waitFor()
    await shoot('rotated')
  })

  it('counts what an outage cost, sends it again, and shows how far it has got', async () => {
    const { answers, ill, at, hooks, settle } = await lived()
    answers.set('staging.acme.example', () => ({ status: 410 }))
    for (let i = 0; i < 30; i++) await hooks.send('booking.cancelled', { id: `lost ${i}` }, { tenant: 'acme' })
    await settle()
    await hooks.endpoints.enable('acme', ill.id)
    answers.set('staging.acme.example', () => ({ status: 200 }))
    const { page, shoot } = await look(at(`endpoints/${ill.id}`))
    await page.getByRole('button', { name: 'Send again…' }).click()
    await page.getByText(/^\d\d deliveries to send/).waitFor()
    await shoot('recover-count')
    await page.getByRole('button', { name: 'Send again', exact: true }).dblclick()
    await page.getByRole('progressbar', { name: 'Progress' }).waitFor()
    hooks.start()
    try {
      await page.getByText(/Sending… [1-9]/).waitFor()
      await shoot('recover-running')
      await page.getByText(/^Done/).waitFor({ timeout: 30_000 })
    } finally {
      await hooks.stop()
    }
    expect((await hooks.jobs.list('acme')).data).toHaveLength(1)
    expect((await hooks.deliveries.stats('acme', { endpoint: ill.id })).failed).toBe(0)
  })

  it('lets readers read, and offers them nothing else', async () => {
    const made = world({ authorize: () => ({ tenants: ['acme'], can: ['read'] }) })
    const { ill } = await history(made)
    const { page } = await look(`${await serve(made.portal)}#/endpoints/${ill.id}`)
    await page.getByRole('heading', { name: 'Deliveries', exact: true }).waitFor()
    for (const name of ['Send a test', 'Send again…', 'More', 'Edit'])
      expect(await page.getByText(name, { exact: true }).count()).toBe(0)
  })

  it('opens with a portal link, which leaves the address at once and outlives a reload', async () => {
    const { portal, address } = await lived()
    const link = await portal.link({ tenant: 'globex', ttl: '1h' })
    const { page } = await look(`${address}${link}`, { session: null })
    await page.getByRole('link', { name: 'https://globex.example/in' }).waitFor()
    expect(page.url()).not.toContain(link.slice(1, 20))
    await page.reload()
    await page.getByRole('link', { name: 'https://globex.example/in' }).waitFor()
  })

  it('says that the session is over where a link is too old or forged', async () => {
    const { portal, address } = await lived()
    const link = await portal.link({ tenant: 'globex' })
    const { page, faults } = await look(`${address}${link.slice(0, -3)}AAA`, { session: null })
    await page.getByRole('heading', { name: 'Your session is over' }).waitFor()
    takeOut(faults, /status of 401/)
  })

  it('is open to all: axe finds nothing serious on any screen, light or dark, wide or 360 px, and nothing overflows', async () => {
    const { ill, off, at, hooks } = await lived()
    const [delivery] = (await hooks.deliveries.list('acme', { endpoint: ill.id, states: ['retrying'] })).data
    const screens = {
      endpoints: '',
      endpoint: `endpoints/${ill.id}`,
      off: `endpoints/${off.id}`,
      edit: `endpoints/${ill.id}/edit`,
      delivery: `endpoints/${ill.id}/deliveries/${delivery?.id}`,
      events: 'events',
      verify: 'verify',
    }
    for (const [colorScheme, width] of [
      ['light', 1200],
      ['dark', 1200],
      ['light', 360],
      ['dark', 360],
    ] as const) {
      // axe is a script of another origin than the page's.
      const options = { colorScheme, viewport: { width, height: 900 }, bypassCSP: true }
      const { page, shoot } = await look(at(''), options)
      for (const [name, path] of Object.entries(screens)) {
        await page.goto(at(path))
        await expect.poll(() => page.locator('.loading').count(), PATIENCE).toBe(0)
        await page.locator(name === 'delivery' ? 'dialog .facts' : 'main h1').waitFor()
        await page.waitForTimeout(300)
        await shoot(`${name}-${colorScheme}-${width}`)
        await page.evaluate(AXE)
        const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] }
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        expect(serious.map(({ id, nodes }) => [name, id, nodes[0]?.html, nodes[0]?.failureSummary])).toEqual([])
        const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect([name, wider]).toEqual([name, 0])
      }
    }
  })
})

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** Takes what a test expects out of what went wrong. */
function takeOut(faults: string[], pattern: RegExp): void {
  expect(faults.some((one) => pattern.test(one))).toBe(true)
  faults.splice(0, faults.length, ...faults.filter((one) => !pattern.test(one)))
}

/** Goes on with the Tab key until what has the focus is called so. */
async function tabTo(page: Watched['page'], name: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab')
    const found = await page.evaluate(`(() => {
      const one = document.activeElement
      const label = one.labels?.[0]?.textContent ?? one.getAttribute('aria-label') ?? one.textContent
      return label.trim()
    })()`)
    if ((found as string).startsWith(name)) return
  }
  throw new Error(`the Tab key does not lead to "${name}"`)
}

import { afterEach, describe, expect, it } from 'vitest'
import { listen, type Serving } from '../test/hosts.ts'
import type { Watched } from './portal/browser.ts'
import { browsing, skipped, takeOut } from './portal/browsing.ts'
import { onExpress } from './portal/hosts.ts'
import { history, world } from './portal/portal-world.ts'
import { checkScreens, MODES, optionsOf, screensOf } from './portal/screens.ts'

describe.skipIf(skipped)('the portal', () => {
  const { serve, look, lived } = browsing(onExpress)
  const closing: Serving[] = []
  afterEach(() => {
    for (const { close } of closing.splice(0)) close()
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
    await page.getByRole('dialog').getByLabel('Event').selectOption('payment.refunded')
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

  it('sets what few need: content, version, filter, channels, rate, headers and what it is for', async () => {
    const { at, hooks, settle, sent, ...made } = await lived()
    const { page, shoot } = await look(at(`endpoints/${made.well.id}/edit`))
    await page.getByText('More settings').click()
    await page.getByLabel('Description').fill('For the ledger')
    await page.getByLabel('Content').selectOption('Identifiers alone: your server fetches the rest')
    await page.getByLabel('Version of the data').selectOption('2025-06')
    await page.getByLabel('Filter on the data').fill('{"seats": ')
    await page.getByLabel('Requests a second').fill('7')
    await page.getByLabel('Headers of your own').fill('x-token: hush\nx-team: ledger')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('This is no JSON object.').waitFor()
    await page.getByLabel('Filter on the data').fill('{"seats": {"$gte": 4}}')
    await shoot('settings')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('For the ledger').waitFor()
    expect(await hooks.endpoints.get('acme', made.well.id)).toMatchObject({
      metadata: { description: 'For the ledger' },
      payload: 'thin',
      version: '2025-06',
      filter: { seats: { $gte: 4 } },
      rateLimit: 7,
      headers: ['x-token', 'x-team'],
    })
    const before = sent.length
    for (const seats of [2, 6])
      await hooks.send('booking.created', { id: `b${seats}`, seats, status: 'PAID', guests: [] }, { tenant: 'acme' })
    await settle()
    const bodies = sent.slice(before).filter(({ host }) => host === 'hooks.acme.example')
    expect(bodies.map(({ body }) => JSON.parse(body).data)).toEqual([{}])
    // What is kept is shown, but for the values of headers, and stays when the form is saved again.
    await page.goto(at(`endpoints/${made.well.id}/edit`))
    await page.getByText('Kept as they are while this is empty: x-token, x-team').waitFor()
    expect(await page.content()).not.toContain('hush')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('For the ledger').waitFor()
    expect((await hooks.endpoints.get('acme', made.well.id)).headers).toEqual(['x-token', 'x-team'])
  })

  it('shows the secrets that sign to who may see them', async () => {
    const { at, hooks, well } = await lived()
    const old = (await hooks.endpoints.secrets('acme', well.id))[0]?.secret ?? ''
    await hooks.endpoints.rotateSecret('acme', well.id)
    const { page, shoot } = await look(at(`endpoints/${well.id}`))
    await page.getByText('More', { exact: true }).click()
    await page.getByRole('button', { name: 'Show the secret…' }).click()
    await page.getByRole('heading', { name: /^Old one, signs until/ }).waitFor()
    const fields = page.getByRole('textbox', { name: 'Secret' })
    expect(await fields.count()).toBe(2)
    expect(await fields.last().inputValue()).toBe(old)
    await shoot('secrets')
    await page.getByRole('button', { name: 'Close' }).last().click()
    expect(await page.locator('input[readonly]').count()).toBe(0)
  })

  it('pauses a webhook and resumes it', async () => {
    const { at, hooks, well } = await lived()
    const { page, shoot } = await look(at(`endpoints/${well.id}`))
    await page.getByText('More', { exact: true }).click()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('This webhook is paused.').waitFor()
    expect((await hooks.endpoints.health('acme', well.id)).paused).toBe(true)
    await shoot('paused')
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByText('This webhook is paused.').waitFor({ state: 'detached' })
    expect((await hooks.endpoints.health('acme', well.id)).paused).toBe(false)
  })

  it('finds deliveries by event, by time and by id', async () => {
    const { at, hooks, well } = await lived()
    const { page, faults } = await look(at(`endpoints/${well.id}`))
    const rows = page.locator('tbody tr')
    await page.getByLabel('Event', { exact: true }).selectOption('payment.completed')
    await expect
      .poll(async () => new Set(await rows.locator('code').allTextContents()))
      .toEqual(new Set(['payment.completed']))
    await page.getByLabel('Since').selectOption('Last hour')
    await page.getByText('No delivery is like this.').waitFor()
    const [delivery] = (await hooks.deliveries.list('acme', { endpoint: well.id, types: ['booking.created'] })).data
    await page.getByLabel('Find by id').fill('dlv_nothing')
    await page.keyboard.press('Enter')
    await page.getByText('There is no delivery with this id.').waitFor()
    takeOut(faults, /status of 404/)
    await page.getByLabel('Find by id').fill(` ${delivery?.id} `)
    await page.keyboard.press('Enter')
    await page
      .getByRole('dialog')
      .getByText(delivery?.id ?? '')
      .waitFor()
  })

  it('closes a delivery for good: Back and reloads lead to where one was, and never into it again', async () => {
    const { at, ill } = await lived()
    const { page } = await look(at(''))
    const [dialog, top] = [
      page.getByRole('dialog'),
      page.getByRole('heading', { name: 'Webhooks', level: 1, exact: true }),
    ]
    await page.getByRole('link', { name: ill.url }).click()
    const openAndClose = async (between = async () => {}) => {
      await page.getByRole('row').filter({ hasText: 'Retrying' }).getByRole('link').first().click()
      await dialog.getByText('Up to your server').waitFor()
      await between()
      await page.keyboard.press('Escape')
      await expect.poll(() => page.url()).toBe(at(`endpoints/${ill.id}`))
    }
    await openAndClose()
    await openAndClose(async () => {
      await page.reload()
      await dialog.getByText('Up to your server').waitFor()
    })
    expect(await dialog.count()).toBe(0)
    await page.goBack()
    await top.waitFor()
  })

  it('closes a delivery that was opened by its address, and stays in the page', async () => {
    const { at, ill, hooks } = await lived()
    const [open] = (await hooks.deliveries.list('acme', { endpoint: ill.id, states: ['retrying'] })).data
    const { page } = await look(at('events'))
    await page.getByRole('heading', { name: 'booking.created' }).waitFor()
    await page.goto(at(`endpoints/${ill.id}/deliveries/${open?.id}`))
    await page.getByRole('dialog').getByText('Up to your server').waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await expect.poll(() => page.url()).toBe(at(`endpoints/${ill.id}`))
    await page.goBack()
    await page.getByRole('heading', { name: 'booking.created' }).waitFor()
    expect(page.url()).toBe(at('events'))
  })

  it('says that something is copied where it is, and where the browser refuses it that it is not', async () => {
    const { at, well } = await lived()
    const { page } = await look(at(`endpoints/${well.id}`), { permissions: ['clipboard-read', 'clipboard-write'] })
    const copy = page.getByRole('button', { name: 'Copy the URL' })
    await copy.click()
    await page.getByRole('button', { name: 'Copied', exact: true }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(well.url)
    await copy.waitFor()
    await page.evaluate(`navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))
      document.execCommand = () => false`)
    await copy.click()
    await page.getByRole('button', { name: 'Not copied', exact: true }).waitFor()
    await copy.waitFor()
    await page.evaluate('delete document.execCommand')
    await copy.click()
    await page.getByRole('button', { name: 'Copied', exact: true }).waitFor()
  })

  it('shows of an attempt what was answered, with its headers', async () => {
    const { ill, at } = await lived()
    const { page } = await look(at(`endpoints/${ill.id}`))
    await page.getByRole('row').filter({ hasText: '500 · ' }).first().getByRole('link').click()
    await page.getByText('Headers of the response').first().click()
    const shown = page.getByRole('region', { name: 'Headers of the response' }).first()
    expect(await shown.textContent()).toBe('content-type: text/html\nserver: nginx\nx-request-id: req_7f3a')
  })

  it('shows a day by its hours, and each in words', async () => {
    const { ill, at } = await lived()
    const { page } = await look(at(`endpoints/${ill.id}`))
    const chart = page.getByRole('img', { name: /^Delivered: \d+, Waiting: \d+$/ })
    await chart.waitFor()
    expect(await chart.locator('title').count()).toBe(24)
  })

  it('shows of an event its fields, an example and its type', async () => {
    const { at } = await lived()
    const { page } = await look(at('events/booking.created'))
    await page.getByRole('row').filter({ hasText: 'guests[].name' }).waitFor()
    await page.getByRole('region', { name: 'Example' }).waitFor()
    await page.getByText('TypeScript').click()
    expect(await page.getByRole('region', { name: 'TypeScript' }).textContent()).toContain('"PENDING" | "PAID"')
    await page.getByText('Older versions that a webhook can ask for: 2025-06.').waitFor()
  })

  it('lets the people who run the sender see all accounts, and act for one', async () => {
    const made = world({ brand: { name: 'Tafel' } })
    const { ill, other } = await history(made)
    const address = await serve(made.portal)
    const { page, shoot } = await look(address, { session: 'operator' })
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.getByRole('row').filter({ hasText: 'globex' }).waitFor()
    await shoot('overview')
    await page.getByRole('link', { name: other.url }).click()
    await page.getByRole('heading', { name: other.url }).waitFor()
    await page.getByRole('row').filter({ hasText: 'note.left' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: other.url }).waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('link', { name: ill.url }).click()
    await page.getByRole('button', { name: 'Send again…' }).click()
    await page.getByText('There is nothing to send.').waitFor()
  })

  it('lets the people who run the sender send again, at all webhooks, what an outage of theirs cost', async () => {
    const made = world({ brand: { name: 'Tafel' } })
    const { well, other } = await history(made)
    const { answers, hooks, settle } = made
    for (const { url } of [well, other]) answers.set(new URL(url).hostname, () => ({ status: 410 }))
    for (const [tenant, type] of [
      ['acme', 'booking.cancelled'],
      ['globex', 'note.left'],
    ] as const)
      await hooks.send(type, { id: 'lost', text: 'lost' } as never, { tenant })
    await settle()
    for (const [tenant, { id }] of [
      ['acme', well],
      ['globex', other],
    ] as const)
      await hooks.endpoints.enable(tenant, id)
    for (const { url } of [well, other]) answers.set(new URL(url).hostname, () => ({ status: 200 }))
    const { page, shoot } = await look(await serve(made.portal), { session: 'operator' })
    await page.getByRole('button', { name: 'Send again everywhere…' }).click()
    await page.getByText(/^\d deliveries to send to \d webhooks\.$/).waitFor()
    await shoot('recover-all')
    await page.getByRole('button', { name: 'Send again', exact: true }).dblclick()
    await page.getByText(/^Begun at \d/).waitFor()
    expect((await hooks.jobs.list('acme')).data).toHaveLength(1)
    expect((await hooks.jobs.list('globex')).data).toHaveLength(1)
  })

  it('changes between the accounts that somebody has', async () => {
    const made = world({ authorize: () => ({ tenants: ['acme', 'globex'] }) })
    const { ill, other } = await history(made)
    const { page } = await look(await serve(made.portal))
    await page.getByRole('link', { name: ill.url }).waitFor()
    await page.getByLabel('Account').selectOption('globex')
    await page.getByRole('link', { name: other.url }).waitFor()
    expect(await page.getByRole('link', { name: ill.url }).count()).toBe(0)
  })

  it('looks as its brand: name, logo, colour and ways out', async () => {
    const logo = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="26"><rect width="90" height="26" rx="6" fill="#b45309"/></svg>')}`
    const made = world({ brand: { name: 'Bistro', logo, accent: '#b45309', links: [{ label: 'Back', url: '/' }] } })
    const { page, shoot } = await look(await serve(made.portal))
    await page.getByRole('link', { name: 'Add a webhook' }).waitFor()
    expect(await page.title()).toBe('Bistro')
    expect(await page.evaluate("document.querySelector('header img').naturalWidth")).toBe(90)
    const colour = await page.evaluate("getComputedStyle(document.querySelector('a.primary')).backgroundColor")
    expect(colour).toBe('rgb(180, 83, 9)')
    await shoot('brand')
  })

  it('shows itself in a frame of a site that may, with a portal link, and in no other', async () => {
    const made = world()
    const site = await listen((_, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(
        `<title>Host</title><link rel="icon" href="data:,"><iframe src="${framed}" width="1000" height="800"></iframe>`,
      )
    })
    closing.push(site)
    const frameAncestors = [`http://localhost:${site.port}`]
    const { portal } = world({ frameAncestors })
    let framed = ''
    const link = await portal.link({ tenant: 'globex' })
    framed = `${await serve(portal)}/${link}`
    const allowed = await look(`http://localhost:${site.port}/`, { session: null })
    await allowed.page.frameLocator('iframe').getByRole('heading', { name: 'No webhook yet' }).waitFor()
    takeOut(allowed.faults, /^asked /)
    framed = `${await serve(made.portal)}/${await made.portal.link({ tenant: 'globex' })}`
    const refused = await look(`http://localhost:${site.port}/`, { session: null })
    await expect.poll(() => refused.faults.some((one) => /frame-ancestors/.test(one))).toBe(true)
    expect(await refused.page.frameLocator('iframe').getByRole('heading').count()).toBe(0)
    takeOut(refused.faults, /frame-ancestors|^asked |ERR_BLOCKED/)
  })

  it.each(MODES)('is fit to be seen, $colorScheme, $width px wide', async (mode) => {
    const made = await lived()
    await checkScreens(await look(made.at(''), optionsOf(mode)), made.at, await screensOf(made), mode)
  })
})

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

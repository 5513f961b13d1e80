import { describe, expect, it } from 'vitest'
import type { Watched } from './portal/browser.ts'
import { browsing, skipped, takeOut } from './portal/browsing.ts'
import { onExpress } from './portal/hosts.ts'
import { history, world } from './portal/portal-world.ts'
import { checkScreens, MODES, optionsOf, screensOf } from './portal/screens.ts'

describe.skipIf(skipped)('the portal', () => {
  const { serve, look, lived } = browsing(onExpress)

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

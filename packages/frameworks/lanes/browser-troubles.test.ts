import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { browsing, MOUNT, skipped, takeOut } from './portal/browsing.ts'
import { onExpress } from './portal/hosts.ts'
import { history, world } from './portal/portal-world.ts'
import { NARROW_DARK, optionsOf } from './portal/screens.ts'

const BROKEN = 'Something failed on our side. Try again later.'

/** Lets the API answer what it never should. Returns what ends that. */
async function answering(page: Page, path: string, status: number, detail = BROKEN, code = 'internal') {
  const url = `**${MOUNT}/api/${path}`
  await page.route(url, (route) =>
    route.fulfill({
      status,
      contentType: 'application/problem+json',
      body: JSON.stringify({ status, code, title: 'No', detail }),
    }),
  )
  return () => page.unroute(url)
}

describe.skipIf(skipped)('the portal, where something goes wrong,', () => {
  const { serve, look, lived } = browsing(onExpress)

  it('says so in front of a dialog that is open, also on a phone', async () => {
    const { answers, hooks, settle, ill, at } = await lived()
    answers.set('staging.acme.example', () => ({ status: 410 }))
    await hooks.send('booking.cancelled', { id: 'b' }, { tenant: 'acme' })
    await settle()
    await hooks.endpoints.enable('acme', ill.id)
    const [failed] = (await hooks.deliveries.list('acme', { endpoint: ill.id, states: ['failed'] })).data
    const path = `endpoints/${ill.id}/deliveries/${failed?.id}`
    const { page, faults, shoot } = await look(at(path), optionsOf(NARROW_DARK))
    await answering(page, 'v1/deliveries/*/resend', 500)
    await page.getByRole('button', { name: 'Send again', exact: true }).click()
    const said = page.getByText(BROKEN)
    await said.waitFor()
    // What a dialog makes inert, nobody hears of either.
    expect(await page.getByRole('dialog').getByText(BROKEN).count()).toBe(1)
    const box = await said.boundingBox()
    const seen = await page.evaluate(
      `document.elementFromPoint(${(box?.x ?? 0) + 4}, ${(box?.y ?? 0) + 4}).textContent`,
    )
    expect(seen).toBe(BROKEN)
    await shoot('trouble-in-dialog')
    takeOut(faults, /status of 500/)
  })

  it('keeps what was read of a delivery while the API fails, and goes on when it is back', async () => {
    const { ill, at, hooks, answers, settle } = await lived()
    const [open] = (await hooks.deliveries.list('acme', { endpoint: ill.id, states: ['retrying'] })).data
    const { page, faults } = await look(at(`endpoints/${ill.id}/deliveries/${open?.id}`))
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Up to your server').waitFor()
    const end = await answering(page, `v1/deliveries/${open?.id}`, 500)
    await dialog.getByRole('alert').waitFor()
    expect(await dialog.getByText('Up to your server').count()).toBe(1)
    await end()
    answers.set('staging.acme.example', () => ({ status: 200 }))
    await hooks.deliveries.resend('acme', open?.id ?? '')
    await settle()
    await dialog.getByText('Your server took it.').waitFor()
    expect(await dialog.getByRole('alert').count()).toBe(0)
    takeOut(faults, /status of 500/)
  })

  it('keeps what was typed when the session ends, and saves it when there is one again', async () => {
    const { at, hooks } = await lived()
    const { page, faults } = await look(at('endpoints/new'))
    await page.getByLabel('URL').fill('https://new.acme.example/in')
    await page.getByLabel('Name').fill('Kitchen')
    const cookies = await page.context().cookies()
    await page.context().clearCookies()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Your session is over. Log in again in another tab, then try again here.').waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('Kitchen')
    await page.context().addCookies(cookies)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('region', { name: 'Your signing secret' }).waitFor()
    expect((await hooks.endpoints.list('acme')).data.map(({ name }) => name)).toContain('Kitchen')
    takeOut(faults, /status of 401/)
  })

  it('shows a new secret until somebody says that they have it, whatever is closed meanwhile', async () => {
    const { at, well, hooks } = await lived({
      authorize: () => ({ tenants: ['acme'], can: ['read', 'secret:rotate'] }),
    })
    const { page } = await look(at(`endpoints/${well.id}`))
    await page.getByText('More', { exact: true }).click()
    await page.getByRole('button', { name: 'New secret…' }).click()
    let go = () => {}
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    await page.route(`**${MOUNT}/api/v1/endpoints/*/rotate-secret`, async (route) => {
      await held
      await route.continue()
    })
    await page.getByRole('button', { name: 'Make a new secret' }).click()
    await page.keyboard.press('Escape')
    go()
    await page.getByRole('region', { name: 'Your signing secret' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'Events' }).click()
    await page.goBack()
    const [current] = await hooks.endpoints.secrets('acme', well.id)
    expect(await page.getByRole('textbox', { name: 'Secret' }).inputValue()).toBe(current?.secret)
    await page.getByRole('button', { name: 'I have copied it' }).click()
    expect(await page.getByRole('textbox', { name: 'Secret' }).count()).toBe(0)
  })

  it('can be tried again where it could not even open', async () => {
    const made = world()
    const address = await serve(made.portal)
    const { page, faults } = await look(address)
    await page.getByRole('heading', { name: 'No webhook yet' }).waitFor()
    const end = await answering(page, 'session', 500)
    await page.reload()
    await page.getByRole('alert').getByText(BROKEN).waitFor()
    await end()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'No webhook yet' }).waitFor()
    takeOut(faults, /status of 500/)
  })

  it('does not say of a delivery that it is not there when nobody could look', async () => {
    const { at, well } = await lived()
    const { page, faults } = await look(at(`endpoints/${well.id}`))
    await page.getByLabel('Find by id').fill('dlv_1')
    await answering(page, 'v1/deliveries/dlv_1', 500)
    await page.keyboard.press('Enter')
    await page.getByText(BROKEN).waitFor()
    expect(await page.getByText('There is no delivery with this id.').count()).toBe(0)
    takeOut(faults, /status of 500/)
  })

  it("counts its times by the server's clock where the computer's is wrong", async () => {
    const { at, ill, hooks, answers, settle } = await lived()
    answers.set('staging.acme.example', () => ({ status: 200 }))
    await hooks.send('booking.cancelled', { id: 'b' }, { tenant: 'acme' })
    await settle()
    const slow = await look(at(''))
    const fast = await look(at(''))
    await slow.page.clock.setSystemTime(Date.now() - 3 * 3_600_000)
    await fast.page.clock.setSystemTime(Date.now() + 3 * 3_600_000)
    for (const { page } of [slow, fast]) {
      await page.goto(at(`endpoints/${ill.id}`))
      await page.reload()
      await page
        .getByRole('row')
        .filter({ hasText: 'booking.cancelled' })
        .getByText(/^(now|\d+ seconds? ago)$/)
        .waitFor()
      await page.getByLabel('Since').selectOption('Last hour')
      await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
    }
  })

  it('stays with the account that was chosen, over a reload', async () => {
    const made = world({ authorize: () => ({ tenants: ['acme', 'globex'] }) })
    const { other } = await history(made)
    const { page } = await look(await serve(made.portal))
    await page.getByLabel('Account').selectOption('globex')
    await page.getByRole('link', { name: other.url }).click()
    await page.getByRole('heading', { name: other.url }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: other.url }).waitFor()
  })

  it("opens the link to another account's webhook in a new tab, for who may act for both", async () => {
    const made = world({ authorize: () => ({ tenants: ['acme', 'globex'] }) })
    const { ill, other } = await history(made)
    const address = await serve(made.portal)
    const { page } = await look(`${address}#/endpoints/${other.id}`)
    await page.getByRole('heading', { name: other.url }).waitFor()
    expect(await page.getByLabel('Account').inputValue()).toBe('globex')
    const { page: first } = await look(`${address}#/endpoints/${ill.id}`)
    await first.getByRole('heading', { name: ill.url }).waitFor()
    const { page: adding } = await look(`${address}#/endpoints/new`)
    await adding.getByLabel('Account').waitFor()
    expect(await adding.getByLabel('Account').inputValue()).toBe('acme')
  })

  it("is open to one's own session again when a portal link is over", async () => {
    const made = world()
    const { ill } = await history(made)
    const address = await serve(made.portal)
    const { page, faults } = await look(`${address}${await made.portal.link({ tenant: 'globex' })}`)
    await page.getByRole('link', { name: 'https://globex.example/in' }).waitFor()
    // Links are judged by the sender's clock.
    await page.evaluate(
      `for (const name of Object.keys(sessionStorage))
        sessionStorage.setItem(name, sessionStorage.getItem(name).slice(0, -3) + 'AAA')`,
    )
    await page.goto('about:blank')
    await page.goto(address)
    await page.getByRole('link', { name: ill.url }).waitFor()
    takeOut(faults, /status of 401/)
  })

  it('hears that a webhook was disabled while it was looked at', async () => {
    const { at, well, hooks } = await lived()
    const { page } = await look(at(`endpoints/${well.id}`))
    await page.getByRole('button', { name: 'Send a test' }).waitFor()
    await hooks.endpoints.disable('acme', well.id)
    await page.getByText('This webhook is disabled.').waitFor()
  })
})

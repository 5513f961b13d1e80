import { describe, expect, it } from 'vitest'
import { browsing, type Host, skipped, takeOut } from './browsing.ts'
import { checkScreens, NARROW_DARK, optionsOf, PATIENCE, screensOf, WIDE_LIGHT } from './screens.ts'

/** What holds of the portal whatever serves it. */
export function portalSuite(host: Host): void {
  describe.skipIf(skipped)(`the portal in a browser, over ${host.name}`, () => {
    const { look, lived } = browsing(host)

    it('shows every screen, with the slash at its end and without, and after a reload', async () => {
      const { ill, address } = await lived()
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

    it('is open to all: axe finds nothing serious on any screen, and nothing overflows', async () => {
      const made = await lived()
      const screens = await screensOf(made)
      for (const mode of [WIDE_LIGHT, NARROW_DARK])
        await checkScreens(await look(made.at(''), optionsOf(mode)), made.at, screens)
    })
  })
}

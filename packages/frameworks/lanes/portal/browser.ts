import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const PLACES = [
  process.env.HOOKS_TEST_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** Where a Chromium is; undefined where there is none. */
export const chromiumPath = PLACES.find((place) => place !== undefined && existsSync(place))

const SCREENS = process.env.HOOKS_SCREENSHOTS ?? join(tmpdir(), 'hooks-portal-screens')

export async function launch(): Promise<Browser> {
  if (!chromiumPath) throw new Error('no Chromium: install one, or name it in HOOKS_TEST_CHROMIUM')
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A page that remembers everything that went wrong in it. */
export interface Watched {
  readonly page: Page
  /** Console errors, uncaught errors, and what the policy forbade. */
  readonly faults: string[]
  shoot(name: string): Promise<void>
  close(): Promise<void>
}

export async function open(
  browser: Browser,
  address: string,
  { session = 'acme', ...options }: BrowserContextOptions & { readonly session?: string | null } = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, locale: 'en-GB', ...options })
  if (session !== null) await context.addCookies([{ name: 'session', value: session, url: new URL(address).origin }])
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol !== 'data:' && url.origin !== new URL(address).origin) faults.push(`asked ${url.origin}`)
  })
  await page.exposeFunction('reportViolation', (what: string) => faults.push(`policy: ${what}`))
  await page.addInitScript({
    content:
      "addEventListener('securitypolicyviolation', (e) => reportViolation(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample))",
  })
  await page.goto(address)
  return {
    page,
    faults,
    async shoot(name) {
      mkdirSync(SCREENS, { recursive: true })
      // A dialog is as large as what is seen of the page.
      const fullPage = (await page.locator('dialog[open]').count()) === 0
      await page.screenshot({ path: join(SCREENS, `${name}.png`), fullPage })
    },
    close: () => context.close(),
  }
}

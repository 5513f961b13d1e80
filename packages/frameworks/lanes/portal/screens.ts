import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { BrowserContextOptions } from 'playwright-core'
import { expect } from 'vitest'
import type { Watched } from './browser.ts'
import type { history, World } from './portal-world.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
export const PATIENCE = { timeout: 20_000 }

/** How a page can be looked at. */
export interface Mode {
  readonly colorScheme: 'light' | 'dark'
  readonly width: number
}

export const WIDE_LIGHT: Mode = { colorScheme: 'light', width: 1200 }
export const NARROW_DARK: Mode = { colorScheme: 'dark', width: 360 }
export const MODES: readonly Mode[] = [
  WIDE_LIGHT,
  { colorScheme: 'dark', width: 1200 },
  { colorScheme: 'light', width: 360 },
  NARROW_DARK,
]

/** For a page that axe is to look at: it is a script of another origin than the page's. */
export const optionsOf = ({ colorScheme, width }: Mode): BrowserContextOptions => ({
  colorScheme,
  viewport: { width, height: 900 },
  bypassCSP: true,
  reducedMotion: 'reduce',
})

/** The path of every screen, of a world with its history. */
export async function screensOf({ hooks, ill, off }: World & Awaited<ReturnType<typeof history>>) {
  const [delivery] = (await hooks.deliveries.list('acme', { endpoint: ill.id, states: ['retrying'] })).data
  return {
    endpoints: '',
    endpoint: `endpoints/${ill.id}`,
    off: `endpoints/${off.id}`,
    edit: `endpoints/${ill.id}/edit`,
    delivery: `endpoints/${ill.id}/deliveries/${delivery?.id}`,
    events: 'events',
    verify: 'verify',
  }
}

/** Nothing serious for axe, and nothing wider than the page, on any screen; with a picture of each where `pictures` is given. */
export async function checkScreens(
  { page, shoot }: Watched,
  at: (path: string) => string,
  screens: Readonly<Record<string, string>>,
  pictures?: Mode,
): Promise<void> {
  for (const [name, path] of Object.entries(screens)) {
    await page.goto(at(path))
    await expect.poll(() => page.locator('.loading').count(), PATIENCE).toBe(0)
    await page.locator(name === 'delivery' ? 'dialog .facts' : 'main h1').waitFor()
    if (pictures) await shoot(`${name}-${pictures.colorScheme}-${pictures.width}`)
    await page.evaluate(AXE)
    const { violations } = (await page.evaluate('axe.run()')) as { violations: readonly Violation[] }
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    expect(serious.map(({ id, nodes }) => [name, id, nodes[0]?.html, nodes[0]?.failureSummary])).toEqual([])
    const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect([name, wider]).toEqual([name, 0])
  }
}

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

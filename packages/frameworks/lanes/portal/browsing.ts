import type { Portal } from '@hooks/portal'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { Serving } from '../../test/hosts.ts'
import { chromiumPath, launch, open, type Watched } from './browser.ts'
import { history, type World, world } from './portal-world.ts'

/** Where the portal is mounted. */
export const MOUNT = '/settings/webhooks'

/** A server that has the portal at {@link MOUNT}. */
export interface Host {
  readonly name: string
  serve(portal: Portal): Promise<Serving>
}

export const skipped = !chromiumPath && process.env.CI !== 'true'
if (skipped) console.warn('no Chromium, so the portal is not looked at: install one, or name it in HOOKS_TEST_CHROMIUM')

/** A browser for the tests of a `describe`, and worlds to look at. Whatever a test is about, nothing may go wrong in any page. */
export function browsing(host: Host) {
  let browser: Browser
  const watched: Watched[] = []
  const serving: Serving[] = []
  beforeAll(async () => {
    if (!skipped) browser = await launch()
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    const faults = watched.flatMap((one) => one.faults)
    for (const { close } of watched.splice(0)) await close()
    for (const { close } of serving.splice(0)) await close()
    expect(faults).toEqual([])
  })

  async function serve(portal: Portal): Promise<string> {
    const served = await host.serve(portal)
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

  return { serve, look, lived }
}

/** Takes what a test expects out of what went wrong. */
export function takeOut(faults: string[], pattern: RegExp): void {
  expect(faults.some((one) => pattern.test(one))).toBe(true)
  faults.splice(0, faults.length, ...faults.filter((one) => !pattern.test(one)))
}

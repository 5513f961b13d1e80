import { ConfigurationError, equalBytes, type Ms } from '@hooks/core'
import type { RouteHandler } from './receiver.ts'

/** What a cron route needs of a sender. `createSender` of `@hooks/sender` makes one. */
export interface Drainable {
  drain(options: { readonly maxMs: Ms }): Promise<void>
}

/** Options of {@link nextCron}. */
export interface NextCronOptions {
  /**
   * What the scheduler sends as `Authorization: Bearer <secret>`: 16 characters or more of visible ASCII. A function is
   * asked at each request, for builds that have no secrets.
   */
  readonly secret: string | undefined | (() => string | undefined)
  /** How long one run may take: 8,000 by default. Keep it a second or more below the route's `maxDuration`. */
  readonly maxMs?: Ms
}

/** Schedulers ask with GET, as Vercel does, or with POST. */
export interface NextCron {
  readonly GET: RouteHandler
  readonly POST: RouteHandler
}

/** As Vercel recommends for `CRON_SECRET`. */
const LEAST_CHARACTERS = 16

/**
 * A route that a scheduler calls to deliver what is due, where no process stays to do it. Runs may overlap: no delivery
 * is claimed twice. It answers 200 when the run is over, and 401 to whoever does not know the secret; where the storage
 * fails it rejects, and Next.js answers 500.
 *
 * @throws ConfigurationError `secret_missing`, `secret_format`, `secret_too_short`; `option_invalid`
 * @example
 * // app/cron/route.ts
 * export const maxDuration = 10
 * export const { GET } = nextCron(hooks, { secret: process.env.CRON_SECRET })
 */
export function nextCron(hooks: Drainable, { secret, maxMs = 8_000 }: NextCronOptions): NextCron {
  if (!(Number.isFinite(maxMs) && maxMs > 0)) throw new ConfigurationError('option_invalid', 'maxMs is not above 0')
  if (typeof secret !== 'function') checkSecret(secret)
  const run: RouteHandler = async (request) => {
    // First: under `cacheComponents` a build calls the route to see whether it needs a request, and has no secrets.
    const [, token = ''] = /^bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
    const known = new TextEncoder().encode(checkSecret(typeof secret === 'function' ? secret() : secret))
    if (!equalBytes(new TextEncoder().encode(token), known)) {
      return Response.json({ error: 'unauthorized' }, { status: 401, headers: { 'www-authenticate': 'Bearer' } })
    }
    await hooks.drain({ maxMs })
    return Response.json({ drained: true })
  }
  return { GET: run, POST: run }
}

function checkSecret(secret: string | undefined): string {
  if (!secret) {
    throw new ConfigurationError('secret_missing', 'the cron route has no secret', {
      hint: 'set CRON_SECRET, without which anybody could call the route; for a build that has none, pass a function: () => process.env.CRON_SECRET',
    })
  }
  if (!/^[!-~]+$/.test(secret)) {
    throw new ConfigurationError('secret_format', 'the cron secret is not visible ASCII alone', {
      hint: 'does it end with a line break?',
    })
  }
  if (secret.length < LEAST_CHARACTERS) {
    throw new ConfigurationError('secret_too_short', `the cron secret has fewer than ${LEAST_CHARACTERS} characters`)
  }
  return secret
}

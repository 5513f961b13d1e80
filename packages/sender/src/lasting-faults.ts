import { type Clock, HooksError, type Logger, type Ms } from '@hooks/core'

/** What passes by nothing but the hand of whoever looks after the database. */
const LASTING: ReadonlySet<string> = new Set(['schema_missing', 'schema_outdated', 'schema_too_new', 'storage_denied'])
/** How often it is said that such a fault is still there. */
const STILL_EVERY: Ms = 300_000

/**
 * A logger that says a lasting fault once in full, and then a line every five minutes while it is met: each loop of a
 * sender meets it at each of its tries, twice a second.
 */
export function sayLastingFaultsOnce(logger: Logger, clock: Clock): Logger {
  const faults = new Map<string, { saidAt: Ms; metAt: Ms }>()
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error(fields, message) {
      const { error } = fields as { readonly error?: unknown }
      if (!(error instanceof HooksError && LASTING.has(error.code))) return logger.error(fields, message)
      const now = clock.monotonic()
      const fault = faults.get(error.code)
      if (!fault || now - fault.metAt >= STILL_EVERY) {
        faults.set(error.code, { saidAt: now, metAt: now })
        return logger.error(fields, message)
      }
      fault.metAt = now
      if (now - fault.saidAt < STILL_EVERY) return
      fault.saidAt = now
      logger.error({ code: error.code }, `hooks: nothing is delivered, for it is still so: ${error.message}`)
    },
  }
}

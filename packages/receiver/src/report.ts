import { consoleLogger, type Ms } from '@hooks/core'
import type { Kernel } from './kernel.ts'
import type { Seen } from './request.ts'
import type { Run } from './run.ts'

/** Tells the log of what failed or was dropped, and the host's metrics of every outcome. */
export function report(
  { onOutcome, logger, clock }: Kernel,
  ran: Run,
  { keyId, content }: Seen,
  status: number,
  from: Ms,
): void {
  const { outcome: code } = ran
  const { type, id } = content ?? {}
  const level = 'error' in ran ? (status < 500 || code === 'retry_later' ? 'warn' : 'error') : 'info'
  // Unasked, the console is told of the host's own failures, which nobody would see else, and never of what strangers send,
  // who could fill it.
  const log = logger ?? (status < 500 && (status > 399 || !keyId) ? undefined : consoleLogger)
  quietly(() => {
    if (level !== 'info' || code === 'unknown_event')
      log?.[level]({ code, type, id, err: ran.error }, `webhook: ${code}`)
  })
  quietly(() => onOutcome?.({ code, type, id, keyId, ms: clock.monotonic() - from }))
}

/** A log that is full, or a metric that fails, keeps no sender waiting. */
function quietly(tell: () => void) {
  try {
    tell()
  } catch {
    // Nobody is left to be told.
  }
}

import type { Events, Logger, PayloadError } from '@hooks/core'

/**
 * Says which examples of a catalog do not fit their own schema: a test of the event would be refused, and the
 * documentation would be wrong. Schemas may be asynchronous, so this comes after the start, and holds up nothing.
 */
export async function tellOfWrongExamples(events: Events, logger: Logger): Promise<void> {
  for (const { type, example } of events.all) {
    if (example === undefined) continue
    const failure = await events.parse(type, example).then(
      () => undefined,
      (error: PayloadError) => error,
    )
    if (failure) logger.warn({ issues: failure.issues }, `hooks: the example of "${type}" does not fit its schema`)
  }
}

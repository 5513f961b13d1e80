import { type Events, type Logger, wrongExamples } from '@hooks/core'

/** Says which examples of a catalog do not fit their schema. Schemas may be asynchronous, so this comes after the start, and holds up nothing. */
export async function tellOfWrongExamples(events: Events, logger: Logger): Promise<void> {
  for await (const { type, issues } of wrongExamples(events))
    logger.warn({ issues }, `hooks: the example of "${type}" does not fit its schema`)
}

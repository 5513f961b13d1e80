import type { PayloadError, PayloadIssue } from './errors.ts'
import type { Events } from './events.ts'

/** An example of a catalog that does not fit its own schema, and what its schema says, without the values. */
export interface WrongExample {
  readonly type: string
  /** None where the schema failed by itself. */
  readonly issues: readonly PayloadIssue[]
}

/** The examples that do not fit: a test of such an event is refused, and documentation that is made of it is wrong. It never throws. */
export async function* wrongExamples(events: Events): AsyncGenerator<WrongExample> {
  for (const { type, example } of events.all) {
    if (example === undefined) continue
    const issues = await events.parse(type, example).then(
      () => undefined,
      (error: Partial<PayloadError> | undefined) => error?.issues ?? [],
    )
    if (issues) yield { type, issues }
  }
}

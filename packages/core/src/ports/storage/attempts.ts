import type { Ms } from '../../seams.ts'

/** Why an attempt is made: by schedule, or because a person asked. */
export type Trigger = 'schedule' | 'manual'

/** What an attempt found. */
export interface AttemptReport {
  readonly ms: Ms
  /** The HTTP status, where there was an answer. */
  readonly status?: number
  /** A stable code, where there was none. `request_invalid` says nothing of the endpoint: it was never asked. */
  readonly error?: string
  /** One sentence on it, for the endpoint's owner. */
  readonly detail?: string
  /** The beginning of the response, as text. */
  readonly response?: string
  /** Some headers of the response, their names in lower case; never cookies. */
  readonly responseHeaders?: Readonly<Record<string, string>>
  readonly trigger: Trigger
}

/** An attempt as it is logged. One whose worker died has the error `lost` and the number of the attempt that it would have been. */
export interface AttemptRecord extends AttemptReport {
  readonly n: number
  readonly at: Date
}

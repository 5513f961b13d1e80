import { type ApiShape, faultOf } from './api-shape.ts'
import type { Duration } from './duration.ts'
import { ConfigurationError } from './errors.ts'
import type { EventDefinitions, Events } from './events.ts'
import type { WireFormat } from './format.ts'
import { checkOptions, kind, type OptionsRule, oneOf, withMethods } from './options.ts'
import { standardWebhooks } from './standard-webhooks.ts'

/** The first letters of ids, which some products print in bodies and headers. */
export interface IdPrefixes {
  /** `msg_` by default. */
  readonly message?: string
  /** `ep_` by default. */
  readonly endpoint?: string
  /** `dlv_` by default. */
  readonly delivery?: string
}

/** How deliveries are tried: what a product promises its customers. */
export interface DeliveryPolicy {
  /**
   * The delay before each attempt, counted from the end of the one before. Its length is the number of attempts. The first is
   * made at once: 0.
   */
  readonly retry?: readonly Duration[]
  /** The most that is added to a delay, as a part of it: 0.2 by default, 0 for exact times. Never earlier. */
  readonly jitter?: number
  /** One attempt, from DNS to the status line: 15 s by default. */
  readonly deadline?: Duration
  /** How long a delivery lives: 5 days by default. */
  readonly maxAge?: Duration
  /**
   * What an answer means. `default`: 2xx succeeds, 410 ends and disables the endpoint, all else is retried.
   * `non2xx-retries`: all but 2xx is retried, 410 too, and the header `webhook-delivery` means nothing. `strict4xx`: 4xx
   * ends, but for 408, 409, 425, 429. A function decides for itself, and leaves to `default` what it gives no answer to.
   */
  readonly classify?: 'default' | 'non2xx-retries' | 'strict4xx' | Classifier
  /**
   * Whether an endpoint's own state changes when its deliveries are tried: 429, 502, 503 and 504 hold it as a whole, a
   * time-out or a 429 lowers its concurrency, and many failures in a row break it off. True by default; with false every
   * delivery keeps its own times, and `Retry-After` means nothing.
   */
  readonly pace?: boolean
  /**
   * When so many attempts in a row have failed, the endpoint is left alone, then tried with one request at a time, until
   * one succeeds. What is waiting loses no attempt meanwhile. 10 failures, 30 s and then twice as long each time, 5 min
   * at most by default; false for never.
   */
  readonly breaker?: false | { readonly after?: number; readonly hold?: Duration; readonly longestHold?: Duration }
  /**
   * When an endpoint is disabled by the sender itself; what it misses is recorded as skipped and can be sent later.
   * Default: `{ noSuccessFor: '5d' }`.
   */
  readonly disable?: DisablePolicy
  /**
   * How long after such a disabling the endpoint is enabled again for a try: its first failure disables it again. Only by
   * hand by default. A 410 is never tried again.
   */
  readonly probeAfter?: Duration
}

/** What an attempt was answered with. */
export interface ClassifiedAnswer {
  /** The HTTP status; undefined where there was no answer. */
  readonly status?: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** A stable code, where there was no answer. */
  readonly error?: string
  /** The event type. */
  readonly type: string
}

/**
 * What an answer means: `delivered`, `retry`, `failed` (no more attempts), `disable` (no more attempts, and the
 * endpoint is disabled). It sees no body: the status line decides.
 */
export type Classifier = (answer: ClassifiedAnswer) => 'delivered' | 'retry' | 'failed' | 'disable' | undefined

/**
 * - `never`.
 * - `noSuccessFor`: no success for so long, at least 10 failed attempts, the first and the last at least 12 h apart. The
 *   host is told a day after the first failure (`endpoint.failing`) and three days after it
 *   (`endpoint.disable_scheduled`).
 * - `afterExhausted`: so many deliveries whose schedule ran out, with no success between.
 * - `afterFailures`: so many failed attempts, of whatever deliveries, with no success between.
 */
export type DisablePolicy =
  | 'never'
  | { readonly noSuccessFor: Duration; readonly leastFailures?: number; readonly leastSpan?: Duration }
  | { readonly afterExhausted: number }
  | { readonly afterFailures: number }

/** What a receiver answers, by outcome: status, and the body as text or as JSON. */
export type Answers = Readonly<
  Record<string, readonly [status: number, body?: string | Readonly<Record<string, unknown>>]>
>

/** What {@link defineContract} takes. */
export interface ContractOptions<D extends EventDefinitions> {
  readonly events: Events<D>
  /** {@link standardWebhooks} by default. */
  readonly format?: WireFormat
  readonly ids?: IdPrefixes
  readonly policy?: DeliveryPolicy
  /** Where the product has promised its customers a management API of its own shape. */
  readonly api?: ApiShape
  readonly answers?: Answers
}

/** What both sides of a webhook agree on, in one file that either imports. */
// biome-ignore lint/suspicious/noExplicitAny: any other default would leave no contract assignable to a plain `Contract`
export interface Contract<D extends EventDefinitions = any> {
  readonly events: Events<D>
  readonly format: WireFormat
  readonly ids: Required<IdPrefixes>
  readonly policy: DeliveryPolicy
  readonly api: ApiShape
  readonly answers: Answers
}

// Functions: a bundler keeps what is made as a file is loaded.
const rule = (): OptionsRule<keyof ContractOptions<EventDefinitions>> => ({
  of: 'defineContract',
  code: 'contract_invalid',
  needs: ['events'],
  kinds: {
    events: withMethods('what defineEvents gives', 'get', 'covers', 'parse'),
    format: withMethods('a wire format, such as standardWebhooks()', 'compose', 'seal', 'keys'),
    ids: kind.textByName,
    policy: kind.object,
    api: kind.object,
    answers: kind.object,
  },
})

/** Their values are judged where they are read. */
const policyRule = (): OptionsRule<keyof DeliveryPolicy> => ({
  of: 'policy',
  code: 'contract_invalid',
  kinds: {
    retry: { words: 'a list of durations, such as ["0s", "1m"]', fits: (value) => Array.isArray(value) },
    jitter: { words: 'a number', fits: (value) => typeof value === 'number' },
    deadline: kind.duration,
    maxAge: kind.duration,
    classify: {
      words: 'a function, "default", "non2xx-retries" or "strict4xx"',
      fits: (value) => kind.function.fits(value) || oneOf('default', 'non2xx-retries', 'strict4xx').fits(value),
    },
    pace: kind.flag,
    breaker: { words: 'false or an object', fits: (value) => value === false || kind.object.fits(value) },
    disable: { words: '"never" or an object', fits: (value) => value === 'never' || kind.object.fits(value) },
    probeAfter: kind.duration,
  },
})

/**
 * Writes down a contract: events, wire format, ids, policy, answers.
 *
 * @throws ConfigurationError `contract_invalid`
 * @example
 * export const contract = defineContract({ events })   // Standard Webhooks and the default policy
 */
export function defineContract<D extends EventDefinitions>(options: ContractOptions<D>): Contract<D> {
  checkOptions(options, rule())
  if (options.policy) checkOptions(options.policy, policyRule())
  const ids = { message: 'msg_', endpoint: 'ep_', delivery: 'dlv_', ...options.ids }
  for (const [kind, prefix] of Object.entries(ids)) {
    if (/^[A-Za-z0-9_-]{0,32}$/.test(prefix)) continue
    throw new ConfigurationError('contract_invalid', `the prefix of ${kind} ids is not one`, {
      hint: 'use at most 32 letters, digits, "_" and "-": ids stand in headers',
    })
  }
  const fault = faultOf(options.api ?? {})
  if (fault !== undefined) throw new ConfigurationError('contract_invalid', fault)
  return {
    events: options.events,
    format: options.format ?? standardWebhooks(),
    ids,
    policy: options.policy ?? {},
    api: options.api ?? {},
    answers: options.answers ?? {},
  }
}

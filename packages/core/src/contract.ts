import { type ApiShape, faultOf } from './api-shape.ts'
import type { Duration } from './duration.ts'
import { ConfigurationError } from './errors.ts'
import type { EventDefinitions, Events } from './events.ts'
import type { WireFormat } from './format.ts'
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
  /** The delay before each attempt, counted from the end of the one before. Its length is the number of attempts. */
  readonly retry?: readonly Duration[]
  /** The most that is added to a delay, as a part of it: 0.2 by default, 0 for exact times. Never earlier. */
  readonly jitter?: number
  /** One attempt, from DNS to the status line: 15 s by default. */
  readonly deadline?: Duration
  /** How long a delivery lives: 5 days by default. */
  readonly maxAge?: Duration
  /**
   * What an answer means. `default`: 2xx succeeds, 410 ends and disables the endpoint, all else is retried.
   * `non2xx-retries`: all but 2xx is retried, 410 too. `strict4xx`: 4xx ends, but for 408, 409, 425, 429.
   */
  readonly classify?: 'default' | 'non2xx-retries' | 'strict4xx'
  /** Whether 429, 502, 503 and 504 hold the whole endpoint, and not this delivery alone: true by default. */
  readonly pace?: boolean
}

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

/**
 * Writes down a contract: events, wire format, ids, policy, answers.
 *
 * @throws ConfigurationError `contract_invalid`
 * @example
 * export const contract = defineContract({ events })   // Standard Webhooks and the default policy
 */
export function defineContract<D extends EventDefinitions>(options: ContractOptions<D>): Contract<D> {
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

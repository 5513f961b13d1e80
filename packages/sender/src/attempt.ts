import {
  type AttemptReport,
  type Bytes,
  type DeliveryLease,
  type DeliveryOutcome,
  type Events,
  isHooksError,
  type Ms,
  type OutgoingAttempt,
  platformCrypto,
  type Seams,
  type WireFormat,
} from '@hooks/core'
import { classify, type Verdict } from './classify.ts'
import type { Destination } from './destination.ts'
import { composedAs } from './payload.ts'
import type { Policy } from './policy.ts'
import { nextDelay } from './schedule.ts'
import type { Answer, Transport } from './seams.ts'

/** What {@link createAttempt} needs. */
export interface AttemptOptions extends Seams {
  readonly format: WireFormat
  /** A second format that signs as well, where the endpoint has a secret for it. */
  readonly alsoSign?: WireFormat | undefined
  readonly events: Events
  readonly policy: Policy
  readonly transport: Transport
  readonly destination: (endpoint: DeliveryLease['endpoint'], now: Date) => Destination
  readonly userAgent: string
}

/** An attempt's outcome, and what it means for the endpoint. */
export interface Attempted {
  readonly outcome: DeliveryOutcome
  /** The endpoint as a whole asks to be left alone for this long. */
  readonly holdMs?: Ms | null
  /** Why the endpoint is to be disabled. */
  readonly disable?: string
  /** It has more to do than it can: it said so, or did not answer in time. */
  readonly overloaded?: boolean
}

/** An attempt that was not made, which is no fault of its endpoint's: it is given back, and costs its delivery nothing. */
export type NotMade =
  /** Its secrets cannot be read, or none signs. */
  | { readonly lacks: 'secrets' }
  /** This process has no socket, no memory, no name server, or no transport any more. */
  | { readonly lacks: 'means'; readonly error: string; readonly detail: string }

/** What of an {@link Answer} is no word on the endpoint: it was never asked. */
const OURS: ReadonlySet<string> = new Set(['sender_resources', 'transport_closed'])

/** Claims without a settlement after which a delivery is taken to end its worker each time. */
const MOST_CLAIMS = 5

/**
 * One attempt: compose, seal, send, classify. It never rejects, and is over at the earlier of the policy's
 * deadline and `endsAt`.
 */
export function createAttempt(
  options: AttemptOptions,
): (lease: DeliveryLease, endsAt: Ms) => Promise<Attempted | NotMade> {
  const { clock, format, alsoSign, policy, logger } = options
  const crypto = platformCrypto()

  async function send(lease: DeliveryLease, endsAt: Ms): Promise<Answer | null> {
    const { endpoint } = lease
    try {
      const sentAt = clock.now()
      const { url, keys, alsoKeys, headers } = options.destination(endpoint, sentAt)
      const delivery = composedAs(lease.delivery, lease.variant, options.events)
      const { body: composed, contentType } = format.compose(delivery)
      const attempt: OutgoingAttempt = {
        // Not `...delivery`: in Node.js 20 an extended copy is of a shape of its own, and costs as much as the signature.
        message: delivery.message,
        endpoint: delivery.endpoint,
        delivery: delivery.delivery,
        attempt: lease.attempt,
        sentAt,
        body: bytesOf(composed),
      }
      const sealed = await format.seal(attempt, keys, crypto)
      const also = alsoSign && alsoKeys.length > 0 ? await alsoSign.seal(attempt, alsoKeys, crypto) : {}
      const body = format.sealBody ? bytesOf(await format.sealBody(attempt, keys, crypto)) : attempt.body
      return await options.transport.send({
        url,
        headers: {
          'user-agent': options.userAgent,
          // What decides about the request comes after what the endpoint adds to it.
          ...headers,
          'content-type': contentType,
          'accept-encoding': 'identity',
          ...also,
          ...sealed,
        },
        body,
        deadline: Math.min(clock.monotonic() + policy.deadlineMs, endsAt),
      })
    } catch (error) {
      const told = { error, delivery: lease.key, endpoint: endpoint.id, type: lease.delivery.message.type }
      logger.error(told, 'hooks: a request could not be made; its endpoint is not to blame, and it is tried again')
      if (isHooksError(error, 'secret_sealed') || isHooksError(error, 'secret_missing')) return null
      return { ms: 0, sent: false, error: 'request_invalid', detail: 'The sender could not make the request.' }
    }
  }

  return async (lease, endsAt) => {
    // What was open, or in flight, when its endpoint was disabled.
    if (lease.endpoint.state === 'disabled') return { outcome: { result: 'skipped', reason: 'endpoint_disabled' } }
    if (lease.claims > MOST_CLAIMS) return { outcome: { result: 'failed', reason: 'poison' } }
    const answer = await send(lease, endsAt)
    if (answer === null) return { lacks: 'secrets' }
    if ('error' in answer && !answer.sent && OURS.has(answer.error)) {
      const { error, detail } = answer
      return { lacks: 'means', error, detail }
    }
    const verdict = judge(answer, lease)
    const attempt = report(answer, lease)
    const disable = verdict.disable && { disable: verdict.disable }
    if (verdict.result === 'delivered') return { outcome: { result: 'delivered', attempt }, ...disable }
    if (verdict.result === 'failed')
      return { outcome: { result: 'failed', reason: verdict.reason, attempt }, ...disable }
    return { outcome: retry(verdict, attempt, lease), holdMs: verdict.holdMs, overloaded: isOverload(answer) }
  }

  function judge(answer: Answer, { step, delivery }: DeliveryLease): Verdict {
    const { type } = delivery.message
    try {
      return classify(answer, policy, step, clock.now(), type)
    } catch (error) {
      logger.error({ error, type }, 'hooks: `policy.classify` failed; the answer counts as it does by default')
      return classify(answer, { ...policy, classify: 'default' }, step, clock.now(), type)
    }
  }

  function retry(
    verdict: Verdict & { result: 'retry' },
    attempt: AttemptReport,
    lease: DeliveryLease,
  ): DeliveryOutcome {
    const retryInMs = nextDelay(policy, lease.step + 1, lease.ageMs + attempt.ms, verdict.hintMs, options.random)
    return retryInMs === null
      ? { result: 'failed', reason: 'exhausted', attempt }
      : { result: 'retry', retryInMs, attempt }
  }
}

const bytesOf = (body: string | Bytes): Bytes => (typeof body === 'string' ? Buffer.from(body) : body)

const isOverload = (answer: Answer): boolean =>
  'status' in answer ? answer.status === 429 : answer.error.endsWith('_timeout')

const lenient = new TextDecoder()

function report(answer: Answer, { trigger }: DeliveryLease): AttemptReport {
  const ms = Math.round(answer.ms)
  if (!('status' in answer)) return { ms, trigger, error: answer.error, detail: answer.detail }
  const { status, headers, body } = answer
  return {
    ms,
    trigger,
    status,
    // PostgreSQL's text holds no NUL, and nobody misses it.
    ...(body.length > 0 && { response: lenient.decode(body).replaceAll('\0', '\uFFFD') }),
    ...(Object.keys(headers).length > 0 && { responseHeaders: headers }),
  }
}

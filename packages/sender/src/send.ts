import {
  ConfigurationError,
  type Contract,
  checkOptions,
  type Duration,
  type EventType,
  type Kind,
  kind,
  type Ms,
  type NewMessage,
  newId,
  type OptionsRule,
  PayloadError,
  type PutResult,
  payloadIssues,
  type Seams,
  type StandardResult,
  type Storage,
  toMs,
} from '@hooks/core'
import { checkIdempotencyKey, LONGEST_KEY } from './keyed-id.ts'
import { needs } from './lacks.ts'
import { nearest } from './nearest.ts'
import { serialise } from './serialise.ts'
import { withStorageRetry } from './storage-retry.ts'
import { checkTenant } from './tenant.ts'

/** How a message is sent. */
export interface SendOptions<Tx = unknown> {
  /** Whose endpoints get it. */
  readonly tenant: string
  /** The host's transaction: the message exists if and only if that commits. */
  readonly tx?: Tx
  /**
   * The same key again, within 7 days, is the same message: with the same type and data the first one is returned,
   * with others it is `idempotency_conflict`.
   */
  readonly idempotencyKey?: string
  /**
   * Messages of one key reach each endpoint one after the other, in the order in which they were sent: the next starts
   * when the one before has been delivered or given up. Messages of concurrent transactions have no order. Not together
   * with `deliverAt`.
   */
  readonly orderingKey?: string
  /** Only endpoints of one of these channels, and endpoints without channels. */
  readonly channels?: readonly string[]
  /** Not before this time. */
  readonly deliverAt?: Date
  /** Only these endpoints, whatever they subscribed to. */
  readonly endpoints?: readonly string[]
  /** When the event happened: now by default. */
  readonly occurredAt?: Date
}

/** One message of `sendMany`. */
export interface Outgoing<Type extends string = string, Data = unknown> extends Omit<SendOptions, 'tx'> {
  readonly type: Type
  readonly data: Data
}

/** What became of a send. */
export interface Sent {
  /** The message's id: the `webhook-id` of every delivery of it. */
  readonly id: string
  /** It was sent before, under the same idempotency key. */
  readonly duplicate: boolean
}

/** The most messages of one `sendMany`. */
export const MOST_MESSAGES = 1_000
/** ISO 8601 has four digits for a year, and what reads it at the other end may have no more. */
const [FIRST_TIME, LAST_TIME] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')]
const time: Kind = {
  words: 'a valid Date of the years 1 to 9999',
  fits: (value) => kind.time.fits(value) && +(value as Date) >= FIRST_TIME && +(value as Date) <= LAST_TIME,
}
const RULE: OptionsRule<keyof Outgoing | 'tx'> = {
  of: 'send',
  kinds: {
    // These are judged by themselves, with codes of their own.
    type: kind.any,
    data: kind.any,
    tenant: kind.any,
    idempotencyKey: kind.any,
    orderingKey: kind.any,
    tx: kind.any,
    channels: kind.texts,
    endpoints: kind.texts,
    deliverAt: time,
    occurredAt: time,
  },
}
const IDEMPOTENCY_KEEP = '7d' satisfies Duration

/** What sending does before and after storing. `kick` is called when messages are stored; `tx` tells that they may not be committed yet. */
export interface SendingOptions extends Seams {
  readonly contract: Contract
  readonly storage: Storage
  readonly kick: (tx: boolean) => void
  /** How long a message waits at an endpoint for the one before it of its ordering key; null for as long as it takes. */
  readonly orderingWaitMs: Ms | null
}

/** Sends messages: catalog check, one serialisation, one insert. Nothing else happens in the host's transaction. */
export function createSending(options: SendingOptions) {
  const { contract, storage, clock, random, logger, kick } = options
  const seams = { clock, random, logger }

  function catalogued(type: string): EventType {
    const event = contract.events.get(type)
    if (event) return event
    throw new PayloadError('event_type_unknown', `"${String(type).slice(0, 128)}" is no event type of the catalog`, {
      hint: `correct the name, or add it to defineEvents, which has ${nearest(String(type).slice(0, 128), contract.events.types)}`,
    })
  }

  function judge(type: string, data: unknown, result: StandardResult<unknown>): void {
    if (!result.issues) return
    const issues = payloadIssues(result.issues, data)
    const first = issues[0]
    throw new PayloadError(
      'payload_invalid',
      `the data of "${type}" does not fit its schema${first ? `: ${first.path || 'it'}: ${first.message}` : ''}`,
      { issues },
    )
  }

  function validate(type: string, data: unknown): void | Promise<void> {
    const result = catalogued(type).schema?.['~standard'].validate(data)
    if (result === undefined) return
    // By what it does: a schema may be of another realm, and its promise with it.
    if ('then' in result) return Promise.resolve(result).then((done) => judge(type, data, done))
    judge(type, data, result)
  }

  function compose({ type, data, tenant, occurredAt, ...rest }: Outgoing): NewMessage {
    checkTenant(tenant)
    const text = serialise(data)
    contract.format.check?.(type, data)
    const now = clock.now()
    const { idempotencyKey, orderingKey, channels, endpoints, deliverAt } = rest
    if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey)
    if (orderingKey !== undefined) checkOrdering(orderingKey, deliverAt)
    return {
      id: newId(contract.ids.message, clock, random),
      type,
      tenant,
      occurredAt: occurredAt ?? now,
      data: text,
      ...(idempotencyKey !== undefined && { idempotencyKey, idempotencyKeepMs: toMs(IDEMPOTENCY_KEEP, 'keep') }),
      ...(orderingKey !== undefined && { orderingKey }),
      ...(orderingKey !== undefined && options.orderingWaitMs !== null && { orderingWaitMs: options.orderingWaitMs }),
      ...(channels && { channels }),
      ...(endpoints && { endpoints }),
      ...(deliverAt && { dueInMs: Math.max(0, deliverAt.getTime() - now.getTime()) }),
    }
  }

  function checkOrdering(key: unknown, deliverAt: Date | undefined): void {
    needs(storage, 'order')
    if (typeof key !== 'string' || key === '' || key.length > LONGEST_KEY) {
      throw new PayloadError('ordering_key_invalid', `an ordering key is text of 1 to ${LONGEST_KEY} characters`)
    }
    if (deliverAt === undefined) return
    throw new ConfigurationError('option_invalid', 'a message has either an ordering key or a time, not both', {
      hint: 'those behind it would have to wait for that time',
    })
  }

  function conclude(results: readonly PutResult[], tx: boolean): Sent[] {
    if (results.some(({ outcome }) => outcome === 'created')) kick(tx)
    if (results.some(({ outcome }) => outcome === 'conflict')) {
      throw new PayloadError('idempotency_conflict', 'the idempotency key was used for another message', {
        hint: 'use a key that names this event, such as the id of the row that caused it',
      })
    }
    return results.map(({ id, outcome }) => ({ id, duplicate: outcome === 'duplicate' }))
  }

  return {
    async sendMany(messages: readonly Outgoing[], tx: unknown): Promise<Sent[]> {
      if (tx !== undefined && storage.facts.tx !== 'async') {
        throw new ConfigurationError('tx_unsupported', 'this storage cannot take part in a transaction from `send`', {
          hint:
            storage.facts.tx === 'sync'
              ? 'use sendSync(...) inside a synchronous transaction: it has written, or thrown, before it returns'
              : 'send without `tx`, or use a storage of the database that the transaction is in',
        })
      }
      checkMessages(messages)
      for (const { type, data } of messages) await validate(type, data)
      const composed = messages.map(compose)
      const results =
        tx === undefined ? await withStorageRetry(() => storage.put(composed), seams) : await storage.put(composed, tx)
      return conclude(results, tx !== undefined)
    },

    sendManySync(messages: readonly Outgoing[], tx: unknown): Sent[] {
      if (storage.facts.tx === 'async') {
        throw new ConfigurationError('tx_unsupported', 'this storage is not synchronous', {
          hint: 'use `await send(...)`',
        })
      }
      if (storage.facts.tx === 'sync' && tx === undefined) {
        throw new ConfigurationError('tx_unsupported', 'sendSync needs `tx`: your own handle', {
          hint: 'without a transaction, `await send(...)` waits for a locked database; sendSync could not',
        })
      }
      checkMessages(messages)
      for (const { type, data } of messages) {
        const pending = validate(type, data)
        if (!pending) continue
        // It is refused whatever it finds, so its verdict must not become an unhandled rejection.
        pending.catch(() => {})
        throw new ConfigurationError('schema_async', `the schema of "${type}" validates asynchronously`, {
          hint: 'sendSync needs schemas without async refinements',
        })
      }
      const results = storage.put(messages.map(compose), tx)
      if (results instanceof Promise) {
        results.catch(() => {})
        throw new ConfigurationError('tx_unsupported', 'this storage did not write synchronously', {
          hint: 'use `await send(...)`',
        })
      }
      return conclude(results, tx !== undefined)
    },
  }
}

function checkMessages(messages: readonly Outgoing[]): void {
  if (Array.isArray(messages) && messages.length >= 1 && messages.length <= MOST_MESSAGES) {
    for (const message of messages) checkOptions(message, RULE)
    return
  }
  throw new ConfigurationError('option_invalid', `sendMany takes a list of 1 to ${MOST_MESSAGES} messages`, {
    hint: 'send them in several calls',
  })
}

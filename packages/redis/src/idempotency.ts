import {
  type Applied,
  type Begun,
  type Clock,
  ConfigurationError,
  checkOptions,
  createTimeouts,
  type IdempotencyStore,
  kind,
  type LeaseRef,
  type Ms,
  type OptionsRule,
  type Random,
  systemClock,
  systemRandom,
} from '@hooks/core'
import { isClient, type RedisClient, runScript, type Script } from './client.ts'
import { closed, storageError, timedOut } from './failures.ts'
import { ABANDON, BEGIN, COMPLETE, COMPLETED_WITHIN, EXTEND } from './scripts.ts'

/** Options of {@link redisIdempotency}. */
export interface RedisIdempotencyOptions {
  /**
   * The host's own, of ioredis or node-redis, connected. The store neither connects nor closes it. One of node-redis ends
   * the process when Redis goes away, unless the host listens to its `error` events.
   */
  readonly client: RedisClient
  /** What its keys begin with. Default: `hooks:` */
  readonly prefix?: string
  /**
   * How long an answer is waited for, in ms; after that the call fails with `storage_unavailable`. Default: 2000.
   * Clients by themselves wait for as long as they reconnect.
   */
  readonly timeoutMs?: Ms
  /** For `timeoutMs` alone: what is due, the server's clock decides. Default: the machine's. */
  readonly clock?: Clock
  /** Where lease tokens come from. Default: the platform's random source. */
  readonly random?: Random
}

const TOKEN_BYTES = 12
const RULE: OptionsRule<keyof RedisIdempotencyOptions> = {
  of: 'redisIdempotency',
  kinds: {
    // Judged by itself, with a hint of its own.
    client: kind.any,
    prefix: kind.text,
    timeoutMs: kind.ms,
    clock: kind.clock,
    random: kind.random,
  },
}
/** How long a claim that came to nothing can still be completed, and its count of crashes is known. */
const UNFINISHED_MS: Ms = 86_400_000
/**
 * Calls that were given up and still wait in the client, which sends them once Redis is back. More are not added: they
 * take memory for as long as Redis is away, and claim what nobody works on when it is back.
 */
const MOST_LEFT = 1_000
/** The longest time that is kept: what `Infinity` is stored as. */
const LONGEST_MS: Ms = 1e15

/**
 * An idempotency store in Redis, for any number of processes and machines. It keeps keys and no requests: it is no inbox,
 * and takes part in no transaction.
 *
 * Each call is one script on one key, so it is atomic, and works on a cluster. Time is the server's. Redis drops a key by
 * itself once its retention is over, so `prune` has nothing to do. Redis 5 or newer, or Valkey.
 *
 * It is as durable as the server: one that loses its memory, evicts keys, or fails over to a replica that lagged, forgets
 * what was handled, and a message that comes again is handled again. Use `maxmemory-policy noeviction`. What is in the
 * middle of its work is told to the server again, unless another has claimed it meanwhile.
 *
 * Errors: `storage_unavailable`, also where no answer came within `timeoutMs`, or where 1,000 calls still wait for one in
 * the client, `storage_full`, `storage_closed`.
 *
 * @throws ConfigurationError `option_invalid`: a wrong option, or the client is neither of ioredis nor of node-redis
 * @example
 * const receiver = createReceiver({ contract, secret, idempotency: redisIdempotency({ client: new Redis() }) })
 */
export function redisIdempotency(options: RedisIdempotencyOptions): IdempotencyStore {
  checkOptions(options, RULE)
  const { client, prefix = 'hooks:', timeoutMs = 2_000, clock = systemClock, random = systemRandom } = options
  if (!isClient(client)) {
    throw new ConfigurationError('option_invalid', 'the client is neither of ioredis nor of node-redis', {
      hint: 'redisIdempotency({ client: new Redis(url) }), or { client: await createClient({ url }).on("error", log).connect() }',
    })
  }
  const timeouts = createTimeouts(clock, timeoutMs, () => timedOut(timeoutMs))
  /** What this store gave, so that a server which has forgotten it can be told of it. */
  const given = new WeakSet<LeaseRef>()
  let left = 0
  let isOver = false

  /** Runs a script. What comes of it after the time is over goes to `late`. */
  async function run<T>(script: Script, key: string, values: readonly (string | Ms)[], late?: (answer: T) => unknown) {
    if (isOver) throw closed()
    if (left >= MOST_LEFT) throw timedOut(timeoutMs)
    try {
      return await timeouts.within(async (wait) => {
        wait.leave = () => left++
        const asked = runScript(client, script, prefix + key, values.map(textOf)).finally(() => {
          if (wait.isOver) left--
        })
        const answer = (await asked) as T
        if (wait.isOver) late?.(answer)
        return answer
      })
    } catch (error) {
      throw storageError(error, client)
    }
  }

  const change = async (script: Script, { key, token }: LeaseRef, ...values: Ms[]): Promise<Applied> =>
    Number(await run(script, key, [token, ...values])) === 1 ? 'applied' : 'stale'
  const isGiven = (lease: LeaseRef) => Number(given.has(lease))

  return {
    facts: { clock: 'database', processes: 'many', tx: 'none', expires: true },

    async begin(key, { leaseMs, tx }): Promise<Begun> {
      refuseTx(tx)
      const token = [...random.bytes(TOKEN_BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
      // Nobody would do the work of a claim that comes after its caller was told that there is none.
      const giveUp = async ([state]: unknown[]) => {
        if (String(state) === 'claimed') await change(ABANDON, { key, token }, UNFINISHED_MS).catch(() => {})
      }
      const reply = await run<unknown[]>(BEGIN, key, [token, leaseMs, UNFINISHED_MS], giveUp)
      const [state, ...numbers] = reply.map(String)
      const [first = 0, claims = 0, leaseLeftMs = 0] = numbers.map(Number)
      if (state === 'completed') return { state }
      if (state === 'in_progress') return { state, retryInMs: first }
      const lease = { key, token, attempt: first, claims, leaseLeftMs }
      given.add(lease)
      return { state: 'claimed', lease }
    },
    complete: async (lease, { keepMs, tx }) => {
      refuseTx(tx)
      return change(COMPLETE, lease, keepMs, isGiven(lease))
    },
    abandon: (lease) => change(ABANDON, lease, UNFINISHED_MS),
    extend: (lease, leaseMs) => change(EXTEND, lease, leaseMs, isGiven(lease), UNFINISHED_MS),
    completedWithin: async (key, withinMs) => Number(await run(COMPLETED_WITHIN, key, [withinMs])) === 1,
    prune: () => ({ more: false }),
    async close() {
      isOver = true
    },
  }
}

/** A token, or a time as whole ms, never early; what is no number is no time. */
function textOf(value: string | Ms): string {
  return typeof value === 'string' ? value : String(Math.ceil(Math.min(LONGEST_MS, Math.max(0, value || 0))))
}

function refuseTx(tx: unknown): void {
  if (tx === undefined) return
  throw new ConfigurationError('tx_unsupported', 'Redis takes no part in a transaction of a database', {
    hint: 'use postgresInbox or sqliteInbox, in the database that the transaction is on',
  })
}

import {
  type Clock,
  defineContract,
  defineEvents,
  generateSecret,
  type IdempotencyStore,
  type Ms,
  silentLogger,
} from '@hooks/core'
import { createReceiver, memoryIdempotency, type RequestHandler } from '@hooks/receiver'
import { type Answer, createSender, memoryStorage, type Transport, type TransportRequest } from '@hooks/sender'
import { seededRandom, virtualClock } from '@hooks/sender/testing'

/** Bugs of a receiver that a run of both sides must find. */
export const RECEIVER_BUGS = ['short_dedupe_ttl', 'in_flight_answered_200'] as const
export type ReceiverBug = (typeof RECEIVER_BUGS)[number]

const MESSAGES = 4
const PROCESSES = 2
const DEADLINE: Ms = 3_000
/** The horizon of the sender's schedule, and the time for which a key is kept. */
const LONGEST: Ms = 5 * 86_400_000
const FIVE_MINUTES: Ms = 300_000

/** A process of the receiver's. What it asks of the store when it is dead is never answered. */
interface Process {
  dead: boolean
  readonly handler: RequestHandler
}

/** One run of a message's work. */
interface Effort {
  readonly by: Process
  over: boolean
}

const never = new Promise<never>(() => {})

/**
 * A sender and a receiver, both real, on a virtual clock: handlers that fail, that take longer than the sender waits, and
 * that end their process; answers that are lost. Judged is what the receiver's dedupe promises: what counts as delivered
 * has been done, what is on record as done is not done again, and nothing is done by two at once.
 */
export async function simulateBothSides(seed: number, bug?: ReceiverBug): Promise<readonly string[]> {
  const clock = virtualClock()
  const random = seededRandom(seed)
  const chance = (probability: number) => random.float() < probability
  const between = (low: number, high: number) => low + random.float() * (high - low)
  const violations: string[] = []
  const done = new Set<string>()
  /** On record: the receiver has said so, whoever heard it. */
  const recorded = new Set<string>()
  const efforts = new Map<string, Effort[]>()

  const contract = defineContract({
    events: defineEvents({ tick: {} }),
    policy: { deadline: DEADLINE, maxAge: LONGEST, pace: false, disable: 'never' },
  })
  const store = memoryIdempotency({ clock })
  const secret = generateSecret(random)

  function boot(): Process {
    const process = { dead: false } as Process & { handler: RequestHandler }
    const receiver = createReceiver({
      contract,
      secret,
      clock,
      logger: silentLogger,
      idempotency: mortal(store, process, bug),
      ...(bug === 'in_flight_answered_200' && { answers: { in_progress: [200, ''] } }),
    })
    process.handler = receiver.on('tick', (_message, { id }) => work(process, id as string))
    return process
  }
  const processes = Array.from({ length: PROCESSES }, boot)

  async function work(by: Process, id: string): Promise<void> {
    const all = efforts.get(id) ?? []
    efforts.set(id, all)
    if (recorded.has(id)) violations.push(`repeated: ${id} was on record as done`)
    if (all.some((other) => !other.over && !other.by.dead)) violations.push(`at once: ${id} by two`)
    const effort: Effort = { by, over: false }
    all.push(effort)
    await clock.sleep(chance(0.3) ? between(DEADLINE, 4 * DEADLINE) : between(5, 500))
    if (by.dead) return never
    if (chance(0.2)) return die(by)
    effort.over = true
    if (chance(0.2)) throw new Error('simulated: the handler failed')
    done.add(id)
    // The work is done, and nobody has been told.
    if (chance(0.05)) return die(by)
  }

  function die(by: Process): Promise<never> {
    by.dead = true
    processes[processes.indexOf(by)] = boot()
    return never
  }

  const broken = (error: string): Answer => ({ error, detail: 'simulated', ms: 1, sent: true })
  const transport: Transport = {
    async send(request: TransportRequest) {
      const by = processes[Math.floor(random.float() * PROCESSES)] as Process
      const id = request.headers['webhook-id'] as string
      const { url, headers, body } = request
      const handled = by.handler.handle({ method: 'POST', url: url.pathname, headers, body }).then((answer) => {
        if (answer.outcome === 'handled') recorded.add(id)
        return answer
      })
      const answer = await Promise.race([handled, patience(clock, request, by)])
      if (typeof answer === 'string') return broken(answer)
      if (chance(0.15)) return broken('connection_reset')
      return {
        status: answer.status,
        headers: Object.fromEntries(Object.entries(answer.headers)),
        body: new Uint8Array(),
        truncated: false,
        ms: 1,
        sent: true,
      }
    },
  }

  const storage = memoryStorage({ clock, random })
  const hooks = createSender({ contract, storage, clock, random, transport, logger: silentLogger, poll: '6h' })
  const { id: endpoint } = await hooks.endpoints.create('acme', { url: 'https://receiver.example/', secret })
  hooks.start()
  for (let n = 0; n < MESSAGES; n++) {
    await hooks.send('tick', { n }, { tenant: 'acme' })
    await clock.advance(between(0, 2_000))
  }
  for (let past = 0; past < LONGEST && (await storage.depth()).open > 0; past += FIVE_MINUTES)
    await clock.advance(FIVE_MINUTES)
  await Promise.all([hooks.stop(), clock.advance(30_000)])

  const { data } = await hooks.deliveries.list('acme', { endpoint })
  for (const { messageId, state } of data) {
    if (state === 'delivered' && !done.has(messageId)) violations.push(`lost: ${messageId} counts as delivered`)
    if (state !== 'delivered' && state !== 'failed') violations.push(`stuck: ${messageId} is ${state}`)
  }
  if (data.length !== MESSAGES) violations.push(`lost: ${data.length} of ${MESSAGES} have a delivery`)
  return violations
}

/** How long the sender waits: to the deadline, or until it sees that the process has gone. */
async function patience(clock: Clock, { deadline }: TransportRequest, by: Process): Promise<string> {
  while (clock.monotonic() < deadline) {
    await clock.sleep(Math.min(250, deadline - clock.monotonic()))
    if (by.dead) return 'connection_reset'
  }
  return 'response_timeout'
}

/** The store as one process has it. */
function mortal(store: IdempotencyStore, process: Process, bug: ReceiverBug | undefined): IdempotencyStore {
  return new Proxy(store, {
    get(target, key) {
      const value = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return async (...given: unknown[]) => {
        if (process.dead) return never
        const args = bug === 'short_dedupe_ttl' && key === 'complete' ? [given[0], { keepMs: FIVE_MINUTES }] : given
        const result = await value.apply(target, args)
        return process.dead ? never : result
      }
    },
  })
}

import {
  ConfigurationError,
  type Contract,
  consoleLogger,
  type Duration,
  type EventDefinitions,
  type Ms,
  newId,
  type Seams,
  type Storage,
  systemRandom,
  toMs,
} from '@hooks/core'
import { createAttempt } from './attempt.ts'
import { nodeClock } from './clock.ts'
import { createDeliveries } from './deliveries.ts'
import { createDestinations } from './destination.ts'
import { createDoorbell, type Doorbell } from './doorbell.ts'
import { createEndpoints } from './endpoints.ts'
import type { EndpointsApi } from './endpoints-api.ts'
import { tellOfWrongExamples } from './examples.ts'
import { createExpander } from './expand.ts'
import { createAddressPolicy } from './http/addresses.ts'
import { HTTPS_PORTS, parseEndpointUrl } from './http/endpoint-url.ts'
import { createResolver } from './http/resolver.ts'
import { createTransport } from './http/transport.ts'
import { createKeyring } from './keyring.ts'
import { createKicks } from './kicks.ts'
import { sayLastingFaultsOnce } from './lasting-faults.ts'
import { createMaintenance } from './maintenance.ts'
import { createMessages, expungeAll } from './messages.ts'
import { createEmitter } from './operational-events.ts'
import { variantOf } from './payload.ts'
import { resolvePolicy } from './policy.ts'
import { createReplay } from './replay.ts'
import { createResend } from './resend.ts'
import { createSending, type Outgoing, type SendOptions, type Sent } from './send.ts'
import type { Sender, SenderOptions } from './sender-api.ts'
import { checkBudget, checkSenderOptions, checkTimes } from './sender-options.ts'
import { checkTenant } from './tenant.ts'
import { createWorker, type Worker } from './worker.ts'

/** Without options there is no tenant, which is refused as that. */
const NO_OPTIONS = {} as SendOptions<never>
/** What is in flight has so long to end: longer than an attempt takes by default. */
const GRACE_MS = 20_000
/** Whatever has not ended by then is left: those who stop a process kill it soon after. */
const LONGEST_STOP_MS = 20_500
/** A drain that its storage keeps waiting is over so long after its budget. */
const ANSWER_MS = 50
/** Receivers refuse what is signed 5 minutes off, and time passes on the way. */
const MOST_SKEW_MS = 30_000

/**
 * A sender: endpoints per customer, and messages that reach them at least once.
 *
 * @throws ConfigurationError `option_invalid`, `dev_in_production`
 * @example
 * const hooks = createSender({ contract, storage: sqliteStorage('app.sqlite') })
 * const { id, secret } = await hooks.endpoints.create('acme', { url: 'https://acme.example/webhooks' })
 * await hooks.send('booking.created', { id: 'booking_1' }, { tenant: 'acme' })
 * hooks.start()
 */
export function createSender<const D extends EventDefinitions, Tx>(options: SenderOptions<D, Tx>): Sender<D, Tx> {
  checkSenderOptions(options)
  const { contract, dev = false, concurrency = 100, endpointConcurrency = 4 } = options
  const storage = options.storage as unknown as Storage
  const policy = resolvePolicy(contract.policy)
  const leaseMs = toMs(options.lease ?? '60s', 'lease')
  const pollMs = toMs(options.poll ?? '1s', 'poll')
  checkTimes(options, policy.deadlineMs, leaseMs, pollMs)

  const seams: Seams = {
    clock: options.clock ?? nodeClock,
    random: options.random ?? systemRandom,
    logger: sayLastingFaultsOnce(options.logger ?? consoleLogger, options.clock ?? nodeClock),
  }
  const { clock, random, logger } = seams
  const addresses = createAddressPolicy({ allowLoopback: dev, allowPrivateNetworks: options.allowPrivateNetworks })
  const urlPolicy = {
    allowHttp: dev,
    ports: dev ? ('any' as const) : HTTPS_PORTS,
    addresses,
    allowLocalNames: dev || options.allowPrivateNetworks !== undefined,
  }
  const transport =
    options.transport ??
    createTransport({
      clock,
      addresses,
      ca: options.ca,
      resolver: options.resolver ?? createResolver({ localNames: dev }),
    })
  if (dev) void tellOfWrongExamples(contract.events, logger)
  const emitter = createEmitter(logger)
  const worker = newId('worker_', clock, random)
  const keyring = createKeyring(options.keyring, random)
  const attempt = createAttempt({
    ...seams,
    format: contract.format,
    alsoSign: options.alsoSign,
    events: contract.events,
    policy,
    transport,
    destination: createDestinations(contract.format, keyring, options.alsoSign),
    userAgent: options.userAgent ?? 'Hooks/1.0',
  })

  const hasJobs = !storage.facts.lacks?.includes('jobs')
  let stopped = false
  let stopping: Promise<void> | undefined
  /** Whether the host need not be told that nothing of what it sends is delivered here: only while it is being built. */
  let knowsStart = !dev || process.env.NODE_ENV === 'test'

  const loop: Worker = createWorker({
    ...seams,
    storage,
    worker,
    policy,
    emitter,
    attempt,
    concurrency,
    endpointConcurrency,
    leaseMs,
    pollMs,
    disable: async (attempted, reason) => (await endpoints.disableFor(attempted, reason)) !== null,
    ring: (inMs) => doorbell?.ring(inMs),
  })
  const expander = createExpander({
    ...seams,
    storage,
    deliveryPrefix: contract.ids.delivery,
    pollMs,
    expanded: deliveriesDue,
  })
  const replay = createReplay({
    ...seams,
    storage,
    worker,
    leaseMs,
    pollMs,
    deliveryPrefix: contract.ids.delivery,
    variantOf,
    due: deliveriesDue,
  })
  const maintenance = createMaintenance({
    ...seams,
    storage,
    emitter,
    payloadsKeptMs: keptMs(options.retention?.payloads ?? '30d', 'retention.payloads'),
    attemptsKeptMs: keptMs(options.retention?.attempts ?? '90d', 'retention.attempts'),
    probeAfterMs: policy.probeAfterMs,
    enable: (tenant, id) => endpoints.enableFor(tenant, id),
  })
  const free = () => loop.started && loop.running < concurrency
  const doorbell: Doorbell | undefined =
    options.queue && createDoorbell({ ...seams, queue: options.queue, answer: look, free })

  function look(): void {
    expander.wake()
    loop.wake()
  }

  /** Messages or deliveries are there for others, where this process cannot start any. */
  function ringOthers(): void {
    if (!free()) doorbell?.ring(0)
  }

  function messagesDue(): void {
    expander.wake()
    ringOthers()
  }

  function deliveriesDue(): void {
    loop.wake()
    ringOthers()
  }

  const kicks = createKicks(clock, messagesDue)
  const sending = createSending({
    ...seams,
    contract: contract as unknown as Contract,
    storage,
    kick: (tx) => {
      if (!knowsStart) remindOfStart()
      if (tx) kicks.soon()
      else messagesDue()
    },
    orderingWaitMs:
      options.ordering?.onBlocked === 'hold' ? null : toMs(options.ordering?.wait ?? '1h', 'ordering.wait'),
  })
  const endpoints = createEndpoints({
    ...seams,
    contract: contract as unknown as Contract,
    storage,
    keyring,
    alsoSign: options.alsoSign,
    limit: options.endpointLimit ?? 100,
    due: deliveriesDue,
    enabled: (tenant, endpointId) =>
      emitter.emit('endpoint.enabled', { tenant, endpointId, at: clock.now(), by: 'hand' }),
    checkUrl: (url) => void parseEndpointUrl(url, urlPolicy),
    sendTo: async (type, data, tenant, endpoint, idempotencyKey) => {
      const key = idempotencyKey !== undefined && { idempotencyKey }
      const [sent] = await sending.sendMany([{ type, data, tenant, endpoints: [endpoint], ...key }], undefined)
      return sent as Sent
    },
  })

  function remindOfStart(): void {
    knowsStart = true
    logger.warn({}, 'hooks: what is sent here waits until hooks.start() or hooks.drain() is called, here or elsewhere')
  }

  function open(): void {
    if (!stopped) return
    throw new ConfigurationError('sender_closed', 'the sender was stopped', {
      hint: 'stop it after the last send, or create another one',
    })
  }

  async function end(): Promise<void> {
    // All at once: whatever one of them waits for, the others begin nothing more meanwhile.
    await Promise.all([
      loop.stop(GRACE_MS),
      expander.stop(),
      replay.loop.stop(GRACE_MS),
      maintenance.stop(),
      doorbell?.stopListening(),
    ])
    await doorbell?.flush()
    // A given one may be another sender's as well.
    if (transport !== options.transport) await transport.close?.()
  }

  async function stop(): Promise<void> {
    stopped = true
    kicks.stop()
    if (await within(LONGEST_STOP_MS, end())) return
    logger.warn(
      { inFlight: loop.running },
      'hooks: stopped without waiting any longer for what is in flight, or for the storage; its leases run out',
    )
  }

  async function drain(maxMs: Ms): Promise<void> {
    const end = clock.monotonic() + maxMs
    let expanded: number
    do {
      expanded = await expander.run(end)
      await loop.drain(Math.max(0, end - clock.monotonic()))
    } while (expanded > 0 && clock.monotonic() < end)
    if (hasJobs && !stopped) await replay.loop.drain(Math.max(0, end - clock.monotonic()))
  }

  /** Waits for what may take longer, for no longer than `ms`. Returns whether it is over. */
  async function within(ms: Ms, work: Promise<void>): Promise<boolean> {
    const ended = new AbortController()
    try {
      return await Promise.race([work.then(() => true), clock.sleep(ms, ended.signal).then(() => false)])
    } finally {
      ended.abort()
    }
  }

  const sender: Sender<D, Tx> = {
    async send(type, data, options) {
      open()
      const { tx, ...rest } = options ?? NO_OPTIONS
      const [sent] = await sending.sendMany([{ type, data, ...rest }], tx)
      return sent as Sent
    },
    async sendMany(messages, { tx } = {}) {
      open()
      return sending.sendMany(messages as readonly Outgoing[], tx)
    },
    sendSync(type, data, options) {
      open()
      const { tx, ...rest } = options ?? NO_OPTIONS
      return sending.sendManySync([{ type, data, ...rest }], tx)[0] as Sent
    },
    endpoints: endpoints as unknown as EndpointsApi<D, Tx>,
    messages: createMessages({ ...seams, storage }),
    deliveries: createDeliveries({
      ...seams,
      contract: contract as unknown as Contract,
      storage,
      resend: createResend({ ...seams, storage, created: () => replay.loop.wake() }),
      wake: deliveriesDue,
    }),
    recover: replay.recover,
    replayMissing: replay.replayMissing,
    jobs: replay.jobs,
    rewrapSecrets: () => endpoints.rewrap(),
    async expunge(tenant) {
      checkTenant(tenant)
      await expungeAll(storage, seams, { tenant })
    },
    start() {
      open()
      knowsStart = true
      expander.start()
      loop.start()
      maintenance.start()
      if (hasJobs) replay.loop.start()
      doorbell?.listen()
    },
    stop() {
      stopping ??= stop()
      return stopping
    },
    async drain(budget) {
      checkBudget(budget)
      const { maxMs } = budget
      open()
      knowsStart = true
      // It keeps to its budget by itself, unless it waits for an answer.
      if (await within(maxMs + ANSWER_MS, drain(maxMs))) return
      logger.warn({ inFlight: loop.running }, 'hooks: a drain was over before the storage had answered; leases run out')
    },
    pause: () => loop.pause(),
    resume() {
      loop.resume()
      look()
    },
    wake() {
      look()
      ringOthers()
    },
    async health() {
      const asked = clock.now().getTime()
      const depth = await storage.depth()
      const queue = doorbell && { queue: doorbell.state }
      const clockSkewMs = beyond(depth.at.getTime(), asked, clock.now().getTime())
      if (Math.abs(clockSkewMs) > MOST_SKEW_MS)
        logger.warn({ clockSkewMs }, "hooks: this machine's clock and the storage's are far apart")
      const { started: running, paused, lacks, running: inFlight, lastClaimAt } = loop
      return { running, paused, lacks, inFlight, lastClaimAt, clockSkewMs, ...queue, ...depth }
    },
    on(name, listener) {
      emitter.on(name, listener)
      return sender
    },
  }
  return sender
}

/** How far a time is before or after a stretch; 0 where it is within. */
const beyond = (at: Ms, from: Ms, to: Ms): Ms => (at < from ? at - from : Math.max(0, at - to))

const keptMs = (kept: Duration | false, name: string) => (kept === false ? null : toMs(kept, name))

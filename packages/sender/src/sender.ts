import {
  ConfigurationError,
  type Contract,
  consoleLogger,
  type Depth,
  type Duration,
  type EventDefinitions,
  type EventInputs,
  newId,
  type Queue,
  type Seams,
  type Storage,
  systemRandom,
  toMs,
  type WireFormat,
} from '@hooks/core'
import { createAttempt } from './attempt.ts'
import { nodeClock } from './clock.ts'
import { createDeliveries, type DeliveriesApi } from './deliveries.ts'
import { createDestinations } from './destination.ts'
import { createDoorbell, type Doorbell } from './doorbell.ts'
import { createEndpoints, type EndpointsApi } from './endpoints.ts'
import { createExpander } from './expand.ts'
import { createAddressPolicy } from './http/addresses.ts'
import { HTTPS_PORTS, parseEndpointUrl } from './http/endpoint-url.ts'
import { createResolver } from './http/resolver.ts'
import { createTransport } from './http/transport.ts'
import { createKeyring, type KeyringOptions } from './keyring.ts'
import { createKicks } from './kicks.ts'
import { createMaintenance } from './maintenance.ts'
import { createMessages, expungeAll, type MessagesApi } from './messages.ts'
import { createEmitter, type OperationalEvent, type OperationalListener } from './operational-events.ts'
import { variantOf } from './payload.ts'
import { resolvePolicy } from './policy.ts'
import { createReplay, type JobsApi, type ReplayApi } from './replay.ts'
import { createResend } from './resend.ts'
import type { Resolver, Transport } from './seams.ts'
import { createSending, type Outgoing, type SendOptions, type Sent } from './send.ts'
import { checkTenant } from './tenant.ts'
import { createWorker, type Worker } from './worker.ts'

/** Options of {@link createSender}. */
export interface SenderOptions<D extends EventDefinitions, Tx> extends Partial<Seams> {
  readonly contract: Contract<D>
  readonly storage: Storage<Tx>
  /**
   * A doorbell between processes, such as `bullmqQueue(...)`: those that send ring, and those that work hear of it at
   * once. It carries no work, so whatever it does, nothing is lost and nothing repeated. None by default: work of other
   * processes is found by polling. The sender does not close it.
   */
  readonly queue?: Queue
  /** How messages with an `orderingKey` wait for each other at an endpoint. */
  readonly ordering?: {
    /** How long the next one waits for the one before: 1 h by default. */
    readonly wait?: Duration
    /** What comes then: `skip` lets the next one go past; `hold` goes on waiting. `skip` by default. */
    readonly onBlocked?: 'skip' | 'hold'
  }
  /** AES-256-GCM for secrets and headers of endpoints in the storage. Without it they are stored as they are. */
  readonly keyring?: KeyringOptions
  /**
   * A second format, whose headers are added for endpoints that have a secret for it (`alsoSign`): so that receivers can
   * change from an older signature to that of the contract. The body is that of the contract.
   */
  readonly alsoSign?: WireFormat
  /**
   * For development: http, loopback addresses, any port. It refuses to start where `NODE_ENV` is `production`.
   */
  readonly dev?: boolean
  /** Requests in flight in this process: 100 by default. */
  readonly concurrency?: number
  /** Requests in flight per endpoint, over all processes: 4 by default. */
  readonly endpointConcurrency?: number
  /** Endpoints per tenant: 100 by default. */
  readonly endpointLimit?: number
  /** How long a worker holds a delivery: 60 s by default. A crash delays what was in flight by no more. */
  readonly lease?: Duration
  /** The longest that due work of other processes stays unseen: 1 s by default. With a queue, 30 s spares the database. */
  readonly poll?: Duration
  /**
   * How long is kept what has been sent: payloads 30 d, ended deliveries with their attempts 90 d by default; false for
   * ever. Workers forget what is older, once an hour.
   */
  readonly retention?: { readonly payloads?: Duration | false; readonly attempts?: Duration | false }
  /** Private networks that may be sent to, such as `['10.1.0.0/16']`. None by default. */
  readonly allowPrivateNetworks?: readonly string[]
  /** Certificate authorities, in PEM, that are trusted beside the public ones. */
  readonly ca?: readonly string[]
  /** The `user-agent` header, where the format has none of its own. */
  readonly userAgent?: string
  readonly transport?: Transport
  readonly resolver?: Resolver
}

/** What {@link createSender} makes. `D` is the catalog, `Tx` the storage's transactions. */
export interface Sender<D extends EventDefinitions = EventDefinitions, Tx = unknown> {
  /**
   * Sends a message: checks it against the catalog and stores it, in the host's transaction where `tx` is given.
   * Matching, signing and delivering happen later, in a worker.
   *
   * @throws PayloadError `event_type_unknown`, `payload_invalid`, `payload_not_json`, `payload_too_large`, `idempotency_conflict`
   * @throws EndpointError `tenant_invalid`
   * @throws ConfigurationError `tx_unsupported`, `sender_closed`
   * @throws StorageError `storage_*`, `schema_*`
   */
  send<T extends keyof D & string>(type: T, data: EventInputs<D>[T], options: SendOptions<Tx>): Promise<Sent>
  /** Sends up to 1,000 messages, all or none, in one insert. @throws as `send` */
  sendMany(messages: readonly OutgoingOf<D>[], options?: { readonly tx?: Tx }): Promise<readonly Sent[]>
  /**
   * `send` for synchronous SQLite handles: it has written, or thrown, when it returns.
   *
   * @throws as `send`, and ConfigurationError `schema_async` where the schema validates asynchronously
   */
  sendSync<T extends keyof D & string>(type: T, data: EventInputs<D>[T], options: SendOptions<Tx>): Sent
  readonly endpoints: EndpointsApi<D, Tx>
  readonly messages: MessagesApi
  readonly deliveries: DeliveriesApi
  readonly recover: ReplayApi['recover']
  readonly replayMissing: ReplayApi['replayMissing']
  /** The jobs of `recover` and `replayMissing`. */
  readonly jobs: JobsApi
  /**
   * Seals every secret under the current key of the keyring: after a new key was added, and before an old one is taken
   * away. Returns how many endpoints it changed. @throws ConfigurationError `secret_sealed`, `storage_lacks`
   */
  rewrapSecrets(): Promise<number>
  /**
   * Removes every trace of a tenant: endpoints, messages, deliveries, jobs. In chunks, so what is sent meanwhile may stay.
   *
   * @throws ConfigurationError `storage_lacks`
   */
  expunge(tenant: string): Promise<void>
  /** Starts delivering in this process. Idempotent. */
  start(): void
  /** Claims no more, lets what is in flight end (20 s), releases the rest. The sender cannot be used after it. */
  stop(): Promise<void>
  /** For hosts without a process of their own (a cron route): delivers what is due, within `maxMs`, and returns. */
  drain(options: { readonly maxMs: number }): Promise<void>
  /**
   * Work may be due: looks now, not at the next poll. Where this process does not work, or is at its limit, it rings
   * for others, if there is a queue.
   */
  wake(): void
  /** Claims nothing more in this process until `resume`; what is in flight ends. Sending and matching go on. */
  pause(): void
  resume(): void
  health(): Promise<Health>
  /** Listens to what the sender tells its host. */
  on<E extends OperationalEvent>(name: E, listener: OperationalListener<E>): Sender<D, Tx>
}

/** A message of `sendMany`, typed by the catalog. */
export type OutgoingOf<D extends EventDefinitions> = {
  [T in keyof D & string]: Outgoing<T, EventInputs<D>[T]>
}[keyof D & string]

/** How a sender is doing. */
export interface Health extends Depth {
  readonly running: boolean
  /** By `pause`, in this process. */
  readonly paused: boolean
  /** How far the storage's clock is ahead of this machine's: signatures carry the machine's time. Warned of over 30 s. */
  readonly clockSkewMs: number
  /** Requests in flight in this process. */
  readonly inFlight: number
  /** When this process last asked for work, and got an answer. */
  readonly lastClaimAt: Date | null
  /** Only with a queue. `failing`: it failed within the last minute, and has not been seen to work since. */
  readonly queue?: Doorbell['state']
}

/** Longer than any attempt's deadline may be. */
const GRACE_MS = 20_000
/** What a lease must have beside the deadline, for settling. */
const LEASE_MARGIN_MS = 2_000
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
  const { contract, dev = false, concurrency = 100, endpointConcurrency = 4 } = options
  const storage = options.storage as unknown as Storage
  const policy = resolvePolicy(contract.policy)
  const leaseMs = toMs(options.lease ?? '60s', 'lease')
  const pollMs = toMs(options.poll ?? '1s', 'poll')
  checkOptions(options, policy.deadlineMs, leaseMs, { concurrency, endpointConcurrency })

  const seams: Seams = {
    clock: options.clock ?? nodeClock,
    random: options.random ?? systemRandom,
    logger: options.logger ?? consoleLogger,
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
    disable: async (tenant, id, reason) => (await endpoints.disableFor(tenant, id, reason)) !== null,
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
    kick: (tx) => (tx ? kicks.soon() : messagesDue()),
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

  function open(): void {
    if (!stopped) return
    throw new ConfigurationError('sender_closed', 'the sender was stopped', {
      hint: 'stop it after the last send, or create another one',
    })
  }

  const sender: Sender<D, Tx> = {
    async send(type, data, { tx, ...rest }) {
      open()
      const [sent] = await sending.sendMany([{ type, data, ...rest }], tx)
      return sent as Sent
    },
    async sendMany(messages, { tx } = {}) {
      open()
      return sending.sendMany(messages as readonly Outgoing[], tx)
    },
    sendSync(type, data, { tx, ...rest }) {
      open()
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
      expander.start()
      loop.start()
      maintenance.start()
      if (hasJobs) replay.loop.start()
      doorbell?.listen()
    },
    async stop() {
      stopped = true
      kicks.stop()
      await doorbell?.stopListening()
      await Promise.all([expander.stop(), maintenance.stop(), replay.loop.stop(GRACE_MS)])
      await loop.stop(GRACE_MS)
      await doorbell?.flush()
      await transport.close?.()
    },
    async drain({ maxMs }) {
      open()
      const end = clock.monotonic() + maxMs
      let expanded: number
      do {
        expanded = await expander.run(end)
        await loop.drain(Math.max(0, end - clock.monotonic()))
      } while (expanded > 0 && clock.monotonic() < end)
      if (hasJobs) await replay.loop.drain(Math.max(0, end - clock.monotonic()))
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
      const depth = await storage.depth()
      const queue = doorbell && { queue: doorbell.state }
      const clockSkewMs = depth.at.getTime() - clock.now().getTime()
      if (Math.abs(clockSkewMs) > MOST_SKEW_MS)
        logger.warn({ clockSkewMs }, "hooks: this machine's clock and the storage's are far apart")
      const { started: running, paused, running: inFlight, lastClaimAt } = loop
      return { running, paused, inFlight, lastClaimAt, clockSkewMs, ...queue, ...depth }
    },
    on(name, listener) {
      emitter.on(name, listener)
      return sender
    },
  }
  return sender
}

const keptMs = (kept: Duration | false, name: string) => (kept === false ? null : toMs(kept, name))

function checkOptions(
  { dev }: { readonly dev?: boolean },
  deadlineMs: number,
  leaseMs: number,
  counts: Readonly<Record<string, number>>,
): void {
  if (dev && process.env.NODE_ENV === 'production') {
    throw new ConfigurationError('dev_in_production', '`dev: true` lets webhooks reach this machine itself', {
      hint: 'leave `dev` out where NODE_ENV is "production"',
    })
  }
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isInteger(count) || count < 1)
      throw new ConfigurationError('option_invalid', `${name} is not a whole number from 1`)
  }
  if (leaseMs < deadlineMs + LEASE_MARGIN_MS) {
    throw new ConfigurationError('option_invalid', `the lease is shorter than the deadline and ${LEASE_MARGIN_MS} ms`, {
      hint: 'a lease that ends during an attempt would let another worker repeat it',
    })
  }
}

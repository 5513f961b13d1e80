import { X509Certificate } from 'node:crypto'
import {
  ConfigurationError,
  checkOptions,
  type EventDefinitions,
  kind,
  type Ms,
  type OptionsRule,
  oneOf,
  wholeFrom,
  withMethods,
} from '@hooks/core'
import type { KeyringOptions } from './keyring.ts'
import type { SenderOptions } from './sender-api.ts'

function isCertificate(pem: unknown): boolean {
  try {
    return typeof pem === 'string' && new X509Certificate(pem) !== undefined
  } catch {
    return false
  }
}

const RULE: OptionsRule<keyof SenderOptions<EventDefinitions, unknown>> = {
  of: 'createSender',
  needs: ['contract', 'storage'],
  kinds: {
    contract: {
      words: 'what defineContract gives',
      fits: (value) =>
        kind.object.fits(value) && ['events', 'format', 'policy', 'ids'].every((part) => part in (value as object)),
    },
    storage: withMethods('a storage, such as sqliteStorage(...) or postgresStorage(...)', 'put', 'claim', 'settle'),
    queue: withMethods('a queue, such as bullmqQueue(...)', 'ring', 'listen'),
    ordering: kind.object,
    keyring: kind.object,
    alsoSign: withMethods('a wire format, such as hmacFormat(...)', 'compose', 'seal', 'keys'),
    dev: kind.flag,
    concurrency: wholeFrom(1),
    endpointConcurrency: wholeFrom(1),
    endpointLimit: wholeFrom(1),
    lease: kind.duration,
    poll: kind.duration,
    retention: kind.object,
    allowPrivateNetworks: kind.any,
    ca: { words: 'a list of certificates in PEM', fits: (value) => Array.isArray(value) && value.every(isCertificate) },
    userAgent: {
      words: 'visible ASCII text',
      fits: (value) => typeof value === 'string' && /^[\x20-\x7e]+$/.test(value),
    },
    transport: withMethods('a transport', 'send'),
    resolver: withMethods('a resolver', 'resolve'),
    clock: kind.clock,
    random: kind.random,
    logger: kind.logger,
  },
}
const ORDERING: OptionsRule<'wait' | 'onBlocked'> = {
  of: 'ordering',
  kinds: { wait: kind.duration, onBlocked: oneOf('skip', 'hold') },
}
const kept = { words: 'a duration, or false', fits: (value: unknown) => value === false || kind.duration.fits(value) }
/** One without keys would leave every secret unsealed. */
const KEYRING: OptionsRule<keyof KeyringOptions> = {
  of: 'keyring',
  needs: ['current', 'keys'],
  kinds: { current: kind.text, keys: kind.object },
}
const RETENTION: OptionsRule<'payloads' | 'attempts'> = {
  of: 'retention',
  kinds: { payloads: kept, attempts: kept },
}
const DRAIN: OptionsRule<'maxMs'> = {
  of: 'drain',
  needs: ['maxMs'],
  kinds: { maxMs: { words: 'a number of milliseconds', fits: (value) => typeof value === 'number' && value >= 0 } },
}

/** What a lease must have beside the deadline, for settling. */
const LEASE_MARGIN_MS = 2_000
/** Less would be a loop that never rests. */
const LEAST_POLL_MS = 10

/** @throws ConfigurationError `option_invalid` */
export function checkSenderOptions(options: unknown): void {
  checkOptions(options, RULE)
  const { ordering = {}, retention = {}, keyring } = options as Readonly<Record<string, unknown>>
  checkOptions(ordering, ORDERING)
  checkOptions(retention, RETENTION)
  if (keyring !== undefined) checkOptions(keyring, KEYRING)
}

/** @throws ConfigurationError `option_invalid` */
export function checkBudget(budget: unknown): void {
  checkOptions(budget, DRAIN)
}

/**
 * Judges the times of a sender together, and `dev`.
 *
 * @throws ConfigurationError `option_invalid`, `dev_in_production`
 */
export function checkTimes({ dev }: { readonly dev?: boolean }, deadlineMs: Ms, leaseMs: Ms, pollMs: Ms): void {
  if (dev && process.env.NODE_ENV === 'production') {
    throw new ConfigurationError('dev_in_production', '`dev: true` lets webhooks reach this machine itself', {
      hint: 'leave `dev` out where NODE_ENV is "production"',
    })
  }
  if (pollMs < LEAST_POLL_MS) {
    throw new ConfigurationError('option_invalid', `poll is shorter than ${LEAST_POLL_MS} ms`, {
      hint: 'this process looks at once for what it sends itself; `poll` is for what others send',
    })
  }
  if (leaseMs < deadlineMs + LEASE_MARGIN_MS) {
    throw new ConfigurationError('option_invalid', `the lease is shorter than the deadline and ${LEASE_MARGIN_MS} ms`, {
      hint: 'a lease that ends during an attempt would let another worker repeat it',
    })
  }
}

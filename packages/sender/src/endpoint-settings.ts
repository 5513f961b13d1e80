import { ConfigurationError, type Contract, EndpointError, type LaneSettings, type WireFormat } from '@hooks/core'
import { checkDataFilter, type DataFilter } from './data-filter.ts'
import type { SealedSettings } from './destination.ts'
import { checkCustomHeaders } from './http/endpoint-headers.ts'
import type { Keyring } from './keyring.ts'
import type { PayloadChoice } from './payload.ts'

/** What {@link createSettings} needs. */
export interface SettingsOptions {
  readonly contract: Contract
  readonly keyring: Keyring
  readonly alsoSign?: WireFormat | undefined
}

/** What of an endpoint's input is a setting. */
export interface SettingsInput {
  /**
   * Attempts a second over all processes, such as 10, or 0.5: from 0.0001 to 100,000. No limit by default. No second starts
   * more; a little fewer are started (98 of 100), so that what is late on its way has room.
   */
  readonly rateLimit?: number | null
  /** Requests in flight at once over all processes: the sender's `endpointConcurrency` by default. */
  readonly concurrency?: number | null
  /** Headers of its own, such as a token. They are stored like secrets. */
  readonly headers?: Readonly<Record<string, string>> | null
  /** Only messages whose data fits. */
  readonly filter?: DataFilter | null
  /** `thin`: identifiers in place of the data, as the catalog's `thin` gives them. `full` by default. */
  readonly payload?: 'full' | 'thin'
  /** The data as of a version of the catalog's `versions`. As it is by default. */
  readonly version?: string | null
  /** The secret of the sender's second format, `alsoSign`, during a migration. */
  readonly alsoSign?: { readonly secret: string } | null
}

/** The settings as their owner sees them. */
export interface SettingsView {
  /** Attempts a second, and in flight at once, over all processes; null for the sender's defaults. */
  readonly rateLimit: number | null
  readonly concurrency: number | null
  /** The names of its own headers. Their values are in no answer. */
  readonly headers: readonly string[]
  readonly filter: DataFilter | null
  readonly payload: 'full' | 'thin'
  readonly version: string | null
}

/** An endpoint's settings as they are stored. */
export interface StoredSettings extends LaneSettings, SealedSettings, PayloadChoice {
  readonly headerNames?: readonly string[]
  readonly filter?: DataFilter | null
}

const MOST_CONCURRENCY = 1_000
/**
 * What an endpoint's `rateLimit` may be, in attempts a second. The least is one in some three hours: the next one of a rate
 * near 0 would be at a time that no database holds, and every claim would fail.
 */
export const RATE_LIMIT = { least: 0.0001, most: 100_000 } as const
/** They say how the request is to be read, and the sender knows that. */
const RESERVED = ['content-type']

/** What of an endpoint's input is a setting: checked, and sealed where it is secret. */
export function createSettings({ contract, keyring, alsoSign }: SettingsOptions) {
  return {
    /**
     * The settings that an input names, for an endpoint of this id.
     *
     * @throws EndpointError `header_*`, `data_filter_invalid`, `version_unknown`
     * @throws ConfigurationError `option_invalid`, `secret_*`
     */
    of(input: SettingsInput, id: string): StoredSettings & Record<string, unknown> {
      const { rateLimit, concurrency, headers, filter, payload, version, alsoSign: also } = input
      return {
        ...(rateLimit !== undefined && { perSecond: checkRate(rateLimit) }),
        ...(concurrency !== undefined && { concurrency: checkConcurrency(concurrency) }),
        ...(headers !== undefined && sealHeaders(headers, id)),
        ...(filter !== undefined && { filter: checkDataFilter(filter) }),
        ...(payload !== undefined && { payload: checkPayload(payload) }),
        ...(version !== undefined && { version: checkVersion(version) }),
        ...(also !== undefined && { alsoSign: sealAlso(also, id) }),
      }
    },
  }

  function sealHeaders(headers: Readonly<Record<string, string>> | null, id: string): StoredSettings {
    const checked = headers === null ? {} : checkCustomHeaders(headers, RESERVED)
    const names = Object.keys(checked)
    return { headerNames: names, headers: names.length === 0 ? null : keyring.seal(JSON.stringify(checked), id) }
  }

  function sealAlso(also: { readonly secret: string } | null, id: string) {
    if (also === null) return null
    if (!alsoSign) {
      throw new ConfigurationError('option_invalid', 'alsoSign is for senders that have a second format', {
        hint: 'createSender({ alsoSign: hmacFormat(...) })',
      })
    }
    alsoSign.keys(also.secret, 'sign')
    return keyring.seal(also.secret, id)
  }

  function checkVersion(version: string | null): string | null {
    if (version === null) return null
    const known = new Set(contract.events.all.flatMap(({ versions = {} }) => Object.keys(versions)))
    if (known.has(version)) return version
    throw new EndpointError('version_unknown', 'the catalog has no such version', {
      hint: known.size > 0 ? `versions: ${[...known].join(', ')}` : 'leave it out: there is none',
      hostHint: 'give event types `versions` in defineEvents',
    })
  }
}

function checkRate(rate: number | null): number | null {
  const { least, most } = RATE_LIMIT
  if (rate === null || (typeof rate === 'number' && rate >= least && rate <= most)) return rate
  throw new ConfigurationError('option_invalid', `rateLimit is not a number from ${least} to ${most}`)
}

function checkConcurrency(concurrency: number | null): number | null {
  const valid =
    Number.isInteger(concurrency) && (concurrency as number) >= 1 && (concurrency as number) <= MOST_CONCURRENCY
  if (concurrency === null || valid) return concurrency
  throw new ConfigurationError('option_invalid', `concurrency is not a whole number from 1 to ${MOST_CONCURRENCY}`)
}

function checkPayload(payload: unknown): 'full' | 'thin' {
  if (payload === 'full' || payload === 'thin') return payload
  throw new ConfigurationError('option_invalid', 'payload is neither "full" nor "thin"')
}

/** {@link SettingsView} of stored settings. */
export function shownSettings(settings: StoredSettings): SettingsView {
  return {
    rateLimit: settings.perSecond ?? null,
    concurrency: settings.concurrency ?? null,
    headers: settings.headerNames ?? [],
    filter: settings.filter ?? null,
    payload: settings.payload ?? 'full',
    version: settings.version ?? null,
  }
}

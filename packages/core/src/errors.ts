/** A stable, lower_snake_case name for one cause. `packages/core/ERRORS.md` lists them all. */
export type ErrorCode = VerificationCode | ConfigurationCode | EndpointCode | PayloadCode | StorageCode | QueueCode

/** Why a received request was refused before any handler ran. */
export type VerificationCode =
  | 'method_not_allowed'
  | 'body_too_large'
  | 'content_encoding'
  | 'body_unavailable'
  | 'body_incomplete'
  | 'missing_header'
  | 'ambiguous_header'
  | 'malformed_header'
  | 'malformed_timestamp'
  | 'signature_mismatch'
  | 'timestamp_too_old'
  | 'timestamp_too_new'

/** Whoever wired the library must change something. */
export type ConfigurationCode =
  | 'option_invalid'
  | 'contract_invalid'
  | 'event_type_invalid'
  | 'schema_unrepresentable'
  | 'format_invalid'
  | 'secret_missing'
  | 'secret_whitespace'
  | 'secret_format'
  | 'secret_too_short'
  | 'secret_too_long'
  | 'secret_type'
  | 'secret_sealed'
  | 'idempotency_key_needed'
  | 'handler_duplicate'
  | 'handler_late'
  | 'dev_in_production'
  | 'sender_closed'
  | 'tx_unsupported'
  | 'schema_async'
  | 'storage_lacks'
  | 'authorize_missing'

/** Whoever owns the endpoint, or named it, must change something. */
export type EndpointCode =
  | 'url_invalid'
  | 'url_scheme'
  | 'url_credentials'
  | 'url_fragment'
  | 'url_host'
  | 'url_port'
  | 'address_blocked'
  | 'header_forbidden'
  | 'header_invalid'
  | 'filter_invalid'
  | 'data_filter_invalid'
  | 'version_unknown'
  | 'tenant_invalid'
  | 'endpoint_not_found'
  | 'endpoint_disabled'
  | 'endpoint_conflict'
  | 'endpoint_changed'
  | 'endpoint_limit'
  | 'secret_limit'
  | 'message_not_found'
  | 'delivery_not_found'
  | 'delivery_in_flight'
  | 'payload_expired'
  | 'job_not_found'

/** The data of a message must change. */
export type PayloadCode =
  | 'event_type_unknown'
  | 'payload_invalid'
  | 'payload_not_json'
  | 'payload_too_large'
  | 'idempotency_conflict'
  | 'idempotency_key_invalid'
  | 'ordering_key_invalid'

/** The database must be mended, or asked again. */
export type StorageCode =
  | 'storage_unavailable'
  | 'storage_busy'
  | 'storage_full'
  | 'storage_closed'
  | 'storage_denied'
  | 'transaction_aborted'
  | 'schema_missing'
  | 'schema_outdated'
  | 'schema_too_new'

/** The queue must be mended. Until then, polling does its work. */
export type QueueCode = 'queue_unavailable' | 'queue_closed'

/** What an error may carry beside its code and message. */
export interface ErrorDetails {
  /** What to do about it. */
  readonly hint?: string | undefined
  /** What the host can do about it, where `hint` is for its customer, who could not. It is shown to no customer. */
  readonly hostHint?: string | undefined
  /** The error underneath. It stays on this side: it is never sent to a peer. */
  readonly cause?: unknown
}

const BRANDS = Symbol.for('@hooks/error-brands')

/**
 * The base of every error that the packages throw. `code` is the thing to switch on; `message` says what is
 * wrong and `hint` what to do. None of them ever holds a payload, a secret, a header's value or a query string.
 *
 * `instanceof` holds across the ESM and CJS builds, because classes compare by a brand, not by identity.
 */
export class HooksError<Code extends string = string> extends Error {
  protected static readonly brand: string = 'HooksError'
  declare readonly code: Code
  declare readonly hint?: string
  declare readonly hostHint?: string

  /** Without a message, the code says it: `body_too_large` is "body too large". */
  constructor(code: Code, message: string = code.replaceAll('_', ' '), details?: ErrorDetails) {
    super(message, details)
    Object.assign(this, { name: new.target.brand, code }, details)
  }

  get [BRANDS](): readonly string[] {
    return ['HooksError', this.name]
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass of the user's own has no brand of its own, and keeps the language's meaning.
    if (!Object.hasOwn(this, 'brand')) return super[Symbol.hasInstance](value)
    return (value as Partial<HooksError> | null | undefined)?.[BRANDS]?.includes(this.brand) === true
  }
}

/** A received request was refused. {@link VerificationCode} lists the causes; the sender of the request must act. */
export class WebhookVerificationError extends HooksError<VerificationCode> {
  protected static override readonly brand = 'WebhookVerificationError'
}

/**
 * A header that is not as it should be. `ambiguous_header` is what comes of two headers of one name: whoever is in front
 * (a fetch `Headers`, Node.js, a proxy) joins them by a comma and a space, and then either of them could be meant.
 */
export function headerError(
  code: 'missing_header' | 'ambiguous_header' | 'malformed_header',
  header: string,
): WebhookVerificationError {
  return new WebhookVerificationError(code, `${code.replace('_', ' ')}: ${header}`)
}

/** The library was set up wrongly. {@link ConfigurationCode} lists the causes; the developer must act. */
export class ConfigurationError extends HooksError<ConfigurationCode> {
  protected static override readonly brand = 'ConfigurationError'
}

/** An endpoint or a delivery cannot be used as asked. {@link EndpointCode} lists the causes; its owner must act. */
export class EndpointError extends HooksError<EndpointCode> {
  protected static override readonly brand = 'EndpointError'
}

/** One thing that a schema found wrong: where, and what. */
export interface PayloadIssue {
  /** Property names from the root of the data, joined by dots; empty for the root. */
  readonly path: string
  readonly message: string
}

/** A message's data is not what the catalog says. {@link PayloadCode} lists the causes; its author must act. */
export class PayloadError extends HooksError<PayloadCode> {
  protected static override readonly brand = 'PayloadError'
  /** What the schema found, without the values. */
  declare readonly issues: readonly PayloadIssue[]
  constructor(
    code: PayloadCode,
    message: string,
    details?: ErrorDetails & { readonly issues?: readonly PayloadIssue[] },
  ) {
    super(code, message, { issues: [], ...details } as ErrorDetails)
  }
}

/** The database failed. {@link StorageCode} lists the causes; nothing was half-written. */
export class StorageError extends HooksError<StorageCode> {
  protected static override readonly brand = 'StorageError'
}

/** The queue failed. {@link QueueCode} lists the causes; a ring may be lost, and no work is. */
export class QueueError extends HooksError<QueueCode> {
  protected static override readonly brand = 'QueueError'
}

/**
 * Whether `error` is one of ours, and, with `code`, whether it has that cause.
 *
 * @example
 * try { await hooks.send('booking.created', data, { tenant }) }
 * catch (error) { if (isHooksError(error, 'payload_invalid')) return badRequest(error.message); throw error }
 */
export function isHooksError(error: unknown, code?: ErrorCode): error is HooksError {
  return error instanceof HooksError && (code === undefined || error.code === code)
}

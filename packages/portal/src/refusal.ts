import { type ApiProblem, ConfigurationError, HooksError, PayloadError } from '@hooks/core'

/** A request that is refused. It never leaves the API: it becomes a problem. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly field: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    detail: string,
    field?: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.field = field
    this.headers = headers
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition failed',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Cannot be processed',
  500: 'Internal error',
  501: 'Not available',
  503: 'Unavailable',
}

const STATUS: Readonly<Record<string, number>> = {
  tenant_invalid: 404,
  endpoint_not_found: 404,
  message_not_found: 404,
  delivery_not_found: 404,
  endpoint_changed: 412,
  storage_lacks: 501,
  job_not_found: 404,
  endpoint_disabled: 409,
  secret_limit: 409,
  endpoint_conflict: 409,
  endpoint_limit: 409,
  delivery_in_flight: 409,
  idempotency_conflict: 409,
  payload_expired: 410,
  storage_unavailable: 503,
  storage_busy: 503,
  // The keyring lacks a key, which is no matter of the customer whose secret it is.
  secret_sealed: 500,
}

/** The field that an error of ours is about, where a client could have sent it. */
const FIELDS: readonly (readonly [RegExp, string])[] = [
  [/^(url_|address_)/, 'url'],
  [/^filter_/, 'events'],
  [/^data_filter_/, 'filter'],
  [/^version_/, 'version'],
  [/^secret_/, 'secret'],
  [/^header_/, 'headers'],
  [/^event_type_unknown/, 'event'],
  [/^tenant_/, 'tenant'],
]

/**
 * What an error is to the client. What is nobody's fault but ours says nothing about itself, and what whoever wired the
 * library could do is not told to their customers.
 *
 * @param nameOf the product's name for a field of ours
 */
export function problemOf(
  error: unknown,
  nameOf: (name: string) => string,
): ApiProblem & { readonly headers: Readonly<Record<string, string>> } {
  if (error instanceof Refusal) {
    const { status, code, message, field, headers } = error
    return { status, code, title: TITLES[status] ?? 'Refused', detail: message, ...(field && { field }), headers }
  }
  const known = error instanceof HooksError ? error : undefined
  const field = known && FIELDS.find(([pattern]) => pattern.test(known.code))?.[1]
  const theirs = field !== undefined || error instanceof PayloadError
  const status = known ? (STATUS[known.code] ?? (theirs ? 422 : 500)) : 500
  const ours = 'Something failed on our side. Try again later.'
  if (!known || status === 500) return { status, code: 'internal', title: TITLES[500] ?? '', detail: ours, headers: {} }
  if (status === 503)
    return { status, code: known.code, title: TITLES[503] ?? '', detail: ours, headers: { 'retry-after': '5' } }
  const hint = known instanceof ConfigurationError ? undefined : known.hint
  return {
    status,
    code: known.code,
    title: TITLES[status] ?? 'Refused',
    detail: hint ? `${sentence(known.message)} ${sentence(hint)}` : sentence(known.message),
    ...(field && { field: nameOf(field) }),
    headers: {},
  }
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(start) ? start : `${start}.`
}

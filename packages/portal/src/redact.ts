import type { Access } from './access.ts'

/** What is about to be shown, and to whom. */
export interface Shown {
  /** A message's data, the body of a request, or what a receiver answered. */
  readonly of: 'data' | 'request' | 'response'
  /** The event's type. */
  readonly type: string
  readonly tenant: string
  /** As `authorize`, or a portal link, has it. */
  readonly user: string | null
}

/**
 * What is shown of a value: the same, less of it, or something else. It gets JSON as its value and anything else as its
 * text, such as an answer that was cut. What is stored and sent stays as it is. Where it throws, nothing is shown.
 */
export type Redact = (value: unknown, shown: Shown) => unknown

/** The part of a call that says who looks at whose. */
interface Redacting {
  readonly redact: Redact | undefined
  readonly tenant: string
  readonly access: Access
}

/** A value as it is shown. */
export function redacted(
  { redact, tenant, access }: Redacting,
  of: Shown['of'],
  type: string,
  value: unknown,
): unknown {
  if (!redact || value === undefined) return value
  return redact(value, { of, type, tenant, user: access.user ?? null }) ?? null
}

/** A text as it is shown: JSON stays JSON. */
export function redactedText(call: Redacting, of: Shown['of'], type: string, text: string): string {
  if (!call.redact) return text
  const value = parsed(text)
  const shown = redacted(call, of, type, value)
  if (shown === value) return text
  return typeof shown === 'string' && value === text ? shown : JSON.stringify(shown)
}

/** JSON as its value, anything else as its text. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

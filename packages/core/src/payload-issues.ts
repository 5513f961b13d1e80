import type { PayloadIssue } from './errors.ts'
import type { StandardIssue } from './standard-schema.ts'

/**
 * A schema's issues in our shape: a dotted path and a message, never a value. Some libraries quote what they got
 * (`received "..."`): it is taken out.
 *
 * @param data what was validated
 */
export function payloadIssues(issues: readonly StandardIssue[], data: unknown): PayloadIssue[] {
  return issues.map(({ message, path = [] }) => {
    const steps = path.map((step) => (typeof step === 'object' ? step.key : step))
    return { path: steps.map(String).join('.'), message: withoutValue(message, valueAt(data, steps)) }
  })
}

function valueAt(data: unknown, steps: readonly PropertyKey[]): unknown {
  return steps.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | undefined | null)?.[step], data)
}

function withoutValue(message: string, value: unknown): string {
  // A library's own words hold neither braces nor brackets before what they quote.
  if (typeof value === 'object' && value !== null) return message.replace(/[[{].*$/s, '…')
  if (!['string', 'number', 'bigint'].includes(typeof value) || value === '') return message
  const text = String(value)
  if (text.length > message.length) return message
  // As it is, and as JSON has it. Not where it is a part of a word: a short value is in many.
  const spellings = [text, JSON.stringify(text).slice(1, -1)].map((one) => one.replace(/[^\w\s]/g, '\\$&'))
  return message.replace(new RegExp(`(?<!\\w)(?:${spellings.join('|')})(?!\\w)`, 'g'), '…')
}

import { invalid } from './invalid.ts'
import type { AnyReceiverOptions } from './options.ts'

/** What an option is. A secret is judged by its format. */
const KINDS: Readonly<Record<keyof AnyReceiverOptions, string>> = {
  secret: '',
  contract: 'object',
  format: 'object',
  events: 'object',
  idempotency: 'object',
  answers: 'object',
  clock: 'object',
  logger: 'object',
  idempotencyKey: 'function',
  transaction: 'function',
  inbox: 'function',
  onUnknown: 'function',
  onOutcome: 'function',
  leaseMs: 'number',
  keepMs: 'number',
  maxAge: 'number',
  maxFuture: 'number',
  maxBodyBytes: 'number',
  source: 'text or function',
  explain: 'false or function',
  onInvalidPayload: 'retry or acknowledge',
}

/**
 * Refuses what JavaScript, or a variable of the environment, can give in place of an option, and names that nothing would
 * read. @throws ConfigurationError `option_invalid`
 */
export function checkOptions(given: AnyReceiverOptions): void {
  for (const [name, one] of Object.entries(given)) {
    const kind = KINDS[name as 'secret'] ?? 'known'
    if (one !== undefined && kind && !kind.split(' or ').includes(kindOf(name, one))) invalid(`${name} is not: ${kind}`)
  }
}

function kindOf(name: string, one: unknown): string {
  if (typeof one === 'number') return one >= 0 && one < Infinity ? 'number' : ''
  if (typeof one === 'string') return name === 'source' ? 'text' : name === 'onInvalidPayload' ? one : ''
  return one && one !== true ? typeof one : `${one}`
}

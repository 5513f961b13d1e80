import { ConfigurationError } from '@hooks/core'
import type { AnyReceiverOptions } from './options.ts'

/** Options by what they are. */
const KINDS = {
  object: 'contract format events idempotency answers clock logger',
  function: 'idempotencyKey transaction inbox onUnknown onOutcome',
  number: 'leaseMs keepMs maxAge maxFuture maxBodyBytes',
  'text or function': 'source',
  'false or function': 'explain',
  'retry or acknowledge': 'onInvalidPayload',
}

/** Refuses what JavaScript, or a variable of the environment, can give in place of an option. @throws ConfigurationError `option_invalid` */
export function checkOptions(given: AnyReceiverOptions): void {
  for (const [kind, names] of Object.entries(KINDS)) {
    for (const name of names.split(' ')) {
      const one: unknown = given[name as never]
      if (one !== undefined && !kind.split(' or ').includes(kindOf(name, one))) invalid(`${name} is not: ${kind}`)
    }
  }
}

function kindOf(name: string, one: unknown): string {
  if (typeof one === 'number') return one >= 0 && one < Infinity ? 'number' : ''
  if (typeof one === 'string') return name === 'source' ? 'text' : name === 'onInvalidPayload' ? one : ''
  return one && one !== true ? typeof one : `${one}`
}

export function invalid(what: string): never {
  throw new ConfigurationError('option_invalid', what)
}

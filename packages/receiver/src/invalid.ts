import { ConfigurationError } from '@hooks/core'

/** @throws ConfigurationError `option_invalid` */
export function invalid(what: string): never {
  throw new ConfigurationError('option_invalid', what)
}

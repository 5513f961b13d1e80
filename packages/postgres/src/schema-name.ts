import { ConfigurationError } from '@hooks/core'

const SCHEMA = /^[a-z_][a-z0-9_]{0,39}$/

/** @throws ConfigurationError `option_invalid` for what is no plain name of a schema of its own */
export function checkSchema(schema: string): void {
  if (SCHEMA.test(schema) && schema !== 'public' && !schema.startsWith('pg_')) return
  throw new ConfigurationError('option_invalid', 'the schema of the tables is no plain name of its own', {
    hint: 'lower-case letters, digits and underscores, such as "hooks"; not "public", which has tables of others',
  })
}

import { type Capability, ConfigurationError, type Storage } from '@hooks/core'

/** Refuses what a storage cannot do. @throws ConfigurationError `storage_lacks` */
export function needs({ facts }: Storage, what: Capability): void {
  if (!facts.lacks?.includes(what)) return
  throw new ConfigurationError('storage_lacks', `the storage has no "${what}"`, {
    hint: 'use a newer release of it, or another storage',
  })
}

import { type Clock, type Contract, type Endpoint, isHooksError, type StoredSecret } from '@hooks/core'
import type { Keyring } from './keyring.ts'
import { isKeyPair, type Rotation, rotate } from './secrets.ts'

/** What of an endpoint's secrets is seen through the keyring. */
export interface EndpointSecrets {
  /** Whether the newest is a key pair. */
  hasKeyPair(endpoint: Endpoint): boolean
  /**
   * An endpoint's secrets with this one in front; the same list where it is there already.
   *
   * @throws EndpointError `secret_limit`
   */
  rotated(
    endpoint: Endpoint,
    secret: string,
    rotation: Pick<Rotation, 'overlapMs' | 'revoke' | 'during'>,
  ): readonly StoredSecret[]
}

/** {@link EndpointSecrets} of a contract's format. */
export function createEndpointSecrets(options: {
  readonly contract: Contract
  readonly keyring: Keyring
  readonly clock: Clock
}): EndpointSecrets {
  const { contract, keyring, clock } = options

  /** A secret's text; undefined where it cannot be read any more, and can be followed by another all the same. */
  function readable(secret: StoredSecret, id: string): string | undefined {
    try {
      return keyring.open(secret, id)
    } catch (error) {
      if (isHooksError(error, 'secret_sealed')) return undefined
      throw error
    }
  }

  return {
    hasKeyPair({ secrets: [current], id }) {
      const secret = current && readable(current, id)
      return secret !== undefined && isKeyPair(secret, contract.format)
    },
    rotated(endpoint, secret, rotation) {
      const isSame = (one: StoredSecret) => readable(one, endpoint.id) === secret
      const sealed = keyring.seal(secret, endpoint.id)
      return rotate(endpoint, sealed, contract.format, { ...rotation, now: clock.now(), isSame })
    },
  }
}

import type { MaybePromise, RawRequest } from '@hooks/core'

export type Secrets = string | readonly (string | undefined)[]
export type SecretFunction = (request: RawRequest) => MaybePromise<Secrets | undefined>

/**
 * The secret, several of them during a rotation (4 at most, the newest first), or how to find them. After the first, an
 * undefined one is no secret.
 */
export type SecretSource = Secrets | SecretFunction

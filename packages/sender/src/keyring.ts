import { createCipheriv, createDecipheriv, createPrivateKey, createPublicKey } from 'node:crypto'
import { ConfigurationError, type Random, type StoredSecret } from '@hooks/core'

/** The keys under which secrets are stored. */
export interface KeyringOptions {
  /** The name of the key that seals from now on. */
  readonly current: string
  /** By name: 32 bytes, or their base64. Old keys stay until `hooks.rewrapSecrets()` has replaced them. */
  readonly keys: Readonly<Record<string, string | Uint8Array>>
}

/** Seals what is stored and must not be read by whoever reads the database. */
export interface Keyring {
  /** The name of the key that seals; null where none does. */
  readonly current: string | null
  /** @param owner the id of the endpoint: what is sealed for one opens for no other */
  seal(text: string, owner: string): Sealed
  /** @throws ConfigurationError `secret_sealed` where the key is not there, or is another */
  open(sealed: Sealed, owner: string): string
}

/** A text as it is stored. */
export type Sealed = Pick<StoredSecret, 'keyId' | 'sealed'>

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** NIST SP 800-38D: 96 bits of nonce, 128 of tag. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * A keyring: AES-256-GCM with a random nonce for each secret and the endpoint's id as additional data. Without keys,
 * what is stored is the text itself.
 *
 * @throws ConfigurationError `option_invalid`
 */
export function createKeyring(options: KeyringOptions | undefined, random: Random): Keyring {
  const keys = new Map(Object.entries(options?.keys ?? {}).map(([name, key]) => [name, bytesOf(name, key)]))
  const current = options?.current ?? null
  const sealing = current === null ? undefined : keys.get(current)
  if (current !== null && !sealing) {
    throw new ConfigurationError('option_invalid', 'keyring.current names none of keyring.keys')
  }

  return {
    current,
    seal(text, owner) {
      if (!sealing) return { keyId: null, sealed: text }
      const nonce = random.bytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, sealing, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(Buffer.from(owner))
      const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return { keyId: current, sealed: Buffer.concat(parts).toString('base64') }
    },
    open({ keyId, sealed }, owner) {
      if (keyId === null) return sealed
      const key = keys.get(keyId)
      if (!key) throw sealedError('the keyring does not have')
      try {
        const bytes = Buffer.from(sealed, 'base64')
        const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(owner))
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
        return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        throw sealedError('is another than that of the keyring')
      }
    },
  }
}

function bytesOf(name: string, key: string | Uint8Array): Buffer {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : Buffer.from(key)
  if (bytes.length === KEY_BYTES) return bytes
  throw new ConfigurationError('option_invalid', `keyring.keys has a key that is not ${KEY_BYTES} bytes: "${name}"`, {
    hint: 'make one with `openssl rand -base64 32`',
  })
}

function sealedError(what: string): ConfigurationError {
  return new ConfigurationError('secret_sealed', `a secret is sealed under a key that ${what}`, {
    hint: 'give the keyring every key under which secrets were stored',
  })
}

/** The DER headers of an Ed25519 private key, RFC 8410 section 7, before its 32 bytes. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The public half, as `whpk_`, of a private Ed25519 key of Standard Webhooks, `whsk_`. */
export function publicKeyOf(privateKey: string): string {
  const seed = Buffer.from(privateKey.slice('whsk_'.length), 'base64').subarray(0, 32)
  const key = createPublicKey(createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' }))
  return `whpk_${key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')}`
}

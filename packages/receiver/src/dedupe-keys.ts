import { type Bytes, type Crypto, type InboundFormat, PayloadError, type RawRequest, toHex } from '@hooks/core'

/** What a store can hold as it is, in any database. */
const PLAIN = /^[!-~]{1,200}$/

/**
 * The keys under which a message is remembered: its name (the id on the wire, or the user's own), and, where that is
 * an id that the signature does not cover, its signed bytes too.
 *
 * @throws PayloadError `idempotency_key_invalid` where the name is no text, or empty
 */
export async function dedupeKeys(
  space: string,
  name: unknown,
  signed: readonly (string | Bytes)[],
  crypto: Crypto,
): Promise<{ readonly key: string; readonly digest?: string | undefined }> {
  if (typeof name !== 'string' || !name) throw new PayloadError('idempotency_key_invalid', 'the message has no id')
  const hash = async (over: readonly (string | Bytes)[]) => toHex(await crypto.sign('sha256', null, over))
  return {
    key: PLAIN.test(name) ? `${space}:id:${name}` : `${space}:hash:${await hash([name])}`,
    digest: signed.length > 0 ? `${space}:bytes:${await hash(signed)}` : undefined,
  }
}

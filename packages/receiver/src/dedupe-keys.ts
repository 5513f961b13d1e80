import { type CryptoBackend, type InboundFormat, PayloadError, type RawRequest, type Segment, toHex } from '@hooks/core'

/**
 * The keys under which a store knows a message: that of its id, and, where the signature does not cover the id, that
 * of its signed bytes. They are hashes: bounded, and no sender can make one that is another's.
 *
 * @throws PayloadError `idempotency_key_invalid` where there is no id: two messages without one are not the same
 */
export async function dedupeKeys(
  { name, open }: InboundFormat,
  raw: RawRequest,
  id: string | undefined,
  idIsSigned: boolean,
  source: string,
  crypto: CryptoBackend,
): Promise<{ readonly key: string; readonly digest: string | undefined }> {
  if (!id) throw new PayloadError('idempotency_key_invalid', 'the message has no id')
  const hash = async (kind: string, over: readonly Segment[]) =>
    toHex(await crypto.sign('sha256', null, [`${source}:${name}:${kind}:`, ...over]))
  const signed = idIsSigned ? [] : open(raw).proofs.flatMap(({ over }) => over.flat())
  return { key: await hash('id', [id]), digest: signed.length > 0 ? await hash('bytes', signed) : undefined }
}

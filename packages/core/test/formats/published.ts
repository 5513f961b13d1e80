import { Key, type RawRequest, type WireFormat } from '@hooks/core'
import { outcomeOf, utf8 } from '../support.ts'

/**
 * Judges a published HMAC-SHA256 vector. Published secrets are often shorter than the ones that a format takes, so the
 * secret's bytes are the key.
 */
export const judgePublished = (
  format: WireFormat,
  secret: string,
  received: RawRequest,
  now = 0,
  window = format.window,
): Promise<string> =>
  outcomeOf(
    { format: { ...format, keys: (text) => [new Key('hmac-sha256', utf8(text))] }, secrets: [secret], now, window },
    received,
  )

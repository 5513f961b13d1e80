import { platformCrypto } from './crypto.ts'
import { fromBase64 } from './encoding.ts'
import { ConfigurationError } from './errors.ts'
import { type Crypto, Key, type Segment, type WireFormat } from './format.ts'
import { part } from './parts.ts'
import type { Bytes, MaybePromise } from './seams.ts'
import { checkSecretText, toWhsec } from './secret.ts'
import { signatureText } from './signature-text.ts'
import {
  candidates,
  headerNames,
  type StandardWebhooksOptions,
  standardWebhooksInbound,
  symmetricKey,
} from './standard-webhooks-inbound.ts'

/**
 * The default format: Standard Webhooks 1.0.0 (https://www.standardwebhooks.com), with `v1` (HMAC-SHA256) and
 * `v1a` (Ed25519). The body is `{"type", "timestamp", "data"}`.
 *
 * Secrets: `whsec_` and base64 of 24 to 64 bytes; for `v1a`, `whsk_` (32 or 64 bytes: the seed, or seed and public
 * key) at the sender and `whpk_` (32 bytes) at the receiver.
 *
 * It is stricter than the reference libraries, which accept `<time>junk` for a time, ids with full stops, base64
 * with junk in it and keys of one byte.
 */
export function standardWebhooks(options: StandardWebhooksOptions = {}): WireFormat {
  const [idHeader, timeHeader, signatureHeader] = headerNames(options)
  const symmetric = standardWebhooksInbound(options)
  return {
    ...symmetric,
    crypto: platformCrypto,
    keys,
    open(request) {
      const { proofs, sentAt } = symmetric.open(request)
      const asymmetric = candidates(request.headers.one(signatureHeader).split(' '), 'v1a,', 'ed25519', 64)
      return {
        proofs: proofs.map(({ over, given }) => ({ over, given: [...given, ...asymmetric] })),
        ...(sentAt && { sentAt }),
      }
    },
    signsWith: 'all-keys',
    newSecret: toWhsec,
    wire: {
      contentType: 'application/json',
      body: { type: part.type, timestamp: part.occurredAt('iso'), data: part.data },
      headers: [
        { name: idHeader, value: part.messageId },
        { name: timeHeader, value: part.sentAt('unix') },
      ],
      signature: {
        header: signatureHeader,
        algorithm: 'hmac-sha256',
        encoding: 'base64',
        prefix: 'v1,',
        separator: ' ',
        over: [part.header(idHeader), '.', part.header(timeHeader), '.', part.body],
        secret: 'whsec',
      },
    },
    compose({ message }) {
      const head = `{"type":${JSON.stringify(message.type)},"timestamp":"${message.occurredAt.toISOString()}"`
      return { body: `${head},"data":${message.data}}`, contentType: 'application/json' }
    },
    seal({ message, sentAt, body }, liveKeys, crypto) {
      const time = String(Math.floor(sentAt.getTime() / 1000))
      const over = [`${message.id}.${time}.`, body]
      const headers = (signatures: readonly string[]) => ({
        [idHeader]: message.id,
        [timeHeader]: time,
        [signatureHeader]: signatures.join(' '),
      })
      const made = liveKeys.map((key) => signature(key, over, crypto))
      return made.every((one) => typeof one === 'string') ? headers(made) : Promise.all(made).then(headers)
    },
  }
}

function keys(secret: string, use: 'sign' | 'verify'): readonly Key[] {
  checkSecretText(secret)
  const [, kind, text = ''] = /^wh(sk|pk)_(.*)$/s.exec(secret) ?? []
  if (!kind) return [symmetricKey(secret)]
  const bytes = fromBase64(text)
  if (!bytes) throw new ConfigurationError('secret_format', `the key is not "wh${kind}_" and padded base64`)
  const wanted = use === 'sign' ? 'sk' : 'pk'
  const { length } = bytes
  if (kind === wanted && (length === 32 || (length === 64 && use === 'sign'))) return [new Key('ed25519', bytes, use)]
  throw new ConfigurationError('secret_type', `the key to ${use} with is wh${wanted}_ and 32 bytes`)
}

function signature(key: Key, over: readonly Segment[], crypto: Crypto): MaybePromise<string> {
  const text = (made: Bytes) => (key.algorithm === 'ed25519' ? 'v1a,' : 'v1,') + signatureText(made, 'base64')
  const made = crypto.sign(key.algorithm, key, over)
  return made instanceof Promise ? made.then(text) : text(made)
}

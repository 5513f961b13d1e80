import { type BodyTemplate, writeBody } from '../body-template.ts'
import { platformCrypto } from '../crypto.ts'
import { fromHex, toHex } from '../encoding.ts'
import { ConfigurationError, WebhookVerificationError } from '../errors.ts'
import { type Content, Key, type OutgoingDelivery, type Reply, type ReplyTo, type WireFormat } from '../format.ts'
import { part, readStamp, writeStamp } from '../parts.ts'
import { checkSecretText } from '../secret.ts'
import { type Fields, object, readEvent, typeIn } from './event-body.ts'

const SIGNATURE = 'x-signature-ed25519'
const TIME = 'x-signature-timestamp'

/** By number, the types of interactions. */
const INTERACTIONS = [
  undefined,
  'PING',
  'APPLICATION_COMMAND',
  'MESSAGE_COMPONENT',
  'APPLICATION_COMMAND_AUTOCOMPLETE',
  'MODAL_SUBMIT',
]

/**
 * Discord, interactions and webhook events: `X-Signature-Ed25519: <hex>` of `<X-Signature-Timestamp><body>` (Unix seconds). The
 * secret is the application's public key, 32 bytes in hexadecimal; to sign, it is the private key's 32 bytes. Discord names no
 * window: five minutes either way.
 *
 * `type` is the interaction's (`APPLICATION_COMMAND`), or that of the webhook event (`APPLICATION_AUTHORIZED`); `data` is the whole
 * body. `id` is the interaction's, signed; webhook events have none, and a receiver's store knows them by their bytes, which hold
 * their time.
 *
 * A signed PING is answered, and no handler sees it. Discord probes an endpoint with wrong signatures and wants a 401 for all of
 * them, malformed ones too.
 *
 * Source: https://discord.com/developers/docs/interactions/overview#preparing-for-interactions;
 * https://discord.com/developers/docs/events/webhook-events
 */
export function discord(): WireFormat {
  return {
    name: 'discord',
    facts: { id: 'signed', sentAt: 'signed', body: 'signed', url: 'absent' },
    methods: ['POST'],
    window: { maxAgeMs: 300_000, maxFutureMs: 300_000 },
    signsWith: 'one-key',
    crypto: platformCrypto,
    keys,
    newSecret: toHex,
    compose: (delivery) => ({ body: compose(delivery), contentType: 'application/json' }),
    seal({ sentAt, body }, [key], crypto) {
      const time = writeStamp(sentAt, 'unix')
      const headers = (made: Uint8Array) => ({ [SIGNATURE]: toHex(made), [TIME]: time })
      const made = crypto.sign('ed25519', key as Key, [time, body])
      return made instanceof Promise ? made.then(headers) : headers(made)
    },
    open({ headers, body }) {
      const signature = headers.one(SIGNATURE)
      const bytes = signature.length === 128 ? fromHex(signature) : undefined
      const time = headers.one(TIME)
      const sentAt = readStamp(time, 'unix')
      if (!sentAt) throw new WebhookVerificationError('malformed_timestamp', `the header ${TIME} is malformed`)
      return {
        proofs: [{ over: [[time, body]], given: bytes ? [{ algorithm: 'ed25519', bytes }] : [] }],
        sentAt,
      }
    },
    read({ headers, body }) {
      const sentAt = readStamp(headers.find(TIME), 'unix')
      return { ...readBody(readEvent(body)), ...(sentAt && { sentAt }) }
    },
    reply,
  }
}

function keys(secret: string, use: 'sign' | 'verify'): readonly Key[] {
  checkSecretText(secret)
  const bytes = fromHex(secret)
  if (bytes?.length === 32) return [new Key('ed25519', bytes, use)]
  throw new ConfigurationError('secret_format', 'the public key is not 32 bytes in hexadecimal')
}

/** An interaction has an id of its own; a webhook event has none, and `version`, which interactions have too. */
const isInteraction = (data: Fields) => typeof data.id === 'string'

function readBody(data: Fields): Content {
  if (isInteraction(data)) {
    const type = INTERACTIONS[Number(data.type)]
    return { type: type ?? `INTERACTION_${typeIn(String(data.type))}`, data, id: data.id as string }
  }
  if (data.type === 0) return { type: 'PING', data }
  const event = object(data.event, 'the event')
  const occurredAt = readStamp(event.timestamp, 'iso')
  return { type: typeIn(event.type), data, ...(occurredAt && { occurredAt }) }
}

function compose(delivery: OutgoingDelivery): string {
  const type = INTERACTIONS.indexOf(delivery.message.type)
  const interaction: BodyTemplate = {
    version: 1,
    id: part.messageId,
    type,
    application_id: part.tenant,
    '...': part.data,
  }
  const event: BodyTemplate = {
    version: 1,
    application_id: part.tenant,
    type: 1,
    event: { type: part.type, timestamp: part.occurredAt('iso'), data: part.data },
  }
  return writeBody(type > 0 ? interaction : event, delivery)
}

const UNPROVED = ['missing_header', 'ambiguous_header', 'malformed_header', 'malformed_timestamp']

function reply({ content, outcome }: ReplyTo): Reply | undefined {
  if (outcome !== undefined) return UNPROVED.includes(outcome) ? { status: 401 } : undefined
  if (content?.type !== 'PING') return undefined
  if (!isInteraction(content.data as Fields)) return { status: 204 }
  return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"type":1}' }
}

import { fromBase64, toBase64 } from '../encoding.ts'
import { PayloadError, WebhookVerificationError } from '../errors.ts'
import type { Key, RawRequest, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { parseJson } from '../json.ts'
import { part, readStamp } from '../parts.ts'
import type { Fields } from './batch.ts'

/** Each is a signature that a stranger can have us compute. Adyen sends one. */
const MOST_ITEMS = 100

/**
 * Adyen's standard webhooks, for payments: each `NotificationRequestItem` of the body has its signature in
 * `additionalData.hmacSignature`, base64 of an HMAC-SHA256 of `pspReference:originalReference:merchantAccountCode:
 * merchantReference:value:currency:eventCode:success`. The key is the hexadecimal of the HMAC key, decoded.
 *
 * **Only those eight fields are signed.** Reason, payment method, dates and the rest of `additionalData` can be changed by
 * whoever gets hold of a request, and values that hold a colon can be moved between the account's and the references: ask
 * Adyen's API where one of these decides. No time is signed, so there is no window.
 *
 * `type` is the item's `eventCode` (`AUTHORISATION`). `id` is its `pspReference`, `eventCode` and `success`, by which Adyen's
 * documents know a duplicate; all are signed. `data` is the whole body. Adyen sends one item a request: several of one type
 * are read too, as one message.
 *
 * Source: https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
 */
export function adyen(): WireFormat {
  const format = hmacFormat({
    name: 'adyen',
    secret: 'hex',
    body: { eventCode: part.type, '...': part.data },
    // It stands in the body: this format takes keys.
    signature: { header: 'signature', encoding: 'base64' },
  })
  return {
    ...format,
    facts: { id: 'signed', sentAt: 'absent', body: 'unsigned', url: 'absent' },
    window: null,
    compose({ message }) {
      const item = {
        pspReference: message.id,
        eventCode: message.type,
        success: 'true',
        eventDate: message.occurredAt.toISOString(),
        merchantAccountCode: message.tenant,
        ...(JSON.parse(message.data) as Fields),
      }
      const body = { live: 'false', notificationItems: [{ NotificationRequestItem: item }] }
      return { body: JSON.stringify(body), contentType: 'application/json' }
    },
    seal: () => ({}),
    async sealBody({ body }, [key], crypto) {
      const unsealed = parseJson(body) as Fields
      const sealed = itemsOf(unsealed).map(async (item) => {
        const signature = await crypto.sign('hmac-sha256', key as Key, [signedText(item) as string])
        const additionalData = { ...(item.additionalData as Fields), hmacSignature: toBase64(signature) }
        return { NotificationRequestItem: { ...item, additionalData } }
      })
      return JSON.stringify({ ...unsealed, notificationItems: await Promise.all(sealed) })
    },
    open(request) {
      const items = itemsOf(bodyOf(request))
      if (items.length === 0)
        throw new WebhookVerificationError('missing_header', 'the body holds no notification item')
      if (items.length > MOST_ITEMS)
        throw new WebhookVerificationError(
          'malformed_header',
          `the body holds more than ${MOST_ITEMS} notification items`,
        )
      const proofs = items.map((item) => {
        const { hmacSignature: text } = (item.additionalData ?? {}) as Fields
        if (typeof text !== 'string' || !text) {
          throw new WebhookVerificationError('missing_header', 'the body holds no additionalData.hmacSignature')
        }
        const bytes = text.length === 44 ? fromBase64(text) : undefined
        const signed = signedText(item)
        const given = bytes?.length === 32 && signed ? [{ algorithm: 'hmac-sha256' as const, bytes }] : []
        return { over: [[signed ?? '']], given }
      })
      return { proofs }
    },
    read({ body }) {
      const data = parseJson(body)
      const items = itemsOf(data)
      const [{ eventCode: type, eventDate } = {} as Fields] = items
      if (typeof type !== 'string' || items.some(({ eventCode }) => eventCode !== type)) {
        throw new PayloadError('payload_invalid', 'the body holds no items of one "eventCode"')
      }
      if (!items.every(({ pspReference }) => pspReference && typeof pspReference === 'string')) {
        throw new PayloadError('payload_invalid', 'an item of the body has no "pspReference"')
      }
      const occurredAt = readStamp(eventDate, 'iso')
      const id = items.map(({ pspReference, eventCode, success }) => [pspReference, eventCode, success].join(':'))
      return { type, data, id: id.join(','), ...(occurredAt && { occurredAt }) }
    },
  }
}

/**
 * Adyen's other webhooks, for platforms, banking and management: the header `HmacSignature` holds base64 of an HMAC-SHA256 of
 * the body. The key is the hexadecimal of the HMAC key, decoded. Nothing else is signed: no time, and no id is on the wire, so
 * to deduplicate give `idempotencyKey`.
 *
 * `type` (`balancePlatform.accountHolder.created`) and `occurredAt` are in the signed body. `data` is the whole body.
 *
 * Source: https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
 */
export function adyenPlatform(): WireFormat {
  return hmacFormat({
    name: 'adyen',
    secret: 'hex',
    body: { data: part.data, environment: 'test', timestamp: part.occurredAt('iso'), type: part.type },
    reads: 'body',
    signature: { header: 'hmacsignature', encoding: 'base64' },
    window: null,
  })
}

function bodyOf({ body }: RawRequest): unknown {
  try {
    return parseJson(body)
  } catch {
    return null
  }
}

function itemsOf(body: unknown): readonly Fields[] {
  const { notificationItems: items } = (body ?? {}) as Fields
  if (!Array.isArray(items)) return []
  return items.map((one) => (one as { NotificationRequestItem?: Fields } | null)?.NotificationRequestItem ?? {})
}

/**
 * What an item's signature covers. Adyen escapes nothing: a colon is refused in the fields at either end, so that what tells
 * one event from another and says what it is stays in its place.
 */
function signedText(item: Fields): string | undefined {
  const { pspReference, originalReference, merchantAccountCode, merchantReference, eventCode, success } = item
  const { value, currency } = (item.amount ?? {}) as Fields
  const ends = [pspReference, value, currency, eventCode, success].map(text)
  if (ends.some((one) => one.includes(':'))) return undefined
  const [first, ...rest] = ends
  return [first, ...[originalReference, merchantAccountCode, merchantReference].map(text), ...rest].join(':')
}

function text(value: unknown): string {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
}

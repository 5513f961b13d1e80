import type { BodyTemplate } from './body-template.ts'
import type { HeaderValuePart, Part, SignedPart, StampPart } from './parts.ts'
import type { Ms } from './seams.ts'
import type { SignatureFields } from './signature-fields.ts'
import type { SecretGrammar, SignatureEncoding } from './wire-description.ts'

/** A body that is not JSON. `encode` must give the same text for the same value, every time. */
export interface Codec {
  readonly contentType: string
  encode(value: Readonly<Record<string, unknown>>): string
  /** Throws where the text is not of the form, or holds what must not be parsed (a DTD, an entity). */
  decode(text: string): unknown
}

/** An HMAC over parts of the request, in one header. */
export interface HmacSignature {
  readonly header: string
  /** Text in front of the signature, such as `sha256=`. */
  readonly prefix?: string
  /** `hmac-sha256` by default. */
  readonly algorithm?: 'hmac-sha1' | 'hmac-sha256' | 'hmac-sha512'
  /** `hex` by default. */
  readonly encoding?: SignatureEncoding
  /** What is signed, in order. The body alone by default. Strings are literals. */
  readonly over?: readonly (SignedPart | string)[]
}

/** HMACs in a header of fields, one for each live secret, with the attempt's time beside them: `t=1492774577,v1=5257a8…`. */
export interface FieldsSignature extends Omit<HmacSignature, 'prefix' | 'over'> {
  readonly prefix?: never
  readonly fields: SignatureFields
  /** What is signed, in order: `part.sentAt` is the time in the header, and must be there once. */
  readonly over: readonly (SignedPart | StampPart<'sentAt'> | string)[]
}

/** The secret itself in a header. It proves who sends and nothing about what: such messages have `integrity: 'none'`. */
export interface TokenSignature {
  readonly header: string
  readonly prefix?: string
  readonly token: true
  /** A token signs nothing. */
  readonly over?: never
}

/** Options of {@link hmacFormat}. */
export interface HmacFormatOptions {
  readonly name: string
  /** The grammar of secrets, and the least number of bytes: 16 for text, 24 for the others. */
  readonly secret: SecretGrammar | { readonly grammar: SecretGrammar; readonly minBytes: number }
  /** The body, or `part.data` for the data alone. */
  readonly body: BodyTemplate | Part<'data'>
  /** Further headers, by name. Strings are literals. */
  readonly headers?: Readonly<Record<string, HeaderValuePart | string>>
  readonly signature: HmacSignature | FieldsSignature | TokenSignature
  /** The one event type of all messages, where neither body nor headers name any: of batches, mostly. */
  readonly type?: string
  /**
   * What is read as the data: what the body has in the place of `part.data` (the default), or the whole body. The whole
   * is for the formats of providers, whose own types describe it.
   */
  readonly reads?: 'data' | 'body'
  /** How far a signed `part.sentAt` may be from the receiver's clock: 5 minutes either way by default. */
  readonly window?: { readonly maxAgeMs: Ms; readonly maxFutureMs: Ms } | null
  /** JSON by default. */
  readonly codec?: Codec
}

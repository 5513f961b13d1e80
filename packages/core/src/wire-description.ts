import type { BodyPart, HeaderValuePart, Part, SignedPart, StampPart } from './parts.ts'
import type { SignatureFields } from './signature-fields.ts'

/** How the bytes of a signature are written. */
export type SignatureEncoding = 'hex' | 'base64' | 'base64url'

/** How a secret's text becomes a key. `text` is its UTF-8 bytes, a `whsec_` in front included. */
export type SecretGrammar = 'text' | 'whsec' | 'base64' | 'hex'

/** A body, field by field; under the key `'...'` the data's own fields are spread into it. */
export interface WireBody {
  readonly [field: string]: BodyPart | WireBody | string | number | boolean | null
}

/** How a request of a format looks, as data: what documentation and generated verification code are made of. */
export interface WireDescription {
  readonly contentType: string
  /** Its fields, or the data alone. */
  readonly body: WireBody | Part<'data'>
  /** The headers beside `content-type` and the signature, in their order. Strings are literals. */
  readonly headers: readonly { readonly name: string; readonly value: HeaderValuePart | string }[]
  readonly signature: {
    readonly header: string
    /** `token`: the secret itself, which signs nothing. */
    readonly algorithm: 'hmac-sha1' | 'hmac-sha256' | 'hmac-sha512' | 'token'
    readonly encoding: SignatureEncoding
    /** Text in front of each signature. */
    readonly prefix: string
    /** What stands between several signatures, where the header can hold several. */
    readonly separator?: string
    /** How the header names its fields, where it has fields. */
    readonly fields?: SignatureFields
    /** What is signed, in order. Strings are literals; a time is the one in the header's fields. */
    readonly over: readonly (SignedPart | StampPart<'sentAt'> | string)[]
    readonly secret: SecretGrammar
  }
}

import type { Bytes, MaybePromise, Ms } from './seams.ts'
import type { WireDescription } from './wire-description.ts'

/**
 * How a signature is made. `sha256-secret-first` and `-last` are plain hashes over secret and bytes, `token` is
 * the secret itself, `sha256` is keyless and binds a body whose digest is signed elsewhere.
 */
export type Algorithm =
  | 'hmac-sha1'
  | 'hmac-sha256'
  | 'hmac-sha512'
  | 'ed25519'
  | 'ecdsa-p256-sha256'
  | 'sha256-secret-first'
  | 'sha256-secret-last'
  | 'token'
  | 'sha256'

/**
 * A key, and what it may be used for. The key fixes the algorithm, never a header: a public key can therefore
 * never be taken for an HMAC key. The bytes are private, so that no inspection or JSON of it shows them.
 */
export class Key {
  readonly #bytes: Bytes
  declare readonly algorithm: Algorithm
  declare readonly use: 'sign' | 'verify' | 'both'
  #native: unknown

  constructor(algorithm: Algorithm, bytes: Bytes, use: 'sign' | 'verify' | 'both' = 'both') {
    this.algorithm = algorithm
    this.#bytes = bytes
    this.use = use
  }

  get bytes(): Bytes {
    return this.#bytes
  }

  /** The platform's own key object, made at first use and kept by the {@link Crypto} that made it. */
  get native(): unknown {
    return this.#native
  }
  set native(made: unknown) {
    this.#native = made
  }
}

/** A piece of what is signed. Text stands for its UTF-8 bytes. */
export type Segment = string | Bytes

/** Signs, with whatever the platform has: synchronously with `node:crypto`, as a promise with Web Crypto. */
export interface Crypto {
  /** The MAC, hash or signature of `over` under `key`; `key` is null for the keyless algorithm alone. */
  sign(algorithm: Algorithm, key: Key | null, over: readonly Segment[]): MaybePromise<Bytes>
}

/** What {@link Crypto} signs with, and the comparison, which only core makes. */
export interface CryptoBackend extends Crypto {
  /**
   * Whether one of `signatures` that is of `algorithm` is that of `over` under `key`, or by its private half. What can be computed is computed
   * once, and compared with each of them in constant time.
   */
  verify(
    algorithm: Algorithm,
    key: Key | null,
    over: readonly Segment[],
    signatures: readonly Candidate[],
  ): MaybePromise<boolean>
}

/** The headers of a request, by name, whatever their case. */
export interface HeaderBag {
  /** The value, or undefined. @throws WebhookVerificationError `ambiguous_header` where it is there twice */
  find(name: string): string | undefined
  /** The value. @throws WebhookVerificationError `missing_header`, `ambiguous_header` */
  one(name: string): string
}

/** A request as it came. */
export interface RawRequest {
  readonly method: string
  /** The public URL to the letter, for schemes that sign it; it is never normalised. */
  readonly url: string
  readonly headers: HeaderBag
  readonly body: Bytes
}

/** What is stored of a delivery and never changes: `compose` sees nothing else, so every attempt has the same bytes. */
export interface OutgoingDelivery {
  readonly message: {
    readonly id: string
    readonly type: string
    readonly occurredAt: Date
    readonly tenant: string
    /** The data as JSON text, serialised once. */
    readonly data: string
  }
  readonly endpoint: { readonly id: string; readonly url: string }
  readonly delivery: { readonly id: string }
}

/** One attempt of a delivery: what changes from try to try. */
export interface OutgoingAttempt extends OutgoingDelivery {
  /** From 1. */
  readonly attempt: number
  readonly sentAt: Date
  readonly body: Bytes
}

/** One signature that a request carries. */
export interface Candidate {
  readonly algorithm: Algorithm
  /** For ECDSA r and s, 32 bytes each; a format with DER on the wire converts it with `ecdsaFromDer`. */
  readonly bytes: Bytes
}

/** It holds if one of `given` fits one of `over` under one key. */
export interface Proof {
  readonly over: readonly (readonly Segment[])[]
  readonly given: readonly Candidate[]
}

/** What a format finds in a request before anything is proved. */
export interface Opened {
  /** All must hold. None at all is a refusal. */
  readonly proofs: readonly Proof[]
  /**
   * The time that the window applies to. Formats give it only where it is signed. It is asked for once the proofs hold, so that
   * a format whose time is in the body can make it a getter.
   */
  readonly sentAt?: Date
}

/** What a verified request says. */
export interface Content {
  readonly type: string
  readonly data: unknown
  /** The id on the wire that is the same for every attempt of one message at one endpoint. */
  readonly id?: string
  readonly occurredAt?: Date
  readonly sentAt?: Date
  readonly tenant?: string
  readonly attempt?: number
}

/** Whether a fact is on the wire, and under the signature. */
export type Carried = 'signed' | 'unsigned' | 'absent'

/** What a format's signature covers: deduplication, the window and the need of a public URL follow from it. */
export interface FormatFacts {
  readonly id: Carried
  readonly sentAt: Carried
  readonly body: 'signed' | 'unsigned'
  readonly url: 'signed' | 'absent'
}

/** An answer that a provider dictates. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What a format may answer by itself. */
export interface ReplyTo {
  readonly request: RawRequest
  /** Null where the request was refused before it was read. */
  readonly content: Content | null
  /** What became of the request; undefined while it is proved and nothing has run. */
  readonly outcome: string | undefined
  /** The keys of the secret that fitted; none where none did. */
  readonly keys: readonly Key[]
}

/** What receiving needs of a format: it parses, and never compares. A receiver's bundle holds this half alone. */
export interface InboundFormat {
  readonly name: string
  readonly facts: FormatFacts
  /** Upper case. `['POST']` for almost all. */
  readonly methods: readonly string[]
  /** How far a signed `sentAt` may be from the receiver's clock; null for none. Both ends are allowed. */
  readonly window: { readonly maxAgeMs: Ms; readonly maxFutureMs: Ms } | null
  /**
   * The keys that a secret stands for. The format owns the grammar of its secrets.
   * @throws ConfigurationError `secret_format`, `secret_too_short`, `secret_too_long`, `secret_type`, `secret_whitespace`, `secret_missing`
   */
  keys(secret: string, use: 'sign' | 'verify'): readonly Key[]
  /**
   * The grammar of a request, nothing more: malformed candidates are left out.
   * @throws WebhookVerificationError `missing_header`, `ambiguous_header`, `malformed_header`, `malformed_timestamp`
   */
  open(request: RawRequest): Opened
  /**
   * The content of a request whose proofs hold.
   *
   * @throws PayloadError `payload_invalid`; WebhookVerificationError `missing_header` where nothing signs the header of its type or its id, and it is not there
   */
  read(request: RawRequest): Content
  /**
   * The answer that the provider dictates: to a challenge (`content` says which, no handler runs) or to an outcome.
   * Undefined for the usual one. It is asked about proved requests, after `read` and before any handler, with
   * `outcome` undefined, and again with the outcome of what was not answered then; and about those that were refused
   * with their bytes at hand, with the code, without `content` and `keys`.
   */
  reply?(to: ReplyTo, crypto: Crypto): MaybePromise<Reply | undefined>
  /** What it takes to verify this format, where that is more than HMAC, SHA-256 and tokens: `platformCrypto`. */
  readonly crypto?: () => CryptoBackend
}

/**
 * How a delivery looks on the wire: body, headers, signature. A format parses and composes; it never compares.
 * The law: what `seal` makes of a composed body, `open` and the comparison accept, and `read` gives back what
 * `facts` says is carried; with any bit of a signed part flipped it is refused.
 */
export interface WireFormat extends InboundFormat {
  /** A fresh secret of this format's grammar from `bytes` of randomness (32 are given). */
  newSecret(bytes: Bytes): string
  /** Whether one header can hold the signatures of several secrets, as during a rotation. */
  readonly signsWith: 'all-keys' | 'one-key'
  /** What a request looks like, for documentation; left out where data cannot describe it. */
  readonly wire?: WireDescription
  /** Refuses data that this format cannot carry. @throws PayloadError `payload_invalid` */
  check?(type: string, data: unknown): void
  /** The body's bytes: a pure function of what is stored. */
  compose(delivery: OutgoingDelivery): { readonly body: string | Bytes; readonly contentType: string }
  /** The headers of one attempt, signature included. `keys` are the live ones, newest first. */
  seal(attempt: OutgoingAttempt, keys: readonly Key[], crypto: Crypto): MaybePromise<Readonly<Record<string, string>>>
  /**
   * The body of one attempt with time and signature in it, in place of the composed one: for formats that have them
   * there. Attempts differ in these alone.
   */
  sealBody?(attempt: OutgoingAttempt, keys: readonly Key[], crypto: Crypto): MaybePromise<string | Bytes>
}

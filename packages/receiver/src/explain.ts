import {
  type Algorithm,
  type Bytes,
  type CryptoBackend,
  consoleLogger,
  fromBase64,
  fromHex,
  type InboundFormat,
  Key,
  type Logger,
  proveRequest,
  type RawRequest,
  systemClock,
} from '@hooks/core'

/** A request whose signature fits under none of the secrets. */
export interface Mismatch {
  readonly format: InboundFormat
  readonly raw: RawRequest
  /** Text, or several. */
  readonly secrets: unknown
  readonly crypto: CryptoBackend
  /** The console where there is none. */
  readonly logger: Logger | undefined
}

/** Tells an operator why no signature fits. It never rejects. */
export type Explain = (mismatch: Mismatch) => Promise<void>

/**
 * Looks for the usual reasons why an honest request is refused, and says in the log which of them it is: a body that was
 * parsed and written again, bytes that were lost, a secret that was taken for another kind of text. It tries other
 * bodies and other keys, so it costs some signatures; it logs nothing of body, header or secret.
 */
export async function explainMismatch(mismatch: Mismatch): Promise<void> {
  try {
    const reasons = await reasonsOf(mismatch)
    const found = reasons.length > 0 ? reasons : ['nothing usual fits: it is another secret, or the bytes were changed']
    const log = mismatch.logger ?? (process.env.NODE_ENV === 'test' ? undefined : consoleLogger)
    log?.warn({ code: 'signature_mismatch', reasons: found }, `webhook: no signature fits; ${found.join('; ')}`)
  } catch {
    // An explanation that fails explains nothing.
  }
}

async function reasonsOf(mismatch: Mismatch): Promise<readonly string[]> {
  const { format, raw } = mismatch
  const { proofs } = format.open(raw)
  const reasons: string[] = []
  if (proofs.some(({ given }) => given.length === 0)) {
    reasons.push(`the signature header holds no signature of the form that ${format.name} has`)
  }
  for (const [what, body] of otherBodies(raw.body)) {
    if (await fits(mismatch, { ...raw, body })) reasons.push(what)
  }
  const algorithm = proofs.flatMap(({ given }) => given)[0]?.algorithm
  for (const [what, keys] of otherKeys(mismatch.secrets, format, algorithm)) {
    if (await fits(mismatch, raw, keys)) reasons.push(what)
  }
  return [...reasons, ...suspicions(mismatch)]
}

/** Whether the request would hold as it is here, whatever its time. */
async function fits({ format, secrets, crypto }: Mismatch, raw: RawRequest, keys?: readonly Key[]): Promise<boolean> {
  try {
    const all = keys ?? textsOf(secrets).flatMap((secret) => format.keys(secret, 'verify'))
    await proveRequest(format, [{ keyId: '0', keys: all }], raw, systemClock, crypto, null)
    return true
  } catch {
    return false
  }
}

const textsOf = (secrets: unknown): readonly string[] =>
  [secrets].flat().filter((one): one is string => typeof one === 'string')

/** What the sender may have signed in place of these bytes. */
function otherBodies(body: Bytes): readonly (readonly [string, Bytes])[] {
  const text = new TextDecoder().decode(body)
  const bytes = (other: string) => new TextEncoder().encode(other)
  const found: [string, Bytes][] = [
    ['the body lost a line break at its end', bytes(`${text}\n`)],
    ['the body lost its byte order mark: it was read as text', bytes(`\ufeff${text}`)],
    ['the body gained white space at its ends', bytes(text.trim())],
  ]
  try {
    const value: unknown = JSON.parse(text)
    const parsed = 'the body was parsed and written again: give the receiver the bytes that came'
    found.push([`JSON round trip: ${parsed}`, bytes(JSON.stringify(value))])
    found.push([`JSON round trip with indentation: ${parsed}`, bytes(JSON.stringify(value, null, 2))])
    if (typeof value === 'string') found.push([`the body was written as a JSON text: ${parsed}`, bytes(value)])
  } catch {
    // It is no JSON, so no parser was here.
  }
  return found.filter(([, other]) => other.length !== body.length || other.some((byte, i) => byte !== body[i]))
}

/** What the secrets would be if they were meant otherwise. */
function otherKeys(
  secrets: unknown,
  format: InboundFormat,
  algorithm: Algorithm | undefined,
): readonly (readonly [string, readonly Key[]])[] {
  if (!algorithm?.startsWith('hmac-')) return []
  const key = (bytes: Bytes | undefined) => (bytes ? [new Key(algorithm, bytes, 'verify')] : [])
  const texts = textsOf(secrets)
  const all = (meant: (secret: string) => readonly Key[]) => texts.flatMap(meant)
  const cleaned = (secret: string) => secret.replace(/^["']|["']$|\\[nr]|\s/g, '')
  const body = (secret: string) => secret.replace(/^(v1,)?whsec_/, '')
  return [
    [
      'the secret fits without quotes, white space or "\\n" in it: copy it again',
      all((secret) => (cleaned(secret) === secret ? [] : tryKeys(format, cleaned(secret)))),
    ],
    ['the secret fits taken as text, whsec_ and all: see hmacFormat', all((one) => key(new TextEncoder().encode(one)))],
    ['the secret fits taken as text after whsec_', all((one) => key(new TextEncoder().encode(body(one))))],
    [
      'the secret fits taken as base64: the format takes it for something else',
      all((one) => key(fromBase64(body(one)))),
    ],
    [
      'the secret fits taken as hexadecimal: the format takes it for something else',
      all((one) => key(fromHex(body(one)))),
    ],
  ]
}

function tryKeys(format: InboundFormat, secret: string): readonly Key[] {
  try {
    return format.keys(secret, 'verify')
  } catch {
    return []
  }
}

/** What looks wrong without proof. */
function suspicions({ format, raw }: Mismatch): readonly string[] {
  const { body, headers } = raw
  const found: string[] = []
  const declared = headers.find('content-length')
  if (declared && Number(declared) !== body.length) {
    found.push(
      `the body has ${body.length} bytes and content-length says ${Number(declared)}: something changed it, most often a body parser`,
    )
  }
  if (body[0] === 0x1f && body[1] === 0x8b) found.push('the body is gzip: the signature may cover what it unpacks to')
  if (indexOf(body, [0xef, 0xbf, 0xbd]) >= 0) {
    found.push('the body holds U+FFFD: it was read as text, and bytes that are no UTF-8 were lost')
  }
  if (/^(\{\}|undefined|\[object Object\]|)$/.test(new TextDecoder().decode(body.subarray(0, 20)))) {
    found.push('the body is as good as empty: a body parser took it')
  }
  if (format.facts.url === 'signed') found.push('the URL is signed: give the public one, to the letter')
  return found
}

function indexOf(bytes: Bytes, wanted: readonly number[]): number {
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at
  }
  return -1
}

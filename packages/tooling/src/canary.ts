import { inspect } from 'node:util'

/** What every secret begins with that is made by chance while tests run: where it shows, a secret has got out. */
const CANARY = Buffer.from('CANARYSECRET')
const SECRET_BYTES = 32

const base64 = CANARY.toString('base64')
/** As it would be read: the bytes as text, in hex, as a list; in base64, as a secret is written; and that written once more. */
const SPELLINGS: readonly string[] = [
  CANARY.toString(),
  CANARY.toString('hex'),
  CANARY.join(','),
  CANARY.join(', '),
  base64,
  Buffer.from(base64).toString('hex'),
  Buffer.from(`whsec_${base64}`).toString('base64').slice(0, 24),
]

/** The bytes of a secret that can be recognised: the first twelve are the canary's, the rest stay as they are. */
export function marked<T extends Uint8Array>(bytes: T): T {
  bytes.set(CANARY)
  return bytes
}

let isPlanted = false

/** From now on, whatever asks the platform for as many random bytes as a secret has gets such as can be recognised. */
export function plantCanaries(): void {
  if (isPlanted) return
  isPlanted = true
  const honest = crypto.getRandomValues.bind(crypto)
  Object.defineProperty(crypto, 'getRandomValues', {
    configurable: true,
    value: (array: Uint8Array<ArrayBuffer>) => {
      const filled = honest(array)
      return array.byteLength === SECRET_BYTES ? marked(filled) : filled
    },
  })
}

/** How a canary stands in what somebody could read; undefined where none does. */
export function canaryIn(...shown: readonly unknown[]): string | undefined {
  const text = shown
    .map((one) => (typeof one === 'string' ? one : inspect(one, { depth: 12, maxStringLength: null, getters: true })))
    .join('\n')
  return SPELLINGS.find((spelling) => text.includes(spelling))
}

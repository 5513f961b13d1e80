import fc from 'fast-check'
import { expect, it } from 'vitest'
import { signatureText } from '../src/signature-text.ts'

it.each(['base64', 'hex'] as const)(
  'the text of a signature is the same for a Buffer as for any bytes: %s',
  (encoding) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const text = signatureText(bytes, encoding)
        expect(text).toBe(Buffer.from(bytes).toString(encoding))
        expect(signatureText(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3), encoding)).toBe(text)
      }),
    )
  },
)

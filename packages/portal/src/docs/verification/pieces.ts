import { ConfigurationError, type WireDescription } from '@hooks/core'

type Signature = WireDescription['signature']

/** Five minutes: a request with an older signed time is a replay. */
export const WINDOW_S = 300

/** What is signed, as text, a header or the body. */
export type Piece = { readonly text: string } | { readonly header: string } | 'body'

/** What sample code is made of. */
export interface Sample extends Signature {
  readonly pieces: readonly Piece[]
  /** The signed header with the attempt's time in Unix seconds, where there is one. */
  readonly time: string | undefined
}

/** @throws ConfigurationError `format_invalid` for what is signed over the URL, the method or by fields */
export function sampleOf({ signature, headers }: WireDescription): Sample {
  const pieces = piecesOf(signature)
  const times = headers.filter(({ value }) => typeof value === 'object' && 'stamp' in value && value.stamp === 'unix')
  const time = times.find(({ name }) => signedHeaders(pieces).includes(name))?.name
  return { ...signature, pieces, time }
}

function piecesOf({ over, fields }: Signature): readonly Piece[] {
  return over.map((one) => {
    if (typeof one === 'string') return { text: one }
    if (one.part === 'header') return { header: (one as { header: string }).header }
    if (one.part === 'body') return 'body'
    throw new ConfigurationError('format_invalid', 'there is no sample code for what this format signs', {
      hint: fields ? 'fields in the signature header are not covered' : 'a signed URL or method is not covered',
    })
  })
}

export const signedHeaders = (pieces: readonly Piece[]) =>
  pieces.flatMap((one) => (typeof one === 'object' && 'header' in one ? [one.header] : []))

export const hashOf = ({ algorithm }: Sample) => algorithm.replace('hmac-', '')
export const quoted = (text: string) => JSON.stringify(text)
export const lines = (...all: (string | false | undefined)[]) =>
  all.filter((line) => typeof line === 'string').join('\n')

export type Writer = (sample: Sample) => string

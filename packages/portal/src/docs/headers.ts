import type { HeaderValuePart, WireDescription } from '@hooks/core'
import { english } from './words/english.ts'
import type { Words } from './words.ts'

/** A header of every request, in words. */
export interface DescribedHeader {
  readonly name: string
  readonly description: string
}

/** Every header of a request beside those of HTTP itself: what it holds, in words, the signature last. */
export function describedHeaders({ headers, signature }: WireDescription, words: Words = english): DescribedHeader[] {
  const described = headers.map(({ name, value }) => ({ name, description: meaning(value, words) }))
  if (signature.header === '') return described
  const what = signature.algorithm === 'token' ? words.headers.token : words.headers.signature
  return [...described, { name: signature.header, description: what }]
}

function meaning(value: HeaderValuePart | string, { headers }: Words): string {
  if (typeof value === 'string') return `\`${value}\``
  const text = headers[value.part]
  return 'stamp' in value ? `${text}, ${headers.stamps[value.stamp]}` : text
}

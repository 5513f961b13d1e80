import type { Algorithm, Candidate } from './format.ts'
import type { Bytes } from './seams.ts'

/** Whether two runs of bytes are the same, in a time that depends on their lengths alone. */
export function equalBytes(a: Bytes, b: Bytes): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Whether one of the signatures of that algorithm is `made`. All are compared, whatever the first was. */
export function oneEquals(made: Bytes, wanted: Algorithm, signatures: readonly Candidate[]): boolean {
  let fits = false
  for (const { algorithm, bytes } of signatures) if (algorithm === wanted) fits = equalBytes(made, bytes) || fits
  return fits
}

import { Refusal } from './refusal.ts'

/** What makes a call that is made twice one, as an option of the sender's calls. @throws Refusal 400 */
export function idempotencyOf({ headers }: { readonly headers: Headers }): { readonly idempotencyKey?: string } {
  const key = headers.get('idempotency-key')
  if (key === null) return {}
  if (key !== '' && key.length <= 200) return { idempotencyKey: key }
  throw new Refusal(400, 'header_invalid', '`Idempotency-Key` is not a text of 1 to 200 characters.')
}

import {
  type Contract,
  defineContract,
  defineEvents,
  type EventInputs,
  type EventOutputs,
  type Events,
  type HmacFormatOptions,
  hmacFormat,
  part,
  type StandardSchema,
} from '@hooks/core'
import { z } from 'zod'

/**
 * What the compiler must refuse, and what it must know. `tsc -p packages/core` is the test: a line under
 * `@ts-expect-error` that compiles is an error there.
 */

const base = {
  name: 'typed',
  secret: 'text',
  body: { type: part.type, data: part.data },
  headers: { 'x-time': part.sentAt('unix') },
  signature: { header: 'x-signature', over: [part.header('x-time'), '.', part.body] },
} as const satisfies HmacFormatOptions
hmacFormat(base)

// --- a misspelt part is no part, and no literal either
// @ts-expect-error
hmacFormat({ ...base, body: { type: part.typ, data: part.data } })
// @ts-expect-error
hmacFormat({ ...base, signature: { header: 'x-signature', over: [part.timestmp, '.', part.body] } })
// @ts-expect-error
part.sentAt('isoSecond')
// @ts-expect-error
part.occurredAt()

// --- a body is the same for every attempt
// @ts-expect-error
hmacFormat({ ...base, body: { type: part.type, data: part.data, attempt: part.attempt } })
// @ts-expect-error
hmacFormat({ ...base, body: { type: part.type, data: part.data, sent: part.sentAt('iso') } })
// @ts-expect-error
hmacFormat({ ...base, body: { type: part.type, nested: { attempt: part.attempt }, data: part.data } })
// @ts-expect-error
hmacFormat({ ...base, body: { type: part.type, data: part.data, url: part.url } })

// --- what is signed is what is sent: a header, the body, the URL, the method
// @ts-expect-error
hmacFormat({ ...base, signature: { header: 'x-signature', over: [part.type, part.body] } })
// @ts-expect-error
hmacFormat({ ...base, signature: { header: 'x-signature', over: [part.sentAt('unix'), part.body] } })
// @ts-expect-error
hmacFormat({ ...base, signature: { header: 'x-signature', over: [part.data] } })
// @ts-expect-error
hmacFormat({ ...base, signature: { header: 'x-signature', over: [1] } })

// --- headers hold parts of headers, or literals
// @ts-expect-error
hmacFormat({ ...base, headers: { 'x-data': part.data } })
// @ts-expect-error
hmacFormat({ ...base, headers: { 'x-body': part.body } })
// @ts-expect-error
hmacFormat({ ...base, headers: { 'x-number': 1 } })

// --- a token signs nothing
// @ts-expect-error
hmacFormat({ ...base, signature: { header: 'x-signature', token: true, over: [part.body] } })
// @ts-expect-error
hmacFormat({ ...base, signature: { header: 'x-signature', token: false } })
// @ts-expect-error
hmacFormat({ ...base, signature: { header: 'x-signature', algorithm: 'md5' } })
// @ts-expect-error
hmacFormat({ ...base, secret: 'utf8' })

// --- a catalog knows its types

const events = defineEvents({
  'booking.created': {
    description: 'A booking was created',
    schema: z.object({ id: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
  },
  'user.deleted': z.object({ userId: z.string() }),
  ping: {},
})
type Definitions = typeof events extends Events<infer D> ? D : never

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never
export const inferred: [
  Same<(typeof events.types)[number], 'booking.created' | 'user.deleted' | 'ping'>,
  Same<EventInputs<Definitions>['booking.created'], { id: string; at: string }>,
  Same<EventOutputs<Definitions>['booking.created'], { id: string; at: Date }>,
  Same<EventInputs<Definitions>['user.deleted'], { userId: string }>,
  Same<EventInputs<Definitions>['ping'], unknown>,
] = [true, true, true, true, true]

// @ts-expect-error
defineEvents({ 'a.b': { schema: 1 } })
// @ts-expect-error
defineEvents({ 'a.b': { descripton: 'misspelt' } })

// --- every contract is a contract, and every catalog a catalog

const contract = defineContract({ events })
export const plain: Contract = contract
export const all: readonly Contract[] = [contract, defineContract({ events: defineEvents({ x: {} }) })]
export const catalog: Events = events
export const schema: StandardSchema = z.string()

// @ts-expect-error
defineContract({ events, policy: { retry: ['5 minutes'] } })
// @ts-expect-error
defineContract({ events, policy: { classify: 'never' } })
// @ts-expect-error
defineContract({ events, ids: { message: 1 } })
// @ts-expect-error
defineContract({})

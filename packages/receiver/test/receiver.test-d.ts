import {
  background,
  createReceiver,
  defineContract,
  defineEvents,
  memoryIdempotency,
  memoryInbox,
  type VerifiedMessage,
} from '@hooks/receiver'
import { stripe } from '@hooks/receiver/formats'
import { z } from 'zod'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <_ extends true>(): void => undefined

const events = defineEvents({
  'booking.created': { schema: z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }) },
  'user.deleted': z.object({ id: z.string() }),
  'free.form': { description: 'anything' },
})
const secret = process.env.WEBHOOK_SECRET

// Handlers get what the schema gives, by type.
createReceiver({ contract: defineContract({ events }), secret })
  .on('booking.created', ({ type, data }) => {
    same<Equal<typeof type, 'booking.created'>>()
    same<Equal<typeof data, { at: Date }>>()
  })
  .on('user.deleted', async (message, { signal, attempt, id }) => {
    same<Equal<(typeof message)['data'], { id: string }>>()
    same<Equal<typeof signal, AbortSignal>>()
    same<Equal<[typeof attempt, typeof id], [number, string | undefined]>>()
  })
  .on('free.form', ({ data }) => same<Equal<typeof data, unknown>>())
  .onUnknown(({ type, data }) => same<Equal<[typeof type, typeof data], [string, unknown]>>())

// @ts-expect-error a type that the catalog lacks
createReceiver({ contract: defineContract({ events }), secret }).on('booking.creatd', () => {})
// @ts-expect-error a contract and a format contradict each other
createReceiver({ contract: defineContract({ events }), format: defineContract({ events }).format, secret })
// @ts-expect-error a receiver without a secret
createReceiver({ contract: defineContract({ events }) })

// A catalog without a contract types the handlers too; without one, any type has unknown data.
createReceiver({ events, secret }).on('user.deleted', ({ data }) => same<Equal<typeof data, { id: string }>>())
createReceiver({ secret }).on('any.type', ({ data }) => same<Equal<typeof data, unknown>>())

// What is verified is not yet checked by a schema.
const verified = createReceiver({ events, secret }).verify({ headers: {}, body: new Uint8Array() })
same<Equal<typeof verified, Promise<VerifiedMessage>>>()
// @ts-expect-error text is no body: it has lost bytes
createReceiver({ secret }).verify({ headers: {}, body: '{}' })
// @ts-expect-error the window cannot be switched off
createReceiver({ secret, maxAge: null })

// A name that covers several types gets their union, told apart by `type`.
const catalog = defineEvents({
  'booking.created': z.object({ id: z.string() }),
  'booking.payment.failed': z.object({ cents: z.number() }),
  'user.deleted': z.object({ userId: z.string() }),
})
createReceiver({ events: catalog, secret })
  .on('booking.*', (message) => {
    same<Equal<typeof message.type, 'booking.created' | 'booking.payment.failed'>>()
    if (message.type === 'booking.created') same<Equal<typeof message.data, { id: string }>>()
    else same<Equal<typeof message.data, { cents: number }>>()
  })
  .on('booking.payment.*', ({ data }) => same<Equal<typeof data, { cents: number }>>())
  .on('*', (message) => {
    same<Equal<typeof message.type, 'booking.created' | 'booking.payment.failed' | 'user.deleted'>>()
    if (message.type === 'user.deleted') same<Equal<typeof message.data, { userId: string }>>()
  })
// @ts-expect-error a prefix under which the catalog has nothing
createReceiver({ events: catalog, secret }).on('payment.*', () => {})
createReceiver({ secret }).on('booking.*', ({ type, data }) =>
  same<Equal<[typeof type, typeof data], [string, unknown]>>(),
)

// The provider's own types: a union on `type` is the whole event; a record is the data by type.
type Provided =
  | { readonly type: 'charge.succeeded'; readonly data: { readonly object: { readonly amount: number } } }
  | { readonly type: 'invoice.paid'; readonly data: { readonly object: { readonly lines: string[] } } }
createReceiver<Provided>({ format: stripe(), secret })
  .on('charge.succeeded', ({ data }) => same<Equal<typeof data.data.object.amount, number>>())
  .on('invoice.*', ({ data, type }) => {
    same<Equal<typeof data.data.object.lines, string[]>>()
    same<Equal<typeof type, 'invoice.paid'>>()
  })
// @ts-expect-error a type that the provider lacks
createReceiver<Provided>({ format: stripe(), secret }).on('charge.suceeded', () => {})
// @ts-expect-error the provider's types say nothing without its format
createReceiver<Provided>({ secret })
interface ByType {
  push: { readonly ref: string }
  issues: { readonly action: string }
}
createReceiver<ByType>({ format: stripe(), secret }).on('push', ({ data }) =>
  same<Equal<typeof data, { readonly ref: string }>>(),
)

// `ctx.tx` is what the host's own transaction function hands to its callback.
interface OwnTx {
  query(text: string): Promise<unknown>
}
declare function transaction<T>(run: (tx: OwnTx) => Promise<T>, options?: object): Promise<T>
const idempotency = memoryIdempotency()
createReceiver({ events: catalog, secret, idempotency, transaction }).on('user.deleted', (_, { tx }) => {
  same<Equal<typeof tx, OwnTx>>()
})
createReceiver({ secret, idempotency, transaction: (run: (tx: OwnTx) => Promise<void>) => transaction(run) }).onUnknown(
  (_, { tx }) => same<Equal<typeof tx, OwnTx>>(),
)

// Only a receiver with an inbox is started, stopped and drained.
const inbox = background(memoryInbox())
void createReceiver({ events: catalog, secret, inbox })
  .on('user.deleted', () => {})
  .stop()
void createReceiver<Provided>({ format: stripe(), secret, inbox }).deadLetters.list()
// @ts-expect-error it handles before it answers
createReceiver({ secret }).start()
// @ts-expect-error what waits in the inbox is no part of a transaction
createReceiver({ secret, inbox, transaction })
// By a type that is written in place, too: it is no catalog.
createReceiver<{ push: { readonly ref: string }; issues: { readonly action: string } }>({ format: stripe(), secret })
  .on('push', ({ data }) => same<Equal<typeof data, { readonly ref: string }>>())
  .on('*', ({ data, type }) => (type === 'push' ? data.ref : data.action))
// @ts-expect-error a type that the provider lacks
createReceiver<{ push: { readonly ref: string } }>({ format: stripe(), secret }).on('pull', () => {})

import { createReceiver, defineContract, defineEvents, type VerifiedMessage } from '@hooks/receiver'
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

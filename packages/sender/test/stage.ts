import {
  type DeliveryPolicy,
  defineContract,
  defineEvents,
  type Random,
  silentLogger,
  type WireFormat,
} from '@hooks/core'
import { z } from 'zod'
import { createSender, memoryStorage } from '../src/index.ts'
import type { Answer, Transport, TransportRequest } from '../src/seams.ts'
import type { SenderOptions } from '../src/sender-api.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { virtualClock } from '../src/testing/virtual-clock.ts'

export const events = defineEvents({
  'booking.created': {
    schema: z.object({ id: z.string(), seats: z.number().optional() }),
    example: { id: 'booking_1' },
  },
  'booking.cancelled': z.object({ id: z.string() }),
  'user.deleted': {},
})

/** A transport that answers as a script says, and keeps what it was given. */
export function scriptedTransport(
  script: (request: TransportRequest, n: number) => Partial<Answer> | number | Promise<Partial<Answer> | number>,
) {
  const requests: TransportRequest[] = []
  const transport: Transport = {
    async send(request) {
      requests.push(request)
      const given = await script(request, requests.length)
      const answer = typeof given === 'number' ? { status: given } : given
      return { ms: 1, sent: true, headers: {}, body: new Uint8Array(), truncated: false, ...answer } as Answer
    },
  }
  return { transport, requests }
}

const CANARY = Buffer.from('CANARYSECRET')
/** Its secrets can be recognised, as those of the platform's chance can in all tests: they stand in no log. */
const canaries = ({ bytes, float }: Random): Random => ({
  float,
  bytes: (n) => (n === 32 ? Uint8Array.of(...CANARY, ...bytes(n).subarray(CANARY.length)) : bytes(n)),
})

/** A sender on a virtual clock with a scripted network, and one endpoint of the tenant `acme`. */
export async function stage(
  script: Parameters<typeof scriptedTransport>[0] = () => 204,
  {
    policy = {},
    format,
    ...options
  }: { policy?: DeliveryPolicy; format?: WireFormat } & Partial<SenderOptions<never, never>> = {},
) {
  const clock = virtualClock()
  const random = canaries(seededRandom(7))
  const storage = memoryStorage({ clock, random })
  const contract = defineContract({ events, policy, ...(format && { format }) })
  const { transport, requests } = scriptedTransport(script)
  const hooks = createSender({ logger: silentLogger, ...options, contract, storage, clock, random, transport })
  const endpoint = await hooks.endpoints.create('acme', { url: 'https://acme.example/webhooks' })
  return { clock, random, storage, contract, transport, requests, hooks, endpoint }
}

export const HOUR = 3_600_000

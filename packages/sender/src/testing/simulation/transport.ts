import { type Clock, HooksError } from '@hooks/core'
import type { Answer, Transport, TransportRequest } from '../../seams.ts'
import { type Operations, pairOf } from './books.ts'
import type { Carry, Incarnation } from './faults.ts'
import { addressed, type createSimulatedReceiver } from './receiver.ts'

/** The way from a process to the receivers, on which requests and answers are lost. */
export function createSimulatedTransport(
  by: Incarnation,
  carry: Carry,
  receiver: ReturnType<typeof createSimulatedReceiver>,
  clock: Clock,
  { deaths }: Operations,
  note: (event: string) => void,
): Transport {
  const broken = (error: string, sent: boolean): Answer => ({ error, detail: 'simulated', ms: 1, sent })
  return {
    async send(request: TransportRequest) {
      if (request.deadline <= clock.monotonic()) return broken('response_timeout', false)
      let taken: Awaited<ReturnType<typeof receiver.take>> | undefined
      try {
        const { endpoint, message } = addressed(request)
        if (receiver.deadly.has(message)) {
          const pair = pairOf(endpoint, message)
          deaths.set(pair, [...(deaths.get(pair) ?? []), clock.monotonic()])
          by.crash()
          return new Promise<never>(() => {})
        }
        return await carry('transport.send', async () => {
          taken = await receiver.take(request, by)
          note(`received ${taken.reception.status}`)
          return taken.answer ?? broken('response_timeout', true)
        })
      } catch (error) {
        // The request arrived or not; either way its answer is not known.
        if (taken) taken.reception.answered = false
        if (error instanceof HooksError) return broken('connection_reset', taken !== undefined)
        throw error
      }
    },
  }
}

import { joinBytes, newId, systemClock, systemRandom, type WireFormat } from '@hooks/core'
import type { TestRunner } from './inbox-suite.ts'
import { deliveryOf, type SignedMessage, type SignedRequest, signRequest } from './sign-request.ts'

/** A user's own endpoint, and what it is sent. */
export interface EndpointSuiteOptions {
  /** Where it listens. */
  readonly url: string
  /** The URL that its senders have, where a proxy in front of it changes that: what formats sign that sign the URL. `url` by default. */
  readonly publicUrl?: string
  readonly format: WireFormat
  readonly secret: string
  /** A message that it handles. Each case sends it under ids of its own, or with data of its own: see `vary`. */
  readonly message: Pick<SignedMessage, 'type' | 'data' | 'tenant'>
  /** The message's data for the nth case, for formats that deduplicate by their bytes: the same for all by default. */
  readonly vary?: (n: number) => unknown
  /** How often its work was done so far, seen from outside: the rows of a table. Without it only answers are judged. */
  readonly effects?: () => Promise<number>
  /** Ends the endpoint's process and starts it again. Without it the case is reported as unsupported. */
  readonly restart?: () => Promise<void>
}

const HOUR = 3_600_000
const AT_ONCE = 20
const TIMEOUT_MS = 60_000

/**
 * What a good endpoint does, as tests against a running one, whatever it is written with: honest requests are taken and
 * their work is done once, also when they come twice, together, or after a restart; what is stale, altered, unsigned or
 * signed by another is refused; a sender that hangs up harms nobody.
 *
 * @example
 * import { describe, expect, it } from 'vitest'
 *
 * endpointSuite({ describe, it, expect }, {
 *   url: 'http://127.0.0.1:3000/webhooks', format: standardWebhooks(), secret: process.env.WEBHOOK_SECRET,
 *   message: { type: 'booking.created', data: { id: 'booking_1' } },
 *   effects: () => db.bookings.count(),
 * })
 */
export function endpointSuite({ describe, it, expect }: TestRunner, options: EndpointSuiteOptions): void {
  const { url, publicUrl = url, format, secret, message, vary, effects, restart } = options
  let cases = 0

  /** A message that was never sent before. */
  const fresh = (): SignedMessage => {
    const data = vary ? vary(++cases) : message.data
    return {
      ...message,
      data,
      url: publicUrl,
      id: newId('msg_', systemClock, systemRandom),
      occurredAt: systemClock.now(),
    }
  }
  const sign = (own: Partial<SignedMessage> = {}) => signRequest(format, secret, { ...fresh(), ...own })
  const post = async ({ headers, body }: Pick<SignedRequest, 'headers' | 'body'>): Promise<number> => {
    // Senders do not follow: what is moved is not delivered.
    const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual' })
    await answer.arrayBuffer()
    return answer.status
  }
  const taken = (status: number) => status >= 200 && status < 300
  const refused = (status: number) => status >= 400 && status < 500
  /** With the status where it is not as it should be, for whoever reads the report. */
  const expectTaken = (status: number) => expect(taken(status) ? 'taken' : `answered ${status}`).toBe('taken')
  const expectRefused = (status: number) => expect(refused(status) ? 'refused' : `answered ${status}`).toBe('refused')

  /** Runs what it is given, and sees how much work that made. */
  const working = async (times: number, run: () => Promise<unknown>): Promise<void> => {
    const before = await effects?.()
    await run()
    if (effects && before !== undefined) expect((await effects()) - before).toBe(times)
  }
  const test = (title: string, run: () => Promise<void>) => it(title, run, TIMEOUT_MS)

  describe(`the endpoint ${new URL(url).pathname}`, () => {
    test('takes an honest request and does its work', () =>
      working(1, async () => expectTaken(await post(await sign()))))

    test('takes a repetition of what it has done, and does not do it again', () =>
      working(1, async () => {
        const request = await sign()
        expectTaken(await post(request))
        expectTaken(await post(request))
      }))

    test('does the work once when a request comes many times at once, and tells none of them that it is wrong', () =>
      working(1, async () => {
        const request = await sign()
        const statuses = await Promise.all(Array.from({ length: AT_ONCE }, () => post(request)))
        expectTaken(statuses.find(taken) ?? (statuses[0] as number))
        expect(statuses.filter(refused)).toEqual([])
        // Those that were told to come again do, as senders would.
        expectTaken(await post(request))
      }))

    test('does the work of a later attempt, with its new time, only where the first was not done', () =>
      working(1, async () => {
        const own = fresh()
        // Far enough for another time in whole seconds, and in any window.
        const sentAt = new Date(systemClock.now().getTime() - 2_000)
        expectTaken(await post(await signRequest(format, secret, { ...own, sentAt })))
        expectTaken(await post(await signRequest(format, secret, { ...own, attempt: 2 })))
      }))

    const window = format.facts.sentAt === 'signed' && format.window
    if (window) {
      test('refuses what is older than its window', () =>
        working(0, async () => {
          const sentAt = new Date(systemClock.now().getTime() - window.maxAgeMs - HOUR)
          expectRefused(await post(await sign({ sentAt, occurredAt: sentAt })))
        }))
    } else test('unsupported: refuses what is older than its window (facts.sentAt)', async () => {})

    if (format.facts.body === 'signed') {
      test('refuses a body of which one byte was changed', () =>
        working(0, async () => expectRefused(await post(await sign({ invalid: 'body' })))))
    } else test('unsupported: refuses a body of which one byte was changed (facts.body)', async () => {})

    test('refuses the signature of another secret', () =>
      working(0, async () => expectRefused(await post(await sign({ invalid: 'signature' })))))

    test('refuses what is not signed', () =>
      working(0, async () => {
        const { body, contentType } = format.compose(deliveryOf(fresh()))
        expectRefused(await post({ headers: { 'content-type': contentType }, body: joinBytes([body]) }))
      }))

    test('is there for the next one when a sender hangs up in the middle of its body', () =>
      working(1, async () => {
        const { headers, body } = await sign()
        const half = new ReadableStream({
          start(controller) {
            controller.enqueue(body.subarray(0, body.length >> 1))
            controller.error(new Error('hung up'))
          },
        })
        const broken = { method: 'POST', headers, body: half, duplex: 'half' } as RequestInit
        await fetch(url, broken).then(
          (answer) => answer.arrayBuffer(),
          () => undefined,
        )
        expectTaken(await post(await sign()))
      }))

    if (restart) {
      test('remembers what it has done when it was started again', () =>
        working(1, async () => {
          const request = await sign()
          expectTaken(await post(request))
          await restart()
          expectTaken(await post(request))
        }))
    } else test('unsupported: remembers what it has done when it was started again (restart)', async () => {})
  })
}

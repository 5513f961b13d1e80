import { createReceiver, Discard, memoryIdempotency, RetryLater } from '@hooks/receiver'
import { slack, twilio } from '@hooks/receiver/formats'
import { signRequest } from '@hooks/receiver/testing'
import { describe, expect, it, vi } from 'vitest'
import { memoryLogger, TEXT_SECRET } from './support.ts'

const url = 'https://h.example/hooks'
const providers = [
  {
    name: 'Slack shows the body of an answer, and takes one that it does not know for an error: there is none',
    format: slack(),
    type: 'view_submission',
    body: `payload=${encodeURIComponent('{"type":"view_submission","trigger_id":"1"}')}`,
    answer: { status: 200, body: '' },
  },
  {
    name: 'Twilio takes an answer of another type than TwiML for an error: it is TwiML that says nothing',
    format: twilio(),
    type: 'message.received',
    body: 'MessageSid=SM1&SmsStatus=received',
    answer: { status: 200, body: '<Response/>', headers: { 'content-type': 'text/xml' } },
  },
] as const

describe("Slack's check of a certificate, which nothing signs,", () => {
  const check = {
    url,
    headers: {},
    body: new TextEncoder().encode('token=t&ssl_check=1&command=%2Fdeploy&trigger_id=1'),
  }
  const receiver = (options: object = {}) =>
    createReceiver({ format: slack(), secret: TEXT_SECRET, onUnknown: () => expect.fail('handled'), ...options })

  it('is answered with 200, and never handled', async () => {
    const outcomes: string[] = []
    const one = receiver({ logger: memoryLogger(), onOutcome: ({ code }: { code: string }) => outcomes.push(code) })
    expect(await one.handle(check)).toMatchObject({ status: 200, body: '', outcome: 'missing_header' })
    await expect(one.verify(check)).rejects.toMatchObject({ code: 'missing_header' })
    expect(outcomes).toEqual(['missing_header'])
  })

  it('is refused with a signature that does not hold, and where nothing is checked', async () => {
    const one = receiver({ logger: memoryLogger(), explain: false })
    const { headers } = await signRequest(slack(), TEXT_SECRET, { type: 'view_submission', body: 'a=b' })
    expect(await one.handle({ ...check, headers })).toMatchObject({ status: 401 })
    expect(await one.handle({ ...check, body: new TextEncoder().encode('command=%2Fdeploy') })).toMatchObject({
      status: 400,
    })
    expect(await one.handle({ ...check, body: new TextEncoder().encode('%&ssl_check=1') })).toMatchObject({
      status: 400,
    })
  })

  it('is no line on the console, which a stranger could fill with it', async () => {
    const lines = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await receiver().handle(check)
    expect(lines).not.toHaveBeenCalled()
    lines.mockRestore()
  })
})

describe.each(providers)('$name', ({ format, type, body, answer }) => {
  const receiver = (options: object = {}) =>
    createReceiver({
      format,
      secret: TEXT_SECRET,
      idempotency: memoryIdempotency(),
      logger: memoryLogger(),
      ...options,
    })
  const sent = () => signRequest(format, TEXT_SECRET, { type, body, url })

  it('for what is handled, and for its duplicate', async () => {
    const one = receiver().on(type, () => {})
    const request = await sent()
    expect(await one.handle(request)).toMatchObject({ ...answer, outcome: 'handled' })
    expect(await one.handle(request)).toMatchObject({ ...answer, outcome: 'duplicate' })
  })

  it('for what nobody handles, and for what is discarded', async () => {
    expect(await receiver().handle(await sent())).toMatchObject({ ...answer, outcome: 'unknown_event' })
    const discards = receiver().on(type, () => {
      throw new Discard('not ours')
    })
    expect(await discards.handle(await sent())).toMatchObject({ ...answer, outcome: 'discarded' })
  })

  it('and never for what is to come again', async () => {
    const later = receiver().on(type, () => {
      throw new RetryLater(5)
    })
    expect(await later.handle(await sent())).toMatchObject({ status: 500, headers: { 'retry-after': '5' } })
  })

  it("unless the user's own answer says otherwise", async () => {
    const own = receiver({ answers: { handled: [200, { text: 'done' }] } }).on(type, () => {})
    expect(await own.handle(await sent())).toMatchObject({ status: 200, body: '{"text":"done"}' })
  })
})

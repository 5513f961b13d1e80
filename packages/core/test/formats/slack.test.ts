import { slack } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'

const secret = '8f742231b10e8888abcd99yyyzzz85a5'
const format = slack()

formatLaw('slack', format, secret, {
  signed: ['x-slack-signature', 'x-slack-request-timestamp'],
  spellings: ['x-slack-signature'],
  content: ({ message, sentAt }) => ({
    type: message.type,
    id: message.id,
    sentAt,
    occurredAt: message.occurredAt,
    data: {
      type: 'event_callback',
      event_id: message.id,
      event_time: message.occurredAt.getTime() / 1000,
      event: { type: message.type, ...JSON.parse(message.data) },
    },
  }),
})

describe('slack', () => {
  // https://docs.slack.dev/authentication/verifying-requests-from-slack, "A recipe for security"
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c'
  const headers = {
    'X-Slack-Request-Timestamp': '1531420618',
    'X-Slack-Signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  }
  const receiver = { format, secrets: [secret], now: 1_531_420_618 }

  it("accepts the slash command of Slack's documents", async () => {
    expect(await outcomeOf(receiver, request(headers, body))).toBe('0')
    expect(await outcomeOf({ ...receiver, now: 1_531_420_919 }, request(headers, body))).toBe('timestamp_too_old')
    expect(await outcomeOf(receiver, request(headers, body.replace('text=', 'text=x')))).toBe('signature_mismatch')
  })

  it('reads a slash command: its fields, and its trigger for an id', () => {
    expect(format.read(request(headers, body))).toMatchObject({
      type: 'slash_command',
      id: '398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
      sentAt: new Date(1_531_420_618_000),
      data: { command: '/webhook-collect', user_name: 'roadrunner', text: '' },
    })
  })

  it("reads the check of a command's certificate, for which no handler is needed", () => {
    expect(format.read(request({}, 'token=xyzz0WbapA4vBCDEFasx0q6G&ssl_check=1')).type).toBe('ssl_check')
    expect(codeOf(() => format.read(request({}, 'token=xyzz0WbapA4vBCDEFasx0q6G')))).toBe('payload_invalid')
  })

  it('reads an interaction: its payload', () => {
    const payload = { type: 'block_actions', trigger_id: '13.37', actions: [{ action_id: 'a b+&' }] }
    const form = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
    expect(format.read(request({}, form))).toEqual({ type: 'block_actions', id: '13.37', data: payload })
  })

  const event = { type: 'event_callback', event_id: 'Ev1', event_time: 1_531_420_618, event: { type: 'app_mention' } }

  it('reads an event: its inner type, its id, and the number of the attempt', () => {
    const retried = { 'x-slack-retry-num': '2', 'x-slack-retry-reason': 'http_timeout' }
    expect(format.read(request(retried, JSON.stringify(event)))).toEqual({
      type: 'app_mention',
      id: 'Ev1',
      attempt: 3,
      occurredAt: new Date(1_531_420_618_000),
      data: event,
    })
  })

  it('reads what is no event callback by its own type', () => {
    const limited = { type: 'app_rate_limited', minute_rate_limited: 1_518_467_820 }
    expect(format.read(request({}, JSON.stringify(limited)))).toEqual({ type: 'app_rate_limited', data: limited })
  })

  it('reads JSON as JSON, whatever content type a replay gives it', () => {
    const body = JSON.stringify({ ...event, text: '&command=/deploy&trigger_id=1&' })
    const forged = request({ 'content-type': 'application/x-www-form-urlencoded' }, body)
    expect(format.read(forged).type).toBe('app_mention')
  })

  it.each(['', '{', '[]', '{}', '{"type":1}', '{"type":"event_callback"}', 'payload=', 'payload=[]', 'payload={}'])(
    'refuses %j after a good signature',
    (body) => {
      expect(codeOf(() => format.read(request({}, body)))).toMatch(
        body === '' ? /accepted|payload_invalid/ : 'payload_invalid',
      )
    },
  )

  it('answers the challenge of a proved url_verification, and with nothing what was taken and the unsigned check of a certificate; all else is no affair of its', async () => {
    const challenge = '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P'
    const asked = request({}, JSON.stringify({ token: 'x', challenge, type: 'url_verification' }))
    const to = { request: asked, content: format.read(asked), keys: [], outcome: undefined }
    const crypto = { sign: () => new Uint8Array() }
    expect(await format.reply?.(to, crypto)).toMatchObject({ status: 200, body: challenge })
    expect(await format.reply?.({ ...to, outcome: 'handled' }, crypto)).toEqual({ status: 200 })
    expect(await format.reply?.({ ...to, outcome: 'handler_failed' }, crypto)).toBeUndefined()
    expect(await format.reply?.({ ...to, content: null, outcome: 'signature_mismatch' }, crypto)).toBeUndefined()
    const check = { ...to, content: null, request: request({}, 'token=x&ssl_check=1') }
    expect(await format.reply?.({ ...check, outcome: 'missing_header' }, crypto)).toEqual({ status: 200 })
    expect(await format.reply?.({ ...check, outcome: 'signature_mismatch' }, crypto)).toBeUndefined()
    for (const body of ['token=x', 'text=ssl_check%3D1', 'ssl_check=0', '{"ssl_check":"1"}', '']) {
      const unsigned = { ...check, request: request({}, body), outcome: 'missing_header' }
      expect(await format.reply?.(unsigned, crypto), body).toBeUndefined()
    }
    const other = request({}, JSON.stringify({ ...event, challenge }))
    expect(await format.reply?.({ ...to, request: other, content: format.read(other) }, crypto)).toBeUndefined()
  })
})

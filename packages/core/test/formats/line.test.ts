import { platformCrypto } from '@hooks/core'
import { line } from '@hooks/core/formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, request, send } from '../support.ts'
import { formatLaw } from './law.ts'
import { judgePublished } from './published.ts'

const secret = '8c570fa6dd201bb328f1c1eac23a96d8'
const format = line()

formatLaw('line', format, secret, {
  signed: ['x-line-signature'],
  type: fc.constant('events'),
  content: ({ message }) => ({
    type: 'events',
    id: message.id,
    data: {
      destination: message.tenant,
      events: [
        {
          webhookEventId: message.id,
          mode: 'active',
          timestamp: message.occurredAt.getTime(),
          deliveryContext: { isRedelivery: false },
          ...JSON.parse(message.data),
        },
      ],
    },
  }),
})

describe('line', () => {
  // test/validate-signature.spec.ts of @line/bot-sdk@11.2.0
  it.each([
    ['success', 't7Hn4ZDHqs6e+wdvI5TyQIvzie0DmMUmuXEBqyyE/tM=', '0'],
    ['failure', 't7Hn4ZDHqs6e+wdvi5TyQIvzie0DmMUmuXEBqyyE/tM=', 'signature_mismatch'],
  ])('judges as @line/bot-sdk: %s', async (_, signature, outcome) => {
    const received = request({ 'x-line-signature': signature }, '{"hello":"world"}')
    expect(await judgePublished(format, 'test_secret', received)).toBe(outcome)
  })

  const event = (webhookEventId: string) => ({ type: 'message', webhookEventId, source: { userId: 'U1' } })
  const body = (...ids: string[]) => JSON.stringify({ destination: 'U0', events: ids.map(event) })

  it('reads a request as one message, whose id is those of its events', () => {
    expect(format.read(request({}, body('01A')))).toMatchObject({ type: 'events', id: '01A' })
    expect(format.read(request({}, body('01A', '01B')))).toEqual({
      type: 'events',
      id: '01A,01B',
      data: { destination: 'U0', events: [event('01A'), event('01B')] },
    })
  })

  it('gives no id where an event has none: half a batch is not known by the rest', () => {
    expect(format.read(request({}, '{"events":[{"webhookEventId":"01A"},{}]}'))).not.toHaveProperty('id')
    expect(format.read(request({ 'webhook-id': 'msg_1' }, '{"events":[{}]}'))).not.toHaveProperty('id')
  })

  it('refuses to read what holds no list of events', () => {
    for (const text of ['', 'null', '[]', '{}', '{"events":{}}', '{"events":[1]}', '{"events":[null]}']) {
      expect(codeOf(() => format.read(request({}, text)))).toBe('payload_invalid')
    }
  })

  it("answers the console's check, which sends no event, before any handler; and nothing else", async () => {
    const asked = async (text: string, outcome?: string) => {
      const received = request({}, text)
      const to = { request: received, content: format.read(received), outcome, keys: [] }
      return format.reply?.(to, platformCrypto())
    }
    expect(await asked('{"destination":"U0","events":[]}')).toEqual({ status: 200 })
    expect(await asked(body('01A'))).toBeUndefined()
    expect(await asked('{"destination":"U0","events":[]}', 'handled')).toBeUndefined()
  })

  it('sends one event or several, each with an id of its own, and no header but the signature', async () => {
    const { headers, body: sent } = await send(
      format,
      [secret],
      delivery({ data: '[{"type":"follow"},{"type":"join"}]' }),
    )
    expect(Object.keys(headers)).toEqual(['x-line-signature'])
    expect(format.read(request(headers, sent)).id).toBe('msg_1,msg_1-1')
    expect(codeOf(() => format.check?.('events', [{ type: 'follow' }]))).toBe('accepted')
    expect(codeOf(() => format.check?.('events', ['follow']))).toBe('payload_invalid')
    expect(codeOf(() => format.check?.('follow', {}))).toBe('payload_invalid')
  })
})

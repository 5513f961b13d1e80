import { createHmac } from 'node:crypto'
import { platformCrypto } from '@hooks/core'
import { zoom } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { request } from '../support.ts'
import { formatLaw } from './law.ts'

// Zoom publishes no signature with its secret; its documents give the scheme and the shape of the answer.
const secret = 'wvKCkQQTQ7qBDBFsJTpFqw'
const format = zoom()

formatLaw('zoom', format, secret, {
  signed: ['x-zm-signature', 'x-zm-request-timestamp'],
  spellings: ['x-zm-signature'],
  content: ({ message, sentAt }) => ({
    type: message.type,
    // Zoom sends no id; what we send as Zoom carries ours.
    id: message.id,
    sentAt,
    occurredAt: message.occurredAt,
    data: { event: message.type, event_ts: message.occurredAt.getTime(), ...JSON.parse(message.data) },
  }),
})

describe('zoom', () => {
  it('has no id on the wire', () => {
    expect(format.facts.id).toBe('absent')
    const read = format.read(request({}, '{"event":"meeting.started","event_ts":1626230691572,"payload":{}}'))
    expect(read).toEqual({
      type: 'meeting.started',
      occurredAt: new Date(1_626_230_691_572),
      data: { event: 'meeting.started', event_ts: 1_626_230_691_572, payload: {} },
    })
  })

  const validation = { payload: { plainToken: 'qgg8vlvZRS6UYooatFL8Aw' }, event_ts: 1_654_503_849_680 }
  const replied = (body: object, outcome?: string) => {
    const asked = request({}, JSON.stringify(body))
    return format.reply?.(
      { request: asked, content: format.read(asked), outcome, keys: format.keys(secret, 'verify') },
      platformCrypto(),
    )
  }

  it('answers the validation of its URL with the token and its HMAC', async () => {
    const answer = await replied({ ...validation, event: 'endpoint.url_validation' })
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(JSON.parse(answer?.body ?? '')).toEqual({
      plainToken: 'qgg8vlvZRS6UYooatFL8Aw',
      encryptedToken: createHmac('sha256', secret).update('qgg8vlvZRS6UYooatFL8Aw').digest('hex'),
    })
  })

  it('signs no token for anything else', async () => {
    expect(await replied({ ...validation, event: 'meeting.started' })).toBeUndefined()
    expect(await replied({ ...validation, event: 'endpoint.url_validation' }, 'handled')).toBeUndefined()
    expect(await replied({ event: 'endpoint.url_validation' })).toBeUndefined()
    expect(await replied({ event: 'endpoint.url_validation', payload: { plainToken: 1 } })).toBeUndefined()
  })
})

import { gitlab } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send } from '../support.ts'
import { formatLaw } from './law.ts'

// GitLab publishes no signature with its signing token; its scheme is Standard Webhooks, whose vectors are tested there.
const token = 'a secret token of its owner'
const signingToken = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
const whole = (type: string, data: string) => ({ object_kind: type, ...JSON.parse(data) })

formatLaw('gitlab, with a secret token', gitlab(), token, {
  signed: ['x-gitlab-token'],
  content: ({ message }) => ({ type: message.type, id: message.id, data: whole(message.type, message.data) }),
})

formatLaw('gitlab, with a signing token', gitlab({ signed: true }), signingToken, {
  signed: ['webhook-signature', 'webhook-id', 'webhook-timestamp'],
  content: ({ message, sentAt }) => ({
    type: message.type,
    id: message.id,
    sentAt,
    data: whole(message.type, message.data),
  }),
})

describe('gitlab', () => {
  it('says that a secret token signs nothing', () => {
    expect(gitlab().facts).toEqual({ id: 'unsigned', sentAt: 'absent', body: 'unsigned', url: 'absent' })
    expect(gitlab({ signed: true }).facts).toEqual({ id: 'signed', sentAt: 'signed', body: 'signed', url: 'absent' })
  })

  it('never takes the one kind of proof for the other', async () => {
    const { headers, body } = await send(gitlab({ signed: true }), [signingToken], delivery())
    const receiver = { secrets: [signingToken], now: 1_705_314_600 }
    expect(await outcomeOf({ ...receiver, format: gitlab() }, request(headers, body))).toBe('missing_header')
    const tokenOnly = request({ 'x-gitlab-token': signingToken }, body)
    expect(await outcomeOf({ ...receiver, format: gitlab({ signed: true }) }, tokenOnly)).toBe('missing_header')
    expect(await outcomeOf({ ...receiver, format: gitlab() }, tokenOnly)).toBe('0')
  })

  it('reads project hooks by their kind, system hooks by their event', () => {
    const headers = { 'idempotency-key': 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f', 'x-gitlab-event': 'Push Hook' }
    const read = (body: object) => gitlab().read(request(headers, JSON.stringify(body)))
    expect(read({ object_kind: 'push', event_name: 'push' })).toMatchObject({
      type: 'push',
      id: 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f',
    })
    expect(read({ event_name: 'project_create' }).type).toBe('project_create')
    expect(codeOf(() => read({}))).toBe('payload_invalid')
  })
})

import { bitbucket } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'

const secret = "It's a Secret to Everybody"

formatLaw('bitbucket', bitbucket(), secret, {
  signed: ['x-hub-signature'],
  spellings: ['x-hub-signature'],
  content: ({ message, attempt }) => ({ type: message.type, id: message.id, attempt, data: JSON.parse(message.data) }),
})

describe('bitbucket', () => {
  // https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/, "Testing the webhook payload validation"
  it("accepts the test of Bitbucket's documents", async () => {
    const headers = {
      'X-Hub-Signature': 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9',
    }
    const receiver = { format: bitbucket(), secrets: [secret], now: 0 }
    expect(await outcomeOf(receiver, request(headers, 'Hello World!'))).toBe('0')
    expect(await outcomeOf(receiver, request(headers, 'Hello World?'))).toBe('signature_mismatch')
  })

  it.each(['x-request-uuid', 'x-request-id'])('reads the id of Cloud and of Data Center: %s', (header) => {
    const headers = { 'x-event-key': 'repo:push', [header]: 'a-uuid', 'x-attempt-number': '2' }
    expect(bitbucket().read(request(headers, '{"push":{}}'))).toEqual({
      type: 'repo:push',
      id: 'a-uuid',
      attempt: 2,
      data: { push: {} },
    })
  })
})

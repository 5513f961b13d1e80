import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto'
import { createReceiver, memoryIdempotency, type WireFormat } from '@hooks/receiver'
import { discord, line, slack, zoom } from '@hooks/receiver/formats'
import { type SignedRequest, signRequest } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { send } from './exchange.ts'
import { hosts } from './hosts.ts'

const SECRET = 'a secret of text, of 30 letters'
const seed = '07'.repeat(32)
const publicKey = createPublicKey(
  createPrivateKey({
    key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'),
    format: 'der',
    type: 'pkcs8',
  }),
)
  .export({ format: 'der', type: 'spki' })
  .subarray(-32)
  .toString('hex')

interface Challenge {
  readonly name: string
  readonly format: WireFormat
  readonly secret?: string
  /** To sign with, where it is another. */
  readonly sign?: string
  readonly type: string
  readonly body: object
  readonly change?: (sent: SignedRequest) => Readonly<Record<string, string>>
  readonly answer: { readonly status: number; readonly body: string; readonly type?: string }
}

const withoutSignature = ({ headers }: SignedRequest) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !/signature-ed25519/.test(name)))
const discordKeys = { format: discord(), secret: publicKey, sign: seed, type: 'PING' }

/** What each provider sends before it sends anything else, and what it wants to hear. */
const challenges: readonly Challenge[] = [
  {
    name: 'Slack: the challenge, as text',
    format: slack(),
    type: 'url_verification',
    body: { token: 't', type: 'url_verification', challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P' },
    answer: {
      status: 200,
      body: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P',
      type: 'text/plain; charset=utf-8',
    },
  },
  {
    name: 'Zoom: the token, and its HMAC',
    format: zoom(),
    type: 'endpoint.url_validation',
    body: {
      event: 'endpoint.url_validation',
      payload: { plainToken: 'qgg8vlvZRS6UYooatFL8Aw' },
      event_ts: 1654503849680,
    },
    answer: {
      status: 200,
      body: JSON.stringify({
        plainToken: 'qgg8vlvZRS6UYooatFL8Aw',
        encryptedToken: createHmac('sha256', SECRET).update('qgg8vlvZRS6UYooatFL8Aw').digest('hex'),
      }),
      type: 'application/json',
    },
  },
  {
    name: 'Discord: a PONG to the PING of interactions',
    ...discordKeys,
    body: { id: '1', application_id: '2', type: 1, version: 1 },
    answer: { status: 200, body: '{"type":1}', type: 'application/json' },
  },
  {
    name: 'Discord: nothing to the PING of webhook events',
    ...discordKeys,
    body: { version: 1, application_id: '2', type: 0 },
    answer: { status: 204, body: '' },
  },
  {
    name: 'Discord: 401 to a probe with another signature',
    ...discordKeys,
    body: { id: '1', application_id: '2', type: 1, version: 1 },
    change: ({ headers }) => ({ ...headers, 'x-signature-ed25519': '00'.repeat(64) }),
    answer: { status: 401, body: '{"error":"signature_mismatch"}' },
  },
  {
    name: 'Discord: 401 to a probe without a signature',
    ...discordKeys,
    body: { id: '1', application_id: '2', type: 1, version: 1 },
    change: withoutSignature,
    answer: { status: 401, body: '' },
  },
  {
    name: 'LINE: 200 to the verification of a URL, which has no event',
    format: line(),
    type: 'verify',
    body: { destination: 'U0123456789abcdef', events: [] },
    answer: { status: 200, body: '' },
  },
]

describe.each(hosts)('the challenges of providers behind $name', (host) => {
  it.each(challenges)('are answered as they want it. $name', async (challenge) => {
    const { format, secret = SECRET, sign = secret, type, change, answer } = challenge
    // A challenge has no id, and needs none.
    const idempotencyKey = ({ id }: { readonly id?: string | undefined }) => id ?? ''
    const receiver = createReceiver({ format, secret, idempotency: memoryIdempotency(), idempotencyKey })
    receiver.onUnknown(({ type }) => expect.fail(`a handler ran, for ${type}`))
    const { port, close } = await host.serve(receiver)
    try {
      const body = Buffer.from(JSON.stringify(challenge.body))
      const sent = await signRequest(format, sign, { type, data: {}, body })
      const got = await send({ port, path: '/webhooks' }, { headers: change ? change(sent) : sent.headers, body })
      expect([got.status, got.body]).toEqual([answer.status, answer.body])
      if (answer.type) expect(got.headers['content-type']).toBe(answer.type)
    } finally {
      await close()
    }
  })
})

import { createHmac, timingSafeEqual } from 'node:crypto'
import { createReceiver } from '@hooks/receiver'
import { verify as octokitVerify } from '@octokit/webhooks-methods'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as Svix } from 'svix'
import { payload } from './payload.ts'
import type { Section } from './report.ts'
import { measure } from './rounds.ts'

const KEY = Buffer.alloc(32, 7)
const SECRET = `whsec_${KEY.toString('base64')}`

const hmac = (over: string | Buffer, encoding: 'base64' | 'hex', key: string | Buffer = KEY) =>
  createHmac('sha256', key).update(over).digest(encoding)

/** Verification and parse of one request, beside bare node:crypto and JSON.parse, and beside the libraries in use. */
export async function verifySections(rounds: number): Promise<Section[]> {
  const sections: Section[] = []
  for (const [label, size] of [
    ['1 KB', 1_024],
    ['16 KB', 16_384],
    ['256 KB', 262_144],
  ] as const) {
    const text = payload(size)
    const body = Buffer.from(text)
    const time = String(Math.floor(Date.now() / 1000))
    const headers = {
      'content-type': 'application/json',
      'content-length': String(body.length),
      'webhook-id': 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      'webhook-timestamp': time,
      'webhook-signature': `v1,${hmac(`msg_2KWPBgLlAfxdpx2AI54pPJ85f4W.${time}.${text}`, 'base64')}`,
    }
    const stripeHeader = `t=${time},v1=${hmac(`${time}.${text}`, 'hex', SECRET)}`
    const githubSignature = `sha256=${hmac(text, 'hex', SECRET)}`
    const receiver = createReceiver({ secret: SECRET })
    const standard = new Webhook(SECRET)
    const svix = new Svix(SECRET)
    const stripe = new Stripe('sk_test_none')
    const count = Math.max(50, Math.floor((size > 100_000 ? 60_000_000 : 40_000_000) / (size + 4_000)))

    const times = async <T>(one: () => T | Promise<T>, read?: (made: T) => unknown) => {
      for (let i = 0; i < count; i++) {
        const made = one()
        const proved = made instanceof Promise ? await made : made
        read?.(proved)
      }
      return count
    }
    const bare = () => {
      const given = Buffer.from(headers['webhook-signature'].slice(3), 'base64')
      const made = createHmac('sha256', KEY)
        .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`)
        .update(body)
        .digest()
      if (given.length !== made.length || !timingSafeEqual(given, made)) throw new Error('refused')
      return JSON.parse(body.toString())
    }
    const results = await measure(
      [
        { name: 'bare node:crypto + JSON.parse', run: () => times(bare) },
        {
          name: '@hooks/receiver',
          run: () =>
            times(
              () => receiver.verify({ headers, body }),
              ({ data }) => data,
            ),
        },
        {
          name: '@octokit/webhooks-methods + JSON.parse',
          run: () =>
            times(
              () => octokitVerify(SECRET, body.toString(), githubSignature),
              (isRight) => isRight && JSON.parse(body.toString()),
            ),
        },
        { name: 'stripe', run: () => times(() => stripe.webhooks.constructEvent(body, stripeHeader, SECRET)) },
        { name: 'svix', run: () => times(() => svix.verify(body, headers)) },
        { name: 'standardwebhooks', run: () => times(() => standard.verify(body, headers)) },
      ],
      rounds,
    )
    const peers = size < 10_000 ? 3 : 6
    sections.push({
      title: `verify + parse, ${label}`,
      target: `ours at least 0.85 of the limit, ${peers} times standardwebhooks and svix, ahead of stripe`,
      results,
    })
  }
  return sections
}

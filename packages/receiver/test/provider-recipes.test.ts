import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createReceiver, type WireFormat } from '@hooks/receiver'
import * as formats from '@hooks/receiver/formats'
import { signRequest } from '@hooks/receiver/testing'
import { afterAll, describe, expect, it } from 'vitest'

const pages = new URL('../docs/providers/', import.meta.url)
/** Inside this package, so that the packages' names mean the workspace. */
const folder = new URL('../.readme/recipes/', import.meta.url)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const text = readFileSync(new URL('recipes.md', pages), 'utf8')
const recipes = [...text.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => ({
  name,
  code,
}))
const run = async ({ name, code }: { name: string; code: string }): Promise<{ format: WireFormat }> => {
  mkdirSync(folder, { recursive: true })
  const file = new URL(name, folder)
  writeFileSync(file, code)
  return import(/* @vite-ignore */ fileURLToPath(file))
}

describe('the recipes', () => {
  it.each(recipes.map((block) => [block.name, block] as const))(
    '%s receives what it signs, and no other',
    async (_, block) => {
      const { format } = await run(block)
      const type = block.code.includes("type: 'events'") ? 'events' : 'thing.done'
      const secret = 'a secret of its owner'
      const receiver = createReceiver({ format, secret })
      const signed = await signRequest(format, secret, { type, data: { seen: 'yes' } })
      const message = await receiver.verify(signed)
      expect(message.type).toBe(type)
      expect(JSON.stringify(message.data)).toContain('"seen":"yes"')
      expect(format.name).toBe(block.name.replace('.ts', ''))
      const changed = { ...signed, body: Buffer.concat([signed.body, Buffer.from(' ')]) }
      await expect(receiver.verify(changed)).rejects.toMatchObject({ code: 'signature_mismatch' })
      // A sender that is not ours adds no webhook-id.
      const { 'webhook-id': _id, ...headers } = signed.headers
      expect((await receiver.verify({ ...signed, headers })).type).toBe(type)
    },
  )

  // Intercom, Lemon Squeezy, Vercel, WooCommerce and Zendesk publish neither a signature with its secret nor a library that
  // verifies; Convoy's vectors are tested in core.
  interface Accepted {
    readonly recipe: string
    readonly acceptedBy: string
    readonly secret: string
    readonly now: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
  const { requests } = JSON.parse(readFileSync(new URL('recipe-requests.json', import.meta.url), 'utf8')) as {
    requests: readonly Accepted[]
  }

  it.each(requests.map((one) => [one.recipe, one.acceptedBy, one] as const))(
    '%s accepts what %s accepted',
    async (recipe, _, one) => {
      const { format } = await run(recipes.find(({ name }) => name === `${recipe}.ts`) as (typeof recipes)[0])
      const { secret, now, headers, body } = one
      const clock = { now: () => new Date(now * 1000), monotonic: () => 0, sleep: () => Promise.resolve() }
      const receiver = createReceiver({ format, secret, clock })
      expect((await receiver.verify({ headers, body: Buffer.from(body) })).keyId).toBe('0')
      await expect(receiver.verify({ headers, body: Buffer.from(`${body} `) })).rejects.toMatchObject({
        code: 'signature_mismatch',
      })
    },
  )

  it('gocardless.ts takes the webhook of the tests of all of its libraries', async () => {
    const { format } = await run(recipes.find(({ name }) => name === 'gocardless.ts') as (typeof recipes)[0])
    const receiver = createReceiver({ format, secret: 'ED7D658C-D8EB-4941-948B-3973214F2D49' })
    const body =
      '{"events":[{"id":"EV00BD05S5VM2T","created_at":"2018-07-05T09:13:51.404Z","resource_type":"subscriptions","action":"created","links":{"subscription":"SB0003JJQ2MR06"},"details":{"origin":"api","cause":"subscription_created","description":"Subscription created via the API."},"metadata":{}},{"id":"EV00BD05TB8K63","created_at":"2018-07-05T09:13:56.893Z","resource_type":"mandates","action":"created","links":{"mandate":"MD000AMA19XGEC"},"details":{"origin":"api","cause":"mandate_created","description":"Mandate created via the API."},"metadata":{}}]}'
    const headers = { 'webhook-signature': '2693754819d3e32d7e8fcb13c729631f316c6de8dc1cf634d6527f1c07276e7e' }
    const { type, data } = await receiver.verify({ headers, body: Buffer.from(body) })
    expect(type).toBe('events')
    expect(data).toEqual(JSON.parse(body))
  })
})

describe('the table of facts on a page', () => {
  const byName: Readonly<Record<string, () => WireFormat>> = { ...formats }
  const spell = (ms: number) => (ms % 3_600_000 === 0 ? `${ms / 3_600_000} h` : `${ms / 60_000} min`)
  const tables = readdirSync(pages).flatMap((name) => {
    const [, row] =
      /^\| body \| id \| time \| URL \| window \|\n\|.*\n(.*)$/m.exec(readFileSync(new URL(name, pages), 'utf8')) ?? []
    return row ? [[name, row] as const] : []
  })

  it.each(tables)('says what the format says: %s', (name, row) => {
    const { facts, window } = (byName[name.replace('.md', '')] as () => WireFormat)()
    const bounds =
      window && facts.sentAt === 'signed' ? `${spell(window.maxAgeMs)}, ${spell(window.maxFutureMs)} ahead` : 'none'
    expect(row).toBe(`| ${[facts.body, facts.id, facts.sentAt, facts.url, bounds].join(' | ')} |`)
  })

  it('is on a dozen pages', () => {
    expect(tables).toHaveLength(12)
  })
})

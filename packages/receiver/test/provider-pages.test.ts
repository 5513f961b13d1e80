import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Receiver, WireFormat } from '@hooks/receiver'
import * as formats from '@hooks/receiver/formats'
import { type SignedMessage, signRequest } from '@hooks/receiver/testing'
import { afterAll, describe, expect, it, vi } from 'vitest'

const pages = new URL('../docs/providers/', import.meta.url)
/** Inside this package, so that the packages' names mean the workspace. */
const folder = new URL('../.readme/providers/', import.meta.url)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const der = (key: KeyObject, type: 'spki' | 'pkcs8') => key.export({ format: 'der', type: type as 'spki' })
const ed25519 = generateKeyPairSync('ed25519')
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })

interface Example {
  readonly page: string
  readonly block?: string
  readonly format: WireFormat
  /** The variable of the environment that the page's secret is in. */
  readonly variable: string
  readonly secret: string
  /** The secret to sign with, where it is another. */
  readonly sign?: string
  readonly message: SignedMessage
}

const example = (
  page: string,
  format: WireFormat,
  variable: string,
  type: string,
  more: Partial<Example> = {},
): Example => ({
  page,
  format,
  variable,
  secret: format.newSecret(new Uint8Array(32).fill(3)),
  message: { type, data: { n: 1.5 } },
  ...more,
})

const examples: readonly Example[] = [
  example('adyen', formats.adyen(), 'ADYEN_HMAC_KEY', 'AUTHORISATION'),
  example('adyen', formats.adyenPlatform(), 'ADYEN_HMAC_KEY', 'balancePlatform.accountHolder.created', {
    block: 'platform.ts',
  }),
  example('bitbucket', formats.bitbucket(), 'BITBUCKET_WEBHOOK_SECRET', 'repo:push'),
  example('discord', formats.discord(), 'DISCORD_PUBLIC_KEY', 'APPLICATION_COMMAND', {
    secret: der(ed25519.publicKey, 'spki').subarray(-32).toString('hex'),
    sign: der(ed25519.privateKey, 'pkcs8').subarray(-32).toString('hex'),
  }),
  example('github', formats.github(), 'GITHUB_WEBHOOK_SECRET', 'issues'),
  example('gitlab', formats.gitlab(), 'GITLAB_WEBHOOK_TOKEN', 'merge_request'),
  example('gitlab', formats.gitlab({ signed: true }), 'GITLAB_SIGNING_TOKEN', 'merge_request', { block: 'signed.ts' }),
  example('hook0', formats.hook0(), 'HOOK0_SECRET', 'user.account.created'),
  example('hubspot', formats.hubspot(), 'HUBSPOT_CLIENT_SECRET', 'events'),
  example('line', formats.line(), 'LINE_CHANNEL_SECRET', 'events'),
  example('linear', formats.linear(), 'LINEAR_WEBHOOK_SECRET', 'Issue'),
  example('mailgun', formats.mailgun(), 'MAILGUN_WEBHOOK_SIGNING_KEY', 'delivered'),
  example('paddle', formats.paddle(), 'PADDLE_WEBHOOK_SECRET', 'transaction.completed'),
  example('polar', formats.polar(), 'POLAR_WEBHOOK_SECRET', 'order.paid'),
  example('sanity', formats.sanity(), 'SANITY_WEBHOOK_SECRET', 'update'),
  example('sendgrid', formats.sendgrid(), 'SENDGRID_VERIFICATION_KEY', 'events', {
    secret: der(p256.publicKey, 'spki').toString('base64'),
    sign: der(p256.privateKey, 'pkcs8').toString('base64'),
  }),
  example('shopify', formats.shopify(), 'SHOPIFY_API_SECRET', 'orders/create'),
  example('slack', formats.slack(), 'SLACK_SIGNING_SECRET', 'app_mention'),
  example('square', formats.square(), 'SQUARE_SIGNATURE_KEY', 'payment.updated'),
  example('stripe', formats.stripe(), 'STRIPE_WEBHOOK_SECRET', 'invoice.paid'),
  example('svix', formats.svix(), 'SVIX_WEBHOOK_SECRET', 'user.created'),
  example('telnyx', formats.telnyx(), 'TELNYX_PUBLIC_KEY', 'message.received', {
    secret: der(ed25519.publicKey, 'spki').subarray(-32).toString('base64'),
    sign: `whsk_${der(ed25519.privateKey, 'pkcs8').subarray(-32).toString('base64')}`,
  }),
  example('twilio', formats.twilio(), 'TWILIO_AUTH_TOKEN', 'message.received', {
    message: { type: 'message.received', data: { n: '1.5' } },
  }),
  example('workos', formats.workos(), 'WORKOS_WEBHOOK_SECRET', 'dsync.user.created'),
  example('zoom', formats.zoom(), 'ZOOM_SECRET_TOKEN', 'meeting.started'),
]

/** The code blocks of a page that have a file's name. */
const blocksOf = (page: string) => {
  const text = readFileSync(new URL(`${page}.md`, pages), 'utf8')
  return new Map([...text.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => [name, code]))
}

const write = (page: string, block: string): string => {
  const code = blocksOf(page).get(block)
  if (code === undefined) throw new Error(`${page}.md has no block "${block}"`)
  mkdirSync(folder, { recursive: true })
  const file = new URL(`${page}-${block}`, folder)
  writeFileSync(file, code)
  return fileURLToPath(file)
}

describe('each page shows a receiver that works as it stands:', () => {
  it.each(examples.map((one) => [`${one.page} ${one.block ?? ''}`, one] as const))('%s', async (_, given) => {
    const { page, block = 'receiver.ts', format, variable, secret, sign = secret, message } = given
    vi.stubEnv(variable, secret)
    const printed = vi.spyOn(console, 'log').mockImplementation(() => {})
    const { receiver } = (await import(/* @vite-ignore */ write(page, block))) as { receiver: Receiver }

    const honest = await signRequest(format, sign, message)
    const text = Buffer.from(honest.body).toString()
    // A digit of the data, or, where nothing signs that, one of the signature.
    const altered = format.facts.body === 'signed' ? text.replace('1.5', '2.5') : text.replace(/(ignature":")./, '$1')
    const body = Buffer.from(altered)
    // A token signs nothing, and is refused where it is another.
    const forged = altered !== text ? { body } : { headers: { ...honest.headers, 'x-gitlab-token': 'another token' } }
    expect((await receiver.handle({ ...honest, ...forged })).status).toBe(401)
    expect(printed).not.toHaveBeenCalled()
    expect(await receiver.handle(honest)).toMatchObject({ status: 200, outcome: 'handled' })
    expect(await receiver.handle(honest)).toMatchObject({ status: 200, outcome: 'duplicate' })
    expect(printed).toHaveBeenCalledOnce()
    vi.unstubAllEnvs()
  })
})

it('every page and every block of one is an example', () => {
  const shown = readdirSync(pages)
    .filter((name) => !['README.md', 'recipes.md'].includes(name))
    .flatMap((name) => [...blocksOf(name.slice(0, -3)).keys()].map((block) => `${name.slice(0, -3)} ${block}`))
  expect(examples.map(({ page, block = 'receiver.ts' }) => `${page} ${block}`).sort()).toEqual(shown.sort())
})

it('every block has the right types', { timeout: 120_000 }, () => {
  for (const { page, block = 'receiver.ts' } of examples) write(page, block)
  const options = { extends: '../../../../tsconfig.base.json', include: ['.'] }
  writeFileSync(new URL('tsconfig.json', folder), JSON.stringify(options))
  const tsc = createRequire(import.meta.url).resolve('typescript/lib/tsc.js')
  const { stdout } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', fileURLToPath(folder)], { encoding: 'utf8' })
  expect(stdout).toBe('')
})

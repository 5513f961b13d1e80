import { createHmac } from 'node:crypto'
import { type Contract, hmacFormat, part, standardWebhooks } from '@hooks/core'
import { consumerDocs } from '@hooks/portal/docs'
import { type Answer, createSender, memoryStorage, type TransportRequest } from '@hooks/sender'
import { seededRandom, virtualClock } from '@hooks/sender/testing'
import { block, expressVersions, runSample, type Sample } from 'documents'
import { contract as auditTrail } from 'example-audit-trail/contract'
import { signedContract as course } from 'example-course/contract'
import { contract as grillo } from 'example-grillo/contract'
import { contract as lokroom } from 'example-lokroom/contract'
import { contract as veza } from 'example-veza/contract'
import { afterEach, describe, expect, it } from 'vitest'

// The mistakes of the five documents that a sender, or a document, can answer for, as promises of ours, by their numbers
// (packages/documents/src/traps.ts).
// Those of receivers are in the receiver's own tests, those of its queue in Audit Trail's, and those of verification code
// in other languages in the portal's.

const MINUTE = 60_000

const open: Sample[] = []
afterEach(async () => {
  for (const sample of open.splice(0)) await sample.close()
})

/** A printed server, which runs as it is printed. */
async function printed(...[code, names]: [code: string, names: Record<string, unknown>]): Promise<Sample> {
  const sample = await runSample(code, expressVersions[0]?.[1] as never, names)
  open.push(sample)
  return sample
}

/** A sender of one of the products, whose requests are answered by whatever `answer` stands for. */
function sender(contract: Contract, answer: (request: TransportRequest, path: string) => Promise<number> | number) {
  const [clock, random] = [virtualClock(), seededRandom(3)]
  const requests: TransportRequest[] = []
  const hooks = createSender({
    contract,
    storage: memoryStorage({ clock, random }),
    clock,
    random,
    poll: '6h',
    transport: {
      async send(request): Promise<Answer> {
        requests.push(request)
        const status = await answer(request, request.url.pathname)
        return { ms: 1, sent: true, status, headers: {}, body: new Uint8Array(), truncated: false }
      },
    },
  })
  const list = async () => (await hooks.deliveries.list('acme')).data
  return { hooks, clock, requests, list }
}

const bodyOf = ({ body }: TransportRequest) => Buffer.from(body).toString()

describe('what a sender can answer for', () => {
  it('T13: a body of 110 kB, which the printed server refuses with 413, is said to be that, and sent again when it is taken', async () => {
    const code = block('audit-trail', 'javascript', 'function verifyWebhookSignature')
    const secret = 'whsec_abc123def456'
    const sample = await printed(code, { WEBHOOK_SECRET: secret })
    let takes = false
    const { hooks, clock, list } = sender(auditTrail, async (request, path) =>
      takes ? 200 : (await sample.post(path, request.headers, bodyOf(request))).status,
    )
    const { id } = await hooks.endpoints.create('acme', {
      url: 'https://myapp.example/webhooks/audit-trail',
      secret,
    })
    hooks.start()
    await hooks.send('report.failed', { log: 'x'.repeat(110_000) }, { tenant: 'acme' })
    await clock.advance(3 * 60 * MINUTE)
    expect(await list()).toMatchObject([{ state: 'failed', attempts: 5, last: { status: 413 } }])
    expect(await hooks.endpoints.get('acme', id)).toMatchObject({ enabled: false, reason: 'exhausted' })
    takes = true
    await hooks.endpoints.enable('acme', id)
    await hooks.recover('acme', id, { since: new Date(0) })
    await clock.advance(MINUTE)
    expect(await list()).toMatchObject([{ state: 'delivered', attempts: 6 }])
    await hooks.stop()
  })

  it('T19: a secret that begins with whsec_ is the text that it is where the contract says so, and no key of nine bytes elsewhere', async () => {
    const secret = 'whsec_abc123def456'
    const [key] = auditTrail.format.keys(secret, 'sign')
    const mac = createHmac('sha256', key?.bytes ?? '')
      .update('{"a":1}')
      .digest('hex')
    expect(mac.slice(0, 12)).toBe('677a82719a9f')
    expect(() => standardWebhooks().keys(secret, 'sign')).toThrow(expect.objectContaining({ code: 'secret_too_short' }))
  })

  it.each([
    ["Lok'Room", lokroom, 'x-lok-signature', 'whsec_1234567890abcdef...'],
    ['Veza', veza, 'x-veza-signature', 'your_webhook_secret'],
    ['Grillo', grillo, 'x-grillo-signature', 'votre_secret_partage'],
  ] as const)(
    'T20: %s has one signature in its header, also while a secret is changed',
    async (_, contract, header, first) => {
      const { hooks, clock, requests } = sender(contract as Contract, () => 200)
      const { id } = await hooks.endpoints.create('acme', { url: 'https://acme.example/', secret: first })
      const second = 'another_secret_of_theirs'
      hooks.start()
      const send = async () => {
        const [{ type, example = {} }] = contract.events.all as unknown as [{ type: string; example?: object }]
        await hooks.send(type, example, { tenant: 'acme' })
        await clock.advance(1_000)
      }
      const by = (request: TransportRequest) =>
        [first, second].filter((secret) =>
          String(request.headers[header]).endsWith(createHmac('sha256', secret).update(bodyOf(request)).digest('hex')),
        )
      await send()
      await hooks.endpoints.rotateSecret('acme', id, { secret: second, overlap: '1h' })
      await send()
      await clock.advance(2 * 60 * MINUTE)
      await send()
      for (const { headers } of requests) expect(headers[header]).toMatch(/^(sha256=)?[0-9a-f]{64}$/)
      expect(requests.map(by)).toEqual([[first], [second], [second]])
      await hooks.stop()
    },
  )

  it('T21: a path that nobody serves is said to be 404, and what waits goes to the one that the URL is mended to', async () => {
    const secret = 'votre_secret_partage'
    const sample = await printed(block('grillo', 'javascript', 'function verifyWebhook'), { WEBHOOK_SECRET: secret })
    const { hooks, clock, list, requests } = sender(
      grillo,
      async (request, path) => (await sample.post(path, request.headers, bodyOf(request))).status,
    )
    const { url } = JSON.parse(block('grillo', 'json', '"secret": "votre_secret_partage"'))
    const { id } = await hooks.endpoints.create('acme', { url, secret })
    hooks.start()
    await hooks.send('event.detected', grillo.events.get('event.detected')?.example as never, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(await list()).toMatchObject([{ state: 'retrying', last: { status: 404 } }])
    await hooks.endpoints.update('acme', id, { url: url.replace('/grillo-webhook', '/webhook') })
    await clock.advance(MINUTE)
    expect(requests.map((one) => one.url.pathname)).toEqual(['/grillo-webhook', '/webhook'])
    expect(await list()).toMatchObject([{ state: 'delivered', attempts: 2 }])
    await hooks.stop()
  })

  it.each([
    ['Veza', veza, 'user.updated', []],
    ['Audit Trail', auditTrail, 'report.failed', []],
    // Its body has no field of its own for the data.
    ['the course', course, 'message_received', ['list', 'text', 'number', 'nothing']],
    ["Lok'Room", lokroom, 'payment.failed', []],
  ] as const)(
    'T59, T60, T61, T67: whatever %s is given to send, its receivers get an object of JSON, which its header says that it is',
    async (_, contract, type, notAnObject) => {
      const { hooks, clock, requests } = sender(contract as Contract, () => 200)
      await hooks.endpoints.create('acme', { url: 'https://acme.example/', secret: 'a_secret_of_their_own' })
      hooks.start()
      const given = { object: { n: 1 }, list: [], text: 'hello', number: 7, nothing: null, nan: { p: Number.NaN } }
      const refused: string[] = []
      for (const [name, data] of Object.entries(given)) {
        await hooks.send(type, data, { tenant: 'acme' }).catch(({ code }) => refused.push(`${name}: ${code}`))
        await clock.advance(1_000)
      }
      expect(refused).toEqual([...notAnObject.map((name) => `${name}: payload_invalid`), 'nan: payload_not_json'])
      expect(requests).toHaveLength(5 - notAnObject.length)
      for (const request of requests) {
        const { event, type: named = event } = JSON.parse(bodyOf(request))
        expect([request.headers['content-type'], named]).toEqual(['application/json', type])
      }
      await hooks.stop()
    },
  )

  it('T76: what is signed is named by parts, so that a misspelt one is no literal that is signed in its place', () => {
    const misspelt = (part as unknown as Record<string, never>).timestmp as never
    const format = (over: readonly never[]) =>
      hmacFormat({
        name: 'own',
        secret: 'text',
        body: { type: part.type, data: part.data },
        headers: { 'x-time': part.sentAt('unix') },
        signature: { header: 'x-signature', over },
      })
    expect(() => format([misspelt, '.', part.body] as never)).toThrow(
      expect.objectContaining({ code: 'format_invalid' }),
    )
    // A word in its place is a word, and then no window rests on a time that nobody signed.
    expect(format(['timestmp', '.', part.body] as never).facts.sentAt).not.toBe('signed')
    expect(format([part.header('x-time'), '.', part.body] as never).facts.sentAt).toBe('signed')
  })
})

describe('what documents can answer for', () => {
  const contracts = { veza, grillo, 'audit-trail': auditTrail, course, lokroom }

  it.each(Object.entries(contracts))(
    'T71, T74, T75: the guide of %s has no command without a host, no request in the place of a command, and no JSON that is none',
    (product, contract) => {
      const files = consumerDocs(contract as Contract, { product, version: '1.0.0', date: '2024-01-15' })
      for (const page of ['webhooks.en.md', 'webhooks.fr.md']) {
        const found = [...(files[page] ?? '').matchAll(/^```(\w*)\n([\s\S]*?)\n```$/gm)]
        const json = found.filter(([, language]) => language === 'json').map(([, , code]) => JSON.parse(code ?? ''))
        expect(json.length).toBe(contract.events.all.filter(({ example }) => example !== undefined).length)
        const languages = new Set(found.map(([, language]) => language))
        expect([...languages].sort()).toEqual(['go', 'java', 'js', 'json', 'php', 'python', 'ruby'])
      }
    },
  )
})

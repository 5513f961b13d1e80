import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { consumerDocs } from '@hooks/portal/docs'
import type { Logger } from '@hooks/receiver'
import { createReceiver } from '@hooks/receiver'
import { createSender, memoryStorage } from '@hooks/sender'
import { virtualClock } from '@hooks/sender/testing'
import { block, document, expressVersions, runSample } from 'documents'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contract } from '../src/contract.ts'
import { createCustomer } from '../src/receiver.ts'
import { createVeza } from '../src/sender.ts'

const SECRET = 'your_webhook_secret'
const USER = { user_id: 'user_123', email: 'user@example.com' }

let folder: string
let veza: ReturnType<typeof createVeza>
const servers: Server[] = []

const listen = async (app: Parameters<typeof createServer>[1]) => {
  const server = createServer(app)
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
let api: string
const call = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${api}${path}`, {
    method,
    headers: {
      authorization: 'Bearer YOUR_TOKEN',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  })
  const text = await answer.text()
  return { status: answer.status, text, json: text === '' ? undefined : JSON.parse(text) }
}
const register = (url: string, events: readonly string[] = ['user.created', 'message.sent']) =>
  call('POST', '/api/v1/webhooks', JSON.stringify({ url, events, secret: SECRET }))

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A customer's server that keeps what it gets, and answers as it is told. */
const recorder = async (status: (n: number) => number = () => 200) => {
  const received: Received[] = []
  const url = await listen((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
      response.writeHead(status(received.length)).end()
    })
  })
  return { url: `${url}/webhooks`, received }
}
const deliver = () => veza.hooks.drain({ maxMs: 30_000 })

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'veza-'))
  veza = createVeza({
    file: join(folder, 'veza.sqlite'),
    tokens: { YOUR_TOKEN: 'acme', OTHER_TOKEN: 'globex' },
    dev: true,
  })
  api = await listen(veza.app)
})
afterEach(async () => {
  await veza.hooks.stop()
  for (const server of servers.splice(0)) server.close()
  veza.db.close()
  rmSync(folder, { recursive: true })
})

describe('Vue d’ensemble', () => {
  it('tells of what happens when it happens, without being asked (V2)', async () => {
    const { url, received } = await recorder()
    await register(url)
    veza.hooks.start()
    veza.createUser('acme', USER)
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 20_000 })
  })

  it('wakes a worker that has nothing to do within a second of a send (V2)', async () => {
    const clock = virtualClock()
    const sent: number[] = []
    const hooks = createSender({
      contract,
      storage: memoryStorage({ clock }),
      clock,
      // Whoever looks around every six hours would be late.
      poll: '6h',
      transport: {
        async send() {
          sent.push(clock.monotonic())
          return { ms: 1, sent: true, status: 200, headers: {}, body: new Uint8Array(), truncated: false }
        },
      },
    })
    await hooks.endpoints.create('acme', { url: 'https://your-app.com/webhooks', secret: SECRET })
    hooks.start()
    await clock.advance(3_600_000)
    const began = clock.monotonic()
    await hooks.send('message.sent', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(sent.map((at) => at - began <= 1_000)).toEqual([true])
    await hooks.stop()
  })
})

describe('Événements Disponibles', () => {
  const groups = {
    'Événements Utilisateur': 'user.created',
    'Événements Chat': 'room.created',
    'Événements Stream': 'stream.started',
  }

  it('are the three groups of the document, with its names and its words (V3, V4, V5, V6)', async () => {
    const shown = (await call('GET', '/api/v1/webhooks/event-types')).json
    expect(Object.keys(shown)).toEqual(Object.keys(groups))
    for (const [group, type] of Object.entries(groups)) {
      expect(JSON.stringify(shown[group])).toBe(JSON.stringify(JSON.parse(block('veza', 'json', `"${type}": "`))))
    }
    expect(contract.events.types).toHaveLength(14)
  })

  it('can each be sent, and no other can (V3, V4, V5)', async () => {
    const { url, received } = await recorder()
    await call('POST', '/api/v1/webhooks', JSON.stringify({ url, secret: SECRET }))
    for (const { type, example = {} } of contract.events.all) {
      await veza.hooks.send(type as 'user.updated', example, { tenant: 'acme' })
    }
    await deliver()
    expect(received.map(({ body }) => JSON.parse(body).event).sort()).toEqual([...contract.events.types].sort())
    // @ts-expect-error: a name that is not in the catalog
    const unknown = veza.hooks.send('user.renamed', {}, { tenant: 'acme' })
    await expect(unknown).rejects.toMatchObject({ code: 'event_type_unknown' })
  })
})

describe('Créer un Webhook', () => {
  const printed = () => {
    const command = block('veza', 'bash', 'curl -X POST')
    return { path: /POST (\S+)/.exec(command)?.[1] ?? '', body: /-d '([\s\S]*)'/.exec(command)?.[1] ?? '' }
  }

  it('takes the printed call, to the space and the newline, and needs no DNS (V7, V8, V9, V10, V11)', async () => {
    const { path, body } = printed()
    expect(path).toBe('/api/v1/webhooks')
    const { status, json } = await call('POST', path, body)
    expect(status).toBe(201)
    expect(json).toEqual({
      id: expect.stringMatching(/^webhook_/),
      url: 'https://your-app.com/webhooks',
      events: ['user.created', 'message.sent'],
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
    // RFC 6761: no DNS ever finds a name below `invalid`.
    const nowhere = await call('POST', path, body.replace('your-app.com', 'your-app.invalid'))
    expect([nowhere.status, nowhere.json.url]).toEqual([201, 'https://your-app.invalid/webhooks'])
  })

  it('lets nobody in without the token, and stores nothing of theirs (V8)', async () => {
    const { path, body } = printed()
    for (const authorization of ['', 'Bearer WRONG', 'YOUR_TOKEN2']) {
      expect((await call('POST', path, body, { authorization })).status).toBe(401)
    }
    expect((await veza.hooks.endpoints.list('acme')).data).toEqual([])
  })

  it('delivers what was asked for and nothing else, and refuses names that do not exist (V11)', async () => {
    const { url, received } = await recorder()
    await register(url)
    await veza.hooks.send('user.updated', {}, { tenant: 'acme' })
    await veza.hooks.send('message.sent', {}, { tenant: 'acme' })
    await deliver()
    expect(received.map(({ body }) => JSON.parse(body).event)).toEqual(['message.sent'])
    const refused = await register(url, ['user.renamed'])
    expect([refused.status, refused.json.code]).toEqual([422, 'filter_invalid'])
  })

  it('signs with the secret of the customer, which no answer shows (V12)', async () => {
    const { url, received } = await recorder()
    const created = await register(url)
    const others = [await call('GET', '/api/v1/webhooks'), await call('GET', `/api/v1/webhooks/${created.json.id}`)]
    for (const { text } of [created, ...others]) expect(text).not.toContain(SECRET)
    veza.createUser('acme', USER)
    await deliver()
    const { createHmac } = await import('node:crypto')
    const [{ headers, body } = { headers: {}, body: '' }] = received
    expect(headers['x-veza-signature']).toBe(createHmac('sha256', SECRET).update(body).digest('hex'))
  })

  it('keeps what is one customer’s from another (V7)', async () => {
    const { json } = await register('https://your-app.com/webhooks')
    for (const [method, path] of [
      ['GET', `/api/v1/webhooks/${json.id}`],
      ['DELETE', `/api/v1/webhooks/${json.id}`],
      ['POST', `/api/v1/webhooks/${json.id}/test`],
    ] as const) {
      expect((await call(method, path, undefined, { authorization: 'Bearer OTHER_TOKEN' })).status).toBe(404)
    }
  })
})

describe('Format de Payload', () => {
  it('has the fields of the document in their order, to the second, the same at every attempt (V13, V14)', async () => {
    const { url, received } = await recorder((n) => (n === 1 ? 500 : 200))
    const { json } = await register(url)
    veza.createUser('acme', USER)
    await deliver()
    const [delivery] = (await veza.hooks.deliveries.list('acme')).data
    await veza.hooks.deliveries.resend('acme', delivery?.id ?? '')
    await deliver()
    expect(received).toHaveLength(2)
    const [first, second] = received.map(({ body }) => body)
    expect(second).toBe(first)
    const body = JSON.parse(first ?? '')
    expect(Object.keys(body)).toEqual(Object.keys(JSON.parse(block('veza', 'json', '"webhook_id"'))))
    expect(body.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(body.webhook_id).toBe(json.id)
  })

  it('names the webhook that it goes to: two webhooks get two bodies, each signed for itself (V15)', async () => {
    const one = await recorder()
    const two = await recorder()
    const ids = [(await register(one.url)).json.id, (await register(two.url)).json.id]
    veza.createUser('acme', USER)
    await deliver()
    const bodies = [one, two].map(({ received }) => JSON.parse(received[0]?.body ?? '{}'))
    expect(bodies.map(({ webhook_id }) => webhook_id)).toEqual(ids)
    expect(bodies[0].data).toEqual(bodies[1].data)
    expect(one.received[0]?.headers['x-veza-signature']).not.toBe(two.received[0]?.headers['x-veza-signature'])
  })

  it('holds data that fits its schema, and nothing is stored of what does not (V16)', async () => {
    await register('https://your-app.com/webhooks')
    const broken = () => veza.createUser('acme', { user_id: 'user_1', email: 'nobody' })
    expect(broken).toThrow(expect.objectContaining({ code: 'payload_invalid' }))
    expect((await veza.hooks.messages.list('acme')).data).toEqual([])
    expect(veza.db.prepare('select * from users').all()).toEqual([])
  })
})

describe('Signature HMAC', () => {
  it('is 64 hexadecimal digits without a prefix (V17)', async () => {
    const { url, received } = await recorder()
    await register(url)
    veza.createUser('acme', USER)
    await deliver()
    expect(received[0]?.headers['x-veza-signature']).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each(expressVersions)(
    'is what the document’s own server accepts, and nothing altered, on %s (V18, V19)',
    async (_, version) => {
      const { url, received } = await recorder()
      await register(url)
      veza.createUser('acme', USER)
      await deliver()
      const [{ headers, body } = { headers: {}, body: '' }] = received
      const created: unknown[] = []
      const code = `${block('veza', 'javascript', 'function verifyWebhookSignature')}\n${block('veza', 'javascript', 'app.post')}`
      const sample = await runSample(code, version, {
        WEBHOOK_SECRET: SECRET,
        handleUserCreated: (data: unknown) => created.push(data),
        handleMessageSent: () => {},
      })
      try {
        const sent = { 'content-type': 'application/json', 'x-veza-signature': String(headers['x-veza-signature']) }
        expect(await sample.post('/webhooks', sent, body)).toEqual({ status: 200, body: '{"received":true}' })
        expect(created).toEqual([JSON.parse(body).data])
        expect((await sample.post('/webhooks', sent, body.replace('user_123', 'user_124'))).status).toBe(401)
      } finally {
        await sample.close()
      }
    },
  )
})

describe('a customer’s server', () => {
  const customer = async (handlers: Partial<Parameters<typeof createCustomer>[1]> = {}) => {
    const logged: unknown[] = []
    const log = (fields: object, message?: string) => logged.push([fields, message])
    const logger: Logger = { debug: log, info: log, warn: log, error: log }
    const users: unknown[] = []
    const app = createCustomer(
      SECRET,
      { userCreated: (user) => users.push(user), messageSent: () => {}, ...handlers },
      logger,
    )
    const url = `${await listen(app)}/webhooks`
    const post = async (headers: Record<string, string>, body: string) => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      })
      return [answer.status, await answer.text()]
    }
    return { url, post, users, logged }
  }
  const sent = async (
    type: 'user.created' | 'message.sent' | 'room.left',
    data: object = { ...USER, created_at: '2024-01-01T12:00:00Z' },
    occurredAt?: Date,
  ) => {
    const { url, received } = await recorder()
    await register(url, [type])
    await veza.hooks.send(type as 'room.left', data, { tenant: 'acme', ...(occurredAt && { occurredAt }) })
    await deliver()
    const { headers, body } = received.at(-1) as Received
    return { body, headers: { 'x-veza-signature': String(headers['x-veza-signature']) } }
  }

  it('refuses a signature that is wrong, short, absent or there twice, in the document’s words (V20)', async () => {
    const { post, users } = await customer()
    const { headers, body } = await sent('user.created')
    const signature = headers['x-veza-signature']
    const refused = [401, '{"error":"Signature invalide"}']
    expect(await post({ 'x-veza-signature': '0'.repeat(64) }, body)).toEqual(refused)
    expect(await post({ 'x-veza-signature': signature.slice(0, 60) }, body)).toEqual(refused)
    expect(await post({}, body)).toEqual(refused)
    expect(await post({ 'x-veza-signature': `${signature}, ${signature}` }, body)).toEqual(refused)
    expect(await post(headers, body.replace('user_123', 'user_124'))).toEqual(refused)
    expect(users).toEqual([])
  })

  it('gives each event to its handler, and answers when that is done (V21, V23)', async () => {
    let done = false
    const { post } = await customer({
      userCreated: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        done = true
      },
    })
    const { headers, body } = await sent('user.created')
    const answer = await post(headers, body)
    expect([done, ...answer]).toEqual([true, 200, '{"received":true}'])
  })

  it('gives a handler the data of its own type, and of no other (V21)', async () => {
    const messages: unknown[] = []
    const { post, users } = await customer({ messageSent: (message) => messages.push(message) })
    const message = { message_id: 'm_1', text: 'Bonjour' }
    for (const [type, data] of [
      ['user.created', { ...USER, created_at: '2024-01-01T12:00:00Z' }],
      ['message.sent', message],
    ] as const) {
      const { headers, body } = await sent(type, data)
      expect((await post(headers, body))[0]).toBe(200)
    }
    expect(users).toEqual([{ ...USER, created_at: '2024-01-01T12:00:00Z' }])
    expect(messages).toEqual([message])
  })

  it('acknowledges an event that it does not handle, and logs its name (V22)', async () => {
    const { post, logged, users } = await customer()
    const { headers, body } = await sent('room.left', {})
    expect(await post(headers, body)).toEqual([200, '{"received":true}'])
    expect(users).toEqual([])
    expect(logged).toContainEqual([{ type: 'room.left' }, 'Événement non géré : room.left'])
  })

  it('handles a repetition once, and two equal events a second apart twice (V24)', async () => {
    const { post, users } = await customer()
    const data = { ...USER, created_at: '2024-01-01T12:00:00Z' }
    const first = await sent('user.created', data, new Date('2024-01-01T12:00:00Z'))
    for (let i = 0; i < 3; i++) expect((await post(first.headers, first.body))[0]).toBe(200)
    expect(users).toHaveLength(1)
    const next = await sent('user.created', data, new Date('2024-01-01T12:00:01Z'))
    expect((await post(next.headers, next.body))[0]).toBe(200)
    expect(users).toHaveLength(2)
  })

  it('cannot be made to receive without a secret', () => {
    expect(() => createReceiver({ contract, secret: undefined })).toThrow(
      expect.objectContaining({ code: 'secret_missing' }),
    )
  })
})

describe('the page for customers', () => {
  const options = {
    product: 'Veza',
    version: '1.0.0',
    date: '2024-01-01',
    frontMatter: { id: 'webhooks', title: 'Webhooks API', sidebar_label: 'Webhooks' },
    links: [
      { text: "Guide d'API", href: './README.md' },
      { text: 'Authentification', href: './authentication.md' },
      { text: "Gestion d'Erreurs", href: './error-handling.md' },
    ],
  }

  it('carries the document’s front matter, links, version and a date that is one, the same each time (V1, V25, V26)', () => {
    const page = consumerDocs(contract, options)['webhooks.fr.md'] as string
    expect(page.slice(0, page.indexOf('\n---\n', 4))).toBe(
      document('veza').slice(0, document('veza').indexOf('\n---\n', 4)),
    )
    for (const { text, href } of options.links) expect(page).toContain(`- [${text}](${href})`)
    expect(page).toContain('Version 1.0.0, 2024-01-01.')
    expect(page).not.toContain('$(')
    expect(consumerDocs(contract, options)['webhooks.fr.md']).toBe(page)
  })

  it('and the errors of the API have one shape (V25)', async () => {
    const refusals = [
      await call('POST', '/api/v1/webhooks', '{}'),
      await call('GET', '/api/v1/webhooks/webhook_nobody'),
      await call('DELETE', '/api/v1/webhooks'),
    ]
    for (const { json } of refusals) expect(json).toEqual({ error: expect.any(String), code: expect.any(String) })
  })
})

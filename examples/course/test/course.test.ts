import { spawn, spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, request, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createReceiver, hmacFormat, type Logger, memoryInbox, part } from '@hooks/receiver'
import { github, slack, stripe } from '@hooks/receiver/formats'
import { virtualClock } from '@hooks/sender/testing'
import { block, document, expressVersions, runSample } from 'documents'
import type express from 'express'
import Database from 'libsql'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { contract, signedContract, xmlContract } from '../src/contract.ts'
import { createClient, onExpress, onHttp, PORT, SECRET } from '../src/receiver.ts'
import { createService, type ServiceOptions } from '../src/sender.ts'
import { createCrm, createPipeline } from '../src/uses.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express
const curl = spawnSync('curl', ['--version']).status === 0 || process.env.CI === 'true'
if (!curl) console.info('the curl test is not run, because there is no curl')

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const listen = async (app: Server | Parameters<typeof createServer>[1]) => {
  const server = app && 'listen' in app ? (app as Server) : createServer(app)
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
/** Express applications have `listen` as well. */
const listenTo = (app: ReturnType<typeof onExpress>) => listen((request, response) => void app(request, response))

interface Received {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server that keeps what it gets. */
const recorder = async (answer: (response: ServerResponse, n: number) => void = (response) => response.end()) => {
  const received: Received[] = []
  const origin = await listen((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url: path, headers } = request
      received.push({ method, path, headers, body: Buffer.concat(chunks).toString() })
      answer(response, received.length)
    })
  })
  return { url: `${origin}/webhook`, received }
}

const logs = () => {
  const lines: unknown[][] = []
  const log = (...line: unknown[]) => void lines.push(line)
  return { lines, logger: { debug: log, info: log, warn: log, error: log } satisfies Logger }
}

/** The service on a clock that stands still. */
const serve = (options: ServiceOptions = {}) => {
  const clock = virtualClock()
  const service = createService({ dev: true, clock, logger: logs().logger, ...options })
  ends.push(() => service.hooks.stop())
  return { ...service, clock, deliver: () => service.hooks.drain({ maxMs: 30_000 }) }
}

/** The client with what it was paid, on Express. */
const client = async (options: Partial<Parameters<typeof createClient>[0]> = {}) => {
  const paid: unknown[] = []
  const { lines, logger } = logs()
  const receiver = createClient({
    logger,
    paid: (amount, { type, integrity }) => paid.push({ type, amount, integrity }),
    ...options,
  })
  const url = `${await listenTo(onExpress(receiver))}/webhook`
  return {
    paid,
    lines,
    receiver,
    url,
    post: (headers: Record<string, string>, body: string) => post(url, headers, body),
  }
}
const post = async (url: string, headers: Record<string, string>, body: string) => {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
  return [answer.status, await answer.text()] as const
}

const TOKEN = { 'x-webhook-signature': SECRET }
const BODY = '{"event":"payment_completed","amount":100}'
const sign = (body: string, secret = SECRET) => createHmac('sha256', secret).update(body).digest('hex')

describe('1. Définition et utilisation', () => {
  it('is a POST when something happens, and nothing before (C1)', async () => {
    const { url, received } = await recorder()
    const { subscribe, completePayment, clock, deliver } = serve()
    await subscribe(url, SECRET)
    await clock.advance(86_400_000)
    await deliver()
    expect(received).toEqual([])
    await completePayment(100)
    await deliver()
    expect(received).toMatchObject([{ method: 'POST', path: '/webhook', body: BODY }])
  })

  it('tells of payments and of messages (C2)', async () => {
    const { url, received } = await recorder()
    const { subscribe, completePayment, hooks, deliver } = serve()
    await subscribe(url, SECRET)
    await completePayment(100)
    await hooks.send('message_received', { text: 'Bonjour' }, { tenant: 'client' })
    await deliver()
    const bodies = received.map(({ body }) => JSON.parse(body))
    expect(bodies).toContainEqual({ event: 'payment_completed', amount: 100 })
    expect(bodies).toContainEqual({ event: 'message_received', text: 'Bonjour' })
    for (const name of ['paiement validé', 'message reçu']) {
      const descriptions = contract.events.all.map(({ description = '' }) => description.toLowerCase())
      expect(document('course')).toContain(name)
      expect(descriptions).toContain(name)
    }
  })

  it('keeps a CRM up to date, once for each form, in the CRM’s own transaction (C3)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'course-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    const db = new Database(join(folder, 'crm.sqlite'))
    ends.push(() => db.close())
    const { url, received } = await recorder()
    const { subscribe, hooks, deliver } = serve({ contract: signedContract })
    await subscribe(url, SECRET)
    await hooks.send('form_submitted', { email: 'a@example.com' }, { tenant: 'client' })
    await deliver()
    const crm = `${await listenTo(onExpress(createCrm(db, SECRET)))}/webhook`
    const [{ headers, body }] = received as [Received]
    const copies = Array.from({ length: 5 }, () => post(crm, { 'x-signature': String(headers['x-signature']) }, body))
    await Promise.all(copies)
    expect(db.prepare('select email, forms from contacts').all()).toEqual([{ email: 'a@example.com', forms: 1 }])
    // What fails leaves no trace of itself, and is done when it comes again.
    const other = body.replace('a@', 'b@')
    db.exec(
      "create trigger broken before insert on contacts when new.email = 'b@example.com' begin select raise(abort, 'no'); end",
    )
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    expect((await post(crm, { 'x-signature': sign(other) }, other))[0]).toBe(500)
    expect(error).toHaveBeenCalledOnce()
    db.exec('drop trigger broken')
    expect(await post(crm, { 'x-signature': sign(other) }, other)).toEqual([200, '{"status":"success"}'])
    expect(db.prepare('select email, forms from contacts order by email').all()).toEqual([
      { email: 'a@example.com', forms: 1 },
      { email: 'b@example.com', forms: 1 },
    ])
  })

  it('starts a deployment, which goes on after the answer (C4)', async () => {
    const deployed: string[] = []
    let finish = () => {}
    const done = new Promise<void>((resolve) => {
      finish = resolve
    })
    const pipeline = createPipeline(memoryInbox(), SECRET, async (commit) => {
      await done
      deployed.push(commit)
    })
    pipeline.start()
    ends.push(() => pipeline.stop())
    const url = `${await listenTo(onExpress(pipeline))}/webhook`
    const { subscribe, hooks, deliver } = serve({ contract: signedContract })
    await subscribe(url, SECRET)
    await hooks.send('code_pushed', { commit: 'c0ffee' }, { tenant: 'client' })
    await deliver()
    expect((await hooks.deliveries.stats('client')).delivered).toBe(1)
    expect(deployed).toEqual([])
    finish()
    await vi.waitFor(() => expect(deployed).toEqual(['c0ffee']), { timeout: 10_000 })
  }, 30_000)

  it('is received from GitHub, Stripe and Slack as they sign (C5)', async () => {
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    const fromGithub = createReceiver({ format: github(), secret: "It's a Secret to Everybody" })
    const hash = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const hello = { headers: { 'x-hub-signature-256': hash }, body: Buffer.from('Hello, World!') }
    expect((await fromGithub.verify({ ...hello, method: 'POST', url: '/' })).keyId).toBe('0')
    // https://docs.slack.dev/authentication/verifying-requests-from-slack
    const at = (seconds: number) => virtualClock(new Date(seconds * 1000))
    const fromSlack = createReceiver({
      format: slack(),
      secret: '8f742231b10e8888abcd99yyyzzz85a5',
      clock: at(1531420618),
    })
    const command =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c'
    const headers = {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    }
    const slash = { method: 'POST', url: '/', headers, body: Buffer.from(command) }
    expect((await fromSlack.verify(slash)).type).toBe('slash_command')
    // Stripe publishes how it signs, and no example of it: https://docs.stripe.com/webhooks#verify-manually
    const fromStripe = createReceiver({ format: stripe(), secret: 'whsec_test_secret', clock: at(1705314600) })
    const event = '{"id":"evt_1","object":"event","type":"invoice.paid","created":1705314600,"data":{"object":{}}}'
    const signature = `t=1705314600,v1=${sign(`1705314600.${event}`, 'whsec_test_secret')}`
    const paid = { method: 'POST', url: '/', headers: { 'stripe-signature': signature }, body: Buffer.from(event) }
    expect((await fromStripe.verify(paid)).type).toBe('invoice.paid')
    for (const [receiver, request] of [
      [fromGithub, hello],
      [fromSlack, slash],
      [fromStripe, paid],
    ] as const) {
      const forged = { method: 'POST', url: '/', ...request, body: Buffer.from(`${request.body}x`) }
      await expect(receiver.verify(forged)).rejects.toMatchObject({ code: 'signature_mismatch' })
    }
  })
})

describe('2. Concept théorique', () => {
  it('has three steps: a URL is given, an event is sent there and nowhere else, and it is handled and answered (C6, C7, C8, C14)', async () => {
    const order: string[] = []
    const other = await recorder()
    const { url } = await client({ paid: (amount) => order.push(`treated ${amount}`) })
    const service = createService({ dev: true, logger: logs().logger })
    ends.push(() => service.hooks.stop())
    const delivered = new Promise<void>((done) => {
      service.hooks.on('delivery.delivered', () => {
        order.push('answered')
        done()
      })
    })
    const { id } = await service.subscribe(url, SECRET)
    // Another client's URL, which gets what is that client's.
    await service.hooks.endpoints.create('other', { url: other.url, secret: SECRET })
    service.hooks.start()
    order.push('subscribed')
    await service.completePayment(100)
    // Nobody asks for it: the service pushes, and has no server that could be asked.
    await delivered
    expect(order).toEqual(['subscribed', 'treated 100', 'answered'])
    expect(other.received).toEqual([])
    const [delivery] = (await service.hooks.deliveries.list('client')).data
    expect(delivery).toMatchObject({ endpointId: id, last: { status: 200, response: '{"status":"success"}' } })
  }, 30_000)

  it('is pushed within a second of the event, also by a service that had nothing to do (C14)', async () => {
    const { subscribe, completePayment, hooks, clock } = serve()
    const at: number[] = []
    const { url, received } = await recorder((response) => {
      at.push(clock.monotonic())
      response.end()
    })
    await subscribe(url, SECRET)
    hooks.start()
    await clock.advance(3_600_000)
    const began = clock.monotonic()
    await completePayment(100)
    await clock.advance(1_000)
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 20_000 })
    expect(at.map((one) => one - began <= 1_000)).toEqual([true])
  }, 30_000)

  it('has a payload in JSON or in XML, signed: the same event out and in (C9)', async () => {
    for (const [agreed, type, text] of [
      [signedContract, 'application/json', BODY],
      [
        xmlContract,
        'application/xml',
        '<?xml version="1.0" encoding="UTF-8"?><webhook type="object"><event>payment_completed</event><amount type="number">100</amount></webhook>',
      ],
    ] as const) {
      const { paid, url } = await client({ contract: agreed })
      const seen = await recorder()
      const { subscribe, completePayment, deliver, hooks } = serve({ contract: agreed })
      await subscribe(url, SECRET)
      await subscribe(seen.url, SECRET)
      await completePayment(100)
      await deliver()
      expect(seen.received[0]).toMatchObject({
        body: text,
        headers: { 'content-type': type, 'x-signature': sign(text) },
      })
      expect(paid).toEqual([{ type: 'payment_completed', amount: 100, integrity: 'signed' }])
      expect((await hooks.deliveries.stats('client')).delivered).toBe(2)
    }
  })

  it('takes no XML with a DTD, a bomb of entities or a foreign entity, though it is signed (C9)', async () => {
    const { paid, post } = await client({ contract: xmlContract })
    for (const dtd of [
      '<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
      '<!DOCTYPE w [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
      '',
    ]) {
      const body = `<?xml version="1.0"?>${dtd}<webhook type="object"><event>payment_completed</event><amount type="number">&b;</amount></webhook>`
      const [status] = await post({ 'content-type': 'application/xml', 'x-signature': sign(body) }, body)
      expect(status).toBe(500)
    }
    expect(paid).toEqual([])
  })

  it('has its signature in the header of one’s choice (C10)', async () => {
    const { url, received } = await recorder()
    for (const header of ['x-signature', 'x-mon-service-signature']) {
      const format = hmacFormat({
        name: 'own',
        secret: { grammar: 'text', minBytes: 14 },
        body: { event: part.type, '...': part.data },
        signature: { header },
      })
      const { subscribe, completePayment, deliver } = serve({ contract: { ...signedContract, format } })
      await subscribe(url, SECRET)
      await completePayment(100)
      await deliver()
      expect(received.at(-1)?.headers[header]).toBe(sign(BODY))
    }
    expect(document('course')).toContain('`X-Signature`')
  })

  it('is safe by an HMAC, which covers the body, or by a token, which does not and says so (C11)', async () => {
    const forged = BODY.replace('100', '1000000')
    const token = await client()
    expect(await token.post(TOKEN, forged)).toEqual([200, '{"status":"success"}'])
    expect(token.paid).toEqual([{ type: 'payment_completed', amount: 1_000_000, integrity: 'none' }])
    const signed = await client({ contract: signedContract })
    const headers = { 'x-signature': sign(BODY) }
    expect((await signed.post(headers, forged))[0]).toBe(403)
    expect((await signed.post(TOKEN, BODY))[0]).toBe(403)
    expect((await signed.post({ 'x-signature': SECRET }, BODY))[0]).toBe(403)
    expect(signed.paid).toEqual([])
    expect((await signed.post(headers, BODY))[0]).toBe(200)
    expect(signed.paid).toEqual([{ type: 'payment_completed', amount: 100, integrity: 'signed' }])
  })

  it('works once for what comes twice, with either signature (C12)', async () => {
    for (const [agreed, headers] of [
      [contract, TOKEN],
      [signedContract, { 'x-signature': sign(BODY) }],
    ] as const) {
      const { paid, post } = await client({ contract: agreed })
      await Promise.all(Array.from({ length: 5 }, () => post(headers, BODY)))
      expect(await post(headers, BODY)).toEqual([200, '{"status":"success"}'])
      expect(paid).toHaveLength(1)
    }
  })

  it.each([301, 400, 401, 404, 410, 429, 500, 503, 'a reset'] as const)(
    'is sent again after %s (C13)',
    async (answer) => {
      const { url, received } = await recorder((response, n) => {
        if (n > 1) response.end()
        else if (answer === 'a reset') response.destroy()
        else response.writeHead(answer).end()
      })
      const { subscribe, completePayment, clock, deliver, hooks } = serve()
      const { id } = await subscribe(url, SECRET)
      await completePayment(100)
      await deliver()
      expect(received).toHaveLength(1)
      await clock.advance(10_000)
      await deliver()
      expect(received).toHaveLength(2)
      expect(received[1]?.body).toBe(received[0]?.body)
      expect((await hooks.deliveries.stats('client')).delivered).toBe(1)
      expect((await hooks.endpoints.get('client', id)).enabled).toBe(true)
    },
  )

  it.each([200, 201, 204, 299])('is not sent again after %s (C13)', async (status) => {
    const { url, received } = await recorder((response) => response.writeHead(status).end())
    const { subscribe, completePayment, clock, deliver } = serve()
    await subscribe(url, SECRET)
    await completePayment(100)
    await deliver()
    await clock.advance(5 * 86_400_000)
    await deliver()
    expect(received).toHaveLength(1)
  })
})

describe('3. Exemple en Express', () => {
  it('listens where the course’s own program does, an address that a service in development alone takes (C15)', async () => {
    const sample = await runSample(block('course', 'javascript', 'express.raw()'), expressVersions[0]?.[1] as never, {})
    await sample.close()
    expect(PORT).toBe(sample.port)
    const local = `http://localhost:${PORT}/webhook`
    expect((await serve().subscribe(local, SECRET)).url).toBe(local)
    const live = serve({ dev: false })
    await expect(live.subscribe(local, SECRET)).rejects.toMatchObject({ code: 'url_scheme' })
    await expect(live.subscribe(`https://localhost:${PORT}/webhook`, SECRET)).rejects.toThrow()
    vi.stubEnv('NODE_ENV', 'production')
    expect(() => createService({ dev: true })).toThrow(expect.objectContaining({ code: 'dev_in_production' }))
    vi.unstubAllEnvs()
  })

  it('takes the course’s secret of 14 bytes because the contract says so (C16)', async () => {
    const { paid, post } = await client()
    expect(Buffer.byteLength(SECRET)).toBe(14)
    expect(await post(TOKEN, BODY)).toEqual([200, '{"status":"success"}'])
    expect(paid).toHaveLength(1)
    const usual = hmacFormat({
      name: 'usual',
      secret: 'text',
      body: { event: part.type, '...': part.data },
      signature: { header: 'x-signature' },
    })
    expect(() => createReceiver({ format: usual, secret: SECRET })).toThrow(
      expect.objectContaining({ code: 'secret_too_short' }),
    )
  })

  it('refuses a wrong, a shorter or no token in the course’s words, in UTF-8 (C17, C20)', async () => {
    const { paid, url, post } = await client()
    const words = /send\('(Accès refusé[^']*)'\)/.exec(block('course', 'javascript', 'express.raw()'))?.[1]
    for (const headers of [
      { 'x-webhook-signature': 'mon_secret_124' },
      { 'x-webhook-signature': 'mon_secret' },
      { 'x-webhook-signature': `${SECRET}, ${SECRET}` },
      { 'x-signature': SECRET },
    ] as Record<string, string>[]) {
      expect(await post(headers, BODY)).toEqual([403, words])
    }
    const answer = await fetch(url, { method: 'POST', body: BODY })
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(words ?? '', 'utf8'))
    expect(paid).toEqual([])
  })

  it('sees the event’s name and its amount, where the printed program sees nothing (C18, C19)', async () => {
    const { paid, post } = await client()
    expect(await post(TOKEN, BODY)).toEqual([200, '{"status":"success"}'])
    expect(paid).toEqual([{ type: 'payment_completed', amount: 100, integrity: 'none' }])
    const sample = await runSample(block('course', 'javascript', 'express.raw()'), expressVersions[0]?.[1] as never, {})
    await sample.post('/webhook', { 'content-type': 'application/json', ...TOKEN }, BODY)
    await sample.close()
    expect(sample.logged.at(-1)).toBe('Événement reçu : undefined')
  })

  it('works with the secret that both sides hold, and with no other (C20)', async () => {
    const { paid, url } = await client({ secret: 'un_autre_secret_456' })
    const { subscribe, completePayment, deliver, hooks } = serve()
    await subscribe(url, SECRET)
    await subscribe(url, 'un_autre_secret_456')
    await completePayment(100)
    await deliver()
    expect(paid).toHaveLength(1)
    expect(await hooks.deliveries.stats('client')).toMatchObject({ delivered: 1, retrying: 1 })
  })

  const servers = [
    ['Express 4', (client) => listenTo(onExpress(client, express4))],
    ['Express 5', (client) => listenTo(onExpress(client))],
    ['node:http', (client) => listen(onHttp(client))],
  ] as const satisfies readonly (readonly [string, (client: ReturnType<typeof createClient>) => Promise<string>])[]

  it.runIf(curl).each(servers)(
    'takes the printed curl command, run as it is, on %s (C15, C19, C21)',
    async (_, open) => {
      const { receiver, paid } = await client()
      const { port } = new URL(await open(receiver))
      const home = mkdtempSync(join(tmpdir(), 'course-curl-'))
      ends.push(() => rmSync(home, { recursive: true }))
      // The command names port 3000; what is to be found there is on a free one.
      writeFileSync(join(home, '.curlrc'), `connect-to = "localhost:${PORT}:127.0.0.1:${port}"\nsilent\n`)
      const command = block('course', 'bash', 'curl -X POST')
      const ran = await run('bash', ['-c', command], { ...process.env, CURL_HOME: home, no_proxy: '*' })
      expect(ran).toEqual({ code: 0, out: '{"status":"success"}' })
      expect(paid).toEqual([{ type: 'payment_completed', amount: 100, integrity: 'none' }])
      expect(command).toContain('{"event": "payment_completed", "amount": 100}')
    },
    30_000,
  )

  it('can be reached through ngrok: its URLs are subscribed to like any other (C22)', async () => {
    expect(block('course', 'bash', 'ngrok')).toBe(`ngrok http ${PORT}`)
    const url = 'https://a1b2-203-0-113-7.ngrok-free.app/webhook'
    expect((await serve({ dev: false }).subscribe(url, SECRET)).url).toBe(url)
    // What comes through a tunnel names the tunnel's host.
    const { paid, url: local } = await client()
    const { hostname, port, pathname } = new URL(local)
    const headers = { host: new URL(url).host, 'content-type': 'application/json', ...TOKEN }
    const status = await new Promise((answered) =>
      request({ hostname, port, path: pathname, method: 'POST', headers }, (response) => {
        response.resume()
        answered(response.statusCode)
      }).end(BODY),
    )
    expect([status, paid.length]).toEqual([200, 1])
  })
})

const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv) =>
  new Promise<{ code: number | null; out: string }>((resolve) => {
    let out = ''
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'ignore'] })
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.on('close', (code) => resolve({ code, out }))
  })

import { createHmac } from 'node:crypto'
import {
  type Contract,
  type EventType,
  headerBag,
  isHooksError,
  type OutgoingDelivery,
  platformCrypto,
  type StandardResult,
  verifyRequest,
} from '@hooks/core'
import {
  block,
  blocks,
  document,
  expressVersions,
  type Printed,
  printedBodies,
  python3,
  runPython,
  runSample,
  type Seed,
} from 'documents'
import { contract as auditTrail } from 'example-audit-trail/contract'
import { contract as course, signedContract, xmlContract } from 'example-course/contract'
import { xml } from 'example-course/xml'
import { contract as grillo } from 'example-grillo/contract'
import { contract as lokroom } from 'example-lokroom/contract'
import { contract as veza } from 'example-veza/contract'
import { describe, expect, it } from 'vitest'

const contracts = { veza, grillo, 'audit-trail': auditTrail, course, lokroom } satisfies Record<Seed, Contract>
const names = Object.keys(contracts) as Seed[]
const secrets: Record<Seed, string> = {
  veza: 'your_webhook_secret',
  grillo: 'votre_secret_partage',
  'audit-trail': 'whsec_abc123def456',
  course: 'mon_secret_123',
  lokroom: 'whsec_1234567890abcdef...',
}

/** The delivery whose body a document prints. */
const deliveryOf = (printed: Printed): OutgoingDelivery => {
  const { event, type = event, timestamp = '2024-01-15T10:30:00Z', data, id, tenantId, webhook_id, ...flat } = printed
  return {
    message: {
      id: 'msg_1',
      type: String(type),
      occurredAt: new Date(String(timestamp)),
      tenant: String(tenantId ?? 'tenant-001'),
      data: JSON.stringify(data ?? flat),
    },
    endpoint: { id: String(webhook_id ?? 'webhook_456'), url: 'https://your-app.com/webhooks' },
    delivery: { id: String(id ?? 'dlv_xyz789') },
  }
}

/** The header time of an attempt: 2025-01-15T10:30:42.917Z. */
const sentAt = new Date(1736937042917)

const send = async ({ format }: Contract, secret: string, delivery: OutgoingDelivery, attempt = 1) => {
  const { body, contentType } = format.compose(delivery)
  const text = String(body)
  const sent = { ...delivery, attempt, sentAt, body: new TextEncoder().encode(text) }
  const sealed = await format.seal(sent, format.keys(secret, 'sign'), platformCrypto())
  return { body: text, headers: { 'content-type': contentType, ...sealed } as Record<string, string> }
}

type Sent = Awaited<ReturnType<typeof send>>

/** What our own receiver makes of a request: its content, or the code of the refusal. */
const receive = async ({ format }: Contract, secret: string, { headers, body }: Sent, now = sentAt) => {
  const request = { method: 'POST', url: '', headers: headerBag(headers), body: new TextEncoder().encode(body) }
  const clock = { now: () => now, monotonic: () => 0, sleep: () => Promise.resolve() }
  try {
    await verifyRequest(format, [{ keyId: '0', keys: format.keys(secret, 'verify') }], request, clock, platformCrypto())
    return format.read(request)
  } catch (error) {
    return isHooksError(error) ? error.code : Promise.reject(error)
  }
}

/** One letter of a header's value made another, of the same kind. */
const altered = ({ headers, body }: Sent, name: string): Sent => {
  const value = String(headers[name])
  const last = value.at(-1) === '1' ? '2' : '1'
  return { body, headers: { ...headers, [name]: value.slice(0, -1) + last } }
}
/** One byte of the body made another, so that it is still JSON: the year of the first time, or the amount. */
const alteredBody = ({ headers, body }: Sent): Sent => {
  const other = body.replace(/202\d|100/, (old) => String(Number(old) + 1))
  expect(other).not.toBe(body)
  return { headers, body: other }
}

const validate = (event: EventType | undefined, data: unknown) =>
  event?.schema?.['~standard'].validate(data) as StandardResult<unknown>

describe('every body that the five documents print', () => {
  const count: Record<Seed, number> = { veza: 1, grillo: 4, 'audit-trail': 3, course: 1, lokroom: 5 }
  const printed = names.flatMap((seed) =>
    printedBodies(seed).map((body) => ({ seed, body, type: body.event ?? body.type })),
  )

  it.each(names)('is found in the document of %s', (seed) => {
    expect(printedBodies(seed)).toHaveLength(count[seed])
  })

  it.each(printed)('comes out byte for byte as JSON.stringify of it: $seed, $type', ({ seed, body }) => {
    const { format } = contracts[seed]
    expect(format.compose(deliveryOf(body))).toEqual({ body: JSON.stringify(body), contentType: 'application/json' })
  })

  it.each(printed)(
    'is proved and read again by our receiver, and refused when altered: $seed, $type',
    async ({ seed, body }) => {
      const [contract, secret] = [contracts[seed], secrets[seed]]
      const delivery = deliveryOf(body)
      const sent = await send(contract, secret, delivery)
      const content = await receive(contract, secret, sent)
      expect(content).toMatchObject({ type: delivery.message.type, data: JSON.parse(delivery.message.data) })
      expect(await receive(contract, `${secret}x`, sent)).toBe('signature_mismatch')
      for (const name of Object.keys(sent.headers).filter((header) => header.endsWith('signature'))) {
        expect(await receive(contract, secret, altered(sent, name))).toBe('signature_mismatch')
      }
      if (contract.format.facts.body === 'unsigned') return
      expect(await receive(contract, secret, alteredBody(sent))).toBe('signature_mismatch')
    },
  )

  it.each(printed)('is data that its schema takes: $seed, $type', ({ seed, body }) => {
    const { message } = deliveryOf(body)
    const event = contracts[seed].events.get(message.type)
    const data = JSON.parse(message.data)
    // Audit Trail prints one event as `{ ... }`, of which nothing is left.
    if (JSON.stringify(data) !== '{"event":{}}') expect(validate(event, data)).toEqual({ value: data })
    expect(validate(event, {})).toHaveProperty('issues')
  })
})

describe('the catalogs', () => {
  const catalog = (contract: Contract) =>
    contract.events.all.map(({ type, description, group }) => ({ type, description, ...(group && { group }) }))

  it("hold Veza's 14 events in 3 groups, to the letter (V3, V4, V5)", () => {
    const documented = blocks('veza')
      .filter(({ heading }) => heading.startsWith('Événements '))
      .flatMap(({ code, heading }) =>
        Object.entries(JSON.parse(code)).map(([type, description]) => ({ type, description, group: heading })),
      )
    expect(documented).toHaveLength(14)
    expect(catalog(veza)).toEqual(documented)
  })

  it("hold Grillo's 4 events, to the letter (G11, G14, G15, G16)", () => {
    const found = document('grillo').matchAll(/\*\*Événement :\*\* `(.*)`\n\n(.*)\n/g)
    const documented = [...found].map(([, type, description]) => ({ type, description }))
    expect(documented).toHaveLength(4)
    expect(catalog(grillo)).toEqual(documented)
  })

  it("hold Audit Trail's 6 events, to the letter (A9)", () => {
    const found = document('audit-trail').matchAll(/^\| `(.*)` \| (.*) \|$/gm)
    const documented = [...found].map(([, type, description]) => ({ type, description }))
    expect(documented).toHaveLength(6)
    expect(catalog(auditTrail)).toEqual(documented)
  })

  it("hold Lok'Room's 11 events in 5 groups, to the letter (L2 to L6)", () => {
    const documented = document('lokroom')
      .split('\n### ')
      .flatMap((section) =>
        [...section.matchAll(/^- `(\w+\.\w+)` - (.*)$/gm)].map(([, type, description]) => ({
          type,
          description,
          group: section.slice(0, section.indexOf('\n')),
        })),
      )
    expect(documented).toHaveLength(11)
    expect(catalog(lokroom)).toEqual(documented)
  })

  it.each(names)('give for an example the data that the document of %s prints', (seed) => {
    const examples = contracts[seed].events.all.filter(({ example }) => example !== undefined)
    expect(examples.length).toBeGreaterThan(0)
    const printed = printedBodies(seed).map((body) => deliveryOf(body).message)
    for (const { type, example } of examples) {
      expect(printed).toContainEqual(expect.objectContaining({ type, data: JSON.stringify(example) }))
    }
  })
})

describe('the requests', () => {
  it('carry for Veza a signature without prefix, and the id of the endpoint in the body (V15, V17)', async () => {
    const [printed] = printedBodies('veza') as [Printed]
    const [one, other] = (await Promise.all(
      ['webhook_456', 'webhook_789'].map((id) => send(veza, secrets.veza, deliveryOf({ ...printed, webhook_id: id }))),
    )) as [Sent, Sent]
    expect(one.headers['x-veza-signature']).toBe(
      createHmac('sha256', 'your_webhook_secret').update(one.body).digest('hex'),
    )
    expect(other.body).toBe(one.body.replace('webhook_456', 'webhook_789'))
    expect(veza.ids.endpoint).toBe('webhook_')
  })

  it('carry for Grillo the three headers that its document names, on every attempt alike (G19 to G23)', async () => {
    const delivery = deliveryOf(printedBodies('grillo')[0] as Printed)
    const first = await send(grillo, secrets.grillo, delivery, 1)
    const mac = createHmac('sha256', 'votre_secret_partage').update(first.body).digest('hex')
    expect(first.headers).toEqual({
      'content-type': 'application/json',
      'x-grillo-event': 'event.detected',
      'x-grillo-delivery': 'dlv_xyz789',
      'x-grillo-signature': `sha256=${mac}`,
    })
    expect(await send(grillo, secrets.grillo, delivery, 4)).toEqual(first)
    expect(grillo.format.facts).toEqual({ id: 'unsigned', sentAt: 'absent', body: 'signed', url: 'absent' })
  })

  it("carry for Audit Trail the attempt's own time in seconds, signed, and one id in header and body (A11, A16 to A18)", async () => {
    const { headers, body } = await send(
      auditTrail,
      secrets['audit-trail'],
      deliveryOf(printedBodies('audit-trail')[0] as Printed),
    )
    const mac = createHmac('sha256', 'whsec_abc123def456').update(`1736937042.${body}`).digest('hex')
    expect(headers).toEqual({
      'content-type': 'application/json',
      'x-audit-trail-timestamp': '1736937042',
      'x-audit-trail-delivery-id': 'whd_abc123',
      'x-audit-trail-signature': `sha256=${mac}`,
    })
    expect(JSON.parse(body).id).toBe('whd_abc123')
    expect(auditTrail.format.facts).toEqual({ id: 'signed', sentAt: 'signed', body: 'signed', url: 'absent' })
  })

  it('are refused for Audit Trail 301 seconds after sending, and not at 300; its header id is not taken for the signed one (A27, A28)', async () => {
    const sent = await send(auditTrail, secrets['audit-trail'], deliveryOf(printedBodies('audit-trail')[0] as Printed))
    const at = (seconds: number) =>
      receive(auditTrail, secrets['audit-trail'], sent, new Date(sentAt.getTime() + seconds * 1000))
    expect(await at(300)).toMatchObject({ id: 'whd_abc123' })
    expect(await at(301)).toBe('timestamp_too_old')
    expect(await at(-301)).toBe('timestamp_too_new')
    expect(await receive(auditTrail, secrets['audit-trail'], altered(sent, 'x-audit-trail-timestamp'))).toBe(
      'signature_mismatch',
    )
    const poisoned = { ...sent, headers: { ...sent.headers, 'x-audit-trail-delivery-id': 'whd_next' } }
    expect(await receive(auditTrail, secrets['audit-trail'], poisoned)).toMatchObject({ id: 'whd_abc123' })
  })

  it.each(['abc', 'Infinity', '1736937042junk', '1736937042.5', '1e9', '-1', ' '])(
    'are refused for Audit Trail with the time "%s" (A28, T22 to T24)',
    async (time) => {
      const { headers, body } = await send(
        auditTrail,
        secrets['audit-trail'],
        deliveryOf(printedBodies('audit-trail')[0] as Printed),
      )
      const mac = createHmac('sha256', secrets['audit-trail']).update(`${time}.${body}`).digest('hex')
      const forged = { ...headers, 'x-audit-trail-timestamp': time, 'x-audit-trail-signature': `sha256=${mac}` }
      expect(await receive(auditTrail, secrets['audit-trail'], { headers: forged, body })).toBe('malformed_timestamp')
    },
  )

  it("carry for Lok'Room six headers, the attempt's number among them, and the same body each time (L20, L26 to L30)", async () => {
    const delivery = deliveryOf(printedBodies('lokroom')[0] as Printed)
    const [first, second] = [
      await send(lokroom, secrets.lokroom, delivery, 1),
      await send(lokroom, secrets.lokroom, delivery, 2),
    ]
    expect(first.headers).toEqual({
      'content-type': 'application/json',
      'x-lok-signature': createHmac('sha256', secrets.lokroom).update(first.body).digest('hex'),
      'x-lok-event': 'booking.created',
      'x-lok-timestamp': '2025-01-15T10:30:42Z',
      'x-lok-attempt': '1',
      'user-agent': 'Lokroom-Webhooks/1.0',
      'webhook-id': 'msg_1', // ours: there is no id in the document, and its samples ignore it
    })
    expect(second).toEqual({ ...first, headers: { ...first.headers, 'x-lok-attempt': '2' } })
    expect(lokroom.format.facts.sentAt).toBe('unsigned')
  })

  it("are not bound by a window for Lok'Room, whose time is not signed (L28, T15)", async () => {
    const sent = await send(lokroom, secrets.lokroom, deliveryOf(printedBodies('lokroom')[0] as Printed))
    const moved = { ...sent, headers: { ...sent.headers, 'x-lok-timestamp': '2031-01-01T00:00:00Z' } }
    expect(await receive(lokroom, secrets.lokroom, moved, new Date('2040-01-01'))).toMatchObject({
      type: 'booking.created',
    })
  })

  it('take the printed secrets as text, whsec_ included (F4, T19)', () => {
    for (const seed of names) {
      const [key] = contracts[seed].format.keys(secrets[seed], 'sign')
      expect(Buffer.from(key?.bytes ?? []).toString()).toBe(secrets[seed])
    }
  })

  it("hold a generated secret of Lok'Room's printed form, used as text (L10)", () => {
    const secret = lokroom.format.newSecret(new Uint8Array(32))
    expect(secret).toMatch(/^whsec_.{43}=$/)
    expect(lokroom.format.keys(secret, 'sign')[0]?.bytes).toHaveLength(50)
  })

  it('refuse data that is no object where the body is flat, or that has the field of the type (C18)', () => {
    const check = (data: unknown) => () => course.format.check?.('payment_completed', data)
    expect(check({ amount: 100 })).not.toThrow()
    for (const data of [[1], 'text', null, 1]) expect(check(data)).toThrow(/must be an object/)
    expect(check({ event: 'other' })).toThrow(/field "event"/)
  })
})

describe('the policies', () => {
  it('are what the documents promise: tries, delays, deadline, and what becomes of a webhook that fails', () => {
    expect(grillo.policy).toEqual({
      retry: ['0s', '1m', '5m', '30m'],
      jitter: 0,
      classify: 'non2xx-retries',
      pace: false,
      disable: 'never',
    })
    const fiveTries = { retry: ['0s', '1m', '5m', '30m', '2h'], disable: { afterExhausted: 1 } }
    expect(auditTrail.policy).toMatchObject(fiveTries)
    expect(lokroom.policy).toMatchObject({ retry: ['0s', '1m', '5m'], deadline: '10s', jitter: 0, disable: 'never' })
  })
})

describe.each(expressVersions)(
  'the Node.js samples, cut out of the documents and run as printed on %s',
  (name, version) => {
    const check = async (
      seed: 'veza' | 'grillo' | 'audit-trail' | 'lokroom',
      code: string,
      path: string,
      given: Readonly<Record<string, unknown>>,
      tamper: readonly ((sent: Sent) => Sent)[],
    ) => {
      const [contract, secret] = [contracts[seed] as Contract, secrets[seed]]
      const sample = await runSample(code, version, given)
      try {
        for (const printed of printedBodies(seed)) {
          const sent = await send(contract, secret, deliveryOf(printed))
          const [accepted, words] = contract.answers.handled as [number, unknown]
          const answer = typeof words === 'string' ? words : JSON.stringify(words)
          expect(await sample.post(path, sent.headers, sent.body)).toEqual({ status: accepted, body: answer })
          const [refused, reason] = contract.answers.signature_mismatch as [number, unknown]
          const refusal = { status: refused, body: typeof reason === 'string' ? reason : JSON.stringify(reason) }
          for (const change of [alteredBody, ...tamper]) {
            const { headers, body } = change(sent)
            expect(await sample.post(path, headers, body)).toEqual(refusal)
          }
          const foreign = await send(contract, `${secret}x`, deliveryOf(printed))
          expect(await sample.post(path, foreign.headers, foreign.body)).toEqual(refusal)
        }
      } finally {
        await sample.close()
      }
      return sample
    }

    it('accept each of our requests for Veza and refuse altered ones, with the answers of our contract (V18, V19, V20, V23)', async () => {
      const code = `${block('veza', 'javascript', 'createHmac')}\n${block('veza', 'javascript', "app.post('/webhooks'")}`
      const handled: unknown[] = []
      const sample = await check(
        'veza',
        code,
        '/webhooks',
        {
          WEBHOOK_SECRET: secrets.veza,
          handleUserCreated: (data: unknown) => handled.push(data),
          handleMessageSent: () => {},
        },
        [(sent) => altered(sent, 'x-veza-signature')],
      )
      expect(handled).toEqual([printedBodies('veza')[0]?.data])
      expect(sample.logged).toEqual([])
    })

    it('accept each of our requests for Grillo and refuse altered ones, with the answers of our contract (G24, G25)', async () => {
      const code = block('grillo', 'javascript', 'verifyWebhook')
      await check('grillo', code, '/webhook', { WEBHOOK_SECRET: secrets.grillo }, [
        (sent) => altered(sent, 'x-grillo-signature'),
      ])
    })

    it('accept each of our requests for Audit Trail and refuse altered ones, the signed time too (A19, A20)', async () => {
      const code = block('audit-trail', 'javascript', 'verifyWebhookSignature')
      const sample = await check(
        'audit-trail',
        code,
        '/webhooks/audit-trail',
        { WEBHOOK_SECRET: secrets['audit-trail'] },
        [(sent) => altered(sent, 'x-audit-trail-signature'), (sent) => altered(sent, 'x-audit-trail-timestamp')],
      )
      expect(sample.logged).toEqual(
        ['event.created', 'event.created', 'alert.triggered'].map((type) => `Webhook verified: ${type}`),
      )
    })

    it("accept each of our requests for Lok'Room and refuse altered ones, with the answers of our contract (L22, L23)", async () => {
      const code = block('lokroom', 'javascript', 'verifyWebhookSignature')
      const handled: unknown[] = []
      const given = {
        process: { env: { LOKROOM_WEBHOOK_SECRET: secrets.lokroom } },
        handleBookingCreated: (data: { id: string }) => handled.push(data.id),
        handlePaymentSucceeded: (data: { amount: number }) => handled.push(data.amount),
      }
      await check('lokroom', code, '/webhooks/lokroom', given, [(sent) => altered(sent, 'x-lok-signature')])
      expect(handled).toEqual(['booking_123', 'booking_abc123', 25000])
    })

    it('accept our token for the course, and refuse another or none (C16, C17, C20)', async () => {
      const sample = await runSample(block('course', 'javascript', 'express.raw()'), version, {})
      try {
        expect(sample.port).toBe(3000)
        const sent = await send(course, secrets.course, deliveryOf(printedBodies('course')[0] as Printed))
        expect(sent).toEqual({
          headers: {
            'content-type': 'application/json',
            'x-webhook-signature': 'mon_secret_123',
            'webhook-id': 'msg_1', // ours, as for Lok'Room
          },
          body: '{"event":"payment_completed","amount":100}',
        })
        const [refused, reason] = course.answers.signature_mismatch as [number, string]
        const { 'x-webhook-signature': _, ...without } = sent.headers
        for (const headers of [altered(sent, 'x-webhook-signature').headers, without]) {
          expect(await sample.post('/webhook', headers, sent.body)).toEqual({ status: refused, body: reason })
        }
        const { status, body } = await sample.post('/webhook', sent.headers, sent.body)
        // After the check the printed program reads a body that express.raw() left out: Express 5 has none at all (T40).
        if (name === 'Express 5') return expect(status).toBe(500)
        expect({ status, body }).toEqual({ status: 200, body: JSON.stringify(course.answers.handled?.[1]) })
        expect(sample.logged.at(-1)).toBe('Événement reçu : undefined')
      } finally {
        await sample.close()
      }
    })
  },
)

describe('the course', () => {
  it('has its printed command, spaces and all, taken by our receiver (C18, C21)', async () => {
    const body = /-d '(.*)'/.exec(block('course', 'bash', 'curl'))?.[1] as string
    const headers = { 'content-type': 'application/json', 'x-webhook-signature': 'mon_secret_123' }
    expect(body).toContain(': ')
    expect(await receive(course, secrets.course, { headers, body })).toEqual({
      type: 'payment_completed',
      data: { amount: 100 },
    })
  })

  it('has a token that proves nothing of the body, and an HMAC that does (C11, T42)', async () => {
    const delivery = deliveryOf(printedBodies('course')[0] as Printed)
    const token = alteredBody(await send(course, secrets.course, delivery))
    expect(await receive(course, secrets.course, token)).toMatchObject({ data: { amount: 101 } })
    expect(course.format.facts.body).toBe('unsigned')
    const signed = await send(signedContract, secrets.course, delivery)
    expect(await receive(signedContract, secrets.course, signed)).toMatchObject({ data: { amount: 100 } })
    expect(await receive(signedContract, secrets.course, alteredBody(signed))).toBe('signature_mismatch')
    expect(await receive(signedContract, secrets.course, altered(signed, 'x-signature'))).toBe('signature_mismatch')
  })

  it('sends the same event as XML, signed (C9)', async () => {
    const sent = await send(xmlContract, secrets.course, deliveryOf(printedBodies('course')[0] as Printed))
    expect(sent.headers['content-type']).toBe('application/xml')
    expect(sent.body).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><webhook type="object"><event>payment_completed</event><amount type="number">100</amount></webhook>',
    )
    expect(await receive(xmlContract, secrets.course, sent)).toMatchObject({
      type: 'payment_completed',
      data: { amount: 100 },
    })
    expect(await receive(xmlContract, secrets.course, alteredBody(sent))).toBe('signature_mismatch')
  })
})

describe('XML', () => {
  it.each([
    ['text with markup and white space', { a: ' <b> & "c" \'d\' ]]>\n\t é 🔗 ' }],
    ['numbers, booleans, null', { a: -1.5e-7, b: 0, c: true, d: false, e: null }],
    ['nothing in text, list, object', { a: '', b: [], c: {} }],
    ['lists of lists and objects', { a: [[1, [2]], { b: ['x', ''] }, null] }],
    ['text that looks like other things', { a: '100', b: 'true', c: 'null', d: '{}', item: ['item'] }],
  ])('carries %s', (_, value) => {
    expect(xml.decode(xml.encode(value))).toEqual(value)
  })

  it.each([
    ['control characters', { a: '\u0000' }],
    ['carriage returns', { a: '\r' }],
    ['half a surrogate pair', { a: '\ud800' }],
    ['a field that is no name', { 'a b': 1 }],
    ['a field that opens a tag', { 'a><b': 1 }],
    ['an attribute', { ':@': 1 }],
    ['text of the parser', { '#text': 'x' }],
    ['a prototype', JSON.parse('{"__proto__":{"a":1}}')],
  ])('refuses to be made of data with %s', (_, data) => {
    expect(() => xmlContract.format.check?.('payment_completed', data)).toThrow(/cannot be written as application\/xml/)
  })

  const head = '<?xml version="1.0"?>'
  it.each([
    [
      'an external entity',
      `${head}<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><webhook type="object"><event>&x;</event></webhook>`,
    ],
    [
      'a bomb of entities',
      `${head}<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><webhook type="object"><event>&b;</event></webhook>`,
    ],
    ['a DTD in lower case', `${head}<!doctype webhook><webhook type="object"/>`],
    ['an unknown entity', `${head}<webhook type="object"><event>&x;</event></webhook>`],
    ['a numeric entity', `${head}<webhook type="object"><event>&#60;</event></webhook>`],
    ['CDATA', `${head}<webhook type="object"><event><![CDATA[x]]></event></webhook>`],
    ['a comment', `${head}<webhook type="object"><!-- --><event>x</event></webhook>`],
    ['an open tag', `${head}<webhook type="object"><event>x</webhook>`],
    ['two roots', `${head}<webhook type="object"/><webhook type="object"/>`],
    ['another root', `${head}<other type="object"/>`],
    ['elements inside text', `${head}<webhook type="object"><event><b>x</b></event></webhook>`],
    ['a number that is none', `${head}<webhook type="object"><event type="number">"x"</event></webhook>`],
    ['a type that is none', `${head}<webhook type="object"><event type="date">1</event></webhook>`],
    [
      '100,000 tags in one another',
      `${head}<webhook type="object">${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}</webhook>`,
    ],
    [
      'an element that would be a prototype',
      '<webhook type="object"><__proto__ type="object"><a>x</a></__proto__></webhook>',
    ],
    ['nothing', ''],
    ['JSON', '{"event":"payment_completed"}'],
  ])('refuses to be read from a signed document with %s', async (_, body) => {
    const mac = createHmac('sha256', secrets.course).update(body).digest('hex')
    const headers = { 'x-signature': mac, 'content-type': 'application/xml' }
    expect(await receive(xmlContract, secrets.course, { headers, body })).toBe('payload_invalid')
  })
})

describe.runIf(python3)('the Python samples, cut out of the documents and run as printed', () => {
  const variants = async (seed: Seed, ...tamper: ((sent: Sent) => Sent)[]): Promise<Sent[]> => {
    const sent = await Promise.all(
      printedBodies(seed).map((body) => send(contracts[seed], secrets[seed], deliveryOf(body))),
    )
    return sent.flatMap((one) => [one, alteredBody(one), ...tamper.map((change) => change(one))])
  }
  const repeated = (verdicts: readonly unknown[], seed: Seed) => printedBodies(seed).flatMap(() => verdicts)
  const refused = ['Invalid signature', 401]

  it('accept each of our requests for Grillo, and refuse altered ones (G26)', async () => {
    const all = await variants('grillo', (sent) => altered(sent, 'x-grillo-signature'))
    const cases = all.map(({ headers, body }) => ({
      call: 'verify_webhook',
      with: [body, String(headers['x-grillo-signature']), secrets.grillo],
    }))
    const results = runPython(block('grillo', 'python', 'verify_webhook'), cases)
    expect(results).toEqual(repeated([true, false, false], 'grillo'))
  })

  it('accept each of our requests for Audit Trail, and refuse altered ones, the signed time too (A21)', async () => {
    const names = ['x-audit-trail-signature', 'x-audit-trail-timestamp']
    const all = await variants('audit-trail', ...names.map((name) => (sent: Sent) => altered(sent, name)))
    const cases = all.map(({ headers, body }) => ({ route: '/webhooks/audit-trail', headers: titled(headers), body }))
    const given = { names: { WEBHOOK_SECRET: secrets['audit-trail'] } }
    const results = runPython(block('audit-trail', 'python', 'verify_webhook_signature'), cases, given)
    expect(results).toEqual(repeated([['OK', 200], refused, refused, refused], 'audit-trail'))
  })

  it("accept each of our requests for Lok'Room, and refuse altered ones (L24)", async () => {
    const all = await variants('lokroom', (sent) => altered(sent, 'x-lok-signature'))
    const cases = all.map(({ headers, body }) => ({ route: '/webhooks/lokroom', headers: titled(headers), body }))
    const results = runPython(block('lokroom', 'python', 'verify_webhook_signature'), cases, {
      environment: { LOKROOM_WEBHOOK_SECRET: secrets.lokroom },
      handlers: ['handle_booking_created', 'handle_payment_succeeded'],
    })
    expect(results).toEqual(repeated([['OK', 200], refused, refused], 'lokroom'))
  })
})

/** Header names as the documents spell them: the stand-in for Flask's request has a plain dictionary. */
function titled(headers: Sent['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replace(/\b[a-z]/g, (c) => c.toUpperCase()), value]),
  )
}

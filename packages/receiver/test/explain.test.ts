import { createHmac } from 'node:crypto'
import {
  createReceiver,
  explainMismatch,
  hmacFormat,
  part,
  type ReceivedRequest,
  standardWebhooks,
} from '@hooks/receiver'
import { signRequest, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { lokroom, memoryLogger, SECRET, TEXT_SECRET, utf8 } from './support.ts'

/** Why the log says that a request is refused. */
async function reasons(request: ReceivedRequest, options: object = {}): Promise<string> {
  const logger = memoryLogger()
  const clock = virtualClock()
  const receiver = createReceiver({ secret: SECRET, clock, logger, ...options } as never)
  const answer = await receiver.handle(request)
  expect(answer).toMatchObject({ status: 401, body: '{"error":"signature_mismatch"}' })
  return logger.lines.flatMap(({ fields }) => (fields.reasons as string[] | undefined) ?? []).join('; ')
}
const clock = virtualClock()
const sign = (body: string, secret = SECRET) =>
  signRequest(standardWebhooks(), secret, { type: 'a.b', body: utf8(body), clock })
const lok = (body: string, signed: string, key: string | Uint8Array = TEXT_SECRET): ReceivedRequest => ({
  headers: { 'x-lok-signature': createHmac('sha256', key).update(signed).digest('hex') },
  body: utf8(body),
})
const text = { format: lokroom, secret: TEXT_SECRET }

describe('in development a mismatch explains itself in the log, and never in the answer:', () => {
  const pretty = '{ "type": "a.b",\n  "data": 1.0 }'
  const compact = JSON.stringify(JSON.parse(pretty))

  it.each<[string, () => Promise<ReceivedRequest>, RegExp]>([
    [
      'a body that was laid out anew',
      async () => ({ ...(await sign(compact)), body: utf8(pretty) }),
      /JSON round trip/,
    ],
    [
      'a line break that was trimmed',
      async () => ({ ...(await sign(`${compact}\n`)), body: utf8(compact) }),
      /line break/,
    ],
    [
      'a byte order mark that text loses',
      async () => ({ ...(await sign(`\ufeff${compact}`)), body: utf8(compact) }),
      /byte order mark/,
    ],
    [
      'a length that is not the declared one',
      async () => ({
        ...(await sign(pretty)),
        headers: { ...(await sign(pretty)).headers, 'content-length': '33' },
        body: utf8(compact),
      }),
      /content-length says 33/,
    ],
    [
      'bytes that were lost as text',
      async () => ({ ...(await sign(compact)), body: utf8('{"type":"\ufffd"}') }),
      /U\+FFFD/,
    ],
    [
      'a body that a parser took',
      async () => ({ ...(await sign(compact)), body: utf8('[object Object]') }),
      /as good as empty/,
    ],
    ['a body that is gzip', async () => ({ ...(await sign(compact)), body: Uint8Array.of(0x1f, 0x8b, 8, 0) }), /gzip/],
    [
      'a signature of another scheme',
      async () => ({
        ...(await sign(compact)),
        headers: { ...(await sign(compact)).headers, 'webhook-signature': 'sha256=00' },
      }),
      /no signature of the form/,
    ],
    ['nothing usual', async () => ({ ...(await sign(compact)), body: utf8('{"type":"forged"}') }), /nothing usual/],
  ])('%s', async (_, request, expected) => {
    expect(await reasons(await request())).toMatch(expected)
  })

  it.each<[string, string | Uint8Array, string, RegExp]>([
    ['decoded, where the sender takes text', Buffer.from(SECRET.slice(6), 'base64'), SECRET, /taken as base64/],
    ['text, where the prefix is no part of it', SECRET.slice(6), SECRET, /text after whsec_/],
    ['hexadecimal', Buffer.from('ab'.repeat(16), 'hex'), 'ab'.repeat(16), /hexadecimal/],
    ['in quotes', TEXT_SECRET, `"${TEXT_SECRET}"`, /without quotes/],
    ['with a line break that was written out', TEXT_SECRET, `${TEXT_SECRET}\\n`, /"\\n"/],
  ])('a secret that is %s', async (_, key, secret, expected) => {
    const quoted = expected.source.includes('quotes') || expected.source.includes('\\\\n')
    const used = quoted ? (key as string).replaceAll(' ', '') : key
    const given = quoted ? secret.replaceAll(' ', '') : secret
    expect(await reasons(lok(compact, compact, used), { format: lokroom, secret: given })).toMatch(expected)
  })

  it('a secret of text, where the format decodes it', async () => {
    const body = '{"type":"a.b","data":1}'
    const sent = await sign(body)
    const { 'webhook-id': id, 'webhook-timestamp': time } = sent.headers
    const forged = createHmac('sha256', SECRET).update(`${id}.${time}.${body}`).digest('base64')
    const headers = { ...sent.headers, 'webhook-signature': `v1,${forged}` }
    expect(await reasons({ ...sent, headers })).toMatch(/taken as text, whsec_ and all/)
  })

  it('a URL that is signed, and may be another one behind a proxy', async () => {
    const format = hmacFormat({
      name: 'url-signing',
      secret: 'text',
      body: { event: part.type, data: part.data },
      signature: { header: 'x-signature', over: [part.url, part.body] },
    })
    const sent = await signRequest(format, TEXT_SECRET, { type: 'a.b', url: 'https://public.example/hook', clock })
    expect(await reasons({ ...sent, url: 'http://10.0.0.1/hook' }, { format, secret: TEXT_SECRET })).toMatch(
      /the public one/,
    )
  })

  it('nothing of body, header or secret', async () => {
    const said = await reasons(lok(compact, pretty, 'another key'), text)
    for (const secret of [TEXT_SECRET, compact, '1.0', 'another key']) expect(said).not.toContain(secret)
  })
})

describe('an explanation', () => {
  const forged = lok('{"event":"a.b"}', 'other')
  const lines = async (options: object) => {
    const logger = memoryLogger()
    await createReceiver({ ...text, logger, ...options }).handle(forged)
    return logger.lines.length
  }

  it('is not made where it is not wanted', async () => {
    expect([await lines({}), await lines({ explain: false })]).toEqual([2, 1])
  })

  it('is given in production by who asks for it', async () => {
    expect(await lines({ explain: explainMismatch })).toBe(2)
  })

  it('that fails changes nothing', async () => {
    const logger = {
      ...memoryLogger(),
      warn() {
        throw new Error('full')
      },
    }
    expect((await createReceiver({ ...text, logger }).handle(forged)).status).toBe(401)
    const explain = () => Promise.reject(new Error('no idea'))
    expect((await createReceiver({ ...text, explain }).handle(forged)).outcome).toBe('signature_mismatch')
  })

  it('is made for verify too, which still rejects with the cause', async () => {
    const logger = memoryLogger()
    await expect(createReceiver({ ...text, logger }).verify(forged)).rejects.toMatchObject({
      code: 'signature_mismatch',
    })
    expect(logger.lines).toHaveLength(1)
  })
})

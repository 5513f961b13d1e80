import { gzipSync } from 'node:zlib'
import { silentLogger } from '@hooks/core'
import { createReceiver, memoryIdempotency, type Receiver, standardWebhooks } from '@hooks/receiver'
import { type SignedMessage, type SignedRequest, signRequest } from '@hooks/receiver/testing'
import { expect, it } from 'vitest'
import { breakOff, type Place, sayAll, send } from './exchange.ts'

/** The secret of the receiver under test. */
export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

const MIB = 2 ** 20

/** A receiver whose answer tells from outside the process what became of a request. */
export function receiverUnderTest(): Receiver {
  return createReceiver({
    secret: SECRET,
    idempotency: memoryIdempotency(),
    logger: silentLogger,
    answers: { handled: [200, 'handled'], duplicate: [200, 'duplicate'] },
  }).on('booking.created', () => {})
}

const utf8 = (text: string) => new TextEncoder().encode(text)
export const sign = (message: Partial<SignedMessage> = {}): Promise<SignedRequest> =>
  signRequest(standardWebhooks(), SECRET, { type: 'booking.created', ...message })
const frame = (data: string) => `{"type":"booking.created","timestamp":"2026-01-15T10:30:00.000Z","data":${data}}`
const filled = (length: number) => frame(`"${'x'.repeat(length - frame('""').length)}"`)

/** Bodies that are signed as they are, and what a host that parses and writes them again would make of them. */
const bodies: readonly (readonly [string, string | Uint8Array, string | Uint8Array])[] = [
  ['an emoji', frame('"👩‍🚀"'), frame('"\\ud83d\\udc69\\u200d\\ud83d\\ude80"')],
  ['1.0', frame('1.0'), frame('1')],
  ['an escaped letter', frame('"\\u00e9"'), frame('"é"')],
  ['CRLF', `\r\n${frame('1')}\r\n`, `\n${frame('1')}\n`],
  ['spaces and the order of keys', `{ "data" : {"2":0,"1":0}, "type":"booking.created" }`, frame('{"1":0,"2":0}')],
  ['dollar signs', frame('"$$ $& $\' $`"'), frame('"$ "')],
  ['exactly 1 MiB', filled(MIB), filled(MIB).replace('xx', 'xy')],
]

/** Bodies that no parser of JSON takes: that they are refused as payload says that their signature fitted. */
const unparsable: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
  ['a byte order mark', utf8(`\ufeff${frame('1')}`), utf8(frame('1'))],
  ['a byte FF, which is no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), utf8('{\ufffd}')],
  ['nothing', new Uint8Array(), utf8('{}')],
]

/** What a host is known to do of its own, before the receiver gets its say. */
export interface Known {
  /** It joins the lines of a header that came twice: what is left is no signature, rather than an ambiguity. */
  readonly joinsHeaders?: boolean
  /** Its answer to a method that the route does not have. */
  readonly otherMethods?: 404 | 405
  /** It gives bodies as text: what is not UTF-8 does not survive. */
  readonly textOnly?: boolean
}

/** What must reach a receiver behind any host, byte for byte, over real sockets. */
export function bytesSuite(place: () => Place, { joinsHeaders, otherMethods = 405, textOnly }: Known = {}): void {
  it.each(bodies)('takes %s as it came, and nothing that was written again', async (_, body, rewritten) => {
    const honest = await sign({ body })
    expect(await send(place(), honest)).toMatchObject({ status: 200, body: 'handled' })
    const { headers } = await sign({ body })
    expect(await send(place(), { headers, body: Buffer.from(rewritten) })).toMatchObject({ status: 401 })
  })

  it.each(unparsable.filter(([name]) => !(textOnly && name.includes('FF'))))(
    'verifies %s as it came, and refuses it as payload',
    async (_, body, rewritten) => {
      const honest = await sign({ body })
      expect(await send(place(), honest)).toMatchObject({ status: 500, body: '{"error":"payload_invalid"}' })
      expect(await send(place(), { headers: honest.headers, body: rewritten })).toMatchObject({ status: 401 })
    },
  )

  it.runIf(textOnly)('refuses a body that is no UTF-8, of which its host kept a text that nobody signed', async () => {
    expect(await send(place(), await sign({ body: Uint8Array.of(0x7b, 0xff, 0x7d) }))).toMatchObject({ status: 401 })
  })

  it.each([
    undefined,
    'application/json; charset=utf-8',
    'application/json; utf-8',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
  ])('takes the bytes whatever the content-type says: %s', async (type) => {
    const { headers, body } = await sign()
    const { 'content-type': _, ...others } = headers
    const sent = { headers: { ...others, ...(type && { 'content-type': type }) }, body }
    expect(await send(place(), sent)).toMatchObject({ status: 200, body: 'handled' })
  })

  it('takes chunks without a content-length', async () => {
    const { headers, body } = await sign({ data: 'x'.repeat(1_000) })
    const pieces = [body.subarray(0, 1), body.subarray(1, 700), body.subarray(700)]
    expect(await send(place(), { headers, body: pieces })).toMatchObject({ status: 200, body: 'handled' })
  })

  it('does the work of a message once, and says of its copy that it is one', async () => {
    const honest = await sign()
    expect((await send(place(), honest)).body).toBe('handled')
    expect(await send(place(), honest)).toMatchObject({ status: 200, body: 'duplicate' })
  })

  it('keeps what comes at the same time apart', async () => {
    const answers = Array.from({ length: 12 }, async (_, n) => {
      const honest = await sign({ data: { n, fill: 'x'.repeat(n * 1_000) } })
      return (await send(place(), n % 2 ? honest : { ...honest, body: utf8('{}') })).status
    })
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 12 }, (_, n) => (n % 2 ? 200 : 401)))
  })

  it('refuses a compressed body: 415', async () => {
    const { headers, body } = await sign()
    const gzipped = { headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(body) }
    expect(await send(place(), gzipped)).toMatchObject({ status: 415, body: '{"error":"content_encoding"}' })
  })

  it('refuses one byte more than 1 MiB: 413', async () => {
    const honest = await sign({ body: filled(MIB + 1) })
    expect(await send(place(), honest)).toMatchObject({ status: 413, body: '{"error":"body_too_large"}' })
  })

  it('refuses what is far too large so that a sender hears it who listens only once it has said all', async () => {
    expect(await sayAll(place(), 20 * MIB)).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('refuses a request without a signature, and one whose id came twice', async () => {
    const { headers, body } = await sign()
    const { 'webhook-signature': _, ...unsigned } = headers
    expect(await send(place(), { headers: unsigned, body })).toMatchObject({ status: 400 })
    const twice = { ...headers, 'webhook-id': [headers['webhook-id'] ?? '', 'msg_2'] }
    const { status, body: answer } = await send(place(), { headers: twice, body })
    if (joinsHeaders) expect([400, 401]).toContain(status)
    else expect([status, answer]).toEqual([400, '{"error":"ambiguous_header"}'])
  })

  it('refuses every other method, and says what it takes', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await send(place(), { method })
      expect([method, answer.status]).toEqual([method, otherMethods])
      if (otherMethods === 405) expect(answer.headers.allow).toContain('POST')
    }
  })

  it('goes on where a sender broke off in the middle, and takes the message when it comes again', async () => {
    const { headers, body } = await sign()
    const { 'content-type': _, ...signed } = headers
    await breakOff(place(), signed)
    expect(await send(place(), { headers, body })).toMatchObject({ status: 200, body: 'handled' })
  })
}

import { type Codec, type HmacFormatOptions, hmacFormat, isHooksError, part, type SecretGrammar } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { subjects } from './formats/subjects.ts'
import { codeOf, delivery, outcomeOf, request, send } from './support.ts'

const base = {
  name: 'acme',
  secret: 'text',
  body: { id: part.deliveryId, type: part.type, data: part.data },
  signature: { header: 'x-signature' },
} as const satisfies HmacFormatOptions

/** For those who write JavaScript: no compiler has seen it. */
const unchecked = part as unknown as Record<string, never>

const described = (changes: object) => () => hmacFormat({ ...base, ...changes } as HmacFormatOptions)

describe('a description', () => {
  it.each<[string, object]>([
    ['a header of no name', { headers: { '': part.tenant } }],
    ['a header name with a space', { headers: { 'x y': part.tenant } }],
    ['a header name with a line break', { headers: { 'x\n': part.tenant } }],
    ['a header name with a colon', { signature: { header: 'x:' } }],
    ['a header name that is not ASCII', { signature: { header: 'é' } }],
    ['the header of the signature used twice', { headers: { 'X-Signature': part.tenant } }],
    ['a header in two spellings', { headers: { 'X-Id': part.tenant, 'x-id': part.messageId } }],
    ['a literal that no header can hold', { headers: { 'x-literal': 'é' } }],
    ['a literal with a line break', { headers: { 'x-literal': 'a\r\nb: c' } }],
    ['a prefix that no header can hold', { signature: { header: 'x-signature', prefix: 'é' } }],
    [
      'a signature over a header that is not sent',
      { signature: { header: 'x-signature', over: [part.header('x-time'), part.body] } },
    ],
    ['a signature over its own header', { signature: { header: 'x-signature', over: [part.header('x-signature')] } }],
    ['a signature over nothing', { signature: { header: 'x-signature', over: [] } }],
    ['a signature over literals alone', { signature: { header: 'x-signature', over: ['v1', '.'] } }],
    [
      'a time that is signed and sent nowhere',
      { signature: { header: 'x-signature', over: [part.sentAt('unix'), part.body] } },
    ],
    [
      'fields whose time is not signed',
      { signature: { header: 'x-signature', fields: { sentAt: 't', signature: 'v1' }, over: [part.body] } },
    ],
    [
      'fields whose time is signed twice',
      {
        signature: {
          header: 'x-signature',
          fields: { sentAt: 't', signature: 'v1' },
          over: [part.sentAt('unix'), part.sentAt('unix'), part.body],
        },
      },
    ],
    ['no event type', { body: { data: part.data } }],
    ['no event type beside the data', { body: part.data }],
    ['no data', { body: { type: part.type } }],
    ['no data, but nested', { body: { type: part.type, nested: { id: part.messageId } } }],
    ["'...' in front of another part than the data", { body: { data: part.data, '...': part.type } }],
    ["'...' in front of a literal", { body: { type: part.type, data: part.data, '...': 'x' } }],
    ["'...' in front of an object", { body: { type: part.type, '...': { data: part.data } } }],
    ['a token whose secret is not text', { secret: 'hex', signature: { header: 'x-token', token: true } }],
    // What the types refuse, for those who write JavaScript:
    ['a misspelt part in the body', { body: { type: part.type, data: part.data, id: unchecked.mesageId } }],
    ['a misspelt part that is signed', { signature: { header: 'x-signature', over: [unchecked.timestmp, part.body] } }],
    ['a misspelt part in a header', { headers: { 'x-id': unchecked.mesageId } }],
    ['an attempt in a body', { body: { type: part.type, data: part.data, attempt: part.attempt } }],
    ['a function in a body', { body: { type: part.type, data: part.data, at: part.occurredAt } }],
    ['data in a header', { headers: { 'x-data': part.data } }],
    ['a type that is signed', { signature: { header: 'x-signature', over: [part.type] } }],
  ])('is refused with %s', (_, changes) => {
    expect(codeOf(described(changes))).toBe('format_invalid')
    expect(described(changes)).toThrow(/^format "acme": /)
  })

  it('may nest fields to any depth, with literals among them', () => {
    const format = hmacFormat({
      ...base,
      body: {
        v: 1,
        meta: { event: { name: part.type, ok: true, none: null }, id: part.messageId },
        payload: { data: part.data },
      },
    })
    const { body } = format.compose(delivery({ data: '{"a":[1]}' }))
    expect(body).toBe(
      '{"v":1,"meta":{"event":{"name":"booking.created","ok":true,"none":null},"id":"msg_1"},"payload":{"data":{"a":[1]}}}',
    )
    expect(format.read(request({}, body as string))).toEqual({ type: 'booking.created', id: 'msg_1', data: { a: [1] } })
  })

  it('may spread the data inside a nested object, and then refuses data that does not fit there', () => {
    const format = hmacFormat({ ...base, body: { type: part.type, payload: { id: part.messageId, '...': part.data } } })
    const { body } = format.compose(delivery({ data: '{"b":1,"a":2}' }))
    expect(body).toBe('{"type":"booking.created","payload":{"id":"msg_1","b":1,"a":2}}')
    expect(format.read(request({}, body as string))).toEqual({
      type: 'booking.created',
      id: 'msg_1',
      data: { b: 1, a: 2 },
    })
    for (const data of ['text', [1], null, 1, { id: 1 }]) {
      expect(codeOf(() => format.check?.('booking.created', data))).toBe('payload_invalid')
    }
    expect(codeOf(() => format.check?.('booking.created', { type: 1 }))).toBe('accepted')
  })

  it('gives bodies that a consumer who parses them writes again to the letter', () => {
    const data = '{"10":1,"9":2,"é":"\\ud800","x":1e+21,"z":{"2":0,"1":0}}'
    const same = JSON.stringify(JSON.parse(data))
    for (const body of [
      { '7': part.type, a: part.data },
      { a: part.type, '...': part.data },
      { a: part.type, n: { '...': part.data, '1': 'one' } },
    ]) {
      const text = String(hmacFormat({ ...base, body }).compose(delivery({ data: same })).body)
      expect(JSON.stringify(JSON.parse(text))).toBe(text)
    }
  })
})

describe('the id', () => {
  const read = (options: HmacFormatOptions, headers: Record<string, string>, body: string) =>
    hmacFormat(options).read(request(headers, body))

  it('is added as an unsigned webhook-id where the wire has none, also to a fetch Headers', async () => {
    const format = hmacFormat({ ...base, body: { type: part.type, data: part.data } })
    const { headers, body } = await send(format, ['0123456789abcdef'], delivery())
    expect(headers['webhook-id']).toBe('msg_1')
    expect(format.facts.id).toBe('absent')
    expect(format.read(request(new Headers(headers), body)).id).toBe('msg_1')
    const { 'webhook-id': _, ...without } = headers
    expect(format.read(request(new Headers(without), body))).not.toHaveProperty('id')
  })

  it('is read from the body, whatever the headers hold: a fetch Headers too', () => {
    const body = '{"id":"dlv_9","type":"a","data":1}'
    expect(hmacFormat(base).read(request(new Headers({ 'webhook-id': 'forged' }), body)).id).toBe('dlv_9')
  })

  it('is read from the signed header where the body, which has one too, is not signed', () => {
    const options: HmacFormatOptions = {
      ...base,
      headers: { 'x-id': part.deliveryId },
      signature: { header: 'x-signature', over: [part.header('x-id')] },
    }
    expect(hmacFormat(options).facts).toMatchObject({ id: 'signed', body: 'unsigned' })
    expect(read(options, { 'x-id': 'dlv_signed' }, '{"id":"dlv_forged","type":"a","data":1}').id).toBe('dlv_signed')
  })

  it('is read from the signed header where an unsigned one carries it too, as is the time', () => {
    const options: HmacFormatOptions = {
      ...base,
      body: { type: part.type, data: part.data },
      headers: {
        'x-plain-id': part.messageId,
        'x-plain-time': part.sentAt('unix'),
        'x-id': part.messageId,
        'x-time': part.sentAt('unix'),
      },
      signature: { header: 'x-signature', over: [part.header('x-id'), '.', part.header('x-time'), '.', part.body] },
    }
    const headers = { 'x-plain-id': 'forged', 'x-plain-time': '9', 'x-id': 'msg_1', 'x-time': '1700000000' }
    expect(read(options, headers, '{"type":"a","data":1}')).toMatchObject({
      id: 'msg_1',
      sentAt: new Date(1_700_000_000_000),
    })
  })

  it.each(['{"type":"a","data":1}', '{"id":1,"type":"a","data":1}', '{"id":null,"type":"a","data":1}'])(
    'is needed where the format has it: %s',
    (body) => {
      expect(codeOf(() => read(base, {}, body))).toBe('payload_invalid')
    },
  )
})

describe('a received body', () => {
  const format = hmacFormat({ ...base, body: { type: part.type, at: part.occurredAt('iso'), data: part.data } })
  const read = (body: string) => format.read(request({}, body))

  it.each(['', '{', 'null', '[]', '1', '"text"', '{}', '{"type":1,"data":1}', '{"type":["a"]}', '\ufeff{"type":"a"}'])(
    'is refused where it is not what the format says: %s',
    (body) => {
      expect(codeOf(() => read(body))).toBe('payload_invalid')
    },
  )

  it.each([
    '1',
    'null',
    '"2024-01-15"',
    '"2024-01-15T10:30:00"',
    '{"toString":1,"valueOf":1}',
    '["2024-01-15T10:30:00Z"]',
  ])('has no time where it is not of the form: %s', (at) => {
    expect(read(`{"type":"a","at":${at},"data":1}`)).toEqual({ type: 'a', data: 1 })
  })

  it('takes nothing from a prototype', () => {
    const odd = hmacFormat({
      ...base,
      body: { type: part.type, constructor: part.tenant, toString: part.data } as never,
    })
    expect(odd.read(request({}, '{"type":"a"}'))).toEqual({ type: 'a', data: undefined })
  })

  it('leaves fields alone that the format does not know', () => {
    expect(read('{"type":"a","data":1,"more":2}')).toEqual({ type: 'a', data: 1 })
  })
})

describe('a secret', () => {
  const keys = (secret: HmacFormatOptions['secret'], text: string) => () =>
    hmacFormat({ ...base, secret }).keys(text, 'verify')
  const of = (length: number, encoding: BufferEncoding) => Buffer.alloc(length, 7).toString(encoding)

  it.each<[SecretGrammar, string, string]>([
    ['text', '', 'secret_missing'],
    ['text', 'x'.repeat(15), 'secret_too_short'],
    ['text', 'x'.repeat(16), 'accepted'],
    ['text', 'é'.repeat(8), 'accepted'],
    ['text', 'whsec_abc123def456', 'accepted'],
    ['text', ` ${'x'.repeat(20)}`, 'secret_whitespace'],
    ['text', `${'x'.repeat(20)}\n`, 'secret_whitespace'],
    ['text', `${'x'.repeat(20)}\r\n`, 'secret_whitespace'],
    ['text', '\u00a0'.repeat(20), 'secret_whitespace'],
    ['text', 'with spaces inside', 'accepted'],
    ['whsec', `whsec_${of(24, 'base64')}`, 'accepted'],
    ['whsec', of(24, 'base64'), 'accepted'],
    ['whsec', `whsec_${of(23, 'base64')}`, 'secret_too_short'],
    ['whsec', 'whsec_', 'secret_too_short'],
    ['whsec', `whsec_whsec_${of(24, 'base64')}`, 'secret_format'],
    ['whsec', `whsk_${of(32, 'base64')}`, 'secret_format'],
    ['base64', of(24, 'base64'), 'accepted'],
    ['base64', of(25, 'base64').replace('=', ''), 'secret_format'],
    ['base64', `whsec_${of(24, 'base64')}`, 'secret_format'],
    ['base64', of(26, 'base64').replace(/..=$/, 'B='), 'secret_format'],
    ['hex', of(24, 'hex'), 'accepted'],
    ['hex', of(24, 'hex').toUpperCase(), 'accepted'],
    ['hex', of(23, 'hex'), 'secret_too_short'],
    ['hex', `${of(24, 'hex')}0`, 'secret_format'],
    ['hex', `0x${of(24, 'hex')}`, 'secret_format'],
  ])('of the grammar %s: "%s" is %s', (grammar, text, outcome) => {
    expect(codeOf(keys(grammar, text))).toBe(outcome)
  })

  it.each([undefined, null, 1, {}, [], Buffer.from('0123456789abcdef')].map((value) => [value]))(
    'that is no text is missing: %o',
    (secret) => {
      expect(codeOf(keys('text', secret as never))).toBe('secret_missing')
    },
  )

  // `${process.env.SECRET}` and `String(secret)`, where there is none.
  it.each([`${undefined}`, `${null}`, `${{}}`, `${Promise.resolve()}`])(
    'that was made of nothing is missing, whatever the format: %s',
    (secret) => {
      expect(codeOf(keys({ grammar: 'text', minBytes: 1 }, secret))).toBe('secret_missing')
      for (const { name, format } of subjects) {
        expect([name, codeOf(() => format.keys(secret, 'verify'))]).toEqual([name, 'secret_missing'])
      }
    },
  )

  it('may be shorter by an explicit choice, and never empty', () => {
    expect(codeOf(keys({ grammar: 'text', minBytes: 14 }, 'mon_secret_123'))).toBe('accepted')
    expect(codeOf(keys({ grammar: 'text', minBytes: 14 }, 'mon_secret_12'))).toBe('secret_too_short')
    for (const minBytes of [0, -1]) {
      expect(codeOf(keys({ grammar: 'whsec', minBytes }, 'whsec_'))).toBe('secret_too_short')
      expect(codeOf(keys({ grammar: 'text', minBytes }, ''))).toBe('secret_missing')
    }
  })

  it.each<SecretGrammar>(['text', 'whsec', 'base64', 'hex'])(
    'that is made is of the grammar %s, and keeps all its chance',
    (grammar) => {
      const format = hmacFormat({ ...base, secret: grammar })
      const bytes = Uint8Array.from({ length: 32 }, (_, i) => i)
      const [key] = format.keys(format.newSecret(bytes), 'sign')
      if (grammar === 'text')
        expect(Buffer.from(key?.bytes ?? []).toString()).toBe(`whsec_${Buffer.from(bytes).toString('base64')}`)
      else expect(Buffer.from(key?.bytes ?? [])).toEqual(Buffer.from(bytes))
    },
  )

  it('makes a key of one use and of the algorithm that the format says', () => {
    const [signing] = hmacFormat(base).keys('0123456789abcdef', 'sign')
    const [judging] = hmacFormat({ ...base, signature: { header: 'x', algorithm: 'hmac-sha512' } }).keys(
      '0123456789abcdef',
      'verify',
    )
    expect(signing).toMatchObject({ algorithm: 'hmac-sha256', use: 'sign' })
    expect(judging).toMatchObject({ algorithm: 'hmac-sha512', use: 'verify' })
  })
})

describe('a token', () => {
  const format = hmacFormat({ ...base, signature: { header: 'Authorization', prefix: 'Bearer ', token: true } })
  const secret = 'correct horse battery'

  it('is the secret itself, and says that it proves nothing of the body', async () => {
    const { headers, body } = await send(format, [secret], delivery())
    expect(headers).toEqual({ authorization: 'Bearer correct horse battery' })
    expect(format.facts).toEqual({ id: 'unsigned', sentAt: 'absent', body: 'unsigned', url: 'absent' })
    expect(
      await outcomeOf({ format, secrets: ['another, as long as it', secret], now: 0 }, request(headers, body)),
    ).toBe('1')
  })

  it.each([
    ['another', 'Bearer correct horse batterz', 'signature_mismatch'],
    ['a part', 'Bearer correct horse batter', 'signature_mismatch'],
    ['more', 'Bearer correct horse battery ', 'signature_mismatch'],
    ['another case', 'Bearer Correct horse battery', 'signature_mismatch'],
    ['another prefix', 'bearer correct horse battery', 'signature_mismatch'],
    ['no prefix', 'correct horse battery', 'signature_mismatch'],
    ['the prefix alone', 'Bearer ', 'signature_mismatch'],
    ['nothing', '', 'missing_header'],
  ])('is refused where it is %s', async (_, authorization, outcome) => {
    expect(await outcomeOf({ format, secrets: [secret], now: 0 }, request({ authorization }, '{}'))).toBe(outcome)
  })

  it.each(['é'.repeat(16), 'line\nbreak-in-the-middle', 'tab\tin-the-middle-of-it'])(
    'is refused where no header can hold it: %j',
    (text) => {
      expect(codeOf(() => format.keys(text, 'sign'))).toBe('secret_format')
    },
  )
})

describe('a signature', () => {
  const secret = '0123456789abcdef'
  const now = 1705314600

  it.each(['hmac-sha1', 'hmac-sha256', 'hmac-sha512'] as const)(
    'of %s is refused where another algorithm made it',
    async (algorithm) => {
      const made = hmacFormat({ ...base, signature: { header: 'x-signature', algorithm } })
      const { headers, body } = await send(made, [secret], delivery())
      for (const other of ['hmac-sha1', 'hmac-sha256', 'hmac-sha512'] as const) {
        const format = hmacFormat({ ...base, signature: { header: 'x-signature', algorithm: other } })
        const outcome = await outcomeOf({ format, secrets: [secret], now }, request(headers, body))
        expect(outcome).toBe(other === algorithm ? '0' : 'signature_mismatch')
      }
    },
  )

  it('is one, of the newest secret, during a rotation', async () => {
    const format = hmacFormat(base)
    const { headers, body } = await send(format, ['newest secret of all', secret], delivery())
    expect(format.signsWith).toBe('one-key')
    expect(headers['x-signature']).toMatch(/^[0-9a-f]{64}$/)
    expect(await outcomeOf({ format, secrets: [secret, 'newest secret of all'], now }, request(headers, body))).toBe(
      '1',
    )
  })

  it('in upper case is the same, and in two lines joined by the host is none', async () => {
    const format = hmacFormat({ ...base, signature: { header: 'x-signature', prefix: 'sha256=' } })
    const { headers, body } = await send(format, [secret], delivery())
    const good = String(headers['x-signature'])
    const judged = (signature: string) =>
      outcomeOf({ format, secrets: [secret], now }, request({ 'x-signature': signature }, body))
    expect(await judged(good.toUpperCase().replace('SHA256', 'sha256'))).toBe('0')
    for (const bad of [
      `${good}, ${good}`,
      `${good},`,
      ` ${good}`,
      good.slice(7),
      good.toUpperCase(),
      `${good}00`,
      good.slice(0, -2),
    ]) {
      expect(await judged(bad), bad).toBe('signature_mismatch')
    }
  })

  it('over the URL needs the URL to the letter', async () => {
    const format = hmacFormat({
      ...base,
      signature: { header: 'x-signature', over: [part.method, part.url, part.body] },
    })
    const { headers, body } = await send(format, [secret], delivery())
    const judged = (url: string, method = 'POST') =>
      outcomeOf({ format, secrets: [secret], now }, request(headers, body, { url, method }))
    expect(format.facts.url).toBe('signed')
    expect(await judged('https://receiver.example/hooks')).toBe('0')
    expect(await judged('https://receiver.example/hooks/')).toBe('signature_mismatch')
    expect(await judged('https://receiver.example:443/hooks')).toBe('signature_mismatch')
    expect(await judged('https://receiver.example/hooks', 'PUT')).toBe('method_not_allowed')
  })

  it('over a header that is missing, doubled or not visible ASCII is refused for that', async () => {
    const format = hmacFormat({
      ...base,
      headers: { 'x-tenant': part.tenant },
      signature: { header: 'x-signature', over: [part.header('x-tenant'), part.body] },
    })
    const { headers, body } = await send(format, [secret], delivery())
    const judged = (changes: object) =>
      outcomeOf({ format, secrets: [secret], now }, request({ ...headers, ...changes }, body))
    expect(await judged({})).toBe('0')
    expect(await judged({ 'x-tenant': undefined })).toBe('missing_header')
    expect(await judged({ 'x-tenant': '' })).toBe('missing_header')
    expect(await judged({ 'x-tenant': ['acme', 'acme'] })).toBe('ambiguous_header')
    expect(await judged({ 'x-tenant': 'acmé' })).toBe('malformed_header')
  })
})

describe('a codec', () => {
  const codec: Codec = {
    contentType: 'text/plain',
    encode(value) {
      if (JSON.stringify(value).includes('s3cr3t')) throw new Error('cannot write s3cr3t')
      return `:${JSON.stringify(value)}`
    },
    decode(text) {
      if (!text.startsWith(':')) throw new Error(`cannot read ${text}`)
      return JSON.parse(text.slice(1))
    },
  }
  const format = hmacFormat({ ...base, codec })

  it('writes the body, nested data and all, and reads it again', () => {
    const { body, contentType } = format.compose(delivery())
    expect({ body, contentType }).toEqual({
      body: ':{"id":"dlv_1","type":"booking.created","data":{"id":1}}',
      contentType: 'text/plain',
    })
    expect(format.read(request({}, body as string))).toEqual({ id: 'dlv_1', type: 'booking.created', data: { id: 1 } })
  })

  it('writes data alone, where the body is nothing else', () => {
    const alone = hmacFormat({ ...base, body: part.data, headers: { 'x-event': part.type }, codec })
    expect(alone.compose(delivery()).body).toBe(':{"id":1}')
    expect(codeOf(() => alone.check?.('a', [1]))).toBe('payload_invalid')
    expect(codeOf(() => alone.check?.('a', { b: 1 }))).toBe('accepted')
  })

  it.each([
    ['to be written', () => format.check?.('a', { a: 's3cr3t' })],
    ['to be read', () => format.read(request({}, 's3cr3t'))],
  ])('that refuses data %s is not quoted: what it says may hold the data', (_, act) => {
    try {
      act()
      expect.fail('accepted')
    } catch (error) {
      expect(isHooksError(error, 'payload_invalid')).toBe(true)
      expect(String((error as Error).stack) + JSON.stringify((error as Error).cause)).not.toContain('s3cr3t')
    }
  })
})

describe('a signature of fields', () => {
  const format = hmacFormat({
    ...base,
    signature: {
      header: 'x-signature',
      fields: { sentAt: 'ts', signature: 'h1', separator: ';' },
      over: [part.sentAt('unixMs'), ':', part.body],
    },
  })
  const secrets = ['a new secret of 16', 'an old secret of 16']
  const now = 1_705_314_600

  it('holds the time and a signature of every live secret, and either is accepted', async () => {
    const { headers, body } = await send(format, secrets, delivery())
    expect(headers['x-signature']).toMatch(/^ts=1705314600000;h1=[0-9a-f]{64};h1=[0-9a-f]{64}$/)
    for (const secret of secrets) {
      expect(await outcomeOf({ format, secrets: [secret], now }, request(headers, body))).toBe('0')
    }
    expect(format.read(request(headers, body))).toMatchObject({ sentAt: new Date(now * 1000) })
    expect(format.facts.sentAt).toBe('signed')
    expect(format.signsWith).toBe('all-keys')
  })

  it('takes 16 signatures at most, and 4,096 characters; more is refused', async () => {
    const { headers, body } = await send(format, secrets, delivery())
    const [time, first] = String(headers['x-signature']).split(';')
    const judged = (text: string) => outcomeOf({ format, secrets, now }, request({ 'x-signature': text }, body))
    const wrong = `h1=${'0'.repeat(64)};`
    expect(await judged(`${time};${wrong.repeat(15)}${first}`)).toBe('0')
    expect(await judged(`${time};${wrong.repeat(16)}${first}`)).toBe('malformed_header')
    expect(await judged(`${time};${first};${'x'.repeat(4096)}`)).toBe('malformed_header')
  })

  it('that is folded of two headers is refused, whichever of them is good', async () => {
    const { headers, body } = await send(format, secrets, delivery())
    const good = String(headers['x-signature'])
    const [time] = good.split(';')
    const wrong = `${time};h1=${'0'.repeat(64)}`
    for (const folded of [`${good}, ${wrong}`, `${wrong}, ${good}`, `${good}, ${good}`]) {
      expect(await outcomeOf({ format, secrets, now }, request({ 'x-signature': folded }, body))).toBe(
        'ambiguous_header',
      )
    }
  })
})

describe('a format of one type', () => {
  const format = hmacFormat({ ...base, body: { events: part.data }, type: 'events' })

  it('reads it of every message, and refuses to send another', async () => {
    const { headers, body } = await send(format, ['a secret of 16 bytes'], delivery({ type: 'events', data: '[1,2]' }))
    expect(Buffer.from(body).toString()).toBe('{"events":[1,2]}')
    expect(format.read(request(headers, body))).toMatchObject({ type: 'events', data: [1, 2] })
    expect(codeOf(() => format.check?.('other', []))).toBe('payload_invalid')
    expect(codeOf(() => format.check?.('events', []))).toBe('accepted')
  })
})

describe('a format that reads the whole body', () => {
  it('gives the fields beside the data too', async () => {
    const format = hmacFormat({
      ...base,
      body: { id: part.messageId, type: part.type, '...': part.data },
      reads: 'body',
    })
    const { headers, body } = await send(format, ['a secret of 16 bytes'], delivery({ data: '{"a":1}' }))
    expect(format.read(request(headers, body)).data).toEqual({ id: 'msg_1', type: 'booking.created', a: 1 })
  })
})

import { createHash } from 'node:crypto'
import { Key, platformCrypto } from '@hooks/core'
import { twilio } from '@hooks/core/formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, outcomeOf, request, utf8 } from '../support.ts'
import { dotted, formatLaw } from './law.ts'

const secret = '0123456789abcdef0123456789abcdef'
const format = twilio()
const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const canonical = (value: string | string[]) => {
  const values = [...new Set([value].flat())].sort()
  return values.length > 1 ? values : values[0]
}

formatLaw('twilio', format, secret, {
  signed: ['x-twilio-signature'],
  spellings: ['body'],
  data: fc.dictionary(
    text.map((name) => `~${name}`),
    fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })),
    { maxKeys: 5 },
  ),
  type: fc.oneof(fc.constantFrom('call.ringing', 'call.no-answer', 'message.received', 'message.delivered'), dotted),
  content: ({ message }) => {
    const [, kind, status] = /^(call|message)\.(.+)$/s.exec(message.type) ?? []
    const own =
      kind === 'call'
        ? { CallSid: message.id, CallStatus: status }
        : kind === 'message'
          ? { MessageSid: message.id, MessageStatus: status }
          : { EventType: message.type }
    const fields = Object.entries(JSON.parse(message.data)).map(([name, value]) => [name, canonical(value as string)])
    return { type: message.type, id: message.id, data: { ...own, ...Object.fromEntries(fields) } }
  },
})

describe('twilio', () => {
  // The published vectors have a key of five bytes, which no auth token is.
  const short = { ...twilio(), keys: () => [new Key('hmac-sha1', utf8('12345'))] }
  const receiver = { format: short, secrets: ['12345'], now: 0 }
  const form = (params: Record<string, string | string[]>) => {
    const made = new URLSearchParams()
    for (const [name, value] of Object.entries(params)) for (const one of [value].flat()) made.append(name, one)
    return made.toString()
  }
  const judged = (url: string, body: string, signature: string, method = 'POST') =>
    outcomeOf(receiver, request({ 'X-Twilio-Signature': signature }, body, { url, method }))

  // https://github.com/twilio/twilio-node, spec/validation.spec.js
  const url = 'https://mycompany.com/myapp.php?foo=1&bar=2'
  const call = {
    CallSid: 'CA1234567890ABCDE',
    Digits: '1234',
    From: '+14158675309',
    To: '+18005551212',
    Caller: '+14158675309',
  }

  it("accepts the form of Twilio's own tests, in whatever order its fields come", async () => {
    const signature = 'RSOYDt4T1cUTdK1PDd93/VVr8B8='
    expect(await judged(url, form(call), signature)).toBe('0')
    expect(await judged(url, form(call).split('&').reverse().join('&'), signature)).toBe('0')
    expect(await judged(url, form({ ...call, Digits: '1235' }), signature)).toBe('signature_mismatch')
    expect(await judged(url, form({ ...call, More: '1' }), signature)).toBe('signature_mismatch')
    expect(await judged(`${url}&more`, form(call), signature)).toBe('signature_mismatch')
    expect(await judged('/myapp.php?foo=1&bar=2', form(call), signature)).toBe('signature_mismatch')
  })

  const json = '{"property": "value", "boolean": true}'
  const hash = '0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620'

  it.each([
    [`${url}&bodySHA256=${hash}`, 'a9nBmqA0ju/hNViExpshrM61xv4='],
    [`https://mycompany.com/myapp.php?bodySHA256=${hash}`, 'y77kIzt2vzLz71DgmJGsen2scGs='],
  ])("accepts the JSON of Twilio's own tests, bound by %s", async (url, signature) => {
    expect(await judged(url, json, signature)).toBe('0')
    expect(await judged(url, `${json} `, signature)).toBe('signature_mismatch')
    expect(await judged(url, '', signature)).toBe('signature_mismatch')
    expect(await judged(url, json, 'y77kIzt2vzLz71DgmJGsen2scGw=')).toBe('signature_mismatch')
    expect(await judged(url.replace(hash, hash.toUpperCase()), json, signature)).toBe('signature_mismatch')
  })

  const without = (spelling: string) => url.replace('https://mycompany.com', spelling)
  it.each([
    ['a port that is not signed', without('https://mycompany.com:1234'), form(call), 'RSOYDt4T1cUTdK1PDd93/VVr8B8='],
    ['http with a port', without('http://mycompany.com:1234'), form(call), 'Zmvh+3yNM1Phv2jhDCwEM3q5ebU='],
    ['the port 443', url, form(call), 'kvajT1Ptam85bY51eRf/AJRuM3w='],
    ['the port 80', without('http://mycompany.com'), form(call), '0ZXoZLH/DfblKGATFgpif+LLRf4='],
    ['credentials', without('https://user:pass@mycompany.com'), form(call), 'CukzLTc1tT5dXEDIHm/tKBanW10='],
    ['a user alone', without('https://user@mycompany.com'), form(call), '2YRLlVAflCqxaNicjMpJcSTgzSs='],
    ['credentials and a port', without('https://user:pass@mycompany.com'), form(call), 'ZQFR1PTIZXF2MXB8ZnKCvnnA+rI='],
    ['an apostrophe, which is signed as %27', `${url}&Body=It's+amazing`, form(call), 'TfZzewPq8wqrGlMfyAud8+/IvJ0='],
    [
      'a list',
      url,
      form({ 'MessagingBinding.Address': ['+1415xxxxxxx', '+1325xxxxxxx'] }),
      '83O6e2vORAoJHUNzJjDWN1jz+BA=',
    ],
    [
      'a value that comes twice',
      url,
      form({ Sid: 'CA123', SidAccount: 'AC123', Digits: ['5678', '1234', '1234'] }),
      'IK+Dwps556ElfBT0I3Rgjkr1wJU=',
    ],
    [
      'JSON without anything',
      `${url}&bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a`,
      '{}',
      'Ldidvp12m26NI7eqEvxnEpkd9Hc=',
    ],
  ])("accepts what Twilio's own tests sign: %s", async (_, url, body, signature) => {
    expect(await judged(url, body, signature)).toBe('0')
    expect(await judged(url.replace('foo=1', 'foo=2'), body, signature)).toBe('signature_mismatch')
  })

  it('accepts no body whose digest an attacker puts into the URL, or leaves out', async () => {
    const digest = createHash('sha256').update('{"evil":true}').digest('hex')
    expect(await judged(`${url}&bodySHA256=${digest}`, '{"evil":true}', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=')).toBe(
      'signature_mismatch',
    )
    const signed = `${url}&bodySHA256=${hash}`
    const twice = `${signed}&bodySHA256=${digest}`
    expect(await judged(twice, '{"evil":true}', 'a9nBmqA0ju/hNViExpshrM61xv4=')).toBe('signature_mismatch')
    expect(await judged(`${url}&bodySHA256=`, json, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=')).toBe('signature_mismatch')
  })

  // Made by `getExpectedTwilioSignature` of twilio 6.2.0, and accepted by its `validateRequest`.
  it.each([
    [
      'values that come twice',
      url,
      form({ MediaUrl: ['https://b/1', 'https://a/1', 'https://b/1'], Body: 'a+b & c=d é😀' }),
      'getdCT5N6eQirtR6aGAZ/hDGPxs=',
    ],
    ['a URL signed with the standard port', 'https://h.example/x', 'A=1', 'PRxjHuPPK1KfSLIdGehb02hScnI='],
    ['a URL signed without its standard port', 'https://h.example:443/x', 'A=1', 'L4tc3Zkkb9TKe7AbnA/UKYXwGBg='],
    ['a URL signed without its port', 'https://h.example:8443/x', 'A=1', 'L4tc3Zkkb9TKe7AbnA/UKYXwGBg='],
    ['a URL signed with its port', 'https://h.example:8443/x', 'A=1', 'ZGSL8fHZcf6/t6D1Ih8esaYj+Lw='],
    ['http', 'http://h.example/x', 'A=1', 'YwhtSCRliweOPrVKyK/i1Oc+b40='],
    [
      'a URL with credentials and an odd query',
      "https://u:p@h.example/x?q='1'",
      'A=&a=2&B=3',
      'w25TrvdL6kMtkm27RqdIbMsC9vk=',
    ],
    ['no parameters', 'https://h.example/x', '', 'tJkXBE5YVVjsvDKrspWqX3GddEk='],
  ])("accepts what Twilio's library makes: %s", async (_, url, body, signature) => {
    expect(await judged(url, body, signature)).toBe('0')
    expect(await judged(url, body, signature, 'GET')).toBe('0')
    expect(await judged(url, body, signature, 'PUT')).toBe('method_not_allowed')
    expect(await judged(`${url}x`, body, signature)).toBe('signature_mismatch')
  })

  it('reads the parameters, each value once, and names the event', () => {
    const read = (body: string, url = 'https://h.example/x') => format.read(request({}, body, { url }))
    expect(read('CallSid=CA1&CallStatus=ringing')).toEqual({
      type: 'call.ringing',
      data: { CallSid: 'CA1', CallStatus: 'ringing' },
    })
    expect(read('MessageSid=SM1&SmsStatus=received&M=b&M=a&M=b')).toEqual({
      type: 'message.received',
      data: { MessageSid: 'SM1', SmsStatus: 'received', M: ['a', 'b'] },
    })
    expect(read('MessageSid=SM1').type).toBe('message.received')
    expect(read('StatusCallbackEvent=room-created').type).toBe('room-created')
    expect(read('', 'https://h.example/x?CallSid=CA1&CallStatus=completed#rc=2').type).toBe('call.completed')
    expect(read('a=1').type).toBe('request')
    expect(Object.keys(read('__proto__=1&a=1').data as object)).toEqual(['a'])
    expect(codeOf(() => read('a=%ff'))).toBe('payload_invalid')
    const hashed = 'https://h.example/x?bodySHA256=00'
    expect(read('[{"type":"com.twilio.messaging.message.sent"}]', hashed).type).toBe('events')
    expect(read('{"EventType":"onMessageAdded"}', hashed)).toEqual({
      type: 'onMessageAdded',
      data: { EventType: 'onMessageAdded' },
    })
  })

  it('reads the id that is the same for every attempt', () => {
    expect(format.read(request({ 'I-Twilio-Idempotency-Token': 'abc' }, 'a=1')).id).toBe('abc')
  })

  it('judges a megabyte of parameters in time that grows with its length', async () => {
    const many = Array.from({ length: 200_000 }, (_, i) => `k${i}=`).join('&')
    expect(await judged(url, many, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=')).toBe('signature_mismatch')
  })

  it('sorts no more parameters for a stranger than form parsers read', async () => {
    const [key] = short.keys()
    const judgedOf = async (count: number) => {
      const names = Array.from({ length: count }, (_, i) => `k${i}`)
      const made = await platformCrypto().sign('hmac-sha1', key as Key, [url, [...names].sort().join('')])
      return judged(url, names.join('&'), Buffer.from(made).toString('base64'))
    }
    expect([await judgedOf(1_000), await judgedOf(1_001)]).toEqual(['0', 'signature_mismatch'])
  })

  it('refuses to send what a form cannot hold', () => {
    expect(codeOf(() => format.check?.('call.ringing', { To: '+1', List: ['a', 'b'] }))).toBe('accepted')
    for (const data of [{ nested: {} }, { number: 1 }, [], 'text', null]) {
      expect(codeOf(() => format.check?.('call.ringing', data))).toBe('payload_invalid')
    }
  })

  it('refuses a body that is no form, and was never signed as one', async () => {
    const key = format.keys(secret, 'sign')[0] as Key
    const made = await platformCrypto().sign('hmac-sha1', key, [url, '%ff'])
    const received = request({ 'x-twilio-signature': Buffer.from(made).toString('base64') }, '%ff', { url })
    expect(await outcomeOf({ format, secrets: [secret], now: 0 }, received)).toBe('signature_mismatch')
  })
})

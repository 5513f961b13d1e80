import { adyen, adyenPlatform } from '@hooks/core/formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send } from '../support.ts'
import vector from '../vectors/adyen.json' with { type: 'json' }
import { anyObject, dotted, formatLaw } from './law.ts'

const secret = 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00'
const format = adyen()

type Item = Record<string, unknown>
const bodyOf = (...items: Item[]) =>
  JSON.stringify({ live: 'false', notificationItems: items.map((one) => ({ NotificationRequestItem: one })) })
const judge = (body: string | Uint8Array, secrets = [secret]) =>
  outcomeOf({ format, secrets, now: 0 }, request({}, body))

describe('adyen', () => {
  // src/__tests__/hmacValidator.spec.ts of @adyen/api-library@32.1.0
  const report = {
    pspReference: 'pspReference',
    originalReference: 'originalReference',
    merchantAccountCode: 'merchantAccount',
    merchantReference: 'reference',
    amount: { currency: 'EUR', value: 1000 },
    eventCode: 'REPORT_AVAILABLE',
    eventDate: '2019-09-21T11:45:24.637Z',
    paymentMethod: 'VISA',
    reason: 'reason',
    success: 'true',
    additionalData: { hmacSignature: 'ZNBPtI+oDyyRrLyD1XirkKnQgIAlFc07Vj27TeHsDRE=' },
  }
  // tests/Unit/Util/HmacSignatureTest.php of https://github.com/Adyen/adyen-php-api-library (6ef96571)
  const php = {
    pspReference: '7914073381342284',
    merchantAccountCode: 'TestMerchant',
    merchantReference: 'TestPayment-1407325143704',
    amount: { value: 1130, currency: 'EUR' },
    eventCode: 'AUTHORISATION',
    success: 'true',
  }
  const signed = (item: Item, hmacSignature: string) => ({ ...item, additionalData: { hmacSignature } })

  it.each<[string, Item, string]>([
    ['Node.js: a report', report, secret],
    [
      'Node.js: an event',
      signed({ ...report, eventCode: 'EVENT' }, 'ipnxGCaUZ4l8TUW75a71/ghd2Fe5ffvX0pV4TLTntIc='),
      secret,
    ],
    ['PHP: no original reference', signed(php, 'Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I='), secret],
    [
      'PHP: a reference with a space in front',
      signed(
        { ...php, merchantReference: ' TestPayment-1407325143704' },
        'kLZtgnXU86m/yjnpBD4aqESFgnoDcy1fGOP1Db/L3+4=',
      ),
      secret,
    ],
    [
      'PHP: a refund of nothing',
      signed(
        { ...php, amount: { value: 0, currency: 'EUR' }, eventCode: 'REFUND' },
        'J7HhsgZo5KwqdB7LFZJV6rfQgp+RqC2kuYyw/3x3w+8=',
      ),
      '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056',
    ],
    [
      'PHP: a reference with a colon, which is not escaped',
      signed(
        {
          amount: { currency: 'EUR', value: 113000 },
          eventCode: 'AUTHORISATION',
          eventDate: '2020-01-08T12:00:00+01:00',
          merchantAccountCode: 'PHPApiLibrary',
          merchantReference: 'auth:123',
          originalReference: '',
          paymentMethod: 'visa',
          pspReference: 'TEST_CUSTOM_7914073381342284',
          reason: '',
          success: 'true',
        },
        'ovT21mqdbQToGbWssIhnBXAlnkhgKuehtGwvYFf5h2Q=',
      ),
      'C56F00E99723D90F65254B00746844BED11BCDD0DD42B26EC980DC1301C6CD20',
    ],
  ])("accepts Adyen's vectors, and none of them changed: %s", async (_, item, key) => {
    expect(await judge(bodyOf(item), [key])).toBe('0')
    expect(await judge(bodyOf(item), ['00'.repeat(32)])).toBe('signature_mismatch')
    const { hmacSignature } = item.additionalData as Item
    for (const field of [
      'pspReference',
      'originalReference',
      'merchantAccountCode',
      'merchantReference',
      'eventCode',
      'success',
    ]) {
      expect(await judge(bodyOf({ ...item, [field]: 'changed' }), [key])).toBe('signature_mismatch')
    }
    const amount = item.amount as Item
    for (const other of [{ value: 1 }, { currency: 'USD' }]) {
      expect(await judge(bodyOf({ ...item, amount: { ...amount, ...other } }), [key])).toBe('signature_mismatch')
    }
    const near = String(hmacSignature).replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'))
    for (const given of [near, 'notValidSign', 'A'.repeat(44)]) {
      expect(await judge(bodyOf(signed(item, given)), [key])).toBe('signature_mismatch')
    }
  })

  it('covers eight fields and no more, and says so', async () => {
    expect(await judge(bodyOf({ ...report, reason: 'forged', paymentMethod: 'forged' }))).toBe('0')
    expect(format.facts).toEqual({ id: 'signed', sentAt: 'absent', body: 'unsigned', url: 'absent' })
    expect(format.window).toBeNull()
  })

  it('moves nothing into the fields that tell events apart, although Adyen escapes no colon', async () => {
    const { body } = await send(
      format,
      [secret],
      delivery({ type: 'AUTHORISATION', data: '{"merchantReference":"a:b"}' }),
    )
    const [{ NotificationRequestItem: item }] = JSON.parse(Buffer.from(body).toString()).notificationItems
    // Signed is `msg_1::acme:a:b:::AUTHORISATION:true`.
    const moved = [
      { ...item, pspReference: 'msg_1:', originalReference: 'acme', merchantAccountCode: 'a', merchantReference: 'b' },
      { ...item, merchantReference: 'a', amount: { value: 'b', currency: ':' } },
      {
        ...item,
        merchantReference: 'a:b',
        amount: { value: ':', currency: '' },
        eventCode: 'AUTHORISATION',
        success: 'true',
      },
      { ...item, merchantReference: 'a', amount: { value: 'b:', currency: '' } },
    ]
    expect(await judge(bodyOf(item))).toBe('0')
    for (const one of moved) expect(await judge(bodyOf(one))).toBe('signature_mismatch')
  })

  it('proves every item: one that is not signed, or not by this key, spoils the request', async () => {
    const good = signed(php, 'Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I=')
    const foreign = signed({ ...php, success: 'false' }, 'Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I=')
    expect(await judge(bodyOf(good, good))).toBe('0')
    expect(await judge(bodyOf(good, foreign))).toBe('signature_mismatch')
    expect(await judge(bodyOf(good, php))).toBe('missing_header')
  })

  it('computes no more than a hundred signatures for a stranger', async () => {
    const good = signed(php, 'Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I=')
    const many = (count: number) => judge(bodyOf(...Array.from({ length: count }, () => good)))
    expect([await many(100), await many(101)]).toEqual(['0', 'malformed_header'])
  })

  it('refuses a body without a signature', async () => {
    const bodies = ['', 'x', 'null', '[]', '{}', '{"notificationItems":[]}', '{"notificationItems":[null]}', bodyOf({})]
    bodies.push(bodyOf(php), bodyOf({ ...php, additionalData: null }), bodyOf(signed(php, '')))
    for (const body of [...bodies, Uint8Array.of(0xff)]) expect(await judge(body)).toBe('missing_header')
  })

  it('reads the event code, and an id of what is signed', () => {
    const body = bodyOf(report)
    expect(format.read(request({}, body))).toEqual({
      type: 'REPORT_AVAILABLE',
      id: 'pspReference:REPORT_AVAILABLE:true',
      occurredAt: new Date('2019-09-21T11:45:24.637Z'),
      data: JSON.parse(body),
    })
    const refused = { ...report, success: 'false' }
    expect(format.read(request({}, bodyOf(report, refused)))).toMatchObject({
      type: 'REPORT_AVAILABLE',
      id: 'pspReference:REPORT_AVAILABLE:true,pspReference:REPORT_AVAILABLE:false',
    })
    for (const items of [
      [],
      [{ ...report, eventCode: 1 }],
      [report, { ...report, eventCode: 'EVENT' }],
      [{ ...report, pspReference: '' }],
    ]) {
      expect(codeOf(() => format.read(request({}, bodyOf(...items))))).toBe('payload_invalid')
    }
  })

  it('holds: what is sealed is proved, and read as it was', async () => {
    const sent = fc.record({ id: fc.stringMatching(/^[\w-]{1,40}$/), type: dotted, data: anyObject })
    await fc.assert(
      fc.asyncProperty(sent, async ({ id, type, data }) => {
        const { headers, body } = await send(format, [secret], delivery({ id, type, data: JSON.stringify(data) }))
        expect(headers).toEqual({})
        expect(await judge(body)).toBe('0')
        const content = format.read(request({}, body))
        expect(content).toMatchObject({ type, id: `${id}:${type}:true`, occurredAt: new Date('2024-01-15T10:30:00Z') })
        const [{ NotificationRequestItem: item }] = (
          content.data as { notificationItems: [{ NotificationRequestItem: Item }] }
        ).notificationItems
        expect(item).toMatchObject(data)
      }),
    )
  })

  it('takes keys in hexadecimal, as the Customer Area shows them', () => {
    expect(codeOf(() => format.keys('a key in text, of 24 bytes', 'verify'))).toBe('secret_format')
    expect(codeOf(() => format.keys('00'.repeat(8), 'verify'))).toBe('secret_too_short')
    expect(format.keys(secret.toLowerCase(), 'verify')).toHaveLength(1)
  })
})

const platform = adyenPlatform()

formatLaw('adyen for platforms', platform, secret, {
  signed: ['hmacsignature'],
  content: ({ message }) => ({
    type: message.type,
    id: message.id,
    occurredAt: message.occurredAt,
    data: {
      data: JSON.parse(message.data),
      environment: 'test',
      timestamp: message.occurredAt.toISOString(),
      type: message.type,
    },
  }),
})

describe('adyen for platforms', () => {
  it("accepts the Node.js library's vector", async () => {
    const received = request({ HmacSignature: vector.signature }, vector.body)
    expect(await outcomeOf({ format: platform, secrets: [vector.secret], now: 0 }, received)).toBe('0')
    expect(platform.read(received)).toMatchObject({
      type: 'balancePlatform.accountHolder.created',
      occurredAt: new Date('2024-12-15T14:42:03Z'),
      data: { environment: 'test' },
    })
  })

  // tests/Unit/Util/HmacSignatureTest.php of https://github.com/Adyen/adyen-php-api-library (6ef96571)
  it("accepts the PHP library's vector", async () => {
    const body =
      '{"data":{"balancePlatform":"Integration_tools_test","accountId":"BA32272223222H5HVKTBK4MLB","sweep":{"id":"SWPC42272223222H5HVKV6H8C64DP5","schedule":{"type":"balance"},"status":"active","targetAmount":{"currency":"EUR","value":0},"triggerAmount":{"currency":"EUR","value":0},"type":"pull","counterparty":{"balanceAccountId":"BA3227C223222H5HVKT3H9WLC"},"currency":"EUR"}},"environment":"test","type":"balancePlatform.balanceAccountSweep.updated"}'
    const received = request({ hmacsignature: '9Qz9S/0xpar1klkniKdshxpAhRKbiSAewPpWoxKefQA=' }, body)
    const secrets = ['D7DD5BA6146493707BF0BE7496F6404EC7A63616B7158EC927B9F54BB436765F']
    expect(await outcomeOf({ format: platform, secrets, now: 0 }, received)).toBe('0')
    expect(platform.read(received)).toMatchObject({ type: 'balancePlatform.balanceAccountSweep.updated' })
  })
})

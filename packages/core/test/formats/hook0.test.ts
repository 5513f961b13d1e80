import { createHmac } from 'node:crypto'
import { hook0 } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send } from '../support.ts'
import { formatLaw } from './law.ts'
import { judgePublished } from './published.ts'

const secret = '1a01cb48-5142-4d9b-8f90-d20cca61f0ee'
const format = hook0()
const older = hook0({ v0: true })

formatLaw('hook0', format, secret, {
  signed: ['x-hook0-signature', 'x-event-id', 'x-event-type'],
  spellings: ['x-hook0-signature'],
})

describe('hook0', () => {
  // clients/conformance/signature.json of https://github.com/hook0/hook0 (86a9d665), which all of Hook0's libraries run. The
  // codes were computed outside of them.
  const body = '{"event":"user.created"}'
  const delivered = { 'x-event-id': 'evt-1', 'x-delivery-id': 'dlv-1', 'content-type': 'application/json' }
  const v0 = 'd17d66b66fca89390c5b967c45e8928fc732db07a0aabe8167b1e98213081ffe'
  const v1 = '19a6fb8f6581715b241a93af02a58611c3b0ac7b747a8d2a5b120ee418d0c347'
  const turned = 'bf5f4e5fe0c9143510ae192f983316a09ed392d0104d2ce0faa3d7bce3687acb'
  const t = 't=1800000000'
  const judge = (chosen: typeof format, signature: string) =>
    judgePublished(
      chosen,
      'a-subscription-secret',
      request({ ...delivered, 'x-hook0-signature': signature }, body),
      1_800_000_000,
    )

  it.each([
    ['a header-scheme signature verifies', `${t},h=x-event-id x-delivery-id,v1=${v1}`, '0'],
    [
      'the header scheme is the one verified when both are offered',
      `${t},h=x-event-id x-delivery-id,v0=${turned},v1=${v1}`,
      '0',
    ],
    [
      'a right weaker code does not rescue a wrong stronger one',
      `${t},h=x-event-id x-delivery-id,v0=${v0},v1=${turned}`,
      'signature_mismatch',
    ],
    [
      'the order the covered headers are named in is part of what is signed',
      `${t},h=x-delivery-id x-event-id,v1=${v1}`,
      'signature_mismatch',
    ],
    [
      'the covered headers are read in the order the signature names them',
      `${t},h=x-delivery-id x-event-id,v1=${turned}`,
      '0',
    ],
    [
      'a header the signature covers that the request did not carry',
      `${t},h=x-event-id x-missing,v1=${v1}`,
      'missing_header',
    ],
  ])('judges as published, v0 or not: %s', async (_, signature, outcome) => {
    expect(await judge(format, signature)).toBe(outcome)
    expect(await judge(older, signature)).toBe(outcome)
  })

  it.each([
    ['a body-scheme signature verifies', `${t},v0=${v0}`, '0'],
    ['a code that is not hexadecimal', `${t},v0=${v0.slice(0, -1)}z`, 'signature_mismatch'],
    ['a code that is not whole', `${t},v0=${v0.slice(0, -1)}`, 'signature_mismatch'],
    [
      'a moment older than the tolerance',
      't=1799999699,v0=4168cc6c683357e103055b48584715f12e2baa4e679b8e076254247f11edf34d',
      'timestamp_too_old',
    ],
    [
      'a moment further ahead than the tolerance',
      't=1800000301,v0=ba4b79e449ae52edb505b6baa07380be2baa6e0c4c6fec3b9a01c85d47a4935f',
      'timestamp_too_new',
    ],
    [
      'a moment at the edge of the window',
      't=1799999700,v0=f9689580483e051113d28de23c1658c509da2b00e7bc15a5aaa83b8bdf83ff81',
      '0',
    ],
  ])('judges the older scheme as published, where it is allowed: %s', async (_, signature, outcome) => {
    expect(await judge(older, signature)).toBe(outcome)
    expect(await judge(format, signature)).toBe('malformed_header')
  })

  // output-worker/src/work.rs of https://github.com/hook0/hook0 (86a9d665): what the server signs.
  it("accepts the server's own vectors", async () => {
    const headers = {
      'X-EVENT-TYPE': 'service.resource.verb',
      'X-Event-Id': '1a01cb48-5142-4d9b-8f90-d20cca61f0ee',
      'X-Hook0-Signature':
        't=1636936200,v0=1b3d69df55f1e52f05224ba94a5162abeb17ef52cd7f4948c390f810d6a87e98,h=x-event-id x-event-type,v1=bc521546ba5de381b12f135782d2008b028c3065c191760b12b76850a8fc8f51',
    }
    for (const chosen of [format, older]) {
      expect(await judgePublished(chosen, 'secret', request(headers, 'hello !'), 1_636_936_200)).toBe('0')
    }
  })

  it('refuses a signature that leaves out the id, and does not read a type that is not signed', async () => {
    expect(await judge(format, `${t},h=x-delivery-id,v1=${v1}`)).toBe('malformed_header')
    const headers = { ...delivered, 'x-event-type': 'user.created' }
    const signature = (h: string) => request({ ...headers, 'x-hook0-signature': `${t},h=${h},v1=${v1}` }, body)
    expect(codeOf(() => format.read(signature('x-event-id')))).toBe('payload_invalid')
    expect(format.read(signature('x-event-id x-event-type'))).toEqual({
      type: 'user.created',
      id: 'evt-1',
      sentAt: new Date(1_800_000_000_000),
      data: { event: 'user.created' },
    })
  })

  it.each([
    [`h=x-event-id,v1=${v1}`],
    [`${t},${t},h=x-event-id,v1=${v1}`],
    [`${t},h=x-event-id,h=x-event-id,v1=${v1}`],
    [`${t},h=x-event-id,v1=${v1},v1=${v1}`],
    [`${t},v1=${v1}`],
    [`${t},h=,v1=${v1}`],
    [`${t},h=X-Event-Id,v1=${v1}`],
    [`${t},h=x-event-id  x-delivery-id,v1=${v1}`],
    [`${t},h=x-event-id${' x-event-id'.repeat(32)},v1=${v1}`],
    [`${t},h=x-event-id,v1=${v1},${'x'.repeat(4096)}`],
  ])('refuses %.60s as malformed', async (signature) => {
    expect(await judge(format, signature)).toBe('malformed_header')
    expect(await judge(older, signature)).toBe('malformed_header')
  })

  it('lets no full stop move between id and type, whose values are signed with one between them', async () => {
    const sent = await send(format, [secret], delivery({ type: 'user.account.created' }))
    const moved = { ...sent.headers, 'x-event-id': 'msg_1.user', 'x-event-type': 'account.created' }
    for (const chosen of [format, older]) {
      const judged = (headers: Record<string, string>) =>
        outcomeOf({ format: chosen, secrets: [secret], now: 1_705_314_600 }, request(headers, sent.body))
      expect([await judged(sent.headers), await judged(moved)]).toEqual(['0', 'malformed_header'])
    }
  })

  // The list that Coinbase's documents show.
  it('lets no full stop move where other values stand on both sides of the id', async () => {
    const id = '5f4b2f6e-6a3c-4d57-9d0a-0d8f6a1c2b3d'
    const names = 'content-type x-event-id x-event-type'
    const signed = `1705314600.${names}.application/json.${id}.shop.order.paid.{}`
    const signature = `t=1705314600,h=${names},v1=${createHmac('sha256', secret).update(signed).digest('hex')}`
    const judged = (content: string, event: string, type: string) => {
      const headers = { 'content-type': content, 'x-event-id': event, 'x-event-type': type }
      const given = request({ ...headers, 'x-hook0-signature': signature }, '{}')
      return outcomeOf({ format, secrets: [secret], now: 1_705_314_600 }, given)
    }
    expect(await judged('application/json', id, 'shop.order.paid')).toBe('0')
    expect(await judged(`application/json.${id}`, 'shop', 'order.paid')).toBe('malformed_header')
    expect(await judged(`application/json.${id}.shop`, 'order', 'paid')).toBe('malformed_header')
  })

  it('says that the id is not signed where v0 is allowed', () => {
    expect(format.facts.id).toBe('signed')
    expect(older.facts.id).toBe('unsigned')
  })

  it('seals its two headers and names them', async () => {
    const { headers } = await send(format, [secret], delivery())
    expect(headers).toEqual({
      'x-event-id': 'msg_1',
      'x-event-type': 'booking.created',
      'x-hook0-signature': expect.stringMatching(/^t=1705314600,h=x-event-id x-event-type,v1=[0-9a-f]{64}$/),
    })
    expect(
      await outcomeOf({ format: older, secrets: [secret], now: 1_705_314_600 }, request(headers, '{"id":1}')),
    ).toBe('0')
  })
})

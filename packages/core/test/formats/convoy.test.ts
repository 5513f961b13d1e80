import { hmacFormat, part } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'

// pkg/signature/testdata/signature-vectors.json of https://github.com/frain-dev/convoy (296eab06), which all of its libraries
// run: `hmacFormat` with every hash and encoding, with and without fields.
const secret = 'convoy-webhook-secret'
const payload = '{"event":"charge.success","amount":1000,"currency":"NGN"}'
const body = { event: part.type, '...': part.data }
type Algorithm = 'hmac-sha256' | 'hmac-sha512'
type Encoding = 'hex' | 'base64'

const simple = (algorithm: Algorithm, encoding: Encoding) =>
  hmacFormat({ name: 'convoy', secret: 'text', body, signature: { header: 'x-convoy-signature', algorithm, encoding } })
const advanced = (algorithm: Algorithm, encoding: Encoding) =>
  hmacFormat({
    name: 'convoy',
    secret: 'text',
    body,
    signature: {
      header: 'x-convoy-signature',
      algorithm,
      encoding,
      fields: { sentAt: 't', signature: 'v1' },
      over: [part.sentAt('unix'), ',', part.body],
    },
  })
const judged = (format: ReturnType<typeof simple>, header: string, now = 1_700_000_000) =>
  outcomeOf({ format, secrets: [secret], now }, request({ 'X-Convoy-Signature': header }, payload))

for (const [algorithm, encoding, spellings] of [
  ['hmac-sha512', 'base64', []],
  ['hmac-sha256', 'hex', ['x-convoy-signature']],
] as const) {
  formatLaw(`fields of ${algorithm} in ${encoding}`, advanced(algorithm, encoding), secret, {
    signed: ['x-convoy-signature'],
    spellings,
    // Nothing on the wire is an id: what we send carries ours.
    content: ({ message, sentAt }) => ({
      type: message.type,
      data: JSON.parse(message.data),
      id: message.id,
      sentAt,
    }),
  })
}

describe("convoy's vectors", () => {
  const hex = '77b8b9269f25a199846a55a2bd25b3fba151c70fdae60bb1dcd87fbbc943c55c'

  it.each<[Algorithm, Encoding, string]>([
    ['hmac-sha256', 'hex', '244449b7f48cbc2709060c9dcdc2b3aa47a78f540430579015c579fb12defbb4'],
    ['hmac-sha256', 'base64', 'JERJt/SMvCcJBgydzcKzqkenj1QEMFeQFcV5+xLe+7Q='],
    [
      'hmac-sha512',
      'hex',
      '6cc772dc81942ae1b5ffa91c3a6a07b0d37edc8dc6bd83e3518a219f1f19ff71ae1b76d6b320940d414c236a1aad7f7930b63e0f1928951955d31219545e1b66',
    ],
    [
      'hmac-sha512',
      'base64',
      'bMdy3IGUKuG1/6kcOmoHsNN+3I3GvYPjUYohnx8Z/3GuG3bWsyCUDUFMI2oarX95MLY+DxkolRlV0xIZVF4bZg==',
    ],
  ])('simple, %s in %s', async (algorithm, encoding, header) => {
    expect(await judged(simple(algorithm, encoding), header)).toBe('0')
  })

  it.each<[Algorithm, Encoding, string]>([
    ['hmac-sha256', 'hex', `t=1700000000,v1=${hex}`],
    ['hmac-sha256', 'base64', 't=1700000000,v1=d7i5Jp8loZmEalWivSWz+6FRxw/a5gux3Nh/u8lDxVw='],
    [
      'hmac-sha512',
      'hex',
      't=1700000000,v1=b2122e252cd2582cf225cb2b8d4ceede9e34329e2fe95c02619c3ed5d4a3d9a73e6beaf2dff8e76d71a693ae198cee40685eed12ad4ee2e033dc2d0399ede057',
    ],
    [
      'hmac-sha512',
      'base64',
      't=1700000000,v1=shIuJSzSWCzyJcsrjUzu3p40Mp4v6VwCYZw+1dSj2ac+a+ry3/jnbXGmk64ZjO5AaF7tEq1O4uAz3C0Dme3gVw==',
    ],
  ])('advanced, %s in %s', async (algorithm, encoding, header) => {
    expect(await judged(advanced(algorithm, encoding), header)).toBe('0')
  })

  const wrong = '449623e4897bbde05e35358293f97b8c2f697367ffa3e7466e98178dfba44d19'
  it.each([
    ['the time after the signature', `v1=${hex},t=1700000000`, '0'],
    ['several signatures, one of them right', `t=1700000000,v1=${wrong},v1=${hex}`, '0'],
    ['several signatures, none right', `t=1700000000,v1=${wrong},v1=${wrong}`, 'signature_mismatch'],
    ['a changed signature', `t=1700000000,v1=${hex.slice(0, -1)}0`, 'signature_mismatch'],
    ['a signature that is a number', 't=1700000000,v1=1234567890', 'signature_mismatch'],
    ['a time that is none', `t=Infinity,v1=${hex}`, 'malformed_timestamp'],
    ['no time', `v1=${hex},v2=${hex}`, 'malformed_header'],
  ])('advanced: %s', async (_, header, outcome) => {
    expect(await judged(advanced('hmac-sha256', 'hex'), header)).toBe(outcome)
  })

  it('a signature past its time, and a changed simple one', async () => {
    expect(await judged(advanced('hmac-sha256', 'hex'), `t=1700000000,v1=${hex}`, 1_700_000_301)).toBe(
      'timestamp_too_old',
    )
    const changed = '244449b7f48cbc2709060c9dcdc2b3aa47a78f540430579015c579fb12defbb0'
    expect(await judged(simple('hmac-sha256', 'hex'), changed)).toBe('signature_mismatch')
  })
})

import { github } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, outcomeOf, request, utf8 } from '../support.ts'
import { formatLaw } from './law.ts'

const secret = "It's a Secret to Everybody"
const receiver = { format: github(), secrets: [secret], now: 0 }

formatLaw('github', github(), secret, { signed: ['x-hub-signature-256'], spellings: ['x-hub-signature-256'] })

describe('github', () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  it("accepts the test of GitHub's documents", async () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const headers = { 'X-Hub-Signature-256': signature }
    expect(await outcomeOf(receiver, request(headers, 'Hello, World!'))).toBe('0')
    expect(await outcomeOf(receiver, request(headers, 'Hello, World?'))).toBe('signature_mismatch')
  })

  // https://github.com/octokit/webhooks-methods.js, test/verify.test.ts
  it("accepts the request of Octokit's own tests", async () => {
    const signature = 'sha256=4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3'
    const octokit = { ...receiver, secrets: ['mysecret'] }
    const judged = (body: string) => outcomeOf(octokit, request({ 'x-hub-signature-256': signature }, body))
    expect(await judged('{"foo":"bar"}')).toBe('0')
    expect(await judged('{"foo": "bar"}')).toBe('signature_mismatch')
  })

  it('takes no signature of another form: SHA-1, another prefix, none', async () => {
    const hex = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    for (const given of [hex, `sha1=${hex}`, `SHA256=${hex}`, `sha256=${hex} `, `sha256=${hex},sha256=${hex}`]) {
      const received = request({ 'x-hub-signature-256': given }, 'Hello, World!')
      expect(await outcomeOf(receiver, received)).toBe('signature_mismatch')
    }
    const sha1 = request({ 'x-hub-signature': `sha1=${hex.slice(0, 40)}` }, 'Hello, World!')
    expect(await outcomeOf(receiver, sha1)).toBe('missing_header')
  })

  const headers = { 'x-github-event': 'issues', 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' }
  const event = { action: 'opened', issue: { number: 1347 } }

  it('reads the event from the body, its name and its id from the headers', () => {
    expect(github().read(request(headers, JSON.stringify(event)))).toEqual({
      type: 'issues',
      id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      data: event,
    })
  })

  it('reads the form that GitHub sends as application/x-www-form-urlencoded, whatever the content type says', () => {
    const body = new URLSearchParams({ payload: JSON.stringify({ ...event, title: 'a + b & é' }) }).toString()
    for (const type of ['application/x-www-form-urlencoded', 'application/json']) {
      const { data } = github().read(request({ ...headers, 'content-type': type }, body))
      expect(data).toEqual({ ...event, title: 'a + b & é' })
    }
  })

  it('refuses a body that is neither, after a good signature', () => {
    for (const body of ['', 'nothing=here', utf8('payload=%7B'), '{"action":']) {
      expect(codeOf(() => github().read(request(headers, body)))).toBe('payload_invalid')
    }
  })

  it('takes secrets of at least 8 bytes: their owner chooses them', () => {
    expect(codeOf(() => github().keys('1234567', 'verify'))).toBe('secret_too_short')
    expect(github().keys('12345678', 'verify')).toHaveLength(1)
  })
})

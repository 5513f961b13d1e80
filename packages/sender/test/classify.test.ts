import type { ClassifiedAnswer, Classifier } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { classify } from '../src/classify.ts'
import { resolvePolicy } from '../src/policy.ts'
import type { Answer } from '../src/seams.ts'

const now = new Date('2026-01-01T00:00:00Z')
const answer = (status: number, headers = {}): Answer => ({
  ms: 1,
  sent: true,
  status,
  headers,
  body: new Uint8Array(),
  truncated: false,
})
const failure: Answer = { ms: 1, sent: true, error: 'connection_reset', detail: '' }
const judge = (status: number, policy = {}, headers = {}, step = 0) =>
  classify(answer(status, headers), resolvePolicy(policy), step, now)

const classifyAnswer = (given: Answer, by: Classifier) => classify(given, resolvePolicy({ classify: by }), 0, now)

describe('what an answer means', () => {
  for (const status of [200, 201, 202, 204, 299]) {
    it(`${status} is success`, () => expect(judge(status)).toEqual({ result: 'delivered' }))
  }
  for (const status of [199, 300, 301, 302, 307, 400, 401, 404, 500, 501, 999]) {
    it(`${status} is retried`, () => expect(judge(status)).toEqual({ result: 'retry', hintMs: null, holdMs: null }))
  }
  it('no answer is retried', () => {
    expect(classify(failure, resolvePolicy({}), 0, now)).toEqual({ result: 'retry', hintMs: null, holdMs: null })
  })
  it('a date in Retry-After counts from the date of the answer, so that no wait depends on whose clock is right', () => {
    const at = (retryAfter: string, date?: string) =>
      judge(503, {}, { 'retry-after': retryAfter, ...(date !== undefined && { date }) })
    const yesterday = at('Wed, 31 Dec 2025 00:02:00 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT')
    const tomorrow = at('Fri, 02 Jan 2026 00:02:00 GMT', 'Fri, 02 Jan 2026 00:00:00 GMT')
    expect([yesterday, tomorrow].map((verdict) => 'hintMs' in verdict && verdict.hintMs)).toEqual([120_000, 120_000])
    // Without one that can be read, from this machine's.
    for (const date of [undefined, 'soon', ''])
      expect(at('Thu, 01 Jan 2026 00:02:00 GMT', date)).toMatchObject({ hintMs: 120_000 })
    // Past by its own date: not heeded.
    expect(at('Thu, 01 Jan 2026 00:02:00 GMT', 'Thu, 01 Jan 2026 00:03:00 GMT')).toMatchObject({ hintMs: null })
  })
  it('410 ends the delivery and disables the endpoint', () => {
    expect(judge(410)).toEqual({ result: 'failed', reason: 'gone', disable: 'gone' })
  })
  for (const status of [429, 502, 503, 504]) {
    it(`${status} holds the whole endpoint, 5 s and then twice as long each time, 5 minutes at most`, () => {
      expect([0, 1, 2, 9].map((step) => (judge(status, {}, {}, step) as { holdMs: number }).holdMs)).toEqual([
        5_000, 10_000, 20_000, 300_000,
      ])
    })
    it(`${status} holds it for as long as Retry-After asks`, () => {
      expect(judge(status, {}, { 'retry-after': '120' })).toEqual({ result: 'retry', hintMs: 120_000, holdMs: 120_000 })
    })
    it(`${status} holds nothing where a product promised not to`, () => {
      expect(judge(status, { pace: false })).toMatchObject({ result: 'retry', holdMs: null })
    })
    it(`${status} moves no delivery either where each was promised its own times, whatever Retry-After asks`, () => {
      const unmoved = { result: 'retry', hintMs: null, holdMs: null }
      expect(judge(status, { pace: false }, { 'retry-after': '120' })).toEqual(unmoved)
    })
  }
  it('410 is retried where every non-2xx is promised a retry', () => {
    expect(judge(410, { classify: 'non2xx-retries' })).toMatchObject({ result: 'retry' })
  })
  for (const control of ['abort-message', ' Abort-Message ']) {
    it(`a failure with the header webhook-delivery: ${control.trim()} ends the delivery`, () => {
      const headers = { 'webhook-delivery': control }
      expect(judge(500, {}, headers)).toEqual({ result: 'failed', reason: 'aborted_by_receiver' })
      expect(judge(204, {}, headers)).toEqual({ result: 'delivered' })
    })
  }
  it('an answer with the header webhook-delivery: disable disables the endpoint, and is what it is beside that', () => {
    const headers = { 'webhook-delivery': 'disable' }
    const disable = 'disabled_by_receiver'
    expect(judge(400, {}, headers)).toEqual({ result: 'failed', reason: 'aborted_by_receiver', disable })
    expect(judge(200, {}, headers)).toEqual({ result: 'delivered', disable })
  })
  it('the header means nothing where every non-2xx is promised a retry, and nothing else in it ever does', () => {
    expect(judge(500, { classify: 'non2xx-retries' }, { 'webhook-delivery': 'disable' })).toMatchObject({
      result: 'retry',
    })
    expect(judge(200, { classify: 'non2xx-retries' }, { 'webhook-delivery': 'disable' })).toEqual({
      result: 'delivered',
    })
    expect(judge(500, {}, { 'webhook-delivery': 'disable, abort-message' })).toMatchObject({ result: 'retry' })
  })
  it('a function decides, and leaves the rest to the default', () => {
    const classify = ({ status, error }: ClassifiedAnswer) =>
      status === 404
        ? 'delivered'
        : status === 400
          ? 'failed'
          : status === 401
            ? 'disable'
            : status === 410
              ? 'retry'
              : error === 'x'
                ? 'failed'
                : undefined
    expect(judge(404, { classify })).toEqual({ result: 'delivered' })
    expect(judge(400, { classify })).toEqual({ result: 'failed', reason: 'rejected' })
    expect(judge(401, { classify })).toEqual({ result: 'failed', reason: 'rejected', disable: 'rejected' })
    expect(judge(410, { classify })).toEqual({ result: 'retry', hintMs: null, holdMs: null })
    expect(judge(200, { classify })).toEqual({ result: 'delivered' })
    expect(judge(429, { classify })).toMatchObject({ result: 'retry', holdMs: 5_000 })
    expect(classifyAnswer({ ...failure, error: 'x' }, classify)).toEqual({ result: 'failed', reason: 'rejected' })
  })
  it('a function that gives no verdict, such as a promise of one, has failed', () => {
    for (const given of [Promise.resolve('delivered'), Promise.reject(new Error('no')), null, 'success', true])
      expect(() => judge(200, { classify: (() => given) as never })).toThrow(
        expect.objectContaining({ code: 'option_invalid' }),
      )
  })
  it('a 4xx that no later try can heal ends the delivery under strict4xx', () => {
    expect(judge(404, { classify: 'strict4xx' })).toEqual({ result: 'failed', reason: 'rejected' })
    for (const status of [408, 409, 425, 429, 500])
      expect(judge(status, { classify: 'strict4xx' })).toMatchObject({ result: 'retry' })
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger, standardWebhooks } from '@hooks/core'
import { createReceiver, memoryIdempotency } from '@hooks/receiver'
import { signRequest } from '@hooks/receiver/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET } from './bytes-suite.ts'
import { send } from './exchange.ts'
import { hosts, type Serving } from './hosts.ts'

// The mistakes of the samples that the five products print, where the host has its part in them, behind every host. The
// process that serves is the test's own: an exception or a rejection that nobody handles fails it.

describe.each(hosts)('behind $name,', ({ serve }) => {
  let served: Serving
  let done: unknown[] = []
  let fails: (() => unknown) | undefined
  beforeAll(async () => {
    const receiver = createReceiver({ secret: SECRET, idempotency: memoryIdempotency(), logger: silentLogger })
    receiver.on('work', async ({ data }) => {
      await fails?.()
      await sleep(20)
      done.push(data)
    })
    receiver.on('work.now', ({ data }) => {
      fails?.()
      done.push(data)
    })
    served = await serve(receiver)
  })
  afterAll(() => served.close() as undefined)

  const place = () => ({ port: served.port, path: '/webhooks' })
  const sign = (type: string, data: unknown = 1) => signRequest(standardWebhooks(), SECRET, { type, data })

  it.each<[string, number, (signature: string) => string]>([
    ['T4, T17: too short', 401, () => 'abc'],
    ['T5: empty', 400, () => ''],
    ['T6: of letters that are two bytes', 401, (right) => `${right.slice(0, -2)}é`],
    ['T8: of another scheme', 401, (right) => right.replace('v1,', 'sha256=')],
  ])('a signature is refused, and the next request is served: %s', async (_, status, spoil) => {
    const { headers, body } = await sign('work.now')
    const signature = Buffer.from(spoil(headers['webhook-signature'] ?? '')).toString('latin1')
    expect((await send(place(), { headers: { ...headers, 'webhook-signature': signature }, body })).status).toBe(status)
    expect((await send(place(), { headers, body })).status).toBe(200)
  })

  it('T10: a request is handled as the guide has it, with no parser in front', async () => {
    done = []
    expect([(await send(place(), await sign('work.now'))).status, done]).toEqual([200, [1]])
  })

  it('T12, T60: a request as text, which a parser of JSON leaves alone, is handled', async () => {
    done = []
    const { headers, body } = await sign('work.now')
    const sent = { headers: { ...headers, 'content-type': 'text/plain' }, body }
    expect([(await send(place(), sent)).status, done]).toEqual([200, [1]])
  })

  it('T13: a body of 110 kB, which a parser would refuse by default, is handled', async () => {
    expect((await send(place(), await sign('work.now', 'x'.repeat(110_000)))).status).toBe(200)
  })

  it.each<[string, string, () => unknown]>([
    ['T16, T18: later', 'work', () => sleep(5).then(() => Promise.reject(new Error('later')))],
    ['T17: at once', 'work', () => Promise.reject(new Error('at once'))],
    [
      'T32: by a throw',
      'work.now',
      () => {
        throw new Error('thrown')
      },
    ],
  ])('work that fails is a 500, and is done with the next attempt: %s', async (_, type, failure) => {
    done = []
    fails = failure
    const sent = await sign(type)
    expect((await send(place(), sent)).status).toBe(500)
    fails = undefined
    expect([(await send(place(), sent)).status, done]).toEqual([200, [1]])
  })

  it('T31: the answer comes when the work is done, and not before', async () => {
    done = []
    expect([(await send(place(), await sign('work'))).status, done]).toEqual([200, [1]])
  })
})

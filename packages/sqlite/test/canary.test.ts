import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { defineContract, defineEvents, hmacFormat, part } from '@hooks/core'
import { type Answer, createSender } from '@hooks/sender'
import { seededRandom, virtualClock } from '@hooks/sender/testing'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../src/index.ts'

const events = defineEvents({ 'user.deleted': {} })
const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const oneKey = { current: 'k1', keys: { k1: key(1) } }
const textFormat = () =>
  hmacFormat({
    name: 'plain',
    secret: 'text',
    body: { id: part.deliveryId, type: part.type, data: part.data },
    signature: { header: 'x-plain-signature', encoding: 'hex', over: [part.body] },
  })

describe('canary secrets', () => {
  it('stand in no log, error, event, answer or inspection, nor in the database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hooks-canary-'))
    const clock = virtualClock()
    const random = seededRandom(11)
    const storage = sqliteStorage(join(folder, 'a.db'), { driver: Libsql, clock, random })
    const seen: unknown[] = []
    const note = (...given: unknown[]) => void seen.push(given)
    let n = 0
    const answers = [
      { status: 500 },
      { status: 410 },
      { error: 'tls_failed', detail: '' },
      { status: 429 },
      { status: 200 },
    ]
    const transport = {
      async send() {
        const answer = answers[n++ % answers.length]
        return { ms: 1, sent: true, headers: {}, body: new Uint8Array(), truncated: false, ...answer } as Answer
      },
    }
    const raw = Buffer.from('CANARYsecretCANARYsecretCANARY!!')
    const secret = `whsec_${raw.toString('base64')}`
    const token = 'CANARY-token-value'
    const legacy = 'CANARY legacy secret text'
    const options = {
      contract: defineContract({ events, policy: { retry: ['0s', '1s'] } }),
      storage,
      clock,
      random,
      transport,
      alsoSign: textFormat(),
      logger: { debug: note, info: note, warn: note, error: note },
    }
    const hooks = createSender({ ...options, keyring: oneKey })
    for (const event of ['delivery.delivered', 'delivery.failed', 'attempt.failed', 'endpoint.disabled'] as const)
      hooks.on(event, note)
    const attempt = async (act: () => Promise<unknown>) => note(await act().catch((error: unknown) => error))
    const { secret: _shown, ...made } = await hooks.endpoints.create('acme', {
      url: 'https://acme.example/?q=CANARY-query',
      secret,
      headers: { authorization: token },
      alsoSign: { secret: legacy },
    })
    note(made)
    await attempt(() => hooks.endpoints.create('acme', { url: 'https://a.example/', secret: `${secret}CANARY` }))
    await attempt(() => hooks.endpoints.rotateSecret('acme', made.id, { secret: 'CANARY is no secret' }))
    await attempt(() => hooks.endpoints.update('acme', made.id, { headers: { 'bad name': token } }))
    await attempt(() => hooks.endpoints.update('acme', made.id, { headers: { good: `${token}\n` } }))
    await attempt(() => hooks.endpoints.update('acme', made.id, { alsoSign: { secret: 'CANARY' } }))
    hooks.start()
    for (let i = 0; i < 8; i++) {
      await hooks.send('user.deleted', { i }, { tenant: 'acme' })
      await clock.advance(3_000)
      await hooks.endpoints.enable('acme', made.id)
    }
    await attempt(() => hooks.endpoints.list('acme'))
    await attempt(() => hooks.deliveries.list('acme'))
    await attempt(() => hooks.messages.list('acme'))
    await attempt(() => hooks.health())
    note(hooks)
    await hooks.stop()
    const wrong = createSender({ ...options, keyring: { current: 'k1', keys: { k1: key(8) } } })
    wrong.start()
    await wrong.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(5_000)
    await attempt(() => wrong.rewrapSecrets())
    await wrong.stop()
    await storage.close()

    const told = `${inspect(seen, { depth: 20, maxStringLength: null, showHidden: true, getters: true })}${JSON.stringify(seen, replacer())}`
    const dump = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1'))
    await rm(folder, { recursive: true })
    expect(seen.length).toBeGreaterThan(20)
    expect(dump.join('').length).toBeGreaterThan(10_000)
    const canaries = [
      secret.slice(6, 30),
      raw.toString('latin1').slice(0, 16),
      raw.toString('hex').slice(0, 24),
      token,
      'CANARY legacy',
      'CANARY is no',
    ]
    for (const canary of canaries) {
      expect([canary, told.includes(canary)]).toEqual([canary, false])
      expect([canary, dump.some((text) => text.includes(canary))]).toEqual([canary, false])
    }
  })
})

/** Without circles, which JSON does not carry. */
function replacer() {
  const above = new WeakSet<object>()
  return (_name: string, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if (above.has(value)) return undefined
    above.add(value)
    return value
  }
}

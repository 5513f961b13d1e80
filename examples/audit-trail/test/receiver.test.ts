import { fork } from 'node:child_process'
import { once } from 'node:events'
import { silentLogger } from '@hooks/core'
import { nextReceiver } from '@hooks/nextjs'
import { postgresInbox } from '@hooks/postgres'
import { createReceiver } from '@hooks/receiver'
import { findPostgres } from 'tooling/postgres'
import { compiledScript } from 'tooling/script'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AuditEvent, contract } from '../src/contract.ts'
import { openDatabase } from '../src/database.ts'
import { type CustomerOptions, createCustomer } from '../src/receiver.ts'
import { EVENT, SECRET, signatureOf, TENANT } from './stage.ts'

const server = await findPostgres()
const OK = [200, 'OK']
const TIMEOUT = { timeout: 60_000 }
/** How long is waited for what happens soon, on a machine that others load. */
const SOON = { timeout: 30_000, interval: 20 }

let url: string | undefined
let drop: (() => Promise<void>) | undefined
const closing: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  // Where this machine has no PostgreSQL, one within this process does.
  ;({ url, drop } = server ? await server.database() : { url: undefined, drop: undefined })
}, 60_000)
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await drop?.()
}, 60_000)

/** A customer's application, its route, and the events that it has handled. */
async function application(options: Partial<CustomerOptions> = {}) {
  const database = options.database ?? openDatabase(url)
  const handled: AuditEvent[] = []
  const alerts: string[] = []
  const customer = createCustomer({
    database,
    secret: SECRET,
    handlers: { event: (event) => handled.push(event), alert: ({ title }) => alerts.push(title) },
    work: { retry: ['0s', '0s'], jitter: 0 },
    logger: silentLogger,
    ...options,
  })
  closing.push(() => (options.database ? customer.receiver.stop() : customer.close()))
  await customer.migrate()
  const accepted = async () => Number((await database.pool.query('select count(*) from hooks.inbox')).rows[0].count)
  return { ...customer, database, handled, alerts, accepted, post: postTo(customer.receiver) }
}

/** Posts to a receiver as a route of Next.js. */
function postTo(receiver: Parameters<typeof nextReceiver>[0]) {
  const { POST } = nextReceiver(receiver)
  return async (request: Signed, host = 'myapp.com'): Promise<[number, string]> => {
    const answer = await POST(new Request(`https://${host}/webhooks/audit-trail`, { method: 'POST', ...request }))
    return [answer.status, await answer.text()]
  }
}

interface Signed {
  readonly headers: Record<string, string>
  readonly body: string
}

/** A request as the document has it, made by Node.js alone. */
function signed({
  id = 'whd_abc123',
  type = 'event.created',
  data = { event: EVENT } as object,
  time = seconds(),
} = {}) {
  const body = JSON.stringify({ id, type, timestamp: '2025-01-15T10:30:00Z', tenantId: TENANT, data })
  const headers = {
    'content-type': 'application/json',
    'x-audit-trail-timestamp': time,
    'x-audit-trail-signature': signatureOf(time, body),
    'x-audit-trail-delivery-id': id,
  }
  return { headers, body }
}
const seconds = (off = 0) => String(Math.floor(Date.now() / 1000) + off)

describe('a customer’s application', () => {
  it(
    'answers OK to what is signed, and Invalid signature to all else, of which it keeps nothing (A20, A29)',
    TIMEOUT,
    async () => {
      const { post, accepted } = await application()
      const time = seconds()
      const { headers, body } = signed({ time })
      const refused = [401, 'Invalid signature']
      const { 'x-audit-trail-signature': signature, ...unsigned } = headers
      expect(await post({ headers: unsigned, body })).toEqual(refused)
      for (const wrong of ['sha256=', signature.slice(7), signature.slice(0, 60), `sha256=${'0'.repeat(64)}`]) {
        expect(
          (await post({ headers: { ...headers, 'x-audit-trail-signature': wrong }, body }))[0],
        ).toBeGreaterThanOrEqual(400)
      }
      expect(
        await post({ headers: { ...headers, 'x-audit-trail-signature': `sha256=${'0'.repeat(64)}` }, body }),
      ).toEqual(refused)
      expect(await post({ headers, body: body.replace('John', 'Jane') })).toEqual(refused)
      // A second before the one that was signed, not before now: the clock goes on between the two.
      const earlier = String(Number(time) - 1)
      expect(await post({ headers: { ...headers, 'x-audit-trail-timestamp': earlier }, body })).toEqual(refused)
      expect(await accepted()).toBe(0)
      expect(await post({ headers, body })).toEqual(OK)
      expect(await accepted()).toBe(1)
    },
  )

  it('takes a request under whatever host a tunnel gives it (A31, A32)', TIMEOUT, async () => {
    const { post } = await application()
    expect(await post(signed({ id: 'whd_1' }), '3f2a-81-56.ngrok-free.app')).toEqual(OK)
    expect(await post(signed({ id: 'whd_2' }), 'brave-owl-12.loca.lt')).toEqual(OK)
  })

  it(
    'gives each event to its handler, those of a batch one by one, and acknowledges types that it has none for',
    TIMEOUT,
    async () => {
      const { post, receiver, handled, alerts, accepted } = await application()
      receiver.start()
      const second = { ...EVENT, id: 'event-2' }
      expect(
        await post(signed({ id: 'whd_1', type: 'event.batch.created', data: { events: [EVENT, second] } })),
      ).toEqual(OK)
      const alert = contract.events.get('alert.triggered')?.example as { alert: { title: string } }
      expect(await post(signed({ id: 'whd_2', type: 'alert.triggered', data: alert }))).toEqual(OK)
      expect(await post(signed({ id: 'whd_3', type: 'report.failed', data: {} }))).toEqual(OK)
      await vi.waitFor(() => expect([handled, alerts]).toEqual([[EVENT, second], [alert.alert.title]]), SOON)
      expect(await accepted()).toBe(2)
    },
  )
})

describe('1. Repondre rapidement', () => {
  it('answers before the work is done, and after it is stored (A26)', TIMEOUT, async () => {
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    let done = 0
    const event = async () => {
      await finished
      done++
    }
    const { post, receiver, accepted } = await application({ handlers: { event, alert: () => {} } })
    receiver.start()
    expect(await post(signed())).toEqual(OK)
    expect([await accepted(), done]).toEqual([1, 0])
    finish()
    await vi.waitFor(() => expect(done).toBe(1), SOON)
  })

  it('never says OK to what it could not store (A26, A29)', TIMEOUT, async () => {
    const { post, database } = await application()
    await database.pool.query('alter table hooks.inbox rename to gone')
    const [status] = await post(signed())
    expect(status).toBeGreaterThanOrEqual(500)
    await database.pool.query('alter table hooks.gone rename to inbox')
    expect(await post(signed())).toEqual(OK)
  })

  it.skipIf(!server)(
    'does the work after a restart where it was killed between the answer and the work (A26, A29)',
    { timeout: 120_000 },
    async () => {
      const { receiver, handled, accepted } = await application({ work: { leaseMs: 4_000 } })
      const script = await compiledScript(new URL('child.ts', import.meta.url))
      const child = fork(script, [url ?? '', SECRET])
      closing.push(async () => child.kill('SIGKILL'))
      const [port] = await once(child, 'message')
      const working = once(child, 'message')
      const answer = await fetch(`http://127.0.0.1:${port}/webhooks/audit-trail`, { method: 'POST', ...signed() })
      expect([answer.status, await answer.text()]).toEqual(OK)
      expect(await working).toEqual(['working', undefined])
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      expect(await accepted()).toBe(1)
      receiver.start()
      await vi.waitFor(() => expect(handled).toEqual([EVENT]), SOON)
    },
  )
})

describe('2. Idempotence', () => {
  const again = [200, 'Already processed']

  it('says Already processed to a copy, and does no work for it, after a restart too (A27)', TIMEOUT, async () => {
    const first = await application()
    first.receiver.start()
    expect(await first.post(signed())).toEqual(OK)
    await vi.waitFor(() => expect(first.handled).toHaveLength(1), SOON)
    // A later attempt has another time and another signature.
    for (const off of [-2, -1]) expect(await first.post(signed({ time: seconds(off) }))).toEqual(again)
    await first.receiver.stop()
    const second = await application({ database: first.database })
    second.receiver.start()
    expect(await second.post(signed())).toEqual(again)
    expect(await second.post(signed({ id: 'whd_next' }))).toEqual(OK)
    await vi.waitFor(() => expect(second.handled).toHaveLength(1), SOON)
    expect(first.handled).toHaveLength(1)
  })

  it('stores one of twenty copies at once (A27, A29)', TIMEOUT, async () => {
    const { post, receiver, handled, accepted } = await application()
    receiver.start()
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(signed())))
    expect(answers.filter(([, text]) => text === 'OK')).toHaveLength(1)
    expect(await accepted()).toBe(1)
    await vi.waitFor(() => expect(handled).toHaveLength(1), SOON)
    expect(await post(signed())).toEqual(again)
  })

  it(
    'knows a delivery by the signed id, whatever the header says, and an id that a stranger used up is not (A27)',
    TIMEOUT,
    async () => {
      const { post, receiver, handled } = await application()
      receiver.start()
      const { headers, body } = signed({ id: 'whd_next' })
      expect(
        (await post({ headers: { ...headers, 'x-audit-trail-signature': `sha256=${'0'.repeat(64)}` }, body }))[0],
      ).toBe(401)
      expect(await post({ headers, body })).toEqual(OK)
      const other = { headers: { ...headers, 'x-audit-trail-delivery-id': 'whd_other' }, body }
      expect(await post(other)).toEqual(again)
      const { 'x-audit-trail-delivery-id': _, ...without } = headers
      expect(await post({ headers: without, body })).toEqual(again)
      await vi.waitFor(() => expect(handled).toHaveLength(1), SOON)
    },
  )

  it('does the work again where it failed once (A27, A29)', TIMEOUT, async () => {
    let tries = 0
    const event = () => {
      if (++tries === 1) throw new Error('not now')
    }
    const { post, receiver } = await application({ handlers: { event, alert: () => {} } })
    receiver.start()
    expect(await post(signed())).toEqual(OK)
    await vi.waitFor(() => expect(tries).toBe(2), SOON)
    expect((await receiver.deadLetters.list()).data).toEqual([])
  })

  it('keeps what failed every time for people to look at, and to do again (A29)', TIMEOUT, async () => {
    let tries = 0
    const event = () => {
      if (++tries <= 3) throw new Error('not now')
    }
    const { post, receiver } = await application({ handlers: { event, alert: () => {} } })
    receiver.start()
    await post(signed())
    const letters = await vi.waitFor(async () => {
      const { data } = await receiver.deadLetters.list()
      expect(data).toMatchObject([{ id: 'whd_abc123', type: 'event.created', reason: 'exhausted', attempt: 3 }])
      return data
    }, SOON)
    expect(await receiver.deadLetters.replay(letters.map(({ key }) => key))).toBe(1)
    await vi.waitFor(() => expect(tries).toBe(4), SOON)
  })

  it(
    'does not say that a copy is processed while the first is at work, where the work comes before the answer (A27)',
    TIMEOUT,
    async () => {
      const database = openDatabase(url)
      closing.push(() => database.close())
      let finish = () => {}
      const finished = new Promise<void>((resolve) => {
        finish = resolve
      })
      const begun: string[] = []
      const receiver = createReceiver({
        contract,
        secret: SECRET,
        idempotency: postgresInbox(database.pool, { migrate: true }),
        logger: silentLogger,
      }).on('event.created', async ({ id = '' }) => {
        begun.push(id)
        await finished
      })
      const post = postTo(receiver)
      const first = post(signed())
      await vi.waitFor(() => expect(begun).toEqual(['whd_abc123']), SOON)
      expect((await post(signed()))[0]).not.toBe(200)
      finish()
      expect(await first).toEqual(OK)
      expect(await post(signed())).toEqual(again)
      expect(begun).toHaveLength(1)
    },
  )
})

describe('3. Validation du timestamp', () => {
  const now = new Date('2025-01-15T10:30:00.500Z')
  const clock = { now: () => now, monotonic: () => 0, sleep: () => Promise.resolve() }
  const at = (off: number) => String(Math.floor(now.getTime() / 1000) + off)

  it(
    'takes what is 300 seconds old, and answers Webhook too old to 301; neither is the future taken (A28)',
    TIMEOUT,
    async () => {
      const { post, accepted } = await application({ clock })
      expect(await post(signed({ id: 'whd_1', time: at(-300) }))).toEqual(OK)
      expect(await post(signed({ id: 'whd_2', time: at(-301) }))).toEqual([400, 'Webhook too old'])
      expect(await post(signed({ id: 'whd_3', time: at(300) }))).toEqual(OK)
      const [status, text] = await post(signed({ id: 'whd_4', time: at(301) }))
      expect([status, text]).toEqual([401, '{"error":"timestamp_too_new"}'])
      expect(await accepted()).toBe(2)
    },
  )

  it('refuses, with an answer, a time that is none, though it be signed (A28)', TIMEOUT, async () => {
    const { post, accepted } = await application({ clock })
    for (const time of ['abc', 'Infinity', 'NaN', `${at(0)}junk`, `${at(0)}.5`, '1e9', '-1', `${now.getTime()}`]) {
      const [status, text] = await post(signed({ time }))
      expect([time, status === 400 || status === 401, text !== '']).toEqual([time, true, true])
    }
    const { headers, body } = signed({ time: at(0) })
    const { 'x-audit-trail-timestamp': _, ...without } = headers
    expect(await post({ headers: without, body })).toEqual([401, 'Invalid signature'])
    expect(await accepted()).toBe(0)
  })
})

import { nextCron } from '@hooks/nextjs'
import { createSender, defineContract, defineEvents, memoryStorage } from '@hooks/sender'
import { describe, expect, it } from 'vitest'

const SECRET = 'a-secret-of-the-scheduler'
const ask = (authorization?: string, method = 'GET') =>
  new Request('http://localhost:3000/cron', { method, ...(authorization && { headers: { authorization } }) })

/** A sender that counts, and waits for nothing. */
function counting() {
  const drained: number[] = []
  return { drained, drain: async ({ maxMs }: { maxMs: number }) => void drained.push(maxMs) }
}

describe('a cron route', () => {
  it('delivers what is due, and says so when that is done', async () => {
    const reached: string[] = []
    const events = defineEvents({ 'booking.created': { example: { id: 'booking_1' } } })
    const hooks = createSender({
      contract: defineContract({ events }),
      storage: memoryStorage(),
      transport: {
        async send({ url }) {
          reached.push(String(url))
          return { status: 200, headers: {}, body: '' } as never
        },
      },
    })
    await hooks.endpoints.create('acme', { url: 'https://acme.example/webhooks' })
    await hooks.send('booking.created', { id: 'booking_1' }, { tenant: 'acme' })
    const answer = await nextCron(hooks, { secret: SECRET }).GET(ask(`Bearer ${SECRET}`))
    expect([answer.status, await answer.json()]).toEqual([200, { drained: true }])
    expect(reached).toEqual(['https://acme.example/webhooks'])
    await hooks.stop()
  })

  it('drains for 8 s, or for as long as it is told, by GET and by POST', async () => {
    const hooks = counting()
    await nextCron(hooks, { secret: SECRET }).GET(ask(`Bearer ${SECRET}`))
    await nextCron(hooks, { secret: SECRET, maxMs: 50_000 }).POST(ask(`bearer ${SECRET}`, 'POST'))
    expect(hooks.drained).toEqual([8_000, 50_000])
  })

  it.each([
    undefined,
    'Bearer',
    'Bearer ',
    `Bearer ${SECRET}x`,
    `Bearer ${SECRET.slice(0, -1)}`,
    `Bearer ${SECRET.toUpperCase()}`,
    `Basic ${SECRET}`,
    SECRET,
    `Bearer ${SECRET} ${SECRET}`,
    'Bearer undefined',
  ])('does nothing for who does not know the secret: %s', async (authorization) => {
    const hooks = counting()
    const answer = await nextCron(hooks, { secret: SECRET }).GET(ask(authorization))
    expect([answer.status, answer.headers.get('www-authenticate'), await answer.json()]).toEqual([
      401,
      'Bearer',
      { error: 'unauthorized' },
    ])
    expect(hooks.drained).toEqual([])
  })

  it.each([
    [undefined, 'secret_missing'],
    ['', 'secret_missing'],
    ['short', 'secret_too_short'],
    [`${SECRET}\n`, 'secret_format'],
    ['ein Geheimnis für alle', 'secret_format'],
  ])('does not start with the secret %j', (secret, code) => {
    expect(() => nextCron(counting(), { secret })).toThrow(expect.objectContaining({ code }))
  })

  it('asks a function for the secret at each request, so that a build needs none', async () => {
    const hooks = counting()
    let secret: string | undefined
    const { GET } = nextCron(hooks, { secret: () => secret })
    await expect(GET(ask('Bearer undefined'))).rejects.toMatchObject({ code: 'secret_missing' })
    secret = SECRET
    expect((await GET(ask(`Bearer ${SECRET}`))).status).toBe(200)
  })

  it('looks at the request before the secret: where Next.js asks a route at build time, that is where it stops', async () => {
    let asked = false
    const { GET } = nextCron(counting(), { secret: () => void (asked = true) })
    const request = Object.defineProperty(ask(), 'headers', {
      get: () => {
        throw new Error('only at request time')
      },
    })
    await expect(GET(request)).rejects.toThrow('only at request time')
    expect(asked).toBe(false)
  })

  it.each([0, -1, Number.NaN, '8000'])('does not start with %s ms', (maxMs) => {
    expect(() => nextCron(counting(), { secret: SECRET, maxMs: maxMs as number })).toThrow(
      expect.objectContaining({ code: 'option_invalid' }),
    )
  })

  it('rejects where the storage fails, so that the scheduler sees it', async () => {
    const failing = { drain: () => Promise.reject(new Error('down')) }
    await expect(nextCron(failing, { secret: SECRET }).GET(ask(`Bearer ${SECRET}`))).rejects.toThrow('down')
  })
})

import { describe, expect, it } from 'vitest'
import { HOUR, stage } from './stage.ts'

const code = (wanted: string) => expect.objectContaining({ code: wanted })
const numberOf = ({ body }: { body: Uint8Array }) => JSON.parse(Buffer.from(body).toString()).data.n as number

describe('messages with an ordering key', () => {
  it('reach an endpoint one after the other, whatever is retried in between', async () => {
    let failures = 2
    const { hooks, clock, requests } = await stage(() => (failures-- > 0 ? 500 : 200), {
      policy: { retry: ['0s', '1m', '1m', '1m'], jitter: 0 },
    })
    hooks.start()
    for (let n = 1; n <= 3; n++) await hooks.send('user.deleted', { n }, { tenant: 'acme', orderingKey: 'user-1' })
    await hooks.send('user.deleted', { n: 9 }, { tenant: 'acme', orderingKey: 'user-2' })
    await clock.advance(5 * 60_000)
    const one = requests.map(numberOf).filter((n) => n !== 9)
    expect([...new Set(one)]).toEqual([1, 2, 3])
    expect(one.lastIndexOf(1)).toBeLessThan(one.indexOf(2))
    await hooks.stop()
  })

  it('wait an hour for one that does not get through, and then go past it', async () => {
    const { hooks, clock, requests } = await stage((request) => (numberOf(request) === 1 ? 500 : 200), {
      policy: { retry: ['0s', '3h', '3h'], jitter: 0 },
      poll: '1m',
    })
    hooks.start()
    await hooks.sendMany(
      [1, 2].map((n) => ({ type: 'user.deleted' as const, data: { n }, tenant: 'acme', orderingKey: 'k' })),
    )
    await clock.advance(HOUR - 60_000)
    expect(requests.map(numberOf)).toEqual([1])
    await clock.advance(2 * 60_000)
    expect(requests.map(numberOf)).toEqual([1, 2])
    await clock.advance(3 * HOUR)
    expect(requests.map(numberOf)).toEqual([1, 2, 1])
    await hooks.stop()
  })

  it('wait for as long as it takes where that is asked for', async () => {
    const { hooks, clock, requests } = await stage((request) => (numberOf(request) === 1 ? 500 : 200), {
      policy: { retry: ['0s', '3h', '3h'], jitter: 0 },
      ordering: { onBlocked: 'hold' },
      poll: '10m',
    })
    hooks.start()
    await hooks.sendMany(
      [1, 2].map((n) => ({ type: 'user.deleted' as const, data: { n }, tenant: 'acme', orderingKey: 'k' })),
    )
    await clock.advance(6 * HOUR + 60_000)
    expect(requests.map(numberOf)).toEqual([1, 1, 1, 2])
    await hooks.stop()
  })

  it('have a key that is text, and no time of their own', async () => {
    const { hooks } = await stage()
    const send = (options: object) => hooks.send('user.deleted', {}, { tenant: 'acme', ...options })
    for (const orderingKey of ['', 'x'.repeat(256), 7 as never])
      await expect(send({ orderingKey })).rejects.toEqual(code('ordering_key_invalid'))
    await expect(send({ orderingKey: 'k', deliverAt: new Date() })).rejects.toEqual(code('option_invalid'))
  })

  it('are refused by a storage that knows no order', async () => {
    const { hooks, storage } = await stage()
    Object.assign(storage.facts, { lacks: ['order'] })
    await expect(hooks.send('user.deleted', {}, { tenant: 'acme', orderingKey: 'k' })).rejects.toEqual(
      code('storage_lacks'),
    )
  })
})

import { connect } from '@nats-io/transport-node'
import { findOwnNats } from 'tooling/nats'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { natsQueue } from '../src/index.ts'

const server = await findOwnNats(`authorization { users = [
  { user: reader, password: p, permissions: { publish: { deny: "hooks.>" } } }
  { user: writer, password: p, permissions: { subscribe: { deny: "hooks.>" } } }
] }`)
afterAll(() => server?.kill())

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function queueOf(user: string) {
  const connection = await connect({ servers: server?.url ?? '', user, pass: 'p', maxReconnectAttempts: -1 })
  closing.push(() => connection.close())
  return { connection, queue: natsQueue({ connection }) }
}

describe.skipIf(!server)('a user of NATS', () => {
  it('who may not publish is told so by the next ring, and by all after it, and which subject to allow', async () => {
    const { queue } = await queueOf('reader')
    await queue.ring(0).catch(() => {})
    for (let n = 0; n < 3; n++)
      await expect(queue.ring(0)).rejects.toMatchObject({
        code: 'queue_unavailable',
        message: 'NATS forbids this user publishing to hooks.rings',
        hint: expect.stringContaining('allow'),
      })
    await queue.close()
  })

  it('who may not subscribe is refused as it listens, so that whoever listens tries again', async () => {
    const { queue } = await queueOf('writer')
    await expect(queue.listen(async () => {}, { concurrency: 1 })).rejects.toMatchObject({
      code: 'queue_unavailable',
      message: 'NATS forbids this user subscribing to hooks.rings',
    })
    await queue.ring(0)
    await queue.close()
  })

  it('whose connection drains is refused as it listens', async () => {
    const { connection, queue } = await queueOf('reader')
    const drained = connection.drain()
    await expect(queue.listen(async () => {}, { concurrency: 1 })).rejects.toMatchObject({
      code: 'queue_unavailable',
    })
    await drained
  })
})

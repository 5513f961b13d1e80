import { randomUUID } from 'node:crypto'
import { connect } from '@nats-io/transport-node'
import { findNats } from 'tooling/nats'
import { startRelay } from 'tooling/relay'
import { natsQueue } from '../src/index.ts'

/** The server of this run; undefined where there is none, which it has said. */
export const server = await findNats()

/** Two processes' queues under a subject of their own, behind a relay that can be cut. */
export async function fresh() {
  if (!server) throw new Error('no NATS')
  const { password, username } = new URL(server.url)
  const relay = await startRelay(server.host, server.port)
  const options = {
    servers: `127.0.0.1:${relay.port}`,
    // The server tells its clients of its own address, where there is no relay.
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    ...(username && { user: username, pass: password }),
  }
  const connections = await Promise.all([connect(options), connect(options)])
  const subject = `test.${randomUUID()}`
  const [queue, second] = [
    natsQueue({ connection: connections[0], subject }),
    natsQueue({ connection: connections[1], subject }),
  ]
  return {
    subject,
    connections,
    queue,
    second,
    outage: { begin: () => relay.cut(), end: () => relay.restore() },
    async close() {
      await Promise.all([queue.close(), second.close()])
      await Promise.all(connections.map((connection) => connection.close()))
      await relay.close()
    },
  }
}

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Sends the same bytes `count` times over `connections`, one at a time on each, and checks the status of each answer. */
export async function load(port: number, bytes: Buffer, count: number, connections: number): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  let left = count
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          const next = () => (left-- > 0 ? void socket.write(bytes) : resolve())
          socket.on('error', reject)
          // An answer this short comes in one piece.
          socket.on('data', (answer: Buffer) => {
            if (answer.toString('latin1', 0, 13) === 'HTTP/1.1 200 ') next()
            else reject(new Error(`an answer that is no 200: ${answer.toString('latin1', 0, 80)}`))
          })
          next()
        }),
    ),
  )
  for (const socket of sockets) socket.destroy()
  return count
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  return socket
}

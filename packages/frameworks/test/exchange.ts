import { once } from 'node:events'
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'

/** Where a receiver is served: every host of the shared suite is reached over a socket. */
export interface Place {
  readonly port: number
  readonly path: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Several pieces are sent as chunks, without a content-length. */
  readonly body?: Uint8Array | readonly Uint8Array[]
}

/** One request on a connection of its own, with no header but those that are given and what HTTP needs. */
export async function send({ port, path }: Place, { method = 'POST', headers = {}, body }: Sent): Promise<Answer> {
  const whole = body instanceof Uint8Array
  const length = whole ? { 'content-length': String(body.length) } : {}
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: { ...headers, ...length } as OutgoingHttpHeaders,
    agent: false,
  })
  const answered = once(sent, 'response')
  for (const piece of whole ? [body] : (body ?? [])) {
    sent.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  sent.end()
  const [response] = await answered
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, headers: response.headers, body: text }
}

/** Begins a request, and hangs up in the middle of its body. */
export async function breakOff({ port, path }: Place, headers: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries({ host: '127.0.0.1', 'content-length': '100', ...headers })
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n{"type"`)
  await new Promise((resolve) => setTimeout(resolve, 30))
  socket.destroy()
  await closed
}

/** A sender that listens once it has said all, as those of Python and many others do: the first line of the answer, or why it heard none. */
export function sayAll({ port, path }: Place, bytes: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1').pause()
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`,
    )
    socket.write(new Uint8Array(bytes), () => {
      socket.once('data', (head) => {
        resolve(String(head).split('\r\n')[0] ?? '')
        socket.destroy()
      })
      socket.resume()
    })
  })
}

import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import {
  createReceiver,
  memoryIdempotency,
  type ReceivedRequest,
  type RequestHandler,
  standardWebhooks,
} from '@hooks/receiver'
import { type SignedMessage, signRequest } from '@hooks/receiver/testing'
import type { FastifyInstance } from 'fastify'

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
export const utf8 = (text: string) => new TextEncoder().encode(text)
export const sign = (message: Partial<SignedMessage> = {}) =>
  signRequest(standardWebhooks(), SECRET, { type: 'booking.created', data: { n: 1 }, ...message })

/** What a receiver was given, as it came. */
export interface Seen {
  bytes?: Uint8Array | undefined
  failure?: { code?: string; hint?: string }
  request?: ReceivedRequest
}

/** A receiver that takes everything, and keeps what it is given. `settled` is when it has answered. */
export function recorder(maxBodyBytes = 2 ** 20) {
  const seen: Seen = {}
  let settle!: () => void
  const settled = new Promise<void>((resolve) => {
    settle = resolve
  })
  const receiver: RequestHandler = {
    maxBodyBytes,
    async handle(request) {
      seen.request = request
      try {
        seen.bytes = await (request.body as () => Promise<Uint8Array | undefined>)()
      } catch (error) {
        seen.failure = error as NonNullable<Seen['failure']>
      }
      settle()
      const outcome = seen.failure?.code ?? 'handled'
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{}', outcome }
    },
  }
  return { seen, receiver, settled }
}

/** A Standard Webhooks receiver, the lines of its log, and what its handler got. */
export function real(options: object = {}) {
  const errors: { code: string; err?: { hint?: string } }[] = []
  const handled: unknown[] = []
  const log = (fields: object) => void errors.push(fields as never)
  const logger = { debug() {}, info() {}, warn: log, error: log }
  const receiver = createReceiver({ secret: SECRET, idempotency: memoryIdempotency(), logger, ...options }).on(
    'booking.created',
    ({ data }) => void handled.push(data),
  )
  return { receiver, errors, handled }
}

const apps: FastifyInstance[] = []

/** Serves on a free port of this machine. */
export async function serve(app: FastifyInstance): Promise<number> {
  apps.push(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

export async function closeServers(): Promise<void> {
  for (const app of apps.splice(0)) {
    app.server.closeAllConnections()
    await app.close()
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Several pieces are sent as chunks, without a content-length. */
  readonly body?: Uint8Array | readonly Uint8Array[]
}

export async function send(
  port: number,
  { method = 'POST', path = '/hooks', headers = {}, body = [] }: Sent,
): Promise<Answer> {
  const whole = body instanceof Uint8Array
  const length = whole ? { 'content-length': String(body.length) } : {}
  const sent = request({ host: '127.0.0.1', port, method, path, headers: { ...headers, ...length } as never })
  const answered = once(sent, 'response')
  for (const piece of whole ? [body] : body) {
    sent.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  sent.end()
  const [response] = await answered
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, headers: response.headers, body: text }
}

/** Writes text as it is to a fresh connection, and gives what comes back until it ends. */
export async function talk(port: number, parts: readonly string[], hangUp = false): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  let heard = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    heard += chunk
  })
  // What is hung up on before it has left the process, as on a busy machine, would never be heard.
  await once(socket, 'connect')
  for (const part of parts) {
    await new Promise((resolve) => socket.write(part, resolve))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  if (hangUp) socket.destroy()
  await closed
  return heard
}

/** A sender that listens once it has said all, as those of Python and many others do: the answer's head, or why it heard none. */
export function sayAll(port: number, path: string, bytes: number): Promise<string> {
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

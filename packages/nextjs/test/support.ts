import { connect } from 'node:net'
import {
  createReceiver,
  hmacFormat,
  memoryIdempotency,
  part,
  type ReceivedRequest,
  type RequestHandler,
  standardWebhooks,
} from '@hooks/receiver'
import { type SignedMessage, signRequest } from '@hooks/receiver/testing'

export const URL_HERE = 'http://localhost:3000/webhooks'
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
export const utf8 = (text: string) => new TextEncoder().encode(text)
export const sign = (message: Partial<SignedMessage> = {}) =>
  signRequest(standardWebhooks(), SECRET, { type: 'booking.created', data: { n: 1 }, ...message })

/** What a receiver was given, as it came. */
export interface Seen {
  bytes?: Uint8Array | undefined
  failure?: unknown
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
        seen.failure = error
      }
      settle()
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{}', outcome: 'handled' }
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

/** A receiver of a format that signs the URL, and a request that was signed for `url`. */
export async function signedUrl(url: string) {
  const format = hmacFormat({
    name: 'signs-the-url',
    secret: 'text',
    body: { type: part.type, data: part.data },
    signature: { header: 'x-signature', over: [part.url, part.body] },
  })
  const secret = 'a secret of text, long enough'
  return { receiver: createReceiver({ format, secret }), sent: await signRequest(format, secret, { type: 'a.b', url }) }
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

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, request, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, connect } from 'node:net'
import express5 from 'express'

/** Express 4 has no types of its own here; what these tests use of it is the same. */
const express4 = createRequire(import.meta.url)('express4') as typeof express5

export const versions = [
  ['Express 4', express4],
  ['Express 5', express5],
] as const

export type Express = typeof express5

const servers: Server[] = []

/** Serves on a free port of this machine. */
export async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

export async function closeServers(): Promise<void> {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
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

/** Writes bytes as they are to a fresh connection, and gives what comes back until it ends. */
export async function talk(port: number, parts: readonly (string | Uint8Array)[], hangUp = false): Promise<string> {
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

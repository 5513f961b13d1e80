import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { createServer as createTcp, type Server, type Socket } from 'node:net'
import { createServer as createTls, type TlsOptions } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { AddressPolicy } from '../../src/http/addresses.ts'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { createTransport, type TransportOptions } from '../../src/http/transport.ts'
import type { Answer, ResolvedAddress, Resolver, Transport, TransportRequest } from '../../src/seams.ts'
import { GOOD, KEY } from './certificates.ts'
import { type DnsAnswer, readQuery } from './dns.ts'
import { OK } from './play.ts'

/** A server of the test's own. It and its sockets are gone when the test is. */
export interface Peer {
  readonly port: number
  /** How many connections it has taken. */
  readonly connections: () => number
  /** How many of them are open. */
  readonly open: () => number
  /** Everything that was received, over all connections. */
  readonly received: () => string
  /** How many requests have begun. */
  readonly requests: () => number
}

async function peerOf(
  server: Server,
  host: string,
  port: number,
  onConnection?: (socket: Socket) => void,
): Promise<Peer> {
  const sockets = new Set<Socket>()
  let connections = 0
  let received = ''
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    onConnection?.(socket)
  })
  const log = (socket: Socket) => socket.on('data', (bytes) => (received += bytes.toString('latin1')))
  server.on(onConnection === undefined ? 'secureConnection' : 'connection', log)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    open: () => sockets.size,
    received: () => received,
    requests: () => received.split(' HTTP/1.1\r\n').length - 1,
  }
}

/** A TCP server. `onConnection` plays the receiver. */
export function tcpPeer(onConnection: (socket: Socket) => void, host = '127.0.0.1', port = 0): Promise<Peer> {
  return peerOf(createTcp({ noDelay: true }), host, port, onConnection)
}

/** A TLS server that answers every request with 200, under a good certificate unless told otherwise. */
export function tlsPeer(options: TlsOptions = {}): Promise<Peer> {
  const server = createTls({ key: KEY, cert: GOOD, ...options })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    socket.on('data', () => socket.write(OK))
  })
  return peerOf(server, '127.0.0.1', 0)
}

/** Where tests may connect: this one address, so that 127.0.0.2 can play the internal host. */
export const ONE_ADDRESS: AddressPolicy = createAddressPolicy({ allowPrivateNetworks: ['127.0.0.1/32'] })

/** Resolves every name to the addresses that `answer` gives. */
export function fakeResolver(answer: (host: string) => readonly string[]): Resolver & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    resolve: async (host) => {
      asked.push(host)
      return answer(host).map(
        (address): ResolvedAddress => ({ address, family: address.includes(':') ? 6 : 4, ttlMs: 0 }),
      )
    },
  }
}

/** What a test's request says beside its URL. */
export type Given = Partial<Omit<TransportRequest, 'url' | 'deadline'>> & { readonly deadlineMs?: number }

/** A transport for tests: it reaches 127.0.0.1 by any name, and is closed with the test. */
export function testTransport(options: TransportOptions = {}): Transport & {
  post(url: string, given?: Given): Promise<Answer>
} {
  const transport = createTransport({
    addresses: ONE_ADDRESS,
    resolver: fakeResolver(() => ['127.0.0.1']),
    ...options,
  })
  onTestFinished(() => transport.close?.())
  return {
    ...transport,
    post: (url, { headers = {}, body = Buffer.from('{}'), deadlineMs = 5000 } = {}) =>
      transport.send({ url: new URL(url), headers, body, deadline: performance.now() + deadlineMs }),
  }
}

/** An answer's status or error, for tables. */
export const gist = (answer: Answer): number | string => ('status' in answer ? answer.status : answer.error)

/** A name server over UDP. It answers what `answer` says, or nothing at all. */
export async function dnsPeer(
  answer: (type: 'A' | 'AAAA', name: string) => DnsAnswer,
): Promise<{ readonly server: string; readonly asked: string[] }> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const { type, name, respond } = readQuery(query)
    asked.push(`${type} ${name}`)
    const response = respond(answer(type, name))
    if (response) socket.send(response, from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise((resolve) => socket.close(() => resolve())))
  return { server: `127.0.0.1:${socket.address().port}`, asked }
}

/** undici gives a connection back in the turn after its answer. */
export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

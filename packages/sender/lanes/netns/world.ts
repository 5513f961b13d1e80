import { createSocket } from 'node:dgram'
import { createServer as createTcp, type Server } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { GOOD, KEY } from '../../test/http/certificates.ts'
import { readQuery } from '../../test/http/dns.ts'
import { createZone, NAME_SERVER } from './zone.ts'

/** Everybody else on the internet: whatever address a packet is for, this process answers at the ports of webhooks, and for names. */
const OK = 'HTTP/1.1 204 No Content\r\n\r\n'

const answer = (socket: import('node:net').Socket) => {
  socket.on('error', () => {})
  socket.on('data', () => socket.write(OK))
}

function secure(): Server {
  const server = createTls({ key: KEY, cert: GOOD })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', answer)
  return server
}

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve) => server.listen({ port, host: '::' }, resolve))
await Promise.all([
  listen(secure(), 443),
  listen(secure(), 8443),
  listen(createTcp(answer), 80),
  listen(createTcp(answer), 8080),
])

const zone = createZone()
const names = createSocket('udp4')
names.on('message', (query, from) => {
  const { type, name, respond } = readQuery(query)
  const response = respond(zone(type, name))
  if (response) names.send(response, from.port, from.address)
})
await new Promise<void>((resolve) => names.bind(53, NAME_SERVER, resolve))
console.log('ready')

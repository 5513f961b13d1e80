import { createSocket } from 'node:dgram'
import { createServer as createTcp, type Server, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { EXPIRED, FUTURE, GOOD, KEY, SELF_SIGNED } from '../../test/http/certificates.ts'
import { readQuery } from '../../test/http/dns.ts'
import { failures, statuses } from '../../test/http/hostile-receivers.ts'
import { OK, onRequest } from '../../test/http/play.ts'

/** Every hostile receiver, in a process of its own, so that what it keeps is not the sender's. It prints where they are. */
export interface Receivers {
  /** Of the name server. */
  readonly dns: string
  readonly rows: readonly Row[]
}

/** Where one receiver is, and what an attempt at it must come to. */
export interface Row {
  readonly does: string
  /** `{n}` is another number each time, and so another name. */
  readonly url: string
  readonly answer: string | number
  readonly bodyBytes?: number
}

const BIG_BODY = 1 << 20

async function listen(server: Server): Promise<number> {
  server.on('connection', (socket: Socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

async function plain({ does, play, answer }: (typeof failures)[number]): Promise<Row> {
  const url = `http://{n}.example:${await listen(createTcp({ noDelay: true }, play))}/`
  return { does, url, answer, ...(/never reads|413/.test(does) && { bodyBytes: BIG_BODY }) }
}

async function secure(does: string, host: string, answer: string | number, options: object): Promise<Row> {
  const server = createTls({ key: KEY, ...options })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) => onRequest((one) => one.write(OK))(socket.on('error', () => {})))
  return { does, url: `https://${host}:${await listen(server)}/`, answer }
}

/** No handshake is to be had. */
const silent = async (does: string, answer: string, play: (socket: Socket) => void): Promise<Row> => ({
  does,
  url: `https://good.example:${await listen(createTcp(play))}/`,
  answer,
})

const names = createSocket('udp4')
names.on('message', (query, from) => {
  const { type, name, respond } = readQuery(query)
  const here = [{ address: Buffer.from([127, 0, 0, 1]), ttl: 0 }]
  const inside = [{ address: Buffer.from([10, 0, 0, 1]), ttl: 0 }]
  const way = name.split('.').at(-2) ?? ''
  const answer =
    { silent: 'silence' as const, none: 3, failing: 2, empty: [], inside, mixed: [...here, ...inside] }[way] ??
    (type === 'A' ? here : [])
  const response = respond(type === 'AAAA' && Array.isArray(answer) ? [] : answer)
  if (response) names.send(response, from.port, from.address)
})
await new Promise<void>((resolve) => names.bind(0, '127.0.0.1', resolve))

const rows: Row[] = await Promise.all([
  ...failures.map(plain),
  ...statuses.map(plain),
  secure('has a good certificate', 'good.example', 200, { cert: GOOD }),
  secure('has one for another name', 'bad.example', 'tls_certificate_name', { cert: GOOD }),
  secure('has an expired one', 'good.example', 'tls_certificate_expired', { cert: EXPIRED }),
  secure('has one of the future', 'good.example', 'tls_certificate_not_yet_valid', { cert: FUTURE }),
  secure('has one that it signed itself', 'good.example', 'tls_certificate_untrusted', { cert: SELF_SIGNED }),
  secure('speaks TLS 1.1', 'good.example', 'tls_handshake', {
    cert: GOOD,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  }),
  silent('never shakes hands', 'connect_timeout', (socket) => socket.resume()),
  silent('answers in plain text', 'tls_handshake', (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 400\r\n\r\n')),
  ),
  silent('hangs up at the handshake', 'tls_handshake', (socket) => socket.once('data', () => socket.end())),
  { does: 'has no name', url: 'http://{n}.none.example/', answer: 'dns_failed' },
  { does: 'has no address', url: 'http://{n}.empty.example/', answer: 'dns_failed' },
  { does: 'has a failing name server', url: 'http://{n}.failing.example/', answer: 'dns_failed' },
  { does: 'has a silent name server', url: 'http://{n}.silent.example/', answer: 'connect_timeout' },
  { does: 'has a blocked address', url: 'http://{n}.inside.example/', answer: 'address_blocked' },
  { does: 'has a blocked address among others', url: 'http://{n}.mixed.example/', answer: 'address_blocked' },
])

const told: Receivers = { dns: `127.0.0.1:${names.address().port}`, rows }
process.send?.(told)
process.on('disconnect', () => process.exit())

import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { OK, onRequest, replies } from './play.ts'

/** How much of a body is kept. */
export const CAP = 16 * 1024
export const HEAD = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`

/** Calls `step` every `ms` until the socket is gone. */
function drip(socket: Socket, ms: number, step: () => void): void {
  const timer = setInterval(step, ms)
  socket.on('close', () => clearInterval(timer))
}

/** Writes `bytes` over and over, as fast as they are taken. */
function flood(socket: Socket, bytes: string | Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(bytes)) if (socket.writableLength > 1 << 20) break
  }
  socket.on('drain', more)
  more()
}

const ends = (response: string) => onRequest((socket) => socket.end(response))

/** A receiver that means no good, and what is to be made of it. */
export interface HostileReceiver {
  readonly does: string
  readonly play: (socket: Socket) => void
  readonly answer: number | string
  /** For a status: whether something of the body is missing. */
  readonly truncated?: boolean
  readonly bodyBytes?: number
}

/** What is a failed attempt. */
export const failures: readonly HostileReceiver[] = [
  { does: 'resets on accept', play: (socket) => socket.resetAndDestroy(), answer: 'connection_reset' },
  {
    does: 'resets after the request',
    play: onRequest((socket) => socket.resetAndDestroy()),
    answer: 'connection_reset',
  },
  { does: 'hangs up on accept', play: (socket) => socket.end(), answer: 'connection_reset' },
  { does: 'hangs up after the request', play: onRequest((socket) => socket.end()), answer: 'connection_reset' },
  { does: 'never answers', play: (socket) => socket.resume(), answer: 'response_timeout' },
  { does: 'never reads', play: (socket) => socket.pause(), answer: 'response_timeout' },

  { does: 'sends garbage', play: replies('\u0001\u0002garbage\r\n\r\n'), answer: 'response_malformed' },
  { does: 'is an SSH server', play: replies('SSH-2.0-OpenSSH_9.6\r\n'), answer: 'response_malformed' },
  { does: 'sends a TLS alert', play: replies(Buffer.from([21, 3, 3, 0, 2, 2, 40])), answer: 'response_malformed' },
  { does: 'speaks HTTP/0.9', play: ends('<html>hello</html>'), answer: 'response_malformed' },
  { does: 'speaks HTTP/2', play: replies('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), answer: 'response_malformed' },
  {
    does: 'speaks HTTP/9.9',
    play: replies('HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n'),
    answer: 'response_malformed',
  },
  {
    does: 'ends its lines with LF alone',
    play: replies('HTTP/1.1 200 OK\ncontent-length: 0\n\n'),
    answer: 'response_malformed',
  },
  { does: 'puts a NUL in a header', play: replies(`${HEAD}x: a\u0000b\r\n\r\n`), answer: 'response_malformed' },
  { does: 'sends status 20000', play: replies('HTTP/1.1 20000 OK\r\n\r\n'), answer: 'response_malformed' },
  {
    does: 'sends status 099',
    play: replies('HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n'),
    answer: 'response_malformed',
  },
  {
    does: 'says 100 Continue first',
    play: replies(`HTTP/1.1 100 Continue\r\n\r\n${OK}`),
    answer: 'response_malformed',
  },
  {
    does: 'switches protocols unasked',
    play: replies('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    answer: 'response_malformed',
  },
  {
    does: 'gives two lengths',
    play: replies(`${HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\nok`),
    answer: 'response_malformed',
  },
  {
    does: 'gives a length and chunks',
    play: replies(`${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    answer: 'response_malformed',
  },
  {
    does: 'gives a length of 1e30',
    play: replies(`${HEAD}content-length: 1e30\r\n\r\nok`),
    answer: 'response_malformed',
  },
  {
    does: 'gives a negative length',
    play: replies(`${HEAD}content-length: -1\r\n\r\nok`),
    answer: 'response_malformed',
  },

  {
    does: 'sends 103 for ever, slowly',
    // Fewer than ten in a second, which is the longest that an attempt at it is given.
    play: onRequest((socket) => drip(socket, 150, () => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'))),
    answer: 'response_timeout',
  },
  {
    does: 'sends 103 for ever, fast',
    play: onRequest((socket) => drip(socket, 1, () => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20)))),
    answer: 'response_malformed',
  },
  {
    does: 'sends 103 ten times, and then once more',
    play: replies(`${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(11)}${OK}`),
    answer: 'response_malformed',
  },
  {
    does: 'sends headers for ever',
    play: onRequest((socket) => {
      socket.write(HEAD)
      flood(socket, `x-a: ${'b'.repeat(500)}\r\n`.repeat(20))
    }),
    answer: 'response_headers_too_large',
  },
  {
    does: 'sends one header value for ever',
    play: onRequest((socket) => {
      socket.write(`${HEAD}x: `)
      flood(socket, 'a'.repeat(8192))
    }),
    answer: 'response_headers_too_large',
  },
  {
    does: 'drips its headers',
    play: onRequest((socket) => {
      socket.write(`${HEAD}x: `)
      drip(socket, 20, () => socket.write('a'))
    }),
    answer: 'response_timeout',
  },
  {
    does: 'drips its reason phrase',
    play: onRequest((socket) => {
      socket.write('HTTP/1.1 200 ')
      drip(socket, 20, () => socket.write('a'))
    }),
    answer: 'response_timeout',
  },
]

/** 64 MiB of nothing. */
export const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024))

/** What has answered: the status line decides. */
export const statuses: readonly HostileReceiver[] = [
  {
    does: 'sends status 999',
    play: replies('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'),
    answer: 999,
    truncated: false,
  },
  {
    does: 'sends 103 ten times first',
    play: replies(`${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10)}${OK}`),
    answer: 200,
    truncated: false,
  },
  {
    does: 'sends 102 and 103 first',
    play: replies(`HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`),
    answer: 200,
    truncated: false,
  },
  {
    does: 'speaks HTTP/1.0 and closes',
    play: ends('HTTP/1.0 200 OK\r\n\r\nbody'),
    answer: 200,
    truncated: false,
    bodyBytes: 4,
  },
  { does: 'gives no length and closes', play: ends(`${HEAD}\r\nbody`), answer: 200, truncated: false, bodyBytes: 4 },
  { does: 'says 204', play: replies('HTTP/1.1 204 No Content\r\n\r\n'), answer: 204, truncated: false, bodyBytes: 0 },
  {
    does: 'sends exactly what is kept',
    play: replies(`${HEAD}content-length: ${CAP}\r\n\r\n${'a'.repeat(CAP)}`),
    answer: 200,
    truncated: false,
    bodyBytes: CAP,
  },
  {
    does: 'sends one byte more',
    play: replies(`${HEAD}content-length: ${CAP + 1}\r\n\r\n${'a'.repeat(CAP + 1)}`),
    answer: 200,
    truncated: true,
    bodyBytes: CAP,
  },
  {
    does: 'sends no body after 200',
    play: replies(`${HEAD}content-length: 5\r\n\r\n`),
    answer: 200,
    truncated: true,
    bodyBytes: 0,
  },
  {
    does: 'drips its body',
    play: onRequest((socket) => {
      socket.write(`${HEAD}content-length: 99999\r\n\r\n`)
      drip(socket, 20, () => socket.write('a'))
    }),
    answer: 200,
    truncated: true,
  },
  {
    does: 'sends chunks for ever',
    play: onRequest((socket) => {
      socket.write(CHUNKED)
      flood(socket, `1000\r\n${'a'.repeat(4096)}\r\n`)
    }),
    answer: 200,
    truncated: true,
    bodyBytes: CAP,
  },
  {
    does: 'sends one chunk extension for ever',
    play: onRequest((socket) => {
      socket.write(`${CHUNKED}5;`)
      drip(socket, 5, () => socket.write('a'.repeat(1000)))
    }),
    answer: 200,
    truncated: true,
    bodyBytes: 0,
  },
  {
    does: 'sends trailers for ever',
    play: onRequest((socket) => {
      socket.write(`${CHUNKED}2\r\nok\r\n0\r\n`)
      flood(socket, `x-t: ${'a'.repeat(4000)}\r\n`)
    }),
    answer: 200,
    truncated: true,
    bodyBytes: 2,
  },
  { does: 'sends a bad chunk size', play: replies(`${CHUNKED}2\r\nok\r\nzz\r\n`), answer: 200, truncated: true },
  {
    does: 'hangs up before the end of its body',
    play: ends(`${HEAD}content-length: 10\r\n\r\nfive!`),
    answer: 200,
    truncated: true,
    bodyBytes: 5,
  },
  {
    does: 'resets in the middle of its body',
    play: onRequest((socket) =>
      socket.write(`${HEAD}content-length: 10\r\n\r\nfive!`, () => setTimeout(() => socket.resetAndDestroy(), 20)),
    ),
    answer: 200,
    truncated: true,
    bodyBytes: 5,
  },
  {
    does: 'encodes its body 500 times over',
    play: replies(`${HEAD}content-encoding: ${'gzip,'.repeat(500)}gzip\r\ncontent-length: 2\r\n\r\nok`),
    answer: 200,
    truncated: false,
    bodyBytes: 2,
  },
  {
    does: 'sends a gzip bomb',
    play: replies(
      Buffer.concat([Buffer.from(`${HEAD}content-encoding: gzip\r\ncontent-length: ${BOMB.length}\r\n\r\n`), BOMB]),
    ),
    answer: 200,
    truncated: true,
    bodyBytes: CAP,
  },
  {
    does: 'redirects to itself',
    play: replies('HTTP/1.1 301 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n'),
    answer: 301,
    truncated: false,
  },
  {
    does: 'answers 413 before it has read the body',
    play: (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'))
    },
    answer: 413,
    truncated: false,
  },
  {
    does: 'answers 500 and hangs up',
    play: ends('HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops'),
    answer: 500,
    truncated: false,
    bodyBytes: 4,
  },
]

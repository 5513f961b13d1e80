import type { Socket } from 'node:net'

/** The shortest good response. */
export const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** Calls `then` with the socket at the end of every request's headers. Good for requests of one packet. */
export function onRequest(then: (socket: Socket, request: string) => void): (socket: Socket) => void {
  return (socket) => {
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      if (!text.includes('\r\n\r\n')) return
      const request = text
      text = ''
      then(socket, request)
    })
  }
}

/** A receiver that answers every request with the same bytes. */
export const replies = (response: string | Buffer) => onRequest((socket) => socket.write(response))

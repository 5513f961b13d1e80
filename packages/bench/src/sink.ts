import { createServer } from 'node:http'

/** A receiver in a process of its own: it reads each request, answers 204, and tells its port to its parent. */
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(204).end())
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : address)
})
process.on('disconnect', () => process.exit())

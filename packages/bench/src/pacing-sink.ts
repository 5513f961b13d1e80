import { createServer } from 'node:http'

/** When each request came to the receiver of the pacing run, in ms, and which process it was from. */
export type Arrivals = readonly (readonly [at: number, by: string])[]

/** That receiver, in a process of its own: what else the run does would make it stamp late. It tells what has come when it is asked. */
const arrivals: [number, string][] = []
const server = createServer((request, response) => {
  arrivals.push([performance.now(), String(request.headers['user-agent'])])
  request.resume().on('end', () => response.writeHead(204).end())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : address)
})
process.on('message', () => process.send?.(arrivals satisfies Arrivals))
process.on('disconnect', () => process.exit())

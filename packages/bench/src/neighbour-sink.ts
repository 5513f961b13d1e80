import { createServer } from 'node:http'

/**
 * The receivers of the neighbour run, in a process of their own. Paths: `/hung` is never answered, `/bulk` and `/h...` are at
 * once. Of `/h...` it keeps how long each request took from the time that stands in its data, by the machine's one monotonic
 * clock; of the others how many were in flight at most.
 */
export interface SinkReport {
  /** When each came, and how long that was after it was to be sent, in ms. */
  readonly samples: readonly (readonly [at: number, ms: number])[]
  /** Of the neighbour. */
  readonly mostInFlight: number
  readonly neighbour: number
}

const now = () => Number(process.hrtime.bigint()) / 1e6
let samples: [number, number][] = []
let inFlight = 0
let mostInFlight = 0
let neighbour = 0

const server = createServer((request, response) => {
  const at = now()
  if (!request.url?.startsWith('/h/')) {
    neighbour++
    mostInFlight = Math.max(mostInFlight, ++inFlight)
    response.on('close', () => inFlight--)
    request.resume()
    if (request.url === '/bulk') request.on('end', () => response.writeHead(204).end())
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: { due: number; counts: boolean } }
    if (data.counts) samples.push([at, at - data.due])
    response.writeHead(204).end()
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : address)
})
process.on('message', () => {
  process.send?.({ samples, mostInFlight, neighbour } satisfies SinkReport)
  samples = []
  mostInFlight = inFlight
  neighbour = 0
})
process.on('disconnect', () => process.exit())

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that can be cut: for outages of a server that others use too. */
export interface Relay {
  readonly port: number
  /** Breaks all connections, and refuses new ones. */
  cut(): void
  /** Breaks nothing and carries nothing: as when the network swallows what is sent. */
  stall(): void
  /** Carries nothing on the connections of now, without a word to either end: as a NAT that has forgotten them. */
  forget(): void
  /** Leads new connections to another port, such as that of a standby. */
  lead(port: number): void
  /** Takes connections again, and carries. */
  restore(): void
  close(): Promise<void>
}

/** Listens on a free port of 127.0.0.1, and carries what comes to `host` and `port`. */
export async function startRelay(host: string, port: number): Promise<Relay> {
  const sockets = new Set<Socket>()
  let isCut = false
  let isStalled = false
  let target = port
  let forgotten = new WeakSet<Socket>()
  const server = createServer((inner) => {
    if (isCut) {
      inner.destroy()
      return
    }
    const outer = connect({ host, port: target })
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from)
      from.setNoDelay()
      from.on('data', (data) => {
        if (!isStalled && !forgotten.has(from)) to.write(data)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        // The other end of what was forgotten never hears of it.
        if (!forgotten.has(from)) to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true
      breakAll()
    },
    stall() {
      isStalled = true
    },
    forget() {
      forgotten = new WeakSet(sockets)
    },
    lead(other) {
      target = other
    },
    restore() {
      // What was swallowed is missing from the middle of a connection, so those are of no more use.
      if (isStalled) breakAll()
      isStalled = false
      isCut = false
    },
    close() {
      breakAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

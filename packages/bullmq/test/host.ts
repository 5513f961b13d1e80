import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compiledScript } from 'tooling/script'

/** A process of ./children/host.ts. */
export interface Host {
  /** Tells it to do something, and waits until it is done. */
  do(command: 'work' | { endpoint: string } | { send: number }): Promise<void>
  /** Ends it in order. Resolves to its exit code and what it wrote. */
  stop(): Promise<{ readonly code: number | null; readonly output: string }>
  kill(): void
}

/** Processes of one product: a database, SQLite where none is given, a receiver, and hosts that are started on them. */
export async function product(database?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'hooks-bullmq-'))
  const received: number[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    received.push(JSON.parse(Buffer.concat(chunks).toString()).data.n)
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const hosts: Host[] = []

  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async host(redis: string, name: string, poll = '10m'): Promise<Host> {
      const host = await startHost(database ?? join(folder, 'app.db'), redis, name, poll)
      hosts.push(host)
      return host
    },
    async close() {
      for (const host of hosts) host.kill()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function startHost(...values: readonly string[]): Promise<Host> {
  const script = await compiledScript(new URL('./children/host.ts', import.meta.url))
  const child: ChildProcess = fork(script, values, {
    // Node.js 22 has one for its SQLite, and what is written here is a complaint.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  const over = once(child, 'close').then(([code]) => code as number | null)
  const answered = () =>
    Promise.race([once(child, 'message'), over.then(() => Promise.reject(new Error(`the process ended: ${output}`)))])
  await answered()
  return {
    async do(command) {
      child.send(command)
      await answered()
    },
    async stop() {
      child.send('stop')
      return { code: await over, output }
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

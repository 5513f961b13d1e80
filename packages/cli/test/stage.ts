import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { versions } from 'node:process'
import type { Clock } from '@hooks/core'
import { seededRandom, virtualClock } from '@hooks/sender/testing'
import { type Io, run } from '../src/index.ts'

export interface StageOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly node?: string
  readonly fetch?: (request: Request) => Promise<Response>
  readonly clock?: Clock
}

/** A terminal in which nobody watches, on a virtual clock, without a network. */
export function stage({
  env = {},
  cwd = import.meta.dirname,
  node = versions.node,
  fetch,
  clock = virtualClock(),
}: StageOptions = {}) {
  const random = seededRandom(11)
  const hooks = async (line: readonly string[], stdin: string | Uint8Array = '') => {
    const out: string[] = []
    const notes: string[] = []
    const end = new AbortController()
    const io: Io = {
      env,
      cwd,
      node,
      isTerminal: false,
      clock,
      random,
      out: (text) => void out.push(text),
      note: (text) => void notes.push(text),
      stdin: async () => Buffer.from(stdin as string),
      fetch: fetch ?? (() => Promise.reject(new TypeError('there is no network here'))),
      end: end.signal,
    }
    const status = await run(line, io)
    return { status, out: out.join('\n'), notes: notes.join('\n') }
  }
  return { hooks, clock }
}

/** `hooks listen`, until `end` is called: where it listens, and what it prints. */
export async function listening(
  options: readonly string[],
  { env = {}, cwd = import.meta.dirname, clock = virtualClock() }: StageOptions = {},
) {
  const out: string[] = []
  const notes: string[] = []
  const stop = new AbortController()
  const io: Io = {
    env,
    cwd,
    node: versions.node,
    isTerminal: false,
    clock,
    random: seededRandom(11),
    out: (text) => void out.push(text),
    note: (text) => void notes.push(text),
    stdin: async () => new Uint8Array(),
    fetch: (request) => fetch(request),
    end: stop.signal,
  }
  const done = run(['listen', '--port', '0', ...options], io)
  const settled = Promise.race([done, Promise.resolve()])
  await settled
  while (!notes.some((note) => note.startsWith('listening'))) await new Promise((next) => setImmediate(next))
  const url = /http:\S+?(?=;|$)/.exec(notes[0] ?? '')?.[0] ?? ''
  return {
    url,
    out,
    notes,
    async end() {
      stop.abort()
      return done
    },
  }
}

/** A server of this machine that answers as it is told. */
export async function server(answer: (body: string) => { readonly status: number; readonly body?: string }) {
  const bodies: string[] = []
  const one = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(body)
    const { status, body: text = '' } = answer(body)
    response.writeHead(status, { 'content-type': 'text/plain' }).end(text)
  })
  await new Promise<void>((done) => one.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(one.address() as AddressInfo).port}/in`,
    bodies,
    close: () => new Promise((done) => one.close(done)),
  }
}

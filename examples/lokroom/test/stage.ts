import { mkdtempSync, rmSync } from 'node:fs'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '@hooks/receiver'
import { virtualClock } from '@hooks/sender/testing'
import { createLokroom, type LokroomOptions } from '../src/sender.ts'

export interface Received {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is logged, every level alike. */
export function recorder() {
  const lines: unknown[][] = []
  const log = (...line: unknown[]) => void lines.push(line)
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  return { lines, logger }
}

/** Lok'Room on a clock that stands still, with real servers around it. */
export async function stage(options: Partial<LokroomOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'lokroom-'))
  const clock = virtualClock(new Date('2024-01-15T10:30:00Z'))
  const { lines: logged, logger } = recorder()
  const tokens = { YOUR_TOKEN: 'alice', OTHER_TOKEN: 'bob' }
  const file = join(folder, 'lokroom.sqlite')
  const remove = () => rmSync(folder, { recursive: true })
  const lokroom = begin(
    () => createLokroom({ file, tokens, linkSecret: 'k'.repeat(32), dev: true, clock, logger, ...options }),
    remove,
  )
  const servers: Server[] = []

  const listen = async (app: (request: IncomingMessage, response: ServerResponse) => void) => {
    const server = createServer(app)
    servers.push(server)
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const api = await listen(lokroom.app)

  /** A customer's server that keeps what it gets, and does with the nth request what it is told. */
  const customer = async (answer: (response: ServerResponse, n: number) => void = (response) => response.end('OK')) => {
    const received: Received[] = []
    const origin = await listen((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        const { method, url: path, headers } = request
        received.push({ method, path, headers, body: Buffer.concat(chunks).toString() })
        answer(response, received.length)
      })
    })
    return { url: `${origin}/webhooks/lokroom`, received }
  }

  const call = async (method: string, path: string, body?: unknown, token = 'YOUR_TOKEN') => {
    const answer = await fetch(`${api}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, text, json: text === '' ? undefined : JSON.parse(text) }
  }

  return {
    ...lokroom,
    clock,
    logged,
    listen,
    customer,
    call,
    api,
    /** Registers a webhook, and gives it as the answer shows it. */
    register: async (url: string, events: readonly string[] = ['booking.created'], token = 'YOUR_TOKEN') =>
      (await call('POST', '/api/webhooks', { url, events }, token)).json,
    /** What is due now is sent, and its answers are waited for. */
    deliver: () => lokroom.hooks.drain({ maxMs: 60_000 }),
    /** The printed query of the history. */
    history: async (id: string, query = '') => (await call('GET', `/api/webhooks/${id}/deliveries${query}`)).json,
    async end() {
      await lokroom.hooks.stop()
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      lokroom.db.close()
      remove()
    },
  }
}

function begin<T>(make: () => T, otherwise: () => void): T {
  try {
    return make()
  } catch (error) {
    otherwise()
    throw error
  }
}

export type Stage = Awaited<ReturnType<typeof stage>>

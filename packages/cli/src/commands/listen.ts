import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import type { Bytes } from '@hooks/core'
import { type Command, optionOf, UsageError } from '../command.ts'
import type { Io } from '../io.ts'
import { createJudge, type Judgement } from '../judge.ts'
import { type GivenRequest, printedRequest } from '../request-text.ts'
import { SUBJECT, subjectOf } from '../subject.ts'
import { paint, visible } from '../text.ts'
import { shown } from './verify.ts'

const MOST_BYTES = 1_048_576
const LOOPBACK = /^(127(\.\d+){3}|localhost|\[::1\])$/

export const listen: Command = {
  usage: '[options]',
  about:
    'Receives webhooks on this machine and says of each whether it is honest, and if not, why. Nothing else can reach it.',
  options: {
    port: { about: '4400 by default; 0 for any' },
    respond: { about: 'what to answer in turn, such as 500x2,200: then 204 or 401, as is right' },
    'forward-to': { about: 'a URL of this machine that gets each request as it is, and whose answer is given' },
    save: { about: 'a folder for each request as a file, which `hooks verify` reads' },
    json: { about: 'a line of JSON for each', kind: 'flag' },
    ...SUBJECT,
  },
  async run(_words, flags, io) {
    const subject = await subjectOf(flags, io)
    const judge = subject.secret ? createJudge(subject, io) : undefined
    const answers = answersOf(optionOf(flags, 'respond'))
    const forward = forwardOf(optionOf(flags, 'forward-to'))
    const folder = optionOf(flags, 'save')
    if (folder !== undefined) mkdirSync(resolve(io.cwd, folder), { recursive: true })
    const given = optionOf(flags, 'port') ?? '4400'
    const port = Number(given)
    if (!/^\d{1,5}$/.test(given) || port > 65_535) throw new UsageError('--port is no port')

    let count = 0
    async function take(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
      const began = io.clock.monotonic()
      const body = await bodyOf(incoming)
      if (!body) return void answer.writeHead(413).end()
      const given = { method: incoming.method ?? '', url: incoming.url ?? '', headers: headersOf(incoming), body }
      const found = await judge?.(given)
      const n = ++count
      if (folder !== undefined)
        writeFileSync(
          join(resolve(io.cwd, folder), `${String(n).padStart(4, '0')}.json`),
          `${JSON.stringify(printedRequest(given), null, 2)}\n`,
        )
      const { status, headers, text } = forward
        ? await forwarded(forward, given, io)
        : { status: answers.next() ?? (found && !found.ok ? 401 : 204), headers: {}, text: undefined }
      answer.writeHead(status, headers).end(text)
      const ms = Math.round(io.clock.monotonic() - began)
      if (flags.json === true)
        io.out(JSON.stringify({ n, status, ms, ...printedRequest(given), found: found && shown(found) }))
      else tell(n, status, ms, given, found, io)
    }

    const server = createServer((incoming, answer) => {
      take(incoming, answer).catch((error) => {
        answer.destroy()
        if (!incoming.errored) io.note(`hooks listen: ${visible((error as Error).message)}`)
      })
    })
    await new Promise<void>((done, failed) => {
      server.once('error', failed).listen(port, '127.0.0.1', done)
    })
    io.note(
      `listening at http://127.0.0.1:${(server.address() as AddressInfo).port}${judge ? '' : '; without a secret nothing is verified'}`,
    )
    await new Promise<void>((done) => {
      if (io.end.aborted) done()
      else io.end.addEventListener('abort', () => done(), { once: true })
    })
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
    return 0
  },
}

function tell(n: number, status: number, ms: number, given: GivenRequest, found: Judgement | undefined, io: Io): void {
  const end = paint(io, 'dim', `[${status}] ${ms} ms, ${given.body.length} B`)
  io.out(`#${n} ${nameOf(given, found, io)} ${end}`)
  if (found && !found.ok) for (const reason of [found.text, ...found.reasons]) io.out(`   ${visible(reason)}`)
}

function nameOf({ method, url }: GivenRequest, found: Judgement | undefined, io: Io): string {
  if (!found) return visible(`${method} ${url}`)
  if (!found.ok) return paint(io, 'red', `✗ ${found.code}`)
  const { type, id } = found.message
  return `${paint(io, 'green', '✓')} ${visible(type)}${id === undefined ? '' : ` ${visible(id)}`}`
}

/** Of two lines with one name both, as Node.js joins them. */
function headersOf({ headersDistinct }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')]))
}

async function bodyOf(incoming: IncomingMessage): Promise<Bytes | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming) {
    length += (chunk as Buffer).length
    if (length > MOST_BYTES) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

/** `500x2,200`: each once or so often, then none. @throws UsageError */
function answersOf(text: string | undefined): { next(): number | undefined } {
  const statuses: number[] = []
  for (const one of text === undefined ? [] : text.split(',')) {
    const [, status, times = '1'] = /^([2-5]\d\d)(?:x(\d{1,3}))?$/.exec(one.trim()) ?? []
    if (status === undefined) throw new UsageError('--respond is a list of statuses, such as 500x2,200')
    for (let i = 0; i < Number(times); i++) statuses.push(Number(status))
  }
  return { next: () => statuses.shift() }
}

/** @throws UsageError */
function forwardOf(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined
  if (URL.canParse(text) && LOOPBACK.test(new URL(text).hostname) && /^https?:/.test(text)) return new URL(text)
  throw new UsageError('--forward-to is no URL of this machine')
}

/** What belongs to one connection, and is not passed on. */
const HOP = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'expect',
  'upgrade',
  'te',
])

async function forwarded(target: URL, { method, headers, body }: GivenRequest, io: Io) {
  const passed = Object.entries(headers).filter(([name]) => !HOP.has(name))
  try {
    const response = await io.fetch(
      new Request(target, {
        method,
        headers: passed,
        redirect: 'manual',
        ...(method !== 'GET' && method !== 'HEAD' && { body: new Uint8Array(body) }),
      }),
    )
    const type = response.headers.get('content-type')
    const retry = response.headers.get('retry-after')
    return {
      status: response.status,
      headers: { ...(type !== null && { 'content-type': type }), ...(retry !== null && { 'retry-after': retry }) },
      text: Buffer.from(await response.arrayBuffer()),
    }
  } catch {
    return { status: 502, headers: {}, text: undefined }
  }
}

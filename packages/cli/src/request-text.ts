import { type Bytes, fromBase64 } from '@hooks/core'
import { UsageError } from './command.ts'

/** A request as it came. */
export interface GivenRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Bytes
}

/** A request as `sign --json` and `listen --json` print it: a body that is no text in base64. */
export interface PrintedRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly bodyBase64?: string
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** @see {@link readRequest} */
export function printedRequest({ method, url, headers, body }: GivenRequest): PrintedRequest {
  const text = textOf(body)
  return {
    method,
    url,
    headers,
    ...(text === undefined ? { bodyBase64: Buffer.from(body).toString('base64') } : { body: text }),
  }
}

/** A body as text; undefined where it is none. */
export function textOf(body: Bytes): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}

/**
 * A request out of what people have of one: the JSON that this program prints, a curl command, or the request as it is on
 * the wire, with its head and an empty line before the body.
 *
 * @throws UsageError
 */
export function readRequest(given: Bytes): GivenRequest {
  const text = Buffer.from(given).toString('latin1')
  const start = text.trimStart()
  if (start.startsWith('{')) return fromJson(Buffer.from(given).toString('utf8'))
  if (/^(\$ )?curl\s/.test(start)) return fromCurl(Buffer.from(given).toString('utf8'))
  return fromWire(text)
}

function fromJson(text: string): GivenRequest {
  let given: Readonly<Record<string, unknown>>
  try {
    given = JSON.parse(text)
  } catch {
    throw new UsageError('this is no JSON')
  }
  const { method = 'POST', url = '/', headers, body, bodyBase64 } = given
  const isText = (value: unknown) => typeof value === 'string'
  const areTexts = typeof headers === 'object' && headers !== null && Object.values(headers).every(isText)
  if (!areTexts || !isText(method) || !isText(url) || (typeof body !== 'string' && typeof bodyBase64 !== 'string'))
    throw new UsageError('a request as JSON has `headers` and a `body`, or `bodyBase64`')
  const bytes = typeof body === 'string' ? encoder.encode(body) : fromBase64(bodyBase64 as string)
  if (!bytes) throw new UsageError('`bodyBase64` is no base64')
  return { method: method as string, url: url as string, headers: headers as Record<string, string>, body: bytes }
}

const HEAD = /^([A-Z]+) (\S+)(?: HTTP\/[\d.]+)?\r?\n/

/** Latin-1 in, so that each character is a byte. */
function fromWire(text: string): GivenRequest {
  const line = HEAD.exec(text)
  const rest = line ? text.slice(line[0].length) : text
  const end = /\r?\n\r?\n/.exec(rest)
  if (!end) throw new UsageError('a request has headers, an empty line, and a body')
  const headers: Record<string, string> = {}
  for (const one of rest.slice(0, end.index).split(/\r?\n/)) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(one) ?? []
    if (name === undefined) throw new UsageError('a line before the empty one is no header')
    const lower = name.toLowerCase()
    // As Node.js and fetch join two lines of one name.
    headers[lower] = lower in headers ? `${headers[lower]}, ${value}` : (value ?? '')
  }
  const body = Buffer.from(rest.slice(end.index + end[0].length), 'latin1')
  return { method: line?.[1] ?? 'POST', url: line?.[2] ?? '/', headers, body: cut(body, headers['content-length']) }
}

/** What a pipe or an editor put behind the body, such as a line's end, is no part of it, if it is known how long it is. */
function cut(body: Bytes, length: string | undefined): Bytes {
  return length !== undefined && /^\d+$/.test(length) && Number(length) < body.length
    ? body.subarray(0, Number(length))
    : body
}

const VALUES = new Set(['-X', '--request', '-H', '--header', '-d', '--data', '--data-raw', '--data-binary', '--url'])

function fromCurl(text: string): GivenRequest {
  const words = shellWords(text.trim().replace(/^\$ /, '')).slice(1)
  const headers: Record<string, string> = {}
  let method: string | undefined
  let url: string | undefined
  let body: string | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    if (!VALUES.has(word)) {
      if (!word.startsWith('-')) url = word
      continue
    }
    const value = words[++i] ?? ''
    if (word === '-X' || word === '--request') method = value
    else if (word === '--url') url = value
    else if (word === '-H' || word === '--header') {
      const [, name = '', given = ''] = /^([^:]+):\s*(.*)$/s.exec(value) ?? []
      headers[name.toLowerCase()] = given
    } else if (value.startsWith('@') && word !== '--data-raw') throw new UsageError('the body is in a file: put it in')
    else body = body === undefined ? value : `${body}&${value}`
  }
  return { method: method ?? 'POST', url: url ?? '/', headers, body: encoder.encode(body ?? '') }
}

/** The words of a line of a POSIX shell, without what only a shell could put in. */
function shellWords(line: string): readonly string[] {
  const words: string[] = []
  const parts = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(\r?\n|.)|([^\s'"\\]+)|(\s+)/gsy
  let word: string | undefined
  let at = 0
  for (const [all, single, double, escaped, plain, space] of line.matchAll(parts)) {
    at += all.length
    if (space !== undefined) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (escaped !== undefined) {
      if (!escaped.endsWith('\n')) word = (word ?? '') + escaped
    } else word = (word ?? '') + (single ?? double?.replaceAll(/\\([\\"$`\n])/g, '$1') ?? plain ?? '')
  }
  if (at < line.length) throw new UsageError('a quotation in the curl command does not end')
  return word === undefined ? words : [...words, word]
}

/** A command that makes the request. */
export function curlOf({ url, headers, body }: GivenRequest): string {
  const given = Object.entries(headers).map(([name, value]) => ` \\\n  -H ${quoted(`${name}: ${value}`)}`)
  // curl takes brackets and braces for a list of URLs.
  const globs = /[[\]{}]/.test(url) ? ' --globoff' : ''
  return `curl -X POST${globs} ${quoted(url)}${given.join('')} \\\n  --data-raw ${quoted(Buffer.from(body).toString('utf8'))}`
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Bytes } from '@hooks/core'
import { signRequest } from '@hooks/receiver/testing'
import { type Command, type Flags, needed, type Option, optionOf, UsageError } from '../command.ts'
import type { Io } from '../io.ts'
import { curlOf, type GivenRequest, printedRequest, textOf } from '../request-text.ts'
import { SUBJECT, secretOf, subjectOf } from '../subject.ts'
import { paint, visible } from '../text.ts'

const MESSAGE: Readonly<Record<string, Option>> = {
  data: { about: "the event's data as JSON, @file, or - for the standard input; the catalog's example by default" },
  id: { about: 'the id of the message; a new one by default' },
  wrong: { about: 'one thing wrong with it: signature, timestamp, body or duplicate' },
}

export const sign: Command = {
  usage: '<event type> [options]',
  words: 1,
  about: 'Prints a request that is signed as a sender would sign it, as a curl command.',
  options: {
    ...MESSAGE,
    to: { about: 'its URL, for formats that sign it; http://127.0.0.1:3000/webhooks by default' },
    json: { about: 'as JSON, which `hooks verify` reads', kind: 'flag' },
    ...SUBJECT,
  },
  async run(words, flags, io) {
    const url = addressOf(optionOf(flags, 'to') ?? 'http://127.0.0.1:3000/webhooks')
    const request = await signed(words, flags, io, url)
    io.out(flags.json === true ? JSON.stringify(printedRequest(request)) : curlOf(request))
    return 0
  },
}

export const trigger: Command = {
  usage: '<event type> --to <url> [options]',
  words: 1,
  about: 'Sends such a request, and shows what is answered. 1 where it is no success.',
  options: { to: { about: 'where it is sent' }, ...MESSAGE, ...SUBJECT },
  async run(words, flags, io) {
    const to = addressOf(needed(flags, 'to'))
    const { method, url, headers, body } = await signed(words, flags, io, to)
    const began = io.clock.monotonic()
    io.note(`--> ${words[0]} ${visible(url)} (${body.length} bytes)`)
    let response: Response
    try {
      response = await io.fetch(new Request(url, { method, headers, body: new Uint8Array(body), redirect: 'manual' }))
    } catch (error) {
      const { cause } = error as { readonly cause?: { readonly code?: string } }
      io.note(paint(io, 'red', `<-- nothing: ${cause?.code ?? 'the request failed'}`))
      return 1
    }
    const answer = new Uint8Array(await response.arrayBuffer())
    const ms = Math.round(io.clock.monotonic() - began)
    const line = `<-- ${response.status} ${response.statusText}`.trimEnd()
    io.note(paint(io, response.ok ? 'green' : 'red', `${line} in ${ms} ms`))
    if (answer.length > 0) io.out(textOf(answer) ?? `(${answer.length} bytes that are no text)`)
    return response.ok ? 0 : 1
  },
}

/** Where a request can go. A name and a password are no part of one, and would be printed. */
function addressOf(to: string): string {
  if (!URL.canParse(to) || !/^https?:/.test(to)) throw new UsageError('--to is no http URL')
  const { username, password } = new URL(to)
  if (username || password) throw new UsageError('--to has a name or a password in it, and no request can go there')
  return to
}

const WRONG = ['signature', 'timestamp', 'body', 'duplicate'] as const

async function signed([type]: readonly string[], flags: Flags, io: Io, url: string): Promise<GivenRequest> {
  if (!type?.trim()) throw new UsageError('which event?')
  const subject = await subjectOf(flags, io)
  const wrong = optionOf(flags, 'wrong')
  const invalid = WRONG.find((one) => one === wrong)
  if (wrong !== undefined && !invalid) throw new UsageError(`--wrong is one of: ${WRONG.join(', ')}`)
  const id = optionOf(flags, 'id')
  if (subject.contract && !subject.contract.events.types.includes(type))
    io.note(`the contract has no event "${visible(type)}": it is signed all the same`)
  return signRequest(subject.format, secretOf(subject), {
    type,
    data: await dataOf(flags, io, subject.contract?.events.all.find((event) => event.type === type)?.example),
    url,
    ...(id !== undefined && { id }),
    ...(invalid && { invalid }),
    clock: io.clock,
    random: io.random,
  })
}

async function dataOf(flags: Flags, io: Io, example: unknown): Promise<unknown> {
  const given = optionOf(flags, 'data')
  if (given === undefined) return example ?? {}
  let text: string | Bytes = given
  if (given === '-') text = await io.stdin()
  else if (given.startsWith('@')) text = readFileSync(resolve(io.cwd, given.slice(1)))
  try {
    return JSON.parse(typeof text === 'string' ? text : Buffer.from(text).toString('utf8'))
  } catch {
    throw new UsageError('--data is no JSON')
  }
}

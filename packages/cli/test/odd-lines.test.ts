import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { folderWith } from './folder.ts'
import { stage } from './stage.ts'

const env = { HOOKS_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', HOOKS_URL: 'https://app.example/api' }

describe('an odd command line', () => {
  it.each([['help', 'toString'], ['help', 'constructor'], ['--help', '__proto__'], ['help', 'sing'], ['sing']])(
    'names no command: %s %s',
    async (...line) => {
      const { status, notes } = await stage({ env }).hooks(line.filter(Boolean))
      expect([status, notes.split('\n')[0]]).toEqual([2, `hooks: there is no command "${line.at(-1)}"`])
    },
  )

  it.each([
    [['verify', 'request.json'], 'request.json'],
    [['sign', 'a.b', 'c.d'], 'c.d'],
    [['delivery', 'dlv_1', 'dlv_2'], 'dlv_2'],
    [['docs', 'one', 'two'], 'two'],
    [['migrate', 'now'], 'now'],
    [['diff', 'a', 'b', 'c'], 'c'],
  ])('has one word too many: %s', async (line, word) => {
    const { status, notes } = await stage({ env }).hooks(line)
    expect([status, notes]).toEqual([2, expect.stringContaining(`"${word}" is one word too many`)])
  })

  it.each([
    [['listen', '--port', ''], '--port is no port'],
    [['listen', '--port', '1e3'], '--port is no port'],
    [['sign', 'a.b', '--to', 'nowhere'], '--to is no http URL'],
    [['sign', 'a.b', '--to', 'https://me:hush@app.example'], '--to has a name or a password in it'],
    [['trigger', 'a.b', '--to', 'https://me:hush@app.example'], '--to has a name or a password in it'],
    [['endpoints', '--url', 'https://me:hush@app.example'], 'the URL of the API has a name or a password in it'],
    [['deliveries', '--since', '999999999d'], '--since is a time'],
    [['verify'], 'a request as JSON has `headers`', '{"headers":null,"body":"x"}'],
    [['verify'], 'a request as JSON has `headers`', '{"headers":{"webhook-id":1},"body":"x"}'],
    [['verify'], 'a request as JSON has `headers`', '{"url":5,"headers":{},"body":"x"}'],
    [['diff', '-', 'new.json'], 'describes no webhooks', '{"webhooks":{"a":null}}'],
    [['diff', '-', 'new.json'], 'describes no webhooks', '{"webhooks":{"a":{"post":{}}}}'],
  ])('is told what is wrong with it: %s', async (line, text, stdin = '') => {
    const cwd = folderWith({ 'new.json': '{"webhooks":{}}' })
    const { status, notes } = await stage({ env, cwd }).hooks(line, stdin)
    expect([status, notes]).toEqual([2, expect.stringContaining(text)])
    expect(notes).not.toContain('hush')
  })
})

describe('a configuration', () => {
  it.each([
    ['export const docs = ["x"]', 'docs'],
    ['export const docs = { "a.md": 7 }', 'docs'],
    ['export const storage = {}', 'storage'],
    ['export const contract = { events: 1 }', 'contract'],
  ])('that exports what is none is refused: %s', async (text, name) => {
    const cwd = folderWith({ 'hooks.config.mjs': text })
    for (const line of [['docs', 'out'], ['migrate'], ['doctor'], ['sign', 'a.b']]) {
      const { status, notes } = await stage({ env, cwd }).hooks(line)
      expect([status, notes]).toEqual([2, expect.stringContaining(name)])
    }
    expect(readdirSync(cwd)).toEqual(['hooks.config.mjs'])
  })

  it.each([
    ["throw new Error('no DATABASE_URL')", 'no DATABASE_URL'],
    ["import 'not-installed-anywhere'", 'not-installed-anywhere'],
    ['export const contract = {', ''],
  ])('that cannot be loaded is named, with the reason: %s', async (text, why) => {
    const cwd = folderWith({ 'hooks.config.mjs': text })
    for (const line of [['docs', 'out'], ['migrate'], ['doctor'], ['sign', 'a.b']]) {
      const { status, notes } = await stage({ env, cwd }).hooks(line)
      expect([status, notes]).toEqual([2, expect.stringMatching(/^hooks \w+: hooks\.config\.mjs cannot be loaded: ./)])
      expect(notes).toContain(why)
    }
  })

  it('may export a promise of what it has', async () => {
    const cwd = folderWith({ 'hooks.config.mjs': 'export const docs = Promise.resolve({ "a.md": "x" })' })
    expect(await stage({ env, cwd }).hooks(['docs', 'out', '--check'])).toMatchObject({ status: 1, out: 'a.md' })
  })
})

describe('hooks diff of lists with places', () => {
  const text = { type: 'string' }
  const number = { type: 'number' }
  const list = (prefixItems: readonly object[], items?: object) => ({
    type: 'array',
    prefixItems,
    ...(items && { items }),
  })
  const documentOf = (schema: object) => {
    const content = { 'application/json': { schema: { type: 'object', properties: { at: schema }, required: ['at'] } } }
    return JSON.stringify({ webhooks: { 'a.b': { post: { requestBody: { content } } } } })
  }
  it.each([
    ['the same', list([text, number]), list([text, number]), []],
    ['of other kinds', list([text, number]), list([number, number]), ['✗ a.b at[0] may be number now']],
    ['of fewer', list([text, number]), list([text]), ['✗ a.b at[1] is gone']],
    ['that become a list', list([text], text), { type: 'array', items: text }, []],
    [
      'that become a list of another kind',
      list([text]),
      { type: 'array', items: number },
      ['✗ a.b at[0] may be number now'],
    ],
    ['that were a list', { type: 'array', items: text }, list([text, text]), []],
    [
      'of another kind than the list',
      { type: 'array', items: text },
      list([number]),
      ['✗ a.b at[0] may be number now'],
    ],
  ])('says of places %s what has changed', async (_, before, after, breaks) => {
    const cwd = folderWith({ 'old.json': documentOf(before), 'new.json': documentOf(after) })
    const { status, out } = await stage({ env, cwd }).hooks(['diff', 'old.json', 'new.json'])
    expect(out.split('\n').filter((line) => line.startsWith('✗'))).toEqual(breaks)
    expect(status).toBe(breaks.length > 0 ? 1 : 0)
  })
})

describe('the program', () => {
  const start = (line: readonly string[]) =>
    spawn(
      process.execPath,
      [
        '--conditions=@hooks/source',
        '--import',
        'tsx',
        fileURLToPath(new URL('../src/main.ts', import.meta.url)),
        ...line,
      ],
      { env: { ...process.env, ...env }, cwd: import.meta.dirname },
    )

  it.each([[['help']], [['listen', '--port', '0']]])(
    'ends with the pipe that nobody reads any more, and that is no error: %s',
    async (line) => {
      const child = start(line)
      let notes = ''
      child.stderr.setEncoding('utf8').on('data', (text) => {
        notes += text
      })
      child.stdout.destroy()
      if (line[0] === 'listen') {
        while (!notes.includes('listening at')) await once(child.stderr, 'data')
        const url = /http:\S+/.exec(notes)?.[0] ?? ''
        // What it would print of them is what it finds out by.
        const ask = async () => {
          while (child.exitCode === null) await fetch(url, { method: 'POST', body: '{}' }).catch(() => {})
        }
        void ask()
      }
      const [code] = await once(child, 'close')
      expect([code, notes]).toEqual([0, expect.not.stringContaining('Error')])
    },
    60_000,
  )

  it('ends when it is done, whatever the configuration has opened, and has written all of it', async () => {
    const note = 'x'.repeat(1_000_000)
    const cwd = folderWith({
      'hooks.config.mjs': 'setInterval(() => {}, 1_000_000)',
      'data.json': JSON.stringify({ note }),
    })
    const child = start(['sign', 'a.b', '--data', `@${cwd}/data.json`, '--json', '--config', `${cwd}/hooks.config.mjs`])
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text
    })
    const [code] = await once(child, 'close')
    expect([code, JSON.parse(JSON.parse(out).body).data.note.length]).toEqual([0, note.length])
  }, 60_000)
})

import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as providers from '@hooks/core/formats'
import { virtualClock } from '@hooks/sender/testing'
import { describe, expect, it } from 'vitest'
import { folderWith } from './folder.ts'
import { stage } from './stage.ts'

const HOOKS_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const env = { HOOKS_SECRET }

describe('hooks sign, then hooks verify', () => {
  it.each([['--json'], []])('agree, by JSON and by curl command', async (...flags) => {
    const { hooks } = stage({ env })
    const signed = await hooks(['sign', 'invoice.paid', '--data', `{"note":"it's \\"5\\" \\\\ é"}`, ...flags])
    expect(signed.status).toBe(0)
    const verified = await hooks(['verify', '--json'], signed.out)
    expect(verified.status).toBe(0)
    expect(JSON.parse(verified.out)).toMatchObject({
      ok: true,
      type: 'invoice.paid',
      integrity: 'signed',
      data: { note: `it's "5" \\ é` },
    })
  })

  it('a shell reads the curl command as it is meant', async () => {
    const { hooks } = stage({ env })
    const { out } = await hooks(['sign', 'invoice.paid', '--data', `{"note":"it's $HOME"}`])
    const words = execFileSync('sh', ['-c', `curl() { printf '%s\\n' "$@"; }\n${out}`], { encoding: 'utf8' })
    expect(words).toContain(`"note":"it's $HOME"`)
  })

  it('curl takes a URL with brackets and braces for one URL, and not for a list of them (T72)', async () => {
    const { hooks } = stage({ env })
    const url = 'https://acme.example/in?filter[a]={b,c}'
    const { out } = await hooks(['sign', 'invoice.paid', '--to', url])
    expect(out).toContain(`curl -X POST --globoff '${url}'`)
    expect((await hooks(['verify'], out)).status).toBe(0)
    expect((await hooks(['sign', 'invoice.paid'])).out).toMatch(/^curl -X POST 'http/)
  })

  // Of those with two keys a receiver has the other one, which is noted beside the secret.
  const PAIRS = ['discord', 'sendgrid', 'telnyx']
  it.each(Object.keys(providers))('agree in the format of %s', async (format) => {
    const { hooks } = stage()
    const made = await hooks(['secret', '--format', format])
    expect(made.out).toMatch(/^\S+$/)
    const [, shared] = /the public key, the secret of a receiver.*:\n(\S+)$/.exec(made.notes) ?? []
    expect(shared !== undefined).toBe(PAIRS.includes(format))
    const type = format === 'sendgrid' ? 'events' : 'invoice.paid'
    const signed = await hooks(['sign', type, '--format', format, '--json', '--secret', made.out])
    expect(signed.notes).toBe('')
    const verified = await hooks(['verify', '--format', format, '--secret', shared ?? made.out], signed.out)
    expect([verified.out.split(':')[0], verified.status]).toEqual(['✓ honest', 0])
  })

  it.each(['signature', 'timestamp', 'body', 'duplicate'])(
    'what is wrong by its %s is refused with 1',
    async (wrong) => {
      const { hooks } = stage({ env })
      const { out } = await hooks(['sign', 'invoice.paid', '--json', '--wrong', wrong])
      const verified = await hooks(['verify'], out)
      expect(verified.status).toBe(1)
      expect(verified.out).toMatch(/^✗ (signature_mismatch|timestamp_too_old|malformed_header)/)
    },
  )
})

describe('hooks verify', () => {
  it('reads a request as it is on the wire, and the body to its declared length', async () => {
    const { hooks } = stage({ env })
    const { headers, body } = JSON.parse((await hooks(['sign', 'a.b', '--json'])).out)
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    const wire = ['POST /in HTTP/1.1', ...head, `content-length: ${body.length}`, '', body].join('\r\n')
    expect((await hooks(['verify'], `${wire}\n`)).status).toBe(0)
    expect((await hooks(['verify'], wire.replaceAll('\r\n', '\n'))).status).toBe(0)
  })

  it('says that a body was parsed and written again', async () => {
    const { hooks } = stage({ env })
    const request = JSON.parse((await hooks(['sign', 'a.b', '--json', '--data', '{"a":1}'])).out)
    const spaced = JSON.stringify({ ...request, body: JSON.stringify(JSON.parse(request.body), null, 2) })
    const { status, out } = await hooks(['verify'], spaced)
    expect(status).toBe(1)
    expect(out).toMatch(/signature_mismatch/)
    expect(out).toMatch(/written again|parsed/)
  })

  it('says of a request that was kept that its signature fits, and takes it with --any-time', async () => {
    const clock = virtualClock()
    const { hooks } = stage({ env, clock })
    const { out } = await hooks(['sign', 'a.b', '--json'])
    await clock.advance(7_200_000)
    const late = await hooks(['verify'], out)
    expect(late.status).toBe(1)
    expect(late.out).toMatch(/timestamp_too_old[\s\S]*signature fits/)
    expect((await hooks(['verify', '--any-time'], out)).status).toBe(0)
  })

  it('prints nothing that could move a cursor', async () => {
    const { hooks } = stage({ env })
    const { out } = await hooks(['sign', 'a.b', '--json', '--id', 'msg_1'])
    const hostile = JSON.stringify({ ...JSON.parse(out), body: '{"type":"\\u001b[2J"}' })
    expect((await hooks(['verify'], hostile)).out).not.toContain('\u001b')
  })

  it.each([
    ['', 'empty line'],
    ['{', 'no JSON'],
    ['{}', 'headers'],
    [`curl -H 'a: b`, 'quotation'],
    [`curl -d @file https://a.example`, 'in a file'],
    ['GET / HTTP/1.1\n(: x\n\n', 'no header'],
  ])('says what it cannot read: %j', async (text, words) => {
    const { status, notes } = await stage({ env }).hooks(['verify'], text)
    expect(status).toBe(2)
    expect(notes).toContain(words)
  })

  it('without a secret says where one belongs', async () => {
    const { status, notes } = await stage().hooks(['verify'], '{"headers":{},"body":""}')
    expect(status).toBe(2)
    expect(notes).toContain('HOOKS_SECRET')
  })
})

describe('the project’s own configuration', () => {
  const CONFIG = `
    import { defineContract, defineEvents, hmacFormat, part } from '@hooks/core'
    const events = defineEvents({ 'booking.created': { example: { id: 'booking_1' } } })
    export const contract = defineContract({
      events,
      format: hmacFormat({
        name: 'own', secret: 'text', body: { event: part.type, data: part.data },
        signature: { header: 'x-own', encoding: 'hex', over: [part.body] },
      }),
    })`

  it('gives the format, and the example of its catalog', async () => {
    // Below this folder, so that it finds the packages.
    const { hooks } = stage({ env, cwd: import.meta.dirname })
    const file = `own-${process.pid}.config.mjs`
    writeFileSync(join(import.meta.dirname, file), CONFIG)
    try {
      const { out, notes } = await hooks(['sign', 'booking.created', '--json', '--config', file])
      expect(notes).toBe('')
      const { headers, body } = JSON.parse(out)
      expect(headers['x-own']).toMatch(/^[0-9a-f]{64}$/)
      expect(body).toBe('{"event":"booking.created","data":{"id":"booking_1"}}')
      expect((await hooks(['verify', '--config', file], out)).status).toBe(0)
      const misspelt = await hooks(['sign', 'booking.craeted', '--config', file])
      expect(misspelt).toMatchObject({ status: 0, notes: expect.stringContaining('no event "booking.craeted"') })
    } finally {
      rmSync(join(import.meta.dirname, file))
    }
  })

  it('is missed where it is named and not there', async () => {
    const { status, notes } = await stage({ env }).hooks(['sign', 'a.b', '--config', 'nothing.mjs'])
    expect([status, notes]).toEqual([2, 'hooks sign: there is no file nothing.mjs'])
  })
})

describe('hooks migrate', () => {
  it('looks, prints, brings the database to its version, and then has nothing to do', async () => {
    const file = join(folderWith({}), 'hooks.db')
    const { hooks } = stage()
    // A module is loaded once and its storage closed: each command would be a process of its own.
    const migrate = async (step: number, ...flags: string[]) => {
      const config = join(import.meta.dirname, `storage-${process.pid}-${step}.config.mjs`)
      writeFileSync(
        config,
        `import { sqliteStorage } from '@hooks/sqlite'
        export default { storage: sqliteStorage(${JSON.stringify(file)}, { migrate: false }) }`,
      )
      try {
        return await hooks(['migrate', '--config', config, ...flags])
      } finally {
        rmSync(config)
      }
    }
    expect(await migrate(1, '--check')).toMatchObject({
      status: 1,
      out: 'version 0, and 2 is needed: run `hooks migrate`',
    })
    const printed = await migrate(2, '--print')
    expect(printed.status).toBe(0)
    expect(printed.out).toMatch(/^-- 1, before the new code\ncreate table/)
    expect(printed.out).toContain('-- 2, after the new code\n')
    expect(await migrate(3)).toMatchObject({ status: 0, out: 'version 0 -> 2' })
    expect(await migrate(4, '--check')).toMatchObject({ status: 0, out: 'version 2: nothing to do' })
    expect(await migrate(5, '--print')).toMatchObject({ status: 0, out: '' })
  })

  it('needs a storage', async () => {
    const { status, notes } = await stage().hooks(['migrate'])
    expect(status).toBe(2)
    expect(notes).toContain('hooks.config.mjs')
  })
})

describe('what was typed wrong', () => {
  it.each([
    [['nothing'], 'no command'],
    [['toString'], 'no command'],
    [['sign'], 'which event?'],
    [['sign', ''], 'which event?'],
    [['trigger', ' ', '--to', 'http://127.0.0.1:9/'], 'which event?'],
    [['sign', 'a', '--data', '{'], 'no JSON'],
    [['sign', 'a', '--wrong', 'all'], '--wrong is one of'],
    [['sign', 'a', '--format', 'nobody'], 'no format "nobody"'],
    [['sign', 'a', '--nothing'], '--nothing'],
    [['trigger', 'a'], '--to is missing'],
    [['trigger', 'a', '--to', 'ftp://x'], 'no http URL'],
    [['replay'], 'say which'],
    [['delivery'], 'which delivery?'],
    [['listen', '--respond', 'often'], '--respond'],
    [['listen', '--forward-to', 'https://example.com'], 'no URL of this machine'],
    [['listen', '--port', '70000'], '--port'],
  ])('%j is told with 2', async (line, words) => {
    const { status, notes, out } = await stage({ env: { ...env, HOOKS_URL: 'https://a.example' } }).hooks(line)
    expect(status).toBe(2)
    expect(notes).toContain(words)
    expect(out).toBe('')
  })

  it('the help names every command and every option', async () => {
    const { hooks } = stage()
    const all = await hooks(['help'])
    expect(all.status).toBe(0)
    for (const name of [
      'sign',
      'trigger',
      'verify',
      'listen',
      'endpoints',
      'deliveries',
      'delivery',
      'replay',
      'secret',
      'migrate',
    ])
      expect(all.out).toContain(`  ${name} `)
    expect((await hooks(['replay', '--help'])).out).toContain('--since')
    expect((await hooks([])).out).toBe(all.out)
  })

  it('--version is the version that is installed', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
    expect(await stage().hooks(['--version'])).toEqual({ status: 0, out: version, notes: '' })
  })

  it('what the README types is there', async () => {
    const { hooks } = stage()
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    const lines = [...readme.matchAll(/npx hooks (\w+)([^#\n`]*)/g)].filter(([, name]) => name !== 'help')
    expect(lines.length).toBeGreaterThan(15)
    for (const [line, name = '', rest = ''] of lines) {
      const { status, out } = await hooks([name, '--help'])
      expect([line, status]).toEqual([line, 0])
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(out).toContain(`  ${option}`)
    }
  })
})

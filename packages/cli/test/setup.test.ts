import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Contract,
  defineContract,
  defineEvents,
  hmacFormat,
  part,
  type Storage,
  type WireFormat,
} from '@hooks/core'
import { consumerDocs } from '@hooks/portal/docs'
import { memoryStorage } from '@hooks/sender'
import { virtualClock } from '@hooks/sender/testing'
import { sqliteStorage } from '@hooks/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Config } from '../src/config.ts'
import { type StageOptions, stage } from './stage.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hooks-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

let configs = 0
/** A project whose configuration exports these, and a terminal in it. */
function project(config: Config, options: StageOptions = {}) {
  // A module is loaded once from a path, so each has one of its own.
  const name = `config-${configs++}`
  Object.assign(globalThis, { [name]: config })
  writeFileSync(join(folder, `${name}.mjs`), `export default globalThis['${name}']`)
  const { hooks } = stage({ cwd: folder, ...options })
  return (line: readonly string[], stdin?: string) => hooks([...line, '--config', `${name}.mjs`], stdin)
}

const booking = z.object({
  id: z.string(),
  seats: z.int().max(8),
  status: z.enum(['PENDING', 'PAID']),
  guests: z.array(z.object({ name: z.string().max(80), email: z.email().optional() })),
  note: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
})
const contractOf = (schema: z.ZodType, format?: WireFormat, deprecated?: string) =>
  defineContract({
    events: defineEvents({ 'booking.created': { schema, ...(deprecated && { deprecated }) }, 'user.deleted': {} }),
    ...(format && { format }),
  })
const docsOf = (contract: Contract) =>
  consumerDocs(contract, {
    product: 'Acme',
    version: '1.0.0',
    date: '2026-01-31',
    languages: ['node'],
    locales: ['en'],
  })

describe('hooks docs', () => {
  it('writes what the configuration has, says which files, and leaves what is up to date', async () => {
    const docs = docsOf(contractOf(booking))
    const hooks = project({ docs })
    const first = await hooks(['docs', 'out'])
    expect([first.status, first.out.split('\n').sort()]).toEqual([0, Object.keys(docs).sort()])
    expect(readFileSync(join(folder, 'out/webhooks.en.md'), 'utf8')).toBe(docs['webhooks.en.md'])
    expect(readdirSync(join(folder, 'out/schemas'))).toHaveLength(2)
    expect(await hooks(['docs', 'out'])).toMatchObject({ status: 0, out: '', notes: 'up to date' })
  })

  it('with --check writes nothing, and is 1 where the folder holds another one', async () => {
    const docs = docsOf(contractOf(booking))
    await project({ docs })(['docs', 'out'])
    expect(await project({ docs })(['docs', 'out', '--check'])).toMatchObject({ status: 0, out: '' })
    const checked = await project({ docs: docsOf(contractOf(booking.omit({ note: true }))) })([
      'docs',
      'out',
      '--check',
    ])
    expect(checked.status).toBe(1)
    expect(checked.out.split('\n')).toContain('schemas/booking.created.schema.json')
    expect(checked.notes).toContain('npx hooks docs out')
    expect(readFileSync(join(folder, 'out/webhooks.en.md'), 'utf8')).toBe(docs['webhooks.en.md'])
  })

  it('says what to export where there is none', async () => {
    const hooks = project({ contract: contractOf(booking) })
    expect(await hooks(['docs', 'out'])).toMatchObject({
      status: 2,
      notes: expect.stringContaining('export const docs'),
    })
    expect((await hooks(['docs'])).status).toBe(2)
  })
})

describe('hooks diff', () => {
  const own = (header: string) =>
    hmacFormat({
      name: 'own',
      secret: 'text',
      body: { event: part.type, '...': part.data },
      signature: { header },
    })
  const openapi = (contract: Contract) => docsOf(contract)['openapi.json'] as string
  const lines = async (before: Contract, after: Contract) => {
    writeFileSync(join(folder, 'old.json'), openapi(before))
    const { out, status } = await project({ docs: docsOf(after) })(['diff', 'old.json'])
    return { status, out: out.split('\n').filter(Boolean).sort() }
  }
  const between = (change: (schema: typeof booking) => z.ZodType, format?: WireFormat) =>
    lines(contractOf(booking, format), contractOf(change(booking), format))

  it.each<[what: string, change: (schema: typeof booking) => z.ZodType, said: string]>([
    ['a field that is gone', (s) => s.omit({ note: true }), 'data.note is gone'],
    ['a field that need not be there', (s) => s.partial({ seats: true }), 'data.seats is not always there any more'],
    ['another type', (s) => s.extend({ id: z.int() }), 'data.id may be integer now'],
    ['a number that need not be whole', (s) => s.extend({ seats: z.number().max(8) }), 'data.seats may be number now'],
    ['a null', (s) => s.extend({ id: z.string().nullable() }), 'data.id may be null now'],
    [
      'one value more',
      (s) => s.extend({ status: z.enum(['PENDING', 'PAID', 'LOST']) }),
      'data.status may be "LOST" now',
    ],
    ['any text for some values', (s) => s.extend({ status: z.string() }), 'data.status may be string now'],
    ['a wider limit', (s) => s.extend({ seats: z.int().max(12) }), 'data.seats is less limited by maximum'],
    ['a limit that is gone', (s) => s.extend({ seats: z.int() }), 'data.seats is less limited by maximum'],
    [
      'a field in a list',
      (s) => s.extend({ guests: z.array(z.object({ email: z.email().optional() })) }),
      'data.guests[].name is gone',
    ],
    [
      'an entry of a record',
      (s) => s.extend({ tags: z.record(z.string(), z.int()) }),
      'data.tags.* may be integer now',
    ],
    ['anything', (s) => s.extend({ id: z.any() }), 'data.id may be anything now'],
  ])('finds that %s breaks those who receive, in our format and in a flat one', async (_, change, said) => {
    const nested = await between(change)
    expect([nested.status, nested.out]).toEqual([1, expect.arrayContaining([`✗ booking.created ${said}`])])
    expect(nested.out.filter((line) => line.startsWith('✗'))).toHaveLength(1)
    const flat = await between(change, own('x-own'))
    expect(flat.out).toContain(`✗ booking.created ${said.replace('data.', '')}`)
  })

  it.each<[what: string, change: (schema: typeof booking) => z.ZodType, said: string | undefined]>([
    ['nothing', (s) => s, undefined],
    ['a new field', (s) => s.extend({ table: z.string() }), 'data.table is new'],
    [
      'a field that is always there',
      (s) => s.extend({ guests: z.array(z.object({ name: z.string().max(80), email: z.email() })) }),
      'data.guests[].email is always there now',
    ],
    ['a value less', (s) => s.extend({ status: z.enum(['PAID']) }), 'data.status is never "PENDING" any more'],
    ['a null less', (s) => s.extend({ note: z.string() }), 'data.note is never null any more'],
    ['a closer limit', (s) => s.extend({ seats: z.int().max(6) }), 'data.seats is more limited by maximum'],
  ])('finds that %s breaks nobody', async (_, change, said) => {
    const { status, out } = await between(change)
    expect([status, out]).toEqual([0, said === undefined ? [] : [`· booking.created ${said}`]])
  })

  it('sees events and headers come and go, and what is deprecated', async () => {
    const gone = defineContract({ events: defineEvents({ 'booking.created': { schema: booking }, 'user.made': {} }) })
    expect(await lines(contractOf(booking), gone)).toEqual({
      status: 1,
      out: ['· user.made is new', '✗ user.deleted is sent no more'],
    })
    const renamed = await lines(contractOf(booking, own('x-old')), contractOf(booking, own('x-new')))
    expect(renamed.out).toContain('✗ booking.created header x-old is gone')
    expect(renamed.out).toContain('· booking.created header x-new is new')
    const old = await lines(contractOf(booking), contractOf(booking, undefined, 'Use booking.made.'))
    expect(old).toEqual({ status: 0, out: ['· booking.created is deprecated'] })
  })

  it('follows what describes itself', async () => {
    const tree = (leaf: z.ZodType): z.ZodType => {
      const node: z.ZodType = z.lazy(() => z.object({ leaf, under: z.array(node) }))
      return z.object({ node })
    }
    const { status, out } = await lines(contractOf(tree(z.string())), contractOf(tree(z.int())))
    expect([status, out.filter((line) => line.startsWith('✗'))]).toEqual([
      1,
      ['✗ booking.created data.node.leaf may be integer now'],
    ])
  })

  it('reads the old one from a pipe and the new one from a file, and prints lines of JSON', async () => {
    writeFileSync(join(folder, 'new.json'), openapi(contractOf(booking.omit({ note: true }))))
    const hooks = project({})
    const { status, out } = await hooks(['diff', '-', 'new.json', '--json'], openapi(contractOf(booking)))
    expect([status, JSON.parse(out)]).toEqual([
      1,
      { event: 'booking.created', change: 'data.note is gone', breaks: true },
    ])
  })

  it.each([
    ['no file', ['diff'], ''],
    ['a file that is not there', ['diff', 'absent.json'], ''],
    ['what is no JSON', ['diff', '-', '-'], 'no'],
    ['what describes no webhooks', ['diff', '-'], '{"openapi":"3.1.0"}'],
  ])('says of %s what it is', async (_, line, stdin) => {
    const { status, notes } = await project({ docs: docsOf(contractOf(booking)) })(line, stdin)
    expect([status, notes]).toEqual([2, expect.stringContaining('hooks diff:')])
  })
})

describe('hooks doctor', () => {
  const good = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const about = (out: string, what: string) => out.split('\n').find((line) => line.slice(2).startsWith(`${what}:`))

  /** The storage of memory, which says of itself what it is told to. */
  const storageThat = ({ schema = {}, depth = {} }: { readonly schema?: object; readonly depth?: object }) => {
    const storage = memoryStorage({ clock: virtualClock() })
    return {
      ...storage,
      schema: { ...storage.schema, check: async () => ({ ...(await storage.schema.check()), ...schema }) },
      depth: async () => ({ ...(await storage.depth()), ...depth }),
    } as Storage
  }

  it('says that all is well, where it is', async () => {
    const storage = sqliteStorage(join(folder, 'a.db'), { migrate: false }) as Storage
    await storage.schema.migrate()
    const example = { schema: z.object({ id: z.string() }), example: { id: 'a' } }
    const contract = defineContract({ events: defineEvents({ 'booking.created': example }) })
    const clock = virtualClock(new Date())
    const hooks = project({ contract, storage }, { env: { HOOKS_SECRET: good }, clock, node: '22.12.0' })
    const { status, out } = await hooks(['doctor'])
    expect(out.split('\n').map((line) => line.replace(/:.*/, ''))).toEqual([
      '✓ Node.js',
      '✓ configuration',
      '✓ contract',
      '✓ database',
      '✓ clock',
      '✓ work',
      '✓ HOOKS_SECRET',
    ])
    expect(status).toBe(0)
  })

  it('names the examples that do not fit their schema, and what of them, without a value', async () => {
    const schema = z.object({ id: z.string(), seats: z.int() })
    const contract = defineContract({
      events: defineEvents({
        'booking.created': { schema, example: { id: 'a', seats: 'hunter2' } },
        'booking.moved': { schema, example: { id: 'a', seats: 2 } },
      }),
    })
    const { status, out } = await project({ contract })(['doctor'])
    expect(out.split('\n').filter((line) => line.includes('contract:'))).toEqual([
      '✓ contract: 2 event types, format standard-webhooks',
      expect.stringMatching(/^✗ contract: the example of "booking\.created" does not fit its schema: seats: /),
    ])
    expect(out).not.toContain('hunter2')
    expect(status).toBe(1)
  })

  it('names the command that brings a database up to date, and looks no further in it', async () => {
    const storage = sqliteStorage(join(folder, 'a.db'), { migrate: false }) as Storage
    const { status, out } = await project({ storage })(['doctor'])
    expect([status, about(out, 'database')]).toEqual([1, '✗ database: version 0, and 2 is needed'])
    expect(out).toContain('\n  npx hooks migrate')
    expect(about(out, 'clock')).toBe(undefined)
  })

  it.each([
    ['partitions that run out', { schema: { weeksAhead: 2, fewestWeeks: 4 } }, 'partitions', '✗', 'npx hooks migrate'],
    ['partitions that have run out', { schema: { weeksAhead: 0 } }, 'partitions', '✗', 'npx hooks migrate'],
    ['enough of them', { schema: { weeksAhead: 4, fewestWeeks: 4 } }, 'partitions', '✓', ''],
    [
      'enough of them for a storage that wants fewer',
      { schema: { weeksAhead: 2, fewestWeeks: 2 } },
      'partitions',
      '✓',
      '',
    ],
    ['a database that is newer', { schema: { version: 9 } }, 'database', '!', 'packages'],
    ['a clock that is ahead', { depth: { at: new Date(Date.now() - 10 * 365 * 86_400_000) } }, 'clock', '✗', 'set-ntp'],
    ['what is due and nobody takes', { depth: { due: 4, oldestDueMs: 3_600_000 } }, 'work', '✗', '`start()`'],
    ['what waits for a minute', { depth: { unexpanded: 1, oldestDueMs: 60_000 } }, 'work', '!', '`start()`'],
    ['what is due just now', { depth: { due: 4, oldestDueMs: 1_000 } }, 'work', '✓', ''],
  ])('says of %s what it is and what to do', async (_, said, what, mark, todo) => {
    const { status, out } = await project({ storage: storageThat(said) })(['doctor'])
    expect(about(out, what)?.[0]).toBe(mark)
    expect(out).toContain(todo)
    expect(status).toBe(mark === '✗' ? 1 : 0)
  })

  it.each([
    ['a line break behind it', `${good}\n`],
    ['another kind', 'hunter2'],
    ['nothing', ''],
  ])('says of a secret with %s that it is wrong, and does not show it', async (_, secret) => {
    const { status, out } = await project({}, { env: { HOOKS_SECRET: secret } })(['doctor'])
    expect([status, about(out, 'HOOKS_SECRET')?.[0]]).toEqual([1, '✗'])
    expect(out).not.toMatch(/MfKQ9r8|hunter2/)
  })

  it('says what the environment does to requests, of an old Node.js, and of a project without a configuration', async () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', https_proxy: 'http://user:hunter2@proxy.example' }
    const { status, out } = await stage({ cwd: folder, env, node: '20.18.1' }).hooks(['doctor', '--json'])
    const found = out.split('\n').map((line) => JSON.parse(line) as { mark: string; about: string })
    expect(found.map(({ mark, about }) => `${mark} ${about}`)).toEqual([
      'bad Node.js',
      'note configuration',
      'bad certificates',
      'note proxy',
    ])
    expect(out).not.toContain('hunter2')
    expect(status).toBe(1)
  })
})

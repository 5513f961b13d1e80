import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import {
  ConfigurationError,
  EndpointError,
  HooksError,
  isHooksError,
  PayloadError,
  StorageError,
  WebhookVerificationError,
} from '@hooks/core'
import { describe, expect, it } from 'vitest'
import type * as Errors from '../src/errors.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

/** The unions of errors.ts: by class, the codes in their order. */
const declared = [...read('../src/errors.ts').matchAll(/^export type (\w+)Code =((?:\s+(?:\| )?'\w+')+)/gm)].flatMap(
  ([, group, union]) =>
    [...String(union).matchAll(/'(\w+)'/g)].map(([, code]) => ({
      code: String(code),
      class: group === 'Verification' ? 'WebhookVerificationError' : `${group}Error`,
    })),
)

/** The rows of the two tables: all errors, and the problems that only the management API has. */
const [rows = [], problems = []] = read('../ERRORS.md')
  .split('## Problems of the management API')
  .map((part) =>
    part
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  )

/** By a status of the management API, the errors that have it. */
const statuses = new Map(
  [...read('../ERRORS.md').matchAll(/^\| (\d{3}) \| (.*) \|$/gm)].map(([, status = '', codes = '']) => [status, codes]),
)

const packages = fileURLToPath(new URL('../..', import.meta.url))

/** What the packages are made of, by their files' paths. */
const sources = readdirSync(packages)
  .filter((name) => readdirSync(join(packages, name)).includes('src'))
  .flatMap((name) =>
    readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => [join(name, 'src', file), readFileSync(join(packages, name, 'src', file), 'utf8')] as const),
  )

describe('the table of errors in ERRORS.md', () => {
  it('lists every code of the unions and no other, in their order, with its class', () => {
    expect(declared.length).toBeGreaterThan(50)
    expect(rows.map(([code, name]) => ({ code: code?.replaceAll('`', ''), class: name }))).toEqual(declared)
  })

  it('says of each what it means and what to do', () => {
    for (const [code, , meaning, remedy] of rows) {
      expect(meaning, code).toMatch(/^.{15,}\.$/)
      expect(remedy, code).toMatch(/^.{5,}\.$/)
    }
  })

  it('has every code once', () => {
    expect(new Set(declared.map(({ code }) => code)).size).toBe(declared.length)
    for (const { code } of declared) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
  })

  it('lists codes that the packages throw: each stands in some source beside the unions', () => {
    const texts = sources
      .filter(([file]) => file !== join('core', 'src', 'errors.ts') && !/\btesting\b/.test(file))
      .map(([, text]) => text)
    const unused = declared.filter(({ code }) => !texts.some((text) => text.includes(`'${code}'`)))
    expect(unused).toEqual([])
  })

  it('has what the management API refuses by itself, each with its status, and no more', () => {
    const known = new Set(rows.map(([code]) => code))
    const thrown = sources
      .filter(([file]) => file.startsWith(join('portal', 'src')))
      .flatMap(([, text]) => [...text.matchAll(/new Refusal\(\s*(\d{3}),\s*'(\w+)'/g)])
      .map(([, status, code]) => ({ status: String(status), code: `\`${code}\`` }))
    const listed = problems.flatMap(([code, statuses = '']) =>
      statuses.split(', ').map((status) => `${code} ${status}`),
    )
    const own = new Set(thrown.filter(({ code }) => !known.has(code)).map(({ code, status }) => `${code} ${status}`))
    expect(listed.sort()).toEqual([...own, '`internal` 500'].sort())
    const borrowed = thrown.filter(({ code }) => known.has(code))
    for (const { code, status } of borrowed) expect(statuses.get(status), code).toContain(code)
    expect(Math.min(own.size, borrowed.length)).toBeGreaterThan(4)
  })

  it('says with which status the management API answers those of its errors that it does not answer with 422', () => {
    const [, refusal = ''] = sources.find(([file]) => file.endsWith('refusal.ts')) ?? []
    const table = String(/const STATUS[^{]*\{([^}]*)\}/.exec(refusal)?.[1])
    const pairs = [...table.matchAll(/(\w+): (\d{3})/g)]
    expect(pairs.length).toBeGreaterThan(10)
    for (const [, code = '', status = ''] of pairs) expect(statuses.get(status), code).toContain(`\`${code}\``)
  })
})

describe('errors', () => {
  const kinds = [
    ['WebhookVerificationError', WebhookVerificationError, 'signature_mismatch'],
    ['ConfigurationError', ConfigurationError, 'option_invalid'],
    ['EndpointError', EndpointError, 'url_invalid'],
    ['PayloadError', PayloadError, 'payload_invalid'],
    ['StorageError', StorageError, 'storage_busy'],
  ] as const

  it.each(kinds)('say what they are: %s', (name, Kind, code) => {
    const cause = new Error('underneath')
    const error = new Kind(code as never, 'it is wrong', { hint: 'mend it', cause })
    expect(error).toMatchObject({ name, code, message: 'it is wrong', hint: 'mend it', cause })
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).toBe(`${name}: it is wrong`)
    expect(inspect(error)).toContain(code)
    expect(new Kind(code as never, 'plain')).not.toHaveProperty('hint')
    expect(new Kind(code as never, 'plain')).not.toHaveProperty('cause')
  })

  it.each(kinds)('are instances of their class, of the base and of no other class: %s', (_, Kind, code) => {
    const error = new Kind(code as never, 'x')
    expect(error instanceof HooksError).toBe(true)
    for (const [, Other] of kinds) expect(error instanceof Other).toBe(Other === (Kind as unknown))
  })

  it('are known across two copies of the module, as of the ESM and the CJS build', async () => {
    // A query makes the loader take the file for another module.
    const path = '../src/errors.ts?another-copy'
    const copy = (await import(path)) as typeof Errors
    expect(copy.HooksError).not.toBe(HooksError)
    for (const [name, Kind, code] of kinds) {
      const Other = copy[name] as unknown as typeof Kind
      const [own, foreign] = [new Kind(code as never, 'x'), new Other(code as never, 'x')]
      expect(foreign instanceof Kind && foreign instanceof HooksError).toBe(true)
      expect(own instanceof Other && own instanceof copy.HooksError).toBe(true)
      expect(isHooksError(foreign, code) && copy.isHooksError(own, code)).toBe(true)
      for (const [, Third] of kinds) expect(foreign instanceof Third).toBe(Third === (Kind as unknown))
    }
  })

  it('leave a subclass of the user what the language means by instanceof', () => {
    class Mine extends ConfigurationError {}
    const mine = new Mine('option_invalid', 'x')
    expect(mine instanceof Mine && mine instanceof ConfigurationError && mine instanceof HooksError).toBe(true)
    expect((new ConfigurationError('option_invalid', 'x') as unknown) instanceof Mine).toBe(false)
    expect(mine.name).toBe('ConfigurationError')
  })

  it.each([
    undefined,
    null,
    0,
    '',
    'signature_mismatch',
    {},
    { code: 'signature_mismatch' },
    new Error('x'),
    Object.create(null),
  ])('are not mistaken for other things: %o', (value) => {
    expect(value instanceof HooksError).toBe(false)
    expect(isHooksError(value)).toBe(false)
  })

  it('are found by their code', () => {
    const error: unknown = new PayloadError('payload_invalid', 'x')
    expect(isHooksError(error)).toBe(true)
    expect(isHooksError(error, 'payload_invalid')).toBe(true)
    expect(isHooksError(error, 'payload_not_json')).toBe(false)
  })

  it('carry what a schema found, or nothing', () => {
    const issues = [{ path: 'user.email', message: 'expected string' }]
    expect(new PayloadError('payload_invalid', 'x', { issues }).issues).toBe(issues)
    expect(new PayloadError('payload_invalid', 'x').issues).toEqual([])
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { delivery, send } from '../support.ts'
import { subjects } from './subjects.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const rows = [
  ...readme.matchAll(/^\| `(\w+)(\(\{ signed: true \}\))?` \| (`(\S+)`|in the body) \|.* \| (.+) \| (.+) \|$/gm),
]
const spell = (ms: number) => (ms % 3_600_000 === 0 ? `${ms / 3_600_000} h` : `${ms / 60_000} min`)

describe("the README's table of providers", () => {
  const shown = rows.map(([, name, signed, , header, window, id]) => ({
    name: signed ? `${name}, signed` : name,
    header,
    window,
    id,
  }))

  it('has a row for every format', () => {
    const names = subjects.map(({ name }) => name).filter((name) => name !== 'hook0, v0 too')
    expect(shown.map(({ name }) => name).sort()).toEqual(names.sort())
  })

  it.each(shown.map((row) => [row.name as string, row] as const))(
    'says what the format says: %s',
    async (name, row) => {
      const subject = subjects.find((one) => one.name === name)
      if (!subject) throw new Error(`there is no format ${name}`)
      const { format, sign, type } = subject
      const { facts, window } = format
      expect(row.id).toBe(facts.id)
      expect(row.window).toBe(window && facts.sentAt === 'signed' ? spell(window.maxAgeMs) : 'none')
      const { headers } = await send(format, [sign], delivery({ type }))
      if (row.header) expect(Object.keys(headers)).toContain(row.header)
    },
  )
})

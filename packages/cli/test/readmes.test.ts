import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stage } from './stage.ts'

const root = join(import.meta.dirname, '../../..')

/** Every page of the repository that somebody reads before anything is installed. */
const pages = ['README.md', 'examples', 'packages'].flatMap((name) =>
  name.endsWith('.md') ? [name] : pagesUnder(name),
)

function pagesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return /^(node_modules|dist|src|test|\..*)$/.test(entry.name) ? [] : pagesUnder(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

/** What is typed behind the program's name, up to a comment, a pipe, or the end of what is typed. */
const lines = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/\bnpx (?:hooks|@hooks\/cli)\b([^\n`)|<#]*)/g)].map(
    ([, typed = '']) => ({ page, typed: typed.trim() }),
  ),
)

const words = (typed: string) => (typed.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'))

it.each(lines)('$page has a command that there is: hooks $typed', async ({ typed }) => {
  // The command is parsed as ever, and says what it does in place of doing it.
  const { status, notes } = await stage().hooks([...words(typed), ...(typed ? ['--help'] : [])])
  expect({ status, notes }).toEqual({ status: 0, notes: '' })
})

it('finds the commands, and does not take what is none', async () => {
  expect(lines.map(({ typed }) => typed)).toEqual(expect.arrayContaining(['secret', 'doctor', 'verify --any-time']))
  const { hooks } = stage()
  expect((await hooks([...words('triger booking.created'), '--help'])).status).toBe(2)
  expect((await hooks([...words('listen --response 500'), '--help'])).status).toBe(2)
})

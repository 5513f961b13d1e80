import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { server } from './servers.ts'

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const shown =
  [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map(([, code = '']) => code)
    .find((code) => code.includes('postgresStorage(')) ?? ''

/** Inside this package, so that the packages' names mean the workspace. */
const root = fileURLToPath(new URL('../.readme', import.meta.url))
mkdirSync(root, { recursive: true })
const folder = mkdtempSync(join(root, 'run-'))
afterAll(() => rmSync(folder, { recursive: true }))

const CONTRACT = `
import { defineContract, defineEvents } from '@hooks/core'
export const contract = defineContract({ events: defineEvents({ 'booking.created': {} }) })
`
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

describe.runIf(server)('the README of the project', () => {
  it.each([
    ['commit', 1],
    ['rollback', 0],
  ])('shows a send that is there after %s as the row beside it is: %i', async (end, n) => {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const pool = new pg.Pool({ connectionString: url })
    await pool.query('create table booking (id text, seats int)')
    writeFileSync(join(folder, 'contract.ts'), CONTRACT)
    const program = shown.replace(`query('commit')`, `query('${end}')`)
    expect(program).toContain(`query('${end}')`)
    writeFileSync(join(folder, 'program.ts'), `${program}\nawait hooks.stop()\nawait pool.end()\n`)
    await promisify(execFile)(process.execPath, ['--conditions=@hooks/source', '--import', tsx, 'program.ts'], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL: url },
    })
    const count = async (table: string) => (await pool.query(`select count(*)::int as n from ${table}`)).rows[0].n
    expect([await count('booking'), await count('hooks.message')]).toEqual([n, n])
    await pool.end()
    await drop()
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** The path of a database that is not there yet, in a folder that goes with the test. */
export function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hooks-sqlite-'))
  folders.push(folder)
  return join(folder, 'app.db')
}

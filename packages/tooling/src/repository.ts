import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top of the repository. */
export const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The folders of `packages/` that are published: all that have a manifest which is not private. */
export const published: readonly string[] = readdirSync(join(root, 'packages')).filter((name) => {
  const manifest = join(root, 'packages', name, 'package.json')
  return existsSync(manifest) && !JSON.parse(readFileSync(manifest, 'utf8')).private
})

/** All TypeScript files under a folder of the repository, as paths from its top; none where there is no such folder. */
export const sources = (folder: string): string[] => {
  const found: string[] = []
  for (const entry of list(folder)) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory() && entry.name !== 'node_modules') found.push(...sources(path))
    else if (/\.[cm]?ts$/.test(entry.name)) found.push(path)
  }
  return found
}

/** The folders directly under a folder of the repository. */
export const folders = (folder: string): string[] =>
  list(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${folder}/${entry.name}`)

const list = (folder: string) => {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true })
  } catch {
    return []
  }
}

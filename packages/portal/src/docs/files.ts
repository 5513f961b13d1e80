import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Files } from './consumer-docs.ts'

/** Writes files into a folder, over what is there. What the folder holds besides stays. */
export async function writeDocs(folder: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, text)
  }
}

/**
 * The paths of files that a folder does not hold to the byte: none where it is up to date. For a check in CI.
 *
 * @example
 * const stale = await docsDrift('docs/webhooks', consumerDocs(contract, options))
 * if (stale.length > 0) throw new Error(`out of date: ${stale.join(', ')}`)
 */
export async function docsDrift(folder: string, files: Files): Promise<readonly string[]> {
  const stale: string[] = []
  for (const [path, text] of Object.entries(files)) {
    const there = await readFile(join(folder, path), 'utf8').catch(() => undefined)
    if (there !== text) stale.push(path)
  }
  return stale
}

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { keptPromises, SEEDS, withPromises } from 'documents'
import { describe, expect, it } from 'vitest'

const example = (path: string) => fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url))

describe.each(SEEDS)('what the document of "%s" promises', (seed) => {
  const kept = keptPromises(seed, example(`${seed}/test`))

  it('is kept by a test of its example, promise by promise', () => {
    expect([...kept].filter(([, titles]) => titles.length === 0).map(([number]) => number)).toEqual([])
  })

  it("is listed in the example's README, as `pnpm --filter documents promises` writes it", () => {
    const readme = readFileSync(example(`${seed}/README.md`), 'utf8')
    expect(withPromises(readme, kept)).toBe(readme)
  })
})

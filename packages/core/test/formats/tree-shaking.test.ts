import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const index = new URL('../../src/formats/index.ts', import.meta.url)

/** Every format of the index: its export, and the file of the provider. */
const formats = [...readFileSync(index, 'utf8').matchAll(/^export \{ (.+) \} from '\.\/(.+)\.ts'$/gm)].flatMap(
  ([, names = '', provider = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => !name.startsWith('type '))
      .map((name) => ({ name, provider })),
)

const bundle = async (contents: string) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
    bundle: true,
    minifySyntax: true,
    platform: 'neutral',
    format: 'esm',
    conditions: ['@hooks/source'],
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** The names of providers that stand in a bundle as strings of their own. */
const providersIn = (text: string) =>
  [...new Set(formats.map(({ provider }) => provider))].filter((name) => new RegExp(`["'\`]${name}["'\`]`).test(text))

describe('a bundle with one provider', () => {
  it.each(formats)('holds $name and no other', async ({ name, provider }) => {
    const text = await bundle(`export { ${name} } from '@hooks/core/formats'`)
    expect(providersIn(text)).toEqual([provider])
  })

  it('of all of them holds all: the search sees what is there', async () => {
    const all = formats.map(({ name }) => name).join(', ')
    const providers = [...new Set(formats.map(({ provider }) => provider))]
    expect(providersIn(await bundle(`export { ${all} } from '@hooks/core/formats'`))).toEqual(providers)
  })
})

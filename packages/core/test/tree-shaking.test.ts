import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const resolveDir = fileURLToPath(new URL('..', import.meta.url))

/** What a bundler makes of it. */
const bundle = async (contents: string) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    conditions: ['@hooks/source'],
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

describe('a bundle with one function of this package, which is published as one file', () => {
  it('holds that function, the base of errors, and nothing else that was made as the file was loaded', async () => {
    const published = await bundle(`export * from '@hooks/core'`)
    const text = await bundle(`${published.replace(/^export \{[^}]*\};?$/m, '')}\nexport { toHex }`)
    const made = [...text.matchAll(/^(?:var|let|const|class|function|async function) (\w+)/gm)].map(([, name]) => name)
    expect(made).toEqual(['BRANDS', 'HooksError', 'toHex'])
  })
})

import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'esbuild'
import { describe, expect, it } from 'vitest'

const ENTRY = `
import { createReceiver, memoryIdempotency } from '@hooks/receiver'
const receiver = createReceiver({ secret: 'whsec_', idempotency: memoryIdempotency() }).on('a', () => {})
export default { fetch: receiver.fetch }
`

/** Core as it is published: one file, of which a bundler can leave out less. */
const publishedCore = async (): Promise<Plugin> => {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '@hooks/core'`, resolveDir },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    conditions: ['@hooks/source'],
    write: false,
  })
  return {
    name: 'published-core',
    setup(build) {
      build.onResolve({ filter: /^@hooks\/core$/ }, ({ path }) => ({
        path,
        namespace: 'published',
        sideEffects: false,
      }))
      build.onLoad({ filter: /./, namespace: 'published' }, () => ({ contents: outputFiles[0]?.text ?? '' }))
    },
  }
}

/** What is loaded on demand: by an option, a format or a failure that this receiver does not have. */
const onDemand: string[] = []
const leaveOut: Plugin = {
  name: 'leave-out-what-is-loaded-on-demand',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path, kind }) => {
      if (kind !== 'dynamic-import') return undefined
      onDemand.push(path)
      return { path, external: true }
    })
  },
}

const resolveDir = fileURLToPath(new URL('..', import.meta.url))

const bundle = (plugins: Plugin[]) =>
  build({
    stdin: { contents: ENTRY, resolveDir, loader: 'ts' },
    bundle: true,
    minify: true,
    platform: 'neutral',
    format: 'esm',
    conditions: ['@hooks/source'],
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
    metafile: true,
    plugins,
  })

const gzipped = (text: Uint8Array | undefined) => gzipSync(text ?? '', { level: 9 }).length

describe('a receiver in a bundle', () => {
  it('of one handler, one secret, memory idempotency and fetch is small, and depends on nothing', async () => {
    const core = await publishedCore()
    const { outputFiles, metafile } = await bundle([core, leaveOut])
    const [output] = Object.values(metafile.outputs)
    expect(output?.imports.filter(({ kind }) => kind !== 'dynamic-import')).toEqual([])
    expect(new Set(onDemand)).toEqual(new Set(['./unusual.ts']))
    const { outputFiles: whole } = await bundle([core])
    const [first, all] = [gzipped(outputFiles[0]?.contents), gzipped(whole[0]?.contents)]
    // What answers the first good request, and, where a bundler makes one file, that with all that is loaded on demand.
    expect({ first: first <= 6_760, all: all <= 8_568 }, `${first} and ${all} bytes`).toEqual({
      first: true,
      all: true,
    })
  })
})

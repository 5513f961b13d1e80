import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const ENTRY = `
import { createReceiver, memoryIdempotency } from '@hooks/receiver'
const receiver = createReceiver({ secret: 'whsec_', idempotency: memoryIdempotency() }).on('a', () => {})
export default { fetch: receiver.fetch }
`

describe('a receiver in a bundle', () => {
  it('of one handler, one secret, memory idempotency and fetch is small, and depends on nothing', async () => {
    const { outputFiles, metafile } = await build({
      stdin: { contents: ENTRY, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
      bundle: true,
      minify: true,
      platform: 'neutral',
      format: 'esm',
      conditions: ['@hooks/source'],
      write: false,
      metafile: true,
    })
    const [output] = Object.values(metafile.outputs)
    expect(output?.imports).toEqual([])
    expect(gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length).toBeLessThanOrEqual(7 * 1024)
  })
})

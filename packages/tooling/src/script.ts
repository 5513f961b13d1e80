import { randomUUID } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const compiled = new Map<string, Promise<string>>()

/**
 * A TypeScript program of ours in one file of JavaScript, together with the sources it imports: a process of it is up in a
 * fraction of the time that one takes which compiles for itself.
 *
 * @param program Its file: `new URL('./children/work.ts', import.meta.url)`.
 * @returns The path of the JavaScript.
 */
export function compiledScript(program: URL): Promise<string> {
  const made = compiled.get(program.href) ?? compile(fileURLToPath(program))
  compiled.set(program.href, made)
  return made
}

async function compile(program: string): Promise<string> {
  const [folder = '', name = '', ...inside] = relative(ROOT, program).split(sep)
  // In its package: `require` finds there what it finds from its source.
  const cache = join(ROOT, folder, name, 'node_modules/.cache/scripts')
  const script = join(cache, `${inside.join('-')}.mjs`)
  // Other processes may be reading the one that is there.
  const written = join(cache, `${randomUUID()}.mjs`)
  await build({
    entryPoints: [program],
    outfile: written,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@hooks/source'],
    plugins: [npmStaysOutside],
  })
  await rename(written, script)
  return script
}

/** What comes from npm is loaded from where the importing package has it, native parts and all. */
const npmStaysOutside: Plugin = {
  name: 'npm-stays-outside',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (kind === 'entry-point' || path.startsWith('@hooks/') || pluginData === npmStaysOutside) return undefined
      const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: npmStaysOutside })
      return { ...found, external: true }
    })
  },
}

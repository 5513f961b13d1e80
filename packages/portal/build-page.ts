import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Rolldown } from 'vite'

const folder = join(import.meta.dirname, 'page')
const target = join(import.meta.dirname, 'src/page/assets.generated.ts')

/** The most that the page may weigh on its way, in bytes after gzip. */
export const BUDGET = { script: 40 * 1024, style: 6 * 1024 }

/** What the page is made of, as one hash: it tells whether the generated file is that of these sources. */
export function hashOfSources(): string {
  const hash = createHash('sha256')
  const { devDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'))
  for (const name of ['preact', '@preact/signals', 'vite']) hash.update(`${name} ${devDependencies[name]}\n`)
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((one) => one.replaceAll('\\', '/'))
  for (const name of names.filter((one) => /\.(tsx?|css)$/.test(one)).sort()) {
    hash.update(`${name}\n`).update(readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n'))
  }
  return hash.digest('hex')
}

export const weightOf = (text: string) => gzipSync(text, { level: 9 }).length

/** The page as the generated file: two texts, which need no file system where they are served. */
export async function buildPage(): Promise<string> {
  const { build } = await import('vite')
  const built = (await build({
    root: folder,
    configFile: false,
    logLevel: 'warn',
    mode: 'production',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      cssCodeSplit: false,
      rolldownOptions: { input: join(folder, 'main.tsx'), output: { codeSplitting: false } },
    },
  })) as Rolldown.RolldownOutput
  const texts = built.output.map((one) => ('code' in one ? one.code : String(one.source)))
  const style = texts[built.output.findIndex(({ fileName }) => fileName.endsWith('.css'))]
  const script = texts[built.output.findIndex(({ fileName }) => fileName.endsWith('.js'))]
  if (texts.length !== 2 || style === undefined || script === undefined)
    throw new Error(
      `the page is not one script and one style: ${built.output.map(({ fileName }) => fileName).join(', ')}`,
    )
  return [
    '// Made by `pnpm --filter @hooks/portal build:page` from the sources in ../../page: change those, and run it again.',
    `export const SOURCES = ${JSON.stringify(hashOfSources())}`,
    `export const SCRIPT = ${asset('js', script.trim())}`,
    `export const STYLE = ${asset('css', style.trim())}`,
    '',
  ].join('\n')
}

/** A name of its own for every content, so that browsers may keep it for ever. */
function asset(ending: string, text: string): string {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 10)
  return `{ name: ${JSON.stringify(`portal-${hash}.${ending}`)}, text: ${JSON.stringify(text)} }`
}

if (process.argv[1] === import.meta.filename) {
  const text = await buildPage()
  writeFileSync(target, text)
  const { SCRIPT, STYLE } = await import(target)
  console.log(`script ${weightOf(SCRIPT.text)} bytes after gzip, style ${weightOf(STYLE.text)}`)
}

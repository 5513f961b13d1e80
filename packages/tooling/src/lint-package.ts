import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cwd, exit } from 'node:process'

/** Packs the package of the current folder as a release would, and judges the archive, not the folder. */
const folder = mkdtempSync(join(tmpdir(), 'package-'))
const faults: string[] = []

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

const check = (command: string, ...args: string[]): void => {
  try {
    run(command, ...args)
  } catch (error) {
    faults.push(`${command} ${args.slice(0, -1).join(' ')}\n${(error as { stdout?: string }).stdout ?? error}`)
  }
}

try {
  run('pnpm', 'pack', '--pack-destination', folder)
  const archive = join(folder, readdirSync(folder)[0] ?? '')
  run('tar', '-xzf', archive, '-C', folder)
  const packed = join(folder, 'package')

  const files = readdirSync(packed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(packed.length + 1))
  const strangers = files.filter((file) => !/^(dist\/.*|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/.test(file))
  if (strangers.length > 0) faults.push(`files that no user needs: ${strangers.join(', ')}`)
  for (const file of ['LICENSE', 'README.md']) if (!existsSync(join(packed, file))) faults.push(`${file} is missing`)

  const text = readFileSync(join(packed, 'package.json'), 'utf8')
  const { exports } = JSON.parse(text)
  const folders = JSON.parse(readFileSync('package.json', 'utf8')).exports
  if (text.includes('"workspace:')) faults.push('the manifest still holds workspace: ranges')
  if (JSON.stringify(exports).includes('@hooks/source')) faults.push('the exports still lead to sources')
  for (const entry of Object.values(folders))
    if (typeof entry === 'object') delete (entry as Record<string, unknown>)['@hooks/source']
  if (JSON.stringify(exports) !== JSON.stringify(folders)) faults.push('publishConfig.exports differs from exports')

  check('publint', '--strict', archive)
  check('attw', '--profile', 'node16', archive)
  console.log(`${cwd().split(/[\\/]/).at(-1)}: ${files.length} files`)
} finally {
  rmSync(folder, { recursive: true })
}
for (const fault of faults) console.error(fault)
if (faults.length > 0) exit(1)

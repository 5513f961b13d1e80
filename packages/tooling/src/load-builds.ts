import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, exit } from 'node:process'
import { published, root } from './repository.ts'

/**
 * Loads every entry of every built package, as an ES module and as CommonJS, in a plain Node.js without any loader,
 * and compares the names that come out. With arguments, it uses that Node.js: `load-builds.ts npx -y node@22.12`.
 */
const [command = process.execPath, ...prefix] = argv.slice(2)

const names = (cwd: string, type: 'module' | 'commonjs', specifier: string): string => {
  const load = type === 'module' ? `await import('${specifier}')` : `require('${specifier}')`
  const script = `console.log(Object.keys(${load}).filter((name) => name !== 'module.exports').sort().join(' '))`
  // Experimental features, such as require() of an ES module, must not be needed.
  const options = type === 'commonjs' ? ['--no-experimental-require-module'] : []
  return execFileSync(command, [...prefix, ...options, `--input-type=${type}`, '-e', script], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim()
}

let failed = 0
let passed = 0
for (const folder of published) {
  const cwd = join(root, 'packages', folder)
  const { name, exports } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
  for (const subpath of Object.keys(exports).filter((key) => key !== './package.json')) {
    const specifier = name + subpath.slice(1)
    try {
      const [esm, cjs] = [names(cwd, 'module', specifier), names(cwd, 'commonjs', specifier)]
      if (esm !== cjs) throw new Error(`import gives [${esm}], require gives [${cjs}]`)
      console.log(`${specifier}: ${esm === '' ? 0 : esm.split(' ').length} names, the same both ways`)
      passed++
    } catch (error) {
      console.error(`${specifier}: ${error instanceof Error ? error.message : error}`)
      failed++
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) exit(1)

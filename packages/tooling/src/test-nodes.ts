import { spawnSync } from 'node:child_process'
import { argv, exit } from 'node:process'
import { root } from './repository.ts'

/**
 * Runs the unit tests on every supported line of Node.js, or on those that are named, and all of them or those of the
 * paths that are named: `pnpm test:nodes 26 packages/core`. The binaries come from npm.
 */
const named = argv.slice(2).filter((argument) => argument !== '--')
const isLine = (argument: string) => /^\d+(\.\d+)*$/.test(argument)
const lines = named.some(isLine) ? named.filter(isLine) : ['20.19', '22', '24']
const paths = named.filter((argument) => !isLine(argument))

const tests = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'packages/tooling/vitest.config.ts', ...paths]
const results = lines.map((line) => {
  const node = ['-y', `node@${line}`]
  const { stdout } = spawnSync('npx', [...node, '-v'], { cwd: root, encoding: 'utf8' })
  const version = stdout?.trim()
  // Without this a download that failed could leave the tests to the Node.js that is there.
  if (!version?.startsWith(`v${line}.`)) return `FAILED on Node.js ${line}: npm gave ${version || 'none'}`
  console.log(`\nNode.js ${version}`)
  const { status } = spawnSync('npx', [...node, ...tests], { cwd: root, stdio: 'inherit' })
  return `${status === 0 ? 'passed' : 'FAILED'} on Node.js ${version}`
})
console.log(`\n${results.join('\n')}`)
if (results.some((result) => result.startsWith('FAILED'))) exit(1)

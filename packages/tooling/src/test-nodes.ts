import { spawnSync } from 'node:child_process'
import { argv, exit } from 'node:process'
import { root } from './repository.ts'

/** Runs the unit tests on every supported line of Node.js, or on those that are named: `pnpm test:nodes 26`. */
const lines = argv.length > 2 ? argv.slice(2) : ['20.19', '22', '24']

const tests = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'packages/tooling/vitest.config.ts']
const results = lines.map((line) => {
  console.log(`\nNode.js ${line}`)
  const { status } = spawnSync('npx', ['-y', `node@${line}`, ...tests], { cwd: root, stdio: 'inherit' })
  return `${status === 0 ? 'passed' : 'FAILED'} on Node.js ${line}`
})
console.log(`\n${results.join('\n')}`)
if (results.some((result) => result.startsWith('FAILED'))) exit(1)

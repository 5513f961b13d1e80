import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../tooling/vitest.config.ts'

/** What needs a privilege, or minutes, and so is no part of the unit tests. */
export default mergeConfig(
  { ...base, test: { ...base.test, projects: undefined } },
  defineConfig({ test: { include: ['packages/sender/lanes/**/*.test.ts'] } }),
)

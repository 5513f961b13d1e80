import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../tooling/vitest.config.ts'

/** What installs a framework or a run time of its own, and so is no part of the unit tests. */
export default mergeConfig(
  { ...base, test: { ...base.test, projects: undefined } },
  defineConfig({
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    test: {
      include: ['packages/frameworks/lanes/**/*.test.ts'],
      fileParallelism: false,
      testTimeout: 60_000,
      hookTimeout: 600_000,
    },
  }),
)

import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../tooling/vitest.config.ts'

/** What needs network namespaces of its own, and so the privilege to make them. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  defineConfig({ test: { include: ['packages/sender/lanes/**/*.test.ts'] } }),
)

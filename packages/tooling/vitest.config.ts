import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** The packages' sources stand in for their builds, so tests need no build first. */
const conditions = ['@hooks/source', 'module', 'node', 'development|production']

const PURE = ['packages/{core,receiver,sender,portal,cli,documents,express,fastify,nextjs}/test/**/*.test.ts']

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      // A process that has loaded the sources once runs many files of these: what they share keeps nothing between tests, and has no
      // hooks of its own, which would be those of the first file alone.
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          name: 'own',
          include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...PURE],
        },
      },
    ],
    globalSetup: fileURLToPath(new URL('./vitest.global.ts', import.meta.url)),
    setupFiles: [fileURLToPath(new URL('./vitest.setup.ts', import.meta.url))],
    restoreMocks: true,
    // Many files wait for servers, processes and timers: even two processors have room for three at a time.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // No test is about speed: a machine that is busy with other work fails none.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/build.ts', 'test/setup/cluster.ts'],
    setupFiles: ['test/setup/log-guard-check.ts'],
    // One more than the cores of a small machine: many tests wait for locks and time limits.
    maxWorkers: 3,
    // The files of a worker share its modules: to import the service takes two seconds of a processor.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
})

import { basename } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files that take longest, first of the tests and then of the drills. One that began last would be waited for at the end. */
const LONGEST = [
  ...['replay', 'erase', 'group-commit', 'export', 'docs', 'people', 'archive', 'changes', 'pages'],
  ...['reconcile-faults', 'quarantine', 'metrics'],
  ...['process', 'pooler', 'new-vendor', 'attack', 'workers', 'shutdown', 'chaos', 'console-browser'],
  ...['demo', 'defaults', 'compose-database', 'reconcile', 'replicas', 'convergence', 'online-steps'],
  ...['cli', 'simulate', 'upgrade', 'clocks', 'upkeep-kill', 'overload', 'hostile', 'strangers', 'pack'],
]

const placeOf = ({ moduleId }: TestSpecification) => {
  const place = LONGEST.indexOf(basename(moduleId, '.test.ts'))
  return place === -1 ? LONGEST.length : place
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    return [...files].sort((a, b) => placeOf(a) - placeOf(b) || a.moduleId.localeCompare(b.moduleId))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/build.ts', 'test/setup/cluster.ts'],
    setupFiles: ['test/setup/log-guard-check.ts'],
    // One more than the cores of a small machine: many tests wait for locks and time limits.
    maxWorkers: 3,
    // The files of a worker share its modules: to import the service takes two seconds of a processor.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Far above what a test takes on a quiet machine: one that is three times as slow must pass them, too.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
})

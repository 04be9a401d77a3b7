import { ask, forkFile } from './child-process.ts'
import type { LoadOptions, LoadResult } from './load-generator.ts'

/** Runs the load generator in a process of its own. */
export function load(options: LoadOptions): Promise<LoadResult> {
  return ask<LoadResult>(forkFile('load-generator.ts', {}), options)
}

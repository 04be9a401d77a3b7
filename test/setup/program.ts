import { join, resolve } from 'node:path'
import { inject } from 'vitest'

type Program = 'main' | 'cli/main'

/** Arguments of `node` to run a compiled program of the service. */
export const built = (program: Program): string[] => [join(inject('build'), `${program}.js`)]

/** Arguments of `node` to run the program from its source, as the npm scripts do. */
export const source = (program: Program): string[] => [
  ...['--import', import.meta.resolve('tsx')],
  resolve(import.meta.dirname, '../../src', `${program}.ts`),
]

import { join, resolve } from 'node:path'
import { inject } from 'vitest'

type Program = 'main' | 'cli/main'

/** What node is given to run a program of the service as it is built. */
export const built = (program: Program): string[] => [join(inject('build'), `${program}.js`)]

/** The same from its source, as the npm scripts do. */
export const source = (program: Program): string[] => [
  ...['--import', import.meta.resolve('tsx')],
  resolve(import.meta.dirname, '../../src', `${program}.ts`),
]

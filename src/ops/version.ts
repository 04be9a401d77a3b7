import { readFileSync } from 'node:fs'

/**
 * The version of Nightpost: the field `version` of package.json, which lies two directories above this file in the
 * sources, in a build and in the installed package.
 */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version

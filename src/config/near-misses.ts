import { distance } from 'fastest-levenshtein'
import { ConfigSchema, credentialNames, type Environment, secretNames } from './settings.ts'

export interface NearMiss {
  /** A name in the environment or in `.env` that is no setting. */
  readonly found: string
  readonly meant: string
}

const settings = [...Object.keys(ConfigSchema.properties), ...secretNames.map((name) => `${name}_FILE`)]

/** Shorter settings, such as PORT and HOST, are too near to names that belong to other programs. */
const MIN_LENGTH = 8

/**
 * The names that were probably meant to be a setting's. `inFile`: the names in `.env`, which belongs to Nightpost. Another
 * name of the environment may belong to another program, so it counts only if the setting itself is absent.
 */
export function nearMisses(environment: Environment, inFile: readonly string[]): NearMiss[] {
  const names = Object.keys(environment).filter((name) => environment[name] && !settings.includes(name))
  return names.flatMap((found) => {
    const meant = settings.find((setting) => setting.length >= MIN_LENGTH && isNear(found, setting))
    if (!meant || (environment[meant] && !inFile.includes(found))) return []
    return [{ found, meant }]
  })
}

function isNear(name: string, setting: string): boolean {
  const [found, meant] = [wordsOf(name), wordsOf(setting)]
  if (distance(found.join(''), meant.join('')) <= 1) return true
  if (found.length === meant.length) return found.every((word, at) => isNearWord(word, meant[at] ?? ''))
  return credentialNames.includes(setting) && isShortened(found, meant)
}

/** In upper case and in the singular: ASLEEP_API_KEY and trust-proxies are near. */
const wordsOf = (name: string) =>
  name
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .map((word) => word.replace(/IES$/, 'Y').replace(/S$/, ''))

/** One letter more, less or other, or two letters exchanged. DATABASE_SSL is none of them. */
function isNearWord(word: string, meant: string): boolean {
  const edits = distance(word, meant)
  return edits <= 1 || (edits === 2 && sorted(word) === sorted(meant))
}

const sorted = (word: string) => [...word].sort().join('')

/** A word in the middle is missing, as in SAHHA_SECRET. Of other settings too many names are such, like DATABASE_FILE. */
function isShortened(found: readonly string[], meant: readonly string[]): boolean {
  if (found.length < 2 || found.length !== meant.length - 1) return false
  return meant.some(
    (_, at) => at > 0 && at < meant.length - 1 && meant.toSpliced(at, 1).join() === found.join(),
  )
}

import { readFileSync } from 'node:fs'
import { ConfigError, credentialNames, type Environment } from './settings.ts'

/** The settings that are secrets. Each may be read from a file that `<name>_FILE` names. */
export const secretNames = [
  ...credentialNames,
  'DATABASE_URL',
  'MIGRATE_DATABASE_URL',
  'METRICS_TOKEN',
  'LOG_ID_KEY',
]

/**
 * The environment with the content of secret files, as Docker and Kubernetes mount them. The file of a list has one
 * secret per line, which may contain commas. Throws `ConfigError`.
 */
export function withSecretFiles(environment: Environment): Environment {
  const found = secretNames.flatMap((name) => {
    const file = textOf(environment, `${name}_FILE`)
    if (!file) return []
    if (textOf(environment, name)) throw new ConfigError(`${name}: set it or ${name}_FILE, not both`)
    const content = contentOf(name, file)
    return [[name, credentialNames.includes(name) ? linesOf(content) : content]]
  })
  return { ...environment, ...Object.fromEntries(found) }
}

function textOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return typeof value === 'string' ? value.trim() : undefined
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

function contentOf(name: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigError(`${name}_FILE: the file can't be read (${(error as NodeJS.ErrnoException).code})`)
  }
  // An empty variable counts as absent, but an empty secret file is a mistake.
  if (text === '') throw new ConfigError(`${name}_FILE: the file is empty`)
  return text
}

import { readFileSync } from 'node:fs'
import { ConfigError, credentialNames, type Environment } from './config.ts'

/** The settings that are secrets: each may also stand in a file that `<name>_FILE` names. */
export const secretNames = [
  ...credentialNames,
  'DATABASE_URL',
  'MIGRATE_DATABASE_URL',
  'METRICS_TOKEN',
  'LOG_ID_KEY',
]

/** The environment with what secret files hold, as Docker and Kubernetes mount them. Throws `ConfigError`. */
export function withSecretFiles(environment: Environment): Environment {
  const found = secretNames.flatMap((name) => {
    const file = environment[`${name}_FILE`]?.trim()
    if (!file) return []
    if (environment[name]?.trim()) throw new ConfigError(`${name}: set it or ${name}_FILE, not both`)
    return [[name, contentOf(name, file)]]
  })
  return { ...environment, ...Object.fromEntries(found) }
}

function contentOf(name: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigError(`${name}_FILE: the file can't be read (${(error as NodeJS.ErrnoException).code})`)
  }
  // An empty variable counts as absent; a secret that was meant to be there and isn't must not.
  if (text === '') throw new ConfigError(`${name}_FILE: the file is empty`)
  return text
}

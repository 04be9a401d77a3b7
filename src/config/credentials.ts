import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, ConfigError, credentialNames, hasCredentials } from './settings.ts'

/**
 * Fails closed: production without a credential does not start. Elsewhere random ones are made once
 * and kept in `directory`, readable by this user alone.
 */
export function withCredentials(config: Config, directory: string): { config: Config; generated: boolean } {
  if (hasCredentials(config)) return { config, generated: false }
  if (config.NODE_ENV === 'production') {
    throw new ConfigError(`No credential is configured: set at least one of ${credentialNames.join(', ')}.`)
  }
  const kept = generatedIn(directory)
  return { config: { ...config, credentials: (name) => kept[name] ?? [] }, generated: true }
}

function generatedIn(directory: string): Record<string, string[]> {
  const file = join(directory, 'credentials.json')
  if (!existsSync(file)) {
    const made = Object.fromEntries(
      credentialNames.map((name) => [name, [randomBytes(24).toString('base64url')]]),
    )
    mkdirSync(directory, { recursive: true })
    writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 })
  }
  return JSON.parse(readFileSync(file, 'utf8'))
}

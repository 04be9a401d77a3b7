import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, ConfigError, credentialNames, hasCredentials } from './settings.ts'

/**
 * The configuration with at least one credential. In production, throws `ConfigError` if none is configured. Otherwise
 * generates random credentials once, and keeps them in `directory` in a file that only this user can read.
 */
export function withCredentials(config: Config, directory: string): { config: Config; generated: boolean } {
  if (hasCredentials(config)) return { config, generated: false }
  if (config.NODE_ENV === 'production') {
    throw new ConfigError(`No credential is configured: set at least one of ${credentialNames.join(', ')}.`)
  }
  const generated = generatedIn(directory)
  return { config: { ...config, credentials: (name) => generated[name] ?? [] }, generated: true }
}

function generatedIn(directory: string): Record<string, string[]> {
  const file = join(directory, 'credentials.json')
  if (!existsSync(file)) {
    const credentials = Object.fromEntries(
      credentialNames.map((name) => [name, [randomBytes(24).toString('base64url')]]),
    )
    mkdirSync(directory, { recursive: true })
    writeFileSync(file, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 })
  }
  return JSON.parse(readFileSync(file, 'utf8'))
}

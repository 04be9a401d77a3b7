import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireForProduction } from './production.ts'
import { type Config, ConfigError, credentialNames, hasCredentials } from './settings.ts'

/**
 * The configuration with at least one credential. In production, throws `ConfigError` if none is configured, or no
 * database. Otherwise generates random credentials once, and keeps them in `directory` in a file that only this user can
 * read.
 */
export function withCredentials(config: Config, directory: string): { config: Config; generated: boolean } {
  requireForProduction(config)
  if (hasCredentials(config)) return { config, generated: false }
  return { config: withGenerated(config, generatedIn(directory)), generated: true }
}

/** The configuration with the credentials that `directory` keeps, if none is configured. It generates none. */
export function withKnownCredentials(config: Config, directory: string): Config {
  const isOwn = hasCredentials(config) || config.NODE_ENV === 'production'
  return isOwn || !existsSync(fileIn(directory)) ? config : withGenerated(config, generatedIn(directory))
}

function withGenerated(config: Config, generated: Record<string, string[]>): Config {
  return { ...config, credentials: (name) => generated[name] ?? [] }
}

/**
 * The configuration with a token for the console. In development, generates a random one once and keeps it in `directory`;
 * if nothing can be written there, the token changes with every start. In production it stays as it is.
 */
export function withConsoleToken(config: Config, directory: string): Config {
  if (config.CONSOLE_TOKEN !== undefined || config.NODE_ENV === 'production') return config
  return { ...config, CONSOLE_TOKEN: tokenIn(directory) }
}

const TOKEN_LENGTH = 16

function tokenIn(directory: string): string {
  const file = join(directory, 'console-token')
  const fresh = randomBytes(24).toString('base64url')
  try {
    const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
    if (kept.length >= TOKEN_LENGTH) return kept
    mkdirSync(directory, { recursive: true })
    writeFileSync(file, `${fresh}\n`, { mode: 0o600 })
  } catch {
    // The console must not stop a service that otherwise needs no directory.
  }
  return fresh
}

const fileIn = (directory: string) => join(directory, 'credentials.json')

function generatedIn(directory: string): Record<string, string[]> {
  const file = fileIn(directory)
  if (!existsSync(file)) {
    const credentials = Object.fromEntries(
      credentialNames.map((name) => [name, [randomBytes(24).toString('base64url')]]),
    )
    mkdirSync(directory, { recursive: true })
    writeFileSync(file, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 })
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    // The message of JSON.parse quotes the text.
    const reason = (cause as NodeJS.ErrnoException).code ?? 'it is not JSON'
    throw new ConfigError(`${file}: it can't be read (${reason}). Delete it to generate new credentials.`)
  }
}

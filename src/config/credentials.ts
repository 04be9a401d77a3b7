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

const TOKEN_LENGTH = 16

const tokenFileIn = (directory: string) => join(directory, 'console-token')

/**
 * The configuration with a token for the console. In development it is the one that `directory` keeps, or a random one. In
 * production it stays as it is.
 */
export function withConsoleToken(config: Config, directory: string): Config {
  if (config.CONSOLE_TOKEN !== undefined || config.NODE_ENV === 'production') return config
  const kept = textOf(tokenFileIn(directory))
  const token = kept.length >= TOKEN_LENGTH ? kept : randomBytes(24).toString('base64url')
  return { ...config, CONSOLE_TOKEN: token }
}

/**
 * Keeps a generated token for the next start. Where nothing can be written, the token changes with every start: the console
 * must not stop a service that otherwise needs no directory.
 */
export function keepConsoleToken(token: string, directory: string): void {
  const file = tokenFileIn(directory)
  if (textOf(file) === token) return
  try {
    mkdirSync(directory, { recursive: true })
    writeFileSync(file, `${token}\n`, { mode: 0o600 })
  } catch {}
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
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

/** The names of the lists with an entry that contains a comma, which only a secret file can have. */
export function listsWithComma(config: Config): string[] {
  return credentialNames.filter((name) => config.credentials(name).some((entry) => entry.includes(',')))
}

import { readFileSync } from 'node:fs'
import { loadEnvFile } from 'node:process'
import { parseEnv } from 'node:util'
import { nearMisses } from './near-misses.ts'
import { withSecretFiles } from './secret-files.ts'
import { type Config, ConfigError, readConfig } from './settings.ts'

const ENV_FILE = '.env'

let loaded: Config | undefined

/** The settings that `loadConfig` returned last, for the explanation of errors; undefined before. */
export const lastLoaded = (): Config | undefined => loaded

/**
 * Reads the environment and `.env`, if it exists; the environment takes precedence. Warns on standard error of names that
 * look like a setting's, unless `isQuiet`. Exits if a setting is wrong.
 */
export function loadConfig({ isQuiet = false } = {}): Config {
  try {
    const inFile = Object.keys(envFile())
    if (inFile.length > 0) loadEnvFile(ENV_FILE)
    for (const { found, meant } of isQuiet ? [] : nearMisses(process.env, inFile)) {
      process.stderr.write(`Warning: ${found} is not a setting and has no effect. Did you mean ${meant}?\n`)
    }
    loaded = readConfig(withSecretFiles(process.env))
    return loaded
  } catch (error) {
    if (error instanceof ConfigError) exitWith(error.message)
    throw error
  }
}

/** The variables that `.env` sets; none if there is no such file. */
export function envFile(): Readonly<Record<string, string>> {
  try {
    return parseEnv(readFileSync(ENV_FILE, 'utf8')) as Record<string, string>
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return {}
    const uid = process.geteuid?.()
    throw new ConfigError(
      `${ENV_FILE}: uid ${uid} can't read the file (${code}). Make it readable, or remove it.`,
    )
  }
}

/** Prints the reason and exits with status 1. */
export function exitWith(reason: string): never {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}

import { existsSync } from 'node:fs'
import { loadEnvFile } from 'node:process'
import { withSecretFiles } from './secret-files.ts'
import { type Config, ConfigError, readConfig } from './settings.ts'

/** Reads the environment and `.env`, if it exists; the environment takes precedence. Exits if a setting is wrong. */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile('.env')
  try {
    return readConfig(withSecretFiles(process.env))
  } catch (error) {
    if (error instanceof ConfigError) exitWith(error)
    throw error
  }
}

/** Prints an error and exits with status 1. */
export function exitWith(error: Error): never {
  // Node's AggregateError for several refused addresses has an empty message.
  process.stderr.write(`${error.message || (error as NodeJS.ErrnoException).code}\n`)
  process.exit(1)
}

import { existsSync } from 'node:fs'
import { loadEnvFile } from 'node:process'
import { withSecretFiles } from './secret-files.ts'
import { type Config, ConfigError, readConfig } from './settings.ts'

/** The environment and, where there is one, `.env` (the environment wins). Ends the process on a bad setting. */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile('.env')
  try {
    return readConfig(withSecretFiles(process.env))
  } catch (error) {
    if (error instanceof ConfigError) exitWith(error)
    throw error
  }
}

export function exitWith(error: Error): never {
  // Node's error for several refused addresses has no message of its own.
  process.stderr.write(`${error.message || (error as NodeJS.ErrnoException).code}\n`)
  process.exit(1)
}

import { existsSync } from 'node:fs'
import { loadEnvFile } from 'node:process'
import { type Config, ConfigError, readConfig } from './config.ts'

/** The environment and, where there is one, `.env` (the environment wins). Ends the process on a bad setting. */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile('.env')
  try {
    return readConfig(process.env)
  } catch (error) {
    if (error instanceof ConfigError) exitWith(error)
    throw error
  }
}

export function exitWith(error: Error): never {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

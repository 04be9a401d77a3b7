import { type Config, ConfigError, credentialNames, hasCredentials } from './settings.ts'

const NO_DATABASE =
  'DATABASE_URL: it is not set, and NODE_ENV=production never uses the embedded database. Write postgres://user:password@host:5432/database, or unset NODE_ENV to use the embedded one.'

const NO_CREDENTIAL = `${credentialNames.join(', ')}: none is set, and NODE_ENV=production generates none. Set at least one of them, as .env.example describes.`

const isProduction = ({ NODE_ENV }: Config) => NODE_ENV === 'production'

/** Throws `ConfigError` if production names no database: its data would land in the embedded one, which is for development. */
export function requireDatabaseUrl(config: Config): void {
  if (isProduction(config) && !config.DATABASE_URL) throw new ConfigError(NO_DATABASE)
}

/** Throws `ConfigError`, with a line for each fault, if production has no database or no credential. */
export function requireForProduction(config: Config): void {
  if (!isProduction(config)) return
  const faults = [
    ...(config.DATABASE_URL ? [] : [NO_DATABASE]),
    ...(hasCredentials(config) ? [] : [NO_CREDENTIAL]),
  ]
  if (faults.length > 0) throw new ConfigError(faults.join('\n'))
}

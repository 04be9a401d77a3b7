import { type Config, requireDatabaseUrl } from '../../config/index.ts'
import { startCluster } from '../../embedded/index.ts'
import { type DatabaseSettings, databaseOf } from './database.ts'

/** Where generated credentials and the embedded database live. */
export const DATA_DIRECTORY = '.data'

export interface Database extends DatabaseSettings {
  readonly embedded: boolean
  release(): Promise<void>
}

/** Returns the configured database. Starts the embedded one if none is configured; in production throws `ConfigError`. */
export async function openDatabase(config: Config): Promise<Database> {
  requireDatabaseUrl(config)
  if (config.DATABASE_URL)
    return { ...databaseOf(config, config.DATABASE_URL), embedded: false, release: async () => {} }
  const cluster = await startCluster(DATA_DIRECTORY)
  return { ...databaseOf(config, cluster.url), embedded: true, release: () => cluster.release() }
}

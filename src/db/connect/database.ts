import type { Config } from '../../config/index.ts'
import type { Pooling } from './pooling.ts'

/** The address of the database, the schema of the tables, and the pooling mode. */
export interface DatabaseSettings {
  readonly url: string
  /** An address whose connections keep their sessions, for migrations and online steps. */
  readonly directUrl: string
  readonly schema: string
  /** `auto`: detect it. A mode: the operator's setting. A `Pooling`: detected before. */
  readonly pooling: 'auto' | Pooling['mode'] | Pooling
}

type Settings = Pick<Config, 'MIGRATE_DATABASE_URL' | 'DATABASE_SCHEMA' | 'DATABASE_POOLING'>

/** Returns the settings for the database at `url`, which is the configured or the embedded one. */
export function databaseOf(config: Settings, url: string): DatabaseSettings {
  return {
    url,
    directUrl: config.MIGRATE_DATABASE_URL ?? url,
    schema: config.DATABASE_SCHEMA,
    pooling: config.DATABASE_POOLING,
  }
}

/** Returns settings as they are, and the default settings for a URL. */
export function databaseSettings(database: DatabaseSettings | string): DatabaseSettings {
  if (typeof database !== 'string') return database
  return { url: database, directUrl: database, schema: 'public', pooling: 'auto' }
}

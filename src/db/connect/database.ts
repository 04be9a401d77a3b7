import type { Config } from '../../config/index.ts'
import type { Pooling } from './pooling.ts'

/** Where the tables are, and how to get there. */
export interface DatabaseSettings {
  readonly url: string
  /** Keeps its session, for migrations and other work that rests on it. */
  readonly directUrl: string
  readonly schema: string
  /** Known already, told by the operator, or to be found out. */
  readonly pooling: 'auto' | Pooling['mode'] | Pooling
}

type Settings = Pick<Config, 'MIGRATE_DATABASE_URL' | 'DATABASE_SCHEMA' | 'DATABASE_POOLING'>

/** The settings for the database at `url`: the configured one, or the embedded one. */
export function databaseOf(config: Settings, url: string): DatabaseSettings {
  return {
    url,
    directUrl: config.MIGRATE_DATABASE_URL ?? url,
    schema: config.DATABASE_SCHEMA,
    pooling: config.DATABASE_POOLING,
  }
}

/** A URL alone stands for a database with the default settings. */
export function completed(database: DatabaseSettings | string): DatabaseSettings {
  if (typeof database !== 'string') return database
  return { url: database, directUrl: database, schema: 'public', pooling: 'auto' }
}

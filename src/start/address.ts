import pg from 'pg'
import type { Config } from '../config/index.ts'

/** Where a database URL leads, with what PG* variables add. Never the password. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

export function addressOf(url: string): Address {
  const { host, port, database = '', user = '' } = new pg.Client({ connectionString: url })
  return { host, port, database, user }
}

/** The settings that name a database, and where each leads. */
export function configuredAddresses(config: Config | undefined): Array<Address & { setting: string }> {
  return (['DATABASE_URL', 'MIGRATE_DATABASE_URL'] as const).flatMap((setting) => {
    const url = config?.[setting]
    return url ? [{ setting, ...addressOf(url) }] : []
  })
}

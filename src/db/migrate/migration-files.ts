import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'

const migrationsFolder = fileURLToPath(new URL('../../../migrations', import.meta.url))

export interface Migration {
  /** The name of its file, without the ending. */
  readonly name: string
  readonly hash: string
  /** By drizzle-kit's journal, in milliseconds of Unix time. Version 0.1.0 tells migrations apart by it. */
  readonly createdAt: number
  readonly statements: readonly string[]
  /** Why versions that don't know this migration can't work on; null where they can. */
  readonly breaking: string | null
}

/** The migrations of this version, in the order of drizzle-kit's journal. */
export const migrations: readonly Migration[] = readMigrations(migrationsFolder)

export function readMigrations(folder: string): Migration[] {
  const journal = JSON.parse(readFileSync(join(folder, 'meta/_journal.json'), 'utf8'))
  return readMigrationFiles({ migrationsFolder: folder }).map(({ sql, hash, folderMillis }, at) => ({
    ...{ name: journal.entries[at].tag, hash, createdAt: folderMillis, statements: sql },
    breaking: /^-- breaking: (.+)$/m.exec(sql[0] ?? '')?.[1] ?? null,
  }))
}

/**
 * A statement for tables in any schema, which is the first of the search_path. drizzle-kit qualifies what a foreign
 * key refers to, and migration 0006 was written when the schema was always `public`.
 */
export function inSchema(statement: string, schema: string): string {
  return statement
    .replaceAll('"public".', '')
    .replaceAll(/\bON SCHEMA public\b/g, () => `ON SCHEMA ${quoted(schema)}`)
}

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

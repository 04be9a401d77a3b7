import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'

const migrationsFolder = fileURLToPath(new URL('../../../migrations', import.meta.url))

export interface Migration {
  /** The name of its file without the extension. */
  readonly name: string
  readonly hash: string
  /** From drizzle-kit's journal, in milliseconds of Unix time. Version 0.1.0 identifies migrations by it. */
  readonly createdAt: number
  readonly statements: readonly string[]
  /** Why versions that lack this migration can't use the database; null if they can. */
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
 * Returns a statement that works in any schema, if that schema is the first of the search_path. drizzle-kit qualifies the
 * tables that foreign keys refer to, and migration 0006 names the schema `public`.
 */
export function inSchema(statement: string, schema: string): string {
  return statement
    .replaceAll('"public".', '')
    .replaceAll(/\bON SCHEMA public\b/g, () => `ON SCHEMA ${quoted(schema)}`)
}

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

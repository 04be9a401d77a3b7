import { getTableConfig } from 'drizzle-orm/pg-core'
import type { Target } from '../../tables/target.ts'

/** Returns the `COMMENT` statement of each table and column, by the object that it comments. */
export function commentStatements(targets: readonly Target[]): Map<string, string> {
  const statements = new Map<string, string>()
  const comment = (what: string, text: string) =>
    statements.set(what, `COMMENT ON ${what} IS '${text.replaceAll("'", "''")}';`)
  for (const { table, about, comments } of targets) {
    const { name, columns } = getTableConfig(table)
    comment(`TABLE "${name}"`, about)
    for (const column of columns) comment(`COLUMN "${name}"."${column.name}"`, comments[column.name] ?? '')
  }
  return statements
}

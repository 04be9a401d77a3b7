import type pg from 'pg'
import { sqlState } from '../commit/failure.ts'
import { quoted } from './migration-files.ts'

/**
 * A failed migration or online step, as one message for the operator: what was being done, Postgres' message, the SQLSTATE,
 * and what to do, if that is known. Without the statement, which may be long, and without DETAIL, which may quote a row.
 */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
  readonly code: string | undefined

  constructor(what: string, cause: unknown, advice?: string | null) {
    const { message, hint } = cause as { message?: string; hint?: string }
    const code = sqlState(cause)
    const reason = `${message || (cause as NodeJS.ErrnoException).code}${code ? ` (SQLSTATE ${code})` : ''}`
    const help = [hint, advice].filter((text) => text).map((text) => `\nHint: ${text}`)
    super(`${what} failed: ${reason}.${help.join('')}`, { cause })
    this.code = code
  }
}

export const INSUFFICIENT_PRIVILEGE = '42501'

/** Also raised if the role may not use the schema in which a table is created. */
const NO_SCHEMA = '3F000'

/** Returns the command that grants the missing privilege. Returns null if no privilege is missing or none is known. */
export async function adviceFor(
  client: Pick<pg.ClientBase, 'query'>,
  error: unknown,
): Promise<string | null> {
  const code = sqlState(error)
  if (code !== INSUFFICIENT_PRIVILEGE && code !== NO_SCHEMA) return null
  const { rows } = await client.query(
    `select quote_ident(current_user) as role, current_setting('search_path') as schema`,
  )
  const { role, schema } = rows[0]
  if (code === NO_SCHEMA) return `its owner may run: grant usage, create on schema ${schema} to ${role};`
  return missingGrant((error as Error).message, role)
}

/**
 * The command that grants what Postgres' message of SQLSTATE 42501 says is missing; null if it names nothing known. `role` is
 * an identifier that is quoted where it must be.
 */
export function missingGrant(message: string, role: string): string | null {
  const denied = /^permission denied for (schema|database|table|function) (.+)$/.exec(message)
  const owned = /^must be owner of (table|view|materialized view|function|schema) (.+)$/.exec(message)
  const grants: Record<string, string> = {
    schema: 'usage, create',
    database: 'create',
    table: 'select, insert, update, delete',
    function: 'execute',
  }
  if (denied) {
    const [, kind = '', name = ''] = denied
    return `its owner may run: grant ${grants[kind]} on ${kind} ${quoted(name)} to ${role};`
  }
  if (owned) {
    const [, kind, name = ''] = owned
    return `migrate as its owner, or have the owner run: alter ${kind} ${quoted(name)} owner to ${role};`
  }
  return null
}

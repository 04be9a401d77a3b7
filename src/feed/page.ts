import type pg from 'pg'

type Client = Pick<pg.ClientBase, 'query'>

/** A change of the feed. */
export interface Change {
  /** Continues after this change. */
  readonly cursor: string
  /** The change as one JSON object. */
  readonly line: string
}

/** Returns the changes after a cursor; null is the beginning. Throws the errors of the feed as `FeedError`. */
export async function readPage(client: Client, since: string | null, rows: number): Promise<Change[]> {
  return asFeedError(async () => {
    const { rows: changes } = await client.query(
      'select c.cursor, row_to_json(c)::text as line from nightpost_changes($1, $2) as c',
      [since, rows],
    )
    return changes
  })
}

/** Returns the cursor after which only what is committed from now on is read. Throws as `readPage`. */
export async function cursorOfNow(client: Client): Promise<string> {
  return asFeedError(
    async () => (await client.query('select nightpost_changes_now() as cursor')).rows[0].cursor,
  )
}

/** The feed can't be read with this cursor, or not at all. The message says what to do. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
}

/** The database does not have the functions of the feed. */
const UNDEFINED_FUNCTION = '42883'

async function asFeedError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, message, hint } = error as { code?: string; message: string; hint?: string }
    if (code === UNDEFINED_FUNCTION)
      throw new FeedError('The database has no change feed yet: run nightpost migrate first.')
    if (code?.startsWith('NP')) throw new FeedError(`${message} (SQLSTATE ${code})\nHint: ${hint}`)
    throw error
  }
}

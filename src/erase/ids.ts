import { hash } from 'node:crypto'
import type pg from 'pg'
import type { PersonKind } from '../db/sql/fence.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Ids of a person of which only the hashes are left: an interrupted erasure fenced them, and deleted what had them. */
export interface UnnamedIds {
  readonly key: Buffer
  /** In hex. */
  readonly hashes: ReadonlySet<string>
}

/** The hash of an id, as `personHash` makes it in Postgres. */
export const hashOf = (key: Buffer, vendor: string, kind: PersonKind, id: string): string =>
  hash('sha256', Buffer.concat([key, Buffer.from(`${vendor} ${kind} ${id}`)]), 'hex')

export async function keyOf(client: Client): Promise<Buffer> {
  const { rows } = await client.query('select key from erasure_key')
  return rows[0].key
}

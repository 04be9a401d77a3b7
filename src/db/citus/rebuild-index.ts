import type pg from 'pg'
import { quoted } from '../migrate/migration-files.ts'

type Client = Pick<pg.ClientBase, 'query'>

/**
 * Rebuilds an index that an interrupted build left invalid. Some shards may not have it, so Citus can't reindex it. It is built under
 * another name, so that an interruption leaves either the invalid index, or a whole one.
 */
export async function rebuildIndexOnCitus(client: Client, index: string): Promise<void> {
  const { rows } = await client.query('select pg_get_indexdef(to_regclass(quote_ident($1))) as definition', [
    index,
  ])
  const other = quoted(`${index}_ccnew`)
  await dropIndexOnCitus(client, `${index}_ccnew`)
  await client.query(
    (rows[0].definition as string).replace(
      /^CREATE (UNIQUE )?INDEX \S+ ON/,
      (_, unique = '') => `create ${unique}index concurrently ${other} on`,
    ),
  )
  await dropIndexOnCitus(client, index)
  await client.query(`alter index ${other} rename to ${quoted(index)}`)
}

/** Drops an index that some shards may not have. */
export async function dropIndexOnCitus(client: Client, index: string): Promise<void> {
  await client.query(`drop index concurrently if exists ${quoted(index)}`)
}

import type pg from 'pg'
import { quoted } from '../migrate/migration-files.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Where the body of a delivery is or was. */
export interface BodyPlace {
  readonly owner: string
  readonly delivery_id: string
  readonly body_group: string | null
  readonly body_start: number | null
  readonly body_size: number | null
}

/** Groups that one query reads. A group has up to some hundred kilobytes. */
const GROUPS_AT_ONCE = 32

/**
 * Replaces the bytes of bodies in groups by zeros, in a transaction of the caller. `tables` are `body_groups`, and partitions of
 * it that are detached but not dropped yet. A group that does not exist any more is no error.
 */
export async function blankInGroups(
  client: Client,
  places: readonly BodyPlace[],
  tables: readonly string[] = ['body_groups'],
): Promise<void> {
  const byGroup = new Map<string, BodyPlace[]>()
  for (const place of places) {
    if (place.body_group === null) continue
    const others = byGroup.get(place.body_group)
    if (others) others.push(place)
    else byGroup.set(place.body_group, [place])
  }
  // In order, so that two erasures do not deadlock.
  const ids = [...byGroup.keys()].sort()
  for (let at = 0; at < ids.length; at += GROUPS_AT_ONCE) {
    const some = ids.slice(at, at + GROUPS_AT_ONCE)
    for (const table of tables) await blankSome(client, table, some, byGroup)
  }
}

async function blankSome(
  client: Client,
  table: string,
  ids: readonly string[],
  byGroup: ReadonlyMap<string, readonly BodyPlace[]>,
): Promise<void> {
  // The bounds let Postgres leave out the partitions of other days.
  const { rows } = await client.query(
    `select group_id, bytes from ${quoted(table)}
     where group_id = any($1::uuid[]) and group_id between $2 and $3 order by group_id for update`,
    [ids, ids[0], ids.at(-1)],
  )
  for (const { group_id, bytes } of rows) {
    for (const { body_start, body_size } of byGroup.get(group_id) ?? []) {
      const start = (body_start as number) - 1
      bytes.fill(0, start, start + (body_size as number))
    }
    await client.query(`update ${quoted(table)} set bytes = $2 where group_id = $1`, [group_id, bytes])
  }
}

/** Replaces the bytes of bodies in the packs of their owners by zeros, in a transaction of the caller. */
export async function blankInPacks(client: Client, places: readonly BodyPlace[]): Promise<void> {
  for (const { owner, delivery_id } of places) {
    const { rows } = await client.query(
      `select pack_id, delivery_ids, ends, bytes from body_packs
       where owner = $1 and pack_id <= $2 and last_id >= $2 and $2 = any (delivery_ids) for update`,
      [owner, delivery_id],
    )
    for (const { pack_id, delivery_ids, ends, bytes } of rows) {
      const nth = delivery_ids.indexOf(delivery_id)
      bytes.fill(0, ends[nth - 1] ?? 0, ends[nth])
      await client.query('update body_packs set bytes = $3 where owner = $1 and pack_id = $2', [
        owner,
        pack_id,
        bytes,
      ])
    }
  }
}

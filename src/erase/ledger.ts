import type pg from 'pg'
import { userHeaders } from '../contract/user-headers.ts'
import { isDistributed } from '../db/citus/state.ts'
import { tellRewritten } from '../db/links.ts'
import { type BodyPlace, blankInGroups, blankInPacks } from '../db/upkeep/blank.ts'
import { GROUPS, leftovers } from '../db/upkeep/partitions.ts'
import type { Person } from './person.ts'
import { transaction } from './transaction.ts'

/** Entries that one transaction deletes. */
const BATCH = 1_000

/**
 * SQL for whether a vendor other than `$1` has deliveries of an owner. Two ranges of the primary key: `<>` would read all entries
 * of the owner.
 */
export const hasOtherVendor = (owner: string): string =>
  `(exists (select from deliveries as o where o.owner = ${owner} and o.vendor < $1)
    or exists (select from deliveries as o where o.owner = ${owner} and o.vendor > $1))`

/**
 * Deletes the entries of a person, with their bodies in the entries and in groups. In packs it blanks them if another vendor has
 * the same owner. Returns how many.
 */
export async function deleteDeliveries(
  client: pg.ClientBase,
  { vendor, owners }: Person,
  progress: (deleted: number) => void,
  signal?: AbortSignal,
): Promise<number> {
  const isShared = new Set<string>()
  for (const owner of owners) {
    const { rows } = await client.query(`select ${hasOtherVendor('$2::text')} as is`, [vendor.name, owner])
    if (rows[0].is) isShared.add(owner)
  }
  let all = 0
  // Citus locks the rows of one shard only.
  const parts = (await isDistributed(client)) ? owners.map((owner) => [owner]) : [owners]
  for (let part = parts.shift(); part; ) {
    const some: readonly string[] = part
    signal?.throwIfAborted()
    const deleted = await transaction(client, async () => {
      const { rows } = await client.query<BodyPlace & { digest: Buffer }>(
        `select owner, delivery_id, body_group, body_start, body_size, body_digest as digest
         from deliveries as d where vendor = $1 and owner = any($2::text[])
         order by owner collate "C", body_digest limit ${BATCH} for update of d`,
        [vendor.name, some],
      )
      if (rows.length === 0) return 0
      await blankInGroups(client, rows, ['body_groups', ...(await detached(client))])
      await blankInPacks(
        client,
        rows.filter(({ owner }) => isShared.has(owner)),
      )
      await client.query(
        `delete from deliveries as d using unnest($2::text[], $3::bytea[]) as r(owner, digest)
         where d.owner = r.owner and d.vendor = $1 and d.body_digest = r.digest and d.owner = any($2::text[])`,
        [vendor.name, rows.map(({ owner }) => owner), rows.map(({ digest }) => digest)],
      )
      // Their rows are still there, and nothing else says any more that these may have changed.
      await tellRewritten(client, vendor.name, some)
      return rows.length
    })
    if (deleted === 0) part = parts.shift()
    all += deleted
    progress(all)
  }
  return all
}

/** Deletes the packs of a person. Where another vendor has the same owner, `deleteDeliveries` has blanked the bodies. */
export async function deletePacks(client: pg.ClientBase, { owners }: Person): Promise<number> {
  const { rowCount } = await transaction(client, () =>
    client.query(
      `delete from body_packs as p where owner = any($1::text[])
         and not exists (select from deliveries as d where d.owner = p.owner)`,
      [owners],
    ),
  )
  return rowCount ?? 0
}

/** Partitions of hot bodies that an interrupted `nightpost maintain` left. */
async function detached(client: pg.ClientBase): Promise<string[]> {
  return (await leftovers(client, GROUPS)).map(({ name }) => name)
}

/**
 * Takes a person's user id out of rejected deliveries that are another owner's: their header named the person. The deliveries
 * stay. Returns how many.
 */
export async function unnameDeliveries(
  client: pg.ClientBase,
  { vendor, owners, users }: Person,
): Promise<number> {
  const { rowCount } = await transaction(client, () =>
    client.query(
      `update deliveries set user_id = null, headers = headers - $4::text[]
       where outcome <> 'stored' and vendor = $1 and user_id = any($2::text[]) and owner <> '' and owner <> all($3::text[])`,
      [vendor.name, users, owners, userHeaders(vendor)],
    ),
  )
  return rowCount ?? 0
}

import type pg from 'pg'
import { quoted } from '../migrate/migration-files.ts'
import { GROUPS, partitionsOf } from '../upkeep/partitions.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Groups whose bodies one transaction moves. A group has up to some hundred kilobytes. */
const BATCH = 200

/**
 * Moves the bodies that are not packed yet into their entries, before the ledger is distributed. A group has bodies of many
 * owners, so it has no place among the shards. The next packing moves them to their packs.
 */
export async function bodiesIntoEntries(client: Client, log: (message: string) => void): Promise<void> {
  let moved = 0
  for (const { name } of await partitionsOf(client, GROUPS)) {
    for (;;) {
      const { rows } = await client.query(
        `with taken as (
           delete from ${quoted(name)} where group_id in (select group_id from ${quoted(name)} order by group_id limit ${BATCH})
           returning group_id, bytes
         ), moved as (
           update deliveries as d set body = substring(g.bytes from d.body_start for d.body_size), body_group = null, body_start = null
           from taken as g where g.group_id = d.body_group and d.outcome = 'stored' and d.body is null
             and not exists (
               select from body_packs as p where p.owner = d.owner and p.pack_id <= d.delivery_id and p.last_id >= d.delivery_id
                 and d.delivery_id = any (p.delivery_ids))
           returning 1
         )
         select (select count(*)::int from taken) as groups, (select count(*)::int from moved) as moved`,
      )
      moved += rows[0].moved
      if (rows[0].groups < BATCH) break
    }
  }
  if (moved > 0) log(`moved ${moved} bodies into their entries`)
}

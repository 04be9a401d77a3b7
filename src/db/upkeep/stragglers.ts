import type pg from 'pg'
import { quoted } from '../migrate/migration-files.ts'
import { idAtTime } from '../uuid-time.ts'
import { DamagedBody } from './packs.ts'
import type { Partition } from './partitions.ts'

type Client = Pick<pg.ClientBase, 'query'>

const HOUR = 3_600_000

/**
 * Puts the bodies of a detached partition of `body_groups` that are in no pack into their entries. There are none, unless a
 * delivery was committed more than an hour after its arrival: its process was suspended, or a clock was wrong. Nothing can be
 * added to a detached partition, so that none is missed. Returns how many. Throws if a body doesn't have its digest.
 */
export async function keepStragglers(client: Client, { name, from, to }: Partition): Promise<number> {
  const rows = await keepMissing(client, quoted(name), [idAtTime(from), idAtTime(to + HOUR)])
  const damaged = rows.find(({ is_kept }) => !is_kept)
  if (damaged) throw new DamagedBody(damaged.delivery_id)
  return rows.length
}

/**
 * Postgres does not know how many deliveries the packs have. It would take them for few, and compare each delivery of the day
 * with each packed one: so nested loops are off. Only the bodies that are missing are read.
 */
async function keepMissing(client: Client, groups: string, period: readonly [string, string]) {
  await client.query('begin; set local enable_nestloop = off')
  try {
    const { rows } = await client.query<{ delivery_id: string; is_kept: boolean }>(
      `with packed as materialized (
         select unnest(delivery_ids) as delivery_id from body_packs where pack_id >= $1 and pack_id < $2
       ), missing as materialized (
         select d.delivery_id from deliveries as d
         where d.delivery_id >= $1 and d.delivery_id < $2 and d.outcome = 'stored' and d.body is null
           and d.body_group in (select g.group_id from ${groups} as g)
           and not exists (select from packed as p where p.delivery_id = d.delivery_id)
       ), kept as (
         update deliveries as d
         set body = substring(g.bytes from d.body_start for d.body_size), body_group = null, body_start = null
         from missing as m, ${groups} as g
         where d.delivery_id = m.delivery_id and d.delivery_id >= $1 and d.delivery_id < $2 and g.group_id = d.body_group
           and d.outcome = 'stored' and d.body is null
           and sha256(substring(g.bytes from d.body_start for d.body_size)) = d.body_digest
         returning d.delivery_id
       )
       select m.delivery_id, exists (select from kept as k where k.delivery_id = m.delivery_id) as is_kept
       from missing as m`,
      [...period],
    )
    await client.query('commit')
    return rows
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

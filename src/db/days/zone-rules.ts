import type pg from 'pg'

/**
 * Returns a hash of the names and the offsets of all time zones in recent and coming years. It differs after an update of the
 * server's zones by which stored local times may be wrong. Takes about a second.
 */
export async function zoneRules(client: Pick<pg.ClientBase, 'query'>): Promise<string> {
  const { rows } = await client.query(
    `select md5(string_agg(name || ' ' || offsets, ',' order by name collate "C")) as rules
     from (
       select t.name, md5(string_agg(((at at time zone t.name) - (at at time zone 'UTC'))::text, ',' order by at)) as offsets
       from time_zones as t
       cross join generate_series(timestamptz '2022-01-01Z', timestamptz '2034-01-01Z', interval '4 days') as at
       group by t.name
     ) as zones`,
  )
  return rows[0].rules
}

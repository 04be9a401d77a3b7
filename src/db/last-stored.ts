import type pg from 'pg'
import type { Vendor } from '../contract/vendor.ts'

/** Returns when each event was last stored, in milliseconds of Unix time. An event that was never stored is left out. */
export async function lastStored(
  pool: Pick<pg.Pool, 'query'>,
  vendors: ReadonlyArray<Pick<Vendor, 'name' | 'events'>>,
): Promise<Array<{ vendor: string; event: string; at: number }>> {
  const all = vendors.flatMap(({ name, events }) =>
    [...new Set(events.map((event) => event.name))].map((event) => ({ vendor: name, event })),
  )
  const { rows } = await pool.query(
    // For each event Postgres reads one entry of `deliveries_stored_idx`, whatever the size of the ledger.
    `select vendor, event, (extract(epoch from received_at) * 1000)::float8 as at
     from unnest($1::text[], $2::text[]) as known(vendor, event)
     cross join lateral (
       select received_at from deliveries as d
       where d.vendor = known.vendor and d.event = known.event and d.outcome = 'stored'
       order by received_at desc limit 1
     ) as last`,
    [all.map(({ vendor }) => vendor), all.map(({ event }) => event)],
  )
  return rows
}

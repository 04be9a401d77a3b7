import { type SQL, sql } from 'drizzle-orm'
import { owners, personLinks } from '../../tables/people.ts'
import { subject } from './fence.ts'
import { type Parameter, rowsOf, type Statement, statement } from './parameters.ts'

/** What is recorded of a delivery: who it is about, and by which id it names the person. */
export const ownerParameters: Parameter[] = [
  { name: 'delivery_id', type: 'uuid' },
  { name: 'owner', type: 'text' },
  { name: 'vendor', type: 'text' },
  subject,
  { name: 'outcome', type: 'text' },
  { name: 'received_at', type: 'timestamp with time zone' },
]

/** What an update of `owners as o` that gives an owner another person sets beside the person: both persons' days change. */
export const movesTo = (
  person: string,
) => `former_persons = case when o.person_id = ${person} then o.former_persons
    else array_append(o.former_persons, o.person_id) end, ${isRewritten}`

/** The end of a query of `owners` that locks rows which are then updated. */
export const IN_ORDER = `order by owner collate "C", vendor collate "C" for no key update`

/** What an update of `owners` sets if any row of the owner may have changed. */
export const isRewritten = `change_position = (select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1)`

export const isUnnamed = sql`(coalesce(r.subject, '') = '')`

/** A subquery for each row, so that Postgres probes the primary key. Usually every owner is known, and nothing is written. */
const isKnown = sql`(select true from ${owners} as o where o.owner = r.owner and o.vendor = r.vendor
    and (o.user_id = '', o.first_received_at) <= (${isUnnamed}, r.received_at)) is not null`

/**
 * SQL that records the owners of the rows `r` that are stored. An owner has the user id of the first delivery that names one:
 * that depends on the set of deliveries and not on their order.
 */
export function recordOwnersSql(rows: SQL, where: SQL): SQL {
  return sql`insert into ${owners} as o (owner, vendor, user_id, person_id, first_received_at)
select distinct on (r.owner collate "C", r.vendor collate "C") r.owner, r.vendor, coalesce(r.subject, ''),
  coalesce((select l.person_id from ${personLinks} as l where l.owner = r.owner and l.vendor = r.vendor), nullif(r.subject, ''), r.owner),
  r.received_at
from ${rows} where r.outcome = 'stored' and r.owner <> '' and ${where} and not ${isKnown}
order by r.owner collate "C", r.vendor collate "C", ${isUnnamed}, r.received_at
on conflict (owner, vendor) do update set user_id = excluded.user_id, person_id = excluded.person_id,
  first_received_at = excluded.first_received_at, ${sql.raw(movesTo('excluded.person_id'))}
where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)`
}

/** Records the owners of deliveries that are stored now and were not before. The transaction has locked their entries. */
export const recordOwners: Statement = statement(
  'record owners',
  ownerParameters,
  recordOwnersSql(rowsOf(ownerParameters), sql`true`),
)

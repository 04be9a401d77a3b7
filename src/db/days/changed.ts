import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Target } from '../../tables/target.ts'
import { quoted } from '../migrate/migration-files.ts'
import { IN_ORDER } from '../sql/owner-statements.ts'
import { primaryKeyOf } from '../sql/parameters.ts'
import type { Range } from './compute.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Changes from the position `since`, which is included, to `until`, which is not. */
export interface Period {
  readonly since: string
  readonly until: string
}

const IS_TOLD = `(d.outcome = 'stored' or d.change_position % 2 = 1)`

/** Returns the end of the next period: that of about so many changes, or the horizon if there are fewer. */
export async function periodFrom(
  client: Client,
  since: string,
  horizon: string,
  changes: number,
): Promise<Period> {
  const { rows } = await client.query(
    `select (d.change_position + 1)::text as until from deliveries as d
     where d.change_position >= $1 and d.change_position < $2 and ${IS_TOLD}
     order by d.change_position offset $3 limit 1`,
    [since, horizon, changes - 1],
  )
  return { since, until: rows[0]?.until ?? horizon }
}

/**
 * Returns the persons whose days may have changed in a period, by the days. The ledger says which days a delivery belongs to. All
 * days may have changed of an owner who was rewritten or has another person now, and of one with a record that left its day.
 */
export async function changedRanges(
  client: Client,
  targets: readonly Target[],
  { since, until }: Period,
): Promise<Range[]> {
  const hasMoved = targets
    .filter(({ day }) => day !== undefined)
    .map(({ table }) => {
      const owner = quoted(primaryKeyOf(table)[0]?.name as string)
      return `exists (select from ${quoted(getTableName(table))} as t
        where t.has_moved and t.${owner} = e.owner and t.delivery_id = e.delivery_id)`
    })
  const { rows } = await client.query<Range>(
    `with entries as materialized (
       select d.owner, d.vendor, d.delivery_id, d.first_day, d.last_day from deliveries as d
       where d.change_position >= $1 and d.change_position < $2 and ${IS_TOLD}
     ), days as (
       select e.owner, e.vendor, coalesce(e.first_day, '-infinity') as first_day, coalesce(e.last_day, 'infinity') as last_day
       from entries as e
       union all
       select e.owner, e.vendor, '-infinity', 'infinity' from entries as e where ${hasMoved.join(' or ') || 'false'}
     ), of_persons as (
       select o.person_id, days.first_day, days.last_day
       from (
         select owner, vendor, min(first_day) as first_day, max(last_day) as last_day from days group by owner, vendor
       ) as days join owners as o on o.owner = days.owner and o.vendor = days.vendor
       union all
       select person, '-infinity', 'infinity'
       from owners as o cross join lateral unnest(o.former_persons || o.person_id) as person
       where o.change_position >= $1 and o.change_position < $2
     ), persons as (
       select person_id, min(first_day) as first_day, max(last_day) as last_day from of_persons group by person_id
     )
     select first_day::text, last_day::text, array_agg(person_id) as persons from persons
     where first_day <= last_day group by first_day, last_day order by first_day, last_day`,
    [since, until],
  )
  return rows
}

/** Locks the owners whose persons are computed again because they themselves changed, and forgets their former persons. */
export async function forgetFormerPersons(client: Client, { until }: Period): Promise<void> {
  const { rows } = await client.query(
    'select exists (select from owners where change_position < $1) as has_some',
    [until],
  )
  if (!rows[0].has_some) return
  // Like the writers, before any row is locked: a link locks the table, and then rows.
  await client.query('lock table owners in row exclusive mode')
  await client.query(
    `with locked as materialized (
       select owner, vendor from owners where change_position < $1 ${IN_ORDER}
     )
     update owners as o set change_position = null, former_persons = null
     from locked as l where o.owner = l.owner and o.vendor = l.vendor`,
    [until],
  )
}

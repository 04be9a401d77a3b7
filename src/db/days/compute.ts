import { getTableConfig } from 'drizzle-orm/pg-core'
import type pg from 'pg'
import { storedDays } from '../../tables/days.ts'
import { IN_ORDER } from '../sql/owner-statements.ts'
import { primaryKeyOf } from '../sql/parameters.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Persons whose days between two dates are computed together. Dates are as Postgres writes them, with `infinity`. */
export interface Range {
  readonly first_day: string
  readonly last_day: string
  readonly persons: readonly string[]
}

const columns = getTableConfig(storedDays).columns.map(({ name }) => name)
const key = primaryKeyOf(storedDays).map(({ name }) => name)
const others = columns.filter((name) => !key.includes(name))
const of = (alias: string) => others.map((name) => `${alias}.${name}`).join(', ')

const COMPUTE = `with computed as materialized (
  select ${columns.join(', ')} from computed_days as c
  where hashtextextended(c.person_id, 0) = any(array(select hashtextextended(p, 0) from unnest($1::text[]) as p)::bigint[])
    and c.local_date between $2::date and $3::date
), gone as (
  delete from stored_days as d where d.person_id = any($1::text[]) and d.local_date between $2::date and $3::date
    and not exists (select from computed as c where c.person_id = d.person_id and c.local_date = d.local_date)
)
insert into stored_days as d (${columns.join(', ')})
select ${columns.join(', ')} from computed order by person_id collate "C", local_date
on conflict (${key.join(', ')}) do update set ${others.map((name) => `${name} = excluded.${name}`).join(', ')}
where (${of('d')}) is distinct from (${of('excluded')})`

/** From so many persons on, a plan for them alone costs less than it saves. */
const MANY = 30

/**
 * Computes the stored days of some persons again: deletes those that they no longer have, and writes those that differ. The
 * persons' owners must be locked (`lockOwners`).
 */
export async function computeDays(client: Client, ranges: readonly Range[]): Promise<void> {
  const valuesOf = ({ persons, first_day, last_day }: Range) => [persons, first_day, last_day]
  const isMany = ({ persons }: Range) => persons.length >= MANY
  for (const range of ranges.filter(isMany)) await client.query(COMPUTE, valuesOf(range))
  const few = ranges.filter((range) => !isMany(range))
  if (few.length === 0) return
  // To plan the view takes longer than to compute some days of few persons.
  await client.query('set local plan_cache_mode = force_generic_plan')
  for (const range of few)
    await client.query({ name: 'compute days', text: COMPUTE, values: valuesOf(range) })
}

/**
 * Keeps the owners of persons as they are until the end of the transaction. An erasure waits for it, and deletes what it stores. The
 * caller's next statement sees every erasure that this one waited for.
 */
export async function lockOwners(client: Client, persons: readonly string[]): Promise<void> {
  await client.query(`select from owners where person_id = any($1::text[]) ${IN_ORDER}`, [persons])
}

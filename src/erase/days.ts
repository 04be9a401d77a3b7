import type pg from 'pg'
import { isDistributed } from '../db/citus/state.ts'
import { isRewritten } from '../db/sql/owner-statements.ts'
import type { Person } from './person.ts'

type Client = Pick<pg.ClientBase, 'query'>

const IS_ERASED = 'o.vendor = $1 and o.owner = any($2::text[])'

/** Days that another owner is part of are computed again without the person, and not counted. */
const IS_OF_NOBODY_ELSE = `not exists (select from owners as o where o.person_id = d.person_id and not (${IS_ERASED}))`

/** Counts the stored days that are about nobody but the person; on Citus there are none. `ids` are the names that nobody shares. */
export async function countDays(
  client: Client,
  { vendor, owners }: Person,
  ids: readonly string[],
): Promise<number> {
  if (await isDistributed(client)) return 0
  const { rows } = await client.query(
    `select count(*)::int as n from stored_days as d
     where d.person_id = any(array(select o.person_id from owners as o where ${IS_ERASED}) || $3::text[]) and ${IS_OF_NOBODY_ELSE}`,
    [vendor.name, owners, ids],
  )
  return rows[0].n
}

/**
 * Deletes a person's owners and, in the same transaction, the stored days that they are part of. What others have on such a day is
 * computed again. The service locks the owners whose days it computes, so this waits for it, and it finds no owner afterwards.
 */
export async function deleteOwners(
  client: Client,
  { vendor, owners }: Person,
  ids: readonly string[],
): Promise<{ owners: number; days: number }> {
  const { rows } = await client.query(
    `delete from owners as o where ${IS_ERASED} returning o.person_id, o.former_persons`,
    [vendor.name, owners],
  )
  if (await isDistributed(client)) return { owners: rows.length, days: 0 }
  const persons = [
    ...ids,
    ...rows.flatMap(({ person_id, former_persons }) => [person_id, ...(former_persons ?? [])]),
  ]
  const { rowCount } = await client.query('delete from stored_days where person_id = any($1::text[])', [
    persons,
  ])
  await client.query(
    `update owners as o set ${isRewritten}, former_persons = nullif(array(
       select former from unnest(o.former_persons) as former where former <> all($1::text[])), '{}')
     where o.person_id = any($1::text[]) or o.former_persons && $1::text[]`,
    [persons],
  )
  return { owners: rows.length, days: rowCount ?? 0 }
}

/** Deletes the stored days of persons who have no owner any more. */
export async function deleteDaysOfNobody(client: Client, persons: readonly string[]): Promise<void> {
  await client.query(
    `delete from stored_days as d
     where d.person_id = any($1::text[]) and not exists (select from owners as o where o.person_id = d.person_id)`,
    [persons],
  )
}

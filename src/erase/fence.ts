import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { APPLICATION_0_1_0 } from '../db/connect/application.ts'
import { personHash } from '../db/sql/fence.ts'
import type { Person } from './person.ts'

type Client = Pick<pg.ClientBase, 'query'>

const PERSONS = `unnest($1::text[], $2::text[], $3::text[]) as r(vendor, kind, id)`
// Citus can't send a CASE with an operand to a node.
const HASH = `case when r.kind = 'owner' then ${personHash('r.vendor', 'owner', 'r.id')} else ${personHash('r.vendor', 'user', 'r.id')} end`

function parametersOf(persons: readonly Person[]): string[][] {
  const ids = persons.flatMap(({ vendor, owners, users }) => [
    ...owners.map((id) => [vendor.name, 'owner', id] as const),
    ...users.map((id) => [vendor.name, 'user', id] as const),
  ])
  return [ids.map(([vendor]) => vendor), ids.map(([, kind]) => kind), ids.map(([, , id]) => id)]
}

/** SQL for the position of this transaction in the change feed. */
const POSITION = `(select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1)`

/** Throws if a replica is connected that does not look for the fence. */
export async function requireFenceReaders(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select exists (select from pg_stat_activity where datname = current_database() and application_name = $1) as has`,
    [APPLICATION_0_1_0],
  )
  if (rows[0].has)
    throw new Error(
      'A replica of version 0.1.0 is connected. It would store deliveries about erased persons. Upgrade it first.',
    )
}

/**
 * Puts up the fence, around all ids of a person of all vendors in one transaction. After its commit no new statement stores
 * anything about the person. The ids of one call get the same `fenced_at`: they are lifted together, and an erasure that was
 * interrupted finds by it which ids it had (`withFenced`).
 */
export async function raiseFence(client: Client, persons: readonly Person[]): Promise<void> {
  await client.query(
    `with ids as (select distinct ${HASH} as person, r.vendor, r.kind from ${PERSONS}), since as (
       select coalesce(min(e.fenced_at), now()) as at from erasures as e join ids on ids.person = e.person where e.lifted_at is null
     )
     insert into erasures (person, vendor, kind, fenced_at)
     select ids.person, ids.vendor, ids.kind, since.at from ids cross join since order by ids.person
     on conflict (person) do update set
       fenced_at = excluded.fenced_at, erased_at = null, lifted_at = null, change_position = null`,
    parametersOf(persons),
  )
}

const TOGETHER = `select e.fenced_at from erasures as e join (select ${HASH} as person from ${PERSONS}) as r on r.person = e.person
       where e.lifted_at is null`

/** Takes the fence away, also that of the ids that were fenced together with these. Returns of how many ids. */
export async function liftFence(client: Client, persons: readonly Person[]): Promise<number> {
  const { rows } = await client.query(
    `update erasures as t set lifted_at = now()
     where t.lifted_at is null and t.fenced_at in (${TOGETHER}) returning true`,
    parametersOf(persons),
  )
  return rows.length
}

/** The hashes, in hex, of the ids that were fenced together with those of persons, by vendor. */
export async function fencedTogether(
  client: Client,
  persons: readonly Person[],
): Promise<Map<string, string[]>> {
  const { rows } = await client.query(
    `select t.vendor, encode(t.person, 'hex') as person from erasures as t
     where t.lifted_at is null and t.fenced_at in (${TOGETHER})`,
    parametersOf(persons),
  )
  const hashes = new Map<string, string[]>()
  for (const { vendor, person } of rows) hashes.set(vendor, [...(hashes.get(vendor) ?? []), person])
  return hashes
}

/** Notes that an erasure is finished. The counts of an earlier erasure of the same person are added. */
export async function finishErasure(
  client: Client,
  person: Person,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  await client.query(
    `update erasures as t set erased_at = now(), change_position = ${POSITION},
       counts = (select jsonb_object_agg(name, n) from (
         select name, sum(n) as n from (
           select key as name, value::bigint as n from jsonb_each_text(coalesce(t.counts, '{}'))
           union all select key, value::bigint from jsonb_each_text($4::jsonb)
         ) as every group by name
       ) as total)
     from (select ${HASH} as person from ${PERSONS}) as r where t.person = r.person`,
    [...parametersOf([person]), JSON.stringify(counts)],
  )
  await client.query(
    `update erasures set erased_at = now(), change_position = ${POSITION}
     where person = any($1::bytea[]) and erased_at is null and lifted_at is null`,
    [[...(person.unnamed?.hashes ?? [])].map((hash) => Buffer.from(hash, 'hex'))],
  )
}

/** Milliseconds between two looks at the locks. */
const POLL = 20

/**
 * Waits until every transaction has ended that writes the ledger or the quarantine now. One of them may have looked for the fence before it stood.
 * A statement takes its locks before its snapshot, so a later one sees the fence. Nobody is blocked meanwhile.
 */
export async function waitForWriters(client: Client, signal?: AbortSignal): Promise<void> {
  const writers = async () => {
    const { rows } = await client.query(
      `select distinct virtualtransaction as id from pg_locks
       where relation = any(array['deliveries'::regclass, 'unverified_deliveries'::regclass]) and mode = 'RowExclusiveLock' and granted and pid <> pg_backend_pid()
         and database = (select oid from pg_database where datname = current_database())`,
    )
    return new Set<string>(rows.map(({ id }) => id))
  }
  let before = await writers()
  while (before.size > 0) {
    signal?.throwIfAborted()
    await sleep(POLL)
    const now = await writers()
    before = new Set([...before].filter((id) => now.has(id)))
  }
}

/** Notes that every erasure is finished, because the database has nothing of anybody who is erased. */
export async function finishAll(client: Client): Promise<void> {
  await client.query(
    `update erasures set erased_at = now(), change_position = ${POSITION} where erased_at is null and lifted_at is null`,
  )
}

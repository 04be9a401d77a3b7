import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Vendor } from '../../../contract/vendor.ts'
import { isErased } from '../../sql/fence.ts'
import { recordOwners } from '../../sql/owner-statements.ts'
import { primaryKeyOf } from '../../sql/parameters.ts'
import { rowParameters } from '../../sql/values.ts'
import { quoted } from '../migration-files.ts'
import type { OnlineStep } from './step.ts'

type Vendors = ReadonlyArray<Pick<Vendor, 'name' | 'targets' | 'userColumn'>>

/** Sessions that one transaction gives their date, and owners whose rows one transaction reads. */
const SESSIONS = 1_000
const OWNERS = 100

/**
 * Gives sessions that an earlier version stored their `sleep_date`, and records the owners of earlier rows. It reads every row
 * once. Replicas of version 0.1.0 write neither, so the step ends after they are gone.
 */
export const recordPeople = (vendors: Vendors): OnlineStep => ({
  name: 'owners and sleep dates of earlier rows',
  isDone: async (client) => {
    const { rows } = await client.query(
      `select exists (select from upkeep_tasks where task = 'people') as done`,
    )
    return rows[0].done
  },
  run: async (client, { log, waitsForVersion010 }) => {
    const waitsFor = await waitsForVersion010(client)
    if (waitsFor !== null) return waitsFor
    log.info('recording the owners and sleep dates of earlier rows')
    await fillSleepDates(client)
    for (const vendor of vendors) await recordOwnersOf(client, vendor)
    await client.query(
      `insert into upkeep_tasks (task, finished_at) values ('people', now()) on conflict (task) do nothing`,
    )
    return null
  },
})

async function fillSleepDates(client: pg.ClientBase): Promise<void> {
  let last: readonly [string, string] | null = ['', '']
  while (last) {
    const { rows }: { rows: Array<{ user_id: string; session_id: string }> } = await client.query(
      `with batch as (
         select user_id, session_id from sleep_sessions where (user_id, session_id) > ($1, $2) order by user_id, session_id limit $3
       ), locked as (
         select s.user_id, s.session_id from batch join sleep_sessions as s using (user_id, session_id)
         where s.sleep_date is null order by s.user_id collate "C", s.session_id collate "C" for update of s
       ), filled as (
         update sleep_sessions as s set sleep_date = n.sleep_date
         from locked as l join sleep_nights_base as n on n.user_id = l.user_id and n.session_id = l.session_id
         where s.user_id = l.user_id and s.session_id = l.session_id and s.sleep_date is null
       )
       select user_id, session_id from batch order by user_id desc, session_id desc limit 1`,
      [...last, SESSIONS],
    )
    last = rows[0] ? [rows[0].user_id, rows[0].session_id] : null
  }
}

async function recordOwnersOf(
  client: pg.ClientBase,
  { name, targets, userColumn }: Vendors[number],
): Promise<void> {
  for (const target of targets.filter(({ partOf }) => partOf === undefined)) {
    const table = quoted(getTableName(target.table))
    const owner = quoted(primaryKeyOf(target.table)[0]?.name as string)
    const user = userColumn === undefined ? owner : quoted(userColumn)
    let last = ''
    for (;;) {
      const { rows: found } = await client.query(
        `with recursive each as (
           (select ${owner} as id, 1 as n from ${table} where ${owner} > $1 order by ${owner} limit 1)
           union all
           select (select ${owner} from ${table} where ${owner} > each.id order by ${owner} limit 1), n + 1 from each
           where each.id is not null and n < ${OWNERS}
         ) select id from each where id is not null order by n`,
        [last],
      )
      if (found.length === 0) break
      last = found.at(-1).id
      await recordBatch(
        client,
        `select r.id as owner, $1::text as vendor, t.subject, least(t.received_at, d.received_at)::text as received_at, 'stored' as outcome
         from unnest($2::text[]) as r(id)
         cross join lateral (
           select coalesce(t.${user}, '') as subject, min(t.received_at) as received_at from ${table} as t where t.${owner} = r.id group by 1
         ) as t
         cross join lateral (
           select min(d.received_at) as received_at from deliveries as d where d.owner = r.id and d.vendor = $1 and d.outcome = 'stored'
         ) as d
         where ${isErased('$1::text', 'owner', 'r.id')} is null`,
        [name, found.map(({ id }) => id)],
      )
    }
  }
}

/** An erasure waits for the transactions that hold this lock, so this one sees every fence that is not waiting. It blocks nobody. */
async function recordBatch(client: pg.ClientBase, query: string, values: unknown[]): Promise<void> {
  await client.query('begin; lock table deliveries in row exclusive mode')
  try {
    const { rows } = await client.query(query, values)
    await client.query(recordOwners.text, rowParameters(recordOwners.parameters, rows) as unknown[])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

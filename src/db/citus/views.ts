import type pg from 'pg'
import { quoted } from '../migrate/migration-files.ts'

type Client = Pick<pg.ClientBase, 'query'>

/**
 * Makes `time_zones` a table, because Citus copies no materialised view to the nodes. Its views read the table then. Returns
 * whether it was not one yet.
 */
export async function replaceTimeZones(client: Client): Promise<boolean> {
  const { rows } = await client.query(
    `select relkind = 'm' as is_view from pg_class where oid = 'time_zones'::regclass`,
  )
  if (!rows[0].is_view) return false
  await inTransaction(client, async () => {
    await client.query(
      `alter materialized view time_zones rename to time_zones_before;
       alter index time_zones_name_idx rename to time_zones_before_name_idx;
       create table time_zones (name text primary key);
       insert into time_zones select name from time_zones_before`,
    )
    await repeatComments(client)
    await repeatGrants(client)
    for (const { name, definition } of await readersOf(client, 'time_zones_before'))
      await client.query(
        `create or replace view ${quoted(name)} as ${definition.replaceAll('time_zones_before', 'time_zones')}`,
      )
    await client.query('drop materialized view time_zones_before')
  })
  return true
}

/** The server's own names, as the migrations select them. */
export const SERVER_TIME_ZONES = `select distinct name from pg_timezone_names
  where (name ~ '[/a-z]' or name in ('UTC', 'GMT')) and name !~ '^(posix|right)/'
    and name not in ('localtime', 'posixrules', 'Factory')`

/** Makes the table the server's list again, after an update of the server. */
export async function renewTimeZones(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select array(${SERVER_TIME_ZONES}) as server, array(select name from time_zones) as held`,
  )
  const [server, held] = [new Set<string>(rows[0].server), new Set<string>(rows[0].held)]
  const more = [...server].filter((name) => !held.has(name))
  const fewer = [...held].filter((name) => !server.has(name))
  if (more.length > 0)
    await client.query('insert into time_zones select unnest($1::text[]) on conflict do nothing', [more])
  if (fewer.length > 0) await client.query('delete from time_zones where name = any($1::text[])', [fewer])
}

/**
 * `delivery_bodies` of a distributed ledger. A body is in its entry or in a pack of its owner, never in a group; the join is one
 * that every shard does for itself. A later migration may have replaced the view.
 */
export async function replaceBodiesView(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select pg_get_viewdef('delivery_bodies'::regclass) ~ 'body_groups' as reads_groups`,
  )
  if (rows[0].reads_groups) await client.query(`create or replace view delivery_bodies as ${BODIES}`)
}

const NTH = 'array_position(p.delivery_ids, d.delivery_id)'
const BODY = `coalesce(d.body, substring(p.bytes from coalesce(p.ends[${NTH} - 1], 0) + 1
    for p.ends[${NTH}] - coalesce(p.ends[${NTH} - 1], 0)))`

const BODIES = `select d.owner, d.vendor, d.delivery_id, d.received_at, ${BODY} as body
from deliveries as d left join body_packs as p on d.body is null and p.owner = d.owner
  and p.pack_id <= d.delivery_id and p.last_id >= d.delivery_id and d.delivery_id = any (p.delivery_ids)
where d.body is not null or p.owner is not null`

/** Makes `user_days` compute every day: the shards can't read what one node stores. A later migration may have replaced the view. */
export async function computeDaysInView(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select pg_get_viewdef('user_days'::regclass) ~ 'stored_days' as reads_stored, pg_get_viewdef('computed_days'::regclass) as computed`,
  )
  if (!rows[0].reads_stored) return
  await client.query(
    `create or replace view user_days as ${rows[0].computed};
     delete from stored_days;
     update stored_days_state set change_position = null, epoch = null, began_at = null, began_until = null`,
  )
}

/**
 * Lets whoever may read `delivery_log` read it on a distributed ledger. A node checks the reader's own rights on the shards and
 * not those of the view's owner, so the reader gets the columns of the ledger that the view shows. Those are no body, no header
 * and no hash, so the view must not compute a size from the body. Citus gives the rights to every shard, and repeats them where
 * a shard is moved or split. A later migration may have replaced the view.
 */
export async function openLogView(client: Client): Promise<void> {
  const { rows } = await client.query(`select pg_get_viewdef('delivery_log'::regclass) as definition`)
  const { definition } = rows[0]
  const withoutBody = definition.replace(SIZE_OF_BODY, '$1')
  if (withoutBody !== definition) {
    await client.query(
      'update deliveries set body_size = octet_length(body) where body_size is null and body is not null',
    )
    await client.query(`create or replace view delivery_log as ${withoutBody}`)
  }
  for (const { text } of (await client.query(MISSING_RIGHTS)).rows) await client.query(text)
}

const SIZE_OF_BODY = /coalesce\(((?:\w+\.)?body_size), octet_length\((?:\w+\.)?body\)\)/i

/** Statements that grant the columns that `delivery_log` shows to each reader of the view that lacks one. */
const MISSING_RIGHTS = `select format('grant select (%s) on deliveries to %s', string_agg(distinct quote_ident(s.attname), ', '),
    case r.grantee when 0 then 'public' else r.grantee::regrole::text end) as text
from pg_class as v cross join lateral aclexplode(v.relacl) as r
join pg_rewrite as w on w.ev_class = v.oid join pg_depend as d on d.objid = w.oid and d.classid = 'pg_rewrite'::regclass
join pg_attribute as s on s.attrelid = d.refobjid and s.attnum = d.refobjsubid and s.attnum > 0
where v.oid = 'delivery_log'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = 'deliveries'::regclass
  and r.privilege_type = 'SELECT' and r.grantee <> v.relowner
group by r.grantee
having not bool_and(case r.grantee when 0 then has_column_privilege('public', s.attrelid, s.attnum, 'select')
  else has_column_privilege(r.grantee, s.attrelid, s.attnum, 'select') end)`

/**
 * Gives `nightpost_person` a body that Citus can take to the nodes, where it is called for the rows of a shard. There it reads the
 * node's own copy of the key, which is no distributed query, whatever Citus takes it for.
 */
export async function replacePersonFunction(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select prosqlbody is not null as is_old, quote_ident(current_schema()) as schema
     from pg_proc where oid = to_regprocedure('nightpost_person(text, text)')`,
  )
  if (!rows[0]?.is_old) return
  await client.query(
    `create or replace function nightpost_person(vendor text, owner text) returns text
     language sql stable strict security definer
     set search_path = ${rows[0].schema}, pg_temp set citus.allow_nested_distributed_execution = on
     as $$ select encode(sha256((select k.key from erasure_key as k) || convert_to($1 || ' owner ' || $2, 'UTF8')), 'hex') $$`,
  )
}

async function readersOf(client: Client, name: string): Promise<Array<{ name: string; definition: string }>> {
  const { rows } = await client.query(
    `select distinct c.relname as name, pg_get_viewdef(c.oid) as definition
     from pg_depend as d join pg_rewrite as r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
     join pg_class as c on c.oid = r.ev_class
     where d.refobjid = to_regclass($1) and c.relkind = 'v'`,
    [name],
  )
  return rows
}

async function repeatComments(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select format('comment on table time_zones is %L', obj_description('time_zones_before'::regclass)) as text
     union all select format('comment on column time_zones.name is %L', col_description('time_zones_before'::regclass, 1))`,
  )
  for (const { text } of rows) await client.query(text)
}

async function repeatGrants(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select format('grant select on time_zones to %s', case a.grantee when 0 then 'public' else a.grantee::regrole::text end) as text
     from pg_class as c cross join lateral aclexplode(c.relacl) as a
     where c.oid = 'time_zones_before'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner`,
  )
  for (const { text } of rows) await client.query(text)
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin')
  try {
    await work()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** The state of the catalogue of the template database. */
    templateCatalogue: string
  }
}

type Client = Pick<pg.Client, 'query'>

/** Whatever a statement can define or alter in a database. */
const CATALOGUES = [
  // The service refreshes a materialised view at its start, which needs a schema for temporary tables.
  ...[`pg_class where relkind <> 'm'`, `pg_namespace where nspname !~ '^pg_(toast_)?temp_'`],
  ...['pg_attribute', 'pg_attrdef', 'pg_constraint', 'pg_index', 'pg_inherits', 'pg_proc', 'pg_trigger'],
  ...['pg_rewrite', 'pg_policy', 'pg_type', 'pg_extension', 'pg_event_trigger'],
  ...['pg_default_acl', 'pg_description', 'pg_statistic_ext', 'pg_publication', 'pg_opclass', 'pg_operator'],
]

/** Every change of a catalogue writes a row with a newer transaction, or removes a row. */
const STATE = `select concat_ws(' ', ${CATALOGUES.map(
  (rows) => `(select concat(count(*), '/', max(xmin::text::bigint)) from ${rows})`,
).join()},
  (select count(*) from pg_statistic where starelid >= 16384),
  (select string_agg(name, ',' order by name) from nightpost_migrations),
  (select concat(datacl, datconnlimit, datallowconn, datistemplate) from pg_database where datname = current_database()),
  (select count(*) from pg_db_role_setting join pg_database d on d.oid = setdatabase where datname = current_database())
) as state`

/** The state of the catalogue of a database. Equal states are equal schemas. */
export async function catalogueOf(client: Client): Promise<string> {
  const { rows } = await client.query(STATE)
  return rows[0].state
}

/** Tables whose rows belong to the schema: the migrations write them. */
const OF_THE_SCHEMA = ['nightpost_migrations', 'change_feed', 'erasure_key', 'stored_days_state']

/** Tables that the next test would find larger than new ones. */
const LARGE = 4 * 2 ** 20

/**
 * Deletes all rows, if nothing else differs from the state of the catalogue that the database began with, and the tables are
 * small. Otherwise it returns false.
 */
export async function emptied(
  client: Client,
  catalogue = inject('templateCatalogue'),
  settings = '',
): Promise<boolean> {
  try {
    if ((await catalogueOf(client)) !== catalogue) return false
    const { rows } = await client.query(
      `select oid::regclass::text as name, pg_table_size(oid) as bytes from pg_class
       where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and relname <> all($1)`,
      [OF_THE_SCHEMA],
    )
    if (rows.reduce((sum, { bytes }) => sum + Number(bytes), 0) > LARGE) return false
    // The migration notes that a new database has no earlier rows.
    const deletes = rows.map(
      ({ name }) => `delete from ${name}${name === 'upkeep_tasks' ? ` where task <> 'people'` : ''}`,
    )
    // Without the triggers of foreign keys the order does not matter.
    await client.query(
      `begin; set local session_replication_role = replica; ${settings} ${deletes.join(';')};
       update change_feed set floor = null, floor_id = null, boundary = null, removals = 0;
       update stored_days_state set change_position = null, epoch = null, began_at = null, began_until = null; commit`,
    )
    // Counters, such as that of deadlocks.
    await client.query('select pg_stat_reset()')
    return true
  } catch {
    return false
  }
}

/**
 * `emptied` on Citus. A transaction that has written a table that every node has, may write the shards only one after another.
 * The nodes delete with their triggers, so they delete parts with what owns them.
 */
export const emptiedOnCitus = (client: Client, catalogue: string): Promise<boolean> =>
  emptied(client, catalogue, `set local citus.multi_shard_modify_mode = 'sequential';`)

/** Whether no other connection is open. A closed one is listed until its server process has ended. */
export async function isAlone(client: Client): Promise<boolean> {
  // A pooler keeps its connections open.
  if (process.env.TEST_POOLER) return false
  for (let tries = 0; tries < 20; tries += 1) {
    const { rowCount } = await client.query(
      `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
         and application_name !~ '^(Citus|citus_)'`,
    )
    if (rowCount === 0) return true
    await sleep(10)
  }
  return false
}

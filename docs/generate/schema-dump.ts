import type pg from 'pg'

/**
 * Returns the text of src/db/sql/schema.sql: the schema `public` of a migrated database, as its catalogue has it. Comments
 * are left out: docs/data-dictionary.md has them. The text is the same for Postgres 15 to 18.
 */
export async function schemaDump(client: pg.ClientBase): Promise<string> {
  // The text of a type, a default or a view names no schema that is in the search_path.
  await client.query('begin; set local search_path = public')
  try {
    const parts = [
      HEADER,
      ...(await read(client, TABLES)),
      ...(await read(client, INDEXES)),
      ...(await views(client)),
      ...(await read(client, FUNCTIONS)),
    ]
    return `${parts.join('\n\n')}\n`
  } finally {
    await client.query('rollback')
  }
}

const HEADER = `-- The schema of a freshly migrated database, written from its catalogue by \`npm run statements\`. A test compares the two.
-- Nothing executes this file: the schema is made by the files in migrations/. docs/data-dictionary.md explains each column.`

async function read(client: pg.ClientBase, query: string): Promise<string[]> {
  const { rows } = await client.query<{ definition: string }>(query)
  return rows.map(({ definition }) => definition.trimEnd())
}

/** Partitions are left out: their names are days. Postgres 18 records NOT NULL as a constraint; older versions don't. Only the column shows it here. */
const TABLES = `
  select format(E'create table %I (\\n%s\\n)%s;', c.relname, string_agg(line, E',\\n' order by kind, nth, name collate "C"),
    coalesce(' partition by ' || lower(left(pg_get_partkeydef(c.oid), 5)) || substring(pg_get_partkeydef(c.oid) from 6), '')) as definition
  from pg_class as c
  cross join lateral (
    select 1 as kind, a.attnum::int as nth, a.attname::text as name,
      format('  %I %s', a.attname, format_type(a.atttypid, a.atttypmod))
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
        || case when a.attnotnull then ' not null' else '' end as line
    from pg_attribute as a left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    union all
    select 2, position(k.contype::text in 'pufc'), k.conname,
      format('  constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
    from pg_constraint as k where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c')
  ) as lines
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  group by c.oid, c.relname order by c.relname collate "C"`

/** The index of a primary key or of a unique constraint shows as the constraint. */
const INDEXES = `
  select string_agg(pg_get_indexdef(i.indexrelid) || ';', E'\\n' order by c.relname collate "C") as definition
  from pg_index as i join pg_class as c on c.oid = i.indexrelid
  where c.relnamespace = 'public'::regnamespace and not c.relispartition
    and not exists (select from pg_constraint as k where k.conindid = c.oid and k.contype in ('p', 'u'))`

const FUNCTIONS = `
  select rtrim(pg_get_functiondef(oid), E'\n') || ';' as definition from pg_proc
  where pronamespace = 'public'::regnamespace order by proname collate "C"`

const VIEWS = `
  select c.relname as name, case c.relkind when 'm' then 'materialized view' else 'view' end as kind,
    pg_get_viewdef(c.oid, true) as query, array_to_string(c.reloptions, ', ') as options
  from pg_class as c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm') order by c.relname collate "C"`

async function views(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query(VIEWS)
  return rows.map(({ name, kind, query, options }) => {
    const withOptions = options ? ` with (${options})` : ''
    return `create ${kind} ${name}${withOptions} as\n${unqualified(query)}`
  })
}

const JOIN = /^ {5}(\w+ )*JOIN /m

/**
 * Postgres 15 puts the relation before each column even if the view reads only one relation; Postgres 16 and newer leave it
 * out. Returns the query in the way of the newer versions. A line of the outermost join has an indentation of five spaces.
 */
function unqualified(query: string): string {
  const [, relation] = /^ SELECT (?:DISTINCT (?:ON \()?)?(\w+)\./.exec(query) ?? []
  return relation === undefined || JOIN.test(query)
    ? query
    : query.replaceAll(new RegExp(`\\b${relation}\\.`, 'g'), '')
}

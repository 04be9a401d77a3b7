import type pg from 'pg'

type Client = Pick<pg.ClientBase, 'query'>

/** What a column has, as far as the formats differ by it. Every other type is written as Postgres' text of it. */
const KINDS = {
  bool: 'boolean',
  int2: 'int2',
  int4: 'int4',
  int8: 'int8',
  float4: 'float4',
  float8: 'float8',
  numeric: 'numeric',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  json: 'json',
  jsonb: 'json',
  bytea: 'bytea',
} as const

export type Kind = (typeof KINDS)[keyof typeof KINDS] | 'text'

export interface Column {
  readonly name: string
  /** Of an array: the kind of its elements. */
  readonly kind: Kind
  readonly isArray: boolean
  /** The SQL comment; null if there is none. */
  readonly comment: string | null
}

/** A table or view. */
export interface Relation {
  /** The name without its schema. */
  readonly name: string
  /** The name as SQL has it, with its schema where one was given, in quotes where needed. */
  readonly sqlName: string
  readonly comment: string | null
  readonly columns: readonly Column[]
  /** Whether an analyst may read it. */
  readonly isReadable: boolean
}

// Where the role does not exist, there are no grants to ask. Then a table with a bytea column is taken for one that holds bodies or
// headers.
const IS_READABLE = `case when exists (select from pg_roles where rolname = 'nightpost_reader')
    then has_table_privilege('nightpost_reader', c.oid, 'select')
    else not exists (select from pg_attribute where attrelid = c.oid and atttypid = 'bytea'::regtype and not attisdropped) end
  and n.nspname not in ('pg_catalog', 'information_schema')`

/** A table or view with its columns; null if there is none of this name. */
export async function findRelation(client: Client, name: string): Promise<Relation | null> {
  const { rows } = await client.query(
    `select c.oid, c.relname as name, c.oid::regclass::text as "sqlName", obj_description(c.oid, 'pg_class') as comment,
       ${IS_READABLE} as "isReadable"
     from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
     where c.oid = to_regclass($1) and c.relkind in ('r', 'p', 'f', 'v', 'm')`,
    [name],
  )
  const [found] = rows
  if (!found) return null
  const { oid, ...relation } = found
  return { ...relation, columns: await columnsOf(client, oid) }
}

async function columnsOf(client: Client, oid: number): Promise<Column[]> {
  const { rows } = await client.query(
    `select a.attname as name, coalesce(e.typname, b.typname, t.typname) as type, e.oid is not null as "isArray",
       col_description(a.attrelid, a.attnum) as comment
     from pg_attribute as a join pg_type as t on t.oid = a.atttypid
     left join pg_type as b on b.oid = t.typbasetype
     left join pg_type as e on e.oid = coalesce(b.typelem, t.typelem) and coalesce(b.typcategory, t.typcategory) = 'A'
     where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [oid],
  )
  return rows.map(({ type, ...column }) => ({ ...column, kind: KINDS[type as keyof typeof KINDS] ?? 'text' }))
}

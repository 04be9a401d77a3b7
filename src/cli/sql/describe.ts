import type pg from 'pg'
import { type DatabaseSettings, databaseSettings } from '../../db/connect/database.ts'
import { connect } from '../../db/connect/pool.ts'
import { fittingTable, wrap } from '../table.ts'

interface Relation {
  readonly name: string
  readonly kind: 'table' | 'view' | 'materialised view'
  readonly comment: string | null
}

interface Description extends Relation {
  readonly columns: ReadonlyArray<{ name: string; type: string; nullable: boolean; comment: string | null }>
  readonly indexes: ReadonlyArray<{ name: string; definition: string }>
}

const RELATION = `c.relname as name, obj_description(c.oid, 'pg_class') as comment,
  case c.relkind when 'v' then 'view' when 'm' then 'materialised view' else 'table' end as kind`

const KINDS = `('r', 'p', 'f', 'v', 'm')`

/** The tables and views of the schema, views first: they are what most queries need. */
export async function listRelations(database: DatabaseSettings): Promise<Relation[]> {
  return withClient(database, async (client) => {
    const { rows } = await client.query(
      `select ${RELATION} from pg_class c
       where c.relnamespace = to_regnamespace(quote_ident($1)) and c.relkind in ${KINDS} and not c.relispartition
       order by c.relkind not in ('v', 'm'), c.relname`,
      [database.schema],
    )
    return rows
  })
}

/** The columns, types, comments and indexes of a table or view. Throws if there is none of this name. */
export async function describeRelation(
  database: DatabaseSettings | string,
  name: string,
): Promise<Description> {
  return withClient(database, async (client) => {
    const { rows: found } = await client.query(
      `select c.oid, ${RELATION} from pg_class c where c.oid = to_regclass($1) and c.relkind in ${KINDS}`,
      [name],
    )
    const [relation] = found
    if (!relation) {
      throw new Error(
        `There is no table or view "${name}" in schema "${databaseSettings(database).schema}". To list all: nightpost sql --describe`,
      )
    }
    const { oid, ...head } = relation
    const columns = await client.query(
      `select attname as name, replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz') as type, not attnotnull as nullable,
         col_description(attrelid, attnum) as comment
       from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped order by attnum`,
      [oid],
    )
    const indexes = await client.query(
      `select i.indexrelid::regclass::text as name,
         case when i.indisprimary then 'primary key, ' when i.indisunique then 'unique, ' else '' end
           || substring(pg_get_indexdef(i.indexrelid) from ' USING (.*)$') as definition
       from pg_index i where i.indrelid = $1 order by not i.indisprimary, 1`,
      [oid],
    )
    return { ...head, columns: columns.rows, indexes: indexes.rows }
  })
}

async function withClient<T>(
  database: DatabaseSettings | string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(database, { name: 'nightpost sql', use: 'read' })
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** A table of the relations, at most `width` characters wide. */
export function relationsText(relations: readonly Relation[], width: number): string {
  if (relations.length === 0) return 'The schema has no table. To create them: nightpost migrate\n'
  const rows = relations.map(({ name, kind, comment }) => [name, kind, comment ?? ''])
  return `${fittingTable(['name', 'kind', 'comment'], rows, width)}\n`
}

/** The description of one relation, at most `width` characters wide. */
export function descriptionText(description: Description, width: number): string {
  const { name, kind, comment, columns, indexes } = description
  const title = `${kind} ${name}${comment ? `: ${comment}` : ''}`
  const rows = columns.map((column) => [
    column.name,
    `${column.type}${column.nullable || kind !== 'table' ? '' : ' not null'}`,
    column.comment ?? '',
  ])
  const parts = [...wrap(title, width), fittingTable(['column', 'type', 'comment'], rows, width)]
  if (indexes.length > 0) {
    const definitions = indexes.map((index) => [index.name, index.definition])
    parts.push(fittingTable(['index', 'definition'], definitions, width))
  }
  return `${parts.join('\n')}\n`
}

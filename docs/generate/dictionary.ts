import type pg from 'pg'

interface Column {
  relation: string
  kind: 'r' | 'p' | 'v' | 'm'
  about: string
  column: string
  type: string
  isKey: boolean
  notNull: boolean
  comment: string
}

const COLUMNS = `
  select c.relname as relation, c.relkind as kind, obj_description(c.oid, 'pg_class') as about, a.attname as column,
    format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "notNull", col_description(c.oid, a.attnum) as comment,
    exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p' and a.attnum = any (k.conkey)) as "isKey"
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
  order by c.relkind in ('r', 'p'), c.relname, a.attnum`

interface Function {
  signature: string
  result: string
  about: string
}

/** The functions for queries: those whose comment says what they return, except the one that grants. */
const FUNCTIONS = `
  select p.proname || '(' || pg_get_function_arguments(p.oid) || ')' as signature, pg_get_function_result(p.oid) as result,
    obj_description(p.oid, 'pg_proc') as about
  from pg_proc as p where p.pronamespace = 'public'::regnamespace and obj_description(p.oid, 'pg_proc') is not null
    and p.proname <> 'grant_nightpost_reader'
  order by p.proname`

/** Returns the text of docs/data-dictionary.md. Its only source is the catalogue of a migrated database. */
export async function dataDictionary(client: pg.Client): Promise<string> {
  const { rows } = await client.query<Column>(COLUMNS)
  const { rows: functions } = await client.query<Function>(FUNCTIONS)
  const names = [...new Set(rows.map(({ relation }) => relation))]
  const relations = names.map((name): [string, Column[]] => [
    name,
    rows.filter(({ relation }) => relation === name),
  ])
  const isTable = ([, [first]]: [string, Column[]]) => first?.kind === 'r' || first?.kind === 'p'
  return [
    '# Data dictionary',
    '',
    'This page is written by `npm run docs` from the comments in the database. A test compares the two.',
    '',
    '- **Source** is the field at the vendor, as the vendor spells it. It is empty if no single field supplies the value: either',
    '  Nightpost made the value, or the meaning says where it comes from.',
    '- The columns of the primary key are **bold**.',
    '- **Null** is *no* if the column is never NULL. A field that the vendor may leave out may be NULL. NULL never means 0.',
    '- `timestamp with time zone` is an instant. `timestamp without time zone` is wall-clock time in the zone that the column',
    '  `time_zone` of the same row names.',
    '',
    '## Views',
    '',
    'Use the views for queries. In every view that has a column for the owner (`user_id`, `profile_id`, or `owner` in',
    '`delivery_log`), a condition on this column uses the primary key.',
    ...relations.filter((relation) => !isTable(relation)).flatMap(viewSection),
    '',
    '## Functions',
    '',
    '`nightpost_reader` may call all of them.',
    '',
    '| function | returns | meaning |',
    '|---|---|---|',
    ...functions.map(({ signature, result, about }) => row([`\`${signature}\``, result, about])),
    '',
    '## Tables',
    '',
    'The tables contain the data as the vendors sent it, and the deliveries themselves.',
    ...relations.filter(isTable).flatMap(tableSection),
    '',
  ].join('\n')
}

function viewSection([name, columns]: [string, Column[]]): string[] {
  return [
    ...heading(name, columns),
    '| column | type | unit | meaning |',
    '|---|---|---|---|',
    ...columns.map((column) => row([column.column, column.type, unit(column), column.comment])),
  ]
}

function tableSection([name, columns]: [string, Column[]]): string[] {
  return [
    ...heading(name, columns),
    '| column | type | null | source | unit | meaning |',
    '|---|---|---|---|---|---|',
    ...columns.map((column) =>
      row([
        column.isKey ? `**${column.column}**` : column.column,
        column.type,
        column.notNull ? 'no' : 'yes',
        source(column.comment),
        unit(column),
        column.comment,
      ]),
    ),
  ]
}

function heading(name: string, [first]: Column[]): string[] {
  return ['', `### ${name}`, '', first?.about ?? '', '']
}

function row(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`
}

/**
 * Returns the vendor's field that a comment names: at its beginning, in brackets, or as the origin of the value. Returns an
 * empty text if it names none.
 */
export function source(comment: string): string {
  const [, named] =
    /^([a-z][\w.[\]]*)(?: k)?: /.exec(comment) ??
    /\((data\.[\w.]+)/.exec(comment) ??
    /^(version or callback_version|value)(?: of the envelope| as a number)/.exec(comment) ??
    /\b(startDateTime|endDateTime|scoreDateTime|start_time)\b (?:was sent|in its own|as it was sent)/.exec(
      comment,
    ) ??
    []
  return named ? `\`${named}\`` : ''
}

const UNITS: Array<[RegExp, string]> = [
  [/^bytes|in bytes/i, 'bytes'],
  [/0 to 100/, '0 to 100'],
  [/0 to 1\b/, '0 to 1'],
  [/\bin unit\b|as a number/, 'see `unit`'],
  [/kcal/, 'kcal'],
  [/metres/, 'metres'],
  [/^(seq_num|inference_seq_num|position)|^Position|^(The window|Index|Number) |number of/, 'count'],
  [/minutes/i, 'minutes'],
  [/seconds/i, 'seconds'],
  [/spells|awakenings|how often|rank/i, 'count'],
]

/** Returns the unit of a numeric column, as its comment states it. Returns an empty text for every other type. */
export function unit({ type, comment }: Pick<Column, 'type' | 'comment'>): string {
  if (!/^(integer|smallint|bigint|numeric)$/.test(type)) return ''
  return UNITS.find(([pattern]) => pattern.test(comment))?.[1] ?? ''
}

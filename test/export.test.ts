import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Command } from 'commander'
import pg from 'pg'
import { from } from 'pg-copy-streams'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { viewText } from '../src/cli/export-text.ts'
import { createProgram } from '../src/cli/program.ts'
import { connect } from '../src/db/connect/pool.ts'
import type { FormatName } from '../src/export/formats.ts'
import { type Exported, exportView, type ViewExport } from '../src/export/view.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { built } from './setup/program.ts'

vi.setConfig({ testTimeout: 120_000 })

const root = mkdtempSync(join(tmpdir(), 'nightpost-export-'))
const path = (...names: string[]) => join(root, ...names)

let db: TestDatabase
let client: pg.Client

/** Values that a careless writer changes. */
const AWKWARD = `
  create table awkward (id integer primary key, n numeric, big bigint, f float8, r real, b boolean, t text, d date,
    at timestamptz, loc timestamp, j jsonb, ints smallint[], texts text[], times timestamptz[], nums numeric[], u uuid);
  insert into awkward values
    (1, 12345678901234567890.123456789, 9007199254740993, 0.1, 0.1, true, 'a,"b"' || E'\\r\\n\\tc', '2024-02-29',
     '2025-03-30 01:59:59.123456+00', '2025-03-30 02:30:00.000001', '{"a": [1, 12345678901234567890], "ü": null}',
     '{-1,0,1,NULL,3}', array['x,y', 'NULL', '', null, '"q"', '{}', '🌙'], '{2025-01-01 00:00:00.5+00,NULL}',
     '{0.1,123456789012345678.9,NULL}', '01980000-0000-7000-8000-000000000001'),
    (2, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
    (3, 0, 0, -0.0, 0, false, '', '0001-01-01', '0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999', '""', '{}', '{}',
     '{}', '{}', '00000000-0000-0000-0000-000000000000'),
    (4, -0.00000000000000000000001, -9223372036854775808, 1e300, 3.4028235e38, true, 'null', '9999-12-31',
     '9999-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999', 'null', '{32767,-32768}', '{" ",a b}', '{}', '{1e30}', null),
    (5, 1.50, 1, 'NaN', '-Infinity', false, E'  \\\\ \\u2028 \\' é 中 =1+1', '1970-01-01', '1969-12-31 23:59:59.999999+00',
     '1970-01-01 00:00:00', '[]', null, array[E'line\\nend'], null, null, null);
  insert into awkward select 5 + i, (random() * 1e9)::numeric(30, 12), (random() * 1e18)::bigint - 5e17::bigint, random() * 1e6,
    random()::real, i % 3 = 0, repeat(chr(32 + i % 5000), i % 7), date '2025-01-01' + i % 90,
    timestamptz '2025-01-01 00:00Z' + i * interval '1 hour 1 second 1 microsecond', null, jsonb_build_object('i', i),
    array(select (i + k) % 4 from generate_series(1, i % 50) k), array[i::text, null], null, array[i / 7.0], gen_random_uuid()
    from generate_series(1, 2000) i;
  grant select on awkward to nightpost_reader;
  create view slow as select generate_series(1, 1000000000) as i;
  create view wide as select i, 'user-' || i % 1000 as user_id, i / 8.0 as value, timestamptz '2025-01-01 00:00Z' + i * interval '1 second'
    as start_time, md5(i::text) as t3, repeat('x', 200) || i % 7 as long, array[i, i + 1] as pair
    from generate_series(1, 100000) i;
  grant select on slow, wide to nightpost_reader;
`

beforeAll(async () => {
  db = await createDatabase()
  await db.query(AWKWARD)
  client = new pg.Client({ connectionString: db.direct, options: '-c timezone=UTC' })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await db.drop()
  rmSync(root, { recursive: true })
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(words: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [...built('cli/main'), 'export', ...words], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, DATABASE_URL: db.url, ...env },
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (data) => {
      output[name] += data
    })
  }
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...output })))
  return { child, ended }
}

/** Exports in this process. The text is what went to standard output. */
async function exported(
  view: string,
  format: FormatName,
  options: Partial<ViewExport> = {},
): Promise<Exported & { text: string }> {
  const connection = await connect(db.url, { name: 'nightpost export', use: 'read' })
  const pieces: Uint8Array[] = []
  try {
    const done = await exportView(connection, {
      ...{ view, format, filter: {}, out: null, byDay: false, onProgress: () => {} },
      stdout: async (piece) => void pieces.push(piece),
      signal: new AbortController().signal,
      ...options,
    })
    return { ...done, text: Buffer.concat(pieces).toString() }
  } finally {
    await connection.end()
  }
}

/** The rows of a query of DuckDB, with values as JSON has them: an int64 and a time are text. */
async function duck(query: string): Promise<Array<Record<string, unknown>>> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(query)).getRowObjectsJson() as Array<Record<string, unknown>>
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Ids of rows of `awkward` that differ from those of a table in any of these expressions. */
async function differing(table: string, expressions: Record<string, string>): Promise<unknown[]> {
  const conditions = Object.entries(expressions).map(
    ([name, loaded]) => `a.${name} is distinct from ${loaded}`,
  )
  const { rows } = await client.query(
    `select coalesce(a.id::text, l.id::text) as id from awkward a full join ${table} l on l.id::text = a.id::text
     where a.id is null or l.id is null or ${conditions.join(' or ')}`,
  )
  return rows
}

/** How the text of each column is read again. JSON has `j` as a value, CSV as a text. */
const asTyped = (text: (name: string) => string, json: (name: string) => string) => ({
  ...Object.fromEntries(
    [
      ['n', 'numeric'],
      ['big', 'bigint'],
      ['f', 'float8'],
      ['r', 'real'],
      ['b', 'boolean'],
      ['t', 'text'],
      ['d', 'date'],
      ['at', 'timestamptz'],
      ['loc', 'timestamp'],
      ['u', 'uuid'],
    ].map(([name = '', type]) => [name, `${text(name)}::${type}`]),
  ),
  ...Object.fromEntries(
    [
      ['ints', 'smallint'],
      ['texts', 'text'],
      ['times', 'timestamptz'],
      ['nums', 'numeric'],
    ].map(([name = '', type]) => [
      name,
      `case when ${json(name)} is not null then array(select v::${type} from jsonb_array_elements_text(${json(name)}) v) end`,
    ]),
  ),
})

describe('the values of a file are those of the database', () => {
  it('CSV, read by Postgres', async () => {
    const { text: stdout } = await exported('awkward', 'csv')
    const columns = stdout.slice(0, stdout.indexOf('\r\n'))
    await client.query(`create table from_csv (${columns.split(',').join(' text, ')} text)`)
    await pipeline(
      Readable.from([stdout]),
      client.query(from('copy from_csv from stdin (format csv, header)')),
    )
    const typed = asTyped(
      (name) => `l.${name}`,
      (name) => `l.${name}::jsonb`,
    )
    expect(await differing('from_csv', { ...typed, j: 'l.j::jsonb' })).toEqual([])
    expect(stdout).toContain(
      '\r\n1,12345678901234567890.123456789,9007199254740993,0.1,0.1,true,"a,""b""\r\n\tc",2024-02-29,',
    )
    expect(stdout).toContain(`\r\n2${','.repeat(15)}\r\n`)
    expect(stdout).toContain(',2025-03-30T01:59:59.123456Z,2025-03-30T02:30:00.000001,')
  })

  it('NDJSON, also after a program has read and written it', async () => {
    const { text } = await exported('awkward', 'ndjson')
    const lines = text.trimEnd().split('\n')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      ...{ n: '12345678901234567890.123456789', big: '9007199254740993', f: 0.1, b: true },
      ...{
        at: '2025-03-30T01:59:59.123456Z',
        ints: [-1, 0, 1, null, 3],
        nums: [0.1, '123456789012345678.9', null],
      },
    })
    await client.query('create table from_ndjson (id integer, line jsonb, read jsonb)')
    await client.query(
      `insert into from_ndjson select (l::jsonb->>'id')::int, l::jsonb, r::jsonb from unnest($1::text[], $2::text[]) as x(l, r)`,
      [lines, lines.map((line) => JSON.stringify(JSON.parse(line)))],
    )
    const typed = asTyped(
      (name) => `(l.read->>'${name}')`,
      (name) => `nullif(l.read->'${name}', 'null')`,
    )
    expect(await differing('from_ndjson', typed)).toEqual([])
    // JSON null and SQL NULL look alike. A JSON column is embedded as it is, so a program may round its numbers.
    expect(await differing('from_ndjson', { j: `case when a.j is not null then l.line->'j' end` })).toEqual(
      [],
    )
  })

  it('Parquet, read by DuckDB', async () => {
    const file = path('awkward.parquet')
    const done = await exported('awkward', 'parquet', { out: file })
    expect(done).toMatchObject({ rows: 2005, files: [{ name: file, rows: 2005 }] })
    // Some of the awkward numbers and those that were made at random have over 15 digits.
    expect(done.rounded_numbers).toBeGreaterThan(2)
    expect(
      await duck(
        `select name, type from (select column_name as name, column_type as type from (describe select * from '${file}'))`,
      ),
    ).toEqual(
      Object.entries({
        ...{ id: 'INTEGER', n: 'DOUBLE', big: 'BIGINT', f: 'DOUBLE', r: 'FLOAT', b: 'BOOLEAN', t: 'VARCHAR' },
        ...{ d: 'DATE', at: 'TIMESTAMP WITH TIME ZONE', loc: 'TIMESTAMP', j: 'VARCHAR', ints: 'SMALLINT[]' },
        ...{ texts: 'VARCHAR[]', times: 'TIMESTAMP WITH TIME ZONE[]', nums: 'DOUBLE[]', u: 'VARCHAR' },
      }).map(([name, type]) => ({ name, type })),
    )
    const read = await duck(
      `select id, n, big, f, r, b, t, d::varchar as d, epoch_us("at") as at, epoch_us(loc) as loc, j, to_json(ints)::varchar as ints,
         to_json(texts)::varchar as texts, to_json(list_transform(times, lambda x: epoch_us(x)))::varchar as times,
         to_json(nums)::varchar as nums, u from '${file}' order by id`,
    )
    const { rows } = await client.query(
      `select id, n::float8, big::text, f, r, b, t, to_char(d, 'YYYY-MM-DD') as d, (extract(epoch from at) * 1000000)::bigint::text as at,
         (extract(epoch from loc) * 1000000)::bigint::text as loc, j::text as j, ints, texts,
         (select array_agg((extract(epoch from x) * 1000000)::bigint::text) from unnest(times) x) as times, nums::float8[], u::text
       from awkward order by id`,
    )
    const comparable = (row: Record<string, unknown>): Record<string, unknown> => ({
      ...row,
      ...Object.fromEntries(
        ['n', 'f', 'r'].map((name) => [name, row[name] === null ? null : Number(row[name])]),
      ),
      r: row.r === null ? null : Math.fround(Number(row.r)),
      ...Object.fromEntries(
        ['ints', 'texts', 'times', 'nums'].map((name) => {
          const value = typeof row[name] === 'string' ? JSON.parse(row[name]) : row[name]
          return [
            name,
            Array.isArray(value) && value.length > 0
              ? value.map((one) => (name === 'times' ? one && Number(one) : one))
              : value,
          ]
        }),
      ),
    })
    const expected = rows
      .map(comparable)
      .map((row) => ({ ...row, times: row.id === 3 || row.id === 4 ? [] : row.times }))
    expect(read.map(comparable)).toEqual(expected)
  })

  it.each(['csv', 'ndjson', 'parquet'] as const)('%s without rows', async (format) => {
    const file = path(`empty.${format}`)
    await exported('scores', format, { out: file })
    if (format === 'parquet')
      expect(await duck(`select count(*)::int as n from '${file}'`)).toEqual([{ n: 0 }])
    else expect(readFileSync(file, 'utf8')).toMatch(format === 'csv' ? /^profile_id,id,.*\r\n$/ : /^$/)
  })
})

it.each(['csv', 'parquet'])('%s of 100,000 rows in bounded memory', async (format) => {
  const file = path(`wide.${format}`)
  // The rows take some 200 MB in memory. Parquet gathers a row group.
  const heap = format === 'parquet' ? 96 : 32
  const { ended } = start(['wide', '--format', format, '--out', file, '--json'], {
    NODE_OPTIONS: `--max-old-space-size=${heap}`,
  })
  const { code, stdout, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const summary = JSON.parse(stdout)
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
  const bytes = statSync(file).size
  expect(summary).toMatchObject({
    rows: 100_000,
    bytes,
    files: [{ name: file, rows: 100_000, bytes, sha256 }],
  })
  const [sums] = await duck(
    `select count(*)::int as n, sum(i)::varchar as i, sum(value) as value, count(distinct t3)::int as t3,
       max(start_time::timestamp)::varchar as last from '${file}'`,
  )
  const { rows } = await client.query(
    `select count(*)::int as n, sum(i)::text as i, sum(value)::float8 as value, count(distinct t3)::int as t3,
       max(start_time)::timestamp::text as last from wide`,
  )
  expect(sums).toEqual(rows[0])
})

describe('what is exported', () => {
  beforeAll(() =>
    db.query(`
      insert into biomarkers (profile_id, id, type, local_date, start_date_time, delivery_id, received_at)
        select 'p' || i % 2, i, 'steps', case when i < 19 then date '2025-01-01' + i / 2 end, now(), gen_random_uuid(),
          timestamptz '2025-02-01 23:30Z' + i * interval '1 hour' from generate_series(0, 19) i`),
  )
  const ids = async (filter: ViewExport['filter']) =>
    (await exported('biomarkers', 'ndjson', { filter })).text
      .split('\n')
      .filter(Boolean)
      .map((line) => Number(JSON.parse(line).id))
      .sort((a, b) => a - b)

  it('one owner, and days with their ends', async () => {
    expect(await ids({ owner: 'p1', to: '2025-01-02' })).toEqual([1, 3])
    expect(await ids({ from: '2025-01-08' })).toEqual([14, 15, 16, 17, 18])
    expect(await ids({ by: 'received_at', to: '2025-02-01' })).toEqual([0])
    const day = { by: 'received_at', from: '2025-02-02', to: '2025-02-02' }
    expect(await ids({ ...day, owner: 'p0' })).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18])
  })

  it('a file for each day, as Hive names them, which replaces an older one', async () => {
    const out = path('lake')
    await exported('biomarkers', 'parquet', { byDay: true, out, filter: { to: '2025-01-01' } })
    const old = statSync(path('lake', 'day=2025-01-01', 'part.parquet')).ino
    const done = await exported('biomarkers', 'parquet', { byDay: true, out })
    expect(viewText(done)).toMatch(/^20 rows in 11 files, \d+ bytes\n$/)
    expect(statSync(path('lake', 'day=2025-01-01', 'part.parquet')).ino).not.toBe(old)
    const days = await duck(
      `select day::varchar as day, count(*)::int as n, bool_and(day::date is not distinct from local_date) as same
       from read_parquet('${out}/*/*.parquet', hive_partitioning = true) group by day order by day nulls last`,
    )
    expect(days.map(({ n }) => n)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1])
    expect(days.every(({ same }) => same)).toBe(true)
    expect(days.at(-1)).toEqual({ day: null, n: 1, same: true })
    for (const name of readdirSync(out)) {
      expect(readdirSync(join(out, name))).toEqual(['part.parquet'])
      expect(statSync(join(out, name, 'part.parquet')).mode & 0o777).toBe(0o600)
    }
  })

  it('only what nightpost_reader may read', async () => {
    for (const name of ['deliveries', 'delivery_bodies', 'unverified_deliveries', 'body_packs', 'pg_class']) {
      await expect(exported(name, 'csv')).rejects.toThrow('nightpost_reader may not read it')
    }
    await expect(exported('nothing', 'csv')).rejects.toThrow('no table or view "nothing"')
  })
})

describe('as a command', () => {
  let program: Command
  let printed = ''
  beforeAll(async () => {
    vi.stubEnv('DATABASE_URL', db.url)
    program = await createProgram(['export'])
    const writeErr = (text: string) => {
      printed += text
    }
    for (const one of [program, ...program.commands]) one.configureOutput({ writeErr })
  })

  it.each([
    [[], 'name a view'],
    [['scores', '--partition', 'day'], 'needs a directory'],
    [['scores', '--column', 'id'], 'needs --format ndjson'],
    [['scores', '--from', '2025-02-30'], 'Write a date'],
    [['scores', '--by', 'type'], 'no column "type" with a date'],
    [['time_zones', '--owner', 'x'], 'no column that names a person'],
    [['time_zones', '--from', '2025-01-01'], 'name one with --by'],
    [['scores', '--vendor', 'sahha'], 'need --person'],
    [['scores', '--person'], 'not both'],
    [['--person', '--vendor', 'sahha', '--owner', 'x'], '--out DIRECTORY'],
    [['--person', '--vendor', 'sahha', '--out', 'x'], '--owner or --external-id'],
  ])('used wrongly: %s', async (words, message) => {
    printed = ''
    await expect(program.parseAsync(['export', ...words], { from: 'user' })).rejects.toMatchObject({
      exitCode: 1,
    })
    expect(printed).toContain(message)
  })

  it('prints data alone on standard output, and the summary beside it', async () => {
    const { code, stdout, stderr } = await start(['biomarkers', '--format', 'ndjson', '--out', '-', '--json'])
      .ended
    expect(code).toBe(0)
    const sha256 = createHash('sha256').update(stdout).digest('hex')
    expect(JSON.parse(stderr)).toEqual({
      ...{ view: 'biomarkers', format: 'ndjson', rows: 20, bytes: stdout.length, rounded_numbers: 0 },
      files: [{ name: null, rows: 20, bytes: stdout.length, sha256 }],
    })
  })

  it('into a directory the file has the name of the view, and its owner alone may read it', async () => {
    await exported('biomarkers', 'csv', { out: root })
    expect(statSync(path('biomarkers.csv')).mode & 0o777).toBe(0o600)
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('a reader that goes away is no error', async () => {
    const { child, ended } = start(['slow'])
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.stdout.destroy()
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('SIGTERM leaves an older file as it was', async () => {
    const out = path('interrupted', 'slow')
    mkdirSync(path('interrupted'), { recursive: true })
    writeFileSync(out, 'older')
    const { child, ended } = start(['slow', '--out', out])
    await vi.waitUntil(
      () =>
        readdirSync(path('interrupted')).some((name) => statSync(path('interrupted', name)).size > 100_000),
      { timeout: 60_000 },
    )
    child.kill('SIGTERM')
    expect(await ended).toEqual({
      ...{ code: 1, stdout: '', stderr: 'Interrupted. Files that are not complete were removed.\n' },
    })
    expect(readdirSync(path('interrupted'))).toEqual(['slow'])
    expect(readFileSync(out, 'utf8')).toBe('older')
  })

  it('a directory that is missing is an error', async () => {
    await expect(exported('scores', 'csv', { out: path('missing', 'scores.csv') })).rejects.toThrow('ENOENT')
  })
})

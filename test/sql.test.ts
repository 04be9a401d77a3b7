import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeRelation, descriptionText, listRelations } from '../src/cli/sql/describe.ts'
import { statementErrorText } from '../src/cli/sql/error.ts'
import { csvFormat, jsonFormat, textFormat } from '../src/cli/sql/formats.ts'
import { jsonRows, printed } from '../src/cli/sql.ts'
import { drawRow } from '../src/cli/table.ts'
import { databaseSettings } from '../src/db/connect/database.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'

describe('nightpost sql', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase()
    await db.query(`
      insert into scores (profile_id, id, type, delivery_id, received_at) values ('p', 'a', 'sleep', gen_random_uuid(), now());
      create sequence counter;
      create function delete_scores() returns bigint language sql volatile as
        'with gone as (delete from scores returning 1) select count(*) from gone';
      create procedure delete_and_commit() language plpgsql as
        'begin commit; set transaction read write; delete from scores; commit; end'`)
  })
  afterAll(() => db.drop())

  const present = () => db.query(`select (select count(*) from scores), (select last_value from counter)`)

  it.each([
    ['a transaction made writable', 'set transaction read write; delete from scores', '42601'],
    ['the same alone', 'set transaction read write', '25001'],
    ['its setting', `select set_config('transaction_read_only', 'off', false)`, '25001'],
    ['an end of the transaction', 'commit; delete from scores', '42601'],
    ['another transaction', 'rollback; begin read write; delete from scores; commit', '42601'],
    ['a statement that writes', 'delete from scores', '25006'],
    ['a query that writes', 'with gone as (delete from scores returning *) select * from gone', '25006'],
    ['a function that writes', 'select delete_scores()', '25006'],
    ['a block', 'do $$ begin delete from scores; end $$', '25006'],
    ['a block that ends the transaction', 'do $$ begin commit; delete from scores; end $$', '2D000'],
    [
      'a block that makes it writable',
      'do $$ begin set transaction read write; delete from scores; end $$',
      '25001',
    ],
    ['a procedure that ends the transaction', 'call delete_and_commit()', '2D000'],
    ['a sequence', `select nextval('counter')`, '25006'],
    ['a sequence set', `select setval('counter', 100)`, '25006'],
    ['a table', 'create table mine (a int)', '25006'],
    ['a copy of what is read', 'select * into mine from scores', '25006'],
    ['a second statement after COPY', 'copy scores to stdout; delete from scores', '42601'],
    ['a copy into a table', 'copy scores from stdin', '25006'],
    ['a plan that is run', 'explain analyze delete from scores', '25006'],
  ])('refuses %s', async (_name, query, code) => {
    const was = await present()
    await expect(printed(db.url, query)).rejects.toMatchObject({ code })
    expect(await present()).toEqual(was)
  })

  it.each([
    'commit',
    'set default_transaction_read_only = off',
    'set session characteristics as transaction read write',
  ])('the effect of %s ends with its connection', async (query) => {
    await printed(db.url, query)
    await expect(printed(db.url, 'delete from scores')).rejects.toMatchObject({ code: '25006' })
  })

  it.each([
    ['select id, 1.50 as n from scores;', /│ a +│ 1\.50 │[\s\S]*1 row\n$/],
    ['table scores', /1 row\n$/],
    ['show timezone', /UTC/],
    ['explain select 1', /Result/],
    ["values ('é'), (null)", /∅[\s\S]*2 rows\n$/],
  ])('prints %s', async (query, expected) => {
    expect(await printed(db.url, query)).toMatch(expected)
  })

  const longest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

  it('prints a result of any size, and columns get wider with later rows', async () => {
    const text = await printed(db.url, 'select i, i * 2 as double from generate_series(1, 130000) i')
    expect(text.match(/^│ \d/gm)).toHaveLength(130_000)
    expect(text).toContain('│ 130000 │ 260000 │\n└────────┴────────┘\n130000 rows\n')
  })

  it('prints each row as a table of its own where one line is wider than the terminal', async () => {
    const query = `select repeat('word ', 30) as words, 'id-' || i as id from generate_series(1, 300) i`
    const text = await printed(db.url, query, textFormat(60))
    expect(longest(text)).toBe(60)
    expect(text.match(/^│ id +│ id-\d+ +│$/gm)).toHaveLength(300)
    expect(await printed(db.url, query, textFormat(200))).toMatch(/^│ (word ){30} │ id-300 +│$/m)
  })

  it('wraps a later value that is wider than the terminal', async () => {
    const query = `select case i when 300 then repeat('x', 100) else 'short' end as v from generate_series(1, 300) i`
    const text = await printed(db.url, query, textFormat(80))
    expect(longest(text)).toBeLessThanOrEqual(80)
    expect(text.match(/x/g)).toHaveLength(100)
  })

  it('wraps a long value, and counts two columns for a Chinese character and none for an accent', async () => {
    const body = await printed(db.url, `select repeat('x', 300000) as body`, textFormat(80))
    expect([longest(body), body.match(/x/g)?.length]).toEqual([80, 300_000])
    const accents = 'e\u0301'.repeat(8)
    expect(drawRow(['睡眠睡眠', accents], [6, 8])).toBe(`│ 睡眠睡 │ ${accents} │\n│ 眠     │          │`)
  })

  it('shows control characters of a value as escapes, which a terminal does not obey', async () => {
    expect(await printed(db.url, `select E'\\x1b[2J' as v`)).toContain('│ \\x1b[2J │')
  })

  it('prints CSV by RFC 4180, where NULL and an empty text differ', async () => {
    const query = `select 'a,b' as x, 'say "hi"' as "q,r", E'1\\n2' as l, null as n, '' as e, 1.50 as d`
    expect(await printed(db.url, query, csvFormat())).toBe(
      'x,"q,r",l,n,e,d\r\n"a,b","say ""hi""","1\n2",,"",1.50\r\n',
    )
    expect(await printed(db.url, 'select id from scores where false', csvFormat())).toBe('id\r\n')
  })

  it('prints JSON lines with every digit', async () => {
    const query = `select 9007199254740993 as big, 1.50 as n, true as b, 'NaN'::float8 as f, null as z,
      E'{"a": [1,\\n2]}'::json as j, array[1, null] as i, array['x,y', 'NULL'] as t, timestamptz '2025-01-01 00:00Z' as at`
    expect(await printed(db.url, query, jsonFormat())).toBe(
      '{"big":9007199254740993,"n":1.50,"b":true,"f":"NaN","z":null,"j":{"a": [1, 2]},"i":[1,null],"t":["x,y","NULL"],"at":"2025-01-01 00:00:00+00"}\n',
    )
    expect(await jsonRows(db.url, 'select i from generate_series(1, 450) i')).toHaveLength(450)
    await expect(printed(db.url, 'select 1 as a, 2 as a', jsonFormat())).rejects.toThrow('named "a"')
  })

  it('prints what COPY writes, and the name of a statement without rows', async () => {
    const query = 'copy (select i, null from generate_series(1, 1000) i) to stdout (format csv)'
    const lines = (await printed(db.url, query)).split('\n')
    expect([lines.length, lines[0], lines[999], lines[1000]]).toEqual([1001, '1,', '1000,', ''])
    expect(await printed(db.url, 'set timezone = utc')).toBe('SET\n')
    expect(await printed(db.url, '-- nothing')).toBe('')
  })

  const errorText = async (query: string, width = 80) =>
    printed(db.url, query).then(
      () => 'no error',
      (error) => statementErrorText(error, query, width),
    )

  it('shows the place of an error, its hint and its detail', async () => {
    expect(await errorText("select 'ä',\n\tprofile_di from scores")).toBe(
      [
        'ERROR:  column "profile_di" does not exist (SQLSTATE 42703)',
        'LINE 2:  profile_di from scores',
        '         ^',
        'HINT:  Perhaps you meant to reference the column "scores.profile_id".',
      ].join('\n'),
    )
    expect(await errorText(`select '{"a"}'::json`)).toMatch(/\nDETAIL: {2}Expected ":"/)
    const far = await errorText(`select ${' '.repeat(200)}nope${' '.repeat(200)}`, 60)
    const [, line = '', caret = ''] = far.split('\n')
    expect(line.slice(caret.indexOf('^'), caret.indexOf('^') + 4)).toBe('nope')
    expect(longest(line)).toBeLessThanOrEqual(60)
  })

  it('describes tables and views with types, comments and indexes', async () => {
    const table = await describeRelation(db.url, 'biomarkers')
    const text = descriptionText(table, 80)
    expect(longest(text)).toBeLessThanOrEqual(80)
    expect(text).toMatch(/^table biomarkers: /)
    expect(text).toMatch(/│ profile_id +│ text not null +│ profileId: /)
    expect(text).toMatch(/│ biomarkers_profile_id_id_pk +│ primary key, btree \(profile_id, id\)/)
    const view = await describeRelation(db.url, 'sleep_nights')
    expect(view).toMatchObject({ kind: 'view', indexes: [] })
    expect(view.columns.every(({ type, comment }) => type && comment)).toBe(true)
    await expect(describeRelation(db.url, 'nothing')).rejects.toThrow('no table or view "nothing"')
    const names = (await listRelations(databaseSettings(db.url))).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['deliveries', 'sleep_nights', 'time_zones']))
  })
})

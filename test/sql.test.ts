import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { printed } from '../src/cli/sql.ts'
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
})

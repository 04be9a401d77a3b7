import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readHypnogramFrom } from '../../src/cli/hypnogram.ts'
import { printed } from '../../src/cli/sql.ts'
import { readConfig } from '../../src/config/index.ts'
import { connect, createPool } from '../../src/db/connect/pool.ts'
import { replay } from '../../src/replay/replay.ts'
import { readState } from '../../src/status/read.ts'
import { vendors } from '../../src/vendors/index.ts'
import { biomarker } from '../setup/bodies.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { allRows, bare, fixtures, send } from '../setup/fixtures.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { environment, serviceOn } from '../setup/service.ts'

/** Defaults that an administrator may set for the database or the role. Several in each set, to save time. */
const defaults: Array<[name: string, settings: Record<string, string>]> = [
  [
    'formats',
    {
      ...{ timezone: 'Asia/Kathmandu', datestyle: 'SQL, DMY', intervalstyle: 'sql_standard' },
      ...{ bytea_output: 'escape', extra_float_digits: '-15', array_nulls: 'off' },
      ...{ standard_conforming_strings: 'off', backslash_quote: 'off', escape_string_warning: 'on' },
      ...{ transform_null_equals: 'on', quote_all_identifiers: 'on', xmloption: 'document' },
      ...{ client_encoding: 'LATIN1', client_min_messages: 'debug1' },
    },
  ],
  [
    'the planner',
    {
      ...{ jit: 'on', jit_above_cost: '0', jit_inline_above_cost: '0', jit_optimize_above_cost: '0' },
      ...{ plan_cache_mode: 'force_custom_plan', enable_indexscan: 'off', enable_nestloop: 'off' },
      ...{ enable_bitmapscan: 'off', work_mem: '64kB', max_parallel_workers_per_gather: '4' },
      ...{ parallel_setup_cost: '0', parallel_tuple_cost: '0', min_parallel_table_scan_size: '0' },
    },
  ],
  [
    'limits',
    {
      ...{ statement_timeout: '10ms', lock_timeout: '1ms', idle_in_transaction_session_timeout: '1ms' },
      ...{ idle_session_timeout: '300ms', transaction_timeout: '150ms' },
    },
  ],
  [
    'transactions',
    {
      ...{ default_transaction_isolation: 'serializable', default_transaction_deferrable: 'on' },
      ...{ synchronous_commit: 'off', row_security: 'off' },
    },
  ],
  ['another search path', { search_path: 'decoy, public' }],
]

let expected: unknown
let expectedState: unknown
let untouched: TestDatabase
beforeAll(async () => {
  untouched = await createDatabase()
  ;[expected, expectedState] = await run(untouched)
})
afterAll(() => untouched.drop())

describe.each(defaults)('with %s as defaults', (_name, settings) => {
  it("stores, reads and replays as with Postgres' own defaults", async () => {
    const db = await createDatabase()
    const [{ name } = { name: '' }] = await db.query('select current_database() as name')
    // A row here was meant for public.
    await db.query(`create schema decoy; create table decoy.deliveries (like public.deliveries);
      create table decoy.scores (like public.scores); create table decoy.biomarkers (like public.biomarkers)`)
    const known = await db.query('select name from pg_settings where name = any($1)', [Object.keys(settings)])
    for (const { name: setting } of known) {
      const value = settings[`${setting}`.toLowerCase()] ?? settings[`${setting}`]
      await db.query(
        `alter database ${name} set ${setting} = ${setting === 'search_path' ? value : `'${value}'`}`,
      )
    }
    // Settings that cost time or fail occasionally, and that no row shows.
    const pool = createPool(db.url, guardedLog)
    const ask = () =>
      pool.query(`select current_setting('jit') as jit, current_setting('transaction_isolation') as isolation,
        current_setting('enable_indexscan') as indexes`)
    // On a slow machine a limit of milliseconds may end the session before its settings are in force.
    const { rows: inForce } = await ask().catch(ask).catch(ask)
    expect(inForce).toEqual([{ jit: 'off', isolation: 'read committed', indexes: 'on' }])
    await pool.end()

    const [rows, state] = await run(db)
    expect(rows).toEqual(expected)
    expect(state).toEqual(expectedState)
    await db.drop()
  })
})

/** Starts a service on a database, sends every fixture, and returns the tables and what the commands read. */
async function run(db: TestDatabase) {
  const service = await serviceOn(db)
  for (const fixture of fixtures) {
    expect((await send(service, fixture)).json.outcome, fixture.name).toBe('stored')
  }
  const burst = (category: string) =>
    Promise.all(
      Array.from({ length: 200 }, (_, n) => service.sahha(biomarker({ id: `burst-${n % 40}`, category }))),
    )
  const answers = [...(await burst('first')), ...(await burst('second'))]
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect((await service.app.inject('/health/ready')).json().parts).toMatchObject({
    database: 'ok',
    schema: 'ok',
  })
  expect((await send(service, fixtures[0] as (typeof fixtures)[number])).json.outcome).toBe('duplicate')
  await service.app.close()
  const rows = bare(await allRows(db))

  const replayed = await replay({
    ...{ databaseUrl: db.url, vendors, config: readConfig(environment), log: guardedLog },
    ...{ filter: {}, all: true, dryRun: false, signal: new AbortController().signal, progress: () => {} },
  })
  expect(replayed).toMatchObject({ failed: 0, changedRows: 0 })
  expect(bare(await allRows(db))).toEqual(rows)

  const client = await connect(db.url, { name: 'nightpost status', use: 'read' })
  const { now, lastStored, ledgerBytes, databaseBytes, ...state } = await readState(client, vendors)
  await client.end()
  const table = await printed(
    db.url,
    `select session_id, end_time, local_bed_time, sleep_efficiency, asleep_minutes,
    local_end_time - local_bed_time as duration, '\\x00ff'::bytea as bytes from sleep_nights order by 1`,
  )
  return [rows, { state, table, night: await readHypnogramFrom(db.url, {}) }]
}

import { spawn } from 'node:child_process'
import { beforeEach, describe, expect, it } from 'vitest'
import { replayCommand } from '../src/cli/replay.ts'
import { readConfig } from '../src/config/index.ts'
import type { Vendor } from '../src/contract/vendor.ts'
import { type DistributedTable, distributedTables } from '../src/db/citus/tables.ts'
import type { ReplayOptions } from '../src/replay/options.ts'
import { replay } from '../src/replay/replay.ts'
import type { ReplayReport } from '../src/replay/report.ts'
import { vendors } from '../src/vendors/index.ts'
import { sahha } from '../src/vendors/sahha/index.ts'
import { biomarker, dataLog, score, session, USER } from './setup/bodies.ts'
import { changeOwner } from './setup/change-owner.ts'
import { allRows, fixtures, send, tables } from './setup/fixtures.ts'
import { guardLine } from './setup/log-guard.ts'
import { built } from './setup/program.ts'
import { emptyServices, environment, type TestService } from './setup/service.ts'

let service: TestService
const emptyService = emptyServices()
beforeEach(async () => {
  service = await emptyService()
})

const options = (given: Partial<ReplayOptions> = {}): ReplayOptions => ({
  databaseUrl: service.db.url,
  vendors,
  config: readConfig(environment),
  log: { warn: () => {} },
  filter: { outcomes: ['rejected', 'unrecognised'] },
  all: false,
  dryRun: false,
  signal: new AbortController().signal,
  progress: () => {},
  ...given,
})

const transitions = ({ transitions }: ReplayReport) => Object.fromEntries(transitions)

/** Changes the ledger as if an older version without normalisers had received every delivery. */
async function forgetRows(outcome: string) {
  for (const table of [...tables].reverse()) await service.db.query(`delete from ${table}`)
  await service.db.query(`update deliveries set outcome = '${outcome}', normaliser_version = 0,
    problem = case when '${outcome}' = 'rejected' then '{"code": "invalid_body"}'::jsonb end`)
}

/** The entries with their bodies, wherever those are. */
const ledger = () =>
  service.db.query(
    `select to_jsonb(d) - array['body', 'body_group', 'body_start', 'change_position', 'first_day', 'last_day'] as entry, b.body
     from deliveries as d join delivery_bodies as b using (delivery_id) order by delivery_id`,
  )

const sahhaBiomarker = (fields?: object) =>
  service.sahha(biomarker(fields), 'BiomarkerCreatedIntegrationEvent')

async function sendAll() {
  for (const fixture of fixtures) await send(service, fixture)
}

describe.each(['unrecognised', 'rejected'])('a delivery that an older version recorded as %s', (outcome) => {
  it("is stored with its old time of arrival, as today's code judges it", async () => {
    await sendAll()
    const rows = await allRows(service.db)
    const entries = await ledger()
    await forgetRows(outcome)

    const report = await replay(options())
    expect(transitions(report)).toEqual({ [`${outcome} → stored`]: fixtures.length })
    expect(report.failed).toBe(0)
    expect(await allRows(service.db)).toEqual(rows)
    expect(await ledger()).toEqual(entries)
  })
})

it('sets the owner of a body that could not be read before, and keeps its id and arrivals', async () => {
  const { json } = await sahhaBiomarker()
  // The body is in the entry afterwards, because packs are found by the owner.
  const entry = () =>
    service.db.query(
      `select to_jsonb(d) - '{body,body_group,body_start,change_position,first_day,last_day}'::text[] as entry, b.body
       from deliveries as d join delivery_bodies as b using (delivery_id)`,
    )
  const entries = await entry()
  await forgetRows('rejected')
  await changeOwner(service.db, 'true', '', 'event = null')

  expect(transitions(await replay(options()))).toEqual({ 'rejected → stored': 1 })
  expect(await entry()).toEqual(entries)
  expect(await service.db.query('select id, delivery_id from biomarkers')).toEqual([
    { id: 'biomarker-1', delivery_id: json.delivery_id },
  ])
})

it('adds only the arrivals if the same bytes arrived under the right owner since', async () => {
  await sahhaBiomarker()
  await changeOwner(service.db, 'true', '', `outcome = 'rejected', times_received = 3`)
  await service.db.query('delete from biomarkers')
  const { json } = await sahhaBiomarker()
  expect(json.outcome).toBe('stored')

  await replay(options())
  expect(
    await service.db.query('select owner, outcome, times_received, delivery_id from deliveries'),
  ).toEqual([{ owner: 'profile-1', outcome: 'stored', times_received: '4', delivery_id: json.delivery_id }])
  expect(await service.db.query('select delivery_id from biomarkers')).toEqual([
    { delivery_id: json.delivery_id },
  ])
})

it('never overwrites newer rows, and changes nothing when repeated', async () => {
  await service.asleep(session({ state: 'OPEN' }), USER)
  await forgetRows('rejected')
  await service.asleep(session({ state: 'COMPLETE' }), USER)
  const rows = await allRows(service.db)

  expect(transitions(await replay(options()))).toEqual({ 'rejected → stored': 1 })
  expect(await allRows(service.db)).toEqual(rows)
  expect(transitions(await replay(options()))).toEqual({})
})

it('leaves no connection behind if it can not begin', async () => {
  const { db } = service
  await db.query('alter table nightpost_migrations rename column name to other')
  await expect(replay(options())).rejects.toThrow('column "name" does not exist')
  await db.query('alter table nightpost_migrations rename column other to name')
  const sessions = () =>
    db.query(
      `select pid from pg_stat_activity where datname = current_database() and application_name = 'nightpost replay'`,
    )
  await expect.poll(sessions).toEqual([])
})

it('reports what still fails by problem code', async () => {
  await sahhaBiomarker({ id: 7 })
  await service.sahha('{')
  const before = await ledger()
  const report = await replay(options())
  expect(transitions(report)).toEqual({ 'rejected → rejected': 2 })
  expect(Object.fromEntries(report.problems)).toEqual({ invalid_body: 1, malformed_json: 1 })
  expect(report.failed).toBe(2)
  expect(await ledger()).toEqual(before)
})

it('rejects only the body whose rows the database refuses', async () => {
  await sahhaBiomarker({ id: 'a' })
  await sahhaBiomarker({ id: 'b' })
  await forgetRows('rejected')
  await service.db.query(`alter table biomarkers add constraint no_b check (id <> 'b')`)
  const report = await replay(options())
  expect(transitions(report)).toEqual({ 'rejected → rejected': 1, 'rejected → stored': 1 })
  expect(await service.db.query('select id from biomarkers')).toEqual([{ id: 'a' }])
})

it('stores bodies that an older version rejected for one bad record, and selects partly stored ones', async () => {
  const { json } = await service.sahha(
    dataLog([{ id: 'a', value: '1' }, { value: 2 }, { id: 'c', value: 3 }]),
  )
  const rows = await allRows(service.db)
  await forgetRows('rejected')

  const first = await replay(options())
  expect(transitions(first)).toEqual({ 'rejected → stored': 1 })
  expect({ failed: first.failed, problems: Object.fromEntries(first.problems) }).toEqual({
    failed: 0,
    problems: { partly_stored: 1 },
  })
  expect(await allRows(service.db)).toEqual(rows)
  expect(rows.data_logs).toMatchObject([
    { id: 'a', value: null },
    { id: 'c', value: '3' },
  ])

  await sahhaBiomarker()
  const again = (...outcomes: string[]) => replay(options({ filter: { outcomes } })).then(transitions)
  expect(await again('partly_stored')).toEqual({ 'stored → stored': 1 })
  expect(await again('rejected', 'partly_stored')).toEqual({ 'stored → stored': 1 })
  expect(await again('stored')).toEqual({ 'stored → stored': 2 })
  const [kept] = await service.db.query(
    `select delivery_id from delivery_log where problem_code = 'partly_stored'`,
  )
  expect(kept?.delivery_id).toBe(json.delivery_id)
})

it('reports the same with --dry-run, and writes nothing', async () => {
  await sendAll()
  await forgetRows('unrecognised')
  const before = [await ledger(), await allRows(service.db)]
  const dry = await replay(options({ dryRun: true }))
  expect([await ledger(), await allRows(service.db)]).toEqual(before)
  expect(transitions(dry)).toEqual(transitions(await replay(options())))
})

describe('the filter selects', () => {
  beforeEach(async () => {
    await sahhaBiomarker()
    await service.sahha(score({ profileId: 'profile-2', externalId: 'user-2' }))
    await service.asleep(session(), USER)
    await forgetRows('rejected')
    await service.db.query(`update deliveries set received_at = '2025-01-01' where event like 'Score%'`)
  })

  it.each([
    [{ vendor: 'asleep' }, ['SESSION_COMPLETE']],
    [{ event: 'BiomarkerCreatedIntegrationEvent' }, ['BiomarkerCreatedIntegrationEvent']],
    [{ user: USER }, ['SESSION_COMPLETE']],
    [{ user: 'profile-2' }, ['ScoreCreatedIntegrationEvent']],
    [{ until: '2025-01-02' }, ['ScoreCreatedIntegrationEvent']],
    [{ since: '2025-01-02T00:00:00Z', vendor: 'sahha' }, ['BiomarkerCreatedIntegrationEvent']],
    [{ outcomes: ['unrecognised'] }, []],
  ])('%j', async (filter, events) => {
    await replay(options({ filter: { outcomes: ['rejected'], ...filter } }))
    const stored = await service.db.query(`select event from deliveries where outcome = 'stored'`)
    expect(stored.map(({ event }) => event)).toEqual(events)
  })

  it('one delivery by its id', async () => {
    const [wanted] = await service.db.query(`select delivery_id from deliveries where vendor = 'asleep'`)
    await replay(options({ filter: { deliveries: [wanted?.delivery_id as string] } }))
    expect(await service.db.query(`select vendor from deliveries where outcome = 'stored'`)).toEqual([
      { vendor: 'asleep' },
    ])
  })
})

/** A vendor whose normaliser has a newer version, and reads units differently. */
const otherSahha: Vendor = {
  ...sahha,
  normaliserVersion: sahha.normaliserVersion + 1,
  identify(headers, body) {
    const identity = sahha.identify(headers, body)
    const event = identity.event && {
      ...identity.event,
      toRows: (body: Record<string, unknown>) =>
        identity.event?.toRows({ ...body, unit: 'other' }) ?? { rows: [] },
    }
    return { ...identity, event }
  },
}

describe('--all', () => {
  const updates = async () => {
    await sendAll()
    await service.sahha(score({ factors: [{ name: 'a' }, { name: 'b' }], version: 1 }))
    await service.sahha(score({ factors: [{ name: 'c' }], version: 2 }))
    await service.sahha(
      dataLog([
        { id: 'x', value: 1 },
        { id: 'x', value: 2 },
      ]),
    )
    await service.asleep(session({}, { stat: { sleep_time: '2025-01-15T03:00:00+00:00' } }), USER)
    await service.asleep(session({ state: 'CLOSED' }), USER)
    await service.sahha('no JSON')
  }

  it('makes identical rows from only the ledger', async () => {
    await updates()
    const rows = await allRows(service.db)
    const entries = await ledger()
    for (const table of [...tables].reverse()) await service.db.query(`delete from ${table}`)

    const report = await replay(options({ all: true }))
    expect(await allRows(service.db)).toEqual(rows)
    expect(await ledger()).toEqual(entries)
    expect(report.failed).toBe(1)
    expect((await replay(options({ all: true }))).changedRows).toBe(0)
  })

  it('removes rows that their delivery does not make, and keeps rows whose delivery was deleted', async () => {
    await updates()
    const rows = await allRows(service.db)
    const [known] = await service.db.query('select delivery_id from biomarkers limit 1')
    const add = (id: string, delivery: string) =>
      service.db.query(
        `insert into biomarkers (profile_id, id, type, delivery_id, received_at)
        select profile_id, $1, type, $2, received_at from biomarkers limit 1`,
        [id, delivery],
      )
    await add('invented', known?.delivery_id as string)
    expect((await replay(options({ all: true }))).changedRows).toBe(1)
    expect(await allRows(service.db)).toEqual(rows)

    await add('archived', '019a0000-0000-7000-8000-000000000000')
    expect((await replay(options({ all: true }))).changedRows).toBe(0)
    expect(await service.db.query(`select id from biomarkers where id = 'archived'`)).toHaveLength(1)
  })

  it("reads every body with today's normalisers, and records their versions", async () => {
    await updates()
    const rows = await allRows(service.db)
    const changed = await replay(options({ all: true, vendors: [otherSahha] }))
    expect(changed.changedRows).toBeGreaterThan(0)
    const units = await service.db.query('select distinct unit from biomarkers')
    expect(units).toEqual([{ unit: 'other' }])
    const versions = `select distinct vendor, normaliser_version as version from deliveries order by vendor`
    expect(await service.db.query(versions)).toEqual([
      { vendor: 'asleep', version: '2' },
      { vendor: 'sahha', version: '3' },
    ])
    await replay(options({ all: true }))
    expect(await allRows(service.db)).toEqual(rows)
  })

  it('keeps the rows of an owner if one of the deliveries is not committed', async () => {
    await updates()
    const rows = await allRows(service.db)
    const [row] = await service.db.query(
      `select delivery_id from deliveries where owner = 'profile-1' limit 1`,
    )
    const holder = await service.db.lock(
      `select from deliveries where owner = 'profile-1' and delivery_id = '${row?.delivery_id}' for update`,
    )
    const report = await replay(options({ all: true }))
    await holder.release()
    expect(report.transitions.get('stored → unavailable')).toBe(1)
    expect(await allRows(service.db)).toEqual(rows)
  })

  it('counts the rows that would change with --dry-run', async () => {
    await updates()
    const rows = await allRows(service.db)
    const dry = await replay(options({ all: true, dryRun: true, vendors: [otherSahha] }))
    expect(await allRows(service.db)).toEqual(rows)
    expect(dry.changedRows).toBeGreaterThan(0)
    expect((await replay(options({ all: true, vendors: [otherSahha] }))).changedRows).toBe(dry.changedRows)
  })

  /** Where every row lies, and which transaction wrote it. */
  const places = async () => {
    const all = ['deliveries', ...tables].map(
      (name) => `select '${name}' as name, ctid::text, xmin::text, delivery_id::text from ${name}`,
    )
    const rows = await service.db.query(`${all.join(' union all ')} order by 1, 2, 4`)
    return rows.map((row) => Object.values(row).join(' '))
  }

  it('does not touch a row that is as expected', async () => {
    await updates()
    const before = await places()
    expect((await replay(options({ all: true }))).changedRows).toBe(0)
    expect(await places()).toEqual(before)

    // Only the row that differs is written, and its delivery's place in the change feed.
    const told = await service.db.query(
      `select delivery_id from biomarkers union select delivery_id from score_factors where profile_id = 'profile-1'`,
    )
    await service.db.query(`update biomarkers set unit = 'wrong'`)
    await service.db.query(`update score_factors set name = 'wrong' where profile_id = 'profile-1'`)
    const wrong = await places()
    const { changedRows } = await replay(options({ all: true }))
    const isUntouched = (place: string) =>
      !/^(?:biomarkers|score_factors) /.test(place) &&
      !(place.startsWith('deliveries ') && told.some(({ delivery_id }) => place.endsWith(`${delivery_id}`)))
    expect((await places()).filter(isUntouched)).toEqual(wrong.filter(isUntouched))
    expect(changedRows).toBeGreaterThan(1)
    expect(await service.db.query(`select from biomarkers where unit = 'wrong'`)).toEqual([])
    expect(await service.db.query(`select from score_factors where name = 'wrong'`)).toEqual([])
    expect((await replay(options({ all: true }))).changedRows).toBe(0)
  })

  it('replaces a row whose time is later than that of its delivery', async () => {
    await service.sahha(score({ score: 0.1, version: 1, factors: [{ name: 'old' }] }))
    await service.sahha(score({ score: 0.2, version: 2, factors: [{ name: 'new' }] }))
    const rows = await allRows(service.db)
    await service.db.query(`update scores set version = 99, score = 0.7,
      delivery_id = (select min(delivery_id::text)::uuid from deliveries)`)
    expect((await replay(options({ all: true }))).changedRows).toBe(1)
    expect(await allRows(service.db)).toEqual(rows)
  })

  /** Locks every row of a table: one owner after another, as Citus can. */
  const lockRows = async ({ name, column }: DistributedTable) => {
    const owners = await service.db.query(`select distinct quote_literal(${column}) as owner from ${name}`)
    const locks = owners.map(({ owner }) => `select 1 from ${name} where ${column} = ${owner} for update`)
    return service.db.lock(locks.join(';'))
  }

  it('neither waits for a lock nor takes one with --dry-run', async () => {
    await updates()
    const holders = await Promise.all(
      distributedTables(vendors.flatMap(({ targets }) => targets)).map(lockRows),
    )
    const tableHolder = await service.db.lock('lock table biomarkers, deliveries in share row exclusive mode')
    const seen = new Set<string>()
    const watch = async () => {
      const locks = await service.db.query(
        `select l.mode from pg_locks l join pg_stat_activity a using (pid)
         where a.application_name like 'nightpost%' and l.relation is not null
           and a.datname = current_database() and l.mode <> 'AccessShareLock'
           -- The service of the test records there when events were last stored, once a minute.
           and l.relation::regclass::text !~ '^(event_activity|upkeep_tasks)'`,
      )
      for (const { mode } of locks) seen.add(mode as string)
    }
    const summaries = []
    for (const all of [true, false]) {
      const filter = all ? {} : { outcomes: ['stored', 'rejected'] }
      const running = replay(
        options({
          all,
          filter,
          dryRun: true,
          vendors: [otherSahha, ...vendors.filter(({ name }) => name !== 'sahha')],
        }),
      )
      const timer = setInterval(watch, 2)
      summaries.push(await running)
      clearInterval(timer)
      await watch()
    }
    for (const holder of [...holders, tableHolder]) await holder.release()
    expect([...seen]).toEqual([])
    expect(summaries.map(({ transitions }) => transitions.get('stored → unavailable'))).toEqual([
      undefined,
      undefined,
    ])
    expect(summaries[0]?.changedRows).toBeGreaterThan(0)
  })

  it('keeps deliveries that the service receives while it runs', async () => {
    await updates()
    const arriving = Promise.all(
      Array.from({ length: 200 }, (_, n) => sahhaBiomarker({ id: `live-${n % 50}`, value: `${n}` })),
    )
    await replay(options({ all: true }))
    const answers = await arriving
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    const rows = await allRows(service.db)
    expect((await replay(options({ all: true }))).changedRows).toBe(0)
    expect(await allRows(service.db)).toEqual(rows)
    expect(await service.db.query(`select id from biomarkers where id like 'live-%'`)).toHaveLength(50)
  })
})

it('stops when interrupted, and continues when repeated', async () => {
  for (let n = 0; n < 3; n += 1) {
    const padding = 'x'.repeat(6 * 2 ** 20)
    await sahhaBiomarker({ id: `large-${n}`, padding })
  }
  await forgetRows('rejected')
  const interruption = new AbortController()
  const report = await replay(
    options({ signal: interruption.signal, progress: (done) => done > 0 && interruption.abort() }),
  )
  expect(transitions(report)).toEqual({ 'rejected → stored': 1 })
  expect(transitions(await replay(options()))).toEqual({ 'rejected → stored': 2 })
})

describe('nightpost replay', () => {
  async function command(...given: string[]) {
    const child = spawn(process.execPath, [...built('cli/main'), 'replay', ...given], {
      env: { PATH: process.env.PATH, DATABASE_URL: service.db.url, ...environment },
    })
    let output = ''
    let errors = ''
    child.stdout.on('data', (data) => {
      output += data
    })
    child.stderr.on('data', (data) => {
      errors += data
    })
    const [code] = await new Promise<unknown[]>((resolve) => child.on('close', (...all) => resolve(all)))
    for (const line of [output, errors].join('\n').split('\n')) guardLine(line)
    return { code, output, errors }
  }

  it('prints its report, and exits with status 1 if a delivery still fails', async () => {
    await sahhaBiomarker()
    await service.sahha('{')
    await service.db.query(`update deliveries set outcome = 'rejected'`)
    const dry = await command('--dry-run')
    expect(dry).toMatchObject({ code: 1 })
    expect(dry.output).toContain('Dry run: nothing was written')

    const first = await command()
    expect(first.output).toMatch(/rejected → stored\s+│ 1/)
    expect(first.output).toContain('1 rejected with malformed_json')
    expect(first.errors).toContain('2 of 2 deliveries')
    expect(first.code).toBe(1)
    await service.db.query(`delete from deliveries where outcome = 'rejected'`)
    expect(await command('--all')).toMatchObject({ code: 0 })
  })

  it.each([
    [['--since', 'yesterday'], 'Write an ISO 8601 time'],
    [['--outcome', 'lost'], 'Write some of rejected'],
    [['--delivery', '7'], 'UUID'],
    [['--all', '--user', 'x'], 'cannot be used with'],
  ])('refuses %j with the reason', async (given, reason) => {
    let errors = ''
    const writeErr = (text: string) => {
      errors += text
    }
    const parsing = replayCommand
      .exitOverride()
      .configureOutput({ writeErr })
      .parseAsync(given, { from: 'user' })
    await expect(parsing).rejects.toMatchObject({ exitCode: 1 })
    expect(errors).toContain(reason)
  })
})

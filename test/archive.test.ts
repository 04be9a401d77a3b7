import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type ArchiveOptions, archive } from '../src/archive/archive.ts'
import type { Manifest } from '../src/archive/format.ts'
import { readConfig } from '../src/config/index.ts'
import { resetSession } from '../src/db/migrate/migrate.ts'
import { type MaintainOptions, maintain } from '../src/db/upkeep/maintain.ts'
import type { ReplayOptions } from '../src/replay/options.ts'
import { replay } from '../src/replay/replay.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker, inference, score, session, USER } from './setup/bodies.ts'
import { allRows, fixtures, send, tables } from './setup/fixtures.ts'
import { guardLine } from './setup/log-guard.ts'
import { built } from './setup/program.ts'
import { environment, setup, type TestService } from './setup/service.ts'

vi.setConfig({ testTimeout: 60_000 })

const DAY = 86_400_000
const targets = vendors.flatMap((vendor) => vendor.targets)
const root = mkdtempSync(join(tmpdir(), 'nightpost-archive-'))
const directory = (name: string) => join(root, name)

let service: TestService
let client: pg.Client
/** The body of every delivery as it was sent, by its id. */
const sent = new Map<string, Buffer>()
/** The rows that all deliveries make. */
let rows: Awaited<ReturnType<typeof allRows>>

beforeAll(async () => {
  service = await setup({ MAINTENANCE: 'off' })
  client = new pg.Client(service.db.direct)
  await client.connect()
  await resetSession(client, 'public')
  const keep = async (answer: ReturnType<TestService['sahha']>, body: object | string | Buffer) => {
    const bytes = Buffer.isBuffer(body) ? body : typeof body === 'string' ? body : JSON.stringify(body)
    sent.set((await answer).json.delivery_id as string, Buffer.from(bytes as string))
  }
  for (const fixture of fixtures) await keep(send(service, fixture), fixture.body)
  // Versions of one record, whose order matters.
  for (const version of [1, 3, 2]) {
    const body = score({ version, score: version / 10, factors: [{ name: `of version ${version}` }] })
    await keep(service.sahha(body), body)
  }
  for (const state of ['OPEN', 'COMPLETE']) {
    const body = session({ id: 'versions', state })
    await keep(service.asleep(body, USER), body)
  }
  await keep(service.asleep(inference({ session_id: 'open' }), USER), inference({ session_id: 'open' }))
  await keep(service.sahha('{"not json'), '{"not json')
  await keep(service.sahha({ mystery: 'ü\u0000' }, 'MysteryEvent'), { mystery: 'ü\u0000' })
  rows = await allRows(service.db)
})
afterAll(async () => {
  await client.end()
  await service.close()
  rmSync(root, { recursive: true, force: true })
})

const run = (name: string, options: Partial<ArchiveOptions> = {}) =>
  archive(client, {
    directory: directory(name),
    schema: 'public',
    periods: [{ from: 0, to: Date.now() + DAY }],
    checkAll: true,
    signal: new AbortController().signal,
    ...options,
  })

const upkeep = (options: Partial<MaintainOptions> = {}) =>
  maintain(client, { schema: 'public', targets, retention: {}, ...options })

const replayed = (options: Partial<ReplayOptions> = {}) =>
  replay({
    databaseUrl: service.db.direct,
    vendors,
    config: readConfig(environment),
    log: { warn: () => {} },
    filter: {},
    all: false,
    dryRun: false,
    signal: new AbortController().signal,
    progress: () => {},
    ...options,
  })

const manifestOf = (name: string): Manifest =>
  JSON.parse(readFileSync(join(directory(name), 'manifest.json'), 'utf8'))

const gzipsOf = (name: string) =>
  readdirSync(directory(name))
    .filter((file) => file.endsWith('.gz'))
    .sort()

/** The lines of an archive as ordinary tools read them. */
const linesOf = (name: string): Array<Record<string, unknown> & { delivery_id: string; body: string }> =>
  gzipsOf(name)
    .flatMap((file) =>
      gunzipSync(readFileSync(join(directory(name), file)))
        .toString()
        .trimEnd()
        .split('\n'),
    )
    .map((line) => JSON.parse(line))

const bodiesOf = (name: string) =>
  new Map(linesOf(name).map(({ delivery_id, body }) => [delivery_id, Buffer.from(body, 'base64')]))

const count = async (what: string) =>
  Number((await service.db.query(`select count(*) from ${what}`))[0]?.count)

/** Does something to the ledger for the time of `work`. */
async function whileIn(changes: string, work: () => Promise<void>) {
  await client.query(`begin; ${changes}`)
  try {
    await work()
  } finally {
    await client.query('rollback')
  }
}

async function emptyTables() {
  for (const table of [...tables].reverse()) await service.db.query(`delete from ${table}`)
}

async function command(...given: string[]) {
  const child = spawn(process.execPath, [...built('cli/main'), ...given], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: service.db.direct,
      BODY_RETENTION_DAYS: '5',
      ...environment,
    },
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (data) => {
      output[name] += data
    })
  }
  const [code] = await new Promise<unknown[]>((resolve) => child.on('close', (...all) => resolve(all)))
  for (const line of Object.values(output).join('\n').split('\n')) guardLine(line)
  return { code, ...output }
}

const tomorrow = () => new Date(Date.now() + DAY).toISOString().slice(0, 10)

describe('nightpost archive', () => {
  it('writes every body exactly, into files that ordinary tools read, and that only the owner may', async () => {
    const done = await command('archive', '--before', tomorrow(), '--to', directory('hot'), '--json')
    expect(done).toMatchObject({ code: 0 })
    expect(JSON.parse(done.stdout)).toMatchObject({ deliveries: sent.size, daysWritten: 1, filesKept: 0 })
    expect(bodiesOf('hot')).toEqual(sent)

    const { files, deliveries, period } = manifestOf('hot')
    expect(deliveries).toBe(sent.size)
    for (const { name, sha256, bytes } of files) {
      const content = readFileSync(join(directory('hot'), name))
      expect([createHash('sha256').update(content).digest('hex'), content.length]).toEqual([sha256, bytes])
    }
    const [bounds] = await service.db.query(
      `select to_char(min(received_at), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as first,
         to_char(max(received_at), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as last from deliveries`,
    )
    expect(period).toEqual(bounds)
    expect(statSync(directory('hot')).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(directory('hot')))
      expect(statSync(join(directory('hot'), name)).mode & 0o777).toBe(0o600)
  })

  it('has with each body what a replay needs', async () => {
    const [expected] = await service.db.query<{ line: string }>(
      `select jsonb_agg(to_jsonb(d) - '{body,body_group,body_start,body_size,body_digest,received_at,last_received_at,change_position,first_day,last_day}'::text[]
         || jsonb_build_object('body_digest', encode(body_digest, 'hex')) order by delivery_id)::text as line from deliveries as d`,
    )
    const lines = linesOf('hot').map(({ body, received_at, last_received_at, ...line }) => line)
    expect(lines).toEqual(JSON.parse(expected?.line ?? ''))
    expect(new Set(lines.map(({ outcome }) => outcome))).toEqual(
      new Set(['stored', 'rejected', 'unrecognised']),
    )
    const times = await service.db.query(
      `select to_char(received_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from deliveries order by delivery_id`,
    )
    expect(linesOf('hot').map(({ received_at }) => received_at)).toEqual(times.map(({ at }) => at))
  })

  it('keeps files that are right, and divides a day into files of bounded size', async () => {
    const before = readdirSync(directory('hot'))
    expect(await run('hot')).toMatchObject({ filesWritten: 0, filesKept: 1 })
    expect(readdirSync(directory('hot'))).toEqual(before)

    const limits = { bytes: 3_000, deliveries: 5 }
    await run('several', { limits })
    const { files } = manifestOf('several')
    expect(files.length).toBeGreaterThan(sent.size / 5)
    for (const file of files)
      expect(file.deliveries === 1 || (file.deliveries <= 5 && file.body_bytes <= 3_000)).toBe(true)
    expect(linesOf('several')).toEqual(linesOf('hot'))
  })

  it('writes the same from packs and from entries', async () => {
    const packed = await upkeep({ now: Date.now() + 2 * DAY })
    expect(packed?.bodiesPacked).toBeGreaterThan(fixtures.length)
    expect(await count('body_groups')).toBe(0)
    await run('packed')
    expect(linesOf('packed')).toEqual(linesOf('hot'))

    await service.db.query(
      'update deliveries as d set body = b.body from delivery_bodies as b where b.delivery_id = d.delivery_id',
    )
    await service.db.query('truncate body_packs')
    await run('inline')
    expect(linesOf('inline')).toEqual(linesOf('hot'))
  })

  it('adds what arrived since, and keeps what the ledger has no more', async () => {
    await run('growing')
    const gone = linesOf('growing')[0]?.delivery_id
    await whileIn(
      `delete from deliveries where delivery_id = '${gone}';
       insert into deliveries select (jsonb_populate_record(d, jsonb_build_object('body_digest', sha256('late'), 'body',
         'late'::bytea, 'outcome', 'rejected', 'delivery_id', overlay(delivery_id::text placing 'ffff' from 33)))).*
       from deliveries as d order by delivery_id limit 1`,
      async () => {
        expect(await run('growing')).toMatchObject({ daysWritten: 1, deliveries: sent.size + 1 })
      },
    )
    const bodies = [...bodiesOf('growing').values()].map(String)
    expect(bodies).toEqual(expect.arrayContaining([...sent.values()].map(String)))
    expect(bodies).toContain('late')
  })

  it('continues after an interruption, and removes what that left', async () => {
    const end = new AbortController()
    let files = 0
    const limits = {
      bytes: 2 ** 20,
      get deliveries() {
        files += 1
        if (files === 20) end.abort()
        return 3
      },
    }
    await expect(run('interrupted', { limits, signal: end.signal })).rejects.toThrow(/abort/)
    expect(gzipsOf('interrupted').length).toBeGreaterThan(1)
    expect(manifestOf('interrupted').files).toEqual([])
    writeFileSync(join(directory('interrupted'), `2025-01-01.${'0'.repeat(36)}.tmp`), 'left by a kill')
    writeFileSync(join(directory('interrupted'), 'notes.tmp'), 'of somebody else')

    await run('interrupted')
    expect(readdirSync(directory('interrupted')).sort()).toEqual([
      ...manifestOf('interrupted').files.map(({ name }) => name),
      'manifest.json',
      'notes.tmp',
    ])
    expect(linesOf('interrupted')).toEqual(linesOf('hot'))
  })

  it('writes a damaged file anew from the ledger, and fails if the ledger does not have its deliveries', async () => {
    await run('damaged', { limits: { bytes: 2 ** 20, deliveries: 7 } })
    const [file] = gzipsOf('damaged')
    truncateSync(join(directory('damaged'), file as string), 100)
    expect(await run('damaged')).toMatchObject({ daysWritten: 1, deliveries: sent.size })
    expect(linesOf('damaged')).toEqual(linesOf('hot'))

    const [whole] = gzipsOf('damaged')
    const manifest = manifestOf('damaged')
    truncateSync(join(directory('damaged'), whole as string), 100)
    await whileIn(`delete from deliveries where event like 'Score%'`, () =>
      expect(run('damaged')).rejects.toThrow(whole),
    )
    expect(manifestOf('damaged')).toEqual(manifest)
    expect(gzipsOf('damaged')).toEqual([whole])
  })

  it('refuses a body that does not have its digest, and a directory whose manifest is gone', async () => {
    await whileIn(`update deliveries set body = 'x' where event like 'Archetype%'`, () =>
      expect(run('wrong')).rejects.toThrow('does not have the digest'),
    )

    rmSync(join(directory('several'), 'manifest.json'))
    await expect(run('several')).rejects.toThrow('Restore the manifest')
    expect(gzipsOf('several').length).toBeGreaterThan(1)
  })
})

describe('nightpost replay --from', () => {
  /** Leaves the entries, without the bodies of stored deliveries. */
  const dropBodies = () => service.db.query(`update deliveries set body = null where outcome = 'stored'`)

  it('replay --all makes identical rows from entries', async () => {
    await emptyTables()
    await replayed({ all: true })
    expect(await allRows(service.db)).toEqual(rows)
  })

  it('replay --all makes identical rows from packs', async () => {
    await service.db.query(`update upkeep_tasks set position = null where task = 'pack'`)
    await upkeep({ now: Date.now() + 2 * DAY })
    expect(await count('body_packs')).toBeGreaterThan(1)
    await emptyTables()
    await replayed({ all: true })
    expect(await allRows(service.db)).toEqual(rows)
  })

  it('makes identical rows from the archive where the ledger has entries without bodies', async () => {
    await service.db.query('truncate body_packs')
    await dropBodies()
    await emptyTables()
    const dry = await replayed({ from: directory('hot'), dryRun: true })
    expect(await allRows(service.db)).not.toEqual(rows)
    const report = await replayed({ from: directory('hot') })
    expect(await allRows(service.db)).toEqual(rows)
    expect(report.transitions).toEqual(dry.transitions)
    expect(report.deliveries).toBe(sent.size)
  })

  it('leaves rows as they are if their bodies are kept nowhere, with replay --all', async () => {
    expect(await count('delivery_bodies')).toBe(2)
    expect((await replayed({ all: true, dryRun: true })).changedRows).toBe(0)
    expect((await replayed({ all: true })).changedRows).toBe(0)
    expect(await allRows(service.db)).toEqual(rows)

    // A body that arrives now is newer than the rows that stay.
    const newer = score({ version: 4, score: 0.9, factors: [] })
    await service.sahha(newer)
    await service.db.query(`update scores set account_id = 'wrong'`)
    await replayed({ all: true })
    const [current] = await service.db.query(`select version, account_id from scores where id = 'score-1'`)
    expect(current).toEqual({ version: '4', account_id: null })
    await service.db.query(
      `delete from deliveries where delivery_id = (select delivery_id from scores where id = 'score-1' and version = 4)`,
    )
    await emptyTables()
    await replayed({ from: directory('hot') })
    expect(await allRows(service.db)).toEqual(rows)
  })

  it('makes the rows from the ledger and the archive together, with --all', async () => {
    // Some entries are gone, some rows are wrong, and some are not made by any delivery.
    await service.db.query(`delete from deliveries where vendor = 'asleep'`)
    await emptyTables()
    await replayed({ from: directory('hot'), filter: { vendor: 'sahha' } })
    await service.db.query(`update biomarkers set unit = 'wrong', version = 99`)
    await service.db.query(`insert into biomarkers
      select (jsonb_populate_record(b, '{"id": "made by nothing"}')).* from biomarkers as b limit 1`)
    const report = await replayed({ from: directory('hot'), all: true })
    expect(await allRows(service.db)).toEqual(rows)
    expect(report.deliveries).toBe(sent.size)
    expect(report.changedRows).toBeGreaterThan(1)
    // Nothing of the archive stays in the ledger but what was gone.
    expect(await count(`delivery_bodies where vendor = 'sahha'`)).toBe(2)
    expect((await replayed({ from: directory('hot'), all: true })).changedRows).toBe(0)
  })

  it('stores deliveries again whose entries are gone, with their ids and times', async () => {
    const times = () =>
      service.db.query(
        'select delivery_id, owner, event, outcome, source, received_at from deliveries order by 1',
      )
    await service.db.query('delete from deliveries')
    await emptyTables()
    const dry = await replayed({ from: directory('hot'), dryRun: true })
    expect([await count('deliveries'), await count('scores')]).toEqual([0, 0])
    const done = await command('replay', '--from', directory('hot'), '--json')
    // The body that is no JSON is still rejected.
    expect(done).toMatchObject({ code: 1 })
    expect(JSON.parse(done.stdout)).toMatchObject({ deliveries: sent.size, failed: 1 })
    expect(dry.deliveries).toBe(sent.size)
    expect(await allRows(service.db)).toEqual(rows)
    expect(await times()).toEqual(
      linesOf('hot').map(({ delivery_id, owner, event, outcome, source, received_at }) => ({
        ...{ delivery_id, owner, event, outcome, source },
        received_at: (received_at as string).replace('T', ' ').replace(/\.?0*Z$/, '+00'),
      })),
    )
    const before = await service.db.query('select * from deliveries order by delivery_id')
    await replayed({ from: directory('hot') })
    expect(await service.db.query('select * from deliveries order by delivery_id')).toEqual(before)
    expect(await allRows(service.db)).toEqual(rows)
  })

  it('counts no arrival if the ledger has the bytes from a later one', async () => {
    await service.db.query(`delete from deliveries where event like 'Archetype%'`)
    const again = fixtures.filter(({ name }) => name.startsWith('archetype'))
    for (const fixture of again) await send(service, fixture)
    const report = await replayed({ from: directory('hot') })
    expect(report.transitions.get('stored → duplicate')).toBe(again.length)
    expect(await count('deliveries where times_received > 1')).toBe(0)
    await service.db.query(`delete from deliveries where event like 'Archetype%'`)
    await service.db.query('delete from archetypes')
    await replayed({ from: directory('hot') })
    expect(await allRows(service.db)).toEqual(rows)
  })

  it('selects by the filters of the ledger', async () => {
    const some = async (filter: ReplayOptions['filter']) =>
      (await replayed({ from: directory('hot'), filter, dryRun: true })).deliveries
    const lines = linesOf('hot')
    expect(await some({ vendor: 'asleep' })).toBe(lines.filter(({ vendor }) => vendor === 'asleep').length)
    expect(await some({ outcomes: ['rejected', 'unrecognised'] })).toBe(2)
    expect(await some({ deliveries: lines.slice(3, 5).map(({ delivery_id }) => delivery_id) })).toBe(2)
    expect(await some({ until: lines[4]?.received_at as string })).toBe(4)
    expect(await some({ since: lines[4]?.received_at as string })).toBe(lines.length - 4)
  })

  it('names a damaged file, and writes nothing of it', async () => {
    await run('torn', { limits: { bytes: 2 ** 20, deliveries: 4 } })
    const files = manifestOf('torn').files
    const second = join(directory('torn'), files[1]?.name as string)
    const content = readFileSync(second)
    const damages: Array<[string, () => void]> = [
      ['bytes', () => writeFileSync(second, content.subarray(0, -1))],
      ['bytes', () => writeFileSync(second, Buffer.concat([content, Buffer.from('x')]))],
      ["can't be read", () => writeFileSync(second, Buffer.from(content).fill(0, 200, 210))],
      [
        'SHA-256',
        () =>
          writeFileSync(
            second,
            Buffer.concat([content.subarray(0, 4), Buffer.from('time'), content.subarray(8)]),
          ),
      ],
      ['missing', () => rmSync(second)],
    ]
    for (const [reason, damage] of damages) {
      await service.db.query('delete from deliveries')
      damage()
      await expect(replayed({ from: directory('torn') })).rejects.toThrow(
        new RegExp(`${files[1]?.name}.* is damaged.*${reason}`),
      )
      expect(await count('deliveries')).toBe(4)
    }
    // The sums are right, but a body was changed.
    const lines = gunzipSync(readFileSync(join(directory('torn'), files[0]?.name as string))).toString()
    const forged = gzipSync(lines.replace(/"body":"..../, '"body":"AAAA'))
    writeFileSync(join(directory('torn'), files[0]?.name as string), forged)
    const sha256 = createHash('sha256').update(forged).digest('hex')
    const manifest = manifestOf('torn')
    Object.assign(manifest.files[0] as object, { sha256, bytes: forged.length })
    writeFileSync(join(directory('torn'), 'manifest.json'), JSON.stringify(manifest))
    await service.db.query('delete from deliveries')
    await expect(replayed({ from: directory('torn') })).rejects.toThrow(
      'the body of line 1 does not have its digest',
    )
    expect(await count('deliveries')).toBe(0)
    writeFileSync(join(directory('torn'), 'manifest.json'), '{')
    await expect(replayed({ from: directory('torn') })).rejects.toThrow('manifest.json is damaged')
    await expect(replayed({ from: root })).rejects.toThrow('is no archive')
    await replayed({ from: directory('hot') })
    expect(await allRows(service.db)).toEqual(rows)
  })
})

describe('nightpost maintain --archive', () => {
  const old = { now: Date.now() + 40 * DAY, retention: { bodies: 30, deliveries: 35 } }
  const stored = `delivery_bodies join deliveries using (delivery_id) where outcome = 'stored'`
  const into = (name: string) => async (periods: ArchiveOptions['periods']) => {
    await run(name, { periods, checkAll: false })
  }

  it('drops nothing if the archive fails', async () => {
    await service.sahha(biomarker({ id: 'hot', category: 'c' }))
    const before = await count('delivery_bodies')
    writeFileSync(directory('a file'), '')
    await expect(upkeep({ ...old, archive: into('a file') })).rejects.toThrow('a file')
    expect([await count('delivery_bodies'), await count('deliveries')]).toEqual([before, before])
  })

  it('archives what it then drops', async () => {
    const bodies = await service.db.query<{ id: string; body: string }>(
      `select delivery_id as id, encode(body, 'base64') as body from delivery_bodies`,
    )
    const done = await upkeep({ ...old, archive: into('kept') })
    expect(done?.entriesDeleted).toBe(bodies.length)
    expect([await count('delivery_bodies'), await count('deliveries')]).toEqual([0, 0])
    expect(bodiesOf('kept')).toEqual(new Map(bodies.map(({ id, body }) => [id, Buffer.from(body, 'base64')])))
  })

  it('lets no other run drop anything for its age from then on, until --no-archive', async () => {
    await service.sahha(biomarker({ id: 'later', category: 'c' }))
    // The last run pretended to be in the future.
    await service.db.query(`update upkeep_tasks set position = null where task = 'pack'`)
    await service.db.query(
      `update upkeep_tasks set finished_at = now() - interval '3 days' where task = 'archive'`,
    )
    const lines: string[] = []
    expect(await upkeep({ ...old, log: (line) => lines.push(line) })).toMatchObject({ entriesDeleted: 0 })
    expect(await count(stored)).toBe(1)
    expect(lines).toContainEqual(expect.stringContaining('maintain --archive last ran at'))
    expect(await upkeep({ ...old, archive: 'none' })).toMatchObject({ entriesDeleted: 1 })
    await service.sahha(biomarker({ id: 'last', category: 'c' }))
    expect(await upkeep(old)).toMatchObject({ entriesDeleted: 1 })
  })

  it('is an option of the command', async () => {
    // A delivery of 2025, whose body an earlier version stored in its entry.
    const { json } = await service.sahha(biomarker({ id: 'of 2025', category: 'c' }))
    await service.db.query(`update upkeep_tasks set position = null where task = 'pack'`)
    await service.db.query(
      `update deliveries as d set body = b.body, body_group = null, body_start = null,
         delivery_id = overlay(d.delivery_id::text placing '0195' from 1)::uuid
       from delivery_bodies as b where b.delivery_id = $1 and d.delivery_id = $1`,
      [json.delivery_id],
    )
    const done = await command('maintain', '--archive', directory('by command'), '--json')
    expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining('1 files of 1 days written') })
    expect(await count(stored)).toBe(0)
    expect([...bodiesOf('by command').values()].map(String)).toEqual([
      JSON.stringify(biomarker({ id: 'of 2025', category: 'c' })),
    ])
  })
})

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { archive } from '../src/archive/archive.ts'
import { readConfig } from '../src/config/index.ts'
import { resetSession } from '../src/db/migrate/migrate.ts'
import { maintain } from '../src/db/upkeep/maintain.ts'
import { idAtTime } from '../src/db/uuid-time.ts'
import { eraseFromArchives } from '../src/erase/archives.ts'
import { deleteErasedArrivals, erasedArrivals } from '../src/erase/arrivals.ts'
import { certificateOf, certificateText } from '../src/erase/certificate.ts'
import { totalOf } from '../src/erase/count.ts'
import { countInSnapshot, erase } from '../src/erase/erase.ts'
import { liftFence } from '../src/erase/fence.ts'
import { exportFence, readFence } from '../src/erase/fence-file.ts'
import { type Person, personOfOwner, personOfUser } from '../src/erase/person.ts'
import { reapply } from '../src/erase/reapply.ts'
import { tracesOf, vacuum } from '../src/erase/traces.ts'
import type { ReplayOptions } from '../src/replay/options.ts'
import { replay } from '../src/replay/replay.ts'
import { vendors } from '../src/vendors/index.ts'
import { archetype, biomarker, dataLog, inference, score, session } from './setup/bodies.ts'
import { CITUS_URL, copyOnCitus, dropOnCitus, LOCK_WAITS } from './setup/citus.ts'
import { withDatabase } from './setup/cluster.ts'
import { built } from './setup/program.ts'
import { environment, setup, signed, type TestService } from './setup/service.ts'

vi.setConfig({ testTimeout: 60_000 })

const DAY = 86_400_000
const HOUR = 3_600_000
const root = mkdtempSync(join(tmpdir(), 'nightpost-erase-'))
const targets = vendors.flatMap((vendor) => vendor.targets)
const [asleep, sahha] = ['asleep', 'sahha'].map((name) => vendors.find((vendor) => vendor.name === name)) as [
  (typeof vendors)[number],
  (typeof vendors)[number],
]

let service: TestService
let client: pg.Client

beforeAll(async () => {
  service = await setup({ MAINTENANCE: 'off', QUARANTINE_UNVERIFIED_MAX_BYTES: '1000000' })
  client = await connected(service.db.direct)
})
afterAll(async () => {
  await client.end()
  await service.close()
  rmSync(root, { recursive: true, force: true })
})

async function connected(url: string): Promise<pg.Client> {
  const connection = new pg.Client(url)
  await connection.connect()
  await resetSession(connection, 'public')
  return connection
}

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

const bio = (fields: object) => service.sahha(biomarker(fields), 'BiomarkerCreatedIntegrationEvent')

/** Sends every kind of delivery about a person, of both vendors. Returns how many were stored. */
async function live(name: string, { external = `ext-${name}`, n = 1 } = {}): Promise<number> {
  const ids = { profileId: `profile-${name}`, externalId: external }
  const answers = []
  for (let i = 0; i < n; i += 1) {
    const mark = `${name}-${i}`
    answers.push(
      bio({ ...ids, id: `b-${mark}` }),
      service.sahha(
        score({ ...ids, id: `s-${mark}`, factors: [{ name: 'factor' }] }),
        'ScoreCreatedIntegrationEvent',
      ),
      service.sahha(archetype({ ...ids, id: `a-${mark}` }), 'ArchetypeCreatedIntegrationEvent'),
      service.sahha(
        dataLog([{ id: `d-${mark}`, value: 1, recordingMethod: 'x' }], ids),
        'DataLogReceivedIntegrationEvent',
      ),
      service.asleep(
        session({ id: `session-${mark}`, state: 'COMPLETE' }, { user_id: `user-${name}` }),
        `user-${name}`,
      ),
      service.asleep(inference({ session_id: `session-${mark}`, user_id: `user-${name}` }), `user-${name}`),
    )
  }
  const outcomes = (await Promise.all(answers)).map(({ json }) => json.outcome)
  return outcomes.filter((outcome) => outcome === 'stored').length
}

/** Deliveries about a person that have no owner, or that are another's. */
async function stray(name: string, { isNamed = false } = {}) {
  const user = `user-${name}`
  const external = { 'x-external-id': `ext-${name}` }
  const malformed = `{"user_id": "user-${name}", "data": `
  await service.asleep(malformed, user)
  const half = `{"half-of-${name.length}${name[0]}": `
  await service.post('sahha', { ...signed(half), ...external }, half)
  const unreadable = `{"profileId": "profile-${name}" oops`
  if (!isNamed) await service.post('sahha', signed(unreadable), unreadable)
  // The header names the person, the body another one.
  const other = biomarker({ id: `m-${name[0]}`, profileId: 'profile-other', externalId: 'ext-other' })
  await service.post('sahha', { ...signed(other), ...external }, other)
  // Not proven: the quarantine has it.
  await service.post(
    'sahha',
    { 'x-signature': '0'.repeat(64), ...external },
    biomarker({ id: `q-${name[0]}` }),
  )
}

/** Where a text stands in the database: every column of every table, partitions and bytes included. */
async function rowsWith(connection: pg.Client, texts: readonly string[]): Promise<string[]> {
  const { rows: tables } = await connection.query(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname = 'public'`,
  )
  const found: string[] = []
  for (const { name } of tables) {
    for (const text of texts) {
      const hex = Buffer.from(text).toString('hex')
      const { rows } = await connection.query(
        `select count(*)::int as n from ${name} as t where position($1 in t::text) > 0 or position($2 in t::text) > 0`,
        [text, hex],
      )
      if (rows[0].n > 0) found.push(`${name}: ${text}`)
    }
  }
  return found
}

/** The same, and in the statistics of the planner. */
async function tracesIn(connection: pg.Client, texts: readonly string[]): Promise<string[]> {
  const found = await rowsWith(connection, texts)
  const inStatistics = `select tablename from pg_stats where schemaname = 'public' and (most_common_vals::text || coalesce(histogram_bounds::text, '')) ~ '${texts.join('|')}'`
  const { rows: statistics } = await connection.query(
    CITUS_URL
      ? `select result as tablename from run_command_on_all_nodes($$select string_agg(tablename, ' ') from (${inStatistics}) as all_of_node$$) where result <> ''`
      : inStatistics,
  )
  return [...found, ...statistics.map(({ tablename }) => `statistics of ${tablename}`)]
}

const idsOf = (name: string) => [`profile-${name}`, `user-${name}`, `ext-${name}`]

const eraseBoth = async (name: string) => {
  const results = [
    await erase(client, await personOfOwner(client, sahha, `profile-${name}`)),
    await erase(client, await personOfOwner(client, asleep, `user-${name}`)),
  ]
  return results
}

describe('an erased person', () => {
  beforeAll(async () => {
    for (const name of ['anna', 'bert']) expect(await live(name)).toBe(6)
    // Hot bodies of one day are packed, later ones stay hot.
    await maintain(client, { schema: 'public', targets, retention: {}, now: Date.now() + 2 * DAY })
    const packs = await service.db.query('select distinct owner from body_packs')
    expect(packs.length).toBeGreaterThanOrEqual(4)
    await client.query(`update upkeep_tasks set position = null where task = 'pack'`)
    for (const name of ['anna', 'bert']) {
      await bio({ id: `hot-${name}`, profileId: `profile-${name}`, externalId: `ext-${name}` })
      await stray(name)
    }
    await archive(client, {
      directory: join(root, 'archive'),
      schema: 'public',
      periods: [{ from: 0, to: Date.now() + DAY }],
      checkAll: true,
      signal: new AbortController().signal,
    })
    await client.query('analyze')
  })

  it('leaves no trace in any table, statistic or archive, and others keep everything', async () => {
    const before = await service.db.query(
      `select * from delivery_bodies where owner like '%bert' order by delivery_id`,
    )
    expect(await tracesIn(client, idsOf('anna'))).not.toEqual([])
    const person = await personOfOwner(client, sahha, 'profile-anna')
    expect(person.users).toEqual(['ext-anna'])
    const dry = await countInSnapshot(client, person)
    const [ofSahha, ofAsleep] = await eraseBoth('anna')
    expect(ofSahha?.before.counts).toEqual(dry.counts)
    expect(dry.counts).toMatchObject({
      biomarkers: 2,
      scores: 1,
      score_factors: 1,
      archetypes: 1,
      data_logs: 1,
      deliveries: 5,
      'deliveries without an owner': 2,
      'deliveries of others that name the person': 1,
      unverified_deliveries: 1,
    })
    expect(ofAsleep?.before.counts).toMatchObject({
      sleep_sessions: 1,
      sleep_stage_windows: 1,
      deliveries: 2,
      'deliveries without an owner': 1,
    })
    for (const result of [ofSahha, ofAsleep]) expect(totalOf(result?.after.counts ?? { all: 1 })).toBe(0)
    for (const vendor of [asleep, sahha]) {
      const gone = await personOfOwner(client, vendor, vendor === asleep ? 'user-anna' : 'profile-anna')
      const users = vendor === asleep ? ['user-anna'] : ['ext-anna']
      await eraseFromArchives(client, 'public', { ...gone, users }, [join(root, 'archive')])
      expect(await vacuum(client, vendor)).toEqual([])
    }
    expect(await tracesIn(client, idsOf('anna'))).toEqual([])
    expect(await tracesIn(client, ['anna'])).toEqual([])
    const files = readdirSync(join(root, 'archive')).filter((file) => file.endsWith('.gz'))
    const lines = files.flatMap((file) =>
      gunzipSync(readFileSync(join(root, 'archive', file)))
        .toString()
        .trim()
        .split('\n'),
    )
    const plain = lines.map((line) => `${line} ${Buffer.from(JSON.parse(line).body, 'base64')}`)
    expect(plain.filter((line) => line.includes('anna'))).toEqual([])
    expect(plain.filter((line) => line.includes('bert')).length).toBeGreaterThan(8)
    expect(service.log.filter((line) => line.includes('anna'))).toEqual([])

    expect(
      await service.db.query(`select * from delivery_bodies where owner like '%bert' order by delivery_id`),
    ).toEqual(before)
    expect((await replayed({ all: true })).changedRows).toBe(0)
  })

  it('is a change of the feed, which names the person by a hash', async () => {
    // Transactions of other tests on this server hold the feed up.
    const changes = await vi.waitFor(
      async () => {
        const all = await service.db.query(
          'select change, vendor, owner, delivery_id from nightpost_changes()',
        )
        expect(all.filter(({ change }) => change === 'erased')).toHaveLength(2)
        return all
      },
      { timeout: 30_000, interval: 100 },
    )
    expect(changes.filter(({ change }) => change === 'stored').length).toBeGreaterThan(5)
    const [known] = await service.db.query(
      `select nightpost_person('sahha', 'profile-anna') as sahha, nightpost_person('asleep', 'user-anna') as asleep`,
    )
    expect(changes.filter(({ change }) => change === 'erased')).toEqual(
      ['sahha', 'asleep'].map((vendor) => ({
        change: 'erased',
        vendor,
        owner: known?.[vendor],
        delivery_id: null,
      })),
    )
    expect(JSON.stringify(changes)).not.toContain('anna')
  })

  it('does not come back by a retry, a replay, an archive or the quarantine', async () => {
    expect(await live('anna')).toBe(0)
    const answer = await bio({ profileId: 'profile-anna', externalId: 'ext-anna' })
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'erased' } })
    // What is rejected is erased, too, and so is a new profile with the external id, and what has no owner.
    expect(
      (await service.sahha({ profileId: 'profile-anna', type: 1 }, 'BiomarkerCreatedIntegrationEvent')).json
        .outcome,
    ).toBe('erased')
    expect((await bio({ profileId: 'new', externalId: 'ext-anna' })).json.outcome).toBe('erased')
    expect((await service.asleep('{"half', 'user-anna')).json.outcome).toBe('erased')
    // Deliveries of others in the same group are stored.
    const [mine, others] = await Promise.all([
      bio({ id: 'x', profileId: 'profile-anna', externalId: 'ext-anna' }),
      bio({ id: 'group', profileId: 'profile-bert', externalId: 'ext-bert' }),
    ])
    expect([mine.json.outcome, others.json.outcome]).toEqual(['erased', 'stored'])
    // A body that can't be read and has no header can't be known to be about the person: a second erasure finds it.
    await stray('anna', { isNamed: true })
    await replayed({ filter: { outcomes: ['unverified'] } })
    await service.db.query('delete from unverified_deliveries')
    expect(await tracesIn(client, idsOf('anna'))).toEqual([])
    const { payload } = await service.app.inject('/metrics')
    expect(payload).not.toContain('anna')
    const counted = [...payload.matchAll(/nightpost_deliveries_total\{[^}]*outcome="erased"[^}]*\} (\d+)/g)]
    expect(counted.reduce((sum, [, n]) => sum + Number(n), 0)).toBeGreaterThanOrEqual(12)
    expect(service.log.join('')).not.toContain('anna')
  })

  it('does not come back from an archive that still has them', async () => {
    await live('carl')
    const directory = join(root, 'with-carl')
    await archive(client, {
      directory,
      schema: 'public',
      periods: [{ from: 0, to: Date.now() + DAY }],
      checkAll: true,
      signal: new AbortController().signal,
    })
    await eraseBoth('carl')
    const report = await replayed({ from: directory })
    expect(Object.fromEntries(report.transitions)).toMatchObject({ 'stored → erased': 6 })
    expect([...report.transitions.keys()].filter((change) => change.endsWith('unavailable'))).toEqual([])
    await replayed({ from: directory, all: true })
    expect(await tracesIn(client, ['carl'])).toEqual([])
    // A later archive does not take the person in again.
    expect(
      (await countInSnapshot(client, await personOfOwner(client, sahha, 'profile-carl'))).counts.deliveries,
    ).toBe(0)
  })

  it('may come back', async () => {
    // Nothing says any more which external id the profile had.
    const person = await personOfOwner(client, sahha, 'profile-anna')
    expect(person.users).toEqual([])
    expect(await liftFence(client, [person])).toBe(2)
    expect(await liftFence(client, [person])).toBe(0)
    expect((await bio({ profileId: 'profile-anna', externalId: 'ext-anna' })).json.outcome).toBe('stored')
    expect(
      (await service.asleep(session({ id: 'again' }, { user_id: 'user-anna' }), 'user-anna')).json.outcome,
    ).toBe('erased')
  })
})

it('a person has several Sahha profiles', async () => {
  await live('first', { external: 'ext-same' })
  await live('second', { external: 'ext-same' })
  const one = await personOfOwner(client, sahha, 'profile-first')
  expect(one).toMatchObject({ owners: ['profile-first'], users: [], sharedUsers: ['ext-same'] })
  const all = await personOfUser(client, sahha, 'ext-same')
  expect(all).toMatchObject({ owners: ['profile-first', 'profile-second'], users: ['ext-same'] })
  const { after, deleted } = await erase(client, all)
  expect(totalOf(after.counts)).toBe(0)
  expect(deleted.biomarkers).toBe(2)
  expect((await bio({ profileId: 'third', externalId: 'ext-same' })).json.outcome).toBe('erased')
})

it('waits for a transaction that began before the fence', async () => {
  await live('late')
  // The writer waits for this row, with a snapshot from before the fence.
  const blocker = await service.db.lock(
    `insert into biomarkers (profile_id, id, external_id, type, value, delivery_id, received_at)
     values ('profile-late', 'race', 'x', 'steps', '1', gen_random_uuid(), now())`,
  )
  const sending = bio({ id: 'race', profileId: 'profile-late', externalId: 'ext-late' })
  await vi.waitFor(async () => {
    const [waiting] = await service.db.query(
      CITUS_URL
        ? LOCK_WAITS
        : `select count(*) as n from pg_locks where not granted and locktype = 'transactionid'`,
    )
    expect(Number(waiting?.n)).toBeGreaterThan(0)
  })
  const erasing = eraseBoth('late')
  await sleep(200)
  const [fence] = await service.db.query(`select count(*) as n from erasures where erased_at is null`)
  expect(Number(fence?.n)).toBeGreaterThan(0)
  await blocker.release()
  expect((await sending).json.outcome).toBe('stored')
  for (const { after } of await erasing) expect(totalOf(after.counts)).toBe(0)
  expect(await tracesIn(client, ['-late'])).toEqual([])
})

it('two persons are erased at once while their deliveries pour in', async () => {
  const names = ['one', 'two']
  let isOver = false
  let sent = 0
  const pouring = names.map(async (name) => {
    while (!isOver) {
      await live(`pour-${name}`, { n: 3 })
      await bio({ id: `neighbour-${sent++}`, profileId: 'profile-neighbour', externalId: 'n' })
    }
  })
  await sleep(300)
  const erasing = await Promise.all(
    names.map(async (name) => {
      const own = await connected(service.db.direct)
      try {
        const results = [
          await erase(own, await personOfOwner(own, sahha, `profile-pour-${name}`)),
          await erase(own, await personOfOwner(own, asleep, `user-pour-${name}`)),
        ]
        return results
      } finally {
        await own.end()
      }
    }),
  )
  await sleep(200)
  isOver = true
  await Promise.all(pouring)
  for (const { before, after } of erasing.flat()) {
    expect(totalOf(before.counts)).toBeGreaterThan(0)
    expect(totalOf(after.counts)).toBe(0)
  }
  expect(await tracesIn(client, ['profile-pour-', 'user-pour-'])).toEqual([])
  const [neighbours] = await service.db.query(
    `select count(*) as n from biomarkers where profile_id = 'profile-neighbour'`,
  )
  expect(Number(neighbours?.n)).toBe(sent)
})

it('is finished by a second run after kill -9', async () => {
  await client.query(
    `insert into biomarkers (profile_id, id, external_id, type, value, delivery_id, received_at)
     select 'profile-many', 'b' || n, 'ext-many', 'steps', '1', gen_random_uuid(), now() from generate_series(1, 60000) as n`,
  )
  await live('many')
  const rows = async () =>
    Number(
      (await service.db.query(`select count(*) as n from biomarkers where profile_id = 'profile-many'`))[0]
        ?.n,
    )
  const run = () =>
    spawn(
      process.execPath,
      [...built('cli/main'), 'erase', '--vendor', 'sahha', '--owner', 'profile-many', '--json'],
      {
        cwd: root,
        env: { PATH: process.env.PATH, DATABASE_URL: service.db.direct },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
  const killed = run()
  await vi.waitFor(async () => expect(await rows()).toBeLessThan(60_000), { timeout: 30_000, interval: 5 })
  killed.kill('SIGKILL')
  await once(killed, 'close')
  expect((await bio({ profileId: 'profile-many', externalId: 'ext-many' })).json.outcome).toBe('erased')
  const second = run()
  let output = ''
  second.stdout.on('data', (data) => {
    output += data
  })
  expect(await once(second, 'close')).toEqual([0, null])
  expect(JSON.parse(output)).toMatchObject({ rowsLeft: 0, owners: ['profile-many'] })
  expect(await rows()).toBe(0)
})

describe('what arrives about an erased person, and is not proven or not readable', () => {
  const wrong = { 'x-signature': '0'.repeat(64) }
  const unverified = (body: string | Buffer, headers = {}) =>
    service.post('sahha', { ...wrong, ...headers }, body)
  const ofGreta = JSON.stringify(biomarker({ id: 'q1', profileId: 'profile-greta', externalId: 'new' }))
  const signal = new AbortController().signal
  const look = (runBytes = 2 ** 20) =>
    deleteErasedArrivals(client, vendors, { until: Date.now() + 1000, limit: 2 ** 20, signal, runBytes })
  const kept = async () =>
    (
      await client.query(
        `select body from unverified_deliveries union all select body from deliveries where owner = ''`,
      )
    ).rows.map(({ body }) => `${body}`)

  beforeAll(async () => {
    await client.query(`delete from unverified_deliveries`)
    await client.query(`delete from deliveries where owner = ''`)
    await live('greta')
    await erase(client, await personOfOwner(client, sahha, 'profile-greta'))
  })

  it('is not kept in the quarantine if a header names the person', async () => {
    const names = ['ext-greta', 'ext-hans', 'ext-greta', 'gr\u00ef']
    await Promise.all(names.map((name, at) => unverified(`{"n": ${at}}`, { 'x-external-id': name })))
    await unverified('{"n": 5}', { 'x-user-id': 'ext-greta' })
    expect((await kept()).sort()).toEqual(['{"n": 1}', '{"n": 3}'])
  })

  it('is deleted by the upkeep if the body names the person', async () => {
    await client.query('delete from unverified_deliveries')
    const ofOther = ofGreta.replace('greta', 'hans')
    const unreadable = '{"profileId": "profile-greta" oops'
    for (const body of [ofOther, ofGreta, ofGreta.replace('greta', '\\u0067reta')]) await unverified(body)
    await unverified(gzipSync(ofGreta), { 'content-encoding': 'gzip' })
    await service.post('sahha', signed(unreadable), unreadable)
    const upkeep = (now: number) =>
      maintain(client, {
        ...{ schema: 'public', targets: [], retention: {}, now },
        deleteErased: erasedArrivals(vendors, 2 ** 20),
      })
    // Until an hour after its arrival it may not be committed yet.
    expect(await upkeep(Date.now())).toMatchObject({ erasedDeliveriesDeleted: 0 })
    expect(await upkeep(Date.now() + HOUR + 1000)).toMatchObject({ erasedDeliveriesDeleted: 4 })
    expect(await kept()).toEqual([ofOther])
  })

  it('is looked at once, so many bytes in one run', async () => {
    await client.query('delete from unverified_deliveries')
    await client.query(`delete from upkeep_tasks where task like 'fence%'`)
    await Promise.all(Array.from({ length: 200 }, (_, n) => unverified(`{"n": ${n}}`)))
    await unverified(ofGreta)
    expect([await look(1), (await kept()).length]).toEqual([0, 201])
    expect([await look(1), (await kept()).length]).toEqual([1, 200])
    await look()
    await client.query(`update unverified_deliveries set body = convert_to($1, 'UTF8')`, [ofGreta])
    expect(await look()).toBe(0)
    await client.query('delete from unverified_deliveries')
  })

  it('is found in a body that is cut off, that is not JSON, or whose encoding is not the one of the header', async () => {
    await client.query(`delete from deliveries where owner = ''`)
    await client.query(`delete from upkeep_tasks where task like 'fence%'`)
    const cut = gzipSync(`{"profileId": "profile-greta", "padding": "${randomBytes(2000).toString('hex')}"}`)
    await unverified(cut.subarray(0, 1000), { 'content-encoding': 'gzip' })
    await unverified('externalId=ext-greta&score=7')
    await unverified(ofGreta, { 'content-encoding': 'br' })
    const ofNobody = ['externalId=ext-greta-2&score=7', '{"note": "ext-greta called"}']
    for (const body of ofNobody) await unverified(body)
    expect(await look()).toBe(3)
    expect((await kept()).sort()).toEqual([...ofNobody].sort())
    await client.query('delete from unverified_deliveries')
  })

  it('is found if it reaches the ledger after the upkeep looked, with its old id', async () => {
    const unreadable = '{"profileId": "profile-greta" late'
    await unverified(unreadable)
    await client.query('update unverified_deliveries set headers = headers || $1', [signed(unreadable)])
    await client.query(`update upkeep_tasks set position = $1 where task = 'fence'`, [
      idAtTime(Date.now() + 1),
    ])
    await replayed({ filter: { outcomes: ['unverified'] } })
    expect(await kept()).toEqual([unreadable])
    expect([await look(), await kept()]).toEqual([1, []])
  })

  it('stays if the person may come back', async () => {
    await liftFence(client, [await personOfOwner(client, sahha, 'profile-greta')])
    await client.query(`delete from upkeep_tasks where task like 'fence%'`)
    await unverified(ofGreta, { 'x-external-id': 'ext-greta' })
    expect(await look()).toBe(0)
    expect(await kept()).toEqual([ofGreta])
    await client.query('delete from unverified_deliveries')
  })
})

it('is finished by a second run, whichever of its statements fails', async () => {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown
  let isOver = false
  for (let nth = 1; !isOver; nth += 1) {
    const name = `cut${nth}.`
    await Promise.all([
      live(name),
      stray(name),
      bio({ id: `second-${name}`, profileId: `profile-${name}`, externalId: `ext-${name}-second` }),
    ])
    let left = nth
    const spy = vi.spyOn(client, 'query').mockImplementation(((...args: [string]) => {
      const isCounted = /^\s*(with|insert|update|delete|analyze) /.test(args[0])
      if (isCounted) left -= 1
      return isCounted && left === 0 ? Promise.reject(new Error('cut off')) : query(...args)
    }) as never)
    const first = erase(client, await personOfOwner(client, sahha, `profile-${name}`))
    isOver = await first.then(
      () => true,
      () => false,
    )
    spy.mockRestore()
    const { after } = await erase(client, await personOfOwner(client, sahha, `profile-${name}`))
    expect(totalOf(after.counts)).toBe(0)
    for (const externalId of [`ext-${name}`, `ext-${name}-second`])
      expect((await bio({ profileId: `new-${name}`, externalId })).json.outcome).toBe('erased')
    expect(await service.db.query('select person from erasures where erased_at is null')).toEqual([])
    if (isOver) expect(nth).toBeGreaterThan(10)
  }
  expect(await rowsWith(client, ['profile-cut', 'ext-cut'])).toEqual([])
})

describe('nightpost erase', () => {
  const run = async (...options: string[]) => {
    const child = spawn(process.execPath, [...built('cli/main'), 'erase', ...options], {
      cwd: root,
      env: { PATH: process.env.PATH, DATABASE_URL: service.db.direct },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (data) => {
        output[name] += data
      })
    const [code] = await once(child, 'close')
    return { code, ...output }
  }

  it('shows what would go, asks, erases, and lets the person come back', async () => {
    await live('gina')
    const sahhaGina = ['--vendor', 'sahha', '--external-id', 'ext-gina']
    const [dry, asked, wrong, both, none, asleepOnly] = await Promise.all([
      run(...sahhaGina, '--dry-run', '--json'),
      run(...sahhaGina),
      run('--owner', 'profile-gina'),
      run('--vendor', 'sahha', '--owner', 'a', '--external-id', 'b'),
      run('--vendor', 'sahha'),
      run('--vendor', 'asleep', '--external-id', 'b'),
    ])
    expect(dry.code).toBe(0)
    expect(JSON.parse(dry.stdout)).toMatchObject({
      owners: ['profile-gina'],
      counts: { biomarkers: 1, deliveries: 4 },
    })
    expect(asked).toMatchObject({ code: 2, stdout: '' })
    expect(asked.stderr).toContain('profile-gina')
    for (const { code, stdout } of [wrong, both, none, asleepOnly])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(await tracesIn(client, ['profile-gina'])).not.toEqual([])

    const erased = await run(...sahhaGina, '--yes')
    expect(erased.code).toBe(0)
    expect(erased.stdout).toMatch(/^ERASED/)
    expect(await tracesIn(client, ['profile-gina'])).toEqual([])
    const [lifted, again] = [await run(...sahhaGina, '--lift', '--json'), await run(...sahhaGina, '--lift')]
    // The profile, which the external id no longer finds, was fenced with it.
    expect(JSON.parse(lifted.stdout)).toEqual({ lifted: 2 })
    expect(again.code).toBe(1)
    expect((await bio({ id: 'back', profileId: 'profile-gina', externalId: 'ext-gina' })).json.outcome).toBe(
      'stored',
    )
  })
})

it('knows every table that has an owner', async () => {
  const connection = await connected(service.db.direct)
  const { rows } = await connection.query(
    `select distinct c.relname as name from pg_class as c join pg_attribute as a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and a.attname = any($1) and not a.attisdropped order by 1`,
    [['owner', 'user_id', 'profile_id', 'external_id', 'person', 'headers', 'account_id']],
  )
  await connection.end()
  const holding = await countInSnapshot(client, {
    vendor: sahha,
    owners: [],
    users: [],
    sharedUsers: [],
  } as Person)
  const ofAsleep = await countInSnapshot(client, {
    vendor: asleep,
    owners: [],
    users: [],
    sharedUsers: [],
  } as Person)
  const known = new Set([...Object.keys(holding.counts), ...Object.keys(ofAsleep.counts)])
  // `erasures` holds hashes only.
  expect(rows.map(({ name }) => name).filter((name) => !known.has(name))).toEqual(['erasures'])
})

it('the certificate says what was counted, and names the copies that are left', async () => {
  await live('fritz')
  const erased = await erase(client, await personOfOwner(client, sahha, 'profile-fritz'))
  const certificate = certificateOf(erased, {
    traces: await tracesOf(client, sahha),
    archives: {},
    notVacuumed: [],
    deliveryRetentionDays: undefined,
    now: new Date('2026-11-27T00:00:00Z'),
  })
  const text = certificateText(certificate)
  for (const expected of [
    'ERASED',
    'profile-fritz',
    /biomarkers +1 +0/,
    /write-ahead log/,
    /Replicas/,
    /Backups.*--reapply/,
    /archive.*--archive/,
    /curl -X DELETE/,
  ])
    expect(text).toMatch(expected)
})

// The last one, because a copy of a database needs all connections to it closed.
it('a restored backup is made right by --reapply', async () => {
  await live('dora')
  await live('dana')
  await live('emil')
  await service.app.close()
  await client.end()
  const name = new URL(service.db.direct).pathname.slice(1)
  const backup = `${name}_backup`
  const server = await connected(withDatabase(service.db.direct, 'postgres'))
  if (CITUS_URL) await copyOnCitus(name, backup)
  else {
    // The connection of the test's own database is the only one left, and a template must have none.
    await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [name])
    await server.query(`create database "${backup}" template "${name}"`)
  }
  client = await connected(service.db.direct)
  const file = join(root, 'erasures.json')
  await eraseBoth('dora')
  await eraseBoth('dora')
  await eraseBoth('dana')
  const ids = await exportFence(client, file)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).not.toMatch(/dora|dana|emil/)

  const restored = await connected(withDatabase(service.db.direct, backup))
  try {
    expect(await tracesIn(restored, ['dora'])).not.toEqual([])
    const done = await reapply(restored, vendors, await readFence(file))
    expect(done).toMatchObject({ ids, rowsLeft: 0 })
    expect(done.rowsDeleted).toBeGreaterThan(10)
    for (const vendor of [asleep, sahha]) await vacuum(restored, vendor)
    expect(await tracesIn(restored, [...idsOf('dora'), ...idsOf('dana')])).toEqual([])
    expect(await tracesIn(restored, idsOf('emil'))).not.toEqual([])
    expect(await reapply(restored, vendors, await readFence(file))).toMatchObject({ rowsDeleted: 0 })
    const unfinished = await restored.query(
      'select from erasures where erased_at is null and lifted_at is null',
    )
    expect(unfinished.rowCount).toBe(0)
    // They were erased at once, and each comes back alone.
    expect(await liftFence(restored, [await personOfOwner(restored, sahha, 'profile-dana')])).toBe(2)
  } finally {
    await restored.end()
    if (CITUS_URL) await dropOnCitus(backup)
    else await server.query(`drop database "${backup}" with (force)`)
    await server.end()
  }
})

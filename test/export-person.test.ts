import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Vendor } from '../src/contract/vendor.ts'
import { connect } from '../src/db/connect/pool.ts'
import { exportPerson, type PersonExport } from '../src/export/person/person.ts'
import { readmeText } from '../src/export/person/readme.ts'
import { tablesOf } from '../src/export/person/subject.ts'
import { vendors } from '../src/vendors/index.ts'
import { archetype, biomarker, dataLog, inference, score, session } from './setup/bodies.ts'
import { tables } from './setup/fixtures.ts'
import { ASLEEP_KEY, setup, signed, type TestService } from './setup/service.ts'

vi.setConfig({ testTimeout: 60_000 })

const root = mkdtempSync(join(tmpdir(), 'nightpost-person-'))
const [asleep, sahha] = ['asleep', 'sahha'].map((name) => vendors.find((one) => one.name === name) as Vendor)

let service: TestService
/** The exact bodies of each person's deliveries. */
const sent: Record<string, Buffer[]> = {}

beforeAll(async () => {
  service = await setup({ MAINTENANCE: 'off', QUARANTINE_UNVERIFIED_MAX_BYTES: '1000000' })
  const keep = (person: string, body: object | string | Buffer) => {
    const bytes = Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    sent[person] = [...(sent[person] ?? []), bytes]
    return bytes
  }
  for (const user of ['sleeper-anna', 'sleeper-bob']) {
    const key = { 'x-api-key': ASLEEP_KEY, 'x-user-id': user }
    const stat = { sleep_index: 80, sleep_efficiency: 0.9 }
    const night = session(
      { id: `night-of-${user}`, sleep_stages: [0, 1, 2], note: 'ü\u0000' },
      { user_id: user, stat },
    )
    await service.asleep(keep(user, night), user)
    await service.asleep(keep(user, inference({ user_id: user, session_id: `open-${user}` })), user)
    // Neither names the person but in the header.
    await service.asleep(keep(user, `{"not json of ${user}`), user)
    await service.post(
      'asleep',
      { ...key, 'content-encoding': 'gzip' },
      keep(user, gzipSync(JSON.stringify({ event: 'Mystery', of: user }))),
    )
    // The quarantine: one body names the person, one only the header.
    await service.post(
      'asleep',
      { 'x-api-key': 'wrong', 'x-user-id': 'somebody' },
      keep(user, inference({ user_id: user, seq_num: 1 })),
    )
    await service.post(
      'asleep',
      { 'x-api-key': 'wrong', 'x-user-id': user },
      keep(user, `unproven of ${user}`),
    )
  }
  // Anna's data under Bob's name: it is hers, and his id is not.
  await service.asleep(
    keep('sleeper-anna', session({ id: 'second-night' }, { user_id: 'sleeper-anna' })),
    'sleeper-bob',
  )
  for (const [profile, externalId] of [
    ['profile/one', 'customer-carla'],
    ['profile-two', 'customer-carla'],
    ['profile-other', 'customer-dirk'],
  ] as const) {
    const who = { profileId: profile, externalId }
    const note = `of-${profile}`
    await service.sahha(keep(profile, score({ ...who, factors: [{ name: note, value: 1 }] })))
    await service.sahha(
      keep(
        profile,
        biomarker({
          ...who,
          value: '12345678901234567890.5',
          unit: note,
          category: 'c',
          startDateTime: '2025-01-01T00:00:00+09:00',
        }),
      ),
    )
    await service.sahha(keep(profile, archetype({ ...who, value: note })))
    await service.sahha(keep(profile, dataLog([{ id: note, value: 1, additionalProperties: { note } }], who)))
    await service.sahha(keep(profile, { ...biomarker(who), id: 7 }))
  }
  const header = { 'x-external-id': 'customer-carla' }
  const body = keep('customer-carla', '{"no profile"')
  await service.post('sahha', { ...signed(body), ...header }, body)
})
afterAll(async () => {
  await service.close()
  rmSync(root, { recursive: true })
})

async function exported(name: string, options: Pick<PersonExport, 'vendor' | 'who'> & Partial<PersonExport>) {
  const client = await connect(service.db.url, { name: 'nightpost export', use: 'read' })
  try {
    return await exportPerson(client, {
      ...{ directory: join(root, name), bodyLimit: 2 ** 20, onProgress: () => {} },
      signal: new AbortController().signal,
      ...options,
    })
  } finally {
    await client.end()
  }
}

const read = (...names: string[]) => readFileSync(join(root, ...names), 'utf8')
const lines = (...names: string[]) =>
  read(...names)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
const filesOf = (name: string) =>
  readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(root, name, file)).isFile(),
  )
const allText = (name: string) =>
  filesOf(name)
    .map((file) => read(name, file))
    .join('\n')
const bodiesIn = (...names: string[]) =>
  lines(...names, 'messages.ndjson')
    .map(({ base64 }) => Buffer.from(base64, 'base64').toString('latin1'))
    .sort()
const bodiesOf = (person: string) => (sent[person] ?? []).map((body) => body.toString('latin1')).sort()
/** The number of rows of a person in each table. */
async function rowsOf(vendor: Vendor, owner: string) {
  const counts: Record<string, number> = {}
  for (const { table, ownerColumn } of tablesOf(vendor)) {
    const [row] = await service.db.query(`select count(*) as n from ${table} where ${ownerColumn} = $1`, [
      owner,
    ])
    counts[table] = Number(row?.n)
  }
  return counts
}

it('every table with an owner is known', async () => {
  const known = [
    ...vendors.flatMap(tablesOf),
    { table: 'deliveries', ownerColumn: 'owner' },
    { table: 'body_packs', ownerColumn: 'owner' },
    // Both are in views/people.
    { table: 'owners', ownerColumn: 'owner' },
    { table: 'person_links', ownerColumn: 'owner' },
    // The same as views/user_days.
    { table: 'stored_days', ownerColumn: 'user_id' },
  ]
  const columns = await service.db.query(
    `select c.relname as table, string_agg(a.attname, ' ') as columns from pg_class as c join pg_attribute as a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and not a.attisdropped
       and a.attname in ('owner', 'user_id', 'profile_id', 'external_id') group by 1`,
  )
  expect(columns.map(({ table }) => table).sort()).toEqual(known.map(({ table }) => table).sort())
  for (const { table, ownerColumn } of known)
    expect(columns.find((one) => one.table === table)?.columns?.split(' ')).toContain(ownerColumn)
  expect(
    vendors
      .flatMap(tablesOf)
      .map(({ table }) => table)
      .sort(),
  ).toEqual([...tables].sort())
})

describe('a person of Asleep', () => {
  it('gets every row, entry and body, and nothing of another person', async () => {
    const done = await exported('anna', { vendor: asleep as Vendor, who: { owner: 'sleeper-anna' } })
    const counts = await rowsOf(asleep as Vendor, 'sleeper-anna')
    expect(Object.values(counts).every((count) => count > 0)).toBe(true)
    for (const [table, count] of Object.entries(counts)) {
      expect(JSON.parse(read('anna', 'tables', `${table}.json`))).toHaveLength(count)
      const records = await service.db.query(`select * from ${table} where user_id = 'sleeper-anna'`)
      expect(read('anna', 'tables', `${table}.csv`).split('\r\n')).toHaveLength(records.length + 2)
    }
    expect(JSON.parse(read('anna', 'tables', 'sleep_stage_series.json'))[0]).toMatchObject({
      stages: [0, 1, 2],
    })
    expect(JSON.parse(read('anna', 'views', 'sleep_nights.json'))).toMatchObject([{ sleep_index: 80 }])
    expect(JSON.parse(read('anna', 'views', 'people.json'))).toMatchObject([{ person_id: 'sleeper-anna' }])
    expect(bodiesIn('anna')).toEqual(bodiesOf('sleeper-anna'))
    const entries = JSON.parse(read('anna', 'deliveries.json'))
    expect(entries).toHaveLength(5)
    expect(entries.map(({ outcome }: { outcome: string }) => outcome).sort()).toEqual([
      'rejected',
      'rejected',
      'stored',
      'stored',
      'unrecognised',
    ])
    expect(JSON.parse(read('anna', 'quarantine.json'))).toHaveLength(2)
    expect(done.folders).toMatchObject([
      { deliveries: 5, bodies: 7, rows: Object.values(counts).reduce((a, b) => a + b) },
    ])
    const text = allText('anna')
    expect(text).not.toContain('bob')
    expect(
      Buffer.from(
        lines('anna', 'messages.ndjson')
          .map(({ base64 }) => base64)
          .join(''),
        'base64',
      ).toString(),
    ).not.toContain('bob')
    expect(text).toContain('withheld: the id of another user')
    for (const name of ['body_group', 'hashed_headers', 'wrong', ASLEEP_KEY]) expect(text).not.toContain(name)
  })

  it('gets bodies that are JSON also as such, also from gzip', () => {
    const readable = lines('anna', 'messages-readable.ndjson')
    expect(readable.map(({ message }) => message.event ?? message)).toContain('Mystery')
    expect(readable).toHaveLength(5)
    expect(readable.find(({ message }) => message.data?.session?.note)?.message.data.session.note).toBe(
      'ü\u0000',
    )
  })

  it('gets a list of the files that is right, and a text about each column', () => {
    const manifest = JSON.parse(read('anna', 'manifest.json'))
    expect(manifest.files.map(({ name }: { name: string }) => name).sort()).toEqual(
      filesOf('anna')
        .filter((name) => name !== 'manifest.json')
        .sort(),
    )
    for (const { name, bytes, sha256 } of manifest.files) {
      const content = readFileSync(join(root, 'anna', name))
      expect([name, content.length, createHash('sha256').update(content).digest('hex')]).toEqual([
        name,
        bytes,
        sha256,
      ])
    }
    const text = read('anna', 'README.txt')
    expect(text).toContain('known here by the id sleeper-anna')
    expect(text).toMatch(/tables\/sleep_stats: .*\n( {4}.*\n)* {4}time_in_bed: .*seconds/)
    expect(text).not.toContain('no description')
    expect(statSync(join(root, 'anna')).mode & 0o777).toBe(0o700)
    for (const name of filesOf('anna')) expect(statSync(join(root, 'anna', name)).mode & 0o777).toBe(0o600)
  })
})

it('the text for the person shows an id that has words of the text', () => {
  const text = readmeText({ vendor: 'sahha', owner: 'MY TIME', time: 'the time' }, [], [])
  expect(text).toContain('known here by the id MY TIME.\nThe copy is the state of the time (UTC)')
})

describe('a person of Sahha', () => {
  it('by a profile', async () => {
    await exported('one', { vendor: sahha as Vendor, who: { owner: 'profile/one' } })
    for (const [table, count] of Object.entries(await rowsOf(sahha as Vendor, 'profile/one'))) {
      expect(count, table).toBeGreaterThan(0)
      expect(JSON.parse(read('one', 'tables', `${table}.json`))).toHaveLength(count)
    }
    expect(JSON.parse(read('one', 'tables', 'biomarkers.json'))).toMatchObject([
      { value_number: '12345678901234567890.5' },
    ])
    expect(read('one', 'tables', 'biomarkers.csv')).toContain(
      ',12345678901234567890.5,12345678901234567890.5,',
    )
    expect(bodiesIn('one')).toEqual([...bodiesOf('profile/one'), ...bodiesOf('customer-carla')].sort())
    expect(allText('one')).not.toMatch(/profile-two|profile-other|dirk/)
  })

  it('by an external id: a folder for each profile, and one for what names none', async () => {
    const done = await exported('carla', { vendor: sahha as Vendor, who: { externalId: 'customer-carla' } })
    expect(done.folders.map(({ path }) => path.slice(root.length + 1))).toEqual([
      'carla/profile-1',
      'carla/profile-2',
      'carla/without-profile',
    ])
    expect(bodiesIn('carla', 'profile-1')).toEqual(bodiesOf('profile-two'))
    expect(bodiesIn('carla', 'profile-2')).toEqual(bodiesOf('profile/one'))
    expect(bodiesIn('carla', 'without-profile')).toEqual(bodiesOf('customer-carla'))
    expect(allText('carla')).not.toMatch(/profile-other|dirk/)
  })

  it('who has only rejected deliveries', async () => {
    const body = { ...biomarker({ profileId: 'profile-late', externalId: 'customer-emil' }), id: null }
    const bytes = Buffer.from(JSON.stringify(body))
    await service.post('sahha', { ...signed(bytes), 'x-external-id': 'customer-emil' }, bytes)
    const done = await exported('emil', { vendor: sahha as Vendor, who: { externalId: 'customer-emil' } })
    expect(done.folders).toMatchObject([{ rows: 0, deliveries: 1, bodies: 1 }])
  })
})

it('of whom nothing is held gets no folder', async () => {
  expect(await exported('nobody', { vendor: asleep as Vendor, who: { owner: 'nobody' } })).toMatchObject({
    folders: [],
  })
  expect(readdirSync(root)).not.toContain('nobody')
})

it('a folder that is not empty is left as it is', async () => {
  mkdirSync(join(root, 'used'))
  writeFileSync(join(root, 'used', 'mine'), '')
  await expect(
    exported('used', { vendor: asleep as Vendor, who: { owner: 'sleeper-anna' } }),
  ).rejects.toThrow('is not empty')
  expect(readdirSync(join(root, 'used'))).toEqual(['mine'])
})

it('nothing stays of an export that fails', async () => {
  const end = new AbortController()
  const onProgress = (rows: number) => {
    if (rows > 6) end.abort()
  }
  const failing = exported('failed', {
    vendor: asleep as Vendor,
    who: { owner: 'sleeper-anna' },
    signal: end.signal,
    onProgress,
  })
  await expect(failing).rejects.toThrow('abort')
  expect(readdirSync(root)).not.toContain('failed')
})

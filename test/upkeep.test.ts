import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lockNumber, resetSession } from '../src/db/migrate/migrate.ts'
import { type MaintainOptions, maintain } from '../src/db/upkeep/maintain.ts'
import { daysAhead, GROUPS, partitionsOf } from '../src/db/upkeep/partitions.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker, dataLog, inference, score, session, USER } from './setup/bodies.ts'
import { CITUS_URL } from './setup/citus.ts'
import { setup, type TestService } from './setup/service.ts'

const DAY = 86_400_000
const targets = vendors.flatMap((vendor) => vendor.targets)

let service: TestService
let client: pg.Client
beforeAll(async () => {
  service = await setup({ MAINTENANCE: 'off' })
  client = new pg.Client(service.db.direct)
  await client.connect()
  await resetSession(client, 'public')
})
afterAll(async () => {
  await client.end()
  await service.close()
})

const run = (options: Partial<MaintainOptions> = {}) =>
  maintain(client, { schema: 'public', targets, retention: {}, ...options })

/** The digest of every body, as SQL reads it, beside the one that the ledger recorded when it arrived. */
const digests = () =>
  service.db.query<{ is_same: string; form: string; outcome: string }>(
    `select d.outcome, encode(sha256(b.body), 'hex') = encode(d.body_digest, 'hex') as is_same,
       case when d.body is not null then 'entry' else 'apart' end as form
     from deliveries as d left join delivery_bodies as b using (delivery_id) order by delivery_id`,
  )

const count = async (what: string) =>
  Number((await service.db.query(`select count(*) from ${what}`))[0]?.count)

/** What has the bodies of stored deliveries until they are packed. On Citus that is their entries. */
const UNPACKED = CITUS_URL ? `deliveries where outcome = 'stored' and body is not null` : 'body_groups'

describe('the bodies of deliveries', () => {
  it('are stored apart from the entries, and read back byte by byte', async () => {
    const sent = await Promise.all([
      ...Array.from({ length: 40 }, (_, n) =>
        service.sahha(biomarker({ id: `b${n}`, profileId: `p${n % 3}`, category: 'c' })),
      ),
      service.sahha(score()),
      service.sahha(
        dataLog([{ id: 'x', startDateTime: '2025-01-01T00:00:00Z', endDateTime: '2025-01-01T00:00:00Z' }]),
      ),
      service.asleep(inference(), USER),
      service.asleep(session(), USER),
      service.sahha('{"not json'),
    ])
    expect(sent.filter(({ status }) => status === 200)).toHaveLength(44)
    const all = await digests()
    expect(all).toHaveLength(45)
    expect(new Set(all.map(({ is_same }) => is_same))).toEqual(new Set(['t']))
    expect(all.filter(({ form }) => form === 'entry')).toHaveLength(CITUS_URL ? 45 : 1)
  })

  it('leave no trace of a duplicate in the group that has it', async () => {
    const before = await count('delivery_bodies')
    const marked = biomarker({ id: 'twice', value: 'a-trace', category: 'c' })
    await service.sahha(marked)
    await Promise.all([
      service.sahha(marked),
      service.sahha(biomarker({ id: 'once', category: 'c' })),
      service.sahha(marked),
    ])
    expect(await count('delivery_bodies')).toBe(before + 2)
    const [{ traces = '' } = {}] = await service.db.query(
      `select sum((length(encode(bytes, 'escape')) - length(replace(encode(bytes, 'escape'), 'a-trace', ''))) / 7) as traces
       from (${CITUS_URL ? 'select body as bytes from deliveries' : 'select bytes from body_groups'}) as new_bodies`,
    )
    expect(traces).toBe('1')
    expect((await digests()).every(({ is_same }) => is_same === 't')).toBe(true)
  })
})

describe('maintain', () => {
  const tomorrow = () => Date.now() + 2 * DAY
  let before: Awaited<ReturnType<typeof digests>>

  it('packs the bodies of closed days by owner, and drops the groups', async () => {
    before = (await digests()).map((row) => ({ ...row, form: row.outcome === 'stored' ? 'apart' : 'entry' }))
    const done = await run({ now: tomorrow() })
    expect(done).toMatchObject({ bodiesPacked: before.length - 1, entriesDeleted: 0 })
    expect(await digests()).toEqual(before)
    expect(await count(UNPACKED)).toBe(0)
    // One for each owner.
    expect(await count('body_packs')).toBe(5)
  })

  it('finds nothing to do when it runs again', async () => {
    expect(await run({ now: tomorrow(), storesDays: true })).toEqual({
      partitionsCreated: 0,
      bodiesPacked: 0,
      packs: 0,
      partitionsDropped: [],
      entriesDeleted: 0,
      unverifiedDeleted: 0,
      provisionalRowsDeleted: 0,
      erasedDeliveriesDeleted: 0,
      daysStored: !CITUS_URL,
    })
    expect(await digests()).toEqual(before)
  })

  it('takes a body that an earlier version, or the quarantine, stored in its entry', async () => {
    await service.db.query(`update upkeep_tasks set position = null where task = 'pack'`)
    await service.db.query('truncate body_packs')
    await service.db.query(
      `update deliveries set body = convert_to('{}', 'UTF8'), body_digest = sha256('{}'), body_group = null, body_size = null
       where event = 'SESSION_COMPLETE'`,
    )
    expect(await run({ now: tomorrow() })).toMatchObject({ bodiesPacked: 1 })
    expect(
      await service.db.query(
        `select d.body is null as is_apart, d.body_size, convert_from(b.body, 'UTF8') as body
         from deliveries as d join delivery_bodies as b using (delivery_id) where event = 'SESSION_COMPLETE'`,
      ),
    ).toEqual([{ is_apart: 't', body_size: '2', body: '{}' }])
  })

  it('refuses to pack a body that does not have its digest, and drops nothing', async () => {
    const answer = await service.sahha(biomarker({ id: 'damaged', category: 'c' }))
    await service.db.query(
      CITUS_URL
        ? `update deliveries set body = overlay(body placing 'x'::bytea from 3) where outcome = 'stored' and body is not null`
        : `update body_groups set bytes = overlay(bytes placing 'x'::bytea from 3)`,
    )
    const groups = await count(UNPACKED)
    await service.db.query(`update upkeep_tasks set position = null where task = 'pack'`)
    await expect(run({ now: tomorrow() })).rejects.toThrow(String(answer.json.delivery_id))
    expect(groups).toBeGreaterThan(0)
    expect(await count(UNPACKED)).toBe(groups)
    await service.db.query('delete from deliveries where delivery_id = $1', [answer.json.delivery_id])
  })

  it('keeps no body of a stored delivery longer than BODY_RETENTION_DAYS, and every other', async () => {
    await service.sahha(biomarker({ id: 'old', category: 'c' }))
    await service.db.query(`update deliveries set body = 'came late' where event = 'SESSION_COMPLETE'`)
    const done = await run({ now: Date.now() + 40 * DAY, retention: { bodies: 30 } })
    expect(await count(`deliveries where outcome = 'stored' and body is not null`)).toBe(0)
    expect(done?.partitionsDropped.length).toBeGreaterThan(14)
    expect(await count(`delivery_bodies join deliveries using (delivery_id) where outcome = 'stored'`)).toBe(
      0,
    )
    expect(
      await count(`delivery_bodies join deliveries using (delivery_id) where outcome = 'rejected'`),
    ).toBe(1)
    // Deliveries are still taken, and a repeated one is still recognised.
    expect((await service.sahha(biomarker({ id: 'old', category: 'c' }))).json.outcome).toBe('duplicate')
    expect((await service.sahha(biomarker({ id: 'new', category: 'c' }))).json.outcome).toBe('stored')
  })

  it('deletes entries older than DELIVERY_RETENTION_DAYS, and no row of the tables', async () => {
    const rows = await count('biomarkers')
    const done = await run({ now: Date.now() + 40 * DAY, retention: { deliveries: 30 } })
    expect(done?.entriesDeleted).toBeGreaterThan(40)
    expect(await count('deliveries')).toBe(0)
    expect(await count('biomarkers')).toBe(rows)
  })

  it('deletes provisional windows some days after their session is complete', async () => {
    await service.asleep(inference({ session_id: 'open' }), USER)
    await service.asleep(inference({ session_id: 'done' }), USER)
    await service.asleep(session({ id: 'done', state: 'COMPLETE' }), USER)
    await run({ now: Date.now() + 13 * DAY, retention: { windows: 14 } })
    const sessions = () => service.db.query('select distinct session_id from sleep_stage_windows order by 1')
    expect((await sessions()).map((row) => row.session_id)).toContain('done')
    await run({ now: Date.now() + 15 * DAY, retention: { windows: 14 } })
    expect((await sessions()).map((row) => row.session_id)).not.toContain('done')
    expect((await sessions()).map((row) => row.session_id)).toContain('open')
  })

  it('is done by one process at a time', async () => {
    const other = new pg.Client(service.db.direct)
    await other.connect()
    const key = lockNumber('nightpost maintain public')
    await other.query('select pg_advisory_lock($1)', [key])
    expect(await run()).toBeNull()
    await other.query('select pg_advisory_unlock($1)', [key])
    expect(await run()).not.toBeNull()
    await other.end()
  })
})

describe('partitions', () => {
  it('stand ready for two weeks, and are created by the writer if they ran out', async () => {
    const now = Date.now()
    await run()
    expect(await daysAhead(client, now)).toBeGreaterThanOrEqual(14)
    for (const { name } of await partitionsOf(client, GROUPS)) await client.query(`drop table ${name}`)
    expect(await daysAhead(client, now)).toBe(0)
    expect((await service.sahha(biomarker({ id: 'no partition', category: 'c' }))).json.outcome).toBe(
      'stored',
    )
    // On Citus the writer needs no partition, so it creates none.
    if (CITUS_URL) await run()
    expect(await daysAhead(client, now)).toBeGreaterThanOrEqual(14)
  })
})

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import { connectToMigrate, isCurrent, migrate } from '../../src/db/migrate/migrate.ts'
import { startService } from '../../src/service.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { catalogue } from '../setup/frozen.ts'
import { guardedLog, guardRequest } from '../setup/log-guard.ts'
import { environment, signed } from '../setup/service.ts'

const suffix = randomBytes(4).toString('hex')
const role = `owner_${suffix}`
const writer = `writer_${suffix}`

let db: TestDatabase
const as = (name: string) => {
  const url = new URL(db.direct)
  url.username = name
  url.password = suffix
  return url.href
}
beforeAll(async () => {
  db = await createDatabase('template0')
  await db.query(
    `create role ${role} login password '${suffix}'; create role ${writer} login password '${suffix}'`,
  )
  // As with many providers: only its owner has privileges in `public`.
  await db.query('revoke all on schema public from public')
})
afterAll(async () => {
  await db.query(`drop owned by ${role}, ${writer} cascade; drop role ${role}; drop role ${writer}`)
  await db.drop()
})

describe('a missing privilege', () => {
  it("is reported with Postgres' message and the command that grants it", async () => {
    const hint = `Hint: its owner may run: grant usage, create on schema public to ${role};`
    await expect(migrate(as(role))).rejects.toThrow(
      `Migration 0000_tables failed: no schema has been selected to create in (SQLSTATE 3F000).\n${hint}`,
    )
    await db.query(`grant usage on schema public to ${role}`)
    await expect(migrate(as(role))).rejects.toThrow(
      `Migration 0000_tables failed: permission denied for schema public (SQLSTATE 42501).\n${hint.replace('public', '"public"')}`,
    )
    await expect(migrate(as(role), undefined, { schema: 'nightpost' })).rejects.toThrow(
      /^Schema nightpost failed: permission denied for database (\S+) \(SQLSTATE 42501\)\.\nHint: its owner may run: grant create on database "\1" to owner_\w+;$/,
    )
  })
})

describe('a role with a schema of its own', () => {
  it('migrates that schema and leaves `public` unchanged', async () => {
    await db.query(`create schema ${role} authorization ${role}`)
    await migrate(as(role), undefined, { schema: role })
    expect(
      await db.query(`select relname from pg_class where relnamespace = 'public'::regnamespace`),
    ).toEqual([])
    expect(await db.query(`select nspname from pg_namespace where nspname = 'drizzle'`)).toEqual([])

    const fresh = await createDatabase()
    expect(await catalogue(db, role)).toEqual(await catalogue(fresh))
    await fresh.drop()
  })

  it('may have a second, independent Nightpost in the same database', async () => {
    const other = `other_${suffix}`
    await db.query(`grant create on database ${new URL(db.direct).pathname.slice(1)} to ${role}`)
    await Promise.all([1, 2].map(() => migrate(as(role), undefined, { schema: other })))
    await db.query(`delete from ${other}.nightpost_migrations where name = '0010_schema'`)
    const client = await connectToMigrate(as(role))
    await client.query(`set search_path = ${role}`)
    expect(await isCurrent(client)).toBe(true)
    await client.query(`set search_path = ${other}`)
    expect(await isCurrent(client)).toBe(false)
    // Migrating one schema does not block migrating the other.
    await client.query('begin')
    await client.query(`lock table ${role}.nightpost_migrations`)
    await migrate(as(role), undefined, { schema: other })
    expect(await isCurrent(client)).toBe(true)
    await client.end()
    expect(
      await db.query(`select has_table_privilege('nightpost_reader', '${other}.scores', 'select') as may,
        has_schema_privilege('nightpost_reader', '${other}', 'usage') as use`),
    ).toEqual([{ may: 't', use: 't' }])
  })
})

describe('a role that may only read and write rows', () => {
  it('starts if the schema is current, and accepts deliveries', async () => {
    const own = await createDatabase()
    await own.query(`grant usage on schema public to ${writer};
      grant select, insert, update, delete on deliveries, unverified_deliveries, sleep_sessions, sleep_stats, sleep_stage_series,
        sleep_stage_windows, scores, score_factors, biomarkers, archetypes, data_logs, body_groups, body_packs, event_activity,
        upkeep_tasks, change_feed, erasures, erasure_key, owners, person_links to ${writer}`)
    const url = new URL(as(writer))
    url.pathname = new URL(own.url).pathname
    const { app } = await startService(readConfig(environment), url.href, guardedLog)
    const payload = JSON.stringify({
      profileId: 'p',
      externalId: 'u',
      dataType: 'steps',
      dataLogs: [{ id: 'a', value: 1 }],
    })
    const headers = { 'content-type': 'application/json', 'x-external-id': 'u', ...signed(payload) }
    guardRequest(headers, Buffer.from(payload))
    const answer = await app.inject({ method: 'POST', url: '/webhooks/sahha', headers, payload })
    expect(answer.json()).toMatchObject({ outcome: 'stored' })
    expect((await app.inject('/health/ready')).statusCode).toBe(200)
    await app.close()
    await own.query(`drop owned by ${writer}`)
    await own.drop()
  })
})

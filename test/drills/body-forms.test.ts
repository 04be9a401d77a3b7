import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getTableName } from 'drizzle-orm'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { archive } from '../../src/archive/archive.ts'
import { readConfig } from '../../src/config/index.ts'
import { GroupCommit } from '../../src/db/commit/group-commit.ts'
import { defaultLimits } from '../../src/db/commit/limits.ts'
import { createPool } from '../../src/db/connect/pool.ts'
import { resetSession } from '../../src/db/migrate/migrate.ts'
import { maintain } from '../../src/db/upkeep/maintain.ts'
import { createPartitions, GROUPS } from '../../src/db/upkeep/partitions.ts'
import { Writer } from '../../src/db/write/writer.ts'
import { replay } from '../../src/replay/replay.ts'
import { vendors } from '../../src/vendors/index.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { ARRIVED, generatedDeliveries, toDelivery } from '../setup/generated-deliveries.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { environment } from '../setup/service.ts'

const targets = vendors.flatMap((vendor) => vendor.targets)
const tables = targets.map(({ table }) => getTableName(table))
const writer = new Writer(targets)
const root = mkdtempSync(join(tmpdir(), 'nightpost-forms-'))
const signal = new AbortController().signal

let db: TestDatabase
let pool: pg.Pool
let client: pg.Client
beforeAll(async () => {
  db = await createDatabase()
  pool = createPool(db.direct, guardedLog)
  client = new pg.Client(db.direct)
  await client.connect()
  await resetSession(client, 'public')
})
afterAll(async () => {
  await client.end()
  await pool.end()
  await db.drop()
  rmSync(root, { recursive: true })
})

const rows = async () => {
  const all = tables.map((name) => `select '${name}' as name, t::text as line from ${name} as t`)
  return (await db.query(`${all.join(' union all ')} order by 1, 2`)).map(
    ({ name, line }) => `${name} ${line}`,
  )
}

/** Where the bodies of stored deliveries are: in how many entries, groups and packs. */
const forms = async () => {
  const [found] = await db.query(`select
    (select count(*) from deliveries where outcome = 'stored' and body is not null) as entries,
    (select count(*) from body_groups) as groups, (select count(*) from body_packs) as packs`)
  return found
}

/** Deletes all rows and makes them again from the ledger. */
async function madeAgain(from?: string): Promise<string[]> {
  await db.query(`truncate ${tables.join(', ')}`)
  const report = await replay({
    ...{ databaseUrl: db.direct, vendors, config: readConfig(environment), log: { warn: () => {} } },
    ...{ filter: {}, all: true, dryRun: false, signal, progress: () => {} },
    ...(from !== undefined && { from }),
  })
  expect([...report.transitions.keys()].filter((change) => change.endsWith('unavailable'))).toEqual([])
  return rows()
}

it('replay --all makes the same rows from hot, packed and archived bodies', {
  timeout: 120_000,
}, async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(generatedDeliveries, fc.integer({ min: 1, max: 6 }), async (all, groupDeliveries) => {
      await db.query(`truncate deliveries, body_groups, body_packs, upkeep_tasks, ${tables.join(', ')}`)
      await createPartitions(client, GROUPS, ARRIVED, ARRIVED + 1)
      const limits = { ...defaultLimits, writers: 1, groupDeliveries }
      const store = new GroupCommit(pool, writer, limits)
      await Promise.all(all.map((sent) => store.commit(toDelivery(sent, false))))
      const [{ stored } = {}] = await db.query(
        `select count(*) as stored from deliveries where outcome = 'stored'`,
      )
      const isAny = Number(stored) > 0
      const reference = await rows()

      // Bytes that were rejected first and stored on a retry are in their entry.
      const hot = await forms()
      expect(Number(hot?.entries) + Number(hot?.groups) > 0).toBe(isAny)
      expect(await madeAgain()).toEqual(reference)

      // Several chunks, and several transactions in each.
      const small = { chunkBytes: 20_000, chunkDeliveries: 7, bytes: 1_000, deliveries: 2, changedEntries: 1 }
      await maintain(client, { schema: 'public', targets, retention: {}, limits: small })
      const packed = await forms()
      expect(packed).toMatchObject({ entries: '0', groups: '0' })
      expect(Number(packed?.packs) > 0).toBe(isAny)
      expect(await madeAgain()).toEqual(reference)

      run += 1
      const directory = join(root, String(run))
      const periods = [{ from: 0, to: Date.now() }]
      await archive(client, { directory, schema: 'public', periods, checkAll: true, signal })
      await db.query('truncate body_packs')
      expect(await madeAgain(directory)).toEqual(reference)
    }),
    { numRuns: 3 },
  )
})

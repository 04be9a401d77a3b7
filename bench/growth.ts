import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchDatabase, BenchPostgres } from './database.ts'
import { load } from './load.ts'
import { measure } from './measure.ts'
import { requireStored } from './require-stored.ts'
import { startMode } from './start-mode.ts'
import { measureUndisturbed } from './undisturbed.ts'

export interface Growth {
  /** Entries of the full ledger, and their owners. */
  readonly entries: number
  readonly owners: number
  /** Rows in the full tables. */
  readonly biomarkers: number
  readonly samples: number
  /** Requests per second on a database that began empty and on a full one, measured by turns. */
  readonly pairs: ReadonlyArray<{ readonly empty: number; readonly full: number }>
  /** Bytes of write-ahead log per delivery, in the same order. A checkpoint was forced before each measurement. */
  readonly wal: ReadonlyArray<{ readonly empty: number; readonly full: number }>
  readonly soakSeconds: number
  readonly soakRequests: number
  /** Resident memory of the service in MB, sampled evenly over the soak. */
  readonly memory: readonly number[]
}

const OWNERS = 50_000
const BIOMARKERS = 5_000_000
const SAMPLES = 2_000_000
const PAIRS = 3

/** Measures whether millions of stored rows make the service slower, and whether minutes of load use more memory. */
export async function measureGrowth(
  postgres: BenchPostgres,
  soakSeconds: number,
  entries: number,
): Promise<Growth> {
  const emptyDatabase = await postgres.createDatabase()
  const fullDatabase = await postgres.createDatabase()
  await fill(fullDatabase)
  await fillLedger(fullDatabase, entries)
  let round = 0
  const measureOn = async (database: BenchDatabase) => {
    // The first change of a page after a checkpoint logs the whole page. A large ledger has more pages.
    await database.client.query('checkpoint')
    round += 1
    return measureUndisturbed(() => measure('nightpost', 'mixture', 256, 5, database, round, OWNERS))
  }
  const pairs: Array<{ empty: number; full: number }> = []
  const wal: Array<{ empty: number; full: number }> = []
  while (pairs.length < PAIRS) {
    const [empty, full] = [await measureOn(emptyDatabase), await measureOn(fullDatabase)]
    pairs.push({ empty: empty.requestsPerSecond, full: full.requestsPerSecond })
    wal.push({ empty: empty.walPerDelivery ?? 0, full: full.walPerDelivery ?? 0 })
  }
  await emptyDatabase.drop()
  const { requests, memory } = await soak(fullDatabase, soakSeconds)
  await fullDatabase.drop()
  return {
    entries,
    owners: OWNERS,
    wal,
    biomarkers: BIOMARKERS,
    samples: SAMPLES,
    pairs,
    soakSeconds,
    soakRequests: requests,
    memory,
  }
}

/** Loads the service for a longer time and samples its memory. */
async function soak(database: BenchDatabase, seconds: number) {
  const service = await startMode('nightpost', database.url)
  const memory: number[] = []
  let isRunning = true
  const sampling = (async () => {
    while (isRunning) {
      memory.push(Math.round((await service.report()).rss / 2 ** 20))
      await sleep((seconds * 1000) / 20)
    }
  })()
  const result = await load({
    port: service.port,
    workload: 'mixture',
    connections: 64,
    seconds,
    firstNumber: 5_000_000_000,
  })
  isRunning = false
  await sampling
  await requireStored(result, database)
  await service.close()
  return { requests: result.requests, memory }
}

/** Entries of the ledger whose bodies are dropped, as after BODY_RETENTION_DAYS, of owners that all go on sending. */
async function fillLedger({ client }: BenchDatabase, entries: number) {
  const batch = 1_000_000
  for (let first = 1; first <= entries; first += batch) {
    await client.query(`insert into deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by,
        outcome, headers, received_at, last_received_at, times_received, normaliser_version, body_size)
      select 'c9bf9e57-1685-4c89-bafb-ff5af83' || lpad((n % ${OWNERS})::text, 5, '0'), 'sahha', sha256(n::text::bytea),
        (lpad(to_hex(1700000000000 + n), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid, 'BiomarkerCreatedIntegrationEvent', 'user_' || lpad((n % ${OWNERS})::text, 5, '0'),
        'api_key', 'stored', jsonb_build_object('x-user-id', 'user_' || lpad((n % ${OWNERS})::text, 5, '0'),
          'content-type', 'application/json', 'x-event-type', 'BiomarkerCreatedIntegrationEvent'),
        to_timestamp(1700000000 + n / 1000.0), to_timestamp(1700000000 + n / 1000.0), 1, 2, 845
      from generate_series(${first}, ${Math.min(entries, first + batch - 1)}) as n`)
  }
  await client.query('vacuum analyze deliveries')
}

/** Fills two tables. The MD5 ids are spread over the index like Sahha's ids, which are UUIDs of version 5. */
async function fill({ client }: BenchDatabase) {
  await client.query(`insert into biomarkers (profile_id, id, external_id, category, type, periodicity, aggregation,
      value, value_number, unit, value_type, start_date_time, end_date_time, utc_offset_minutes, local_date,
      end_utc_offset_minutes, created_at_utc, version, delivery_id, received_at)
    select 'c9bf9e57-1685-4c89-bafb-ff5af830' || lpad((n % 1000)::text, 4, '0'), md5(n::text), 'user', 'activity',
      'steps', 'daily', 'total', n::text, n, 'count', 'integer', now(), now(), 0, now()::date, 0, now(), 1.1,
      gen_random_uuid(), now() from generate_series(1, ${BIOMARKERS}) as n`)
  await client.query(`insert into data_logs (profile_id, id, external_id, log_type, data_type, received_at_utc, value,
      unit, source, start_date_time, end_date_time, local_date, additional_properties, delivery_id, received_at)
    select 'c9bf9e57-1685-4c89-bafb-ff5af830' || lpad((n % 1000)::text, 4, '0'), md5(n::text), 'user', 'activity',
      'steps', now(), n, 'count', 'iPhone', now(), now(), now()::date, '{}', gen_random_uuid(), now()
    from generate_series(1, ${SAMPLES}) as n`)
  await client.query('vacuum analyze')
  await client.query('checkpoint')
}

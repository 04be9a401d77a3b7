import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { mixture } from './workloads.ts'

/** A ledger as version 0.1.0 left it: every body is in its entry. */
export interface OldLedger {
  readonly entries: number
  readonly owners: number
  /** The entries arrived over so many days before today. */
  readonly days: number
  /** Whether the normalised tables have the rows of the deliveries. */
  readonly hasRows: boolean
}

/** Relative to the project's directory, where the bench runs. */
const SCHEMA = join('test', 'schemas', '0.1.0.sql')

/** Entries that one statement writes. */
const BATCH = 250_000

const PROFILE = 'c9bf9e57-1685-4c89-bafb-ff5af83'

/** The owner of the deliveries whose number has this remainder. */
export const ownerOf = (remainder: number) => `${PROFILE}${String(remainder).padStart(5, '0')}`

const HEX = [1, 2, 3].map((nth) => `md5(n || 'hex${nth}')`)

/** A UUID that is a function of a number, as Sahha's ids are spread over an index. */
const id = (of: string) => `md5(${of})::uuid::text`

/**
 * Deliveries of the bench's mixture in a fixed order. Their ids and values differ, so that packs compress as a vendor's bodies do:
 * digits and ids in the template are replaced by those of the number.
 */
const BODIES = `
  select n, kind, owner, delivery_id, received_at, row_id, event,
    convert_to(replace(replace(replace(replace(template, '@@@@@@@@@@', left(${HEX[0]}, 10)), '#####', lpad((n % owners)::text, 5, '0')),
      '8547', (hashint8(n) & 8191)::text), '0.94', '0.' || (hashint8(n + 1) & 1023)), 'UTF8') as body
  from (
    select n, kind, template, event, $5::int as owners, ${id("n || 'row'")} as row_id,
      '${PROFILE}' || lpad((n % $5::int)::text, 5, '0') as owner,
      to_timestamp(ms / 1000.0) as received_at,
      (left(lpad(to_hex(ms), 12, '0') || '7' || substr(${HEX[1]}, 1, 3) || '8' || ${HEX[2]}, 32))::uuid as delivery_id
    from generate_series($1::bigint, $2::bigint) as n
    cross join lateral (select $3::bigint + n * ($4::bigint - $3::bigint) / $6::bigint as ms, (n * 37) % 100 as percent) as at
    join unnest($7::text[], $8::text[], $9::text[], $10::int[], $11::int[]) as k(kind, template, event, low, high)
      on percent >= low and percent < high
  ) as numbered order by n`

const PROVENANCE = 'delivery_id, received_at'
const PERSON = `'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_' || right(owner, 5)`
const DAY = `date_trunc('day', received_at), date_trunc('day', received_at) + interval '86399 s', 0, received_at::date`

const WRITES = {
  deliveries: `insert into deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, body, headers,
      received_at, last_received_at, times_received, normaliser_version)
    select owner, 'sahha', sha256(body), delivery_id, event, 'user_' || right(owner, 5), 'api_key', 'stored', body,
      jsonb_build_object('x-user-id', 'user_' || right(owner, 5), 'content-type', 'application/json', 'x-event-type', event),
      received_at, received_at, 1, 1 from made`,
  biomarkers: `insert into biomarkers (profile_id, id, account_id, external_id, category, type, periodicity, aggregation, value,
      value_number, unit, value_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes,
      created_at_utc, version, delivery_id, received_at)
    select owner, row_id, ${PERSON}, 'activity', 'steps', 'daily', 'total', v::text, v, 'count', 'integer', ${DAY}, 0, received_at, 1.1,
      ${PROVENANCE} from made cross join lateral (select hashint8(n) & 8191 as v) as value where kind = 'biomarker'`,
  scores: `insert into scores (profile_id, id, account_id, external_id, type, state, score, data_sources, score_date_time,
      utc_offset_minutes, local_date, created_at_utc, version, delivery_id, received_at)
    select owner, row_id, ${PERSON}, 'sleep', 'high', 0.85, '{age,sleep}', date_trunc('day', received_at), 0, received_at::date,
      received_at, 1.1, ${PROVENANCE} from made where kind like 'score%'`,
  score_factors: `insert into score_factors (profile_id, score_id, position, id, name, value, goal, score, state, unit, account_id,
      external_id, delivery_id, received_at)
    select owner, row_id, nth - 1, f, f, 7.5, 8, 0.94, 'high', 'hour', ${PERSON}, ${PROVENANCE}
    from made cross join unnest('{sleep_duration,sleep_regularity,sleep_continuity,sleep_debt,sleep_circadian,sleep_recovery}'::text[])
      with ordinality as factors(f, nth) where kind like 'score%'`,
  data_logs: `insert into data_logs (profile_id, id, account_id, external_id, log_type, data_type, received_at_utc, value, unit, source,
      recording_method, device_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes,
      additional_properties, delivery_id, received_at)
    select owner, ${id("n || 'sample' || nth")}, ${PERSON}, 'activity', 'steps', received_at, 1250 + nth, 'count', 'iPhone 15 Pro',
      'RECORDING_METHOD_AUTOMATICALLY_RECORDED', 'iPhone16,1', ${DAY}, 0, '{}', ${PROVENANCE}
    from made cross join generate_series(1, 10) as nth where kind like 'data log%'`,
  archetypes: `insert into archetypes (profile_id, id, account_id, external_id, name, value, data_type, periodicity, ordinality,
      start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, created_at_utc, version, delivery_id, received_at)
    select owner, row_id, ${PERSON}, 'chronotype', 'early_bird', 'string', 'weekly', 0, ${DAY}, 0, received_at, 1.1, ${PROVENANCE}
    from made where kind = 'archetype'`,
}

/** Makes an empty database one of version 0.1.0, and fills its ledger. The last entry arrived at the end of yesterday (UTC). */
export async function fillOldLedger(
  url: string,
  { entries, owners, days, hasRows }: OldLedger,
  onProgress: (entries: number) => void,
): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(
      'do $$ begin create role nightpost_reader; exception when duplicate_object then end $$',
    )
    await client.query(readFileSync(SCHEMA, 'utf8'))
    await client.query(`set search_path = public; set synchronous_commit = off`)
    // Checked by the way the rows are made; the check would take most of the time.
    await client.query(`set session_replication_role = replica`)
    const end = Math.floor(Date.now() / 86_400_000) * 86_400_000
    const start = end - days * 86_400_000
    const lows = mixture.map((_, at) => mixture.slice(0, at).reduce((sum, [, share]) => sum + share, 0))
    const kinds = [
      mixture.map(([kind]) => kind.name),
      mixture.map(([kind]) => kind.template),
      mixture.map(([kind]) => kind.eventType),
      lows,
      mixture.map(([, share], at) => (lows[at] as number) + share),
    ]
    const writes = Object.entries(WRITES).filter(([table]) => hasRows || table === 'deliveries')
    for (let first = 0; first < entries; first += BATCH) {
      const last = Math.min(entries, first + BATCH) - 1
      await client.query('begin')
      await client.query(`create temporary table made on commit drop as ${BODIES}`, [
        ...[first, last, start, end, owners, entries],
        ...kinds,
      ])
      for (const [, statement] of writes) await client.query(statement)
      await client.query('commit')
      onProgress(last + 1)
    }
    await client.query('vacuum analyze')
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}

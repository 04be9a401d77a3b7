import type pg from 'pg'

/**
 * Compares the rows of the normalised tables with the rows that Postgres itself computes from the bodies in the
 * ledger, without any code of Nightpost. Returns a line for each missing or unexplained row (at most ten of each): a
 * stored delivery without one of its rows, a row without its delivery, a score with the factors of another revision,
 * an older row in place of a newer one. It understands bodies of the vendors' current versions, with times that
 * Postgres and Nightpost read alike.
 */
export async function audit(client: Pick<pg.Client, 'query'>): Promise<string[]> {
  const { rows } = await client.query(`with stored as materialized (
    select d.delivery_id, d.received_at, d.event, convert_from(b.body, 'UTF8')::jsonb as b
    from deliveries as d join delivery_bodies as b using (delivery_id) where d.outcome = 'stored'
  ), expected (line) as (${EXPECTED_ROWS}), actual (line) as (${ACTUAL_ROWS})
  (select 'missing: ' || line as violation from (table expected except all table actual) as missing limit 10)
  union all
  (select 'unexplained: ' || line from (table actual except all table expected) as unexplained limit 10)`)
  return rows.map(({ violation }) => violation)
}

const line = (table: string, key: string, value: string) =>
  `select concat_ws(' ', '${table}', concat_ws('/', ${key}), ${value}, delivery_id) as line`

/** A query for one line per row of the normalised tables: table, key, a value, delivery. */
export const ACTUAL_ROWS = [
  `${line('biomarkers', 'profile_id, id', 'value')} from biomarkers`,
  `${line('archetypes', 'profile_id, id', 'value')} from archetypes`,
  `${line('scores', 'profile_id, id', 'score')} from scores`,
  `${line('score_factors', 'profile_id, score_id, position', 'name')} from score_factors`,
  `${line('data_logs', 'profile_id, data_type, id', 'value')} from data_logs`,
  `${line('sleep_sessions', 'user_id, session_id', 'state')} from sleep_sessions`,
  `${line('sleep_stats', 'user_id, session_id', 'sleep_index')} from sleep_stats`,
  `${line('sleep_stage_series', 'user_id, session_id, series', `array_to_string(stages, ',')`)} from sleep_stage_series`,
  `${line('sleep_stage_windows', 'user_id, session_id, series, inference_seq_num', `array_to_string(stages, ',')`)}
    from sleep_stage_windows`,
].join('\n union all ')

interface NewestOptions {
  readonly event: string
  /** SQL expressions, comma-separated. */
  readonly key: string
  /** ORDER BY expressions that take precedence over the time of arrival. */
  readonly order?: string
  /** Further FROM items. */
  readonly from?: string
  /** Columns of the result, besides `delivery_id`. */
  readonly columns?: string
}

/** A FROM item: for each key, the newest body of an event, or the newest element of its bodies. */
const newest = ({ event, key, order = '', from = '', columns = 'b' }: NewestOptions) => `
  (select distinct on (${key}) delivery_id, ${columns} from stored ${from} where event = '${event}'
   order by ${key}, ${order} received_at desc, delivery_id desc) as newest`

const byCreation = `(b->>'createdAtUtc')::timestamptz desc nulls last,`
const record = `b->>'profileId', b->>'id'`
const records = (event: string) => newest({ event, key: record, order: byCreation })

const night = `b->'data'->>'user_id', b->'data'->'session'->>'id'`
const nights = newest({ event: 'SESSION_COMPLETE', key: night })

const series = (of: string) => `lateral (
  select series, (select string_agg(stage, ',' order by nth)
    from jsonb_array_elements_text(stages) with ordinality as e (stage, nth)) as stages
  from (values ('sleep', ${of}->'sleep_stages'), ('breath', ${of}->'breath_stages'),
    ('snoring', ${of}->'snoring_stages')) as a (series, stages)
  where jsonb_typeof(stages) = 'array') as s`

const windows = newest({
  event: 'INFERENCE_COMPLETE',
  key: `b->'data'->>'user_id', b->'data'->>'session_id', series, b->'data'->>'inference_seq_num'`,
  from: `, ${series(`b->'data'`)}`,
  columns: 'b, series, stages',
})

const samples = newest({
  event: 'DataLogReceivedIntegrationEvent',
  key: `b->>'profileId', b->>'dataType', sample->>'id'`,
  order: `(b->>'receivedAtUtc')::timestamptz desc nulls last,`,
  from: `, jsonb_array_elements(b->'dataLogs') as l (sample)`,
  columns: `b->>'profileId' as profile_id, b->>'dataType' as data_type, sample`,
})

/** The same lines, computed from the bodies. */
const EXPECTED_ROWS = [
  `${line('biomarkers', record, `b->>'value'`)} from ${records('BiomarkerCreatedIntegrationEvent')}`,
  `${line('archetypes', record, `b->>'value'`)} from ${records('ArchetypeCreatedIntegrationEvent')}`,
  `${line('scores', record, `b->>'score'`)} from ${records('ScoreCreatedIntegrationEvent')}`,
  `${line('score_factors', `${record}, nth - 1`, `factor->>'name'`)}
    from ${records('ScoreCreatedIntegrationEvent')},
    jsonb_array_elements(b->'factors') with ordinality as f (factor, nth)`,
  `${line('data_logs', `profile_id, data_type, sample->>'id'`, `sample->>'value'`)} from ${samples}`,
  `${line('sleep_sessions', night, `b->'data'->'session'->>'state'`)} from ${nights}`,
  `${line('sleep_stats', night, `b->'data'->'stat'->>'sleep_index'`)} from ${nights}
    where jsonb_typeof(b->'data'->'stat') = 'object'`,
  `${line('sleep_stage_series', `${night}, series`, 'stages')} from ${nights}, ${series(`b->'data'->'session'`)}`,
  `${line(
    'sleep_stage_windows',
    `b->'data'->>'user_id', b->'data'->>'session_id', series, b->'data'->>'inference_seq_num'`,
    'stages',
  )} from ${windows}`,
].join('\n union all ')

import type pg from 'pg'

/**
 * What the tables must hold, worked out by Postgres from the ledger's own bytes and by nothing that
 * Nightpost wrote: a stored delivery with a row too few, a row without its delivery, a score with another's
 * factors, an old row that outlived a newer one each show as a line. For bodies in the vendors' current
 * form, with times that Postgres reads as Nightpost does.
 */
export async function audit(client: Pick<pg.Client, 'query'>): Promise<string[]> {
  const { rows } = await client.query(`with said as materialized (
    select delivery_id, received_at, event, convert_from(body, 'UTF8')::jsonb as b
    from deliveries where outcome = 'stored'
  ), must (line) as (${EXPECTED}), does (line) as (${ROWS})
  (select 'missing: ' || line as fault from (table must except all table does) as missing limit 10)
  union all
  (select 'unexplained: ' || line from (table does except all table must) as unexplained limit 10)`)
  return rows.map(({ fault }) => fault)
}

const line = (table: string, key: string, value: string) =>
  `select concat_ws(' ', '${table}', concat_ws('/', ${key}), ${value}, delivery_id) as line`

/** One line for each row of each normalised table: table, key, a value, delivery. */
export const ROWS = [
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

interface Choice {
  readonly event: string
  readonly key: string
  /** What orders two of one key before arrival does. */
  readonly age?: string
  /** Further sources of the key, and what is kept of them. */
  readonly from?: string
  readonly keep?: string
}

/** Of the bodies of one event, or of their elements, the newest for each key. */
const newest = ({ event, key, age = '', from = '', keep = 'b' }: Choice) => `
  (select distinct on (${key}) delivery_id, ${keep} from said ${from} where event = '${event}'
   order by ${key}, ${age} received_at desc, delivery_id desc) as newest`

const created = `(b->>'createdAtUtc')::timestamptz desc nulls last,`
const record = `b->>'profileId', b->>'id'`
const records = (event: string) => newest({ event, key: record, age: created })

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
  keep: 'b, series, stages',
})

const samples = newest({
  event: 'DataLogReceivedIntegrationEvent',
  key: `b->>'profileId', b->>'dataType', sample->>'id'`,
  age: `(b->>'receivedAtUtc')::timestamptz desc nulls last,`,
  from: `, jsonb_array_elements(b->'dataLogs') as l (sample)`,
  keep: `b->>'profileId' as profile_id, b->>'dataType' as data_type, sample`,
})

const EXPECTED = [
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

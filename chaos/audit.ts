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
  `${line('data_logs', 'profile_id, id', 'value')} from data_logs`,
  `${line('sleep_sessions', 'user_id, session_id', 'state')} from sleep_sessions`,
  `${line('sleep_stats', 'user_id, session_id', 'sleep_index')} from sleep_stats`,
  `${line('sleep_stage_series', 'user_id, session_id, series', `array_to_string(stages, ',')`)} from sleep_stage_series`,
  `${line('sleep_stage_windows', 'user_id, session_id, series, inference_seq_num', `array_to_string(stages, ',')`)}
    from sleep_stage_windows`,
].join('\n union all ')

/** Of the bodies of one event, the newest for each key. */
const newest = (event: string, key: string, age = '', from = '') => `
  (select distinct on (${key}) * from said ${from} where event = '${event}'
   order by ${key}, ${age} received_at desc, delivery_id desc) as newest`

const created = `(b->>'createdAtUtc')::timestamptz desc,`
const record = `b->>'profileId', b->>'id'`
const scores = newest('ScoreCreatedIntegrationEvent', record, created)
const night = `b->'data'->>'user_id', b->'data'->'session'->>'id'`
const nights = newest('SESSION_COMPLETE', night)
const chunk = `b->'data'->>'user_id', b->'data'->>'session_id', s.series, b->'data'->>'inference_seq_num'`
const sample = `b->>'profileId', l.sample->>'id'`

const series = (from: string) => `lateral (values ('sleep', ${from}->'sleep_stages'),
  ('breath', ${from}->'breath_stages'), ('snoring', ${from}->'snoring_stages')) as s (series, stages)`
const stages = `(select string_agg(value, ',' order by nth)
  from jsonb_array_elements_text(stages) with ordinality as e (value, nth))`

const EXPECTED = [
  `${line('biomarkers', record, `b->>'value'`)} from ${newest('BiomarkerCreatedIntegrationEvent', record, created)}`,
  `${line('archetypes', record, `b->>'value'`)} from ${newest('ArchetypeCreatedIntegrationEvent', record, created)}`,
  `${line('scores', record, `b->>'score'`)} from ${scores}`,
  `${line('score_factors', `${record}, nth - 1`, `factor->>'name'`)} from ${scores},
    jsonb_array_elements(b->'factors') with ordinality as f (factor, nth)`,
  `${line('data_logs', `b->>'profileId', sample->>'id'`, `sample->>'value'`)} from ${newest(
    'DataLogReceivedIntegrationEvent',
    sample,
    `(b->>'receivedAtUtc')::timestamptz desc,`,
    `, jsonb_array_elements(b->'dataLogs') as l (sample)`,
  )}`,
  `${line('sleep_sessions', night, `b->'data'->'session'->>'state'`)} from ${nights}`,
  `${line('sleep_stats', night, `b->'data'->'stat'->>'sleep_index'`)} from ${nights}
    where jsonb_typeof(b->'data'->'stat') = 'object'`,
  `${line('sleep_stage_series', `${night}, series`, stages)} from ${nights},
    ${series(`b->'data'->'session'`)} where jsonb_typeof(stages) = 'array'`,
  `${line('sleep_stage_windows', `b->'data'->>'user_id', b->'data'->>'session_id', series, b->'data'->>'inference_seq_num'`, stages)}
    from ${newest('INFERENCE_COMPLETE', chunk, '', `, ${series(`b->'data'`)}`).replace(
      'order by',
      `and jsonb_typeof(s.stages) = 'array' order by`,
    )}`,
].join('\n union all ')

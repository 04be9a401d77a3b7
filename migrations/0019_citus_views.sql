-- The same observations as before, in a form that every shard of a distributed database can compute for itself.
CREATE OR REPLACE VIEW "fhir_observations" AS
SELECT owner, vendor, external_id, id, status, code_system, code, local_date, effective_start, effective_end, received_at,
  delivery_id,
  jsonb_strip_nulls(
    jsonb_build_object(
      'resourceType', 'Observation',
      'id', id,
      'identifier', jsonb_build_array(jsonb_build_object('system', record_system, 'value', record)),
      'status', status,
      'category', categories,
      'code', jsonb_build_object('coding', codings, 'text', name),
      'subject', jsonb_build_object('identifier', jsonb_build_object('system', owner_system, 'value', owner)),
      'effectiveDateTime', CASE WHEN effective_end IS NULL THEN iso_instant(effective_start, start_offset) END,
      'effectivePeriod', CASE WHEN effective_end IS NOT NULL THEN jsonb_build_object(
        'start', iso_instant(effective_start, start_offset), 'end', iso_instant(effective_end, end_offset)
      ) END,
      'issued', iso_instant(received_at, 0),
      'performer', performers,
      'method', CASE WHEN method <> '' THEN jsonb_build_object('text', method) END
    ) || value
  ) AS resource
FROM (
  SELECT n.user_id AS owner, 'asleep' AS vendor, '[{"display": "Asleep"}]'::jsonb AS performers,
    'urn:nightpost:asleep:user-id' AS owner_system, NULL AS external_id,
    name_uuid(jsonb_build_array('asleep', n.user_id, n.session_id, o.code)::text)::text AS id,
    'urn:nightpost:asleep:session-id' AS record_system, n.session_id || '#' || o.code AS record,
    CASE n.state WHEN 'COMPLETE' THEN 'final' ELSE 'preliminary' END AS status,
    '[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "social-history"}]}]'::jsonb AS categories,
    o.code_system, o.code, o.codings, o.name,
    n.sleep_date AS local_date, o.effective_start,
    CASE WHEN o.effective_end >= o.effective_start THEN o.effective_end END AS effective_end,
    extract(epoch FROM o.local_start - o.effective_start AT TIME ZONE 'UTC')::integer / 60 AS start_offset,
    extract(epoch FROM o.local_end - o.effective_end AT TIME ZONE 'UTC')::integer / 60 AS end_offset,
    '' AS method, o.value || '{"device": {"display": "Asleep"}}' AS value, n.received_at, n.delivery_id
  FROM sleep_nights AS n
  JOIN sleep_stats AS t ON t.user_id = n.user_id AND t.session_id = n.session_id
  CROSS JOIN LATERAL (
    -- One list and not a UNION ALL, which Citus can't compute on the shards.
    SELECT d.codings #>> '{0,system}' AS code_system, d.codings #>> '{0,code}' AS code, d.codings,
      d.codings #>> '{0,display}' AS name,
      CASE WHEN d.is_episode THEN n.sleep_time ELSE n.start_time END AS effective_start,
      CASE WHEN d.is_episode THEN n.wake_time ELSE n.end_time END AS effective_end,
      CASE WHEN d.is_episode THEN n.local_sleep_time ELSE n.local_bed_time END AS local_start,
      CASE WHEN d.is_episode THEN n.local_wake_time ELSE n.local_end_time END AS local_end,
      -- The components that have a value. Citus computes no correlated subquery over a list of values.
      CASE WHEN d.is_episode THEN jsonb_build_object('component', nullif(jsonb_path_query_array(jsonb_build_array(
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "latencyToSleepOnset", "display": "Latency to sleep onset"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.sleep_latency / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')),
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "latencyToArising", "display": "Latency to arising"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.wakeup_latency / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')),
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "totalSleepTime", "display": "Total sleep time"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_sleep / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')),
        '{"code": {"coding": [{"system": "http://loinc.org", "code": "93830-8", "display": "Light sleep duration"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_light / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')),
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "deepSleepDuration", "display": "Deep sleep duration"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_deep / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')),
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "remSleepDuration", "display": "Rem sleep duration"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_rem / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')),
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "wakeAfterSleepOnset", "display": "Wake after sleep onset"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_wake / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')),
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "numberOfAwakenings", "display": "Number of awakenings"}]}}'::jsonb
          || jsonb_build_object('valueInteger', t.waso_count),
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "sleepEfficiencyPercentage", "display": "Sleep efficiency percentage"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(t.sleep_ratio * 100), 'unit', '%', 'system', 'http://unitsofmeasure.org', 'code', '%')),
        '{"code": {"coding": [{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "code": "isMainSleep", "display": "Is main sleep"}]}}'::jsonb
          || jsonb_build_object('valueBoolean', n.is_main_sleep),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "sleep_efficiency", "display": "Time asleep over time in bed"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.sleep_efficiency, 'unit', '1', 'system', 'http://unitsofmeasure.org', 'code', '1')),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "sleep_index", "display": "Sleep index of Asleep, 0 to 100"}]}}'::jsonb
          || jsonb_build_object('valueInteger', t.sleep_index),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "time_in_bed", "display": "Time in bed"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.time_in_bed, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "deep_latency", "display": "Time from falling asleep to deep sleep"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.deep_latency, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "rem_latency", "display": "Time from falling asleep to REM sleep"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.rem_latency, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "longest_waso", "display": "Longest awakening after sleep onset"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.longest_waso, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "time_in_snoring", "display": "Time with snoring"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.time_in_snoring, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "time_in_unstable_breath", "display": "Time of unstable breathing"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.time_in_unstable_breath, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "snoring_count", "display": "Spells of snoring"}]}}'::jsonb
          || jsonb_build_object('valueInteger', t.snoring_count),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "unstable_breath_count", "display": "Spells of unstable breathing"}]}}'::jsonb
          || jsonb_build_object('valueInteger', t.unstable_breath_count),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:stat", "code": "sleep_cycle_count", "display": "Number of sleep cycles"}]}}'::jsonb
          || jsonb_build_object('valueInteger', t.sleep_cycle_count),
        '{"code": {"coding": [{"system": "urn:nightpost:asleep:session", "code": "missing_data_ratio", "display": "Share of the session without usable audio"}]}}'::jsonb
          || jsonb_build_object('valueQuantity', jsonb_build_object('value', n.missing_data_ratio, 'unit', '1', 'system', 'http://unitsofmeasure.org', 'code', '1'))
      ), '$[*] ? (@.valueQuantity.value != null || @.valueInteger != null || @.valueBoolean != null)'), '[]'))
      ELSE jsonb_build_object('valueQuantity', jsonb_build_object(
        'value', d.seconds, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's'
      )) END AS value
    FROM (VALUES
      (true, '[{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/observation-pghd-codes", "code": "sleepEpisode",
        "display": "Sleep episode"}]'::jsonb, NULL),
      (false, '[{"system": "http://loinc.org", "code": "93832-4", "display": "Sleep duration"},
        {"system": "urn:nightpost:asleep:stat", "code": "time_in_sleep"}]'::jsonb, t.time_in_sleep),
      (false, '[{"system": "http://loinc.org", "code": "93830-8", "display": "Light sleep duration"},
        {"system": "urn:nightpost:asleep:stat", "code": "time_in_light"}]'::jsonb, t.time_in_light),
      (false, '[{"system": "http://loinc.org", "code": "93831-6", "display": "Deep sleep duration"},
        {"system": "urn:nightpost:asleep:stat", "code": "time_in_deep"}]'::jsonb, t.time_in_deep),
      (false, '[{"system": "http://loinc.org", "code": "93829-0", "display": "REM sleep duration"},
        {"system": "urn:nightpost:asleep:stat", "code": "time_in_rem"}]'::jsonb, t.time_in_rem)
    ) AS d (is_episode, codings, seconds)
    WHERE CASE WHEN d.is_episode THEN n.wake_time >= n.sleep_time ELSE d.seconds IS NOT NULL AND n.start_time IS NOT NULL END
  ) AS o
  UNION ALL
  SELECT b.profile_id, 'sahha', '[{"display": "Sahha"}]', 'urn:nightpost:sahha:profile-id', b.external_id,
    name_uuid(jsonb_build_array('sahha', b.profile_id, 'biomarker', b.id)::text)::text,
    'urn:nightpost:sahha:biomarker-id', b.id,
    -- The total of a period that had not ended when Sahha made it will grow.
    CASE WHEN b.aggregation = 'total' AND b.category IS DISTINCT FROM 'sleep' AND b.created_at_utc < b.end_date_time
      THEN 'preliminary' ELSE 'final' END,
    coalesce(c.categories, CASE b.category
      WHEN 'activity' THEN '[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "activity"}]}]'::jsonb
      WHEN 'sleep' THEN '[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "social-history"}]}]'::jsonb
    END),
    CASE WHEN c.code IS NULL THEN 'urn:nightpost:sahha:biomarker' ELSE 'http://loinc.org' END,
    coalesce(c.code, b.type),
    coalesce(c.codings, CASE WHEN b.type ~ '^\S+( \S+)*$' THEN jsonb_build_array(
      jsonb_build_object('system', 'urn:nightpost:sahha:biomarker', 'code', b.type)
    ) END),
    b.type,
    ((b.start_date_time + coalesce(b.end_date_time - b.start_date_time, interval '0') / 2) AT TIME ZONE 'UTC'
      + coalesce(b.utc_offset_minutes, 0) * interval '1 minute')::date,
    b.start_date_time,
    CASE WHEN b.end_date_time >= b.start_date_time THEN b.end_date_time END,
    b.utc_offset_minutes, b.end_utc_offset_minutes,
    concat_ws(', ', CASE WHEN b.periodicity ~ '\S' THEN b.periodicity END, CASE WHEN b.aggregation ~ '\S' THEN b.aggregation END),
    CASE WHEN b.value_number IS NULL THEN jsonb_build_object('valueString', b.value)
      ELSE jsonb_build_object('valueQuantity', jsonb_build_object(
        'value', b.value_number,
        'unit', coalesce(c.unit, CASE WHEN b.unit ~ '\S' THEN b.unit END),
        'system', CASE WHEN c.code IS NOT NULL THEN 'http://unitsofmeasure.org' END,
        'code', c.unit_code
      )) END,
    b.received_at, b.delivery_id
  FROM biomarkers AS b
  LEFT JOIN (
    -- Built once per code, not once per biomarker.
    SELECT type, sent_unit, periodicities, aggregations, code, unit, unit_code,
      jsonb_build_array(jsonb_build_object('coding', jsonb_build_array(
        jsonb_build_object('system', 'http://terminology.hl7.org/CodeSystem/observation-category', 'code', category)
      ))) AS categories,
      jsonb_build_array(
        jsonb_build_object('system', 'http://loinc.org', 'code', code, 'display', display),
        jsonb_build_object('system', 'urn:nightpost:sahha:biomarker', 'code', type)
      ) AS codings
    FROM fhir_loinc_codes
  ) AS c ON c.type = b.type AND c.sent_unit = b.unit AND b.value_number IS NOT NULL
    AND (c.periodicities IS NULL OR coalesce(b.periodicity, 'none') = ANY (c.periodicities))
    AND coalesce(b.aggregation, 'none') = ANY (c.aggregations)
  WHERE b.start_date_time IS NOT NULL AND b.type ~ '\S' AND (b.value_number IS NOT NULL OR b.value ~ '\S')
  UNION ALL
  SELECT s.profile_id, 'sahha', '[{"display": "Sahha"}]', 'urn:nightpost:sahha:profile-id', s.external_id,
    name_uuid(jsonb_build_array('sahha', s.profile_id, 'score', s.id)::text)::text,
    'urn:nightpost:sahha:score-id', s.id, 'final', NULL, 'urn:nightpost:sahha:score', s.type,
    CASE WHEN s.type ~ '^\S+( \S+)*$' THEN jsonb_build_array(
      jsonb_build_object('system', 'urn:nightpost:sahha:score', 'code', s.type)
    ) END,
    s.type, s.local_date, s.score_date_time, NULL, s.utc_offset_minutes, NULL, '',
    jsonb_build_object(
      'valueQuantity', jsonb_build_object(
        'value', s.score, 'unit', '1', 'system', 'http://unitsofmeasure.org', 'code', '1'
      ),
      'interpretation', CASE WHEN s.state ~ '\S' THEN jsonb_build_array(jsonb_build_object('text', s.state)) END
    ),
    s.received_at, s.delivery_id
  FROM scores AS s
  WHERE s.score IS NOT NULL AND s.score_date_time IS NOT NULL AND s.type ~ '\S'
) AS observations;
--> statement-breakpoint
-- A join and not a subquery in the list of columns, with which Citus asks every shard about an owner.
CREATE OR REPLACE VIEW "people" AS
SELECT o.person_id, o.vendor, o.owner, o.user_id, l.owner IS NOT NULL AS is_linked, o.first_received_at
FROM owners AS o LEFT JOIN person_links AS l ON l.owner = o.owner AND l.vendor = o.vendor;
--> statement-breakpoint
-- The seconds of an interval, because those of a timestamptz are no immutable function, which the shards would have to agree about.
CREATE OR REPLACE VIEW "user_days" AS
SELECT person_id, local_date, extract(isodow FROM local_date)::smallint AS local_weekday,
  max(user_id) FILTER (WHERE is_main_sleep) AS user_id,
  max(session_id) FILTER (WHERE is_main_sleep) AS session_id,
  max(time_zone) FILTER (WHERE is_main_sleep) AS time_zone,
  max(local_bed_time) FILTER (WHERE is_main_sleep) AS local_bed_time,
  max(local_sleep_time) FILTER (WHERE is_main_sleep) AS local_sleep_time,
  max(local_wake_time) FILTER (WHERE is_main_sleep) AS local_wake_time,
  max(local_end_time) FILTER (WHERE is_main_sleep) AS local_end_time,
  max(bed_minutes) FILTER (WHERE is_main_sleep) AS bed_minutes,
  max(wake_minutes) FILTER (WHERE is_main_sleep) AS wake_minutes,
  max(midpoint_minutes) FILTER (WHERE is_main_sleep) AS midpoint_minutes,
  max(in_bed_minutes) FILTER (WHERE is_main_sleep) AS in_bed_minutes,
  max(sleep_period_minutes) FILTER (WHERE is_main_sleep) AS sleep_period_minutes,
  max(asleep_minutes) FILTER (WHERE is_main_sleep) AS asleep_minutes,
  max(light_minutes) FILTER (WHERE is_main_sleep) AS light_minutes,
  max(deep_minutes) FILTER (WHERE is_main_sleep) AS deep_minutes,
  max(rem_minutes) FILTER (WHERE is_main_sleep) AS rem_minutes,
  max(waso_minutes) FILTER (WHERE is_main_sleep) AS waso_minutes,
  max(waso_count) FILTER (WHERE is_main_sleep) AS waso_count,
  max(longest_waso_minutes) FILTER (WHERE is_main_sleep) AS longest_waso_minutes,
  max(sleep_latency_minutes) FILTER (WHERE is_main_sleep) AS sleep_latency_minutes,
  max(deep_latency_minutes) FILTER (WHERE is_main_sleep) AS deep_latency_minutes,
  max(rem_latency_minutes) FILTER (WHERE is_main_sleep) AS rem_latency_minutes,
  max(sleep_efficiency) FILTER (WHERE is_main_sleep) AS sleep_efficiency,
  max(sleep_index) FILTER (WHERE is_main_sleep) AS sleep_index,
  max(sleep_cycle_count) FILTER (WHERE is_main_sleep) AS sleep_cycle_count,
  max(snoring_minutes) FILTER (WHERE is_main_sleep) AS snoring_minutes,
  max(snoring_count) FILTER (WHERE is_main_sleep) AS snoring_count,
  max(unstable_breath_minutes) FILTER (WHERE is_main_sleep) AS unstable_breath_minutes,
  max(breathing_index) FILTER (WHERE is_main_sleep) AS breathing_index,
  max(missing_data_ratio) FILTER (WHERE is_main_sleep) AS missing_data_ratio,
  count(*) FILTER (WHERE is_nap) AS nap_count,
  sum(asleep_minutes) FILTER (WHERE is_nap) AS nap_minutes,
  count(session_id) AS session_count,
  bool_or(state IS DISTINCT FROM 'COMPLETE') FILTER (WHERE is_main_sleep) AS is_provisional,
  extract(epoch FROM max(received_at - end_time) FILTER (WHERE is_main_sleep)) / 60.0::double precision AS received_after_minutes,
  bool_or(received_at > end_time + interval '1 day') FILTER (WHERE is_main_sleep) AS is_late,
  max(profile_id) AS profile_id,
  max(sleep_score) AS sleep_score,
  max(activity_score) AS activity_score,
  max(readiness_score) AS readiness_score,
  max(wellbeing_score) AS wellbeing_score,
  max(mental_wellbeing_score) AS mental_wellbeing_score,
  max(steps) AS steps,
  max(floors_climbed) AS floors_climbed,
  max(active_hours) AS active_hours,
  max(activity_low_minutes) AS activity_low_minutes,
  max(activity_medium_minutes) AS activity_medium_minutes,
  max(activity_high_minutes) AS activity_high_minutes,
  max(active_energy_kcal) AS active_energy_kcal,
  max(total_energy_kcal) AS total_energy_kcal,
  max(resting_heart_rate_bpm) AS resting_heart_rate_bpm,
  max(sleep_heart_rate_bpm) AS sleep_heart_rate_bpm,
  max(hrv_rmssd_ms) AS hrv_rmssd_ms,
  max(hrv_sdnn_ms) AS hrv_sdnn_ms,
  max(respiratory_rate_bpm) AS respiratory_rate_bpm,
  max(oxygen_saturation_percent) AS oxygen_saturation_percent,
  max(sleep_oxygen_saturation_percent) AS sleep_oxygen_saturation_percent,
  max(vo2_max) AS vo2_max,
  max(weight_kg) AS weight_kg,
  max(body_mass_index) AS body_mass_index,
  max(systolic_mmhg) AS systolic_mmhg,
  max(diastolic_mmhg) AS diastolic_mmhg,
  max(device_asleep_minutes) AS device_asleep_minutes,
  max(device_deep_minutes) AS device_deep_minutes,
  max(device_rem_minutes) AS device_rem_minutes,
  max(device_in_bed_minutes) AS device_in_bed_minutes,
  max(received_at) AS received_at
FROM (
  SELECT person_id, indexed_sleep_date AS local_date,
    user_id, session_id, time_zone, local_bed_time, local_sleep_time, local_wake_time, local_end_time, bed_minutes,
    wake_minutes, midpoint_minutes, time_in_bed / 60.0::float8 AS in_bed_minutes,
    time_in_sleep_period / 60.0::float8 AS sleep_period_minutes, time_in_sleep / 60.0::float8 AS asleep_minutes,
    time_in_light / 60.0::float8 AS light_minutes, time_in_deep / 60.0::float8 AS deep_minutes,
    time_in_rem / 60.0::float8 AS rem_minutes, time_in_wake / 60.0::float8 AS waso_minutes, waso_count,
    longest_waso / 60.0::float8 AS longest_waso_minutes, sleep_latency / 60.0::float8 AS sleep_latency_minutes,
    deep_latency / 60.0::float8 AS deep_latency_minutes, rem_latency / 60.0::float8 AS rem_latency_minutes,
    sleep_efficiency::float8 AS sleep_efficiency, sleep_index, sleep_cycle_count,
    time_in_snoring / 60.0::float8 AS snoring_minutes, snoring_count,
    time_in_unstable_breath / 60.0::float8 AS unstable_breath_minutes, breathing_index::float8 AS breathing_index,
    missing_data_ratio::float8 AS missing_data_ratio,
    state, end_time, received_at,
    has_slept AND NOT is_short_by_day AND rank = 1 AS is_main_sleep,
    has_slept AND (is_short_by_day OR rank > 1) AS is_nap,
    NULL::text AS profile_id,
    NULL::float8 AS sleep_score, NULL::float8 AS activity_score, NULL::float8 AS readiness_score,
    NULL::float8 AS wellbeing_score, NULL::float8 AS mental_wellbeing_score, NULL::float8 AS steps,
    NULL::float8 AS floors_climbed, NULL::float8 AS active_hours, NULL::float8 AS activity_low_minutes,
    NULL::float8 AS activity_medium_minutes, NULL::float8 AS activity_high_minutes, NULL::float8 AS active_energy_kcal,
    NULL::float8 AS total_energy_kcal, NULL::float8 AS resting_heart_rate_bpm, NULL::float8 AS sleep_heart_rate_bpm,
    NULL::float8 AS hrv_rmssd_ms, NULL::float8 AS hrv_sdnn_ms, NULL::float8 AS respiratory_rate_bpm,
    NULL::float8 AS oxygen_saturation_percent, NULL::float8 AS sleep_oxygen_saturation_percent, NULL::float8 AS vo2_max,
    NULL::float8 AS weight_kg, NULL::float8 AS body_mass_index, NULL::float8 AS systolic_mmhg,
    NULL::float8 AS diastolic_mmhg, NULL::float8 AS device_asleep_minutes, NULL::float8 AS device_deep_minutes,
    NULL::float8 AS device_rem_minutes, NULL::float8 AS device_in_bed_minutes
  FROM (
    SELECT p.person_id, b.*,
      row_number() OVER (
        PARTITION BY p.person_id, b.indexed_sleep_date
        ORDER BY b.has_slept AND NOT b.is_short_by_day DESC, b.time_in_sleep DESC NULLS LAST, b.start_time, b.user_id,
        b.session_id
      ) AS rank
    FROM people AS p
    JOIN sleep_nights_base AS b ON b.user_id = p.owner
    WHERE p.vendor = 'asleep' AND b.indexed_sleep_date IS NOT NULL
  ) AS ranked
  UNION ALL
  SELECT p.person_id, s.local_date,
    NULL::text, NULL::text, NULL::text, NULL::timestamp, NULL::timestamp, NULL::timestamp, NULL::timestamp,
    NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8,
    NULL::float8, NULL::float8, NULL::int4, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8,
    NULL::int4, NULL::int4, NULL::float8, NULL::int4, NULL::float8, NULL::float8, NULL::float8,
    NULL, NULL, max(s.received_at), NULL, NULL, s.profile_id,
    (max(revision.value) FILTER (WHERE s.type = 'sleep'))[4] AS sleep_score,
    (max(revision.value) FILTER (WHERE s.type = 'activity'))[4] AS activity_score,
    (max(revision.value) FILTER (WHERE s.type = 'readiness'))[4] AS readiness_score,
    (max(revision.value) FILTER (WHERE s.type = 'wellbeing'))[4] AS wellbeing_score,
    (max(revision.value) FILTER (WHERE s.type = 'mental_wellbeing'))[4] AS mental_wellbeing_score,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL
  FROM people AS p
  JOIN scores AS s ON s.profile_id = p.owner
  CROSS JOIN LATERAL (
    SELECT ARRAY[
      coalesce(extract(epoch FROM s.created_at_utc - timestamptz 'epoch')::float8, '-infinity'), coalesce(s.version::float8, '-infinity'),
      extract(epoch FROM s.received_at - timestamptz 'epoch')::float8, s.score::float8
    ] AS value
  ) AS revision
  WHERE p.vendor = 'sahha' AND s.local_date IS NOT NULL
  GROUP BY s.profile_id, p.person_id, s.local_date
  UNION ALL
  SELECT p.person_id, day.local_date,
    NULL::text, NULL::text, NULL::text, NULL::timestamp, NULL::timestamp, NULL::timestamp, NULL::timestamp,
    NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8,
    NULL::float8, NULL::float8, NULL::int4, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8,
    NULL::int4, NULL::int4, NULL::float8, NULL::int4, NULL::float8, NULL::float8, NULL::float8,
    NULL, NULL, max(b.received_at), NULL, NULL, b.profile_id,
    NULL, NULL, NULL, NULL, NULL,
    (max(revision.value) FILTER (WHERE b.type = 'steps' AND b.unit IN ('count', 'steps', 'step')))[4] AS steps,
    (max(revision.value) FILTER (WHERE b.type = 'floors_climbed' AND b.unit IN ('count', 'floors',
    'floor')))[4] AS floors_climbed,
    (max(revision.value) FILTER (WHERE b.type = 'active_hours' AND b.unit IN ('hour', 'hours', 'h')))[4] AS active_hours,
    (max(revision.value) FILTER (WHERE b.type = 'activity_low_intensity_duration' AND b.unit IN ('minute', 'minutes',
    'min')))[4] AS activity_low_minutes,
    (max(revision.value) FILTER (WHERE b.type = 'activity_medium_intensity_duration' AND b.unit IN ('minute', 'minutes',
    'min')))[4] AS activity_medium_minutes,
    (max(revision.value) FILTER (WHERE b.type = 'activity_high_intensity_duration' AND b.unit IN ('minute', 'minutes',
    'min')))[4] AS activity_high_minutes,
    (max(revision.value) FILTER (WHERE b.type = 'active_energy_burned' AND b.unit IN ('kcal')))[4] AS active_energy_kcal,
    (max(revision.value) FILTER (WHERE b.type = 'total_energy_burned' AND b.unit IN ('kcal')))[4] AS total_energy_kcal,
    (max(revision.value) FILTER (WHERE b.type = 'heart_rate_resting' AND b.unit IN ('bpm')))[4] AS resting_heart_rate_bpm,
    (max(revision.value) FILTER (WHERE b.type = 'heart_rate_sleep' AND b.unit IN ('bpm')))[4] AS sleep_heart_rate_bpm,
    (max(revision.value) FILTER (WHERE b.type = 'heart_rate_variability_rmssd' AND b.unit IN ('ms')))[4] AS hrv_rmssd_ms,
    (max(revision.value) FILTER (WHERE b.type = 'heart_rate_variability_sdnn' AND b.unit IN ('ms')))[4] AS hrv_sdnn_ms,
    (max(revision.value) FILTER (WHERE b.type = 'respiratory_rate' AND b.unit IN ('bpm',
    'brpm')))[4] AS respiratory_rate_bpm,
    (max(revision.value) FILTER (WHERE b.type = 'oxygen_saturation' AND b.unit IN ('percent',
    '%')))[4] AS oxygen_saturation_percent,
    (max(revision.value) FILTER (WHERE b.type = 'oxygen_saturation_sleep' AND b.unit IN ('percent',
    '%')))[4] AS sleep_oxygen_saturation_percent,
    (max(revision.value) FILTER (WHERE b.type = 'vo2_max' AND b.unit IN ('ml/kg/min', 'mL/kg/min')))[4] AS vo2_max,
    (max(revision.value) FILTER (WHERE b.type = 'weight' AND b.unit IN ('kg')))[4] AS weight_kg,
    (max(revision.value) FILTER (WHERE b.type = 'body_mass_index' AND b.unit IN ('kg/m2', 'kg/m^2', 'count',
    'index')))[4] AS body_mass_index,
    (max(revision.value) FILTER (WHERE b.type = 'blood_pressure_systolic' AND b.unit IN ('mmHg')))[4] AS systolic_mmhg,
    (max(revision.value) FILTER (WHERE b.type = 'blood_pressure_diastolic' AND b.unit IN ('mmHg')))[4] AS diastolic_mmhg,
    (max(revision.value) FILTER (WHERE b.type = 'sleep_duration' AND b.unit IN ('minute', 'minutes',
    'min')))[4] AS device_asleep_minutes,
    (max(revision.value) FILTER (WHERE b.type = 'sleep_deep_duration' AND b.unit IN ('minute', 'minutes',
    'min')))[4] AS device_deep_minutes,
    (max(revision.value) FILTER (WHERE b.type = 'sleep_rem_duration' AND b.unit IN ('minute', 'minutes',
    'min')))[4] AS device_rem_minutes,
    (max(revision.value) FILTER (WHERE b.type = 'sleep_in_bed_duration' AND b.unit IN ('minute', 'minutes',
    'min')))[4] AS device_in_bed_minutes
  FROM people AS p
  JOIN biomarkers AS b ON b.profile_id = p.owner
  CROSS JOIN LATERAL (
    SELECT ((b.start_date_time AT TIME ZONE 'UTC') + coalesce(b.end_date_time - b.start_date_time, '0') / 2
      + coalesce(b.utc_offset_minutes, 0) * interval '1 minute')::date AS local_date
  ) AS day
  CROSS JOIN LATERAL (
    SELECT ARRAY[
      coalesce(extract(epoch FROM b.created_at_utc - timestamptz 'epoch')::float8, '-infinity'), coalesce(b.version::float8, '-infinity'),
      extract(epoch FROM b.received_at - timestamptz 'epoch')::float8, b.value_number::float8
    ] AS value
  ) AS revision
  WHERE p.vendor = 'sahha' AND b.periodicity = 'daily' AND day.local_date IS NOT NULL AND b.value_number IS NOT NULL
    AND b.aggregation IS DISTINCT FROM 'minimum' AND b.aggregation IS DISTINCT FROM 'maximum'
    AND b.type IN (
      'steps', 'floors_climbed', 'active_hours',
      'activity_low_intensity_duration', 'activity_medium_intensity_duration', 'activity_high_intensity_duration',
      'active_energy_burned', 'total_energy_burned', 'heart_rate_resting',
      'heart_rate_sleep', 'heart_rate_variability_rmssd', 'heart_rate_variability_sdnn',
      'respiratory_rate', 'oxygen_saturation', 'oxygen_saturation_sleep',
      'vo2_max', 'weight', 'body_mass_index',
      'blood_pressure_systolic', 'blood_pressure_diastolic', 'sleep_duration',
      'sleep_deep_duration', 'sleep_rem_duration', 'sleep_in_bed_duration'
    )
  GROUP BY b.profile_id, p.person_id, day.local_date
) AS parts
GROUP BY person_id, local_date;

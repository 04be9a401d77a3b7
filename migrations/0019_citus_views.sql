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

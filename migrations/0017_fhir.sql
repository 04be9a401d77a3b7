-- The way out for clinical and research tools: HL7 FHIR R4, IEEE 1752.1 (Open mHealth), and text arrays as rows.
-- The rules of 0005_views.sql hold: a predicate on the owner reaches the primary key.
CREATE FUNCTION "name_uuid"(name text) RETURNS uuid LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN overlay(overlay(left(encode(sha256(convert_to(name, 'UTF8')), 'hex'), 32) PLACING '8' FROM 13) PLACING '8' FROM 17)::uuid;
--> statement-breakpoint
COMMENT ON FUNCTION "name_uuid"(text) IS 'A UUID of version 8 (RFC 9562) made from the SHA-256 of a text: the same text has the same UUID.';
--> statement-breakpoint
CREATE FUNCTION "iso_instant"(instant timestamptz, utc_offset_minutes integer) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
  -- FHIR knows offsets up to 14:00.
  WHEN utc_offset_minutes BETWEEN -840 AND 840 THEN
    (to_jsonb(instant AT TIME ZONE 'UTC' + utc_offset_minutes * interval '1 minute') #>> '{}')
    || CASE WHEN utc_offset_minutes < 0 THEN '-' ELSE '+' END
    || to_char(abs(utc_offset_minutes) / 60, 'FM00') || ':' || to_char(abs(utc_offset_minutes) % 60, 'FM00')
  ELSE (to_jsonb(instant AT TIME ZONE 'UTC') #>> '{}') || 'Z'
END;
--> statement-breakpoint
COMMENT ON FUNCTION "iso_instant"(timestamptz, integer) IS 'An instant as ISO 8601 with microseconds and a UTC offset, as FHIR and Open mHealth write it; in UTC with Z if the offset is NULL or beyond 14 hours.';
--> statement-breakpoint
-- The unit is part of the key: a value in another unit keeps its local code.
CREATE VIEW "fhir_loinc_codes" AS
SELECT type, sent_unit, periodicities, aggregations, code, display, unit, unit_code, category, source
FROM (VALUES
  ('sleep_duration', 'minute', '{daily}'::text[], '{total}'::text[], '93832-4', 'Sleep duration', 'min', 'min', 'social-history', 'HL7 Personal Health Records 1.0.0-ballot2, ValueSet pcd-sleep-observation-code'),
  ('sleep_deep_duration', 'minute', '{daily}'::text[], '{total}'::text[], '93831-6', 'Deep sleep duration', 'min', 'min', 'social-history', 'HL7 Personal Health Records 1.0.0-ballot2, ValueSet pcd-sleep-observation-code'),
  ('sleep_light_duration', 'minute', '{daily}'::text[], '{total}'::text[], '93830-8', 'Light sleep duration', 'min', 'min', 'social-history', 'HL7 Personal Health Records 1.0.0-ballot2, ValueSet pcd-sleep-observation-code'),
  ('sleep_rem_duration', 'minute', '{daily}'::text[], '{total}'::text[], '93829-0', 'REM sleep duration', 'min', 'min', 'social-history', 'HL7 Personal Health Records 1.0.0-ballot2, ValueSet pcd-sleep-observation-code'),
  ('steps', 'count', '{daily}'::text[], '{total}'::text[], '41950-7', 'Number of steps in 24 hour Measured', 'steps per day', '/d', 'activity', 'HL7 US Physical Activity 1.0.0, ValueSet pa-observation-code-time'),
  ('steps', 'count', '{intraday,hourly,none}'::text[], '{total}'::text[], '55423-8', 'Number of steps in unspecified time Pedometer', 'steps', '{steps}', 'activity', 'HealthKitOnFHIR (Stanford Biodesign Digital Health)'),
  ('total_energy_burned', 'kcal', '{daily}'::text[], '{total}'::text[], '41979-6', 'Calories burned in 24 hour Calculated', 'kcal per day', 'kcal/d', 'activity', 'HL7 US Physical Activity 1.0.0, ValueSet pa-observation-code-time'),
  ('heart_rate', 'bpm', NULL::text[], '{average,none}'::text[], '8867-4', 'Heart rate', 'beats/minute', '/min', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('heart_rate_sleep', 'bpm', NULL::text[], '{average,none}'::text[], '8867-4', 'Heart rate', 'beats/minute', '/min', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('heart_rate_resting', 'bpm', NULL::text[], '{average,none}'::text[], '40443-4', 'Heart rate --resting', 'beats/minute', '/min', 'vital-signs', 'HL7 US Physical Activity 1.0.0, ValueSet pa-observation-code-time'),
  ('heart_rate_variability_sdnn', 'ms', NULL::text[], '{average,none}'::text[], '80404-7', 'R-R interval.standard deviation (Heart rate variability)', 'ms', 'ms', 'vital-signs', 'HealthKitOnFHIR (Stanford Biodesign Digital Health)'),
  ('respiratory_rate', 'bpm', NULL::text[], '{average,none}'::text[], '9279-1', 'Respiratory rate', 'breaths/minute', '/min', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('respiratory_rate_sleep', 'bpm', NULL::text[], '{average,none}'::text[], '9279-1', 'Respiratory rate', 'breaths/minute', '/min', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('oxygen_saturation', 'percent', NULL::text[], '{average,none}'::text[], '2708-6', 'Oxygen saturation in Arterial blood', '%', '%', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('oxygen_saturation_sleep', 'percent', NULL::text[], '{average,none}'::text[], '2708-6', 'Oxygen saturation in Arterial blood', '%', '%', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('body_temperature', 'degC', NULL::text[], '{average,none}'::text[], '8310-5', 'Body temperature', 'degrees C', 'Cel', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('body_temperature_basal', 'degC', NULL::text[], '{average,none}'::text[], '8310-5', 'Body temperature', 'degrees C', 'Cel', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('blood_pressure_systolic', 'mmHg', NULL::text[], '{average,none}'::text[], '8480-6', 'Systolic blood pressure', 'mmHg', 'mm[Hg]', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('blood_pressure_diastolic', 'mmHg', NULL::text[], '{average,none}'::text[], '8462-4', 'Diastolic blood pressure', 'mmHg', 'mm[Hg]', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('blood_glucose', 'mg/dL', NULL::text[], '{average,none}'::text[], '2339-0', 'Glucose [Mass/volume] in Blood', 'mg/dL', 'mg/dL', 'laboratory', 'HealthKitOnFHIR (Stanford Biodesign Digital Health)'),
  ('weight', 'kg', NULL::text[], '{average,none}'::text[], '29463-7', 'Body weight', 'kg', 'kg', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('height', 'cm', NULL::text[], '{average,none}'::text[], '8302-2', 'Body height', 'cm', 'cm', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('body_mass_index', 'kg/m2', NULL::text[], '{average,none}'::text[], '39156-5', 'Body mass index (BMI) [Ratio]', 'kg/m2', 'kg/m2', 'vital-signs', 'HL7 FHIR R4, ValueSet observation-vitalsignresult'),
  ('vo2_max', 'ml/kg/min', NULL::text[], '{average,none}'::text[], '94122-9', 'Oxygen consumption (VO2)/Body weight [Volume Rate Content] --peak during exercise', 'mL/kg/min', 'mL/kg/min', 'activity', 'HealthKitOnFHIR (Stanford Biodesign Digital Health)')
) AS codes (type, sent_unit, periodicities, aggregations, code, display, unit, unit_code, category, source);
--> statement-breakpoint
CREATE VIEW "fhir_observations" AS
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
    SELECT 'http://hl7.org/fhir/uv/phr/CodeSystem/observation-pghd-codes' AS code_system, 'sleepEpisode' AS code,
      '[{"system": "http://hl7.org/fhir/uv/phr/CodeSystem/observation-pghd-codes", "code": "sleepEpisode",
        "display": "Sleep episode"}]'::jsonb AS codings,
      'Sleep episode' AS name,
      n.sleep_time AS effective_start, n.wake_time AS effective_end,
      n.local_sleep_time AS local_start, n.local_wake_time AS local_end,
      (
        SELECT jsonb_build_object('component', jsonb_agg(
          jsonb_build_object(
            'code', jsonb_build_object('coding', jsonb_build_array(
              jsonb_build_object('system', c.system, 'code', c.code, 'display', c.display)
            )),
            'valueQuantity', CASE WHEN c.quantity IS NOT NULL THEN jsonb_build_object(
              'value', c.quantity, 'unit', c.unit, 'system', 'http://unitsofmeasure.org', 'code', c.unit_code
            ) END,
            'valueInteger', c.whole,
            'valueBoolean', c.truth
          ) ORDER BY c.position
        ))
        FROM (VALUES
        (1, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'latencyToSleepOnset', 'Latency to sleep onset', trim_scale(round(t.sleep_latency / 60.0, 4)), 'min', 'min', NULL, NULL),
        (2, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'latencyToArising', 'Latency to arising', trim_scale(round(t.wakeup_latency / 60.0, 4)), 'min', 'min', NULL, NULL),
        (3, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'totalSleepTime', 'Total sleep time', trim_scale(round(t.time_in_sleep / 60.0, 4)), 'min', 'min', NULL, NULL),
        (4, 'http://loinc.org', '93830-8', 'Light sleep duration', trim_scale(round(t.time_in_light / 60.0, 4)), 'min', 'min', NULL, NULL),
        (5, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'deepSleepDuration', 'Deep sleep duration', trim_scale(round(t.time_in_deep / 60.0, 4)), 'min', 'min', NULL, NULL),
        (6, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'remSleepDuration', 'Rem sleep duration', trim_scale(round(t.time_in_rem / 60.0, 4)), 'min', 'min', NULL, NULL),
        (7, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'wakeAfterSleepOnset', 'Wake after sleep onset', trim_scale(round(t.time_in_wake / 60.0, 4)), 'min', 'min', NULL, NULL),
        (8, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'numberOfAwakenings', 'Number of awakenings', NULL, NULL, NULL, t.waso_count, NULL),
        (9, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'sleepEfficiencyPercentage', 'Sleep efficiency percentage', trim_scale(t.sleep_ratio * 100), '%', '%', NULL, NULL),
        (10, 'http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes', 'isMainSleep', 'Is main sleep', NULL, NULL, NULL, NULL, n.is_main_sleep),
        (11, 'urn:nightpost:asleep:stat', 'sleep_efficiency', 'Time asleep over time in bed', t.sleep_efficiency, '1', '1', NULL, NULL),
        (12, 'urn:nightpost:asleep:stat', 'sleep_index', 'Sleep index of Asleep, 0 to 100', NULL, NULL, NULL, t.sleep_index, NULL),
        (13, 'urn:nightpost:asleep:stat', 'time_in_bed', 'Time in bed', t.time_in_bed, 's', 's', NULL, NULL),
        (14, 'urn:nightpost:asleep:stat', 'deep_latency', 'Time from falling asleep to deep sleep', t.deep_latency, 's', 's', NULL, NULL),
        (15, 'urn:nightpost:asleep:stat', 'rem_latency', 'Time from falling asleep to REM sleep', t.rem_latency, 's', 's', NULL, NULL),
        (16, 'urn:nightpost:asleep:stat', 'longest_waso', 'Longest awakening after sleep onset', t.longest_waso, 's', 's', NULL, NULL),
        (17, 'urn:nightpost:asleep:stat', 'time_in_snoring', 'Time with snoring', t.time_in_snoring, 's', 's', NULL, NULL),
        (18, 'urn:nightpost:asleep:stat', 'time_in_unstable_breath', 'Time of unstable breathing', t.time_in_unstable_breath, 's', 's', NULL, NULL),
        (19, 'urn:nightpost:asleep:stat', 'snoring_count', 'Spells of snoring', NULL, NULL, NULL, t.snoring_count, NULL),
        (20, 'urn:nightpost:asleep:stat', 'unstable_breath_count', 'Spells of unstable breathing', NULL, NULL, NULL, t.unstable_breath_count, NULL),
        (21, 'urn:nightpost:asleep:stat', 'sleep_cycle_count', 'Number of sleep cycles', NULL, NULL, NULL, t.sleep_cycle_count, NULL),
        (22, 'urn:nightpost:asleep:session', 'missing_data_ratio', 'Share of the session without usable audio', n.missing_data_ratio, '1', '1', NULL, NULL)
        ) AS c (position, system, code, display, quantity, unit, unit_code, whole, truth)
        WHERE num_nonnulls(c.quantity, c.whole, c.truth) > 0
      ) AS value
    WHERE n.wake_time >= n.sleep_time
    UNION ALL
    SELECT 'http://loinc.org', d.codings #>> '{0,code}', d.codings, d.codings #>> '{0,display}', n.start_time, n.end_time, n.local_bed_time, n.local_end_time,
      jsonb_build_object('valueQuantity', jsonb_build_object(
        'value', d.seconds, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's'
      ))
    FROM (VALUES
      ('[{"system": "http://loinc.org", "code": "93832-4", "display": "Sleep duration"},
        {"system": "urn:nightpost:asleep:stat", "code": "time_in_sleep"}]'::jsonb, t.time_in_sleep),
      ('[{"system": "http://loinc.org", "code": "93830-8", "display": "Light sleep duration"},
        {"system": "urn:nightpost:asleep:stat", "code": "time_in_light"}]'::jsonb, t.time_in_light),
      ('[{"system": "http://loinc.org", "code": "93831-6", "display": "Deep sleep duration"},
        {"system": "urn:nightpost:asleep:stat", "code": "time_in_deep"}]'::jsonb, t.time_in_deep),
      ('[{"system": "http://loinc.org", "code": "93829-0", "display": "REM sleep duration"},
        {"system": "urn:nightpost:asleep:stat", "code": "time_in_rem"}]'::jsonb, t.time_in_rem)
    ) AS d (codings, seconds)
    WHERE d.seconds IS NOT NULL AND n.start_time IS NOT NULL
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
CREATE VIEW "open_mhealth_sleep_episodes" AS
SELECT user_id, session_id, id, sleep_date, start_time, end_time, received_at, delivery_id,
  jsonb_build_object(
    'header', jsonb_build_object(
      'uuid', id,
      'schema_id', jsonb_build_object('namespace', 'ieee', 'name', 'sleep-episode', 'version', '1.0'),
      'source_creation_date_time', iso_instant(received_at, 0),
      'modality', 'sensed'
    ),
    'body', jsonb_strip_nulls(jsonb_build_object(
      'effective_time_frame', jsonb_build_object('time_interval', jsonb_build_object(
        'start_date_time', iso_instant(start_time, start_offset), 'end_date_time', iso_instant(end_time, end_offset)
      )),
      'latency_to_sleep_onset', CASE WHEN sleep_latency IS NOT NULL THEN jsonb_build_object('value', sleep_latency, 'unit', 'sec') END,
      'latency_to_arising', CASE WHEN wakeup_latency IS NOT NULL THEN jsonb_build_object('value', wakeup_latency, 'unit', 'sec') END,
      'total_sleep_time', CASE WHEN time_in_sleep IS NOT NULL THEN jsonb_build_object('value', time_in_sleep, 'unit', 'sec') END,
      'light_sleep_duration', CASE WHEN time_in_light IS NOT NULL THEN jsonb_build_object('value', time_in_light, 'unit', 'sec') END,
      'deep_sleep_duration', CASE WHEN time_in_deep IS NOT NULL THEN jsonb_build_object('value', time_in_deep, 'unit', 'sec') END,
      'rem_sleep_duration', CASE WHEN time_in_rem IS NOT NULL THEN jsonb_build_object('value', time_in_rem, 'unit', 'sec') END,
      'wake_after_sleep_onset', CASE WHEN time_in_wake IS NOT NULL THEN jsonb_build_object('value', time_in_wake, 'unit', 'sec') END,
      'number_of_awakenings', waso_count,
      'is_main_sleep', is_main_sleep,
      'sleep_efficiency_percentage', CASE WHEN sleep_ratio IS NOT NULL THEN
        jsonb_build_object('value', trim_scale(sleep_ratio * 100), 'unit', '%') END
    ))
  ) AS document
FROM (
  SELECT n.user_id, n.session_id, n.sleep_date, n.sleep_time AS start_time, n.wake_time AS end_time, n.is_main_sleep,
    t.sleep_latency, t.wakeup_latency, t.time_in_sleep, t.time_in_light, t.time_in_deep, t.time_in_rem, t.time_in_wake,
    t.waso_count, t.sleep_ratio, n.received_at, n.delivery_id,
    -- The standard asks for another UUID when a night is analysed again.
    name_uuid(jsonb_build_array('asleep', n.user_id, n.session_id, n.delivery_id)::text) AS id,
    extract(epoch FROM n.local_sleep_time - n.sleep_time AT TIME ZONE 'UTC')::integer / 60 AS start_offset,
    extract(epoch FROM n.local_wake_time - n.wake_time AT TIME ZONE 'UTC')::integer / 60 AS end_offset
  FROM sleep_nights AS n
  JOIN sleep_stats AS t ON t.user_id = n.user_id AND t.session_id = n.session_id
  WHERE n.state = 'COMPLETE' AND n.wake_time >= n.sleep_time
) AS nights;
--> statement-breakpoint
CREATE VIEW "sleep_session_peculiarities" AS
SELECT s.user_id, s.session_id, (p.position - 1)::integer AS position, p.peculiarity, s.delivery_id, s.received_at
FROM sleep_sessions AS s
CROSS JOIN LATERAL unnest(s.peculiarities) WITH ORDINALITY AS p (peculiarity, position);
--> statement-breakpoint
CREATE VIEW "score_data_sources" AS
SELECT s.profile_id, s.id AS score_id, (d.position - 1)::integer AS position, d.data_source, s.delivery_id, s.received_at
FROM scores AS s
CROSS JOIN LATERAL unnest(s.data_sources) WITH ORDINALITY AS d (data_source, position);
--> statement-breakpoint
COMMENT ON VIEW "fhir_loinc_codes" IS 'Which biomarkers have a LOINC code in fhir_observations. All others have the local code urn:nightpost:sahha:biomarker.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."type" IS 'biomarkers.type.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."sent_unit" IS 'biomarkers.unit, as Sahha sends it. A value in another unit has the local code.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."periodicities" IS 'The periodicities for which the code is right; NULL where it is right for all. none stands for NULL too.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."aggregations" IS 'The aggregations for which the code is right. none stands for NULL too.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."code" IS 'LOINC code.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."display" IS 'Long common name of the LOINC code.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."unit" IS 'The unit as text.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."unit_code" IS 'The same unit in UCUM.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."category" IS 'Code of http://terminology.hl7.org/CodeSystem/observation-category.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_loinc_codes"."source" IS 'The publication in which the code was checked.';
--> statement-breakpoint
COMMENT ON VIEW "fhir_observations" IS 'HL7 FHIR R4 Observations: of each session of Asleep a sleep episode and the durations of sleep and its stages, each biomarker and each score of Sahha. A value that is NULL, or has no time, has no row. docs/connect.md explains the codes.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."owner" IS 'Asleep user_id or Sahha profile_id.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."vendor" IS 'asleep or sahha.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."external_id" IS 'Sahha externalId: your own identifier of the user; NULL for Asleep.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."id" IS 'The id of the resource: a UUID that is the same whenever the record is the same, also after a revision.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."status" IS 'final, or preliminary: of a session that is not COMPLETE, and of a total whose period had not ended when Sahha made it.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."code_system" IS 'System of code: http://loinc.org, http://hl7.org/fhir/uv/phr/CodeSystem/observation-pghd-codes, or a local urn:nightpost:….';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."code" IS 'The first code of the resource: a LOINC code, sleepEpisode, or the type as Sahha names it.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."local_date" IS 'The user''s day: the day of waking for sleep, the day of a score, the day of the middle of a biomarker''s period.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."effective_start" IS 'Start of the effective period, or the effective instant.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."effective_end" IS 'End of the effective period; NULL where there is only an instant, also where an end before the start was sent.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "fhir_observations"."resource" IS 'The Observation.';
--> statement-breakpoint
COMMENT ON VIEW "open_mhealth_sleep_episodes" IS 'Open mHealth: one data point of IEEE 1752.1, schema sleep-episode 1.0, per session of Asleep that is COMPLETE and in which the user slept, naps included.';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."user_id" IS 'Asleep user id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."session_id" IS 'Asleep session id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."id" IS 'The UUID in the header. It changes when the session is delivered again, as the standard asks.';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."sleep_date" IS 'Local date of waking, as in sleep_nights.';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."start_time" IS 'Start of the time frame: when the user fell asleep.';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."end_time" IS 'End of the time frame: when the user finally woke.';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."received_at" IS 'When Nightpost received that delivery. The header has it as source_creation_date_time, because Asleep sends no time of the analysis.';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "open_mhealth_sleep_episodes"."document" IS 'The data point: header and body.';
--> statement-breakpoint
COMMENT ON VIEW "sleep_session_peculiarities" IS 'sleep_sessions.peculiarities, one row per label.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_session_peculiarities"."user_id" IS 'Asleep user id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_session_peculiarities"."session_id" IS 'Asleep session id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_session_peculiarities"."position" IS 'Position in the array, counted from 0.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_session_peculiarities"."peculiarity" IS 'A label that limits the analysis, for example NEVER_SLEPT.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_session_peculiarities"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_session_peculiarities"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON VIEW "score_data_sources" IS 'scores.data_sources, one row per source.';
--> statement-breakpoint
COMMENT ON COLUMN "score_data_sources"."profile_id" IS 'Sahha profile id (profileId); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "score_data_sources"."score_id" IS 'The score (scores.id).';
--> statement-breakpoint
COMMENT ON COLUMN "score_data_sources"."position" IS 'Position in the array, counted from 0.';
--> statement-breakpoint
COMMENT ON COLUMN "score_data_sources"."data_source" IS 'What the score was computed from, for example sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "score_data_sources"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "score_data_sources"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
CREATE OR REPLACE FUNCTION "grant_nightpost_reader"() RETURNS boolean LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nightpost_reader') THEN
    RETURN false;
  END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO nightpost_reader', current_schema());
  GRANT SELECT ON
    sleep_sessions, sleep_stats, sleep_stage_series, sleep_stage_windows,
    scores, score_factors, biomarkers, archetypes, data_logs, owners, person_links,
    time_zones, sleep_provisional_slices, sleep_epochs, sleep_stage_intervals, sleep_nights_base, sleep_nights,
    latest_scores, latest_score_factors, daily_biomarkers, data_log_samples, delivery_log, people, user_days,
    fhir_loinc_codes, fhir_observations, open_mhealth_sleep_episodes, sleep_session_peculiarities, score_data_sources
  TO nightpost_reader;
  GRANT EXECUTE ON FUNCTION nightpost_person, nightpost_changes(text, integer), nightpost_changes_now() TO nightpost_reader;
  RETURN true;
END $$;
--> statement-breakpoint
SELECT grant_nightpost_reader();

CREATE TABLE "owners" (
	"owner" text NOT NULL,
	"vendor" text NOT NULL,
	"user_id" text NOT NULL,
	"person_id" text NOT NULL,
	"first_received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "owners_owner_vendor_pk" PRIMARY KEY("owner","vendor")
);
--> statement-breakpoint
CREATE TABLE "person_links" (
	"owner" text NOT NULL,
	"vendor" text NOT NULL,
	"person_id" text NOT NULL,
	"linked_at" timestamp with time zone NOT NULL,
	CONSTRAINT "person_links_owner_vendor_pk" PRIMARY KEY("owner","vendor")
);
--> statement-breakpoint
CREATE INDEX "owners_person_idx" ON "owners" USING hash ("person_id");
--> statement-breakpoint
-- Otherwise Postgres looks up one person with parallel workers, whose start takes longer than the query. Queries over all persons
-- have other tables to divide among workers.
ALTER TABLE "owners" SET (parallel_workers = 0);
--> statement-breakpoint
ALTER TABLE "sleep_sessions" ADD COLUMN "sleep_date" date;
--> statement-breakpoint
-- On a database with rows online steps build the indexes, and record the owners and sleep dates of earlier rows.
DO $$
BEGIN
  IF current_setting('nightpost.is_new', true) = 'on' THEN
    CREATE INDEX "sleep_sessions_sleep_date_idx" ON "sleep_sessions" USING btree ("sleep_date","user_id");
    CREATE INDEX "scores_local_date_idx" ON "scores" USING btree ("local_date","profile_id");
    CREATE INDEX "biomarkers_day_idx" ON "biomarkers" USING btree ((((start_date_time at time zone 'UTC') + coalesce(end_date_time - start_date_time, '0') / 2 + coalesce(utc_offset_minutes, 0) * interval '1 minute')::date),"profile_id") WHERE periodicity = 'daily';
    CREATE INDEX "biomarkers_profile_day_idx" ON "biomarkers" USING btree ("profile_id",(((start_date_time at time zone 'UTC') + coalesce(end_date_time - start_date_time, '0') / 2 + coalesce(utc_offset_minutes, 0) * interval '1 minute')::date)) WHERE periodicity = 'daily';
    INSERT INTO upkeep_tasks (task, finished_at) VALUES ('people', now());
  END IF;
END $$;
--> statement-breakpoint
-- Postgres does not use the statistics of a partial index to estimate how many biomarkers a day has.
CREATE STATISTICS "biomarkers_day_stats" ON (((start_date_time at time zone 'UTC') + coalesce(end_date_time - start_date_time, '0') / 2 + coalesce(utc_offset_minutes, 0) * interval '1 minute')::date) FROM "biomarkers";
--> statement-breakpoint
-- A role that may write the ledger writes the owners in the same statement.
DO $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = 'deliveries'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON owners, person_links TO %s', grantee);
  END LOOP;
END $$;
--> statement-breakpoint
-- What sleep_nights and user_days are made of: sessions with their statistics in seconds, in local time. It has no window, so
-- that a join on the user or the day reaches the tables.
CREATE VIEW "sleep_nights_base" AS
SELECT night.*,
  extract(isodow FROM sleep_date)::smallint AS local_weekday,
  extract(epoch FROM local_bed_time - sleep_date) / 60.0::double precision AS bed_minutes,
  extract(epoch FROM local_wake_time - sleep_date) / 60.0::double precision AS wake_minutes,
  extract(epoch FROM local_midpoint - sleep_date) / 60.0::double precision AS midpoint_minutes,
  coalesce(time_in_sleep > 0, false) AS has_slept,
  coalesce(time_in_sleep < 10800 AND local_midpoint::time >= time '09:00' AND local_midpoint::time < time '21:00', false)
    AS is_short_by_day
FROM (
  SELECT s.user_id, s.session_id,
    (coalesce(t.wake_time, s.end_time, s.unexpected_end_time) AT TIME ZONE zone.name)::date AS sleep_date,
    s.sleep_date AS indexed_sleep_date,
    zone.name AS time_zone,
    coalesce(created.name, sent.name) IS NOT NULL AS time_zone_known,
    s.start_time AT TIME ZONE zone.name AS local_bed_time,
    t.sleep_time AT TIME ZONE zone.name AS local_sleep_time,
    (t.sleep_time + (t.wake_time - t.sleep_time) / 2) AT TIME ZONE zone.name AS local_midpoint,
    t.wake_time AT TIME ZONE zone.name AS local_wake_time,
    coalesce(s.end_time, s.unexpected_end_time) AT TIME ZONE zone.name AS local_end_time,
    s.start_time, t.sleep_time, t.wake_time,
    coalesce(s.end_time, s.unexpected_end_time) AS end_time,
    t.time_in_bed, t.time_in_sleep_period, t.time_in_sleep, t.time_in_light, t.time_in_deep, t.time_in_rem, t.time_in_wake,
    t.waso_count, t.longest_waso, t.sleep_latency, t.light_latency, t.deep_latency, t.rem_latency, t.wakeup_latency,
    t.sleep_efficiency, t.sleep_index, t.sleep_cycle_count, t.sleep_cycle, t.time_in_snoring, t.snoring_count,
    t.time_in_unstable_breath, t.unstable_breath_count, t.breathing_index,
    s.state, s.peculiarities, s.validity, s.missing_data_ratio,
    t.user_id IS NOT NULL AS has_stats,
    s.delivery_id, s.received_at
  FROM sleep_sessions AS s
  LEFT JOIN sleep_stats AS t ON t.user_id = s.user_id AND t.session_id = s.session_id
  LEFT JOIN time_zones AS created ON created.name = s.created_timezone
  LEFT JOIN time_zones AS sent ON sent.name = s.timezone
  CROSS JOIN LATERAL (SELECT coalesce(created.name, sent.name, 'UTC') AS name) AS zone
) AS night;
--> statement-breakpoint
CREATE OR REPLACE VIEW "sleep_nights" AS
SELECT user_id, session_id, sleep_date, time_zone, time_zone_known, local_bed_time, local_sleep_time, local_wake_time,
  local_end_time, start_time, sleep_time, wake_time, end_time,
  round(time_in_bed / 60.0, 2) AS in_bed_minutes,
  round(time_in_sleep_period / 60.0, 2) AS sleep_period_minutes,
  round(time_in_sleep / 60.0, 2) AS asleep_minutes,
  round(time_in_light / 60.0, 2) AS light_minutes,
  round(time_in_deep / 60.0, 2) AS deep_minutes,
  round(time_in_rem / 60.0, 2) AS rem_minutes,
  round(time_in_wake / 60.0, 2) AS waso_minutes,
  waso_count,
  round(longest_waso / 60.0, 2) AS longest_waso_minutes,
  round(sleep_latency / 60.0, 2) AS sleep_latency_minutes,
  round(light_latency / 60.0, 2) AS light_latency_minutes,
  round(deep_latency / 60.0, 2) AS deep_latency_minutes,
  round(rem_latency / 60.0, 2) AS rem_latency_minutes,
  round(wakeup_latency / 60.0, 2) AS wakeup_latency_minutes,
  sleep_efficiency, sleep_index,
  sleep_cycle_count,
  round(sleep_cycle / 60.0, 2) AS sleep_cycle_minutes,
  round(time_in_snoring / 60.0, 2) AS snoring_minutes,
  snoring_count,
  round(time_in_unstable_breath / 60.0, 2) AS unstable_breath_minutes,
  unstable_breath_count, breathing_index,
  state, peculiarities, validity, missing_data_ratio, has_stats, delivery_id, received_at,
  local_weekday, bed_minutes, wake_minutes, midpoint_minutes,
  has_slept AND NOT is_short_by_day AND rank = 1 AS is_main_sleep,
  has_slept AND (is_short_by_day OR rank > 1) AS is_nap
FROM (
  SELECT b.*,
    row_number() OVER (
      PARTITION BY user_id, sleep_date
      ORDER BY has_slept AND NOT is_short_by_day DESC, time_in_sleep DESC NULLS LAST, start_time, session_id
    ) AS rank
  FROM sleep_nights_base AS b
) AS ranked;
--> statement-breakpoint
-- The day is an expression of an index, which does not depend on the session's time zone.
CREATE OR REPLACE VIEW "daily_biomarkers" AS
SELECT DISTINCT ON (b.profile_id, b.type, b.aggregation, day.local_date)
  b.profile_id, day.local_date, b.type, b.aggregation, b.value_number, b.value, b.unit, b.value_type, b.category, b.periodicity,
  b.external_id, b.start_date_time, b.end_date_time, b.utc_offset_minutes, b.id AS biomarker_id, b.created_at_utc, b.version,
  b.delivery_id, b.received_at
FROM biomarkers AS b
CROSS JOIN LATERAL (
  SELECT ((b.start_date_time AT TIME ZONE 'UTC') + coalesce(b.end_date_time - b.start_date_time, '0') / 2
    + coalesce(b.utc_offset_minutes, 0) * interval '1 minute')::date AS local_date
) AS day
WHERE b.start_date_time IS NOT NULL AND (b.periodicity IS NULL OR b.periodicity IN ('daily', 'none'))
ORDER BY b.profile_id, b.type, b.aggregation, day.local_date, b.created_at_utc DESC NULLS LAST, b.version DESC NULLS LAST,
  b.received_at DESC, b.delivery_id DESC, b.id;
--> statement-breakpoint
-- Equal ids are one person, unless a link says otherwise.
CREATE VIEW "people" AS
SELECT o.person_id, o.vendor, o.owner, o.user_id,
  EXISTS (SELECT FROM person_links AS l WHERE l.owner = o.owner AND l.vendor = o.vendor) AS is_linked,
  o.first_received_at
FROM owners AS o;
--> statement-breakpoint
-- One row per person and local day. Each part joins people below its own grouping, so that a predicate on the person or on the
-- day reaches an index of each table. Scores and biomarkers are grouped by profile, in the order of the indexes, and the array
-- with the newest revision is the greatest: that needs no sort.
CREATE VIEW "user_days" AS
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
      coalesce(extract(epoch FROM s.created_at_utc)::float8, '-infinity'), coalesce(s.version::float8, '-infinity'),
      extract(epoch FROM s.received_at)::float8, s.score::float8
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
      coalesce(extract(epoch FROM b.created_at_utc)::float8, '-infinity'), coalesce(b.version::float8, '-infinity'),
      extract(epoch FROM b.received_at)::float8, b.value_number::float8
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
    latest_scores, latest_score_factors, daily_biomarkers, data_log_samples, delivery_log, people, user_days
  TO nightpost_reader;
  GRANT EXECUTE ON FUNCTION nightpost_person, nightpost_changes(text, integer), nightpost_changes_now() TO nightpost_reader;
  RETURN true;
END $$;
--> statement-breakpoint
SELECT grant_nightpost_reader();
--> statement-breakpoint
COMMENT ON VIEW "sleep_nights_base" IS 'What sleep_nights and user_days are made of. Read sleep_nights, which has minutes, and says which sleep is the main one.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."user_id" IS 'Asleep user id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."session_id" IS 'Asleep session id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."sleep_date" IS 'Local date of waking: of wake_time, or else of end_time; NULL while neither is known. A night belongs to the day that it ends on.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_zone" IS 'The zone of all local_ columns: created_timezone, or else timezone; UTC where neither is an IANA name that the server knows.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_zone_known" IS 'false: no usable time zone name was sent, and the local_ columns are UTC.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."local_bed_time" IS 'Start of the recording, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."local_sleep_time" IS 'When the user fell asleep, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."local_wake_time" IS 'When the user finally woke, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."local_end_time" IS 'End of the recording, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."start_time" IS 'Start of the recording, and of epoch 0.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."sleep_time" IS 'When the user fell asleep (sleep_stats.sleep_time).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."wake_time" IS 'When the user finally woke (sleep_stats.wake_time).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."end_time" IS 'End of the recording: end_time, or else unexpected_end_time.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."waso_count" IS 'Awakenings after sleep onset.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."sleep_efficiency" IS 'Time asleep over time in bed, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."sleep_index" IS 'Overall sleep index of the vendor, 0 to 100.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."sleep_cycle_count" IS 'Number of sleep cycles.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."snoring_count" IS 'Spells of snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."unstable_breath_count" IS 'Spells of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."breathing_index" IS 'Index of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."state" IS 'session.state: OPEN, CLOSED, COMPLETE, or a later addition.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."peculiarities" IS 'Labels that limit the analysis (NEVER_SLEPT, NO_BREATHING_STABILITY, …).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."validity" IS 'VALID, IN_PROGRESS or INVALID: …; sent by older versions in place of peculiarities.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."missing_data_ratio" IS 'Share of the session without usable audio, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."has_stats" IS 'Whether the vendor sent statistics; where not, every minute is NULL.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."local_weekday" IS 'Day of the week of sleep_date: 1 Monday to 7 Sunday.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."bed_minutes" IS 'Minutes from midnight of sleep_date to the start of the recording, in local time; negative before midnight, so that a mean works across midnight.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."wake_minutes" IS 'Minutes from midnight of sleep_date to the final waking, in local time.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."midpoint_minutes" IS 'Minutes from midnight of sleep_date to the middle between falling asleep and the final waking, in local time; negative before midnight.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."local_midpoint" IS 'The middle between falling asleep and the final waking, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_bed" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_sleep_period" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_sleep" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_light" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_deep" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_rem" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_wake" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."longest_waso" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."sleep_latency" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."light_latency" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."deep_latency" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."rem_latency" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."wakeup_latency" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."sleep_cycle" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_snoring" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."time_in_unstable_breath" IS 'As in sleep_stats, in seconds.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."indexed_sleep_date" IS 'The same day as stored in sleep_sessions, which has an index; NULL for a session that version 0.1.0 stored, until the online step of the upgrade has filled it in.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."has_slept" IS 'Whether the user slept at all.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights_base"."is_short_by_day" IS 'Whether it is a sleep of less than 3 hours with its middle between 09:00 and 21:00.';
--> statement-breakpoint
COMMENT ON VIEW "people" IS 'Who is who: one row per owner of a vendor, with the person to whom the owner belongs. An Asleep user_id and a Sahha externalId that are equal are one person, unless nightpost link says otherwise.';
--> statement-breakpoint
COMMENT ON COLUMN "people"."person_id" IS 'The person: the linked one, or else user_id, or else the owner (an anonymous Sahha profile).';
--> statement-breakpoint
COMMENT ON COLUMN "people"."vendor" IS 'asleep or sahha.';
--> statement-breakpoint
COMMENT ON COLUMN "people"."owner" IS 'Asleep user_id, Sahha profileId: as deliveries.owner.';
--> statement-breakpoint
COMMENT ON COLUMN "people"."user_id" IS 'Asleep user_id, Sahha externalId; '''' if the vendor named none.';
--> statement-breakpoint
COMMENT ON COLUMN "people"."is_linked" IS 'Whether nightpost link set person_id.';
--> statement-breakpoint
COMMENT ON COLUMN "people"."first_received_at" IS 'When the first delivery arrived that named user_id.';
--> statement-breakpoint
COMMENT ON VIEW "user_days" IS 'One row per person and local day, over both vendors: the main sleep that ended on the day, naps, scores, and the common biomarkers. Numbers are double precision. NULL means that nothing was sent, never 0.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."person_id" IS 'The person (people.person_id).';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."local_date" IS 'The person''s day. A sleep belongs to the day of waking.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."local_weekday" IS 'Day of the week: 1 Monday to 7 Sunday.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."user_id" IS 'Asleep user id of the main sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."session_id" IS 'Session of the main sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."time_zone" IS 'Zone of the local_ columns.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."local_bed_time" IS 'Start of the recording of the main sleep, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."local_sleep_time" IS 'When the person fell asleep, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."local_wake_time" IS 'When the person finally woke, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."local_end_time" IS 'End of the recording, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."bed_minutes" IS 'Minutes from midnight of local_date to the start of the recording, in local time; negative before midnight, so that a mean works across midnight.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."wake_minutes" IS 'Minutes from midnight of local_date to the final waking, in local time.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."midpoint_minutes" IS 'Minutes from midnight of local_date to the middle between falling asleep and the final waking, in local time.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."in_bed_minutes" IS 'Minutes from start to end of the main sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."sleep_period_minutes" IS 'Minutes from falling asleep to the final waking.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."asleep_minutes" IS 'Minutes asleep in the main sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."light_minutes" IS 'Minutes in light sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."deep_minutes" IS 'Minutes in deep sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."rem_minutes" IS 'Minutes in REM sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."waso_minutes" IS 'Wake after sleep onset in minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."waso_count" IS 'Awakenings after sleep onset.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."longest_waso_minutes" IS 'Minutes of the longest awakening after sleep onset.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."sleep_latency_minutes" IS 'Minutes from the start to falling asleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."deep_latency_minutes" IS 'Minutes from falling asleep to deep sleep; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."rem_latency_minutes" IS 'Minutes from falling asleep to REM sleep; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."sleep_efficiency" IS 'Time asleep over time in bed, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."sleep_index" IS 'Overall sleep index of the vendor, 0 to 100.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."sleep_cycle_count" IS 'Number of sleep cycles.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."snoring_minutes" IS 'Minutes with snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."snoring_count" IS 'Spells of snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."unstable_breath_minutes" IS 'Minutes of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."breathing_index" IS 'Index of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."missing_data_ratio" IS 'Share of the main sleep without usable audio, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."nap_count" IS 'Sleeps of the day beside the main sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."nap_minutes" IS 'Minutes asleep in them; NULL if there is none.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."session_count" IS 'Sessions of the day, also those in which the person never slept.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."is_provisional" IS 'Whether the session of the main sleep is not COMPLETE yet; NULL without a main sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."received_after_minutes" IS 'Minutes from the end of the main sleep until it was received.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."is_late" IS 'Whether the main sleep was received more than a day after its end.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."profile_id" IS 'Sahha profile of the scores and biomarkers; if the person has several, the greatest of them.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."sleep_score" IS 'Newest Sahha score of type sleep for the day, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."activity_score" IS 'Newest Sahha score of type activity for the day, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."readiness_score" IS 'Newest Sahha score of type readiness for the day, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."wellbeing_score" IS 'Newest Sahha score of type wellbeing for the day, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."mental_wellbeing_score" IS 'Newest Sahha score of type mental_wellbeing for the day, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."steps" IS 'Steps of the day. Sahha biomarker steps, in a unit of count, steps, step; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."floors_climbed" IS 'Floors climbed. Sahha biomarker floors_climbed, in a unit of count, floors, floor; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."active_hours" IS 'Hours with activity. Sahha biomarker active_hours, in a unit of hour, hours, h; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."activity_low_minutes" IS 'Minutes of activity of low intensity. Sahha biomarker activity_low_intensity_duration, in a unit of minute, minutes, min; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."activity_medium_minutes" IS 'Minutes of activity of medium intensity. Sahha biomarker activity_medium_intensity_duration, in a unit of minute, minutes, min; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."activity_high_minutes" IS 'Minutes of activity of high intensity. Sahha biomarker activity_high_intensity_duration, in a unit of minute, minutes, min; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."active_energy_kcal" IS 'Energy burned by activity, in kilocalories. Sahha biomarker active_energy_burned, in a unit of kcal; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."total_energy_kcal" IS 'Energy burned in all, in kilocalories. Sahha biomarker total_energy_burned, in a unit of kcal; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."resting_heart_rate_bpm" IS 'Heart rate at rest, in beats per minute. Sahha biomarker heart_rate_resting, in a unit of bpm; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."sleep_heart_rate_bpm" IS 'Heart rate during sleep, in beats per minute. Sahha biomarker heart_rate_sleep, in a unit of bpm; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."hrv_rmssd_ms" IS 'Heart rate variability as RMSSD, in milliseconds. Sahha biomarker heart_rate_variability_rmssd, in a unit of ms; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."hrv_sdnn_ms" IS 'Heart rate variability as SDNN, in milliseconds. It cant be compared with RMSSD. Sahha biomarker heart_rate_variability_sdnn, in a unit of ms; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."respiratory_rate_bpm" IS 'Breaths per minute. Sahha biomarker respiratory_rate, in a unit of bpm, brpm; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."oxygen_saturation_percent" IS 'Oxygen saturation of the blood, in percent. Sahha biomarker oxygen_saturation, in a unit of percent, %; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."sleep_oxygen_saturation_percent" IS 'Oxygen saturation of the blood during sleep, in percent. Sahha biomarker oxygen_saturation_sleep, in a unit of percent, %; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."vo2_max" IS 'Maximal oxygen uptake, in ml per kg and minute. Sahha biomarker vo2_max, in a unit of ml/kg/min, mL/kg/min; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."weight_kg" IS 'Body weight in kilograms. Sahha biomarker weight, in a unit of kg; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."body_mass_index" IS 'Body mass index, in kg per square metre. Sahha biomarker body_mass_index, in a unit of kg/m2, kg/m^2, count, index; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."systolic_mmhg" IS 'Systolic blood pressure. Sahha biomarker blood_pressure_systolic, in a unit of mmHg; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."diastolic_mmhg" IS 'Diastolic blood pressure. Sahha biomarker blood_pressure_diastolic, in a unit of mmHg; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."device_asleep_minutes" IS 'Minutes asleep according to the devices that Sahha reads. Sahha biomarker sleep_duration, in a unit of minute, minutes, min; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."device_deep_minutes" IS 'Minutes in deep sleep according to the devices that Sahha reads. Sahha biomarker sleep_deep_duration, in a unit of minute, minutes, min; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."device_rem_minutes" IS 'Minutes in REM sleep according to the devices that Sahha reads. Sahha biomarker sleep_rem_duration, in a unit of minute, minutes, min; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."device_in_bed_minutes" IS 'Minutes in bed according to the devices that Sahha reads. Sahha biomarker sleep_in_bed_duration, in a unit of minute, minutes, min; NULL for another unit.';
--> statement-breakpoint
COMMENT ON COLUMN "user_days"."received_at" IS 'When the newest of the rows was received that the day is made of.';
--> statement-breakpoint
COMMENT ON TABLE "owners" IS 'Every owner of whom a delivery was stored, with the user id that the vendor knows the person by. The view people is made of it.';
--> statement-breakpoint
COMMENT ON COLUMN "owners"."owner" IS 'As in deliveries: Asleep user_id or Sahha profileId.';
--> statement-breakpoint
COMMENT ON COLUMN "owners"."vendor" IS 'asleep or sahha.';
--> statement-breakpoint
COMMENT ON COLUMN "owners"."user_id" IS 'The user id that the first delivery named which named one: Asleep user_id, Sahha externalId; '''' if none did.';
--> statement-breakpoint
COMMENT ON COLUMN "owners"."person_id" IS 'The person: the one that person_links has, or else user_id, or else the owner.';
--> statement-breakpoint
COMMENT ON COLUMN "owners"."first_received_at" IS 'When that delivery arrived; if none named a user id, the first.';
--> statement-breakpoint
COMMENT ON TABLE "person_links" IS 'Owners who are linked with a person by hand: nightpost link writes it.';
--> statement-breakpoint
COMMENT ON COLUMN "person_links"."owner" IS 'As in deliveries: Asleep user_id or Sahha profileId.';
--> statement-breakpoint
COMMENT ON COLUMN "person_links"."vendor" IS 'asleep or sahha.';
--> statement-breakpoint
COMMENT ON COLUMN "person_links"."person_id" IS 'The person to whom the owner belongs.';
--> statement-breakpoint
COMMENT ON COLUMN "person_links"."linked_at" IS 'When the link was made.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."local_date" IS 'Calendar date of start_time as it was sent, in its own offset. It is not the day of the night: that is sleep_date.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."sleep_date" IS 'The day of the night: local calendar date of wake_time, or else of end_time or unexpected_end_time, in created_timezone, or else timezone, or else UTC.';
--> statement-breakpoint
COMMENT ON COLUMN "upkeep_tasks"."task" IS 'pack: bodies are packed by owner. activity: event_activity is written. empty: no body of a stored delivery is in its entry. archive: nothing is dropped for its age without an archive. people: owners and sleep_sessions.sleep_date have all that earlier versions stored.';

-- The views that people query. Three rules keep them fast with millions of nights:
-- every window, group and DISTINCT ON begins with the owner (user_id or profile_id), so that a predicate on the owner
-- reaches the primary key through the view; whatever unfolds an array does so LATERAL, one session at a time; and
-- whatever is joined only for one column is joined by a unique key, so that the planner drops it where nobody asks.

CREATE MATERIALIZED VIEW "time_zones" AS
SELECT DISTINCT name
FROM pg_timezone_names
WHERE (name ~ '[/a-z]' OR name IN ('UTC', 'GMT'))
  AND name !~ '^(posix|right)/'
  AND name NOT IN ('localtime', 'posixrules', 'Factory');
--> statement-breakpoint
CREATE UNIQUE INDEX "time_zones_name_idx" ON "time_zones" USING btree ("name");
--> statement-breakpoint
ANALYZE "time_zones";
--> statement-breakpoint
CREATE VIEW "sleep_provisional_slices" AS
SELECT user_id, session_id, series, inference_seq_num,
  greatest(first_epoch, 0) AS first_epoch,
  -- Later windows end later, so what they cover of this one is its end, from where the earliest of them starts.
  stages[greatest(1 - first_epoch, 1)::integer : least(later_first_epoch - first_epoch, cardinality(stages))::integer] AS stages
FROM (
  SELECT w.user_id, w.session_id, w.series, w.inference_seq_num, w.stages, span.first_epoch,
    min(span.first_epoch) OVER (
      PARTITION BY w.user_id, w.session_id, w.series ORDER BY w.inference_seq_num DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS later_first_epoch
  FROM sleep_stage_windows AS w
  CROSS JOIN LATERAL (
    SELECT 10 * (w.inference_seq_num::bigint + 1) - cardinality(w.stages) AS first_epoch
  ) AS span
  WHERE w.inference_seq_num >= 0
    AND NOT EXISTS (
      SELECT FROM sleep_stage_series AS final
      WHERE final.user_id = w.user_id AND final.session_id = w.session_id AND final.series = w.series
    )
    AND NOT EXISTS (
      SELECT FROM sleep_sessions AS complete
      WHERE complete.user_id = w.user_id AND complete.session_id = w.session_id AND complete.state = 'COMPLETE'
    )
) AS positioned;
--> statement-breakpoint
CREATE VIEW "sleep_epochs" AS
SELECT user_id, session_id, series, epoch_index,
  start_time + epoch_index * interval '30 seconds' AS starts_at,
  stage,
  CASE
    WHEN series = 'sleep' THEN
      CASE stage WHEN -1 THEN 'no_data' WHEN 0 THEN 'wake' WHEN 1 THEN 'light' WHEN 2 THEN 'deep' WHEN 3 THEN 'rem' END
    WHEN series = 'snoring' THEN
      CASE stage WHEN -1 THEN 'no_data' WHEN 0 THEN 'no_snoring' WHEN 1 THEN 'snoring' END
  END AS stage_name,
  provisional
FROM (
  SELECT a.user_id, a.session_id, a.series, s.start_time, u.position - 1 AS epoch_index, u.stage, false AS provisional
  FROM sleep_stage_series AS a
  JOIN sleep_sessions AS s ON s.user_id = a.user_id AND s.session_id = a.session_id
  CROSS JOIN LATERAL unnest(a.stages) WITH ORDINALITY AS u (stage, position)
  UNION ALL
  SELECT w.user_id, w.session_id, w.series, s.start_time, w.first_epoch + u.position - 1, u.stage, true
  FROM sleep_provisional_slices AS w
  LEFT JOIN sleep_sessions AS s ON s.user_id = w.user_id AND s.session_id = w.session_id
  CROSS JOIN LATERAL unnest(w.stages) WITH ORDINALITY AS u (stage, position)
) AS epochs;
--> statement-breakpoint
CREATE VIEW "sleep_stage_intervals" AS
SELECT user_id, session_id, series, first_epoch, epochs,
  start_time + first_epoch * interval '30 seconds' AS starts_at,
  start_time + (first_epoch + epochs) * interval '30 seconds' AS ends_at,
  epochs * 30 AS duration_seconds,
  stage,
  CASE
    WHEN series = 'sleep' THEN
      CASE stage WHEN -1 THEN 'no_data' WHEN 0 THEN 'wake' WHEN 1 THEN 'light' WHEN 2 THEN 'deep' WHEN 3 THEN 'rem' END
    WHEN series = 'snoring' THEN
      CASE stage WHEN -1 THEN 'no_data' WHEN 0 THEN 'no_snoring' WHEN 1 THEN 'snoring' END
  END AS stage_name,
  provisional
FROM (
  SELECT a.user_id, a.session_id, a.series, s.start_time, run.first_epoch, run.epochs, run.stage, false AS provisional
  FROM sleep_stage_series AS a
  JOIN sleep_sessions AS s ON s.user_id = a.user_id AND s.session_id = a.session_id
  CROSS JOIN LATERAL (
    SELECT position - 1 AS first_epoch,
      lead(position, 1, cardinality(a.stages)::bigint + 1) OVER (ORDER BY position) - position AS epochs,
      stage
    FROM (
      SELECT u.position, u.stage, lag(u.stage) OVER (ORDER BY u.position) AS stage_before
      FROM unnest(a.stages) WITH ORDINALITY AS u (stage, position)
    ) AS compared
    WHERE stage IS DISTINCT FROM stage_before
  ) AS run
  UNION ALL
  SELECT p.user_id, p.session_id, p.series, s.start_time, run.first_epoch, run.epochs, run.stage, true
  FROM (
    SELECT w.user_id, w.session_id, w.series,
      array_agg(w.first_epoch + u.position - 1 ORDER BY w.inference_seq_num, u.position) AS indexes,
      array_agg(u.stage ORDER BY w.inference_seq_num, u.position) AS stages
    FROM sleep_provisional_slices AS w
    CROSS JOIN LATERAL unnest(w.stages) WITH ORDINALITY AS u (stage, position)
    GROUP BY w.user_id, w.session_id, w.series
  ) AS p
  LEFT JOIN sleep_sessions AS s ON s.user_id = p.user_id AND s.session_id = p.session_id
  CROSS JOIN LATERAL (
    SELECT epoch_index AS first_epoch,
      lead(position, 1, cardinality(p.stages)::bigint + 1) OVER (ORDER BY position) - position AS epochs,
      stage
    FROM (
      SELECT u.epoch_index, u.position, u.stage,
        lag(u.stage) OVER before AS stage_before, lag(u.epoch_index) OVER before AS epoch_before
      FROM unnest(p.indexes, p.stages) WITH ORDINALITY AS u (epoch_index, stage, position)
      WINDOW before AS (ORDER BY u.position)
    ) AS compared
    WHERE stage IS DISTINCT FROM stage_before OR epoch_index <> epoch_before + 1
  ) AS run
) AS runs;
--> statement-breakpoint
CREATE VIEW "sleep_nights" AS
SELECT s.user_id, s.session_id,
  (coalesce(t.wake_time, s.end_time, s.unexpected_end_time) AT TIME ZONE zone.name)::date AS sleep_date,
  zone.name AS time_zone,
  coalesce(created.name, sent.name) IS NOT NULL AS time_zone_known,
  s.start_time AT TIME ZONE zone.name AS local_bed_time,
  t.sleep_time AT TIME ZONE zone.name AS local_sleep_time,
  t.wake_time AT TIME ZONE zone.name AS local_wake_time,
  coalesce(s.end_time, s.unexpected_end_time) AT TIME ZONE zone.name AS local_end_time,
  s.start_time, t.sleep_time, t.wake_time,
  coalesce(s.end_time, s.unexpected_end_time) AS end_time,
  round(t.time_in_bed / 60.0, 2) AS in_bed_minutes,
  round(t.time_in_sleep_period / 60.0, 2) AS sleep_period_minutes,
  round(t.time_in_sleep / 60.0, 2) AS asleep_minutes,
  round(t.time_in_light / 60.0, 2) AS light_minutes,
  round(t.time_in_deep / 60.0, 2) AS deep_minutes,
  round(t.time_in_rem / 60.0, 2) AS rem_minutes,
  round(t.time_in_wake / 60.0, 2) AS waso_minutes,
  t.waso_count,
  round(t.longest_waso / 60.0, 2) AS longest_waso_minutes,
  round(t.sleep_latency / 60.0, 2) AS sleep_latency_minutes,
  round(t.light_latency / 60.0, 2) AS light_latency_minutes,
  round(t.deep_latency / 60.0, 2) AS deep_latency_minutes,
  round(t.rem_latency / 60.0, 2) AS rem_latency_minutes,
  round(t.wakeup_latency / 60.0, 2) AS wakeup_latency_minutes,
  t.sleep_efficiency, t.sleep_index,
  t.sleep_cycle_count,
  round(t.sleep_cycle / 60.0, 2) AS sleep_cycle_minutes,
  round(t.time_in_snoring / 60.0, 2) AS snoring_minutes,
  t.snoring_count,
  round(t.time_in_unstable_breath / 60.0, 2) AS unstable_breath_minutes,
  t.unstable_breath_count, t.breathing_index,
  s.state, s.peculiarities, s.validity, s.missing_data_ratio,
  t.user_id IS NOT NULL AS has_stats,
  s.delivery_id, s.received_at
FROM sleep_sessions AS s
LEFT JOIN sleep_stats AS t ON t.user_id = s.user_id AND t.session_id = s.session_id
LEFT JOIN time_zones AS created ON created.name = s.created_timezone
LEFT JOIN time_zones AS sent ON sent.name = s.timezone
CROSS JOIN LATERAL (SELECT coalesce(created.name, sent.name, 'UTC') AS name) AS zone;
--> statement-breakpoint
CREATE VIEW "latest_scores" AS
SELECT DISTINCT ON (profile_id, type)
  profile_id, type, id AS score_id, external_id, score, state, local_date, score_date_time, utc_offset_minutes,
  data_sources, created_at_utc, version, delivery_id, received_at
FROM scores
ORDER BY profile_id, type, score_date_time DESC NULLS LAST, created_at_utc DESC NULLS LAST, version DESC NULLS LAST,
  received_at DESC, delivery_id DESC, id;
--> statement-breakpoint
CREATE VIEW "latest_score_factors" AS
SELECT s.profile_id, s.type, s.score_id, s.external_id, s.local_date, s.score AS type_score,
  f.position, f.name, f.value, f.goal, f.unit, f.score, f.state, f.id AS factor_id, f.delivery_id, f.received_at
FROM latest_scores AS s
JOIN score_factors AS f ON f.profile_id = s.profile_id AND f.score_id = s.score_id;
--> statement-breakpoint
CREATE VIEW "daily_biomarkers" AS
SELECT DISTINCT ON (b.profile_id, b.type, b.aggregation, day.local_date)
  b.profile_id, day.local_date, b.type, b.aggregation, b.value_number, b.value, b.unit, b.value_type, b.category,
  b.periodicity, b.external_id, b.start_date_time, b.end_date_time, b.utc_offset_minutes, b.id AS biomarker_id,
  b.created_at_utc, b.version, b.delivery_id, b.received_at
FROM biomarkers AS b
CROSS JOIN LATERAL (
  -- The middle, because a sleep window runs from 18:00 to 17:59:59 and belongs to the day that it ends on.
  SELECT ((b.start_date_time + coalesce(b.end_date_time - b.start_date_time, interval '0') / 2) AT TIME ZONE 'UTC'
    + coalesce(b.utc_offset_minutes, 0) * interval '1 minute')::date AS local_date
) AS day
WHERE b.start_date_time IS NOT NULL AND (b.periodicity IS NULL OR b.periodicity IN ('daily', 'none'))
ORDER BY b.profile_id, b.type, b.aggregation, day.local_date, b.created_at_utc DESC NULLS LAST,
  b.version DESC NULLS LAST, b.received_at DESC, b.delivery_id DESC, b.id;
--> statement-breakpoint
CREATE VIEW "data_log_samples" AS
SELECT l.profile_id, l.id AS sample_id, l.external_id, l.log_type, l.data_type, l.value, l.unit,
  l.start_date_time, l.end_date_time, l.local_date, l.utc_offset_minutes,
  l.source, l.device_type, l.recording_method, nullif(l.parent_id, '') AS parent_id,
  p.body_position, p.meal_type, p.relation_to_meal, p.specimen_source, p.measurement_location, p.measurement_method,
  p.motion_context,
  CASE lower(p.device_screen_on) WHEN 'true' THEN true WHEN 'false' THEN false END AS device_screen_on,
  CASE WHEN p.total_distance ~ '^[+-]?[0-9]{1,30}(\.[0-9]{0,30})?(e[+-]?[0-9]{1,2})?$'
    THEN p.total_distance::numeric END AS total_distance,
  CASE WHEN p.total_energy_burned ~ '^[+-]?[0-9]{1,30}(\.[0-9]{0,30})?(e[+-]?[0-9]{1,2})?$'
    THEN p.total_energy_burned::numeric END AS total_energy_burned,
  l.additional_properties, l.received_at_utc, l.delivery_id, l.received_at
FROM data_logs AS l
CROSS JOIN LATERAL (
  SELECT
    coalesce(a->>'BodyPosition', a->>'bodyPosition', a->>'body_position') AS body_position,
    coalesce(a->>'MealType', a->>'mealType', a->>'meal_type') AS meal_type,
    coalesce(a->>'RelationToMeal', a->>'relationToMeal', a->>'relation_to_meal') AS relation_to_meal,
    coalesce(a->>'SpecimenSource', a->>'specimenSource', a->>'specimen_source') AS specimen_source,
    coalesce(a->>'MeasurementLocation', a->>'measurementLocation', a->>'measurement_location') AS measurement_location,
    coalesce(a->>'MeasurementMethod', a->>'measurementMethod', a->>'measurement_method') AS measurement_method,
    coalesce(a->>'MotionContext', a->>'motionContext', a->>'motion_context') AS motion_context,
    coalesce(a->>'DeviceScreenOn', a->>'deviceScreenOn', a->>'device_screen_on') AS device_screen_on,
    lower(coalesce(a->>'TotalDistance', a->>'totalDistance', a->>'total_distance')) AS total_distance,
    lower(coalesce(a->>'TotalEnergyBurned', a->>'totalEnergyBurned', a->>'total_energy_burned')) AS total_energy_burned
  FROM (SELECT l.additional_properties AS a) AS properties
) AS p;
--> statement-breakpoint
CREATE VIEW "delivery_log" AS
SELECT delivery_id, owner, vendor, event, user_id, authenticated_by, outcome, problem->>'code' AS problem_code,
  problem, octet_length(body) AS body_bytes, received_at, last_received_at, times_received, normaliser_version
FROM deliveries;
--> statement-breakpoint
COMMENT ON MATERIALIZED VIEW "time_zones" IS 'The IANA time zone names that this server knows. Neither abbreviations such as IST nor POSIX rules such as UTC+9, whose sign is reversed. Refreshed when Nightpost migrates or starts.';
--> statement-breakpoint
COMMENT ON COLUMN "time_zones"."name" IS 'IANA name, for example Europe/Berlin; spelled exactly so.';
--> statement-breakpoint
COMMENT ON VIEW "sleep_provisional_slices" IS 'The part of each inference window that stands, of sessions whose final array has not come: the epochs that no window with a higher inference_seq_num covers. Stitched together they are the night so far; sleep_epochs and sleep_stage_intervals do that.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_provisional_slices"."user_id" IS 'Asleep user id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_provisional_slices"."session_id" IS 'Asleep session id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_provisional_slices"."series" IS 'sleep, breath or snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_provisional_slices"."inference_seq_num" IS 'The window that the slice was cut from.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_provisional_slices"."first_epoch" IS 'Index of the slice''s first 30-second epoch, counted from 0 at the start of the session.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_provisional_slices"."stages" IS 'One value per 30-second epoch; empty where later windows cover all of it.';
--> statement-breakpoint
COMMENT ON VIEW "sleep_epochs" IS 'One row per user, session, series and 30-second epoch. From the final array where SESSION_COMPLETE brought one; from the inference windows, the highest inference_seq_num winning, as long as the session is not COMPLETE.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_epochs"."user_id" IS 'Asleep user id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_epochs"."session_id" IS 'Asleep session id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_epochs"."series" IS 'sleep, breath or snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_epochs"."epoch_index" IS 'Number of the 30-second epoch, counted from 0 at start_time. May run past end_time, where the vendor sent more values; epochs that no window covers are absent.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_epochs"."starts_at" IS 'Start of the epoch: start_time + epoch_index * 30 seconds; NULL where no start_time is known, as before SESSION_COMPLETE.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_epochs"."stage" IS 'The code as it was sent.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_epochs"."stage_name" IS 'sleep: wake, light, deep, rem, no_data; snoring: snoring, no_snoring, no_data; NULL for breath, whose codes the vendor does not document, and for codes added later.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_epochs"."provisional" IS 'false: from the final array of SESSION_COMPLETE; true: from inference windows, still to be replaced.';
--> statement-breakpoint
COMMENT ON VIEW "sleep_stage_intervals" IS 'The hypnogram: one row per run of equal stages in consecutive epochs of sleep_epochs, of a user, session and series.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."user_id" IS 'Asleep user id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."session_id" IS 'Asleep session id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."series" IS 'sleep, breath or snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."first_epoch" IS 'Index of the run''s first 30-second epoch, counted from 0.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."epochs" IS 'Number of 30-second epochs in the run.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."starts_at" IS 'Start of the run; NULL where no start_time is known.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."ends_at" IS 'End of the run, which is the start of the next where no epoch is missing; NULL where no start_time is known.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."duration_seconds" IS 'Length of the run in seconds: epochs * 30.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."stage" IS 'The code as it was sent.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."stage_name" IS 'sleep: wake, light, deep, rem, no_data; snoring: snoring, no_snoring, no_data; NULL for breath, whose codes the vendor does not document, and for codes added later.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_intervals"."provisional" IS 'false: from the final array of SESSION_COMPLETE; true: from inference windows, still to be replaced.';
--> statement-breakpoint
COMMENT ON VIEW "sleep_nights" IS 'One row per session that SESSION_COMPLETE described, naps included, in the local time of the user. Minutes are rounded to two decimals; the exact seconds are in sleep_stats. NULL means not applicable or not analysed, never 0.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."user_id" IS 'Asleep user id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."session_id" IS 'Asleep session id; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."sleep_date" IS 'Local date of waking: of wake_time, or else of end_time; NULL while neither is known. A night belongs to the day that it ends on.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."time_zone" IS 'The zone of all local_ columns: created_timezone, or else timezone; UTC where neither is an IANA name that the server knows.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."time_zone_known" IS 'false: no usable time zone name was sent, and the local_ columns are UTC.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."local_bed_time" IS 'Start of the recording, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."local_sleep_time" IS 'When the user fell asleep, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."local_wake_time" IS 'When the user finally woke, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."local_end_time" IS 'End of the recording, in time_zone; a timestamp without a zone.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."start_time" IS 'Start of the recording, and of epoch 0.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."sleep_time" IS 'When the user fell asleep (sleep_stats.sleep_time).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."wake_time" IS 'When the user finally woke (sleep_stats.wake_time).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."end_time" IS 'End of the recording: end_time, or else unexpected_end_time.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."in_bed_minutes" IS 'Minutes from start to end (sleep_stats.time_in_bed).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."sleep_period_minutes" IS 'Minutes from falling asleep to finally waking (sleep_stats.time_in_sleep_period).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."asleep_minutes" IS 'Minutes asleep (sleep_stats.time_in_sleep).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."light_minutes" IS 'Minutes in light sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."deep_minutes" IS 'Minutes in deep sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."rem_minutes" IS 'Minutes in REM sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."waso_minutes" IS 'Wake after sleep onset in minutes: awake within the sleep period (sleep_stats.time_in_wake).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."waso_count" IS 'Awakenings after sleep onset.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."longest_waso_minutes" IS 'Minutes of the longest awakening after sleep onset.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."sleep_latency_minutes" IS 'Minutes from the start to falling asleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."light_latency_minutes" IS 'Minutes from falling asleep to light sleep; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."deep_latency_minutes" IS 'Minutes from falling asleep to deep sleep; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."rem_latency_minutes" IS 'Minutes from falling asleep to REM sleep; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."wakeup_latency_minutes" IS 'Minutes from finally waking to the end.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."sleep_efficiency" IS 'Time asleep over time in bed, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."sleep_index" IS 'Overall sleep index of the vendor, 0 to 100.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."sleep_cycle_count" IS 'Number of sleep cycles.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."sleep_cycle_minutes" IS 'Mean length of a sleep cycle in minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."snoring_minutes" IS 'Minutes with snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."snoring_count" IS 'Spells of snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."unstable_breath_minutes" IS 'Minutes of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."unstable_breath_count" IS 'Spells of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."breathing_index" IS 'Index of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."state" IS 'session.state: OPEN, CLOSED, COMPLETE, or a later addition.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."peculiarities" IS 'Labels that limit the analysis (NEVER_SLEPT, NO_BREATHING_STABILITY, …).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."validity" IS 'VALID, IN_PROGRESS or INVALID: …; sent by older versions in place of peculiarities.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."missing_data_ratio" IS 'Share of the session without usable audio, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."has_stats" IS 'Whether the vendor sent statistics; where not, every minute is NULL.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON VIEW "latest_scores" IS 'The newest Sahha score of each profile and type: by score_date_time, then by revision.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."profile_id" IS 'Sahha profile id (profileId); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."type" IS 'activity, sleep, readiness, wellbeing, mental_wellbeing, or a later addition.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."score_id" IS 'The score (scores.id).';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."score" IS '0 to 1, where 1 is optimal.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."state" IS 'minimal, low, medium, high.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."local_date" IS 'The user''s day that the score is for.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."score_date_time" IS 'The day that the score is for, as an instant.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."utc_offset_minutes" IS 'UTC offset that scoreDateTime was sent with, in minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."data_sources" IS 'What the score was computed from.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."created_at_utc" IS 'When Sahha made this revision.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."version" IS 'Version of Sahha''s algorithm.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "latest_scores"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON VIEW "latest_score_factors" IS 'The factors of the newest score of each profile and type, one row per factor.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."profile_id" IS 'Sahha profile id (profileId); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."type" IS 'Type of the score that the factor belongs to.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."score_id" IS 'The score (scores.id).';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."local_date" IS 'The user''s day that the score is for.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."type_score" IS 'The score that the factor is part of, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."position" IS 'Position in the score''s factors array, counted from 0.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."name" IS 'For example sleep_duration.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."value" IS 'The measured value, in unit.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."goal" IS 'The target value, in unit.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."unit" IS 'Unit of value and goal.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."score" IS 'The factor''s own score, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."state" IS 'minimal, low, medium, high.';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."factor_id" IS 'The factor''s name or a UUID (score_factors.id).';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "latest_score_factors"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON VIEW "daily_biomarkers" IS 'One value per profile, local day, type and aggregation, the newest revision winning. Of biomarkers whose periodicity is daily, none or absent: a week''s value is no day''s.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."profile_id" IS 'Sahha profile id (profileId); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."local_date" IS 'The user''s day: the local date of the middle of the period. A sleep window from 18:00 to 17:59:59 so counts for the day of waking, as sleep_nights.sleep_date does.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."type" IS 'For example steps, heart_rate_resting, sleep_duration.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."aggregation" IS 'total, average, maximum, minimum, none; NULL where none was sent.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."value_number" IS 'The value as a number, in unit; NULL where the text is no number.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."value" IS 'The value exactly as sent, in unit.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."unit" IS 'Unit of value; differs by platform for one type.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."value_type" IS 'integer, float, boolean, string, double, datetime.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."category" IS 'activity, sleep, body, vitals, engagement, or a later addition.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."periodicity" IS 'daily, none or NULL.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."start_date_time" IS 'Start of the period.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."end_date_time" IS 'End of the period.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."utc_offset_minutes" IS 'UTC offset that startDateTime was sent with, in minutes; NULL, taken as 0, where it had none.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."biomarker_id" IS 'The biomarker (biomarkers.id).';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."created_at_utc" IS 'When Sahha made this revision.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."version" IS 'Version of Sahha''s algorithm.';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "daily_biomarkers"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON VIEW "data_log_samples" IS 'One row per device sample, with the additional properties that Sahha documents as typed columns.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."profile_id" IS 'Sahha profile id (profileId); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."sample_id" IS 'The sample (data_logs.id).';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."log_type" IS 'activity, sleep, heart, body, energy, exercise, blood, oxygen, temperature, device, ….';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."data_type" IS 'For example steps, heart_rate, sleep_stage_deep.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."value" IS 'The measurement, in unit.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."unit" IS 'Unit of value; differs by platform for one type.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."start_date_time" IS 'Start of the measurement.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."end_date_time" IS 'End of the measurement.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."local_date" IS 'Calendar date of the start in its own offset: the user''s day.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."utc_offset_minutes" IS 'UTC offset that startDateTime was sent with, in minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."source" IS 'Device or app that recorded the sample.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."device_type" IS 'Device model.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."recording_method" IS 'How it was recorded; several spellings exist.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."parent_id" IS 'The record that the sample is part of; NULL where there is none, also where an empty text was sent.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."body_position" IS 'additionalProperties BodyPosition: sitting, lying_down, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."meal_type" IS 'additionalProperties MealType: breakfast, lunch, dinner, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."relation_to_meal" IS 'additionalProperties RelationToMeal: before_meal, after_meal, fasting, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."specimen_source" IS 'additionalProperties SpecimenSource: capillary, venous, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."measurement_location" IS 'additionalProperties MeasurementLocation: wrist, finger, ear, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."measurement_method" IS 'additionalProperties MeasurementMethod: pulse_oximetry, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."motion_context" IS 'additionalProperties MotionContext: stationary, walking, running, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."device_screen_on" IS 'additionalProperties DeviceScreenOn; NULL where absent or neither true nor false.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."total_distance" IS 'additionalProperties TotalDistance in metres; NULL where absent or no number.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."total_energy_burned" IS 'additionalProperties TotalEnergyBurned in kcal; NULL where absent or no number.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."additional_properties" IS 'All additional properties, keys and values as they were sent.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."received_at_utc" IS 'When Sahha received the batch.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON VIEW "delivery_log" IS 'The ledger without bodies and headers: every authentic delivery, and what became of it.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."delivery_id" IS 'UUID version 7; the provenance of normalised rows, and the id in the answer to the vendor.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."owner" IS 'Whose data it is: Asleep user_id or Sahha profileId; '''' where the body names nobody.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."vendor" IS 'asleep or sahha.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."event" IS 'The event''s name as the vendor writes it; NULL where none could be read.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."user_id" IS 'The user that the request header named; NULL where none.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."authenticated_by" IS 'How the sender was proven: api_key or signature.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."outcome" IS 'stored, unrecognised or rejected.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."problem_code" IS 'Why it was rejected, in a word (invalid_body, malformed_json, …); NULL otherwise.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."problem" IS 'Why it was rejected, as the sender was told (RFC 9457): paths, never values; NULL otherwise.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."body_bytes" IS 'Size of the body in bytes.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."received_at" IS 'When these bytes first arrived.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."last_received_at" IS 'When these bytes last arrived.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."times_received" IS 'How often these bytes arrived.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."normaliser_version" IS 'Version of the vendor''s normaliser that judged the body.';

-- What every analysis of nights needs: which sessions are nights, and times that can be averaged across midnight.
CREATE OR REPLACE VIEW "sleep_nights" AS
SELECT user_id, session_id, sleep_date, time_zone, time_zone_known, local_bed_time, local_sleep_time, local_wake_time,
  local_end_time, start_time, sleep_time, wake_time, end_time, in_bed_minutes, sleep_period_minutes, asleep_minutes,
  light_minutes, deep_minutes, rem_minutes, waso_minutes, waso_count, longest_waso_minutes, sleep_latency_minutes,
  light_latency_minutes, deep_latency_minutes, rem_latency_minutes, wakeup_latency_minutes, sleep_efficiency, sleep_index,
  sleep_cycle_count, sleep_cycle_minutes, snoring_minutes, snoring_count, unstable_breath_minutes, unstable_breath_count,
  breathing_index, state, peculiarities, validity, missing_data_ratio, has_stats, delivery_id, received_at,
  extract(isodow FROM sleep_date)::smallint AS local_weekday,
  extract(epoch FROM local_bed_time - sleep_date) / 60.0::double precision AS bed_minutes,
  extract(epoch FROM local_wake_time - sleep_date) / 60.0::double precision AS wake_minutes,
  extract(epoch FROM local_midpoint - sleep_date) / 60.0::double precision AS midpoint_minutes,
  has_slept AND NOT is_short_by_day AND rank = 1 AS is_main_sleep,
  has_slept AND (is_short_by_day OR rank > 1) AS is_nap
FROM (
  SELECT slept.*,
    row_number() OVER (
      PARTITION BY user_id, sleep_date
      ORDER BY has_slept AND NOT is_short_by_day DESC, asleep_minutes DESC NULLS LAST, start_time, session_id
    ) AS rank
  FROM (
    SELECT timed.*,
      coalesce(asleep_minutes > 0, false) AS has_slept,
      coalesce(asleep_minutes < 180 AND local_midpoint::time >= time '09:00' AND local_midpoint::time < time '21:00', false)
        AS is_short_by_day
    FROM (
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
        s.delivery_id, s.received_at,
        (t.sleep_time + (t.wake_time - t.sleep_time) / 2) AT TIME ZONE zone.name AS local_midpoint
      FROM sleep_sessions AS s
      LEFT JOIN sleep_stats AS t ON t.user_id = s.user_id AND t.session_id = s.session_id
      LEFT JOIN time_zones AS created ON created.name = s.created_timezone
      LEFT JOIN time_zones AS sent ON sent.name = s.timezone
      CROSS JOIN LATERAL (SELECT coalesce(created.name, sent.name, 'UTC') AS name) AS zone
    ) AS timed
  ) AS slept
) AS ranked;
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."local_weekday" IS 'Day of the week of sleep_date: 1 Monday to 7 Sunday.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."bed_minutes" IS 'Minutes from midnight of sleep_date to the start of the recording, in local time; negative before midnight, so that a mean works across midnight.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."wake_minutes" IS 'Minutes from midnight of sleep_date to the final waking, in local time.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."midpoint_minutes" IS 'Minutes from midnight of sleep_date to the middle between falling asleep and the final waking, in local time; negative before midnight.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."is_main_sleep" IS 'true for the longest sleep of its sleep_date. A sleep of less than 3 hours with its middle between 09:00 and 21:00 is never the main one. At most one per user and date.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_nights"."is_nap" IS 'true for every sleep that is not the main one. Both are false for a session in which the user never slept.';
--> statement-breakpoint
CREATE FUNCTION "sleep_regularity_index"(user_id text, from_date date DEFAULT '-infinity', to_date date DEFAULT 'infinity')
RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  WITH nights AS MATERIALIZED (
    SELECT n.session_id, n.sleep_date, n.time_zone, n.end_time FROM sleep_nights AS n
    WHERE n.user_id = $1 AND n.sleep_date BETWEEN $2 AND $3
  ), origin AS (
    SELECT (min(n.sleep_date) - 1 + time '12:00')
      AT TIME ZONE (SELECT latest.time_zone FROM nights AS latest ORDER BY latest.end_time DESC NULLS LAST LIMIT 1) AS noon
    FROM nights AS n
  ), asleep AS (
    SELECT extract(epoch FROM i.starts_at - o.noon)::integer AS starts, extract(epoch FROM i.ends_at - o.noon)::integer AS ends
    FROM origin AS o, sleep_stage_intervals AS i
    WHERE i.user_id = $1 AND i.series = 'sleep' AND i.stage IN (1, 2, 3)
      AND i.session_id IN (SELECT n.session_id FROM nights AS n)
  ), days AS (
    -- Seconds asleep within each period from noon to noon.
    SELECT d.day,
      range_agg(int4range(greatest(a.starts - d.day * 86400, 0), least(a.ends - d.day * 86400, 86400))) AS asleep
    FROM asleep AS a
    CROSS JOIN LATERAL generate_series(floor(a.starts / 86400.0)::integer, floor((a.ends - 1) / 86400.0)::integer) AS d (day)
    GROUP BY d.day
  )
  SELECT -100 + 200 * avg((86400 - today.seconds - tomorrow.seconds + 2 * common.seconds) / 86400.0::double precision)
  FROM days AS d
  JOIN days AS e ON e.day = d.day + 1
  CROSS JOIN LATERAL (SELECT sum(upper(r) - lower(r)) AS seconds FROM unnest(d.asleep) AS r) AS today
  CROSS JOIN LATERAL (SELECT sum(upper(r) - lower(r)) AS seconds FROM unnest(e.asleep) AS r) AS tomorrow
  CROSS JOIN LATERAL (SELECT coalesce(sum(upper(r) - lower(r)), 0) AS seconds FROM unnest(d.asleep * e.asleep) AS r) AS common;
END;
--> statement-breakpoint
COMMENT ON FUNCTION "sleep_regularity_index"(text, date, date) IS 'Sleep regularity index (Phillips et al. 2017, Scientific Reports 7:3216): how probable it is to be in the same state, asleep or awake, at two moments 24 hours apart; 100 always, 0 as by chance, -100 never. All sleep counts, naps too. A period from noon to noon without any sleep counts as not recorded. NULL if no two such periods follow one another.';
--> statement-breakpoint
CREATE FUNCTION "social_jet_lag_minutes"(
  user_id text, from_date date DEFAULT '-infinity', to_date date DEFAULT 'infinity', free_days smallint[] DEFAULT '{6,7}'
)
RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT abs(
    avg(n.midpoint_minutes) FILTER (WHERE n.local_weekday = ANY ($4))
    - avg(n.midpoint_minutes) FILTER (WHERE n.local_weekday <> ALL ($4))
  )
  FROM sleep_nights AS n
  WHERE n.user_id = $1 AND n.sleep_date BETWEEN $2 AND $3 AND n.is_main_sleep;
END;
--> statement-breakpoint
COMMENT ON FUNCTION "social_jet_lag_minutes"(text, date, date, smallint[]) IS 'Social jet lag (Wittmann et al. 2006, Chronobiology International 23:497): minutes between the mean midpoint of the main sleep on free days and on work days. free_days are days of waking, 1 Monday to 7 Sunday. NULL if either kind has no night.';
--> statement-breakpoint
CREATE FUNCTION "composite_phase_deviation_hours"(
  user_id text, from_date date DEFAULT '-infinity', to_date date DEFAULT 'infinity', reference_minutes double precision DEFAULT NULL,
  free_days smallint[] DEFAULT '{6,7}'
)
RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  WITH nights AS MATERIALIZED (
    SELECT n.sleep_date, n.midpoint_minutes, n.local_weekday FROM sleep_nights AS n
    WHERE n.user_id = $1 AND n.sleep_date BETWEEN $2 AND $3 AND n.is_main_sleep
  ), reference AS (
    SELECT coalesce($4, avg(n.midpoint_minutes) FILTER (WHERE n.local_weekday = ANY ($5))) AS minutes FROM nights AS n
  )
  SELECT avg(sqrt((n.midpoint_minutes - r.minutes) ^ 2 + (n.midpoint_minutes - before.midpoint_minutes) ^ 2)) / 60
  FROM nights AS n
  JOIN nights AS before ON before.sleep_date = n.sleep_date - 1
  CROSS JOIN reference AS r;
END;
--> statement-breakpoint
COMMENT ON FUNCTION "composite_phase_deviation_hours"(text, date, date, double precision, smallint[]) IS 'Composite phase deviation (Fischer et al. 2016, Scientific Reports 6:33601): hours by which the midpoint of the main sleep differs from a reference and from the night before, as the mean length of a vector with these two components. The reference is reference_minutes from midnight, or else the mean midpoint on free days. Only nights whose night before was recorded count.';
--> statement-breakpoint
CREATE FUNCTION "sleep_fragmentation_index"(user_id text, session_id text)
RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT 3600 * count(*) FILTER (WHERE s.stage_before IN (1, 2, 3) AND s.stage = 0 AND s.has_sleep_later
      OR s.stage_before IN (2, 3) AND s.stage = 1)
    / nullif(sum(s.duration_seconds) FILTER (WHERE s.stage IN (1, 2, 3)), 0)::double precision
  FROM (
    SELECT i.stage, i.duration_seconds,
      lag(i.stage) OVER (ORDER BY i.first_epoch) AS stage_before,
      coalesce(bool_or(i.stage IN (1, 2, 3)) OVER (
        ORDER BY i.first_epoch ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
      ), false) AS has_sleep_later
    FROM sleep_stage_intervals AS i
    WHERE i.user_id = $1 AND i.session_id = $2 AND i.series = 'sleep'
  ) AS s;
END;
--> statement-breakpoint
COMMENT ON FUNCTION "sleep_fragmentation_index"(text, text) IS 'Awakenings, and changes from deep or REM sleep to light sleep, per hour of sleep; after the sleep fragmentation index of Haba-Rubio et al. 2004 (Sleep Medicine 5:577), whose stage 1 is part of light sleep here. The final waking does not count. NULL if the session has no sleep.';

CREATE TABLE "stored_days" (
	"person_id" text NOT NULL,
	"local_date" date NOT NULL,
	"local_weekday" smallint,
	"user_id" text,
	"session_id" text,
	"time_zone" text,
	"local_bed_time" timestamp,
	"local_sleep_time" timestamp,
	"local_wake_time" timestamp,
	"local_end_time" timestamp,
	"bed_minutes" double precision,
	"wake_minutes" double precision,
	"midpoint_minutes" double precision,
	"in_bed_minutes" double precision,
	"sleep_period_minutes" double precision,
	"asleep_minutes" double precision,
	"light_minutes" double precision,
	"deep_minutes" double precision,
	"rem_minutes" double precision,
	"waso_minutes" double precision,
	"waso_count" integer,
	"longest_waso_minutes" double precision,
	"sleep_latency_minutes" double precision,
	"deep_latency_minutes" double precision,
	"rem_latency_minutes" double precision,
	"sleep_efficiency" double precision,
	"sleep_index" integer,
	"sleep_cycle_count" integer,
	"snoring_minutes" double precision,
	"snoring_count" integer,
	"unstable_breath_minutes" double precision,
	"breathing_index" double precision,
	"missing_data_ratio" double precision,
	"nap_count" bigint,
	"nap_minutes" double precision,
	"session_count" bigint,
	"is_provisional" boolean,
	"received_after_minutes" double precision,
	"is_late" boolean,
	"profile_id" text,
	"sleep_score" double precision,
	"activity_score" double precision,
	"readiness_score" double precision,
	"wellbeing_score" double precision,
	"mental_wellbeing_score" double precision,
	"steps" double precision,
	"floors_climbed" double precision,
	"active_hours" double precision,
	"activity_low_minutes" double precision,
	"activity_medium_minutes" double precision,
	"activity_high_minutes" double precision,
	"active_energy_kcal" double precision,
	"total_energy_kcal" double precision,
	"resting_heart_rate_bpm" double precision,
	"sleep_heart_rate_bpm" double precision,
	"hrv_rmssd_ms" double precision,
	"hrv_sdnn_ms" double precision,
	"respiratory_rate_bpm" double precision,
	"oxygen_saturation_percent" double precision,
	"sleep_oxygen_saturation_percent" double precision,
	"vo2_max" double precision,
	"weight_kg" double precision,
	"body_mass_index" double precision,
	"systolic_mmhg" double precision,
	"diastolic_mmhg" double precision,
	"device_asleep_minutes" double precision,
	"device_deep_minutes" double precision,
	"device_rem_minutes" double precision,
	"device_in_bed_minutes" double precision,
	"received_at" timestamp with time zone,
	CONSTRAINT "stored_days_person_id_local_date_pk" PRIMARY KEY("person_id","local_date")
);
--> statement-breakpoint
CREATE TABLE "stored_days_state" (
	"id" smallint PRIMARY KEY NOT NULL,
	"change_position" bigint,
	"epoch" text,
	"time_zone_rules" text,
	"began_at" bigint,
	"began_until" text,
	"computed_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "first_day" date;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "last_day" date;--> statement-breakpoint
ALTER TABLE "owners" ADD COLUMN "change_position" bigint;--> statement-breakpoint
ALTER TABLE "owners" ADD COLUMN "former_persons" text[];--> statement-breakpoint
ALTER TABLE "sleep_sessions" ADD COLUMN "has_moved" boolean;--> statement-breakpoint
ALTER TABLE "biomarkers" ADD COLUMN "has_moved" boolean;--> statement-breakpoint
ALTER TABLE "scores" ADD COLUMN "has_moved" boolean;--> statement-breakpoint
CREATE INDEX "stored_days_local_date_idx" ON "stored_days" USING btree ("local_date");--> statement-breakpoint
-- A page keeps room for days that are computed again.
ALTER TABLE "stored_days" SET (fillfactor = 85);--> statement-breakpoint
INSERT INTO "stored_days_state" (id) VALUES (1);--> statement-breakpoint
-- On a database with rows online steps build the indexes.
DO $$
BEGIN
  IF current_setting('nightpost.is_new', true) = 'on' THEN
    CREATE INDEX "owners_person_hash_idx" ON "owners" USING btree (hashtextextended(person_id, 0));
    CREATE INDEX "owners_change_idx" ON "owners" USING btree ("change_position") WHERE change_position is not null;
    CREATE INDEX "sleep_sessions_moved_idx" ON "sleep_sessions" USING btree ("user_id") WHERE has_moved;
    CREATE INDEX "biomarkers_moved_idx" ON "biomarkers" USING btree ("profile_id") WHERE has_moved;
    CREATE INDEX "scores_moved_idx" ON "scores" USING btree ("profile_id") WHERE has_moved;
  END IF;
END $$;
--> statement-breakpoint
CREATE FUNCTION "stored_days_are_complete"() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM stored_days_state AS s JOIN change_feed AS f ON f.epoch = s.epoch
    WHERE s.change_position IS NOT NULL AND f.server = change_feed_server()
  );
END $$;
--> statement-breakpoint
COMMENT ON FUNCTION "stored_days_are_complete"() IS 'Whether stored_days has every day but those of changed_persons(). Otherwise user_days computes all.';
--> statement-breakpoint
-- Hashes, because whoever may read user_days must be able to call it. ROWS makes the planner look up the few persons by indexes.
CREATE FUNCTION "changed_persons"() RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET plan_cache_mode = 'force_custom_plan' SET enable_seqscan = 'off' SET enable_hashjoin = 'off' SET jit = 'off'
SET search_path FROM CURRENT
AS $$
DECLARE
  since bigint := (SELECT s.change_position FROM stored_days_state AS s);
BEGIN
  IF since IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT hashtextextended(o.person_id, 0)
  FROM (
    SELECT DISTINCT d.owner, d.vendor FROM deliveries AS d
    WHERE d.change_position >= since AND (outcome = 'stored' OR change_position % 2 = 1)
  ) AS changed
  JOIN owners AS o ON o.owner = changed.owner AND o.vendor = changed.vendor
  UNION
  SELECT hashtextextended(person, 0)
  FROM owners AS o CROSS JOIN LATERAL unnest(o.former_persons || o.person_id) AS person
  WHERE o.change_position >= since;
END $$;
--> statement-breakpoint
COMMENT ON FUNCTION "changed_persons"() IS 'A hash of each person with data that changed since stored_days was last brought up to date.';
--> statement-breakpoint
-- With pg_temp last: a caller's temporary table must not take the place of a table in a function with its owner's rights.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['stored_days_are_complete()', 'changed_persons()'] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', name);
  END LOOP;
END $$;
--> statement-breakpoint
-- What user_days was until now computes the days. It stays as it is in a ledger that is distributed by Citus.
DO $$
DECLARE
  definition text := rtrim(pg_get_viewdef('user_days'::regclass), '; ');
  is_distributed boolean := false;
  name text;
BEGIN
  EXECUTE 'CREATE VIEW computed_days AS ' || definition;
  FOR name IN SELECT attname FROM pg_attribute WHERE attrelid = 'computed_days'::regclass AND attnum > 0 LOOP
    EXECUTE format('COMMENT ON COLUMN computed_days.%I IS %L', name, format('As user_days.%s.', name));
  END LOOP;
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
    EXECUTE $q$SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'deliveries'::regclass AND partmethod = 'h')$q$
      INTO is_distributed;
  END IF;
  IF NOT is_distributed THEN
    CREATE OR REPLACE VIEW user_days AS
    SELECT d.* FROM stored_days AS d
    WHERE (SELECT stored_days_are_complete())
      AND NOT EXISTS (SELECT FROM changed_persons() AS changed(person) WHERE changed.person = hashtextextended(d.person_id, 0))
    UNION ALL
    SELECT c.* FROM computed_days AS c
    WHERE (SELECT stored_days_are_complete()) AND hashtextextended(c.person_id, 0) = ANY (ARRAY(SELECT changed_persons()))
    UNION ALL
    SELECT c.* FROM computed_days AS c WHERE NOT (SELECT stored_days_are_complete());
  END IF;
END $$;
--> statement-breakpoint
-- A role that may write the ledger computes the days.
DO $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = 'deliveries'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON stored_days, stored_days_state TO %s', grantee);
    EXECUTE format('GRANT SELECT ON computed_days TO %s', grantee);
  END LOOP;
END $$;
--> statement-breakpoint
COMMENT ON VIEW "computed_days" IS 'The days of user_days, each computed when it is read. Read user_days, which has the same rows and is faster.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."first_day" IS 'First local day of the person whose row in user_days the delivery may change; infinity if it changes none, NULL if it may be any.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."last_day" IS 'The last such day; -infinity if it changes none, NULL if it may be any.';
--> statement-breakpoint
COMMENT ON COLUMN "owners"."change_position" IS 'When the person changed, or all rows of the owner were written again: a place in the order of deliveries.change_position; NULL if they never did.';
--> statement-breakpoint
COMMENT ON COLUMN "owners"."former_persons" IS 'The persons to whom the owner belonged before; NULL if there was none.';
--> statement-breakpoint
COMMENT ON TABLE "stored_days" IS 'The days of user_days as they were last computed. Read user_days, which computes the days that changed since.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."person_id" IS 'As user_days.person_id.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."local_date" IS 'As user_days.local_date.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."local_weekday" IS 'As user_days.local_weekday.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."user_id" IS 'As user_days.user_id.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."session_id" IS 'As user_days.session_id.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."time_zone" IS 'As user_days.time_zone.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."local_bed_time" IS 'As user_days.local_bed_time.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."local_sleep_time" IS 'As user_days.local_sleep_time.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."local_wake_time" IS 'As user_days.local_wake_time.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."local_end_time" IS 'As user_days.local_end_time.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."bed_minutes" IS 'As user_days.bed_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."wake_minutes" IS 'As user_days.wake_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."midpoint_minutes" IS 'As user_days.midpoint_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."in_bed_minutes" IS 'As user_days.in_bed_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."sleep_period_minutes" IS 'As user_days.sleep_period_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."asleep_minutes" IS 'As user_days.asleep_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."light_minutes" IS 'As user_days.light_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."deep_minutes" IS 'As user_days.deep_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."rem_minutes" IS 'As user_days.rem_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."waso_minutes" IS 'As user_days.waso_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."waso_count" IS 'As user_days.waso_count.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."longest_waso_minutes" IS 'As user_days.longest_waso_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."sleep_latency_minutes" IS 'As user_days.sleep_latency_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."deep_latency_minutes" IS 'As user_days.deep_latency_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."rem_latency_minutes" IS 'As user_days.rem_latency_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."sleep_efficiency" IS 'As user_days.sleep_efficiency.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."sleep_index" IS 'As user_days.sleep_index.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."sleep_cycle_count" IS 'As user_days.sleep_cycle_count.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."snoring_minutes" IS 'As user_days.snoring_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."snoring_count" IS 'As user_days.snoring_count.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."unstable_breath_minutes" IS 'As user_days.unstable_breath_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."breathing_index" IS 'As user_days.breathing_index.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."missing_data_ratio" IS 'As user_days.missing_data_ratio.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."nap_count" IS 'As user_days.nap_count.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."nap_minutes" IS 'As user_days.nap_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."session_count" IS 'As user_days.session_count.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."is_provisional" IS 'As user_days.is_provisional.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."received_after_minutes" IS 'As user_days.received_after_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."is_late" IS 'As user_days.is_late.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."profile_id" IS 'As user_days.profile_id.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."sleep_score" IS 'As user_days.sleep_score.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."activity_score" IS 'As user_days.activity_score.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."readiness_score" IS 'As user_days.readiness_score.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."wellbeing_score" IS 'As user_days.wellbeing_score.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."mental_wellbeing_score" IS 'As user_days.mental_wellbeing_score.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."steps" IS 'As user_days.steps.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."floors_climbed" IS 'As user_days.floors_climbed.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."active_hours" IS 'As user_days.active_hours.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."activity_low_minutes" IS 'As user_days.activity_low_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."activity_medium_minutes" IS 'As user_days.activity_medium_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."activity_high_minutes" IS 'As user_days.activity_high_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."active_energy_kcal" IS 'As user_days.active_energy_kcal.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."total_energy_kcal" IS 'As user_days.total_energy_kcal.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."resting_heart_rate_bpm" IS 'As user_days.resting_heart_rate_bpm.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."sleep_heart_rate_bpm" IS 'As user_days.sleep_heart_rate_bpm.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."hrv_rmssd_ms" IS 'As user_days.hrv_rmssd_ms.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."hrv_sdnn_ms" IS 'As user_days.hrv_sdnn_ms.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."respiratory_rate_bpm" IS 'As user_days.respiratory_rate_bpm.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."oxygen_saturation_percent" IS 'As user_days.oxygen_saturation_percent.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."sleep_oxygen_saturation_percent" IS 'As user_days.sleep_oxygen_saturation_percent.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."vo2_max" IS 'As user_days.vo2_max.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."weight_kg" IS 'As user_days.weight_kg.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."body_mass_index" IS 'As user_days.body_mass_index.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."systolic_mmhg" IS 'As user_days.systolic_mmhg.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."diastolic_mmhg" IS 'As user_days.diastolic_mmhg.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."device_asleep_minutes" IS 'As user_days.device_asleep_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."device_deep_minutes" IS 'As user_days.device_deep_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."device_rem_minutes" IS 'As user_days.device_rem_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."device_in_bed_minutes" IS 'As user_days.device_in_bed_minutes.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days"."received_at" IS 'As user_days.received_at.';
--> statement-breakpoint
COMMENT ON TABLE "stored_days_state" IS 'Up to where stored_days has everything, one row.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days_state"."id" IS 'Always 1.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days_state"."change_position" IS 'stored_days has every change with a smaller deliveries.change_position; NULL while it is not complete: user_days then computes every day.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days_state"."epoch" IS 'change_feed.epoch to which the positions belong.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days_state"."time_zone_rules" IS 'A hash of the rules of all time zones by which the days were computed.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days_state"."began_at" IS 'The position at which the computation of all days began; NULL if none is going on.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days_state"."began_until" IS 'The person up to whom it has come.';
--> statement-breakpoint
COMMENT ON COLUMN "stored_days_state"."computed_at" IS 'When days were last computed.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."has_moved" IS 'true: an earlier version of the record belonged to another day. It tells the service which days to compute again for user_days.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."has_moved" IS 'true: an earlier version of the record belonged to another day. It tells the service which days to compute again for user_days.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."has_moved" IS 'true: an earlier version of the record belonged to another day. It tells the service which days to compute again for user_days.';

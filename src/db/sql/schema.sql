-- The schema of a freshly migrated database, written from its catalogue by `npm run statements`. A test compares the two.
-- Nothing executes this file: the schema is made by the files in migrations/. docs/data-dictionary.md explains each column.

create table archetypes (
  profile_id text not null,
  id text not null,
  account_id text,
  external_id text,
  name text not null,
  value text,
  data_type text,
  periodicity text,
  ordinality integer,
  start_date_time timestamp with time zone,
  end_date_time timestamp with time zone,
  utc_offset_minutes smallint,
  local_date date,
  end_utc_offset_minutes smallint,
  created_at_utc timestamp with time zone,
  version numeric,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  pulled_at timestamp with time zone,
  constraint archetypes_profile_id_id_pk PRIMARY KEY (profile_id, id)
);

create table biomarkers (
  profile_id text not null,
  id text not null,
  account_id text,
  external_id text,
  category text,
  type text not null,
  periodicity text,
  aggregation text,
  value text,
  value_number numeric,
  unit text,
  value_type text,
  start_date_time timestamp with time zone,
  end_date_time timestamp with time zone,
  utc_offset_minutes smallint,
  local_date date,
  end_utc_offset_minutes smallint,
  created_at_utc timestamp with time zone,
  version numeric,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  pulled_at timestamp with time zone,
  has_moved boolean,
  constraint biomarkers_profile_id_id_pk PRIMARY KEY (profile_id, id)
);

create table body_groups (
  group_id uuid not null,
  bytes bytea not null,
  constraint body_groups_group_id_pk PRIMARY KEY (group_id)
) partition by range (group_id);

create table body_packs (
  owner text not null,
  pack_id uuid not null,
  last_id uuid not null,
  delivery_ids uuid[] not null,
  ends integer[] not null,
  bytes bytea not null,
  constraint body_packs_owner_pack_id_pk PRIMARY KEY (owner, pack_id)
) partition by range (pack_id);

create table change_feed (
  id smallint not null,
  epoch text not null,
  server text not null,
  xid_offset bigint not null,
  boundary uuid,
  floor bigint,
  floor_id uuid,
  removals bigint not null,
  constraint change_feed_pkey PRIMARY KEY (id)
);

create table data_logs (
  profile_id text not null,
  id text not null,
  account_id text,
  external_id text,
  log_type text,
  data_type text not null,
  received_at_utc timestamp with time zone,
  parent_id text,
  value numeric,
  unit text,
  source text,
  recording_method text,
  device_type text,
  start_date_time timestamp with time zone,
  end_date_time timestamp with time zone,
  utc_offset_minutes smallint,
  local_date date,
  end_utc_offset_minutes smallint,
  additional_properties jsonb,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  constraint data_logs_profile_id_data_type_id_pk PRIMARY KEY (profile_id, data_type, id)
);

create table deliveries (
  owner text not null,
  vendor text not null,
  body_digest bytea not null,
  delivery_id uuid not null,
  event text,
  user_id text,
  authenticated_by text not null,
  outcome text not null,
  problem jsonb,
  body bytea,
  headers jsonb not null,
  received_at timestamp with time zone not null,
  last_received_at timestamp with time zone not null,
  times_received integer not null,
  normaliser_version integer not null,
  body_group uuid,
  body_start integer,
  body_size integer,
  source text default 'push'::text not null,
  change_position bigint default (2 * (((pg_current_xact_id())::text)::bigint + 0)),
  first_day date,
  last_day date,
  constraint deliveries_owner_vendor_body_digest_pk PRIMARY KEY (owner, vendor, body_digest)
);

create table erasure_key (
  "only" boolean default true not null,
  key bytea not null,
  constraint erasure_key_pkey PRIMARY KEY ("only")
);

create table erasures (
  person bytea not null,
  vendor text not null,
  kind text not null,
  fenced_at timestamp with time zone not null,
  erased_at timestamp with time zone,
  lifted_at timestamp with time zone,
  counts jsonb,
  change_position bigint,
  constraint erasures_person_pk PRIMARY KEY (person)
);

create table event_activity (
  vendor text not null,
  event text not null,
  last_stored_at timestamp with time zone not null,
  constraint event_activity_vendor_event_pk PRIMARY KEY (vendor, event)
);

create table nightpost_migrations (
  name text not null,
  hash text not null,
  created_at bigint not null,
  applied_at timestamp with time zone,
  breaking text,
  constraint nightpost_migrations_pkey PRIMARY KEY (name)
);

create table owners (
  owner text not null,
  vendor text not null,
  user_id text not null,
  person_id text not null,
  first_received_at timestamp with time zone not null,
  change_position bigint,
  former_persons text[],
  constraint owners_owner_vendor_pk PRIMARY KEY (owner, vendor)
);

create table person_links (
  owner text not null,
  vendor text not null,
  person_id text not null,
  linked_at timestamp with time zone not null,
  constraint person_links_owner_vendor_pk PRIMARY KEY (owner, vendor)
);

create table reconcile_runs (
  run_id uuid not null,
  vendor text not null,
  started_by text not null,
  only_some boolean not null,
  began_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  period_from timestamp with time zone not null,
  period_to timestamp with time zone not null,
  outcome text,
  reason text,
  people integer,
  calls integer,
  missing integer,
  differing integer,
  pulled integer,
  kept integer,
  failures integer,
  behind integer,
  suspect_days integer,
  constraint reconcile_runs_run_id_pk PRIMARY KEY (run_id)
);

create table score_factors (
  profile_id text not null,
  score_id text not null,
  "position" integer not null,
  id text,
  name text,
  value numeric,
  goal numeric,
  score numeric,
  state text,
  unit text,
  account_id text,
  external_id text,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  constraint score_factors_profile_id_score_id_position_pk PRIMARY KEY (profile_id, score_id, "position"),
  constraint score_factors_profile_id_score_id_scores_profile_id_id_fk FOREIGN KEY (profile_id, score_id) REFERENCES scores(profile_id, id) ON DELETE CASCADE
);

create table scores (
  profile_id text not null,
  id text not null,
  account_id text,
  external_id text,
  type text not null,
  state text,
  score numeric,
  data_sources text[],
  score_date_time timestamp with time zone,
  utc_offset_minutes smallint,
  local_date date,
  created_at_utc timestamp with time zone,
  version numeric,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  pulled_at timestamp with time zone,
  has_moved boolean,
  constraint scores_profile_id_id_pk PRIMARY KEY (profile_id, id)
);

create table sleep_sessions (
  user_id text not null,
  session_id text not null,
  state text,
  timezone text,
  created_timezone text,
  start_time timestamp with time zone,
  end_time timestamp with time zone,
  unexpected_end_time timestamp with time zone,
  utc_offset_minutes smallint,
  local_date date,
  peculiarities text[],
  validity text,
  missing_data_ratio numeric,
  callback_version text,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  sleep_date date,
  pulled_at timestamp with time zone,
  has_moved boolean,
  constraint sleep_sessions_user_id_session_id_pk PRIMARY KEY (user_id, session_id)
);

create table sleep_stage_series (
  user_id text not null,
  session_id text not null,
  series text not null,
  stages smallint[] not null,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  constraint sleep_stage_series_user_id_session_id_series_pk PRIMARY KEY (user_id, session_id, series),
  constraint sleep_stage_series_user_id_session_id_sleep_sessions_user_id_se FOREIGN KEY (user_id, session_id) REFERENCES sleep_sessions(user_id, session_id) ON DELETE CASCADE
);

create table sleep_stage_windows (
  user_id text not null,
  session_id text not null,
  series text not null,
  inference_seq_num integer not null,
  seq_num integer,
  stages smallint[] not null,
  callback_version text,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  constraint sleep_stage_windows_user_id_session_id_series_inference_seq_num PRIMARY KEY (user_id, session_id, series, inference_seq_num)
);

create table sleep_stats (
  user_id text not null,
  session_id text not null,
  sleep_time timestamp with time zone,
  wake_time timestamp with time zone,
  sleep_index integer,
  sleep_latency integer,
  wakeup_latency integer,
  light_latency integer,
  deep_latency integer,
  rem_latency integer,
  time_in_bed integer,
  time_in_sleep_period integer,
  time_in_sleep integer,
  time_in_wake integer,
  time_in_light integer,
  time_in_deep integer,
  time_in_rem integer,
  time_in_stable_breath integer,
  time_in_unstable_breath integer,
  time_in_snoring integer,
  time_in_no_snoring integer,
  sleep_efficiency numeric,
  sleep_ratio numeric,
  wake_ratio numeric,
  light_ratio numeric,
  deep_ratio numeric,
  rem_ratio numeric,
  stable_breath_ratio numeric,
  unstable_breath_ratio numeric,
  snoring_ratio numeric,
  no_snoring_ratio numeric,
  breathing_index numeric,
  breathing_pattern text,
  waso_count integer,
  longest_waso integer,
  sleep_cycle_count integer,
  sleep_cycle numeric,
  sleep_cycle_time timestamp with time zone[],
  unstable_breath_count integer,
  snoring_count integer,
  delivery_id uuid not null,
  received_at timestamp with time zone not null,
  constraint sleep_stats_user_id_session_id_pk PRIMARY KEY (user_id, session_id),
  constraint sleep_stats_user_id_session_id_sleep_sessions_user_id_session_i FOREIGN KEY (user_id, session_id) REFERENCES sleep_sessions(user_id, session_id) ON DELETE CASCADE
);

create table stored_days (
  person_id text not null,
  local_date date not null,
  local_weekday smallint,
  user_id text,
  session_id text,
  time_zone text,
  local_bed_time timestamp without time zone,
  local_sleep_time timestamp without time zone,
  local_wake_time timestamp without time zone,
  local_end_time timestamp without time zone,
  bed_minutes double precision,
  wake_minutes double precision,
  midpoint_minutes double precision,
  in_bed_minutes double precision,
  sleep_period_minutes double precision,
  asleep_minutes double precision,
  light_minutes double precision,
  deep_minutes double precision,
  rem_minutes double precision,
  waso_minutes double precision,
  waso_count integer,
  longest_waso_minutes double precision,
  sleep_latency_minutes double precision,
  deep_latency_minutes double precision,
  rem_latency_minutes double precision,
  sleep_efficiency double precision,
  sleep_index integer,
  sleep_cycle_count integer,
  snoring_minutes double precision,
  snoring_count integer,
  unstable_breath_minutes double precision,
  breathing_index double precision,
  missing_data_ratio double precision,
  nap_count bigint,
  nap_minutes double precision,
  session_count bigint,
  is_provisional boolean,
  received_after_minutes double precision,
  is_late boolean,
  profile_id text,
  sleep_score double precision,
  activity_score double precision,
  readiness_score double precision,
  wellbeing_score double precision,
  mental_wellbeing_score double precision,
  steps double precision,
  floors_climbed double precision,
  active_hours double precision,
  activity_low_minutes double precision,
  activity_medium_minutes double precision,
  activity_high_minutes double precision,
  active_energy_kcal double precision,
  total_energy_kcal double precision,
  resting_heart_rate_bpm double precision,
  sleep_heart_rate_bpm double precision,
  hrv_rmssd_ms double precision,
  hrv_sdnn_ms double precision,
  respiratory_rate_bpm double precision,
  oxygen_saturation_percent double precision,
  sleep_oxygen_saturation_percent double precision,
  vo2_max double precision,
  weight_kg double precision,
  body_mass_index double precision,
  systolic_mmhg double precision,
  diastolic_mmhg double precision,
  device_asleep_minutes double precision,
  device_deep_minutes double precision,
  device_rem_minutes double precision,
  device_in_bed_minutes double precision,
  received_at timestamp with time zone,
  constraint stored_days_person_id_local_date_pk PRIMARY KEY (person_id, local_date)
);

create table stored_days_state (
  id smallint not null,
  change_position bigint,
  epoch text,
  time_zone_rules text,
  began_at bigint,
  began_until text,
  computed_at timestamp with time zone,
  constraint stored_days_state_pkey PRIMARY KEY (id)
);

create table unverified_deliveries (
  delivery_id uuid not null,
  vendor text not null,
  headers jsonb not null,
  hashed_headers jsonb not null,
  body bytea not null,
  received_at timestamp with time zone not null,
  "position" bigint not null,
  constraint unverified_deliveries_pkey PRIMARY KEY (delivery_id)
);

create table upkeep_tasks (
  task text not null,
  "position" uuid,
  finished_at timestamp with time zone,
  constraint upkeep_tasks_pkey PRIMARY KEY (task)
);

CREATE INDEX biomarkers_day_idx ON public.biomarkers USING btree ((((((start_date_time AT TIME ZONE 'UTC'::text) + (COALESCE((end_date_time - start_date_time), '00:00:00'::interval) / (2)::double precision)) + ((COALESCE((utc_offset_minutes)::integer, 0))::double precision * '00:01:00'::interval)))::date), profile_id) WHERE (periodicity = 'daily'::text);
CREATE INDEX biomarkers_moved_idx ON public.biomarkers USING btree (profile_id) WHERE has_moved;
CREATE INDEX biomarkers_profile_day_idx ON public.biomarkers USING btree (profile_id, (((((start_date_time AT TIME ZONE 'UTC'::text) + (COALESCE((end_date_time - start_date_time), '00:00:00'::interval) / (2)::double precision)) + ((COALESCE((utc_offset_minutes)::integer, 0))::double precision * '00:01:00'::interval)))::date)) WHERE (periodicity = 'daily'::text);
CREATE INDEX deliveries_change_idx ON public.deliveries USING btree (change_position, (
CASE
    WHEN ((change_position % (2)::bigint) = 0) THEN NULL::uuid
    ELSE delivery_id
END)) WHERE ((outcome = 'stored'::text) OR ((change_position % (2)::bigint) = 1));
CREATE INDEX deliveries_delivery_id_idx ON public.deliveries USING btree (delivery_id);
CREATE INDEX deliveries_not_stored_idx ON public.deliveries USING btree (delivery_id) WHERE (outcome <> 'stored'::text);
CREATE INDEX erasures_change_idx ON public.erasures USING btree (change_position, person) WHERE (kind = 'owner'::text);
CREATE INDEX owners_change_idx ON public.owners USING btree (change_position) WHERE (change_position IS NOT NULL);
CREATE INDEX owners_person_hash_idx ON public.owners USING btree (hashtextextended(person_id, (0)::bigint));
CREATE INDEX owners_person_idx ON public.owners USING hash (person_id);
CREATE INDEX scores_local_date_idx ON public.scores USING btree (local_date, profile_id);
CREATE INDEX scores_moved_idx ON public.scores USING btree (profile_id) WHERE has_moved;
CREATE INDEX sleep_sessions_moved_idx ON public.sleep_sessions USING btree (user_id) WHERE has_moved;
CREATE INDEX sleep_sessions_sleep_date_idx ON public.sleep_sessions USING btree (sleep_date, user_id);
CREATE INDEX stored_days_local_date_idx ON public.stored_days USING btree (local_date);
CREATE UNIQUE INDEX time_zones_name_idx ON public.time_zones USING btree (name);
CREATE UNIQUE INDEX unverified_deliveries_position_idx ON public.unverified_deliveries USING btree ("position");

create view computed_days as
 SELECT person_id,
    local_date,
    EXTRACT(isodow FROM local_date)::smallint AS local_weekday,
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
    bool_or(state IS DISTINCT FROM 'COMPLETE'::text) FILTER (WHERE is_main_sleep) AS is_provisional,
    EXTRACT(epoch FROM max(received_at - end_time) FILTER (WHERE is_main_sleep))::double precision / 60.0::double precision AS received_after_minutes,
    bool_or(received_at > (end_time + '1 day'::interval)) FILTER (WHERE is_main_sleep) AS is_late,
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
   FROM ( SELECT ranked.person_id,
            ranked.indexed_sleep_date AS local_date,
            ranked.user_id,
            ranked.session_id,
            ranked.time_zone,
            ranked.local_bed_time,
            ranked.local_sleep_time,
            ranked.local_wake_time,
            ranked.local_end_time,
            ranked.bed_minutes,
            ranked.wake_minutes,
            ranked.midpoint_minutes,
            ranked.time_in_bed::double precision / 60.0::double precision AS in_bed_minutes,
            ranked.time_in_sleep_period::double precision / 60.0::double precision AS sleep_period_minutes,
            ranked.time_in_sleep::double precision / 60.0::double precision AS asleep_minutes,
            ranked.time_in_light::double precision / 60.0::double precision AS light_minutes,
            ranked.time_in_deep::double precision / 60.0::double precision AS deep_minutes,
            ranked.time_in_rem::double precision / 60.0::double precision AS rem_minutes,
            ranked.time_in_wake::double precision / 60.0::double precision AS waso_minutes,
            ranked.waso_count,
            ranked.longest_waso::double precision / 60.0::double precision AS longest_waso_minutes,
            ranked.sleep_latency::double precision / 60.0::double precision AS sleep_latency_minutes,
            ranked.deep_latency::double precision / 60.0::double precision AS deep_latency_minutes,
            ranked.rem_latency::double precision / 60.0::double precision AS rem_latency_minutes,
            ranked.sleep_efficiency::double precision AS sleep_efficiency,
            ranked.sleep_index,
            ranked.sleep_cycle_count,
            ranked.time_in_snoring::double precision / 60.0::double precision AS snoring_minutes,
            ranked.snoring_count,
            ranked.time_in_unstable_breath::double precision / 60.0::double precision AS unstable_breath_minutes,
            ranked.breathing_index::double precision AS breathing_index,
            ranked.missing_data_ratio::double precision AS missing_data_ratio,
            ranked.state,
            ranked.end_time,
            ranked.received_at,
            ranked.has_slept AND NOT ranked.is_short_by_day AND ranked.rank = 1 AS is_main_sleep,
            ranked.has_slept AND (ranked.is_short_by_day OR ranked.rank > 1) AS is_nap,
            NULL::text AS profile_id,
            NULL::double precision AS sleep_score,
            NULL::double precision AS activity_score,
            NULL::double precision AS readiness_score,
            NULL::double precision AS wellbeing_score,
            NULL::double precision AS mental_wellbeing_score,
            NULL::double precision AS steps,
            NULL::double precision AS floors_climbed,
            NULL::double precision AS active_hours,
            NULL::double precision AS activity_low_minutes,
            NULL::double precision AS activity_medium_minutes,
            NULL::double precision AS activity_high_minutes,
            NULL::double precision AS active_energy_kcal,
            NULL::double precision AS total_energy_kcal,
            NULL::double precision AS resting_heart_rate_bpm,
            NULL::double precision AS sleep_heart_rate_bpm,
            NULL::double precision AS hrv_rmssd_ms,
            NULL::double precision AS hrv_sdnn_ms,
            NULL::double precision AS respiratory_rate_bpm,
            NULL::double precision AS oxygen_saturation_percent,
            NULL::double precision AS sleep_oxygen_saturation_percent,
            NULL::double precision AS vo2_max,
            NULL::double precision AS weight_kg,
            NULL::double precision AS body_mass_index,
            NULL::double precision AS systolic_mmhg,
            NULL::double precision AS diastolic_mmhg,
            NULL::double precision AS device_asleep_minutes,
            NULL::double precision AS device_deep_minutes,
            NULL::double precision AS device_rem_minutes,
            NULL::double precision AS device_in_bed_minutes
           FROM ( SELECT p.person_id,
                    b.user_id,
                    b.session_id,
                    b.sleep_date,
                    b.indexed_sleep_date,
                    b.time_zone,
                    b.time_zone_known,
                    b.local_bed_time,
                    b.local_sleep_time,
                    b.local_midpoint,
                    b.local_wake_time,
                    b.local_end_time,
                    b.start_time,
                    b.sleep_time,
                    b.wake_time,
                    b.end_time,
                    b.time_in_bed,
                    b.time_in_sleep_period,
                    b.time_in_sleep,
                    b.time_in_light,
                    b.time_in_deep,
                    b.time_in_rem,
                    b.time_in_wake,
                    b.waso_count,
                    b.longest_waso,
                    b.sleep_latency,
                    b.light_latency,
                    b.deep_latency,
                    b.rem_latency,
                    b.wakeup_latency,
                    b.sleep_efficiency,
                    b.sleep_index,
                    b.sleep_cycle_count,
                    b.sleep_cycle,
                    b.time_in_snoring,
                    b.snoring_count,
                    b.time_in_unstable_breath,
                    b.unstable_breath_count,
                    b.breathing_index,
                    b.state,
                    b.peculiarities,
                    b.validity,
                    b.missing_data_ratio,
                    b.has_stats,
                    b.delivery_id,
                    b.received_at,
                    b.local_weekday,
                    b.bed_minutes,
                    b.wake_minutes,
                    b.midpoint_minutes,
                    b.has_slept,
                    b.is_short_by_day,
                    row_number() OVER (PARTITION BY p.person_id, b.indexed_sleep_date ORDER BY (b.has_slept AND NOT b.is_short_by_day) DESC, b.time_in_sleep DESC NULLS LAST, b.start_time, b.user_id, b.session_id) AS rank
                   FROM people p
                     JOIN sleep_nights_base b ON b.user_id = p.owner
                  WHERE p.vendor = 'asleep'::text AND b.indexed_sleep_date IS NOT NULL) ranked
        UNION ALL
         SELECT p.person_id,
            s.local_date,
            NULL::text AS text,
            NULL::text AS text,
            NULL::text AS text,
            NULL::timestamp without time zone AS "timestamp",
            NULL::timestamp without time zone AS "timestamp",
            NULL::timestamp without time zone AS "timestamp",
            NULL::timestamp without time zone AS "timestamp",
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::integer AS int4,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::integer AS int4,
            NULL::integer AS int4,
            NULL::double precision AS float8,
            NULL::integer AS int4,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::text AS text,
            NULL::timestamp with time zone AS timestamptz,
            max(s.received_at) AS max,
            NULL::boolean AS bool,
            NULL::boolean AS bool,
            s.profile_id,
            (max(revision.value) FILTER (WHERE s.type = 'sleep'::text))[4] AS sleep_score,
            (max(revision.value) FILTER (WHERE s.type = 'activity'::text))[4] AS activity_score,
            (max(revision.value) FILTER (WHERE s.type = 'readiness'::text))[4] AS readiness_score,
            (max(revision.value) FILTER (WHERE s.type = 'wellbeing'::text))[4] AS wellbeing_score,
            (max(revision.value) FILTER (WHERE s.type = 'mental_wellbeing'::text))[4] AS mental_wellbeing_score,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8
           FROM people p
             JOIN scores s ON s.profile_id = p.owner
             CROSS JOIN LATERAL ( SELECT ARRAY[COALESCE(EXTRACT(epoch FROM s.created_at_utc - '1970-01-01 00:00:00+00'::timestamp with time zone)::double precision, '-Infinity'::double precision), COALESCE(s.version::double precision, '-Infinity'::double precision), EXTRACT(epoch FROM s.received_at - '1970-01-01 00:00:00+00'::timestamp with time zone)::double precision, s.score::double precision] AS value) revision
          WHERE p.vendor = 'sahha'::text AND s.local_date IS NOT NULL
          GROUP BY s.profile_id, p.person_id, s.local_date
        UNION ALL
         SELECT p.person_id,
            day.local_date,
            NULL::text AS text,
            NULL::text AS text,
            NULL::text AS text,
            NULL::timestamp without time zone AS "timestamp",
            NULL::timestamp without time zone AS "timestamp",
            NULL::timestamp without time zone AS "timestamp",
            NULL::timestamp without time zone AS "timestamp",
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::integer AS int4,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::integer AS int4,
            NULL::integer AS int4,
            NULL::double precision AS float8,
            NULL::integer AS int4,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::text AS text,
            NULL::timestamp with time zone AS timestamptz,
            max(b.received_at) AS max,
            NULL::boolean AS bool,
            NULL::boolean AS bool,
            b.profile_id,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            NULL::double precision AS float8,
            (max(revision.value) FILTER (WHERE b.type = 'steps'::text AND (b.unit = ANY (ARRAY['count'::text, 'steps'::text, 'step'::text]))))[4] AS steps,
            (max(revision.value) FILTER (WHERE b.type = 'floors_climbed'::text AND (b.unit = ANY (ARRAY['count'::text, 'floors'::text, 'floor'::text]))))[4] AS floors_climbed,
            (max(revision.value) FILTER (WHERE b.type = 'active_hours'::text AND (b.unit = ANY (ARRAY['hour'::text, 'hours'::text, 'h'::text]))))[4] AS active_hours,
            (max(revision.value) FILTER (WHERE b.type = 'activity_low_intensity_duration'::text AND (b.unit = ANY (ARRAY['minute'::text, 'minutes'::text, 'min'::text]))))[4] AS activity_low_minutes,
            (max(revision.value) FILTER (WHERE b.type = 'activity_medium_intensity_duration'::text AND (b.unit = ANY (ARRAY['minute'::text, 'minutes'::text, 'min'::text]))))[4] AS activity_medium_minutes,
            (max(revision.value) FILTER (WHERE b.type = 'activity_high_intensity_duration'::text AND (b.unit = ANY (ARRAY['minute'::text, 'minutes'::text, 'min'::text]))))[4] AS activity_high_minutes,
            (max(revision.value) FILTER (WHERE b.type = 'active_energy_burned'::text AND b.unit = 'kcal'::text))[4] AS active_energy_kcal,
            (max(revision.value) FILTER (WHERE b.type = 'total_energy_burned'::text AND b.unit = 'kcal'::text))[4] AS total_energy_kcal,
            (max(revision.value) FILTER (WHERE b.type = 'heart_rate_resting'::text AND b.unit = 'bpm'::text))[4] AS resting_heart_rate_bpm,
            (max(revision.value) FILTER (WHERE b.type = 'heart_rate_sleep'::text AND b.unit = 'bpm'::text))[4] AS sleep_heart_rate_bpm,
            (max(revision.value) FILTER (WHERE b.type = 'heart_rate_variability_rmssd'::text AND b.unit = 'ms'::text))[4] AS hrv_rmssd_ms,
            (max(revision.value) FILTER (WHERE b.type = 'heart_rate_variability_sdnn'::text AND b.unit = 'ms'::text))[4] AS hrv_sdnn_ms,
            (max(revision.value) FILTER (WHERE b.type = 'respiratory_rate'::text AND (b.unit = ANY (ARRAY['bpm'::text, 'brpm'::text]))))[4] AS respiratory_rate_bpm,
            (max(revision.value) FILTER (WHERE b.type = 'oxygen_saturation'::text AND (b.unit = ANY (ARRAY['percent'::text, '%'::text]))))[4] AS oxygen_saturation_percent,
            (max(revision.value) FILTER (WHERE b.type = 'oxygen_saturation_sleep'::text AND (b.unit = ANY (ARRAY['percent'::text, '%'::text]))))[4] AS sleep_oxygen_saturation_percent,
            (max(revision.value) FILTER (WHERE b.type = 'vo2_max'::text AND (b.unit = ANY (ARRAY['ml/kg/min'::text, 'mL/kg/min'::text]))))[4] AS vo2_max,
            (max(revision.value) FILTER (WHERE b.type = 'weight'::text AND b.unit = 'kg'::text))[4] AS weight_kg,
            (max(revision.value) FILTER (WHERE b.type = 'body_mass_index'::text AND (b.unit = ANY (ARRAY['kg/m2'::text, 'kg/m^2'::text, 'count'::text, 'index'::text]))))[4] AS body_mass_index,
            (max(revision.value) FILTER (WHERE b.type = 'blood_pressure_systolic'::text AND b.unit = 'mmHg'::text))[4] AS systolic_mmhg,
            (max(revision.value) FILTER (WHERE b.type = 'blood_pressure_diastolic'::text AND b.unit = 'mmHg'::text))[4] AS diastolic_mmhg,
            (max(revision.value) FILTER (WHERE b.type = 'sleep_duration'::text AND (b.unit = ANY (ARRAY['minute'::text, 'minutes'::text, 'min'::text]))))[4] AS device_asleep_minutes,
            (max(revision.value) FILTER (WHERE b.type = 'sleep_deep_duration'::text AND (b.unit = ANY (ARRAY['minute'::text, 'minutes'::text, 'min'::text]))))[4] AS device_deep_minutes,
            (max(revision.value) FILTER (WHERE b.type = 'sleep_rem_duration'::text AND (b.unit = ANY (ARRAY['minute'::text, 'minutes'::text, 'min'::text]))))[4] AS device_rem_minutes,
            (max(revision.value) FILTER (WHERE b.type = 'sleep_in_bed_duration'::text AND (b.unit = ANY (ARRAY['minute'::text, 'minutes'::text, 'min'::text]))))[4] AS device_in_bed_minutes
           FROM people p
             JOIN biomarkers b ON b.profile_id = p.owner
             CROSS JOIN LATERAL ( SELECT ((b.start_date_time AT TIME ZONE 'UTC'::text) + COALESCE(b.end_date_time - b.start_date_time, '00:00:00'::interval) / 2::double precision + COALESCE(b.utc_offset_minutes::integer, 0)::double precision * '00:01:00'::interval)::date AS local_date) day
             CROSS JOIN LATERAL ( SELECT ARRAY[COALESCE(EXTRACT(epoch FROM b.created_at_utc - '1970-01-01 00:00:00+00'::timestamp with time zone)::double precision, '-Infinity'::double precision), COALESCE(b.version::double precision, '-Infinity'::double precision), EXTRACT(epoch FROM b.received_at - '1970-01-01 00:00:00+00'::timestamp with time zone)::double precision, b.value_number::double precision] AS value) revision
          WHERE p.vendor = 'sahha'::text AND b.periodicity = 'daily'::text AND day.local_date IS NOT NULL AND b.value_number IS NOT NULL AND b.aggregation IS DISTINCT FROM 'minimum'::text AND b.aggregation IS DISTINCT FROM 'maximum'::text AND (b.type = ANY (ARRAY['steps'::text, 'floors_climbed'::text, 'active_hours'::text, 'activity_low_intensity_duration'::text, 'activity_medium_intensity_duration'::text, 'activity_high_intensity_duration'::text, 'active_energy_burned'::text, 'total_energy_burned'::text, 'heart_rate_resting'::text, 'heart_rate_sleep'::text, 'heart_rate_variability_rmssd'::text, 'heart_rate_variability_sdnn'::text, 'respiratory_rate'::text, 'oxygen_saturation'::text, 'oxygen_saturation_sleep'::text, 'vo2_max'::text, 'weight'::text, 'body_mass_index'::text, 'blood_pressure_systolic'::text, 'blood_pressure_diastolic'::text, 'sleep_duration'::text, 'sleep_deep_duration'::text, 'sleep_rem_duration'::text, 'sleep_in_bed_duration'::text]))
          GROUP BY b.profile_id, p.person_id, day.local_date) parts
  GROUP BY person_id, local_date;

create view daily_biomarkers as
 SELECT DISTINCT ON (b.profile_id, b.type, b.aggregation, day.local_date) b.profile_id,
    day.local_date,
    b.type,
    b.aggregation,
    b.value_number,
    b.value,
    b.unit,
    b.value_type,
    b.category,
    b.periodicity,
    b.external_id,
    b.start_date_time,
    b.end_date_time,
    b.utc_offset_minutes,
    b.id AS biomarker_id,
    b.created_at_utc,
    b.version,
    b.delivery_id,
    b.received_at
   FROM biomarkers b
     CROSS JOIN LATERAL ( SELECT ((b.start_date_time AT TIME ZONE 'UTC'::text) + COALESCE(b.end_date_time - b.start_date_time, '00:00:00'::interval) / 2::double precision + COALESCE(b.utc_offset_minutes::integer, 0)::double precision * '00:01:00'::interval)::date AS local_date) day
  WHERE b.start_date_time IS NOT NULL AND (b.periodicity IS NULL OR (b.periodicity = ANY (ARRAY['daily'::text, 'none'::text])))
  ORDER BY b.profile_id, b.type, b.aggregation, day.local_date, b.created_at_utc DESC NULLS LAST, b.version DESC NULLS LAST, b.received_at DESC, b.delivery_id DESC, b.id;

create view data_log_samples as
 SELECT l.profile_id,
    l.id AS sample_id,
    l.external_id,
    l.log_type,
    l.data_type,
    l.value,
    l.unit,
    l.start_date_time,
    l.end_date_time,
    l.local_date,
    l.utc_offset_minutes,
    l.source,
    l.device_type,
    l.recording_method,
    NULLIF(l.parent_id, ''::text) AS parent_id,
    p.body_position,
    p.meal_type,
    p.relation_to_meal,
    p.specimen_source,
    p.measurement_location,
    p.measurement_method,
    p.motion_context,
        CASE lower(p.device_screen_on)
            WHEN 'true'::text THEN true
            WHEN '1'::text THEN true
            WHEN 'false'::text THEN false
            WHEN '0'::text THEN false
            ELSE NULL::boolean
        END AS device_screen_on,
        CASE
            WHEN p.total_distance ~ '^[+-]?[0-9]{1,30}(\.[0-9]{0,30})?(e[+-]?[0-9]{1,2})?$'::text THEN p.total_distance::numeric
            ELSE NULL::numeric
        END AS total_distance,
        CASE
            WHEN p.total_energy_burned ~ '^[+-]?[0-9]{1,30}(\.[0-9]{0,30})?(e[+-]?[0-9]{1,2})?$'::text THEN p.total_energy_burned::numeric
            ELSE NULL::numeric
        END AS total_energy_burned,
    l.additional_properties,
    l.received_at_utc,
    l.delivery_id,
    l.received_at
   FROM data_logs l
     CROSS JOIN LATERAL ( SELECT COALESCE(properties.a ->> 'BodyPosition'::text, properties.a ->> 'bodyPosition'::text, properties.a ->> 'body_position'::text) AS body_position,
            COALESCE(properties.a ->> 'MealType'::text, properties.a ->> 'mealType'::text, properties.a ->> 'meal_type'::text) AS meal_type,
            COALESCE(properties.a ->> 'RelationToMeal'::text, properties.a ->> 'relationToMeal'::text, properties.a ->> 'relation_to_meal'::text) AS relation_to_meal,
            COALESCE(properties.a ->> 'SpecimenSource'::text, properties.a ->> 'specimenSource'::text, properties.a ->> 'specimen_source'::text) AS specimen_source,
            COALESCE(properties.a ->> 'MeasurementLocation'::text, properties.a ->> 'measurementLocation'::text, properties.a ->> 'measurement_location'::text) AS measurement_location,
            COALESCE(properties.a ->> 'MeasurementMethod'::text, properties.a ->> 'measurementMethod'::text, properties.a ->> 'measurement_method'::text) AS measurement_method,
            COALESCE(properties.a ->> 'MotionContext'::text, properties.a ->> 'motionContext'::text, properties.a ->> 'motion_context'::text) AS motion_context,
            COALESCE(properties.a ->> 'DeviceScreenOn'::text, properties.a ->> 'deviceScreenOn'::text, properties.a ->> 'device_screen_on'::text, properties.a ->> 'IsScreenOn'::text, properties.a ->> 'isScreenOn'::text, properties.a ->> 'is_screen_on'::text) AS device_screen_on,
            lower(COALESCE(properties.a ->> 'TotalDistance'::text, properties.a ->> 'totalDistance'::text, properties.a ->> 'total_distance'::text)) AS total_distance,
            lower(COALESCE(properties.a ->> 'TotalEnergyBurned'::text, properties.a ->> 'totalEnergyBurned'::text, properties.a ->> 'total_energy_burned'::text)) AS total_energy_burned
           FROM ( SELECT l.additional_properties AS a) properties) p;

create view delivery_bodies as
 SELECT d.owner,
    d.vendor,
    d.delivery_id,
    d.received_at,
    b.body
   FROM deliveries d
     CROSS JOIN LATERAL ( SELECT COALESCE(d.body, ( SELECT SUBSTRING(g.bytes FROM d.body_start FOR d.body_size) AS "substring"
                   FROM body_groups g
                  WHERE g.group_id = d.body_group), ( SELECT SUBSTRING(p.bytes FROM COALESCE(p.ends[p.nth - 1], 0) + 1 FOR p.ends[p.nth] - COALESCE(p.ends[p.nth - 1], 0)) AS "substring"
                   FROM ( SELECT p_1.ends,
                            p_1.bytes,
                            array_position(p_1.delivery_ids, d.delivery_id) AS nth
                           FROM body_packs p_1
                          WHERE p_1.owner = d.owner AND p_1.pack_id <= d.delivery_id AND p_1.last_id >= d.delivery_id AND (d.delivery_id = ANY (p_1.delivery_ids))
                          ORDER BY p_1.pack_id DESC
                         LIMIT 1) p)) AS body
         OFFSET 0) b
  WHERE b.body IS NOT NULL;

create view delivery_log as
 SELECT delivery_id,
    owner,
    vendor,
    event,
    user_id,
    authenticated_by,
    outcome,
    problem ->> 'code'::text AS problem_code,
    problem,
    COALESCE(body_size, octet_length(body)) AS body_bytes,
    received_at,
    last_received_at,
    times_received,
    normaliser_version,
    source
   FROM deliveries;

create view fhir_loinc_codes as
 SELECT type,
    sent_unit,
    periodicities,
    aggregations,
    code,
    display,
    unit,
    unit_code,
    category,
    source
   FROM ( VALUES ('sleep_duration'::text,'minute'::text,'{daily}'::text[],'{total}'::text[],'93832-4'::text,'Sleep duration'::text,'min'::text,'min'::text,'social-history'::text,'HL7 Personal Health Records 1.0.0-ballot2, ValueSet pcd-sleep-observation-code'::text), ('sleep_deep_duration'::text,'minute'::text,'{daily}'::text[],'{total}'::text[],'93831-6'::text,'Deep sleep duration'::text,'min'::text,'min'::text,'social-history'::text,'HL7 Personal Health Records 1.0.0-ballot2, ValueSet pcd-sleep-observation-code'::text), ('sleep_light_duration'::text,'minute'::text,'{daily}'::text[],'{total}'::text[],'93830-8'::text,'Light sleep duration'::text,'min'::text,'min'::text,'social-history'::text,'HL7 Personal Health Records 1.0.0-ballot2, ValueSet pcd-sleep-observation-code'::text), ('sleep_rem_duration'::text,'minute'::text,'{daily}'::text[],'{total}'::text[],'93829-0'::text,'REM sleep duration'::text,'min'::text,'min'::text,'social-history'::text,'HL7 Personal Health Records 1.0.0-ballot2, ValueSet pcd-sleep-observation-code'::text), ('steps'::text,'count'::text,'{daily}'::text[],'{total}'::text[],'41950-7'::text,'Number of steps in 24 hour Measured'::text,'steps per day'::text,'/d'::text,'activity'::text,'HL7 US Physical Activity 1.0.0, ValueSet pa-observation-code-time'::text), ('steps'::text,'count'::text,'{intraday,hourly,none}'::text[],'{total}'::text[],'55423-8'::text,'Number of steps in unspecified time Pedometer'::text,'steps'::text,'{steps}'::text,'activity'::text,'HealthKitOnFHIR (Stanford Biodesign Digital Health)'::text), ('total_energy_burned'::text,'kcal'::text,'{daily}'::text[],'{total}'::text[],'41979-6'::text,'Calories burned in 24 hour Calculated'::text,'kcal per day'::text,'kcal/d'::text,'activity'::text,'HL7 US Physical Activity 1.0.0, ValueSet pa-observation-code-time'::text), ('heart_rate'::text,'bpm'::text,NULL::text[],'{average,none}'::text[],'8867-4'::text,'Heart rate'::text,'beats/minute'::text,'/min'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('heart_rate_sleep'::text,'bpm'::text,NULL::text[],'{average,none}'::text[],'8867-4'::text,'Heart rate'::text,'beats/minute'::text,'/min'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('heart_rate_resting'::text,'bpm'::text,NULL::text[],'{average,none}'::text[],'40443-4'::text,'Heart rate --resting'::text,'beats/minute'::text,'/min'::text,'vital-signs'::text,'HL7 US Physical Activity 1.0.0, ValueSet pa-observation-code-time'::text), ('heart_rate_variability_sdnn'::text,'ms'::text,NULL::text[],'{average,none}'::text[],'80404-7'::text,'R-R interval.standard deviation (Heart rate variability)'::text,'ms'::text,'ms'::text,'vital-signs'::text,'HealthKitOnFHIR (Stanford Biodesign Digital Health)'::text), ('respiratory_rate'::text,'bpm'::text,NULL::text[],'{average,none}'::text[],'9279-1'::text,'Respiratory rate'::text,'breaths/minute'::text,'/min'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('respiratory_rate_sleep'::text,'bpm'::text,NULL::text[],'{average,none}'::text[],'9279-1'::text,'Respiratory rate'::text,'breaths/minute'::text,'/min'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('oxygen_saturation'::text,'percent'::text,NULL::text[],'{average,none}'::text[],'2708-6'::text,'Oxygen saturation in Arterial blood'::text,'%'::text,'%'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('oxygen_saturation_sleep'::text,'percent'::text,NULL::text[],'{average,none}'::text[],'2708-6'::text,'Oxygen saturation in Arterial blood'::text,'%'::text,'%'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('body_temperature'::text,'degC'::text,NULL::text[],'{average,none}'::text[],'8310-5'::text,'Body temperature'::text,'degrees C'::text,'Cel'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('body_temperature_basal'::text,'degC'::text,NULL::text[],'{average,none}'::text[],'8310-5'::text,'Body temperature'::text,'degrees C'::text,'Cel'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('blood_pressure_systolic'::text,'mmHg'::text,NULL::text[],'{average,none}'::text[],'8480-6'::text,'Systolic blood pressure'::text,'mmHg'::text,'mm[Hg]'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('blood_pressure_diastolic'::text,'mmHg'::text,NULL::text[],'{average,none}'::text[],'8462-4'::text,'Diastolic blood pressure'::text,'mmHg'::text,'mm[Hg]'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('blood_glucose'::text,'mg/dL'::text,NULL::text[],'{average,none}'::text[],'2339-0'::text,'Glucose [Mass/volume] in Blood'::text,'mg/dL'::text,'mg/dL'::text,'laboratory'::text,'HealthKitOnFHIR (Stanford Biodesign Digital Health)'::text), ('weight'::text,'kg'::text,NULL::text[],'{average,none}'::text[],'29463-7'::text,'Body weight'::text,'kg'::text,'kg'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('height'::text,'cm'::text,NULL::text[],'{average,none}'::text[],'8302-2'::text,'Body height'::text,'cm'::text,'cm'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('body_mass_index'::text,'kg/m2'::text,NULL::text[],'{average,none}'::text[],'39156-5'::text,'Body mass index (BMI) [Ratio]'::text,'kg/m2'::text,'kg/m2'::text,'vital-signs'::text,'HL7 FHIR R4, ValueSet observation-vitalsignresult'::text), ('vo2_max'::text,'ml/kg/min'::text,NULL::text[],'{average,none}'::text[],'94122-9'::text,'Oxygen consumption (VO2)/Body weight [Volume Rate Content] --peak during exercise'::text,'mL/kg/min'::text,'mL/kg/min'::text,'activity'::text,'HealthKitOnFHIR (Stanford Biodesign Digital Health)'::text)) codes(type, sent_unit, periodicities, aggregations, code, display, unit, unit_code, category, source);

create view fhir_observations as
 SELECT owner,
    vendor,
    external_id,
    id,
    status,
    code_system,
    code,
    local_date,
    effective_start,
    effective_end,
    received_at,
    delivery_id,
    jsonb_strip_nulls(jsonb_build_object('resourceType', 'Observation', 'id', id, 'identifier', jsonb_build_array(jsonb_build_object('system', record_system, 'value', record)), 'status', status, 'category', categories, 'code', jsonb_build_object('coding', codings, 'text', name), 'subject', jsonb_build_object('identifier', jsonb_build_object('system', owner_system, 'value', owner)), 'effectiveDateTime',
        CASE
            WHEN effective_end IS NULL THEN iso_instant(effective_start, start_offset)
            ELSE NULL::text
        END, 'effectivePeriod',
        CASE
            WHEN effective_end IS NOT NULL THEN jsonb_build_object('start', iso_instant(effective_start, start_offset), 'end', iso_instant(effective_end, end_offset))
            ELSE NULL::jsonb
        END, 'issued', iso_instant(received_at, 0), 'performer', performers, 'method',
        CASE
            WHEN method <> ''::text THEN jsonb_build_object('text', method)
            ELSE NULL::jsonb
        END) || value) AS resource
   FROM ( SELECT n.user_id AS owner,
            'asleep'::text AS vendor,
            '[{"display": "Asleep"}]'::jsonb AS performers,
            'urn:nightpost:asleep:user-id'::text AS owner_system,
            NULL::text AS external_id,
            name_uuid(jsonb_build_array('asleep', n.user_id, n.session_id, o.code)::text)::text AS id,
            'urn:nightpost:asleep:session-id'::text AS record_system,
            (n.session_id || '#'::text) || o.code AS record,
                CASE n.state
                    WHEN 'COMPLETE'::text THEN 'final'::text
                    ELSE 'preliminary'::text
                END AS status,
            '[{"coding": [{"code": "social-history", "system": "http://terminology.hl7.org/CodeSystem/observation-category"}]}]'::jsonb AS categories,
            o.code_system,
            o.code,
            o.codings,
            o.name,
            n.sleep_date AS local_date,
            o.effective_start,
                CASE
                    WHEN o.effective_end >= o.effective_start THEN o.effective_end
                    ELSE NULL::timestamp with time zone
                END AS effective_end,
            EXTRACT(epoch FROM o.local_start - (o.effective_start AT TIME ZONE 'UTC'::text))::integer / 60 AS start_offset,
            EXTRACT(epoch FROM o.local_end - (o.effective_end AT TIME ZONE 'UTC'::text))::integer / 60 AS end_offset,
            ''::text AS method,
            o.value || '{"device": {"display": "Asleep"}}'::jsonb AS value,
            n.received_at,
            n.delivery_id
           FROM sleep_nights n
             JOIN sleep_stats t ON t.user_id = n.user_id AND t.session_id = n.session_id
             CROSS JOIN LATERAL ( SELECT d.codings #>> '{0,system}'::text[] AS code_system,
                    d.codings #>> '{0,code}'::text[] AS code,
                    d.codings,
                    d.codings #>> '{0,display}'::text[] AS name,
                        CASE
                            WHEN d.is_episode THEN n.sleep_time
                            ELSE n.start_time
                        END AS effective_start,
                        CASE
                            WHEN d.is_episode THEN n.wake_time
                            ELSE n.end_time
                        END AS effective_end,
                        CASE
                            WHEN d.is_episode THEN n.local_sleep_time
                            ELSE n.local_bed_time
                        END AS local_start,
                        CASE
                            WHEN d.is_episode THEN n.local_wake_time
                            ELSE n.local_end_time
                        END AS local_end,
                        CASE
                            WHEN d.is_episode THEN jsonb_build_object('component', NULLIF(jsonb_path_query_array(jsonb_build_array('{"code": {"coding": [{"code": "latencyToSleepOnset", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Latency to sleep onset"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.sleep_latency::numeric / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')), '{"code": {"coding": [{"code": "latencyToArising", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Latency to arising"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.wakeup_latency::numeric / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')), '{"code": {"coding": [{"code": "totalSleepTime", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Total sleep time"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_sleep::numeric / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')), '{"code": {"coding": [{"code": "93830-8", "system": "http://loinc.org", "display": "Light sleep duration"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_light::numeric / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')), '{"code": {"coding": [{"code": "deepSleepDuration", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Deep sleep duration"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_deep::numeric / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')), '{"code": {"coding": [{"code": "remSleepDuration", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Rem sleep duration"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_rem::numeric / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')), '{"code": {"coding": [{"code": "wakeAfterSleepOnset", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Wake after sleep onset"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(round(t.time_in_wake::numeric / 60.0, 4)), 'unit', 'min', 'system', 'http://unitsofmeasure.org', 'code', 'min')), '{"code": {"coding": [{"code": "numberOfAwakenings", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Number of awakenings"}]}}'::jsonb || jsonb_build_object('valueInteger', t.waso_count), '{"code": {"coding": [{"code": "sleepEfficiencyPercentage", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Sleep efficiency percentage"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', trim_scale(t.sleep_ratio * 100::numeric), 'unit', '%', 'system', 'http://unitsofmeasure.org', 'code', '%')), '{"code": {"coding": [{"code": "isMainSleep", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/sleep-episode-codes", "display": "Is main sleep"}]}}'::jsonb || jsonb_build_object('valueBoolean', n.is_main_sleep), '{"code": {"coding": [{"code": "sleep_efficiency", "system": "urn:nightpost:asleep:stat", "display": "Time asleep over time in bed"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.sleep_efficiency, 'unit', '1', 'system', 'http://unitsofmeasure.org', 'code', '1')), '{"code": {"coding": [{"code": "sleep_index", "system": "urn:nightpost:asleep:stat", "display": "Sleep index of Asleep, 0 to 100"}]}}'::jsonb || jsonb_build_object('valueInteger', t.sleep_index), '{"code": {"coding": [{"code": "time_in_bed", "system": "urn:nightpost:asleep:stat", "display": "Time in bed"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.time_in_bed, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')), '{"code": {"coding": [{"code": "deep_latency", "system": "urn:nightpost:asleep:stat", "display": "Time from falling asleep to deep sleep"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.deep_latency, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')), '{"code": {"coding": [{"code": "rem_latency", "system": "urn:nightpost:asleep:stat", "display": "Time from falling asleep to REM sleep"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.rem_latency, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')), '{"code": {"coding": [{"code": "longest_waso", "system": "urn:nightpost:asleep:stat", "display": "Longest awakening after sleep onset"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.longest_waso, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')), '{"code": {"coding": [{"code": "time_in_snoring", "system": "urn:nightpost:asleep:stat", "display": "Time with snoring"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.time_in_snoring, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')), '{"code": {"coding": [{"code": "time_in_unstable_breath", "system": "urn:nightpost:asleep:stat", "display": "Time of unstable breathing"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', t.time_in_unstable_breath, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's')), '{"code": {"coding": [{"code": "snoring_count", "system": "urn:nightpost:asleep:stat", "display": "Spells of snoring"}]}}'::jsonb || jsonb_build_object('valueInteger', t.snoring_count), '{"code": {"coding": [{"code": "unstable_breath_count", "system": "urn:nightpost:asleep:stat", "display": "Spells of unstable breathing"}]}}'::jsonb || jsonb_build_object('valueInteger', t.unstable_breath_count), '{"code": {"coding": [{"code": "sleep_cycle_count", "system": "urn:nightpost:asleep:stat", "display": "Number of sleep cycles"}]}}'::jsonb || jsonb_build_object('valueInteger', t.sleep_cycle_count), '{"code": {"coding": [{"code": "missing_data_ratio", "system": "urn:nightpost:asleep:session", "display": "Share of the session without usable audio"}]}}'::jsonb || jsonb_build_object('valueQuantity', jsonb_build_object('value', n.missing_data_ratio, 'unit', '1', 'system', 'http://unitsofmeasure.org', 'code', '1'))), '$[*]?((@."valueQuantity"."value" != null || @."valueInteger" != null) || @."valueBoolean" != null)'::jsonpath), '[]'::jsonb))
                            ELSE jsonb_build_object('valueQuantity', jsonb_build_object('value', d.seconds, 'unit', 's', 'system', 'http://unitsofmeasure.org', 'code', 's'))
                        END AS value
                   FROM ( VALUES (true,'[{"code": "sleepEpisode", "system": "http://hl7.org/fhir/uv/phr/CodeSystem/observation-pghd-codes", "display": "Sleep episode"}]'::jsonb,NULL::integer), (false,'[{"code": "93832-4", "system": "http://loinc.org", "display": "Sleep duration"}, {"code": "time_in_sleep", "system": "urn:nightpost:asleep:stat"}]'::jsonb,t.time_in_sleep), (false,'[{"code": "93830-8", "system": "http://loinc.org", "display": "Light sleep duration"}, {"code": "time_in_light", "system": "urn:nightpost:asleep:stat"}]'::jsonb,t.time_in_light), (false,'[{"code": "93831-6", "system": "http://loinc.org", "display": "Deep sleep duration"}, {"code": "time_in_deep", "system": "urn:nightpost:asleep:stat"}]'::jsonb,t.time_in_deep), (false,'[{"code": "93829-0", "system": "http://loinc.org", "display": "REM sleep duration"}, {"code": "time_in_rem", "system": "urn:nightpost:asleep:stat"}]'::jsonb,t.time_in_rem)) d(is_episode, codings, seconds)
                  WHERE
                        CASE
                            WHEN d.is_episode THEN n.wake_time >= n.sleep_time
                            ELSE d.seconds IS NOT NULL AND n.start_time IS NOT NULL
                        END) o
        UNION ALL
         SELECT b.profile_id,
            'sahha'::text,
            '[{"display": "Sahha"}]'::jsonb,
            'urn:nightpost:sahha:profile-id'::text,
            b.external_id,
            name_uuid(jsonb_build_array('sahha', b.profile_id, 'biomarker', b.id)::text)::text AS name_uuid,
            'urn:nightpost:sahha:biomarker-id'::text,
            b.id,
                CASE
                    WHEN b.aggregation = 'total'::text AND b.category IS DISTINCT FROM 'sleep'::text AND b.created_at_utc < b.end_date_time THEN 'preliminary'::text
                    ELSE 'final'::text
                END AS "case",
            COALESCE(c.categories,
                CASE b.category
                    WHEN 'activity'::text THEN '[{"coding": [{"code": "activity", "system": "http://terminology.hl7.org/CodeSystem/observation-category"}]}]'::jsonb
                    WHEN 'sleep'::text THEN '[{"coding": [{"code": "social-history", "system": "http://terminology.hl7.org/CodeSystem/observation-category"}]}]'::jsonb
                    ELSE NULL::jsonb
                END) AS "coalesce",
                CASE
                    WHEN c.code IS NULL THEN 'urn:nightpost:sahha:biomarker'::text
                    ELSE 'http://loinc.org'::text
                END AS "case",
            COALESCE(c.code, b.type) AS "coalesce",
            COALESCE(c.codings,
                CASE
                    WHEN b.type ~ '^\S+( \S+)*$'::text THEN jsonb_build_array(jsonb_build_object('system', 'urn:nightpost:sahha:biomarker', 'code', b.type))
                    ELSE NULL::jsonb
                END) AS "coalesce",
            b.type,
            (((b.start_date_time + COALESCE(b.end_date_time - b.start_date_time, '00:00:00'::interval) / 2::double precision) AT TIME ZONE 'UTC'::text) + COALESCE(b.utc_offset_minutes::integer, 0)::double precision * '00:01:00'::interval)::date AS date,
            b.start_date_time,
                CASE
                    WHEN b.end_date_time >= b.start_date_time THEN b.end_date_time
                    ELSE NULL::timestamp with time zone
                END AS "case",
            b.utc_offset_minutes,
            b.end_utc_offset_minutes,
            concat_ws(', '::text,
                CASE
                    WHEN b.periodicity ~ '\S'::text THEN b.periodicity
                    ELSE NULL::text
                END,
                CASE
                    WHEN b.aggregation ~ '\S'::text THEN b.aggregation
                    ELSE NULL::text
                END) AS concat_ws,
                CASE
                    WHEN b.value_number IS NULL THEN jsonb_build_object('valueString', b.value)
                    ELSE jsonb_build_object('valueQuantity', jsonb_build_object('value', b.value_number, 'unit', COALESCE(c.unit,
                    CASE
                        WHEN b.unit ~ '\S'::text THEN b.unit
                        ELSE NULL::text
                    END), 'system',
                    CASE
                        WHEN c.code IS NOT NULL THEN 'http://unitsofmeasure.org'::text
                        ELSE NULL::text
                    END, 'code', c.unit_code))
                END AS jsonb_build_object,
            b.received_at,
            b.delivery_id
           FROM biomarkers b
             LEFT JOIN ( SELECT fhir_loinc_codes.type,
                    fhir_loinc_codes.sent_unit,
                    fhir_loinc_codes.periodicities,
                    fhir_loinc_codes.aggregations,
                    fhir_loinc_codes.code,
                    fhir_loinc_codes.unit,
                    fhir_loinc_codes.unit_code,
                    jsonb_build_array(jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('system', 'http://terminology.hl7.org/CodeSystem/observation-category', 'code', fhir_loinc_codes.category)))) AS categories,
                    jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', fhir_loinc_codes.code, 'display', fhir_loinc_codes.display), jsonb_build_object('system', 'urn:nightpost:sahha:biomarker', 'code', fhir_loinc_codes.type)) AS codings
                   FROM fhir_loinc_codes) c ON c.type = b.type AND c.sent_unit = b.unit AND b.value_number IS NOT NULL AND (c.periodicities IS NULL OR (COALESCE(b.periodicity, 'none'::text) = ANY (c.periodicities))) AND (COALESCE(b.aggregation, 'none'::text) = ANY (c.aggregations))
          WHERE b.start_date_time IS NOT NULL AND b.type ~ '\S'::text AND (b.value_number IS NOT NULL OR b.value ~ '\S'::text)
        UNION ALL
         SELECT s.profile_id,
            'sahha'::text,
            '[{"display": "Sahha"}]'::jsonb,
            'urn:nightpost:sahha:profile-id'::text,
            s.external_id,
            name_uuid(jsonb_build_array('sahha', s.profile_id, 'score', s.id)::text)::text AS name_uuid,
            'urn:nightpost:sahha:score-id'::text,
            s.id,
            'final'::text,
            NULL::jsonb,
            'urn:nightpost:sahha:score'::text,
            s.type,
                CASE
                    WHEN s.type ~ '^\S+( \S+)*$'::text THEN jsonb_build_array(jsonb_build_object('system', 'urn:nightpost:sahha:score', 'code', s.type))
                    ELSE NULL::jsonb
                END AS "case",
            s.type,
            s.local_date,
            s.score_date_time,
            NULL::timestamp with time zone,
            s.utc_offset_minutes,
            NULL::integer,
            ''::text,
            jsonb_build_object('valueQuantity', jsonb_build_object('value', s.score, 'unit', '1', 'system', 'http://unitsofmeasure.org', 'code', '1'), 'interpretation',
                CASE
                    WHEN s.state ~ '\S'::text THEN jsonb_build_array(jsonb_build_object('text', s.state))
                    ELSE NULL::jsonb
                END) AS jsonb_build_object,
            s.received_at,
            s.delivery_id
           FROM scores s
          WHERE s.score IS NOT NULL AND s.score_date_time IS NOT NULL AND s.type ~ '\S'::text) observations;

create view latest_score_factors as
 SELECT s.profile_id,
    s.type,
    s.score_id,
    s.external_id,
    s.local_date,
    s.score AS type_score,
    f."position",
    f.name,
    f.value,
    f.goal,
    f.unit,
    f.score,
    f.state,
    f.id AS factor_id,
    f.delivery_id,
    f.received_at
   FROM latest_scores s
     JOIN score_factors f ON f.profile_id = s.profile_id AND f.score_id = s.score_id;

create view latest_scores as
 SELECT DISTINCT ON (profile_id, type) profile_id,
    type,
    id AS score_id,
    external_id,
    score,
    state,
    local_date,
    score_date_time,
    utc_offset_minutes,
    data_sources,
    created_at_utc,
    version,
    delivery_id,
    received_at
   FROM scores
  ORDER BY profile_id, type, score_date_time DESC NULLS LAST, created_at_utc DESC NULLS LAST, version DESC NULLS LAST, received_at DESC, delivery_id DESC, id;

create view open_mhealth_sleep_episodes as
 SELECT user_id,
    session_id,
    id,
    sleep_date,
    start_time,
    end_time,
    received_at,
    delivery_id,
    jsonb_build_object('header', jsonb_build_object('uuid', id, 'schema_id', jsonb_build_object('namespace', 'ieee', 'name', 'sleep-episode', 'version', '1.0'), 'source_creation_date_time', iso_instant(received_at, 0), 'modality', 'sensed'), 'body', jsonb_strip_nulls(jsonb_build_object('effective_time_frame', jsonb_build_object('time_interval', jsonb_build_object('start_date_time', iso_instant(start_time, start_offset), 'end_date_time', iso_instant(end_time, end_offset))), 'latency_to_sleep_onset',
        CASE
            WHEN sleep_latency IS NOT NULL THEN jsonb_build_object('value', sleep_latency, 'unit', 'sec')
            ELSE NULL::jsonb
        END, 'latency_to_arising',
        CASE
            WHEN wakeup_latency IS NOT NULL THEN jsonb_build_object('value', wakeup_latency, 'unit', 'sec')
            ELSE NULL::jsonb
        END, 'total_sleep_time',
        CASE
            WHEN time_in_sleep IS NOT NULL THEN jsonb_build_object('value', time_in_sleep, 'unit', 'sec')
            ELSE NULL::jsonb
        END, 'light_sleep_duration',
        CASE
            WHEN time_in_light IS NOT NULL THEN jsonb_build_object('value', time_in_light, 'unit', 'sec')
            ELSE NULL::jsonb
        END, 'deep_sleep_duration',
        CASE
            WHEN time_in_deep IS NOT NULL THEN jsonb_build_object('value', time_in_deep, 'unit', 'sec')
            ELSE NULL::jsonb
        END, 'rem_sleep_duration',
        CASE
            WHEN time_in_rem IS NOT NULL THEN jsonb_build_object('value', time_in_rem, 'unit', 'sec')
            ELSE NULL::jsonb
        END, 'wake_after_sleep_onset',
        CASE
            WHEN time_in_wake IS NOT NULL THEN jsonb_build_object('value', time_in_wake, 'unit', 'sec')
            ELSE NULL::jsonb
        END, 'number_of_awakenings', waso_count, 'is_main_sleep', is_main_sleep, 'sleep_efficiency_percentage',
        CASE
            WHEN sleep_ratio IS NOT NULL THEN jsonb_build_object('value', trim_scale(sleep_ratio * 100::numeric), 'unit', '%')
            ELSE NULL::jsonb
        END))) AS document
   FROM ( SELECT n.user_id,
            n.session_id,
            n.sleep_date,
            n.sleep_time AS start_time,
            n.wake_time AS end_time,
            n.is_main_sleep,
            t.sleep_latency,
            t.wakeup_latency,
            t.time_in_sleep,
            t.time_in_light,
            t.time_in_deep,
            t.time_in_rem,
            t.time_in_wake,
            t.waso_count,
            t.sleep_ratio,
            n.received_at,
            n.delivery_id,
            name_uuid(jsonb_build_array('asleep', n.user_id, n.session_id, n.delivery_id)::text) AS id,
            EXTRACT(epoch FROM n.local_sleep_time - (n.sleep_time AT TIME ZONE 'UTC'::text))::integer / 60 AS start_offset,
            EXTRACT(epoch FROM n.local_wake_time - (n.wake_time AT TIME ZONE 'UTC'::text))::integer / 60 AS end_offset
           FROM sleep_nights n
             JOIN sleep_stats t ON t.user_id = n.user_id AND t.session_id = n.session_id
          WHERE n.state = 'COMPLETE'::text AND n.wake_time >= n.sleep_time) nights;

create view people as
 SELECT o.person_id,
    o.vendor,
    o.owner,
    o.user_id,
    l.owner IS NOT NULL AS is_linked,
    o.first_received_at
   FROM owners o
     LEFT JOIN person_links l ON l.owner = o.owner AND l.vendor = o.vendor;

create view score_data_sources as
 SELECT s.profile_id,
    s.id AS score_id,
    (d."position" - 1)::integer AS "position",
    d.data_source,
    s.delivery_id,
    s.received_at
   FROM scores s
     CROSS JOIN LATERAL unnest(s.data_sources) WITH ORDINALITY d(data_source, "position");

create view sleep_epochs as
 SELECT user_id,
    session_id,
    series,
    epoch_index,
    start_time + epoch_index::double precision * '00:00:30'::interval AS starts_at,
    stage,
        CASE
            WHEN series = 'sleep'::text THEN
            CASE stage
                WHEN '-1'::integer THEN 'no_data'::text
                WHEN 0 THEN 'wake'::text
                WHEN 1 THEN 'light'::text
                WHEN 2 THEN 'deep'::text
                WHEN 3 THEN 'rem'::text
                ELSE NULL::text
            END
            WHEN series = 'snoring'::text THEN
            CASE stage
                WHEN '-1'::integer THEN 'no_data'::text
                WHEN 0 THEN 'no_snoring'::text
                WHEN 1 THEN 'snoring'::text
                ELSE NULL::text
            END
            ELSE NULL::text
        END AS stage_name,
    provisional
   FROM ( SELECT a.user_id,
            a.session_id,
            a.series,
            s.start_time,
            u."position" - 1 AS epoch_index,
            u.stage,
            false AS provisional
           FROM sleep_stage_series a
             JOIN sleep_sessions s ON s.user_id = a.user_id AND s.session_id = a.session_id
             CROSS JOIN LATERAL unnest(a.stages) WITH ORDINALITY u(stage, "position")
        UNION ALL
         SELECT w.user_id,
            w.session_id,
            w.series,
            w.start_time,
            w.first_epoch + u."position" - 1,
            u.stage,
            true
           FROM sleep_provisional_slices w
             CROSS JOIN LATERAL unnest(w.stages) WITH ORDINALITY u(stage, "position")) epochs;

create view sleep_nights as
 SELECT user_id,
    session_id,
    sleep_date,
    time_zone,
    time_zone_known,
    local_bed_time,
    local_sleep_time,
    local_wake_time,
    local_end_time,
    start_time,
    sleep_time,
    wake_time,
    end_time,
    round(time_in_bed::numeric / 60.0, 2) AS in_bed_minutes,
    round(time_in_sleep_period::numeric / 60.0, 2) AS sleep_period_minutes,
    round(time_in_sleep::numeric / 60.0, 2) AS asleep_minutes,
    round(time_in_light::numeric / 60.0, 2) AS light_minutes,
    round(time_in_deep::numeric / 60.0, 2) AS deep_minutes,
    round(time_in_rem::numeric / 60.0, 2) AS rem_minutes,
    round(time_in_wake::numeric / 60.0, 2) AS waso_minutes,
    waso_count,
    round(longest_waso::numeric / 60.0, 2) AS longest_waso_minutes,
    round(sleep_latency::numeric / 60.0, 2) AS sleep_latency_minutes,
    round(light_latency::numeric / 60.0, 2) AS light_latency_minutes,
    round(deep_latency::numeric / 60.0, 2) AS deep_latency_minutes,
    round(rem_latency::numeric / 60.0, 2) AS rem_latency_minutes,
    round(wakeup_latency::numeric / 60.0, 2) AS wakeup_latency_minutes,
    sleep_efficiency,
    sleep_index,
    sleep_cycle_count,
    round(sleep_cycle / 60.0, 2) AS sleep_cycle_minutes,
    round(time_in_snoring::numeric / 60.0, 2) AS snoring_minutes,
    snoring_count,
    round(time_in_unstable_breath::numeric / 60.0, 2) AS unstable_breath_minutes,
    unstable_breath_count,
    breathing_index,
    state,
    peculiarities,
    validity,
    missing_data_ratio,
    has_stats,
    delivery_id,
    received_at,
    local_weekday,
    bed_minutes,
    wake_minutes,
    midpoint_minutes,
    has_slept AND NOT is_short_by_day AND rank = 1 AS is_main_sleep,
    has_slept AND (is_short_by_day OR rank > 1) AS is_nap
   FROM ( SELECT b.user_id,
            b.session_id,
            b.sleep_date,
            b.indexed_sleep_date,
            b.time_zone,
            b.time_zone_known,
            b.local_bed_time,
            b.local_sleep_time,
            b.local_midpoint,
            b.local_wake_time,
            b.local_end_time,
            b.start_time,
            b.sleep_time,
            b.wake_time,
            b.end_time,
            b.time_in_bed,
            b.time_in_sleep_period,
            b.time_in_sleep,
            b.time_in_light,
            b.time_in_deep,
            b.time_in_rem,
            b.time_in_wake,
            b.waso_count,
            b.longest_waso,
            b.sleep_latency,
            b.light_latency,
            b.deep_latency,
            b.rem_latency,
            b.wakeup_latency,
            b.sleep_efficiency,
            b.sleep_index,
            b.sleep_cycle_count,
            b.sleep_cycle,
            b.time_in_snoring,
            b.snoring_count,
            b.time_in_unstable_breath,
            b.unstable_breath_count,
            b.breathing_index,
            b.state,
            b.peculiarities,
            b.validity,
            b.missing_data_ratio,
            b.has_stats,
            b.delivery_id,
            b.received_at,
            b.local_weekday,
            b.bed_minutes,
            b.wake_minutes,
            b.midpoint_minutes,
            b.has_slept,
            b.is_short_by_day,
            row_number() OVER (PARTITION BY b.user_id, b.sleep_date ORDER BY (b.has_slept AND NOT b.is_short_by_day) DESC, b.time_in_sleep DESC NULLS LAST, b.start_time, b.session_id) AS rank
           FROM sleep_nights_base b) ranked;

create view sleep_nights_base as
 SELECT user_id,
    session_id,
    sleep_date,
    indexed_sleep_date,
    time_zone,
    time_zone_known,
    local_bed_time,
    local_sleep_time,
    local_midpoint,
    local_wake_time,
    local_end_time,
    start_time,
    sleep_time,
    wake_time,
    end_time,
    time_in_bed,
    time_in_sleep_period,
    time_in_sleep,
    time_in_light,
    time_in_deep,
    time_in_rem,
    time_in_wake,
    waso_count,
    longest_waso,
    sleep_latency,
    light_latency,
    deep_latency,
    rem_latency,
    wakeup_latency,
    sleep_efficiency,
    sleep_index,
    sleep_cycle_count,
    sleep_cycle,
    time_in_snoring,
    snoring_count,
    time_in_unstable_breath,
    unstable_breath_count,
    breathing_index,
    state,
    peculiarities,
    validity,
    missing_data_ratio,
    has_stats,
    delivery_id,
    received_at,
    EXTRACT(isodow FROM sleep_date)::smallint AS local_weekday,
    EXTRACT(epoch FROM local_bed_time - sleep_date::timestamp without time zone)::double precision / 60.0::double precision AS bed_minutes,
    EXTRACT(epoch FROM local_wake_time - sleep_date::timestamp without time zone)::double precision / 60.0::double precision AS wake_minutes,
    EXTRACT(epoch FROM local_midpoint - sleep_date::timestamp without time zone)::double precision / 60.0::double precision AS midpoint_minutes,
    COALESCE(time_in_sleep > 0, false) AS has_slept,
    COALESCE(time_in_sleep < 10800 AND local_midpoint::time without time zone >= '09:00:00'::time without time zone AND local_midpoint::time without time zone < '21:00:00'::time without time zone, false) AS is_short_by_day
   FROM ( SELECT s.user_id,
            s.session_id,
            (COALESCE(t.wake_time, s.end_time, s.unexpected_end_time) AT TIME ZONE zone.name)::date AS sleep_date,
            s.sleep_date AS indexed_sleep_date,
            zone.name AS time_zone,
            COALESCE(created.name, sent.name) IS NOT NULL AS time_zone_known,
            (s.start_time AT TIME ZONE zone.name) AS local_bed_time,
            (t.sleep_time AT TIME ZONE zone.name) AS local_sleep_time,
            ((t.sleep_time + (t.wake_time - t.sleep_time) / 2::double precision) AT TIME ZONE zone.name) AS local_midpoint,
            (t.wake_time AT TIME ZONE zone.name) AS local_wake_time,
            (COALESCE(s.end_time, s.unexpected_end_time) AT TIME ZONE zone.name) AS local_end_time,
            s.start_time,
            t.sleep_time,
            t.wake_time,
            COALESCE(s.end_time, s.unexpected_end_time) AS end_time,
            t.time_in_bed,
            t.time_in_sleep_period,
            t.time_in_sleep,
            t.time_in_light,
            t.time_in_deep,
            t.time_in_rem,
            t.time_in_wake,
            t.waso_count,
            t.longest_waso,
            t.sleep_latency,
            t.light_latency,
            t.deep_latency,
            t.rem_latency,
            t.wakeup_latency,
            t.sleep_efficiency,
            t.sleep_index,
            t.sleep_cycle_count,
            t.sleep_cycle,
            t.time_in_snoring,
            t.snoring_count,
            t.time_in_unstable_breath,
            t.unstable_breath_count,
            t.breathing_index,
            s.state,
            s.peculiarities,
            s.validity,
            s.missing_data_ratio,
            t.user_id IS NOT NULL AS has_stats,
            s.delivery_id,
            s.received_at
           FROM sleep_sessions s
             LEFT JOIN sleep_stats t ON t.user_id = s.user_id AND t.session_id = s.session_id
             LEFT JOIN time_zones created ON created.name = s.created_timezone
             LEFT JOIN time_zones sent ON sent.name = s.timezone
             CROSS JOIN LATERAL ( SELECT COALESCE(created.name, sent.name, 'UTC'::text) AS name) zone) night;

create view sleep_provisional_slices as
 SELECT user_id,
    session_id,
    series,
    inference_seq_num,
    GREATEST(first_epoch, 0::bigint) AS first_epoch,
    stages[GREATEST(1 - first_epoch, 1::bigint)::integer:LEAST(later_first_epoch - first_epoch, cardinality(stages)::bigint)::integer] AS stages,
    start_time
   FROM ( SELECT w.user_id,
            w.session_id,
            w.series,
            w.inference_seq_num,
            w.stages,
            s.start_time,
            span.first_epoch,
            min(span.first_epoch) OVER (PARTITION BY w.user_id, w.session_id, w.series ORDER BY w.inference_seq_num DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later_first_epoch
           FROM sleep_stage_windows w
             LEFT JOIN sleep_sessions s ON s.user_id = w.user_id AND s.session_id = w.session_id
             CROSS JOIN LATERAL ( SELECT 10 * (w.inference_seq_num::bigint + 1) - cardinality(w.stages) AS first_epoch) span
          WHERE w.inference_seq_num >= 0 AND s.state IS DISTINCT FROM 'COMPLETE'::text AND NOT (EXISTS ( SELECT
                   FROM sleep_stage_series final
                  WHERE final.user_id = w.user_id AND final.session_id = w.session_id AND final.series = w.series))) positioned;

create view sleep_session_peculiarities as
 SELECT s.user_id,
    s.session_id,
    (p."position" - 1)::integer AS "position",
    p.peculiarity,
    s.delivery_id,
    s.received_at
   FROM sleep_sessions s
     CROSS JOIN LATERAL unnest(s.peculiarities) WITH ORDINALITY p(peculiarity, "position");

create view sleep_stage_intervals as
 SELECT user_id,
    session_id,
    series,
    first_epoch,
    epochs,
    start_time + first_epoch::double precision * '00:00:30'::interval AS starts_at,
    start_time + (first_epoch + epochs)::double precision * '00:00:30'::interval AS ends_at,
    epochs * 30 AS duration_seconds,
    stage,
        CASE
            WHEN series = 'sleep'::text THEN
            CASE stage
                WHEN '-1'::integer THEN 'no_data'::text
                WHEN 0 THEN 'wake'::text
                WHEN 1 THEN 'light'::text
                WHEN 2 THEN 'deep'::text
                WHEN 3 THEN 'rem'::text
                ELSE NULL::text
            END
            WHEN series = 'snoring'::text THEN
            CASE stage
                WHEN '-1'::integer THEN 'no_data'::text
                WHEN 0 THEN 'no_snoring'::text
                WHEN 1 THEN 'snoring'::text
                ELSE NULL::text
            END
            ELSE NULL::text
        END AS stage_name,
    provisional
   FROM ( SELECT a.user_id,
            a.session_id,
            a.series,
            s.start_time,
            run.first_epoch,
            run.epochs,
            run.stage,
            false AS provisional
           FROM sleep_stage_series a
             JOIN sleep_sessions s ON s.user_id = a.user_id AND s.session_id = a.session_id
             CROSS JOIN LATERAL ( SELECT u."position" - 1 AS first_epoch,
                    lead(u."position") OVER (ORDER BY u."position") - u."position" AS epochs,
                    u.stage
                   FROM UNNEST(a.stages, array_prepend(NULL::smallint, a.stages)) WITH ORDINALITY u(stage, stage_before, "position")
                  WHERE u.stage IS DISTINCT FROM u.stage_before) run
          WHERE run.stage IS NOT NULL
        UNION ALL
         SELECT p.user_id,
            p.session_id,
            p.series,
            p.start_time,
            run.first_epoch,
            run.epochs,
            run.stage,
            true
           FROM ( SELECT w.user_id,
                    w.session_id,
                    w.series,
                    w.start_time,
                    array_agg(w.first_epoch + u."position" - 1 ORDER BY w.inference_seq_num, u."position") AS indexes,
                    array_agg(u.stage ORDER BY w.inference_seq_num, u."position") AS stages
                   FROM sleep_provisional_slices w
                     CROSS JOIN LATERAL unnest(w.stages) WITH ORDINALITY u(stage, "position")
                  GROUP BY w.user_id, w.session_id, w.series, w.start_time) p
             CROSS JOIN LATERAL ( SELECT u.epoch_index AS first_epoch,
                    lead(u."position") OVER (ORDER BY u."position") - u."position" AS epochs,
                    u.stage
                   FROM UNNEST(p.indexes, p.stages, array_prepend(NULL::bigint, p.indexes), array_prepend(NULL::smallint, p.stages)) WITH ORDINALITY u(epoch_index, stage, epoch_before, stage_before, "position")
                  WHERE u.stage IS DISTINCT FROM u.stage_before OR u.epoch_index <> (u.epoch_before + 1)) run
          WHERE run.stage IS NOT NULL) runs;

create materialized view time_zones as
 SELECT DISTINCT name
   FROM pg_timezone_names
  WHERE (name ~ '[/a-z]'::text OR (name = ANY (ARRAY['UTC'::text, 'GMT'::text]))) AND name !~ '^(posix|right)/'::text AND (name <> ALL (ARRAY['localtime'::text, 'posixrules'::text, 'Factory'::text]));

create view user_days as
 SELECT person_id,
    local_date,
    local_weekday,
    user_id,
    session_id,
    time_zone,
    local_bed_time,
    local_sleep_time,
    local_wake_time,
    local_end_time,
    bed_minutes,
    wake_minutes,
    midpoint_minutes,
    in_bed_minutes,
    sleep_period_minutes,
    asleep_minutes,
    light_minutes,
    deep_minutes,
    rem_minutes,
    waso_minutes,
    waso_count,
    longest_waso_minutes,
    sleep_latency_minutes,
    deep_latency_minutes,
    rem_latency_minutes,
    sleep_efficiency,
    sleep_index,
    sleep_cycle_count,
    snoring_minutes,
    snoring_count,
    unstable_breath_minutes,
    breathing_index,
    missing_data_ratio,
    nap_count,
    nap_minutes,
    session_count,
    is_provisional,
    received_after_minutes,
    is_late,
    profile_id,
    sleep_score,
    activity_score,
    readiness_score,
    wellbeing_score,
    mental_wellbeing_score,
    steps,
    floors_climbed,
    active_hours,
    activity_low_minutes,
    activity_medium_minutes,
    activity_high_minutes,
    active_energy_kcal,
    total_energy_kcal,
    resting_heart_rate_bpm,
    sleep_heart_rate_bpm,
    hrv_rmssd_ms,
    hrv_sdnn_ms,
    respiratory_rate_bpm,
    oxygen_saturation_percent,
    sleep_oxygen_saturation_percent,
    vo2_max,
    weight_kg,
    body_mass_index,
    systolic_mmhg,
    diastolic_mmhg,
    device_asleep_minutes,
    device_deep_minutes,
    device_rem_minutes,
    device_in_bed_minutes,
    received_at
   FROM stored_days d
  WHERE ( SELECT stored_days_are_complete() AS stored_days_are_complete) AND NOT (EXISTS ( SELECT
           FROM changed_persons() changed(person)
          WHERE changed.person = hashtextextended(person_id, 0::bigint)))
UNION ALL
 SELECT c.person_id,
    c.local_date,
    c.local_weekday,
    c.user_id,
    c.session_id,
    c.time_zone,
    c.local_bed_time,
    c.local_sleep_time,
    c.local_wake_time,
    c.local_end_time,
    c.bed_minutes,
    c.wake_minutes,
    c.midpoint_minutes,
    c.in_bed_minutes,
    c.sleep_period_minutes,
    c.asleep_minutes,
    c.light_minutes,
    c.deep_minutes,
    c.rem_minutes,
    c.waso_minutes,
    c.waso_count,
    c.longest_waso_minutes,
    c.sleep_latency_minutes,
    c.deep_latency_minutes,
    c.rem_latency_minutes,
    c.sleep_efficiency,
    c.sleep_index,
    c.sleep_cycle_count,
    c.snoring_minutes,
    c.snoring_count,
    c.unstable_breath_minutes,
    c.breathing_index,
    c.missing_data_ratio,
    c.nap_count,
    c.nap_minutes,
    c.session_count,
    c.is_provisional,
    c.received_after_minutes,
    c.is_late,
    c.profile_id,
    c.sleep_score,
    c.activity_score,
    c.readiness_score,
    c.wellbeing_score,
    c.mental_wellbeing_score,
    c.steps,
    c.floors_climbed,
    c.active_hours,
    c.activity_low_minutes,
    c.activity_medium_minutes,
    c.activity_high_minutes,
    c.active_energy_kcal,
    c.total_energy_kcal,
    c.resting_heart_rate_bpm,
    c.sleep_heart_rate_bpm,
    c.hrv_rmssd_ms,
    c.hrv_sdnn_ms,
    c.respiratory_rate_bpm,
    c.oxygen_saturation_percent,
    c.sleep_oxygen_saturation_percent,
    c.vo2_max,
    c.weight_kg,
    c.body_mass_index,
    c.systolic_mmhg,
    c.diastolic_mmhg,
    c.device_asleep_minutes,
    c.device_deep_minutes,
    c.device_rem_minutes,
    c.device_in_bed_minutes,
    c.received_at
   FROM computed_days c
  WHERE ( SELECT stored_days_are_complete() AS stored_days_are_complete) AND (hashtextextended(c.person_id, 0::bigint) = ANY ((ARRAY( SELECT changed_persons() AS changed_persons))))
UNION ALL
 SELECT c.person_id,
    c.local_date,
    c.local_weekday,
    c.user_id,
    c.session_id,
    c.time_zone,
    c.local_bed_time,
    c.local_sleep_time,
    c.local_wake_time,
    c.local_end_time,
    c.bed_minutes,
    c.wake_minutes,
    c.midpoint_minutes,
    c.in_bed_minutes,
    c.sleep_period_minutes,
    c.asleep_minutes,
    c.light_minutes,
    c.deep_minutes,
    c.rem_minutes,
    c.waso_minutes,
    c.waso_count,
    c.longest_waso_minutes,
    c.sleep_latency_minutes,
    c.deep_latency_minutes,
    c.rem_latency_minutes,
    c.sleep_efficiency,
    c.sleep_index,
    c.sleep_cycle_count,
    c.snoring_minutes,
    c.snoring_count,
    c.unstable_breath_minutes,
    c.breathing_index,
    c.missing_data_ratio,
    c.nap_count,
    c.nap_minutes,
    c.session_count,
    c.is_provisional,
    c.received_after_minutes,
    c.is_late,
    c.profile_id,
    c.sleep_score,
    c.activity_score,
    c.readiness_score,
    c.wellbeing_score,
    c.mental_wellbeing_score,
    c.steps,
    c.floors_climbed,
    c.active_hours,
    c.activity_low_minutes,
    c.activity_medium_minutes,
    c.activity_high_minutes,
    c.active_energy_kcal,
    c.total_energy_kcal,
    c.resting_heart_rate_bpm,
    c.sleep_heart_rate_bpm,
    c.hrv_rmssd_ms,
    c.hrv_sdnn_ms,
    c.respiratory_rate_bpm,
    c.oxygen_saturation_percent,
    c.sleep_oxygen_saturation_percent,
    c.vo2_max,
    c.weight_kg,
    c.body_mass_index,
    c.systolic_mmhg,
    c.diastolic_mmhg,
    c.device_asleep_minutes,
    c.device_deep_minutes,
    c.device_rem_minutes,
    c.device_in_bed_minutes,
    c.received_at
   FROM computed_days c
  WHERE NOT ( SELECT stored_days_are_complete() AS stored_days_are_complete);

CREATE OR REPLACE FUNCTION public.change_feed_server()
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
  database text := (SELECT oid FROM pg_database WHERE datname = current_database());
BEGIN
  RETURN (SELECT system_identifier FROM pg_control_system()) || '/' || database;
EXCEPTION
  WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    RETURN 'unknown/' || database;
END $function$;

CREATE OR REPLACE FUNCTION public.change_feed_timeline()
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN 0;
  END IF;
  RETURN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint;
EXCEPTION
  WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    RETURN 0;
END $function$;

CREATE OR REPLACE FUNCTION public.changed_persons()
 RETURNS SETOF bigint
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER ROWS 100
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET jit TO 'off'
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.composite_phase_deviation_hours(user_id text, from_date date DEFAULT '-infinity'::date, to_date date DEFAULT 'infinity'::date, reference_minutes double precision DEFAULT NULL::double precision, free_days smallint[] DEFAULT '{6,7}'::smallint[])
 RETURNS double precision
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 WITH nights AS MATERIALIZED (
          SELECT n_1.sleep_date,
             n_1.midpoint_minutes,
             n_1.local_weekday
            FROM sleep_nights n_1
           WHERE ((n_1.user_id = composite_phase_deviation_hours.user_id) AND ((n_1.sleep_date >= composite_phase_deviation_hours.from_date) AND (n_1.sleep_date <= composite_phase_deviation_hours.to_date)) AND n_1.is_main_sleep)
         ), reference AS (
          SELECT COALESCE(composite_phase_deviation_hours.reference_minutes, avg(n_1.midpoint_minutes) FILTER (WHERE (n_1.local_weekday = ANY (composite_phase_deviation_hours.free_days)))) AS minutes
            FROM nights n_1
         )
  SELECT (avg(sqrt((((n.midpoint_minutes - r.minutes) ^ (2)::double precision) + ((n.midpoint_minutes - before.midpoint_minutes) ^ (2)::double precision)))) / (60)::double precision)
    FROM ((nights n
      JOIN nights before ON ((before.sleep_date = (n.sleep_date - 1))))
      CROSS JOIN reference r);
END;

CREATE OR REPLACE FUNCTION public.grant_nightpost_reader()
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'public'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.iso_instant(instant timestamp with time zone, utc_offset_minutes integer)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE WHEN ((utc_offset_minutes >= '-840'::integer) AND (utc_offset_minutes <= 840)) THEN (((((to_jsonb(((instant AT TIME ZONE 'UTC'::text) + ((utc_offset_minutes)::double precision * '00:01:00'::interval))) #>> '{}'::text[]) || CASE WHEN (utc_offset_minutes < 0) THEN '-'::text ELSE '+'::text END) || to_char((abs(utc_offset_minutes) / 60), 'FM00'::text)) || ':'::text) || to_char((abs(utc_offset_minutes) % 60), 'FM00'::text)) ELSE ((to_jsonb((instant AT TIME ZONE 'UTC'::text)) #>> '{}'::text[]) || 'Z'::text) END;

CREATE OR REPLACE FUNCTION public.name_uuid(name text)
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE STRICT
RETURN (OVERLAY(OVERLAY("left"(encode(sha256(convert_to(name, 'UTF8'::name)), 'hex'::text), 32) PLACING '8'::text FROM 13) PLACING '8'::text FROM 17))::uuid;

CREATE OR REPLACE FUNCTION public.nightpost_changes(since text DEFAULT NULL::text, max_rows integer DEFAULT 1000)
 RETURNS TABLE(cursor text, change text, vendor text, event text, owner text, delivery_id uuid, received_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
 SET search_path TO 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  feed change_feed;
  timeline bigint := change_feed_timeline();
  given text[];
  prefix text;
  -- Every transaction below it has ended. Changes at or above it wait, because a slower transaction may still add to them.
  horizon bigint;
  is_before_positions boolean := true;
  after_delivery uuid := '00000000-0000-0000-0000-000000000000';
  after_position bigint := -1;
  after_id uuid;
  after_person bytea := '';
  found_rows integer := 0;
BEGIN
  IF max_rows IS NULL OR max_rows < 1 THEN
    RAISE EXCEPTION 'max_rows must be 1 or more.' USING ERRCODE = '22023';
  END IF;
  SELECT * INTO feed FROM change_feed;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'This transaction is older than the change feed.'
      USING ERRCODE = 'NP005', HINT = 'Read it in a new transaction.';
  END IF;
  IF feed.server <> change_feed_server() THEN
    RAISE EXCEPTION 'This database was restored from a dump, moved or copied. Its change feed has to begin a new epoch.'
      USING ERRCODE = 'NP005', HINT = 'Run "nightpost migrate" as the owner of the tables, or start the service.';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('deliveries_change_idx') AND indisvalid) THEN
    RAISE EXCEPTION 'The index of the change feed is not built yet.'
      USING ERRCODE = 'NP005', HINT = 'Wait for the online step of the upgrade, or run "nightpost migrate".';
  END IF;
  horizon := 2 * (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + feed.xid_offset);
  prefix := format('%s.%s.%s.', feed.epoch, timeline, feed.removals);

  IF since IS NOT NULL THEN
    given := regexp_match(since, '^([0-9a-f]{12})\.(\d{1,10})\.(\d{1,18})\.(?:(s)|i([0-9a-f-]{36})|p(\d{1,18})\.(?:d([0-9a-f-]{36})|e((?:[0-9a-f]{2}){1,64})))$');
    IF given IS NULL OR NOT coalesce(given[5], given[7], after_delivery::text) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
      RAISE EXCEPTION 'This text is no cursor of nightpost_changes.'
        USING ERRCODE = 'NP001', HINT = 'Pass the cursor of a row as it was returned, or NULL to begin with the first change.';
    END IF;
    IF given[1] <> feed.epoch THEN
      RAISE EXCEPTION 'The cursor is of another epoch: the database was restored from a dump, moved or copied since, or is another one.'
        USING ERRCODE = 'NP002', HINT = 'Positions of that epoch mean nothing here. Read everything again: begin with NULL.';
    END IF;
    after_delivery := coalesce(given[5]::uuid, after_delivery);
    is_before_positions := given[6] IS NULL;
    after_position := coalesce(given[6]::bigint, after_position);
    after_id := given[7]::uuid;
    after_person := coalesce(decode(given[8], 'hex'), '');
    -- A standby may be behind the server that gave the cursor. Then there is nothing to read yet.
    IF after_position >= horizon AND NOT pg_is_in_recovery() THEN
      RAISE EXCEPTION 'The cursor is ahead of this server: the server was restored to an earlier time, or the transaction is older than the cursor.'
        USING ERRCODE = 'NP003', HINT = 'After a restore, what was read may have been lost. Read everything again: begin with NULL.';
    END IF;
    -- On another timeline the changes before the cursor are the same if the cursor's own row is. Without it nobody knows.
    IF NOT is_before_positions AND 0 <> ALL (ARRAY[timeline, given[2]::bigint]) AND timeline <> given[2]::bigint
      AND NOT EXISTS (
        SELECT 1 FROM deliveries AS d WHERE d.delivery_id = after_id AND d.change_position = after_position
        UNION ALL SELECT 1 FROM erasures AS e WHERE e.person = after_person AND e.change_position = after_position
      )
    THEN
      RAISE EXCEPTION 'The server was restored or promoted since, and does not have the change of this cursor any more.'
        USING ERRCODE = 'NP003', HINT = 'What was read may have been lost. Read everything again: begin with NULL.';
    END IF;
    IF given[3]::bigint <> feed.removals
      AND (feed.floor > after_position OR is_before_positions AND feed.floor_id > after_delivery)
    THEN
      RAISE EXCEPTION 'Changes after this cursor were deleted by retention.'
        USING ERRCODE = 'NP004', HINT = 'Read what is still there again: begin with NULL. Read more often than DELIVERY_RETENTION_DAYS.';
    END IF;
  END IF;

  -- Deliveries that a version without the feed stored.
  IF is_before_positions AND feed.boundary >= after_delivery THEN
    RETURN QUERY
    SELECT prefix || 'i' || d.delivery_id, 'stored', d.vendor, d.event, d.owner, d.delivery_id, d.received_at
    FROM deliveries AS d
    WHERE d.change_position IS NULL AND (outcome = 'stored' OR change_position % 2 = 1)
      AND (CASE WHEN change_position % 2 = 0 THEN NULL ELSE d.delivery_id END) > after_delivery
    ORDER BY d.change_position, (CASE WHEN change_position % 2 = 0 THEN NULL ELSE d.delivery_id END)
    LIMIT max_rows;
    GET DIAGNOSTICS found_rows = ROW_COUNT;
    IF found_rows >= max_rows THEN
      RETURN;
    END IF;
  END IF;

  RETURN QUERY
  SELECT prefix || 'p' || c.position || c.tie, c.change, c.vendor, c.event, c.owner, c.delivery_id, c.received_at
  FROM (
    -- The rest of the cursor's own position: of judgements, which may be many, and of first arrivals, which are one group.
    (SELECT d.change_position AS position, '.d' || d.delivery_id AS tie, 'rejudged' AS change, d.vendor, d.event, d.owner,
      d.delivery_id, d.received_at
    FROM deliveries AS d
    WHERE after_position % 2 = 1 AND d.change_position = after_position AND (outcome = 'stored' OR change_position % 2 = 1)
      AND (CASE WHEN change_position % 2 = 0 THEN NULL ELSE d.delivery_id END) > after_id
    ORDER BY d.change_position, (CASE WHEN change_position % 2 = 0 THEN NULL ELSE d.delivery_id END)
    LIMIT max_rows - found_rows)
    UNION ALL
    (SELECT d.change_position, '.d' || d.delivery_id, 'stored', d.vendor, d.event, d.owner, d.delivery_id, d.received_at
    FROM deliveries AS d
    WHERE after_position % 2 = 0 AND d.change_position = after_position AND (outcome = 'stored' OR change_position % 2 = 1)
      AND d.delivery_id > after_id
    ORDER BY d.delivery_id
    LIMIT max_rows - found_rows)
    UNION ALL
    -- What follows.
    (SELECT d.change_position, '.d' || d.delivery_id, CASE d.change_position % 2 WHEN 1 THEN 'rejudged' ELSE 'stored' END,
      d.vendor, d.event, d.owner, d.delivery_id, d.received_at
    FROM deliveries AS d
    WHERE d.change_position > after_position AND d.change_position < horizon
      AND (outcome = 'stored' OR change_position % 2 = 1)
    ORDER BY d.change_position, (CASE WHEN change_position % 2 = 0 THEN NULL ELSE d.delivery_id END), d.delivery_id
    LIMIT max_rows - found_rows)
    UNION ALL
    -- Erasures.
    (SELECT e.change_position, '.e' || encode(e.person, 'hex'), 'erased', e.vendor, NULL, encode(e.person, 'hex'), NULL,
      e.erased_at
    FROM erasures AS e
    WHERE e.kind = 'owner' AND (e.change_position, e.person) > (after_position, after_person) AND e.change_position < horizon
    ORDER BY e.change_position, e.person
    LIMIT max_rows - found_rows)
  ) AS c
  -- At one position deliveries come before erasures, each in the order of its id.
  ORDER BY c.position, c.tie COLLATE "C"
  LIMIT max_rows - found_rows;
END $function$;

CREATE OR REPLACE FUNCTION public.nightpost_changes_now()
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
  feed change_feed;
  horizon bigint;
  place text;
BEGIN
  -- Raises the errors of a feed that can't be read.
  PERFORM FROM nightpost_changes(NULL, 1);
  SELECT * INTO feed FROM change_feed;
  horizon := 2 * (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + feed.xid_offset);
  SELECT 'p' || c.position || c.tie INTO place
  FROM (
    (SELECT d.change_position AS position, '.d' || d.delivery_id AS tie
    FROM deliveries AS d
    WHERE d.change_position < horizon AND (outcome = 'stored' OR change_position % 2 = 1)
    ORDER BY d.change_position DESC, (CASE WHEN change_position % 2 = 0 THEN NULL ELSE d.delivery_id END) DESC,
      d.delivery_id DESC
    LIMIT 1)
    UNION ALL
    (SELECT e.change_position, '.e' || encode(e.person, 'hex')
    FROM erasures AS e WHERE e.kind = 'owner' AND e.change_position < horizon ORDER BY e.change_position DESC, e.person DESC LIMIT 1)
  ) AS c
  ORDER BY c.position DESC, c.tie COLLATE "C" DESC
  LIMIT 1;
  RETURN format('%s.%s.%s.', feed.epoch, change_feed_timeline(), feed.removals) || coalesce(place, 'i' || feed.boundary, 's');
END $function$;

CREATE OR REPLACE FUNCTION public.nightpost_person(vendor text, owner text)
 RETURNS text
 LANGUAGE sql
 STABLE STRICT SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
RETURN encode(sha256(((SELECT k.key FROM erasure_key k) || convert_to(((vendor || ' owner '::text) || owner), 'UTF8'::name))), 'hex'::text);

CREATE OR REPLACE FUNCTION public.sleep_fragmentation_index(user_id text, session_id text)
 RETURNS double precision
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT (((3600 * count(*) FILTER (WHERE (((s.stage_before = ANY (ARRAY[1, 2, 3])) AND (s.stage = 0) AND s.has_sleep_later) OR ((s.stage_before = ANY (ARRAY[2, 3])) AND (s.stage = 1))))))::double precision / (NULLIF(sum(s.duration_seconds) FILTER (WHERE (s.stage = ANY (ARRAY[1, 2, 3]))), (0)::numeric))::double precision)
    FROM ( SELECT i.stage,
             i.duration_seconds,
             lag(i.stage) OVER (ORDER BY i.first_epoch) AS stage_before,
             COALESCE(bool_or((i.stage = ANY (ARRAY[1, 2, 3]))) OVER (ORDER BY i.first_epoch ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), false) AS has_sleep_later
            FROM sleep_stage_intervals i
           WHERE ((i.user_id = sleep_fragmentation_index.user_id) AND (i.session_id = sleep_fragmentation_index.session_id) AND (i.series = 'sleep'::text))) s;
END;

CREATE OR REPLACE FUNCTION public.sleep_regularity_index(user_id text, from_date date DEFAULT '-infinity'::date, to_date date DEFAULT 'infinity'::date)
 RETURNS double precision
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 WITH nights AS MATERIALIZED (
          SELECT n.session_id,
             n.sleep_date,
             n.time_zone,
             n.end_time
            FROM sleep_nights n
           WHERE ((n.user_id = sleep_regularity_index.user_id) AND ((n.sleep_date >= sleep_regularity_index.from_date) AND (n.sleep_date <= sleep_regularity_index.to_date)))
         ), origin AS (
          SELECT (((min(n.sleep_date) - 1) + '12:00:00'::time without time zone) AT TIME ZONE ( SELECT latest.time_zone
                    FROM nights latest
                   ORDER BY latest.end_time DESC NULLS LAST
                  LIMIT 1)) AS noon
            FROM nights n
         ), asleep AS (
          SELECT (EXTRACT(epoch FROM (i.starts_at - o.noon)))::integer AS starts,
             (EXTRACT(epoch FROM (i.ends_at - o.noon)))::integer AS ends
            FROM origin o,
             sleep_stage_intervals i
           WHERE ((i.user_id = sleep_regularity_index.user_id) AND (i.series = 'sleep'::text) AND (i.stage = ANY (ARRAY[1, 2, 3])) AND (i.session_id IN ( SELECT n.session_id
                    FROM nights n)))
         ), days AS (
          SELECT d_1.day,
             range_agg(int4range(GREATEST((a.starts - (d_1.day * 86400)), 0), LEAST((a.ends - (d_1.day * 86400)), 86400))) AS asleep
            FROM (asleep a
              CROSS JOIN LATERAL generate_series((floor(((a.starts)::numeric / 86400.0)))::integer, (floor((((a.ends - 1))::numeric / 86400.0)))::integer) d_1(day))
           GROUP BY d_1.day
         )
  SELECT (('-100'::integer)::double precision + ((200)::double precision * avg((((((86400 - today.seconds) - tomorrow.seconds) + (2 * common.seconds)))::double precision / (86400.0)::double precision))))
    FROM ((((days d
      JOIN days e ON ((e.day = (d.day + 1))))
      CROSS JOIN LATERAL ( SELECT sum((upper(r.r) - lower(r.r))) AS seconds
            FROM unnest(d.asleep) r(r)) today)
      CROSS JOIN LATERAL ( SELECT sum((upper(r.r) - lower(r.r))) AS seconds
            FROM unnest(e.asleep) r(r)) tomorrow)
      CROSS JOIN LATERAL ( SELECT COALESCE(sum((upper(r.r) - lower(r.r))), (0)::bigint) AS seconds
            FROM unnest((d.asleep * e.asleep)) r(r)) common);
END;

CREATE OR REPLACE FUNCTION public.social_jet_lag_minutes(user_id text, from_date date DEFAULT '-infinity'::date, to_date date DEFAULT 'infinity'::date, free_days smallint[] DEFAULT '{6,7}'::smallint[])
 RETURNS double precision
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT abs((avg(n.midpoint_minutes) FILTER (WHERE (n.local_weekday = ANY (social_jet_lag_minutes.free_days))) - avg(n.midpoint_minutes) FILTER (WHERE (n.local_weekday <> ALL (social_jet_lag_minutes.free_days))))) AS abs
    FROM sleep_nights n
   WHERE ((n.user_id = social_jet_lag_minutes.user_id) AND ((n.sleep_date >= social_jet_lag_minutes.from_date) AND (n.sleep_date <= social_jet_lag_minutes.to_date)) AND n.is_main_sleep);
END;

CREATE OR REPLACE FUNCTION public.stored_days_are_complete()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  RETURN EXISTS (
    SELECT FROM stored_days_state AS s JOIN change_feed AS f ON f.epoch = s.epoch
    WHERE s.change_position IS NOT NULL AND f.server = change_feed_server()
  );
END $function$;

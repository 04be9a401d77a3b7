-- The schema of version 0.1.0 with a few made-up rows in each table: frozen, so that upgrades are tried from what is
-- really out there. Made by pg_dump --no-owner --inserts of a database that 0.1.0 migrated and filled with the fixtures of
-- test/fixtures; pg_dump's own comments and psql commands are taken out. Never edit it: a later version gets a file of its own.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA drizzle;
CREATE FUNCTION public.grant_nightpost_reader() RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nightpost_reader') THEN
    RETURN false;
  END IF;
  GRANT USAGE ON SCHEMA public TO nightpost_reader;
  GRANT SELECT ON
    sleep_sessions, sleep_stats, sleep_stage_series, sleep_stage_windows,
    scores, score_factors, biomarkers, archetypes, data_logs,
    time_zones, sleep_provisional_slices, sleep_epochs, sleep_stage_intervals, sleep_nights,
    latest_scores, latest_score_factors, daily_biomarkers, data_log_samples, delivery_log
  TO nightpost_reader;
  RETURN true;
END $$;
COMMENT ON FUNCTION public.grant_nightpost_reader() IS 'Lets the role nightpost_reader read the normalised tables and the views. False where there is no such role: have it created, then call this as the owner of the tables.';
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE drizzle.__drizzle_migrations (
    id integer NOT NULL,
    hash text NOT NULL,
    created_at bigint
);
CREATE SEQUENCE drizzle.__drizzle_migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE drizzle.__drizzle_migrations_id_seq OWNED BY drizzle.__drizzle_migrations.id;
CREATE TABLE public.archetypes (
    profile_id text NOT NULL,
    id text NOT NULL,
    account_id text,
    external_id text,
    name text NOT NULL,
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
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.archetypes IS 'Sahha archetypes (ArchetypeCreatedIntegrationEvent), newest revision of each.';
COMMENT ON COLUMN public.archetypes.profile_id IS 'profileId: the profile that the record belongs to; opaque text.';
COMMENT ON COLUMN public.archetypes.id IS 'id: the record. An update arrives under the same id.';
COMMENT ON COLUMN public.archetypes.account_id IS 'accountId: the Sahha account that owns the profile.';
COMMENT ON COLUMN public.archetypes.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.archetypes.name IS 'name: for example activity_level, chronotype, sleep_pattern.';
COMMENT ON COLUMN public.archetypes.value IS 'value: the archetype assigned, for example early_bird.';
COMMENT ON COLUMN public.archetypes.data_type IS 'dataType: ordinal, categorical, string.';
COMMENT ON COLUMN public.archetypes.periodicity IS 'periodicity: daily, weekly, monthly.';
COMMENT ON COLUMN public.archetypes.ordinality IS 'ordinality: rank where several archetypes exist, counted from 0.';
COMMENT ON COLUMN public.archetypes.start_date_time IS 'startDateTime: start of the period.';
COMMENT ON COLUMN public.archetypes.end_date_time IS 'endDateTime: end of the period.';
COMMENT ON COLUMN public.archetypes.utc_offset_minutes IS 'UTC offset that startDateTime was sent with, in minutes; NULL where it had none.';
COMMENT ON COLUMN public.archetypes.local_date IS 'Calendar date of startDateTime in its own offset: the user''s day.';
COMMENT ON COLUMN public.archetypes.end_utc_offset_minutes IS 'UTC offset that endDateTime was sent with, in minutes; differs across a DST change.';
COMMENT ON COLUMN public.archetypes.created_at_utc IS 'createdAtUtc: when Sahha made this revision; the newest revision of an id is kept.';
COMMENT ON COLUMN public.archetypes.version IS 'version: of Sahha''s algorithm; decides between revisions made at the same instant.';
COMMENT ON COLUMN public.archetypes.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.archetypes.received_at IS 'When Nightpost received that delivery.';
CREATE TABLE public.biomarkers (
    profile_id text NOT NULL,
    id text NOT NULL,
    account_id text,
    external_id text,
    category text,
    type text NOT NULL,
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
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.biomarkers IS 'Sahha biomarkers (BiomarkerCreatedIntegrationEvent), newest revision of each.';
COMMENT ON COLUMN public.biomarkers.profile_id IS 'profileId: the profile that the record belongs to; opaque text.';
COMMENT ON COLUMN public.biomarkers.id IS 'id: the record. An update arrives under the same id.';
COMMENT ON COLUMN public.biomarkers.account_id IS 'accountId: the Sahha account that owns the profile.';
COMMENT ON COLUMN public.biomarkers.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.biomarkers.category IS 'category: activity, sleep, body, vitals, engagement, or a later addition.';
COMMENT ON COLUMN public.biomarkers.type IS 'type: for example steps, heart_rate_resting, sleep_duration.';
COMMENT ON COLUMN public.biomarkers.periodicity IS 'periodicity: daily, weekly, monthly, none, intraday, quarterly.';
COMMENT ON COLUMN public.biomarkers.aggregation IS 'aggregation: total, average, maximum, minimum, none.';
COMMENT ON COLUMN public.biomarkers.value IS 'value: exactly as sent, in unit.';
COMMENT ON COLUMN public.biomarkers.value_number IS 'value as a number, to its last digit; NULL where the text is no number.';
COMMENT ON COLUMN public.biomarkers.unit IS 'unit: of value; differs by platform for one type, so never assume it.';
COMMENT ON COLUMN public.biomarkers.value_type IS 'valueType: integer, float, boolean, string, double, datetime.';
COMMENT ON COLUMN public.biomarkers.start_date_time IS 'startDateTime: start of the period.';
COMMENT ON COLUMN public.biomarkers.end_date_time IS 'endDateTime: end of the period.';
COMMENT ON COLUMN public.biomarkers.utc_offset_minutes IS 'UTC offset that startDateTime was sent with, in minutes; NULL where it had none.';
COMMENT ON COLUMN public.biomarkers.local_date IS 'Calendar date of startDateTime in its own offset: the user''s day.';
COMMENT ON COLUMN public.biomarkers.end_utc_offset_minutes IS 'UTC offset that endDateTime was sent with, in minutes; differs across a DST change.';
COMMENT ON COLUMN public.biomarkers.created_at_utc IS 'createdAtUtc: when Sahha made this revision; the newest revision of an id is kept.';
COMMENT ON COLUMN public.biomarkers.version IS 'version: of Sahha''s algorithm; decides between revisions made at the same instant.';
COMMENT ON COLUMN public.biomarkers.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.biomarkers.received_at IS 'When Nightpost received that delivery.';
CREATE VIEW public.daily_biomarkers AS
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
   FROM (public.biomarkers b
     CROSS JOIN LATERAL ( SELECT ((((b.start_date_time + (COALESCE((b.end_date_time - b.start_date_time), '00:00:00'::interval) / (2)::double precision)) AT TIME ZONE 'UTC'::text) + ((COALESCE((b.utc_offset_minutes)::integer, 0))::double precision * '00:01:00'::interval)))::date AS local_date) day)
  WHERE ((b.start_date_time IS NOT NULL) AND ((b.periodicity IS NULL) OR (b.periodicity = ANY (ARRAY['daily'::text, 'none'::text]))))
  ORDER BY b.profile_id, b.type, b.aggregation, day.local_date, b.created_at_utc DESC NULLS LAST, b.version DESC NULLS LAST, b.received_at DESC, b.delivery_id DESC, b.id;
COMMENT ON VIEW public.daily_biomarkers IS 'One value per profile, local day, type and aggregation, the newest revision winning. Of biomarkers whose periodicity is daily, none or absent: a week''s value is no day''s.';
COMMENT ON COLUMN public.daily_biomarkers.profile_id IS 'Sahha profile id (profileId); opaque text.';
COMMENT ON COLUMN public.daily_biomarkers.local_date IS 'The user''s day: the local date of the middle of the period. A sleep window from 18:00 to 17:59:59 so counts for the day of waking, as sleep_nights.sleep_date does.';
COMMENT ON COLUMN public.daily_biomarkers.type IS 'For example steps, heart_rate_resting, sleep_duration.';
COMMENT ON COLUMN public.daily_biomarkers.aggregation IS 'total, average, maximum, minimum, none; NULL where none was sent.';
COMMENT ON COLUMN public.daily_biomarkers.value_number IS 'The value as a number, in unit; NULL where the text is no number.';
COMMENT ON COLUMN public.daily_biomarkers.value IS 'The value exactly as sent, in unit.';
COMMENT ON COLUMN public.daily_biomarkers.unit IS 'Unit of value; differs by platform for one type.';
COMMENT ON COLUMN public.daily_biomarkers.value_type IS 'integer, float, boolean, string, double, datetime.';
COMMENT ON COLUMN public.daily_biomarkers.category IS 'activity, sleep, body, vitals, engagement, or a later addition.';
COMMENT ON COLUMN public.daily_biomarkers.periodicity IS 'daily, none or NULL.';
COMMENT ON COLUMN public.daily_biomarkers.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.daily_biomarkers.start_date_time IS 'Start of the period.';
COMMENT ON COLUMN public.daily_biomarkers.end_date_time IS 'End of the period.';
COMMENT ON COLUMN public.daily_biomarkers.utc_offset_minutes IS 'UTC offset that startDateTime was sent with, in minutes; NULL, taken as 0, where it had none.';
COMMENT ON COLUMN public.daily_biomarkers.biomarker_id IS 'The biomarker (biomarkers.id).';
COMMENT ON COLUMN public.daily_biomarkers.created_at_utc IS 'When Sahha made this revision.';
COMMENT ON COLUMN public.daily_biomarkers.version IS 'Version of Sahha''s algorithm.';
COMMENT ON COLUMN public.daily_biomarkers.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.daily_biomarkers.received_at IS 'When Nightpost received that delivery.';
CREATE TABLE public.data_logs (
    profile_id text NOT NULL,
    id text NOT NULL,
    account_id text,
    external_id text,
    log_type text,
    data_type text NOT NULL,
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
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.data_logs IS 'Raw samples from the devices (DataLogReceivedIntegrationEvent), one row per sample, newest kept.';
COMMENT ON COLUMN public.data_logs.profile_id IS 'profileId: the profile that the record belongs to; opaque text.';
COMMENT ON COLUMN public.data_logs.id IS 'dataLogs[].id: the sample; opaque text.';
COMMENT ON COLUMN public.data_logs.account_id IS 'accountId: the Sahha account that owns the profile.';
COMMENT ON COLUMN public.data_logs.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.data_logs.log_type IS 'logType: activity, sleep, heart, body, energy, exercise, blood, oxygen, temperature, device, ….';
COMMENT ON COLUMN public.data_logs.data_type IS 'dataType: for example steps, heart_rate, sleep_stage_deep.';
COMMENT ON COLUMN public.data_logs.received_at_utc IS 'receivedAtUtc: when Sahha received the batch; the newest batch of a sample is kept.';
COMMENT ON COLUMN public.data_logs.parent_id IS 'dataLogs[].parentId: the record that the sample is part of; NULL or '''' where there is none.';
COMMENT ON COLUMN public.data_logs.value IS 'dataLogs[].value: the measurement, in unit.';
COMMENT ON COLUMN public.data_logs.unit IS 'dataLogs[].unit: of value; differs by platform for one type, so never assume it.';
COMMENT ON COLUMN public.data_logs.source IS 'dataLogs[].source: the device or app that recorded the sample.';
COMMENT ON COLUMN public.data_logs.recording_method IS 'dataLogs[].recordingMethod: automatic, manual and so on; several spellings exist.';
COMMENT ON COLUMN public.data_logs.device_type IS 'dataLogs[].deviceType: device model.';
COMMENT ON COLUMN public.data_logs.start_date_time IS 'startDateTime: start of the period.';
COMMENT ON COLUMN public.data_logs.end_date_time IS 'endDateTime: end of the period.';
COMMENT ON COLUMN public.data_logs.utc_offset_minutes IS 'UTC offset that startDateTime was sent with, in minutes; NULL where it had none.';
COMMENT ON COLUMN public.data_logs.local_date IS 'Calendar date of startDateTime in its own offset: the user''s day.';
COMMENT ON COLUMN public.data_logs.end_utc_offset_minutes IS 'UTC offset that endDateTime was sent with, in minutes; differs across a DST change.';
COMMENT ON COLUMN public.data_logs.additional_properties IS 'dataLogs[].additionalProperties: extra facts, keys and values as they were sent.';
COMMENT ON COLUMN public.data_logs.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.data_logs.received_at IS 'When Nightpost received that delivery.';
CREATE VIEW public.data_log_samples AS
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
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS device_screen_on,
        CASE
            WHEN (p.total_distance ~ '^[+-]?[0-9]{1,30}(\.[0-9]{0,30})?(e[+-]?[0-9]{1,2})?$'::text) THEN (p.total_distance)::numeric
            ELSE NULL::numeric
        END AS total_distance,
        CASE
            WHEN (p.total_energy_burned ~ '^[+-]?[0-9]{1,30}(\.[0-9]{0,30})?(e[+-]?[0-9]{1,2})?$'::text) THEN (p.total_energy_burned)::numeric
            ELSE NULL::numeric
        END AS total_energy_burned,
    l.additional_properties,
    l.received_at_utc,
    l.delivery_id,
    l.received_at
   FROM (public.data_logs l
     CROSS JOIN LATERAL ( SELECT COALESCE((properties.a ->> 'BodyPosition'::text), (properties.a ->> 'bodyPosition'::text), (properties.a ->> 'body_position'::text)) AS body_position,
            COALESCE((properties.a ->> 'MealType'::text), (properties.a ->> 'mealType'::text), (properties.a ->> 'meal_type'::text)) AS meal_type,
            COALESCE((properties.a ->> 'RelationToMeal'::text), (properties.a ->> 'relationToMeal'::text), (properties.a ->> 'relation_to_meal'::text)) AS relation_to_meal,
            COALESCE((properties.a ->> 'SpecimenSource'::text), (properties.a ->> 'specimenSource'::text), (properties.a ->> 'specimen_source'::text)) AS specimen_source,
            COALESCE((properties.a ->> 'MeasurementLocation'::text), (properties.a ->> 'measurementLocation'::text), (properties.a ->> 'measurement_location'::text)) AS measurement_location,
            COALESCE((properties.a ->> 'MeasurementMethod'::text), (properties.a ->> 'measurementMethod'::text), (properties.a ->> 'measurement_method'::text)) AS measurement_method,
            COALESCE((properties.a ->> 'MotionContext'::text), (properties.a ->> 'motionContext'::text), (properties.a ->> 'motion_context'::text)) AS motion_context,
            COALESCE((properties.a ->> 'DeviceScreenOn'::text), (properties.a ->> 'deviceScreenOn'::text), (properties.a ->> 'device_screen_on'::text)) AS device_screen_on,
            lower(COALESCE((properties.a ->> 'TotalDistance'::text), (properties.a ->> 'totalDistance'::text), (properties.a ->> 'total_distance'::text))) AS total_distance,
            lower(COALESCE((properties.a ->> 'TotalEnergyBurned'::text), (properties.a ->> 'totalEnergyBurned'::text), (properties.a ->> 'total_energy_burned'::text))) AS total_energy_burned
           FROM ( SELECT l.additional_properties AS a) properties) p);
COMMENT ON VIEW public.data_log_samples IS 'One row per device sample, with the additional properties that Sahha documents as typed columns.';
COMMENT ON COLUMN public.data_log_samples.profile_id IS 'Sahha profile id (profileId); opaque text.';
COMMENT ON COLUMN public.data_log_samples.sample_id IS 'The sample (data_logs.id).';
COMMENT ON COLUMN public.data_log_samples.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.data_log_samples.log_type IS 'activity, sleep, heart, body, energy, exercise, blood, oxygen, temperature, device, ….';
COMMENT ON COLUMN public.data_log_samples.data_type IS 'For example steps, heart_rate, sleep_stage_deep.';
COMMENT ON COLUMN public.data_log_samples.value IS 'The measurement, in unit.';
COMMENT ON COLUMN public.data_log_samples.unit IS 'Unit of value; differs by platform for one type.';
COMMENT ON COLUMN public.data_log_samples.start_date_time IS 'Start of the measurement.';
COMMENT ON COLUMN public.data_log_samples.end_date_time IS 'End of the measurement.';
COMMENT ON COLUMN public.data_log_samples.local_date IS 'Calendar date of the start in its own offset: the user''s day.';
COMMENT ON COLUMN public.data_log_samples.utc_offset_minutes IS 'UTC offset that startDateTime was sent with, in minutes.';
COMMENT ON COLUMN public.data_log_samples.source IS 'Device or app that recorded the sample.';
COMMENT ON COLUMN public.data_log_samples.device_type IS 'Device model.';
COMMENT ON COLUMN public.data_log_samples.recording_method IS 'How it was recorded; several spellings exist.';
COMMENT ON COLUMN public.data_log_samples.parent_id IS 'The record that the sample is part of; NULL where there is none, also where an empty text was sent.';
COMMENT ON COLUMN public.data_log_samples.body_position IS 'additionalProperties BodyPosition: sitting, lying_down, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
COMMENT ON COLUMN public.data_log_samples.meal_type IS 'additionalProperties MealType: breakfast, lunch, dinner, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
COMMENT ON COLUMN public.data_log_samples.relation_to_meal IS 'additionalProperties RelationToMeal: before_meal, after_meal, fasting, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
COMMENT ON COLUMN public.data_log_samples.specimen_source IS 'additionalProperties SpecimenSource: capillary, venous, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
COMMENT ON COLUMN public.data_log_samples.measurement_location IS 'additionalProperties MeasurementLocation: wrist, finger, ear, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
COMMENT ON COLUMN public.data_log_samples.measurement_method IS 'additionalProperties MeasurementMethod: pulse_oximetry, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
COMMENT ON COLUMN public.data_log_samples.motion_context IS 'additionalProperties MotionContext: stationary, walking, running, …; NULL where absent. Read in PascalCase, camelCase and snake_case.';
COMMENT ON COLUMN public.data_log_samples.device_screen_on IS 'additionalProperties DeviceScreenOn; NULL where absent or neither true nor false.';
COMMENT ON COLUMN public.data_log_samples.total_distance IS 'additionalProperties TotalDistance in metres; NULL where absent or no number.';
COMMENT ON COLUMN public.data_log_samples.total_energy_burned IS 'additionalProperties TotalEnergyBurned in kcal; NULL where absent or no number.';
COMMENT ON COLUMN public.data_log_samples.additional_properties IS 'All additional properties, keys and values as they were sent.';
COMMENT ON COLUMN public.data_log_samples.received_at_utc IS 'When Sahha received the batch.';
COMMENT ON COLUMN public.data_log_samples.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.data_log_samples.received_at IS 'When Nightpost received that delivery.';
CREATE TABLE public.deliveries (
    owner text NOT NULL,
    vendor text NOT NULL,
    body_digest bytea NOT NULL,
    delivery_id uuid NOT NULL,
    event text,
    user_id text,
    authenticated_by text NOT NULL,
    outcome text NOT NULL,
    problem jsonb,
    body bytea NOT NULL,
    headers jsonb NOT NULL,
    received_at timestamp with time zone NOT NULL,
    last_received_at timestamp with time zone NOT NULL,
    times_received integer NOT NULL,
    normaliser_version integer NOT NULL
);
COMMENT ON TABLE public.deliveries IS 'The ledger: every authentic delivery with the exact bytes received and what became of it.';
COMMENT ON COLUMN public.deliveries.owner IS 'Whose data it is: Asleep user_id or Sahha profileId; '''' where the body names nobody.';
COMMENT ON COLUMN public.deliveries.vendor IS 'asleep or sahha.';
COMMENT ON COLUMN public.deliveries.body_digest IS 'SHA-256 of the exact bytes: the same bytes are one delivery however often they arrive.';
COMMENT ON COLUMN public.deliveries.delivery_id IS 'UUID version 7; the provenance of normalised rows, and the id in the answer to the vendor.';
COMMENT ON COLUMN public.deliveries.event IS 'The event''s name as the vendor writes it; NULL where none could be read.';
COMMENT ON COLUMN public.deliveries.user_id IS 'The user that the request header named (x-user-id or X-External-Id); NULL where none.';
COMMENT ON COLUMN public.deliveries.authenticated_by IS 'How the sender was proven: api_key or signature.';
COMMENT ON COLUMN public.deliveries.outcome IS 'stored (its rows are in the tables), unrecognised (no normaliser knows the event) or rejected (see problem).';
COMMENT ON COLUMN public.deliveries.problem IS 'Why the delivery was rejected, as the sender was told (RFC 9457); NULL otherwise.';
COMMENT ON COLUMN public.deliveries.body IS 'The exact bytes received.';
COMMENT ON COLUMN public.deliveries.headers IS 'The headers needed to judge the body again; never a credential.';
COMMENT ON COLUMN public.deliveries.received_at IS 'When these bytes first arrived.';
COMMENT ON COLUMN public.deliveries.last_received_at IS 'When these bytes last arrived.';
COMMENT ON COLUMN public.deliveries.times_received IS 'How often these bytes arrived.';
COMMENT ON COLUMN public.deliveries.normaliser_version IS 'Version of the vendor''s normaliser that judged the body.';
CREATE VIEW public.delivery_log AS
 SELECT deliveries.delivery_id,
    deliveries.owner,
    deliveries.vendor,
    deliveries.event,
    deliveries.user_id,
    deliveries.authenticated_by,
    deliveries.outcome,
    (deliveries.problem ->> 'code'::text) AS problem_code,
    deliveries.problem,
    octet_length(deliveries.body) AS body_bytes,
    deliveries.received_at,
    deliveries.last_received_at,
    deliveries.times_received,
    deliveries.normaliser_version
   FROM public.deliveries;
COMMENT ON VIEW public.delivery_log IS 'The ledger without bodies and headers: every authentic delivery, and what became of it.';
COMMENT ON COLUMN public.delivery_log.delivery_id IS 'UUID version 7; the provenance of normalised rows, and the id in the answer to the vendor.';
COMMENT ON COLUMN public.delivery_log.owner IS 'Whose data it is: Asleep user_id or Sahha profileId; '''' where the body names nobody.';
COMMENT ON COLUMN public.delivery_log.vendor IS 'asleep or sahha.';
COMMENT ON COLUMN public.delivery_log.event IS 'The event''s name as the vendor writes it; NULL where none could be read.';
COMMENT ON COLUMN public.delivery_log.user_id IS 'The user that the request header named; NULL where none.';
COMMENT ON COLUMN public.delivery_log.authenticated_by IS 'How the sender was proven: api_key or signature.';
COMMENT ON COLUMN public.delivery_log.outcome IS 'stored, unrecognised or rejected.';
COMMENT ON COLUMN public.delivery_log.problem_code IS 'Why it was rejected, in a word (invalid_body, malformed_json, …); NULL otherwise.';
COMMENT ON COLUMN public.delivery_log.problem IS 'Why it was rejected, as the sender was told (RFC 9457): paths, never values; NULL otherwise.';
COMMENT ON COLUMN public.delivery_log.body_bytes IS 'Size of the body in bytes.';
COMMENT ON COLUMN public.delivery_log.received_at IS 'When these bytes first arrived.';
COMMENT ON COLUMN public.delivery_log.last_received_at IS 'When these bytes last arrived.';
COMMENT ON COLUMN public.delivery_log.times_received IS 'How often these bytes arrived.';
COMMENT ON COLUMN public.delivery_log.normaliser_version IS 'Version of the vendor''s normaliser that judged the body.';
CREATE TABLE public.scores (
    profile_id text NOT NULL,
    id text NOT NULL,
    account_id text,
    external_id text,
    type text NOT NULL,
    state text,
    score numeric,
    data_sources text[],
    score_date_time timestamp with time zone,
    utc_offset_minutes smallint,
    local_date date,
    created_at_utc timestamp with time zone,
    version numeric,
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.scores IS 'Sahha health scores (ScoreCreatedIntegrationEvent), newest revision of each.';
COMMENT ON COLUMN public.scores.profile_id IS 'profileId: the profile that the record belongs to; opaque text.';
COMMENT ON COLUMN public.scores.id IS 'id: the record. An update arrives under the same id.';
COMMENT ON COLUMN public.scores.account_id IS 'accountId: the Sahha account that owns the profile.';
COMMENT ON COLUMN public.scores.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.scores.type IS 'type: activity, sleep, readiness, wellbeing, mental_wellbeing, or a later addition.';
COMMENT ON COLUMN public.scores.state IS 'state: minimal, low, medium, high.';
COMMENT ON COLUMN public.scores.score IS 'score: 0 to 1, where 1 is optimal.';
COMMENT ON COLUMN public.scores.data_sources IS 'dataSources: what the score was computed from.';
COMMENT ON COLUMN public.scores.score_date_time IS 'scoreDateTime: the day that the score is for, as an instant.';
COMMENT ON COLUMN public.scores.utc_offset_minutes IS 'UTC offset that scoreDateTime was sent with, in minutes; NULL where it had none.';
COMMENT ON COLUMN public.scores.local_date IS 'Calendar date of scoreDateTime in its own offset: the user''s day.';
COMMENT ON COLUMN public.scores.created_at_utc IS 'createdAtUtc: when Sahha made this revision; the newest revision of an id is kept.';
COMMENT ON COLUMN public.scores.version IS 'version: of Sahha''s algorithm; decides between revisions made at the same instant.';
COMMENT ON COLUMN public.scores.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.scores.received_at IS 'When Nightpost received that delivery.';
CREATE VIEW public.latest_scores AS
 SELECT DISTINCT ON (scores.profile_id, scores.type) scores.profile_id,
    scores.type,
    scores.id AS score_id,
    scores.external_id,
    scores.score,
    scores.state,
    scores.local_date,
    scores.score_date_time,
    scores.utc_offset_minutes,
    scores.data_sources,
    scores.created_at_utc,
    scores.version,
    scores.delivery_id,
    scores.received_at
   FROM public.scores
  ORDER BY scores.profile_id, scores.type, scores.score_date_time DESC NULLS LAST, scores.created_at_utc DESC NULLS LAST, scores.version DESC NULLS LAST, scores.received_at DESC, scores.delivery_id DESC, scores.id;
COMMENT ON VIEW public.latest_scores IS 'The newest Sahha score of each profile and type: by score_date_time, then by revision.';
COMMENT ON COLUMN public.latest_scores.profile_id IS 'Sahha profile id (profileId); opaque text.';
COMMENT ON COLUMN public.latest_scores.type IS 'activity, sleep, readiness, wellbeing, mental_wellbeing, or a later addition.';
COMMENT ON COLUMN public.latest_scores.score_id IS 'The score (scores.id).';
COMMENT ON COLUMN public.latest_scores.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.latest_scores.score IS '0 to 1, where 1 is optimal.';
COMMENT ON COLUMN public.latest_scores.state IS 'minimal, low, medium, high.';
COMMENT ON COLUMN public.latest_scores.local_date IS 'The user''s day that the score is for.';
COMMENT ON COLUMN public.latest_scores.score_date_time IS 'The day that the score is for, as an instant.';
COMMENT ON COLUMN public.latest_scores.utc_offset_minutes IS 'UTC offset that scoreDateTime was sent with, in minutes.';
COMMENT ON COLUMN public.latest_scores.data_sources IS 'What the score was computed from.';
COMMENT ON COLUMN public.latest_scores.created_at_utc IS 'When Sahha made this revision.';
COMMENT ON COLUMN public.latest_scores.version IS 'Version of Sahha''s algorithm.';
COMMENT ON COLUMN public.latest_scores.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.latest_scores.received_at IS 'When Nightpost received that delivery.';
CREATE TABLE public.score_factors (
    profile_id text NOT NULL,
    score_id text NOT NULL,
    "position" integer NOT NULL,
    id text,
    name text,
    value numeric,
    goal numeric,
    score numeric,
    state text,
    unit text,
    account_id text,
    external_id text,
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.score_factors IS 'What a score was made of: its factors, replaced as a set with the score.';
COMMENT ON COLUMN public.score_factors.profile_id IS 'profileId: the profile that the record belongs to; opaque text.';
COMMENT ON COLUMN public.score_factors.score_id IS 'id of the score that the factor belongs to (scores.id).';
COMMENT ON COLUMN public.score_factors."position" IS 'Position in the score''s factors array, counted from 0.';
COMMENT ON COLUMN public.score_factors.id IS 'factors[].id: the factor''s name or a UUID; may be absent.';
COMMENT ON COLUMN public.score_factors.name IS 'factors[].name: for example sleep_duration.';
COMMENT ON COLUMN public.score_factors.value IS 'factors[].value: the measured value, in unit.';
COMMENT ON COLUMN public.score_factors.goal IS 'factors[].goal: the target value, in unit.';
COMMENT ON COLUMN public.score_factors.score IS 'factors[].score: 0 to 1.';
COMMENT ON COLUMN public.score_factors.state IS 'factors[].state: minimal, low, medium, high.';
COMMENT ON COLUMN public.score_factors.unit IS 'factors[].unit: unit of value and goal.';
COMMENT ON COLUMN public.score_factors.account_id IS 'accountId: the Sahha account that owns the profile.';
COMMENT ON COLUMN public.score_factors.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.score_factors.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.score_factors.received_at IS 'When Nightpost received that delivery.';
CREATE VIEW public.latest_score_factors AS
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
   FROM (public.latest_scores s
     JOIN public.score_factors f ON (((f.profile_id = s.profile_id) AND (f.score_id = s.score_id))));
COMMENT ON VIEW public.latest_score_factors IS 'The factors of the newest score of each profile and type, one row per factor.';
COMMENT ON COLUMN public.latest_score_factors.profile_id IS 'Sahha profile id (profileId); opaque text.';
COMMENT ON COLUMN public.latest_score_factors.type IS 'Type of the score that the factor belongs to.';
COMMENT ON COLUMN public.latest_score_factors.score_id IS 'The score (scores.id).';
COMMENT ON COLUMN public.latest_score_factors.external_id IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
COMMENT ON COLUMN public.latest_score_factors.local_date IS 'The user''s day that the score is for.';
COMMENT ON COLUMN public.latest_score_factors.type_score IS 'The score that the factor is part of, 0 to 1.';
COMMENT ON COLUMN public.latest_score_factors."position" IS 'Position in the score''s factors array, counted from 0.';
COMMENT ON COLUMN public.latest_score_factors.name IS 'For example sleep_duration.';
COMMENT ON COLUMN public.latest_score_factors.value IS 'The measured value, in unit.';
COMMENT ON COLUMN public.latest_score_factors.goal IS 'The target value, in unit.';
COMMENT ON COLUMN public.latest_score_factors.unit IS 'Unit of value and goal.';
COMMENT ON COLUMN public.latest_score_factors.score IS 'The factor''s own score, 0 to 1.';
COMMENT ON COLUMN public.latest_score_factors.state IS 'minimal, low, medium, high.';
COMMENT ON COLUMN public.latest_score_factors.factor_id IS 'The factor''s name or a UUID (score_factors.id).';
COMMENT ON COLUMN public.latest_score_factors.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.latest_score_factors.received_at IS 'When Nightpost received that delivery.';
CREATE TABLE public.sleep_sessions (
    user_id text NOT NULL,
    session_id text NOT NULL,
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
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.sleep_sessions IS 'One sleep session, as its latest SESSION_COMPLETE callback describes it.';
COMMENT ON COLUMN public.sleep_sessions.user_id IS 'Asleep user id (data.user_id); opaque text.';
COMMENT ON COLUMN public.sleep_sessions.session_id IS 'Asleep session id (data.session.id, older: data.session_id); opaque text.';
COMMENT ON COLUMN public.sleep_sessions.state IS 'session.state: OPEN, CLOSED, COMPLETE, or a later addition.';
COMMENT ON COLUMN public.sleep_sessions.timezone IS 'timezone: IANA name of the zone in which the vendor expressed the times.';
COMMENT ON COLUMN public.sleep_sessions.created_timezone IS 'session.created_timezone: IANA name of the zone in which the session was created.';
COMMENT ON COLUMN public.sleep_sessions.start_time IS 'session.start_time: start of the recording and of epoch 0.';
COMMENT ON COLUMN public.sleep_sessions.end_time IS 'session.end_time: end of the recording; NULL while open or unknown.';
COMMENT ON COLUMN public.sleep_sessions.unexpected_end_time IS 'session.unexpected_end_time: when the recording broke off; NULL where it did not.';
COMMENT ON COLUMN public.sleep_sessions.utc_offset_minutes IS 'UTC offset that start_time was sent with, in minutes; NULL where it had none.';
COMMENT ON COLUMN public.sleep_sessions.local_date IS 'Calendar date of start_time as it was sent, in its own offset.';
COMMENT ON COLUMN public.sleep_sessions.peculiarities IS 'peculiarities: labels that limit the analysis (NEVER_SLEPT, NO_BREATHING_STABILITY, …).';
COMMENT ON COLUMN public.sleep_sessions.validity IS 'validity: VALID, IN_PROGRESS or INVALID: …; sent by older versions in place of peculiarities.';
COMMENT ON COLUMN public.sleep_sessions.missing_data_ratio IS 'missing_data_ratio: share of the session without usable audio, 0 to 1.';
COMMENT ON COLUMN public.sleep_sessions.callback_version IS 'version or callback_version of the envelope; NULL where it names none (V1 does not).';
COMMENT ON COLUMN public.sleep_sessions.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.sleep_sessions.received_at IS 'When Nightpost received that delivery.';
CREATE TABLE public.sleep_stage_series (
    user_id text NOT NULL,
    session_id text NOT NULL,
    series text NOT NULL,
    stages smallint[] NOT NULL,
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.sleep_stage_series IS 'The final stage arrays of a session (SESSION_COMPLETE): one value for each 30-second epoch.';
COMMENT ON COLUMN public.sleep_stage_series.user_id IS 'Asleep user id (data.user_id); opaque text.';
COMMENT ON COLUMN public.sleep_stage_series.session_id IS 'Asleep session id (data.session.id, older: data.session_id); opaque text.';
COMMENT ON COLUMN public.sleep_stage_series.series IS 'sleep (-1 no data, 0 wake, 1 light, 2 deep, 3 REM), breath (codes not documented) or snoring (0 no, 1 snoring).';
COMMENT ON COLUMN public.sleep_stage_series.stages IS 'One value per 30-second epoch; the first epoch starts at sleep_sessions.start_time.';
COMMENT ON COLUMN public.sleep_stage_series.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.sleep_stage_series.received_at IS 'When Nightpost received that delivery.';
CREATE TABLE public.sleep_stage_windows (
    user_id text NOT NULL,
    session_id text NOT NULL,
    series text NOT NULL,
    inference_seq_num integer NOT NULL,
    seq_num integer,
    stages smallint[] NOT NULL,
    callback_version text,
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.sleep_stage_windows IS 'The provisional stage arrays that INFERENCE_COMPLETE sends during a session, as they came.';
COMMENT ON COLUMN public.sleep_stage_windows.user_id IS 'Asleep user id (data.user_id); opaque text.';
COMMENT ON COLUMN public.sleep_stage_windows.session_id IS 'Asleep session id (data.session.id, older: data.session_id); opaque text.';
COMMENT ON COLUMN public.sleep_stage_windows.series IS 'sleep (-1 no data, 0 wake, 1 light, 2 deep, 3 REM), breath (codes not documented) or snoring (0 no, 1 snoring).';
COMMENT ON COLUMN public.sleep_stage_windows.inference_seq_num IS 'inference_seq_num k: the array ends with epoch 10k + 9, counted from 0.';
COMMENT ON COLUMN public.sleep_stage_windows.seq_num IS 'seq_num: number of the audio upload that led to it, one per 30 seconds, counted from 0.';
COMMENT ON COLUMN public.sleep_stage_windows.stages IS 'One value per 30-second epoch; L values cover epochs 10(k + 1) - L to 10k + 9 of the session, k = inference_seq_num.';
COMMENT ON COLUMN public.sleep_stage_windows.callback_version IS 'version or callback_version of the envelope; NULL where it names none (V1 does not).';
COMMENT ON COLUMN public.sleep_stage_windows.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.sleep_stage_windows.received_at IS 'When Nightpost received that delivery.';
CREATE VIEW public.sleep_provisional_slices AS
 SELECT positioned.user_id,
    positioned.session_id,
    positioned.series,
    positioned.inference_seq_num,
    GREATEST(positioned.first_epoch, (0)::bigint) AS first_epoch,
    positioned.stages[(GREATEST((1 - positioned.first_epoch), (1)::bigint))::integer:(LEAST((positioned.later_first_epoch - positioned.first_epoch), (cardinality(positioned.stages))::bigint))::integer] AS stages,
    positioned.start_time
   FROM ( SELECT w.user_id,
            w.session_id,
            w.series,
            w.inference_seq_num,
            w.stages,
            s.start_time,
            span.first_epoch,
            min(span.first_epoch) OVER (PARTITION BY w.user_id, w.session_id, w.series ORDER BY w.inference_seq_num DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later_first_epoch
           FROM ((public.sleep_stage_windows w
             LEFT JOIN public.sleep_sessions s ON (((s.user_id = w.user_id) AND (s.session_id = w.session_id))))
             CROSS JOIN LATERAL ( SELECT ((10 * ((w.inference_seq_num)::bigint + 1)) - cardinality(w.stages)) AS first_epoch) span)
          WHERE ((w.inference_seq_num >= 0) AND (s.state IS DISTINCT FROM 'COMPLETE'::text) AND (NOT (EXISTS ( SELECT
                   FROM public.sleep_stage_series final
                  WHERE ((final.user_id = w.user_id) AND (final.session_id = w.session_id) AND (final.series = w.series))))))) positioned;
COMMENT ON VIEW public.sleep_provisional_slices IS 'The part of each inference window that stands, of sessions whose final array has not come: the epochs that no window with a higher inference_seq_num covers. Stitched together they are the night so far; sleep_epochs and sleep_stage_intervals do that.';
COMMENT ON COLUMN public.sleep_provisional_slices.user_id IS 'Asleep user id; opaque text.';
COMMENT ON COLUMN public.sleep_provisional_slices.session_id IS 'Asleep session id; opaque text.';
COMMENT ON COLUMN public.sleep_provisional_slices.series IS 'sleep, breath or snoring.';
COMMENT ON COLUMN public.sleep_provisional_slices.inference_seq_num IS 'The window that the slice was cut from.';
COMMENT ON COLUMN public.sleep_provisional_slices.first_epoch IS 'Index of the slice''s first 30-second epoch, counted from 0 at the start of the session.';
COMMENT ON COLUMN public.sleep_provisional_slices.stages IS 'One value per 30-second epoch; empty where later windows cover all of it.';
COMMENT ON COLUMN public.sleep_provisional_slices.start_time IS 'Start of the session and of epoch 0; NULL where it is not known, as before SESSION_COMPLETE.';
CREATE VIEW public.sleep_epochs AS
 SELECT epochs.user_id,
    epochs.session_id,
    epochs.series,
    epochs.epoch_index,
    (epochs.start_time + ((epochs.epoch_index)::double precision * '00:00:30'::interval)) AS starts_at,
    epochs.stage,
        CASE
            WHEN (epochs.series = 'sleep'::text) THEN
            CASE epochs.stage
                WHEN '-1'::integer THEN 'no_data'::text
                WHEN 0 THEN 'wake'::text
                WHEN 1 THEN 'light'::text
                WHEN 2 THEN 'deep'::text
                WHEN 3 THEN 'rem'::text
                ELSE NULL::text
            END
            WHEN (epochs.series = 'snoring'::text) THEN
            CASE epochs.stage
                WHEN '-1'::integer THEN 'no_data'::text
                WHEN 0 THEN 'no_snoring'::text
                WHEN 1 THEN 'snoring'::text
                ELSE NULL::text
            END
            ELSE NULL::text
        END AS stage_name,
    epochs.provisional
   FROM ( SELECT a.user_id,
            a.session_id,
            a.series,
            s.start_time,
            (u."position" - 1) AS epoch_index,
            u.stage,
            false AS provisional
           FROM ((public.sleep_stage_series a
             JOIN public.sleep_sessions s ON (((s.user_id = a.user_id) AND (s.session_id = a.session_id))))
             CROSS JOIN LATERAL unnest(a.stages) WITH ORDINALITY u(stage, "position"))
        UNION ALL
         SELECT w.user_id,
            w.session_id,
            w.series,
            w.start_time,
            ((w.first_epoch + u."position") - 1),
            u.stage,
            true
           FROM (public.sleep_provisional_slices w
             CROSS JOIN LATERAL unnest(w.stages) WITH ORDINALITY u(stage, "position"))) epochs;
COMMENT ON VIEW public.sleep_epochs IS 'One row per user, session, series and 30-second epoch. From the final array where SESSION_COMPLETE brought one; from the inference windows, the highest inference_seq_num winning, as long as the session is not COMPLETE.';
COMMENT ON COLUMN public.sleep_epochs.user_id IS 'Asleep user id; opaque text.';
COMMENT ON COLUMN public.sleep_epochs.session_id IS 'Asleep session id; opaque text.';
COMMENT ON COLUMN public.sleep_epochs.series IS 'sleep, breath or snoring.';
COMMENT ON COLUMN public.sleep_epochs.epoch_index IS 'Number of the 30-second epoch, counted from 0 at start_time. May run past end_time, where the vendor sent more values; epochs that no window covers are absent.';
COMMENT ON COLUMN public.sleep_epochs.starts_at IS 'Start of the epoch: start_time + epoch_index * 30 seconds; NULL where no start_time is known, as before SESSION_COMPLETE.';
COMMENT ON COLUMN public.sleep_epochs.stage IS 'The code as it was sent.';
COMMENT ON COLUMN public.sleep_epochs.stage_name IS 'sleep: wake, light, deep, rem, no_data; snoring: snoring, no_snoring, no_data; NULL for breath, whose codes the vendor does not document, and for codes added later.';
COMMENT ON COLUMN public.sleep_epochs.provisional IS 'false: from the final array of SESSION_COMPLETE; true: from inference windows, still to be replaced.';
CREATE TABLE public.sleep_stats (
    user_id text NOT NULL,
    session_id text NOT NULL,
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
    delivery_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.sleep_stats IS 'The statistics of a session (data.stat). NULL means not applicable, 0 means zero: never the same.';
COMMENT ON COLUMN public.sleep_stats.user_id IS 'Asleep user id (data.user_id); opaque text.';
COMMENT ON COLUMN public.sleep_stats.session_id IS 'Asleep session id (data.session.id, older: data.session_id); opaque text.';
COMMENT ON COLUMN public.sleep_stats.sleep_time IS 'stat.sleep_time: when the user fell asleep.';
COMMENT ON COLUMN public.sleep_stats.wake_time IS 'stat.wake_time: when the user finally woke.';
COMMENT ON COLUMN public.sleep_stats.sleep_index IS 'stat.sleep_index: overall sleep index, 0 to 100.';
COMMENT ON COLUMN public.sleep_stats.sleep_latency IS 'stat.sleep_latency: seconds from the start to falling asleep.';
COMMENT ON COLUMN public.sleep_stats.wakeup_latency IS 'stat.wakeup_latency: seconds from waking to the end.';
COMMENT ON COLUMN public.sleep_stats.light_latency IS 'stat.light_latency: seconds from falling asleep to light sleep; NULL where there was none.';
COMMENT ON COLUMN public.sleep_stats.deep_latency IS 'stat.deep_latency: seconds from falling asleep to deep sleep; NULL where there was none.';
COMMENT ON COLUMN public.sleep_stats.rem_latency IS 'stat.rem_latency: seconds from falling asleep to REM sleep; NULL where there was none.';
COMMENT ON COLUMN public.sleep_stats.time_in_bed IS 'stat.time_in_bed: seconds from start to end.';
COMMENT ON COLUMN public.sleep_stats.time_in_sleep_period IS 'stat.time_in_sleep_period: seconds from sleep_time to wake_time.';
COMMENT ON COLUMN public.sleep_stats.time_in_sleep IS 'stat.time_in_sleep: seconds asleep.';
COMMENT ON COLUMN public.sleep_stats.time_in_wake IS 'stat.time_in_wake: seconds awake within the sleep period.';
COMMENT ON COLUMN public.sleep_stats.time_in_light IS 'stat.time_in_light: seconds in light sleep.';
COMMENT ON COLUMN public.sleep_stats.time_in_deep IS 'stat.time_in_deep: seconds in deep sleep.';
COMMENT ON COLUMN public.sleep_stats.time_in_rem IS 'stat.time_in_rem: seconds in REM sleep.';
COMMENT ON COLUMN public.sleep_stats.time_in_stable_breath IS 'stat.time_in_stable_breath: seconds of stable breathing.';
COMMENT ON COLUMN public.sleep_stats.time_in_unstable_breath IS 'stat.time_in_unstable_breath: seconds of unstable breathing.';
COMMENT ON COLUMN public.sleep_stats.time_in_snoring IS 'stat.time_in_snoring: seconds with snoring.';
COMMENT ON COLUMN public.sleep_stats.time_in_no_snoring IS 'stat.time_in_no_snoring: seconds without snoring.';
COMMENT ON COLUMN public.sleep_stats.sleep_efficiency IS 'stat.sleep_efficiency: time asleep over time in bed, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.sleep_ratio IS 'stat.sleep_ratio: share of the sleep period asleep, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.wake_ratio IS 'stat.wake_ratio: share of the sleep period awake, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.light_ratio IS 'stat.light_ratio: share of the sleep period in light sleep, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.deep_ratio IS 'stat.deep_ratio: share of the sleep period in deep sleep, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.rem_ratio IS 'stat.rem_ratio: share of the sleep period in REM sleep, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.stable_breath_ratio IS 'stat.stable_breath_ratio: share of the sleep period with stable breathing, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.unstable_breath_ratio IS 'stat.unstable_breath_ratio: share of the sleep period with unstable breathing, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.snoring_ratio IS 'stat.snoring_ratio: share of the sleep period with snoring, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.no_snoring_ratio IS 'stat.no_snoring_ratio: share of the sleep period without snoring, 0 to 1.';
COMMENT ON COLUMN public.sleep_stats.breathing_index IS 'stat.breathing_index: index of unstable breathing.';
COMMENT ON COLUMN public.sleep_stats.breathing_pattern IS 'stat.breathing_pattern: the vendor documents no values; kept as text.';
COMMENT ON COLUMN public.sleep_stats.waso_count IS 'stat.waso_count: awakenings after sleep onset.';
COMMENT ON COLUMN public.sleep_stats.longest_waso IS 'stat.longest_waso: seconds of the longest awakening after sleep onset.';
COMMENT ON COLUMN public.sleep_stats.sleep_cycle_count IS 'stat.sleep_cycle_count: number of sleep cycles.';
COMMENT ON COLUMN public.sleep_stats.sleep_cycle IS 'stat.sleep_cycle: mean length of a sleep cycle in seconds; NULL where there was none.';
COMMENT ON COLUMN public.sleep_stats.sleep_cycle_time IS 'stat.sleep_cycle_time: start and end of the first sleep cycle, then the end of each later one.';
COMMENT ON COLUMN public.sleep_stats.unstable_breath_count IS 'stat.unstable_breath_count: spells of unstable breathing.';
COMMENT ON COLUMN public.sleep_stats.snoring_count IS 'stat.snoring_count: spells of snoring.';
COMMENT ON COLUMN public.sleep_stats.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.sleep_stats.received_at IS 'When Nightpost received that delivery.';
CREATE MATERIALIZED VIEW public.time_zones AS
 SELECT DISTINCT pg_timezone_names.name
   FROM pg_timezone_names
  WHERE (((pg_timezone_names.name ~ '[/a-z]'::text) OR (pg_timezone_names.name = ANY (ARRAY['UTC'::text, 'GMT'::text]))) AND (pg_timezone_names.name !~ '^(posix|right)/'::text) AND (pg_timezone_names.name <> ALL (ARRAY['localtime'::text, 'posixrules'::text, 'Factory'::text])))
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW public.time_zones IS 'The IANA time zone names that this server knows. Neither abbreviations such as IST nor POSIX rules such as UTC+9, whose sign is reversed. Refreshed when Nightpost migrates or starts.';
COMMENT ON COLUMN public.time_zones.name IS 'IANA name, for example Europe/Berlin; spelled exactly so.';
CREATE VIEW public.sleep_nights AS
 SELECT s.user_id,
    s.session_id,
    ((COALESCE(t.wake_time, s.end_time, s.unexpected_end_time) AT TIME ZONE zone.name))::date AS sleep_date,
    zone.name AS time_zone,
    (COALESCE(created.name, sent.name) IS NOT NULL) AS time_zone_known,
    (s.start_time AT TIME ZONE zone.name) AS local_bed_time,
    (t.sleep_time AT TIME ZONE zone.name) AS local_sleep_time,
    (t.wake_time AT TIME ZONE zone.name) AS local_wake_time,
    (COALESCE(s.end_time, s.unexpected_end_time) AT TIME ZONE zone.name) AS local_end_time,
    s.start_time,
    t.sleep_time,
    t.wake_time,
    COALESCE(s.end_time, s.unexpected_end_time) AS end_time,
    round(((t.time_in_bed)::numeric / 60.0), 2) AS in_bed_minutes,
    round(((t.time_in_sleep_period)::numeric / 60.0), 2) AS sleep_period_minutes,
    round(((t.time_in_sleep)::numeric / 60.0), 2) AS asleep_minutes,
    round(((t.time_in_light)::numeric / 60.0), 2) AS light_minutes,
    round(((t.time_in_deep)::numeric / 60.0), 2) AS deep_minutes,
    round(((t.time_in_rem)::numeric / 60.0), 2) AS rem_minutes,
    round(((t.time_in_wake)::numeric / 60.0), 2) AS waso_minutes,
    t.waso_count,
    round(((t.longest_waso)::numeric / 60.0), 2) AS longest_waso_minutes,
    round(((t.sleep_latency)::numeric / 60.0), 2) AS sleep_latency_minutes,
    round(((t.light_latency)::numeric / 60.0), 2) AS light_latency_minutes,
    round(((t.deep_latency)::numeric / 60.0), 2) AS deep_latency_minutes,
    round(((t.rem_latency)::numeric / 60.0), 2) AS rem_latency_minutes,
    round(((t.wakeup_latency)::numeric / 60.0), 2) AS wakeup_latency_minutes,
    t.sleep_efficiency,
    t.sleep_index,
    t.sleep_cycle_count,
    round((t.sleep_cycle / 60.0), 2) AS sleep_cycle_minutes,
    round(((t.time_in_snoring)::numeric / 60.0), 2) AS snoring_minutes,
    t.snoring_count,
    round(((t.time_in_unstable_breath)::numeric / 60.0), 2) AS unstable_breath_minutes,
    t.unstable_breath_count,
    t.breathing_index,
    s.state,
    s.peculiarities,
    s.validity,
    s.missing_data_ratio,
    (t.user_id IS NOT NULL) AS has_stats,
    s.delivery_id,
    s.received_at
   FROM ((((public.sleep_sessions s
     LEFT JOIN public.sleep_stats t ON (((t.user_id = s.user_id) AND (t.session_id = s.session_id))))
     LEFT JOIN public.time_zones created ON ((created.name = s.created_timezone)))
     LEFT JOIN public.time_zones sent ON ((sent.name = s.timezone)))
     CROSS JOIN LATERAL ( SELECT COALESCE(created.name, sent.name, 'UTC'::text) AS name) zone);
COMMENT ON VIEW public.sleep_nights IS 'One row per session that SESSION_COMPLETE described, naps included, in the local time of the user. Minutes are rounded to two decimals; the exact seconds are in sleep_stats. NULL means not applicable or not analysed, never 0.';
COMMENT ON COLUMN public.sleep_nights.user_id IS 'Asleep user id; opaque text.';
COMMENT ON COLUMN public.sleep_nights.session_id IS 'Asleep session id; opaque text.';
COMMENT ON COLUMN public.sleep_nights.sleep_date IS 'Local date of waking: of wake_time, or else of end_time; NULL while neither is known. A night belongs to the day that it ends on.';
COMMENT ON COLUMN public.sleep_nights.time_zone IS 'The zone of all local_ columns: created_timezone, or else timezone; UTC where neither is an IANA name that the server knows.';
COMMENT ON COLUMN public.sleep_nights.time_zone_known IS 'false: no usable time zone name was sent, and the local_ columns are UTC.';
COMMENT ON COLUMN public.sleep_nights.local_bed_time IS 'Start of the recording, in time_zone; a timestamp without a zone.';
COMMENT ON COLUMN public.sleep_nights.local_sleep_time IS 'When the user fell asleep, in time_zone; a timestamp without a zone.';
COMMENT ON COLUMN public.sleep_nights.local_wake_time IS 'When the user finally woke, in time_zone; a timestamp without a zone.';
COMMENT ON COLUMN public.sleep_nights.local_end_time IS 'End of the recording, in time_zone; a timestamp without a zone.';
COMMENT ON COLUMN public.sleep_nights.start_time IS 'Start of the recording, and of epoch 0.';
COMMENT ON COLUMN public.sleep_nights.sleep_time IS 'When the user fell asleep (sleep_stats.sleep_time).';
COMMENT ON COLUMN public.sleep_nights.wake_time IS 'When the user finally woke (sleep_stats.wake_time).';
COMMENT ON COLUMN public.sleep_nights.end_time IS 'End of the recording: end_time, or else unexpected_end_time.';
COMMENT ON COLUMN public.sleep_nights.in_bed_minutes IS 'Minutes from start to end (sleep_stats.time_in_bed).';
COMMENT ON COLUMN public.sleep_nights.sleep_period_minutes IS 'Minutes from falling asleep to finally waking (sleep_stats.time_in_sleep_period).';
COMMENT ON COLUMN public.sleep_nights.asleep_minutes IS 'Minutes asleep (sleep_stats.time_in_sleep).';
COMMENT ON COLUMN public.sleep_nights.light_minutes IS 'Minutes in light sleep.';
COMMENT ON COLUMN public.sleep_nights.deep_minutes IS 'Minutes in deep sleep.';
COMMENT ON COLUMN public.sleep_nights.rem_minutes IS 'Minutes in REM sleep.';
COMMENT ON COLUMN public.sleep_nights.waso_minutes IS 'Wake after sleep onset in minutes: awake within the sleep period (sleep_stats.time_in_wake).';
COMMENT ON COLUMN public.sleep_nights.waso_count IS 'Awakenings after sleep onset.';
COMMENT ON COLUMN public.sleep_nights.longest_waso_minutes IS 'Minutes of the longest awakening after sleep onset.';
COMMENT ON COLUMN public.sleep_nights.sleep_latency_minutes IS 'Minutes from the start to falling asleep.';
COMMENT ON COLUMN public.sleep_nights.light_latency_minutes IS 'Minutes from falling asleep to light sleep; NULL where there was none.';
COMMENT ON COLUMN public.sleep_nights.deep_latency_minutes IS 'Minutes from falling asleep to deep sleep; NULL where there was none.';
COMMENT ON COLUMN public.sleep_nights.rem_latency_minutes IS 'Minutes from falling asleep to REM sleep; NULL where there was none.';
COMMENT ON COLUMN public.sleep_nights.wakeup_latency_minutes IS 'Minutes from finally waking to the end.';
COMMENT ON COLUMN public.sleep_nights.sleep_efficiency IS 'Time asleep over time in bed, 0 to 1.';
COMMENT ON COLUMN public.sleep_nights.sleep_index IS 'Overall sleep index of the vendor, 0 to 100.';
COMMENT ON COLUMN public.sleep_nights.sleep_cycle_count IS 'Number of sleep cycles.';
COMMENT ON COLUMN public.sleep_nights.sleep_cycle_minutes IS 'Mean length of a sleep cycle in minutes.';
COMMENT ON COLUMN public.sleep_nights.snoring_minutes IS 'Minutes with snoring.';
COMMENT ON COLUMN public.sleep_nights.snoring_count IS 'Spells of snoring.';
COMMENT ON COLUMN public.sleep_nights.unstable_breath_minutes IS 'Minutes of unstable breathing.';
COMMENT ON COLUMN public.sleep_nights.unstable_breath_count IS 'Spells of unstable breathing.';
COMMENT ON COLUMN public.sleep_nights.breathing_index IS 'Index of unstable breathing.';
COMMENT ON COLUMN public.sleep_nights.state IS 'session.state: OPEN, CLOSED, COMPLETE, or a later addition.';
COMMENT ON COLUMN public.sleep_nights.peculiarities IS 'Labels that limit the analysis (NEVER_SLEPT, NO_BREATHING_STABILITY, …).';
COMMENT ON COLUMN public.sleep_nights.validity IS 'VALID, IN_PROGRESS or INVALID: …; sent by older versions in place of peculiarities.';
COMMENT ON COLUMN public.sleep_nights.missing_data_ratio IS 'Share of the session without usable audio, 0 to 1.';
COMMENT ON COLUMN public.sleep_nights.has_stats IS 'Whether the vendor sent statistics; where not, every minute is NULL.';
COMMENT ON COLUMN public.sleep_nights.delivery_id IS 'The delivery that this row came from (deliveries.delivery_id).';
COMMENT ON COLUMN public.sleep_nights.received_at IS 'When Nightpost received that delivery.';
CREATE VIEW public.sleep_stage_intervals AS
 SELECT runs.user_id,
    runs.session_id,
    runs.series,
    runs.first_epoch,
    runs.epochs,
    (runs.start_time + ((runs.first_epoch)::double precision * '00:00:30'::interval)) AS starts_at,
    (runs.start_time + (((runs.first_epoch + runs.epochs))::double precision * '00:00:30'::interval)) AS ends_at,
    (runs.epochs * 30) AS duration_seconds,
    runs.stage,
        CASE
            WHEN (runs.series = 'sleep'::text) THEN
            CASE runs.stage
                WHEN '-1'::integer THEN 'no_data'::text
                WHEN 0 THEN 'wake'::text
                WHEN 1 THEN 'light'::text
                WHEN 2 THEN 'deep'::text
                WHEN 3 THEN 'rem'::text
                ELSE NULL::text
            END
            WHEN (runs.series = 'snoring'::text) THEN
            CASE runs.stage
                WHEN '-1'::integer THEN 'no_data'::text
                WHEN 0 THEN 'no_snoring'::text
                WHEN 1 THEN 'snoring'::text
                ELSE NULL::text
            END
            ELSE NULL::text
        END AS stage_name,
    runs.provisional
   FROM ( SELECT a.user_id,
            a.session_id,
            a.series,
            s.start_time,
            run.first_epoch,
            run.epochs,
            run.stage,
            false AS provisional
           FROM ((public.sleep_stage_series a
             JOIN public.sleep_sessions s ON (((s.user_id = a.user_id) AND (s.session_id = a.session_id))))
             CROSS JOIN LATERAL ( SELECT (u."position" - 1) AS first_epoch,
                    (lead(u."position") OVER (ORDER BY u."position") - u."position") AS epochs,
                    u.stage
                   FROM UNNEST(a.stages, array_prepend(NULL::smallint, a.stages)) WITH ORDINALITY u(stage, stage_before, "position")
                  WHERE (u.stage IS DISTINCT FROM u.stage_before)) run)
          WHERE (run.stage IS NOT NULL)
        UNION ALL
         SELECT p.user_id,
            p.session_id,
            p.series,
            p.start_time,
            run.first_epoch,
            run.epochs,
            run.stage,
            true
           FROM (( SELECT w.user_id,
                    w.session_id,
                    w.series,
                    w.start_time,
                    array_agg(((w.first_epoch + u."position") - 1) ORDER BY w.inference_seq_num, u."position") AS indexes,
                    array_agg(u.stage ORDER BY w.inference_seq_num, u."position") AS stages
                   FROM (public.sleep_provisional_slices w
                     CROSS JOIN LATERAL unnest(w.stages) WITH ORDINALITY u(stage, "position"))
                  GROUP BY w.user_id, w.session_id, w.series, w.start_time) p
             CROSS JOIN LATERAL ( SELECT u.epoch_index AS first_epoch,
                    (lead(u."position") OVER (ORDER BY u."position") - u."position") AS epochs,
                    u.stage
                   FROM UNNEST(p.indexes, p.stages, array_prepend(NULL::bigint, p.indexes), array_prepend(NULL::smallint, p.stages)) WITH ORDINALITY u(epoch_index, stage, epoch_before, stage_before, "position")
                  WHERE ((u.stage IS DISTINCT FROM u.stage_before) OR (u.epoch_index <> (u.epoch_before + 1)))) run)
          WHERE (run.stage IS NOT NULL)) runs;
COMMENT ON VIEW public.sleep_stage_intervals IS 'The hypnogram: one row per run of equal stages in consecutive epochs of sleep_epochs, of a user, session and series.';
COMMENT ON COLUMN public.sleep_stage_intervals.user_id IS 'Asleep user id; opaque text.';
COMMENT ON COLUMN public.sleep_stage_intervals.session_id IS 'Asleep session id; opaque text.';
COMMENT ON COLUMN public.sleep_stage_intervals.series IS 'sleep, breath or snoring.';
COMMENT ON COLUMN public.sleep_stage_intervals.first_epoch IS 'Index of the run''s first 30-second epoch, counted from 0.';
COMMENT ON COLUMN public.sleep_stage_intervals.epochs IS 'Number of 30-second epochs in the run.';
COMMENT ON COLUMN public.sleep_stage_intervals.starts_at IS 'Start of the run; NULL where no start_time is known.';
COMMENT ON COLUMN public.sleep_stage_intervals.ends_at IS 'End of the run, which is the start of the next where no epoch is missing; NULL where no start_time is known.';
COMMENT ON COLUMN public.sleep_stage_intervals.duration_seconds IS 'Length of the run in seconds: epochs * 30.';
COMMENT ON COLUMN public.sleep_stage_intervals.stage IS 'The code as it was sent.';
COMMENT ON COLUMN public.sleep_stage_intervals.stage_name IS 'sleep: wake, light, deep, rem, no_data; snoring: snoring, no_snoring, no_data; NULL for breath, whose codes the vendor does not document, and for codes added later.';
COMMENT ON COLUMN public.sleep_stage_intervals.provisional IS 'false: from the final array of SESSION_COMPLETE; true: from inference windows, still to be replaced.';
CREATE TABLE public.unverified_deliveries (
    delivery_id uuid NOT NULL,
    vendor text NOT NULL,
    headers jsonb NOT NULL,
    hashed_headers jsonb NOT NULL,
    body bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    "position" bigint NOT NULL
);
COMMENT ON TABLE public.unverified_deliveries IS 'The quarantine: deliveries answered 401, kept where QUARANTINE_UNVERIFIED_MAX_BYTES allows it until nightpost replay --outcome unverified can prove their sender. Anyone may have sent them.';
COMMENT ON COLUMN public.unverified_deliveries.delivery_id IS 'UUID version 7; the delivery keeps it once its sender is proven.';
COMMENT ON COLUMN public.unverified_deliveries.vendor IS 'The vendor whose route was called.';
COMMENT ON COLUMN public.unverified_deliveries.headers IS 'The headers needed to judge the body again, and the signature that was presented.';
COMMENT ON COLUMN public.unverified_deliveries.hashed_headers IS 'Salted hashes of the keys that were presented (salt:hash in hex); never a key.';
COMMENT ON COLUMN public.unverified_deliveries.body IS 'The exact bytes received.';
COMMENT ON COLUMN public.unverified_deliveries.received_at IS 'When the delivery arrived.';
COMMENT ON COLUMN public.unverified_deliveries."position" IS 'Bytes quarantined before this delivery: the oldest go once the count runs further ahead of them than the limit.';
ALTER TABLE ONLY drizzle.__drizzle_migrations ALTER COLUMN id SET DEFAULT nextval('drizzle.__drizzle_migrations_id_seq'::regclass);
INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES (1, 'c1ca923935493c7e2facb405e8ef6607f1d32f5be4a802dae67fb8d1a72ff397', 1795323663037);
INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES (2, 'e2e92141238bb18a01d3ce63c5a42f3ea457a38f2d7459336ce6ee4b117ba16d', 1795323666564);
INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES (3, '06d7229ba0b437970ae04b83814b6782cde438624eced9bd8cd229b85320d84a', 1795328424075);
INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES (4, 'a9bbd03d4e1e72eed4f41ecefd121cbedb563a406621cabbe1569283731afecd', 1795328427830);
INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES (5, 'b65ed9036dc9986da802fb28894345c76789d34c7f2735ee1116f19880d2d6eb', 1795328997275);
INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES (6, 'bfd7823deef55224ac0ce9eb1301c4fa11725ec12b8fa4fdf836bfb6c8707163', 1795329063079);
INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES (7, '8e80d38ad159c48b972bb7ca87d9ab7fd95124b6f3df268fb4e4b4a9442e9b3f', 1795329064109);
INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES (8, '0135107157814da64005570dc6ba02aae38c674cfb84dd43c25ce6123ee4e7cf', 1795332913718);
INSERT INTO public.archetypes (profile_id, id, account_id, external_id, name, value, data_type, periodicity, ordinality, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, created_at_utc, version, delivery_id, received_at) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'd4e5f6a7-b8c9-0123-def4-567890123456', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_12345', 'chronotype', 'early_bird', 'string', 'weekly', 0, '2025-01-15 00:00:00+00', '2025-01-22 00:00:00+00', 0, '2025-01-15', 0, '2025-01-22 06:00:00+00', 1, '01a21004-b755-718c-96cc-803e0bec530b', '2026-11-25 00:04:34.261+00');
INSERT INTO public.biomarkers (profile_id, id, account_id, external_id, category, type, periodicity, aggregation, value, value_number, unit, value_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, created_at_utc, version, delivery_id, received_at) VALUES ('profile-sparse', '4f7c1f8a-bb32-5c8b-9f4a-6d5a1e6b7c88', NULL, NULL, 'sleep', 'sleep_start_time', 'intraday', 'none', '2025-07-11T06:00+12:00', NULL, 'datetime', 'datetime', '2025-07-11 12:00:00+00', '2025-07-12 10:59:59+00', 720, '2025-07-12', 780, NULL, NULL, '01a21004-b75f-71ad-806d-c4e06733a1d4', '2026-11-25 00:04:34.271+00');
INSERT INTO public.biomarkers (profile_id, id, account_id, external_id, category, type, periodicity, aggregation, value, value_number, unit, value_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, created_at_utc, version, delivery_id, received_at) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'b2c3d4e5-f6a7-8901-bcde-f23456789012', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_12345', 'activity', 'steps', 'daily', 'total', '8547', 8547, 'count', 'integer', '2025-01-22 00:00:00+00', '2025-01-22 23:59:59+00', 0, '2025-01-22', 0, '2025-01-22 18:30:00+00', 1, '01a21004-b770-7062-ba59-cc2da7feacc2', '2026-11-25 00:04:34.288+00');
INSERT INTO public.data_logs (profile_id, id, account_id, external_id, log_type, data_type, received_at_utc, parent_id, value, unit, source, recording_method, device_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, additional_properties, delivery_id, received_at) VALUES ('profile-mixed', 'test-log-1', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_9', 'exercise', 'exercise_session_running', '2025-10-26 01:30:00.99+00', '', 9007199254740993, '', 'com.example.run', 'manual_entry', '', '2025-10-26 00:30:00+00', '2025-10-26 01:30:00+00', 120, '2025-10-26', 60, '{"exact": 0.1000000000000000055, "TotalDistance": 5200.5, "motion_context": {"nested": [1, null, true]}, "totalEnergyBurned": "320.0"}', '01a21004-b772-76bc-a098-b7dc8ee036bd', '2026-11-25 00:04:34.29+00');
INSERT INTO public.data_logs (profile_id, id, account_id, external_id, log_type, data_type, received_at_utc, parent_id, value, unit, source, recording_method, device_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, additional_properties, delivery_id, received_at) VALUES ('profile-mixed', 'test-log-2', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_9', 'exercise', 'exercise_session_running', '2025-10-26 01:30:00.99+00', 'test-log-1', 5.5, NULL, NULL, NULL, NULL, '2025-10-26 00:30:00+00', NULL, 120, '2025-10-26', NULL, NULL, '01a21004-b772-76bc-a098-b7dc8ee036bd', '2026-11-25 00:04:34.29+00');
INSERT INTO public.data_logs (profile_id, id, account_id, external_id, log_type, data_type, received_at_utc, parent_id, value, unit, source, recording_method, device_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, additional_properties, delivery_id, received_at) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'e5f6a7b8-c9d0-1234-ef56-789012345678', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_12345', 'activity', 'steps', '2025-01-22 14:30:00+00', NULL, 1250, 'count', 'iPhone 15 Pro', 'RECORDING_METHOD_AUTOMATICALLY_RECORDED', 'iPhone16,1', '2025-01-22 09:00:00+00', '2025-01-22 10:00:00+00', 0, '2025-01-22', 0, '{}', '01a21004-b778-7761-9117-8d6f6ff5fcac', '2026-11-25 00:04:34.296+00');
INSERT INTO public.data_logs (profile_id, id, account_id, external_id, log_type, data_type, received_at_utc, parent_id, value, unit, source, recording_method, device_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, additional_properties, delivery_id, received_at) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'f6a7b8c9-d0e1-2345-f678-901234567890', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_12345', 'activity', 'steps', '2025-01-22 14:30:00+00', NULL, 890, 'count', 'Apple Watch', 'RECORDING_METHOD_AUTOMATICALLY_RECORDED', 'Watch7,1', '2025-01-22 10:00:00+00', '2025-01-22 11:00:00+00', 0, '2025-01-22', 0, '{}', '01a21004-b778-7761-9117-8d6f6ff5fcac', '2026-11-25 00:04:34.296+00');
INSERT INTO public.data_logs (profile_id, id, account_id, external_id, log_type, data_type, received_at_utc, parent_id, value, unit, source, recording_method, device_type, start_date_time, end_date_time, utc_offset_minutes, local_date, end_utc_offset_minutes, additional_properties, delivery_id, received_at) VALUES ('profile-1', 'pressure-1', 'account-1', 'user-1', 'heart', 'blood_pressure_diastolic', '2025-01-22 10:00:00+00', '', 79, 'mmHg', 'watch', NULL, NULL, '2025-01-22 08:00:00+00', '2025-01-22 08:00:00+00', 60, '2025-01-22', 60, '{"bodyPosition": "sitting"}', '01a21004-b784-7389-a9da-09700ce42922', '2026-11-25 00:04:34.308+00');
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('G-20240601000000-mix', 'asleep', '\xacce3ac98c3e435544673c0b5cb06db4fe059cb6a804bc77751e35d24c9dc659', '01a21004-b71d-703a-80f1-3f2865eecb0f', 'INFERENCE_COMPLETE', 'G-20240601000000-mix', 'api_key', 'stored', NULL, '\x7b0a2020226576656e74223a2022494e464552454e43455f434f4d504c455445222c0a20202263616c6c6261636b5f76657273696f6e223a20225632222c0a20202263616c6c6261636b5f64617461223a207b0a2020202022757365725f6964223a2022472d32303234303630313030303030302d6d6978222c0a202020202273657373696f6e5f6964223a202232303234303630313030303030305f6d69786564222c0a2020202022696e666572656e63655f7365715f6e756d223a20362c0a2020202022736c6565705f737461676573223a205b312c20312c20312c20332c20332c20332c20332c20332c20332c20335d2c0a202020202273746167655f6c697374223a206e756c6c2c0a20202020226f73615f737461676573223a205b302c20305d2c0a2020202022736e6f72696e675f737461676573223a205b5d2c0a202020202261646465645f6c61746572223a207b2022756e6b6e6f776e223a2074727565207d0a20207d0a7d0a', '{"x-user-id": "G-20240601000000-mix", "user-agent": "lightMyRequest", "content-type": "application/json"}', '2026-11-25 00:04:34.205+00', '2026-11-25 00:04:34.205+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('G-20220801000000-v1', 'asleep', '\x176b17cbd8c562f66415c869d9fee19c5b82cd6ad1116dcca468e6aa53407233', '01a21004-b731-7125-9402-30af2e3a6e07', 'INFERENCE_COMPLETE', 'G-20220801000000-v1', 'api_key', 'stored', NULL, '\x7b0a20202263616c6c6261636b5f6576656e74223a2022494e464552454e43455f434f4d504c455445222c0a20202263616c6c6261636b5f64617461223a207b0a2020202022757365725f6964223a2022472d32303232303830313030303030302d7631222c0a202020202273657373696f6e5f6964223a202232303232303830313030303030305f6669727374222c0a20202020227365715f6e756d223a2037392c0a2020202022696e666572656e63655f7365715f6e756d223a20372c0a202020202273746167655f6c697374223a205b0a202020202020302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20312c20312c20312c20312c20312c20312c20312c20312c20312c20312c20312c20312c20312c20312c20312c20312c20312c20322c20322c20322c20322c20322c0a202020202020322c20322c20322c20322c202d310a202020205d2c0a20202020226f73615f73746167655f6c697374223a205b0a202020202020302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20302c20312c20312c20302c20302c20302c20302c20302c20302c20302c0a202020202020302c20302c20302c20302c20300a202020205d0a20207d0a7d0a', '{"x-user-id": "G-20220801000000-v1", "user-agent": "lightMyRequest", "content-type": "application/json"}', '2026-11-25 00:04:34.225+00', '2026-11-25 00:04:34.225+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('G-20230301000000-v2', 'asleep', '\xf0a64833ae8d813882a63ab8088070b3d04da609078bef45a5315d8f81bc5b75', '01a21004-b737-71f8-adf6-b73d6b9696cb', 'INFERENCE_COMPLETE', 'G-20230301000000-v2', 'api_key', 'stored', NULL, '\x7b0a20202263616c6c6261636b5f6576656e74223a2022494e464552454e43455f434f4d504c455445222c0a20202263616c6c6261636b5f76657273696f6e223a20225632222c0a20202263616c6c6261636b5f64617461223a207b0a2020202022757365725f6964223a2022472d32303233303330313030303030302d7632222c0a202020202273657373696f6e5f6964223a202232303233303330313030303030305f7365636f6e64222c0a20202020227365715f6e756d223a20392c0a2020202022696e666572656e63655f7365715f6e756d223a20302c0a202020202273746167655f6c697374223a205b302c20302c20302c20302c20302c20302c20312c20312c20312c20315d2c0a20202020226272656174685f737461676573223a205b302c20302c20302c20302c20312c20302c20302c20302c20302c20305d0a20207d0a7d0a', '{"x-user-id": "G-20230301000000-v2", "user-agent": "lightMyRequest", "content-type": "application/json"}', '2026-11-25 00:04:34.231+00', '2026-11-25 00:04:34.231+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('G-20250115025029-vLErWBfQNtnfvgDccFOQ', 'asleep', '\x5ebddc1c227f8d4ae0a80143d01950c5cdb831ab56ba14ac11f993ec9188a0e6', '01a21004-b739-755f-b8e4-603c93809cfa', 'INFERENCE_COMPLETE', 'G-20250115025029-vLErWBfQNtnfvgDccFOQ', 'api_key', 'stored', NULL, '\x7b0a2020226576656e74223a2022494e464552454e43455f434f4d504c455445222c0a20202276657273696f6e223a20225633222c0a20202264617461223a207b0a2020202022757365725f6964223a2022472d32303235303131353032353032392d764c4572574266514e746e667667446363464f51222c0a202020202273657373696f6e5f6964223a202232303235303131353032353032395f667669766e222c0a20202020227365715f6e756d223a2033392c0a2020202022696e666572656e63655f7365715f6e756d223a20332c0a2020202022736c6565705f737461676573223a205b305d2c0a20202020226272656174685f737461676573223a206e756c6c2c0a2020202022736e6f72696e675f737461676573223a205b305d0a20207d0a7d0a', '{"x-user-id": "G-20250115025029-vLErWBfQNtnfvgDccFOQ", "user-agent": "lightMyRequest", "content-type": "application/json"}', '2026-11-25 00:04:34.233+00', '2026-11-25 00:04:34.233+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('G-20250309000000-full', 'asleep', '\x2724e2586412081a5049ff1bac14a7006962790453c3b5248b15d2c7c27c87aa', '01a21004-b73b-716d-9757-3a83411ea38e', 'SESSION_COMPLETE', 'G-20250309000000-full', 'api_key', 'stored', NULL, '\x7b0a2020226576656e74223a202253455353494f4e5f434f4d504c455445222c0a20202276657273696f6e223a20225633222c0a20202264617461223a207b0a202020202274696d657a6f6e65223a2022416d65726963612f4e65775f596f726b222c0a2020202022706563756c6961726974696573223a205b5d2c0a20202020226d697373696e675f646174615f726174696f223a20302c0a2020202022757365725f6964223a2022472d32303235303330393030303030302d66756c6c222c0a202020202273657373696f6e223a207b0a202020202020226964223a202232303235303330393030303030305f66756c6c222c0a202020202020227374617465223a2022434f4d504c455445222c0a2020202020202273746172745f74696d65223a2022323032352d30332d30385432333a31303a30302d30353a3030222c0a20202020202022656e645f74696d65223a2022323032352d30332d30395430373a31303a30302d30343a3030222c0a20202020202022756e65787065637465645f656e645f74696d65223a206e756c6c2c0a20202020202022637265617465645f74696d657a6f6e65223a2022416d65726963612f4e65775f596f726b222c0a20202020202022736c6565705f737461676573223a205b2d312c20302c20312c20322c20335d2c0a202020202020226272656174685f737461676573223a205b302c20312c20322c20302c20305d2c0a20202020202022736e6f72696e675f737461676573223a205b302c20312c20312c20302c202d315d0a202020207d2c0a202020202273746174223a207b0a20202020202022736c6565705f74696d65223a2022323032352d30332d30385432333a32353a30302d30353a3030222c0a2020202020202277616b655f74696d65223a2022323032352d30332d30395430373a30303a30302d30343a3030222c0a20202020202022736c6565705f696e646578223a2038312c0a20202020202022736c6565705f6c6174656e6379223a203930302c0a2020202020202277616b6575705f6c6174656e6379223a203630302c0a202020202020226c696768745f6c6174656e6379223a20302c0a20202020202022646565705f6c6174656e6379223a20313233302c0a2020202020202272656d5f6c6174656e6379223a20343530302c0a2020202020202274696d655f696e5f626564223a2032353230302c0a2020202020202274696d655f696e5f736c6565705f706572696f64223a2032333730302c0a2020202020202274696d655f696e5f736c656570223a2032323530302c0a2020202020202274696d655f696e5f77616b65223a20313230302c0a2020202020202274696d655f696e5f6c69676874223a2031323030302c0a2020202020202274696d655f696e5f64656570223a20343530302c0a2020202020202274696d655f696e5f72656d223a20363030302c0a2020202020202274696d655f696e5f737461626c655f627265617468223a2032333030302c0a2020202020202274696d655f696e5f756e737461626c655f627265617468223a203730302c0a2020202020202274696d655f696e5f736e6f72696e67223a20313830302c0a2020202020202274696d655f696e5f6e6f5f736e6f72696e67223a2032313930302c0a20202020202022736c6565705f656666696369656e6379223a20302e3839332c0a20202020202022736c6565705f726174696f223a20302e3934392c0a2020202020202277616b655f726174696f223a20302e3035312c0a202020202020226c696768745f726174696f223a20302e3530362c0a20202020202022646565705f726174696f223a20302e31392c0a2020202020202272656d5f726174696f223a20302e3235332c0a20202020202022737461626c655f6272656174685f726174696f223a20302e39372c0a20202020202022756e737461626c655f6272656174685f726174696f223a20302e30332c0a20202020202022736e6f72696e675f726174696f223a20302e3037362c0a202020202020226e6f5f736e6f72696e675f726174696f223a20302e3932342c0a20202020202022627265617468696e675f696e646578223a20322e352c0a20202020202022627265617468696e675f7061747465726e223a2022535441424c45222c0a202020202020227761736f5f636f756e74223a20342c0a202020202020226c6f6e676573745f7761736f223a203432302c0a20202020202022736c6565705f6379636c655f636f756e74223a20342c0a20202020202022736c6565705f6379636c65223a20353430302e352c0a20202020202022736c6565705f6379636c655f74696d65223a205b0a202020202020202022323032352d30332d30385432333a32353a30302d30353a3030222c0a202020202020202022323032352d30332d30395430303a35353a30302d30353a3030222c0a202020202020202022323032352d30332d30395430333a32353a30302d30343a3030220a2020202020205d2c0a20202020202022756e737461626c655f6272656174685f636f756e74223a20362c0a20202020202022736e6f72696e675f636f756e74223a20390a202020207d0a20207d0a7d0a', '{"x-user-id": "G-20250309000000-full", "user-agent": "lightMyRequest", "content-type": "application/json"}', '2026-11-25 00:04:34.235+00', '2026-11-25 00:04:34.235+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('G-20220801000000-v1', 'asleep', '\x76792545006997a8d200e0b35a372c5b4c73785a168226b2dd99cc95fcf16f0b', '01a21004-b748-7536-b46e-6255f264ca0f', 'SESSION_COMPLETE', 'G-20220801000000-v1', 'api_key', 'stored', NULL, '\x7b0a20202263616c6c6261636b5f6576656e74223a202253455353494f4e5f434f4d504c455445222c0a20202263616c6c6261636b5f64617461223a207b0a2020202022757365725f6964223a2022472d32303232303830313030303030302d7631222c0a202020202273657373696f6e5f6964223a202232303232303830313030303030305f6669727374222c0a2020202022736c6565705f64617461223a207b0a2020202020202274696d657a6f6e65223a2022417369612f53656f756c222c0a2020202020202276616c6964697479223a202256414c4944222c0a2020202020202273657373696f6e223a207b0a2020202020202020226964223a202232303232303830313030303030305f6669727374222c0a2020202020202020227374617465223a2022434f4d504c455445222c0a20202020202020202273746172745f74696d65223a2022323032322d30382d30315430303a30303a30302b30393a3030222c0a202020202020202022656e645f74696d65223a2022323032322d30382d30315430303a32353a33382b30393a3030222c0a202020202020202022736c6565705f737461676573223a205b302c20302c20312c20312c20325d2c0a2020202020202020226f73615f737461676573223a205b302c20302c20302c20312c20305d0a2020202020207d2c0a2020202020202273746174223a207b0a202020202020202022736c6565705f6c6174656e6379223a2036302c0a202020202020202022736c6565705f656666696369656e6379223a20310a2020202020207d0a202020207d0a20207d0a7d0a', '{"x-user-id": "G-20220801000000-v1", "user-agent": "lightMyRequest", "content-type": "application/json"}', '2026-11-25 00:04:34.248+00', '2026-11-25 00:04:34.248+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('G-20230301000000-v2', 'asleep', '\xccc82ac15df9356185c055a22ba07d5de0ff78b2e758f09c07f49b0bb88d8198', '01a21004-b74f-75bf-a3b8-e15dacf29a0d', 'SESSION_COMPLETE', 'G-20230301000000-v2', 'api_key', 'stored', NULL, '\x7b0a20202263616c6c6261636b5f6576656e74223a202253455353494f4e5f434f4d504c455445222c0a20202263616c6c6261636b5f76657273696f6e223a20225632222c0a20202263616c6c6261636b5f64617461223a207b0a2020202022757365725f6964223a2022472d32303233303330313030303030302d7632222c0a202020202273657373696f6e5f6964223a202232303233303330313030303030305f7365636f6e64222c0a2020202022736c6565705f64617461223a207b0a2020202020202274696d657a6f6e65223a20224575726f70652f4265726c696e222c0a20202020202022706563756c6961726974696573223a205b22544f4f5f53484f52545f464f525f414e414c59534953222c2022415f4c415445525f4144444954494f4e225d2c0a202020202020226d697373696e675f646174615f726174696f223a20302e3132352c0a2020202020202273657373696f6e223a207b0a2020202020202020227374617465223a2022434f4d504c455445222c0a20202020202020202273746172745f74696d65223a2022323032332d30332d30315432333a33303a30302e3235303030302b30313a3030222c0a202020202020202022656e645f74696d65223a206e756c6c2c0a202020202020202022756e65787065637465645f656e645f74696d65223a2022323032332d30332d30315432333a34313a30372e352b30313a3030222c0a202020202020202022637265617465645f74696d657a6f6e65223a20224575726f70652f4265726c696e222c0a202020202020202022736c6565705f737461676573223a206e756c6c2c0a2020202020202020226272656174685f737461676573223a206e756c6c0a2020202020207d2c0a2020202020202273746174223a206e756c6c0a202020207d0a20207d0a7d0a', '{"x-user-id": "G-20230301000000-v2", "user-agent": "lightMyRequest", "content-type": "application/json"}', '2026-11-25 00:04:34.255+00', '2026-11-25 00:04:34.255+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('G-20250115025029-vLErWBfQNtnfvgDccFOQ', 'asleep', '\xb5900979dbe135fb42ae61ea9a1b4a9cd98fd3e0ae44dafdc27637895fa25168', '01a21004-b752-714d-95de-920f3bd3cd4a', 'SESSION_COMPLETE', 'G-20250115025029-vLErWBfQNtnfvgDccFOQ', 'api_key', 'stored', NULL, '\x7b0a2020226576656e74223a202253455353494f4e5f434f4d504c455445222c0a20202276657273696f6e223a20225633222c0a20202264617461223a207b0a202020202274696d657a6f6e65223a2022555443222c0a2020202022706563756c6961726974696573223a205b224e4f5f425245415448494e475f53544142494c495459225d2c0a20202020226d697373696e675f646174615f726174696f223a20302e302c0a2020202022757365725f6964223a2022472d32303235303131353032353032392d764c4572574266514e746e667667446363464f51222c0a202020202273657373696f6e223a207b0a202020202020226964223a202232303235303131353032353032395f667669766e222c0a202020202020227374617465223a2022434f4d504c455445222c0a2020202020202273746172745f74696d65223a2022323032352d30312d31355430323a35303a32392b30303a3030222c0a20202020202022656e645f74696d65223a2022323032352d30312d31355430333a35303a32392b30303a3030222c0a20202020202022756e65787065637465645f656e645f74696d65223a206e756c6c2c0a20202020202022637265617465645f74696d657a6f6e65223a2022555443222c0a20202020202022736c6565705f737461676573223a205b305d2c0a202020202020226272656174685f737461676573223a206e756c6c2c0a20202020202022736e6f72696e675f737461676573223a205b305d0a202020207d2c0a202020202273746174223a207b0a20202020202022736c6565705f74696d65223a2022323032352d30312d31355430333a30353a32392b30303a3030222c0a2020202020202277616b655f74696d65223a2022323032352d30312d31355430333a32363a32392b30303a3030222c0a20202020202022736c6565705f696e646578223a2035302c0a20202020202022736c6565705f6c6174656e6379223a203930302c0a2020202020202277616b6575705f6c6174656e6379223a20313434302c0a202020202020226c696768745f6c6174656e6379223a20302c0a20202020202022646565705f6c6174656e6379223a206e756c6c2c0a2020202020202272656d5f6c6174656e6379223a206e756c6c2c0a2020202020202274696d655f696e5f626564223a20333630302c0a2020202020202274696d655f696e5f736c6565705f706572696f64223a20313236302c0a2020202020202274696d655f696e5f736c656570223a20313038302c0a2020202020202274696d655f696e5f77616b65223a203138302c0a2020202020202274696d655f696e5f6c69676874223a20313038302c0a2020202020202274696d655f696e5f64656570223a20302c0a2020202020202274696d655f696e5f72656d223a20302c0a2020202020202274696d655f696e5f737461626c655f627265617468223a206e756c6c2c0a2020202020202274696d655f696e5f756e737461626c655f627265617468223a206e756c6c2c0a2020202020202274696d655f696e5f736e6f72696e67223a20302c0a2020202020202274696d655f696e5f6e6f5f736e6f72696e67223a20313236302c0a20202020202022736c6565705f656666696369656e6379223a20302e332c0a20202020202022736c6565705f726174696f223a20302e38362c0a2020202020202277616b655f726174696f223a20302e31342c0a202020202020226c696768745f726174696f223a20302e38362c0a20202020202022646565705f726174696f223a20302e302c0a2020202020202272656d5f726174696f223a20302e302c0a20202020202022737461626c655f6272656174685f726174696f223a206e756c6c2c0a20202020202022756e737461626c655f6272656174685f726174696f223a206e756c6c2c0a20202020202022736e6f72696e675f726174696f223a20302e302c0a202020202020226e6f5f736e6f72696e675f726174696f223a20312e302c0a20202020202022627265617468696e675f696e646578223a206e756c6c2c0a20202020202022627265617468696e675f7061747465726e223a206e756c6c2c0a202020202020227761736f5f636f756e74223a20312c0a202020202020226c6f6e676573745f7761736f223a203138302c0a20202020202022736c6565705f6379636c655f636f756e74223a20302c0a20202020202022736c6565705f6379636c65223a206e756c6c2c0a20202020202022736c6565705f6379636c655f74696d65223a205b5d2c0a20202020202022756e737461626c655f6272656174685f636f756e74223a206e756c6c2c0a20202020202022736e6f72696e675f636f756e74223a20300a202020207d0a20207d0a7d0a', '{"x-user-id": "G-20250115025029-vLErWBfQNtnfvgDccFOQ", "user-agent": "lightMyRequest", "content-type": "application/json"}', '2026-11-25 00:04:34.258+00', '2026-11-25 00:04:34.258+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'sahha', '\x67d2ec15ce6088f18eadba60b40d5d5dd888215414f36fd6f491a16d697690ce', '01a21004-b755-718c-96cc-803e0bec530b', 'ArchetypeCreatedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b0a2020226964223a202264346535663661372d623863392d303132332d646566342d353637383930313233343536222c0a20202270726f66696c654964223a202263396266396535372d313638352d346338392d626166622d666635616638333062653861222c0a2020226163636f756e744964223a202261336331653864322d346636622d346139632d386537642d326235663163336139653662222c0a20202265787465726e616c4964223a2022757365725f3132333435222c0a2020226e616d65223a20226368726f6e6f74797065222c0a20202276616c7565223a20226561726c795f62697264222c0a2020226461746154797065223a2022737472696e67222c0a202022706572696f646963697479223a20227765656b6c79222c0a2020226f7264696e616c697479223a20302c0a20202273746172744461746554696d65223a2022323032352d30312d31355430303a30303a30305a222c0a202022656e644461746554696d65223a2022323032352d30312d32325430303a30303a30305a222c0a202022637265617465644174557463223a2022323032352d30312d32325430363a30303a30305a222c0a20202276657273696f6e223a20312e300a7d0a', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "ArchetypeCreatedIntegrationEvent"}', '2026-11-25 00:04:34.261+00', '2026-11-25 00:04:34.261+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('profile-sparse', 'sahha', '\xcd5e2d402efabe04487bb333e0ebedfcb959d526103294b7cbaf7add520c524a', '01a21004-b75f-71ad-806d-c4e06733a1d4', 'BiomarkerCreatedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b0a2020226964223a202234663763316638612d626233322d356338622d396634612d366435613165366237633838222c0a20202270726f66696c654964223a202270726f66696c652d737061727365222c0a20202265787465726e616c4964223a206e756c6c2c0a20202263617465676f7279223a2022736c656570222c0a20202274797065223a2022736c6565705f73746172745f74696d65222c0a202022706572696f646963697479223a2022696e747261646179222c0a2020226167677265676174696f6e223a20226e6f6e65222c0a20202276616c7565223a2022323032352d30372d31315430363a30302b31323a3030222c0a202022756e6974223a20226461746574696d65222c0a20202276616c756554797065223a20226461746574696d65222c0a20202273746172744461746554696d65223a2022323032352d30372d31325430303a30303a30302b31323a3030222c0a202022656e644461746554696d65223a2022323032352d30372d31325432333a35393a35392b31333a3030220a7d0a', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "BiomarkerCreatedIntegrationEvent"}', '2026-11-25 00:04:34.271+00', '2026-11-25 00:04:34.271+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'sahha', '\x4545a3e67665170373e2d00ceebae2d74583e9fcb6f66e8cea5a11a6a23f864f', '01a21004-b770-7062-ba59-cc2da7feacc2', 'BiomarkerCreatedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b0a2020226964223a202262326333643465352d663661372d383930312d626364652d663233343536373839303132222c0a20202270726f66696c654964223a202263396266396535372d313638352d346338392d626166622d666635616638333062653861222c0a2020226163636f756e744964223a202261336331653864322d346636622d346139632d386537642d326235663163336139653662222c0a20202265787465726e616c4964223a2022757365725f3132333435222c0a20202263617465676f7279223a20226163746976697479222c0a20202274797065223a20227374657073222c0a202022706572696f646963697479223a20226461696c79222c0a2020226167677265676174696f6e223a2022746f74616c222c0a20202276616c7565223a202238353437222c0a202022756e6974223a2022636f756e74222c0a20202276616c756554797065223a2022696e7465676572222c0a20202273746172744461746554696d65223a2022323032352d30312d32325430303a30303a30302b30303a3030222c0a202022656e644461746554696d65223a2022323032352d30312d32325432333a35393a35392b30303a3030222c0a202022637265617465644174557463223a2022323032352d30312d32325431383a33303a30305a222c0a20202276657273696f6e223a20312e300a7d0a', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "BiomarkerCreatedIntegrationEvent"}', '2026-11-25 00:04:34.288+00', '2026-11-25 00:04:34.288+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('profile-mixed', 'sahha', '\x84f7a3e2218e2ee9d3424d78bacd543894674b9153f3a36006a769ddd2ceac37', '01a21004-b772-76bc-a098-b7dc8ee036bd', 'DataLogReceivedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b0a2020226c6f6754797065223a20226578657263697365222c0a2020226461746154797065223a202265786572636973655f73657373696f6e5f72756e6e696e67222c0a20202270726f66696c654964223a202270726f66696c652d6d69786564222c0a2020226163636f756e744964223a202261336331653864322d346636622d346139632d386537642d326235663163336139653662222c0a20202265787465726e616c4964223a2022757365725f39222c0a20202272656365697665644174557463223a2022323032352d31302d32365430313a33303a30302e3939222c0a202022646174614c6f6773223a205b0a202020207b0a202020202020226964223a2022746573742d6c6f672d31222c0a20202020202022706172656e744964223a2022222c0a2020202020202276616c7565223a20393030373139393235343734303939332c0a20202020202022756e6974223a2022222c0a20202020202022736f75726365223a2022636f6d2e6578616d706c652e72756e222c0a202020202020227265636f7264696e674d6574686f64223a20226d616e75616c5f656e747279222c0a2020202020202264657669636554797065223a2022222c0a2020202020202273746172744461746554696d65223a2022323032352d31302d32365430323a33303a30302b30323a3030222c0a20202020202022656e644461746554696d65223a2022323032352d31302d32365430323a33303a30302b30313a3030222c0a202020202020226164646974696f6e616c50726f70657274696573223a207b0a202020202020202022546f74616c44697374616e6365223a20353230302e352c0a202020202020202022746f74616c456e657267794275726e6564223a20223332302e30222c0a2020202020202020226d6f74696f6e5f636f6e74657874223a207b20226e6573746564223a205b312c206e756c6c2c20747275655d207d2c0a2020202020202020226578616374223a20302e313030303030303030303030303030303035350a2020202020207d0a202020207d2c0a202020207b0a202020202020226964223a2022746573742d6c6f672d32222c0a20202020202022706172656e744964223a2022746573742d6c6f672d31222c0a2020202020202276616c7565223a20352e352c0a2020202020202273746172744461746554696d65223a2022323032352d31302d32365430323a33303a30302b30323a3030220a202020207d0a20205d0a7d0a', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "DataLogReceivedIntegrationEvent"}', '2026-11-25 00:04:34.29+00', '2026-11-25 00:04:34.29+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'sahha', '\x7e589a1c0ec25958a837c7613f33c34d0592927158cc1fa65736c8340859af66', '01a21004-b778-7761-9117-8d6f6ff5fcac', 'DataLogReceivedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b0a2020226c6f6754797065223a20226163746976697479222c0a2020226461746154797065223a20227374657073222c0a20202270726f66696c654964223a202263396266396535372d313638352d346338392d626166622d666635616638333062653861222c0a2020226163636f756e744964223a202261336331653864322d346636622d346139632d386537642d326235663163336139653662222c0a20202265787465726e616c4964223a2022757365725f3132333435222c0a20202272656365697665644174557463223a2022323032352d30312d32325431343a33303a30305a222c0a202022646174614c6f6773223a205b0a202020207b0a202020202020226964223a202265356636613762382d633964302d313233342d656635362d373839303132333435363738222c0a20202020202022706172656e744964223a206e756c6c2c0a2020202020202276616c7565223a20313235302c0a20202020202022756e6974223a2022636f756e74222c0a20202020202022736f75726365223a20226950686f6e652031352050726f222c0a202020202020227265636f7264696e674d6574686f64223a20225245434f5244494e475f4d4554484f445f4155544f4d41544943414c4c595f5245434f52444544222c0a2020202020202264657669636554797065223a20226950686f6e6531362c31222c0a2020202020202273746172744461746554696d65223a2022323032352d30312d32325430393a30303a30302b30303a3030222c0a20202020202022656e644461746554696d65223a2022323032352d30312d32325431303a30303a30302b30303a3030222c0a202020202020226164646974696f6e616c50726f70657274696573223a207b7d0a202020207d2c0a202020207b0a202020202020226964223a202266366137623863392d643065312d323334352d663637382d393031323334353637383930222c0a20202020202022706172656e744964223a206e756c6c2c0a2020202020202276616c7565223a203839302c0a20202020202022756e6974223a2022636f756e74222c0a20202020202022736f75726365223a20224170706c65205761746368222c0a202020202020227265636f7264696e674d6574686f64223a20225245434f5244494e475f4d4554484f445f4155544f4d41544943414c4c595f5245434f52444544222c0a2020202020202264657669636554797065223a20225761746368372c31222c0a2020202020202273746172744461746554696d65223a2022323032352d30312d32325431303a30303a30302b30303a3030222c0a20202020202022656e644461746554696d65223a2022323032352d30312d32325431313a30303a30302b30303a3030222c0a202020202020226164646974696f6e616c50726f70657274696573223a207b7d0a202020207d0a20205d0a7d0a', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "DataLogReceivedIntegrationEvent"}', '2026-11-25 00:04:34.296+00', '2026-11-25 00:04:34.296+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('profile-sparse', 'sahha', '\x78ade42e2fd4b768d98080952ab2586bdd77aae1edd31afae1bf03edd860c2a7', '01a21004-b779-70e7-a2bf-73574596b02a', 'ScoreCreatedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b0a2020226964223a202231623637316136342d343064352d343931652d393962302d646130316666316633333431222c0a20202270726f66696c654964223a202270726f66696c652d737061727365222c0a2020226163636f756e744964223a206e756c6c2c0a20202265787465726e616c4964223a2022222c0a20202274797065223a2022615f73636f72655f6f665f7468655f667574757265222c0a2020227374617465223a206e756c6c2c0a20202273636f7265223a206e756c6c2c0a202022666163746f7273223a205b0a202020207b20226e616d65223a2022736c6565705f64656274222c202276616c7565223a206e756c6c2c2022676f616c223a206e756c6c2c202273636f7265223a206e756c6c2c20227374617465223a206e756c6c207d2c0a202020207b0a202020202020226964223a202236656364386339392d343033362d343033642d626638342d636638343030663637383336222c0a202020202020226e616d65223a20227374657073222c0a2020202020202276616c7565223a20302c0a20202020202022676f616c223a2031303030302c0a2020202020202273636f7265223a20302c0a202020202020227374617465223a20226d696e696d616c222c0a20202020202022756e6974223a2022220a202020207d0a20205d2c0a20202273636f72654461746554696d65223a2022323032352d30332d33305430303a30303a30302b31303a3330222c0a202022637265617465644174557463223a2022323032352d30332d33305430343a31353a30302e31323334353637222c0a20202276657273696f6e223a20310a7d0a', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "ScoreCreatedIntegrationEvent"}', '2026-11-25 00:04:34.297+00', '2026-11-25 00:04:34.297+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'sahha', '\x5af3eabe18a7dfab76104c6a896a655a68d9599b713a5f965509d3ba7472d3a9', '01a21004-b780-77ca-ad24-f0ae24981588', 'ScoreCreatedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b0a2020226964223a202266343761633130622d353863632d343337322d613536372d306530326232633364343739222c0a20202270726f66696c654964223a202263396266396535372d313638352d346338392d626166622d666635616638333062653861222c0a2020226163636f756e744964223a202261336331653864322d346636622d346139632d386537642d326235663163336139653662222c0a20202265787465726e616c4964223a2022757365725f3132333435222c0a20202274797065223a2022736c656570222c0a2020227374617465223a202268696768222c0a20202273636f7265223a20302e38352c0a202022666163746f7273223a205b0a202020207b0a202020202020226964223a2022736c6565705f6475726174696f6e222c0a202020202020226e616d65223a2022736c6565705f6475726174696f6e222c0a2020202020202276616c7565223a20372e352c0a20202020202022676f616c223a20382e302c0a2020202020202273636f7265223a20302e39342c0a202020202020227374617465223a202268696768222c0a20202020202022756e6974223a2022686f7572220a202020207d2c0a202020207b0a202020202020226964223a2022736c6565705f726567756c6172697479222c0a202020202020226e616d65223a2022736c6565705f726567756c6172697479222c0a2020202020202276616c7565223a20302e38322c0a20202020202022676f616c223a20302e392c0a2020202020202273636f7265223a20302e39312c0a202020202020227374617465223a202268696768222c0a20202020202022756e6974223a2022696e646578220a202020207d0a20205d2c0a20202264617461536f7572636573223a205b22616765222c2022736c656570225d2c0a20202273636f72654461746554696d65223a2022323032352d30312d32325430303a30303a30302b30303a3030222c0a202022637265617465644174557463223a2022323032352d30312d32325430363a33303a30305a222c0a20202276657273696f6e223a20312e310a7d0a', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "ScoreCreatedIntegrationEvent"}', '2026-11-25 00:04:34.304+00', '2026-11-25 00:04:34.304+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('profile-1', 'sahha', '\x8eb249c50c8245acf4d5d8d1f68a583a5ed4f2bb0a279d312e5b384fef257bf0', '01a21004-b782-7355-8280-48297170e254', 'DataLogReceivedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b226c6f6754797065223a226865617274222c226461746154797065223a22626c6f6f645f70726573737572655f737973746f6c6963222c2270726f66696c654964223a2270726f66696c652d31222c226163636f756e744964223a226163636f756e742d31222c2265787465726e616c4964223a22757365722d31222c2272656365697665644174557463223a22323032352d30312d32325431303a30303a30305a222c22646174614c6f6773223a5b7b226964223a2270726573737572652d31222c22706172656e744964223a22222c2276616c7565223a3132312c22756e6974223a226d6d4867222c22736f75726365223a227761746368222c2273746172744461746554696d65223a22323032352d30312d32325430393a30303a30302b30313a3030222c22656e644461746554696d65223a22323032352d30312d32325430393a30303a30302b30313a3030222c226164646974696f6e616c50726f70657274696573223a7b22626f6479506f736974696f6e223a2273697474696e67227d7d5d7d', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "DataLogReceivedIntegrationEvent"}', '2026-11-25 00:04:34.306+00', '2026-11-25 00:04:34.306+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('profile-1', 'sahha', '\x461c239fa9f0b892c74ea4b727061134edba3d1e70f022e3f7f521082d700085', '01a21004-b784-7389-a9da-09700ce42922', 'DataLogReceivedIntegrationEvent', NULL, 'signature', 'stored', NULL, '\x7b226c6f6754797065223a226865617274222c226461746154797065223a22626c6f6f645f70726573737572655f64696173746f6c6963222c2270726f66696c654964223a2270726f66696c652d31222c226163636f756e744964223a226163636f756e742d31222c2265787465726e616c4964223a22757365722d31222c2272656365697665644174557463223a22323032352d30312d32325431303a30303a30305a222c22646174614c6f6773223a5b7b226964223a2270726573737572652d31222c22706172656e744964223a22222c2276616c7565223a37392c22756e6974223a226d6d4867222c22736f75726365223a227761746368222c2273746172744461746554696d65223a22323032352d30312d32325430393a30303a30302b30313a3030222c22656e644461746554696d65223a22323032352d30312d32325430393a30303a30302b30313a3030222c226164646974696f6e616c50726f70657274696573223a7b22626f6479506f736974696f6e223a2273697474696e67227d7d5d7d', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "DataLogReceivedIntegrationEvent"}', '2026-11-25 00:04:34.308+00', '2026-11-25 00:04:34.308+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('profile-1', 'sahha', '\x4342fded28fc90502daa7dcd488fdc16346c4ba40d0190421f9318a305231620', '01a21004-b785-7149-9e48-a3de9e5fb8e9', 'DataLogReceivedIntegrationEvent', NULL, 'signature', 'rejected', '{"code": "invalid_body", "type": "urn:nightpost:problem:invalid_body", "title": "The body does not fit its event", "detail": "The body does not fit DataLogReceivedIntegrationEvent.", "errors": [{"path": "/dataLogs/0/value", "message": "Expected number that fits Postgres numeric or null"}], "status": 422}', '\x7b2270726f66696c654964223a2270726f66696c652d31222c226461746154797065223a227374657073222c22646174614c6f6773223a5b7b226964223a2273222c2276616c7565223a226e6f742061206e756d626572227d5d7d', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "DataLogReceivedIntegrationEvent"}', '2026-11-25 00:04:34.309+00', '2026-11-25 00:04:34.309+00', 1, 1);
INSERT INTO public.deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body, headers, received_at, last_received_at, times_received, normaliser_version) VALUES ('profile-1', 'sahha', '\x694b940797952ea79b951eb325744ee2572d74f6754ee60fc0e54d9e41c36dad', '01a21004-b78a-71b4-a951-f7363dd17c74', 'InsightCreatedIntegrationEvent', NULL, 'signature', 'unrecognised', NULL, '\x7b2270726f66696c654964223a2270726f66696c652d31222c2265787465726e616c4964223a22757365722d31222c22696e7369676874223a22756e6b6e6f776e206576656e74227d', '{"user-agent": "lightMyRequest", "content-type": "application/json", "x-event-type": "InsightCreatedIntegrationEvent"}', '2026-11-25 00:04:34.314+00', '2026-11-25 00:04:34.314+00', 1, 1);
INSERT INTO public.score_factors (profile_id, score_id, "position", id, name, value, goal, score, state, unit, account_id, external_id, delivery_id, received_at) VALUES ('profile-sparse', '1b671a64-40d5-491e-99b0-da01ff1f3341', 0, NULL, 'sleep_debt', NULL, NULL, NULL, NULL, NULL, NULL, '', '01a21004-b779-70e7-a2bf-73574596b02a', '2026-11-25 00:04:34.297+00');
INSERT INTO public.score_factors (profile_id, score_id, "position", id, name, value, goal, score, state, unit, account_id, external_id, delivery_id, received_at) VALUES ('profile-sparse', '1b671a64-40d5-491e-99b0-da01ff1f3341', 1, '6ecd8c99-4036-403d-bf84-cf8400f67836', 'steps', 0, 10000, 0, 'minimal', '', NULL, '', '01a21004-b779-70e7-a2bf-73574596b02a', '2026-11-25 00:04:34.297+00');
INSERT INTO public.score_factors (profile_id, score_id, "position", id, name, value, goal, score, state, unit, account_id, external_id, delivery_id, received_at) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', 0, 'sleep_duration', 'sleep_duration', 7.5, 8, 0.94, 'high', 'hour', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_12345', '01a21004-b780-77ca-ad24-f0ae24981588', '2026-11-25 00:04:34.304+00');
INSERT INTO public.score_factors (profile_id, score_id, "position", id, name, value, goal, score, state, unit, account_id, external_id, delivery_id, received_at) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', 1, 'sleep_regularity', 'sleep_regularity', 0.82, 0.9, 0.91, 'high', 'index', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_12345', '01a21004-b780-77ca-ad24-f0ae24981588', '2026-11-25 00:04:34.304+00');
INSERT INTO public.scores (profile_id, id, account_id, external_id, type, state, score, data_sources, score_date_time, utc_offset_minutes, local_date, created_at_utc, version, delivery_id, received_at) VALUES ('profile-sparse', '1b671a64-40d5-491e-99b0-da01ff1f3341', NULL, '', 'a_score_of_the_future', NULL, NULL, NULL, '2025-03-29 13:30:00+00', 630, '2025-03-30', '2025-03-30 04:15:00.123456+00', 1, '01a21004-b779-70e7-a2bf-73574596b02a', '2026-11-25 00:04:34.297+00');
INSERT INTO public.scores (profile_id, id, account_id, external_id, type, state, score, data_sources, score_date_time, utc_offset_minutes, local_date, created_at_utc, version, delivery_id, received_at) VALUES ('c9bf9e57-1685-4c89-bafb-ff5af830be8a', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b', 'user_12345', 'sleep', 'high', 0.85, '{age,sleep}', '2025-01-22 00:00:00+00', 0, '2025-01-22', '2025-01-22 06:30:00+00', 1.1, '01a21004-b780-77ca-ad24-f0ae24981588', '2026-11-25 00:04:34.304+00');
INSERT INTO public.sleep_sessions (user_id, session_id, state, timezone, created_timezone, start_time, end_time, unexpected_end_time, utc_offset_minutes, local_date, peculiarities, validity, missing_data_ratio, callback_version, delivery_id, received_at) VALUES ('G-20250309000000-full', '20250309000000_full', 'COMPLETE', 'America/New_York', 'America/New_York', '2025-03-09 04:10:00+00', '2025-03-09 11:10:00+00', NULL, -300, '2025-03-08', '{}', NULL, 0, 'V3', '01a21004-b73b-716d-9757-3a83411ea38e', '2026-11-25 00:04:34.235+00');
INSERT INTO public.sleep_sessions (user_id, session_id, state, timezone, created_timezone, start_time, end_time, unexpected_end_time, utc_offset_minutes, local_date, peculiarities, validity, missing_data_ratio, callback_version, delivery_id, received_at) VALUES ('G-20220801000000-v1', '20220801000000_first', 'COMPLETE', 'Asia/Seoul', NULL, '2022-07-31 15:00:00+00', '2022-07-31 15:25:38+00', NULL, 540, '2022-08-01', NULL, 'VALID', NULL, NULL, '01a21004-b748-7536-b46e-6255f264ca0f', '2026-11-25 00:04:34.248+00');
INSERT INTO public.sleep_sessions (user_id, session_id, state, timezone, created_timezone, start_time, end_time, unexpected_end_time, utc_offset_minutes, local_date, peculiarities, validity, missing_data_ratio, callback_version, delivery_id, received_at) VALUES ('G-20230301000000-v2', '20230301000000_second', 'COMPLETE', 'Europe/Berlin', 'Europe/Berlin', '2023-03-01 22:30:00.25+00', NULL, '2023-03-01 22:41:07.5+00', 60, '2023-03-01', '{TOO_SHORT_FOR_ANALYSIS,A_LATER_ADDITION}', NULL, 0.125, 'V2', '01a21004-b74f-75bf-a3b8-e15dacf29a0d', '2026-11-25 00:04:34.255+00');
INSERT INTO public.sleep_sessions (user_id, session_id, state, timezone, created_timezone, start_time, end_time, unexpected_end_time, utc_offset_minutes, local_date, peculiarities, validity, missing_data_ratio, callback_version, delivery_id, received_at) VALUES ('G-20250115025029-vLErWBfQNtnfvgDccFOQ', '20250115025029_fvivn', 'COMPLETE', 'UTC', 'UTC', '2025-01-15 02:50:29+00', '2025-01-15 03:50:29+00', NULL, 0, '2025-01-15', '{NO_BREATHING_STABILITY}', NULL, 0, 'V3', '01a21004-b752-714d-95de-920f3bd3cd4a', '2026-11-25 00:04:34.258+00');
INSERT INTO public.sleep_stage_series (user_id, session_id, series, stages, delivery_id, received_at) VALUES ('G-20250309000000-full', '20250309000000_full', 'breath', '{0,1,2,0,0}', '01a21004-b73b-716d-9757-3a83411ea38e', '2026-11-25 00:04:34.235+00');
INSERT INTO public.sleep_stage_series (user_id, session_id, series, stages, delivery_id, received_at) VALUES ('G-20250309000000-full', '20250309000000_full', 'sleep', '{-1,0,1,2,3}', '01a21004-b73b-716d-9757-3a83411ea38e', '2026-11-25 00:04:34.235+00');
INSERT INTO public.sleep_stage_series (user_id, session_id, series, stages, delivery_id, received_at) VALUES ('G-20250309000000-full', '20250309000000_full', 'snoring', '{0,1,1,0,-1}', '01a21004-b73b-716d-9757-3a83411ea38e', '2026-11-25 00:04:34.235+00');
INSERT INTO public.sleep_stage_series (user_id, session_id, series, stages, delivery_id, received_at) VALUES ('G-20220801000000-v1', '20220801000000_first', 'breath', '{0,0,0,1,0}', '01a21004-b748-7536-b46e-6255f264ca0f', '2026-11-25 00:04:34.248+00');
INSERT INTO public.sleep_stage_series (user_id, session_id, series, stages, delivery_id, received_at) VALUES ('G-20220801000000-v1', '20220801000000_first', 'sleep', '{0,0,1,1,2}', '01a21004-b748-7536-b46e-6255f264ca0f', '2026-11-25 00:04:34.248+00');
INSERT INTO public.sleep_stage_series (user_id, session_id, series, stages, delivery_id, received_at) VALUES ('G-20250115025029-vLErWBfQNtnfvgDccFOQ', '20250115025029_fvivn', 'sleep', '{0}', '01a21004-b752-714d-95de-920f3bd3cd4a', '2026-11-25 00:04:34.258+00');
INSERT INTO public.sleep_stage_series (user_id, session_id, series, stages, delivery_id, received_at) VALUES ('G-20250115025029-vLErWBfQNtnfvgDccFOQ', '20250115025029_fvivn', 'snoring', '{0}', '01a21004-b752-714d-95de-920f3bd3cd4a', '2026-11-25 00:04:34.258+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20240601000000-mix', '20240601000000_mixed', 'breath', 6, NULL, '{0,0}', 'V2', '01a21004-b71d-703a-80f1-3f2865eecb0f', '2026-11-25 00:04:34.205+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20240601000000-mix', '20240601000000_mixed', 'sleep', 6, NULL, '{1,1,1,3,3,3,3,3,3,3}', 'V2', '01a21004-b71d-703a-80f1-3f2865eecb0f', '2026-11-25 00:04:34.205+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20240601000000-mix', '20240601000000_mixed', 'snoring', 6, NULL, '{}', 'V2', '01a21004-b71d-703a-80f1-3f2865eecb0f', '2026-11-25 00:04:34.205+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20220801000000-v1', '20220801000000_first', 'breath', 7, 79, '{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,0,0,0,0,0,0,0,0,0,0,0,0}', NULL, '01a21004-b731-7125-9402-30af2e3a6e07', '2026-11-25 00:04:34.225+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20220801000000-v1', '20220801000000_first', 'sleep', 7, 79, '{0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2,2,2,2,2,2,2,2,2,-1}', NULL, '01a21004-b731-7125-9402-30af2e3a6e07', '2026-11-25 00:04:34.225+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20230301000000-v2', '20230301000000_second', 'breath', 0, 9, '{0,0,0,0,1,0,0,0,0,0}', 'V2', '01a21004-b737-71f8-adf6-b73d6b9696cb', '2026-11-25 00:04:34.231+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20230301000000-v2', '20230301000000_second', 'sleep', 0, 9, '{0,0,0,0,0,0,1,1,1,1}', 'V2', '01a21004-b737-71f8-adf6-b73d6b9696cb', '2026-11-25 00:04:34.231+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20250115025029-vLErWBfQNtnfvgDccFOQ', '20250115025029_fvivn', 'sleep', 3, 39, '{0}', 'V3', '01a21004-b739-755f-b8e4-603c93809cfa', '2026-11-25 00:04:34.233+00');
INSERT INTO public.sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version, delivery_id, received_at) VALUES ('G-20250115025029-vLErWBfQNtnfvgDccFOQ', '20250115025029_fvivn', 'snoring', 3, 39, '{0}', 'V3', '01a21004-b739-755f-b8e4-603c93809cfa', '2026-11-25 00:04:34.233+00');
INSERT INTO public.sleep_stats (user_id, session_id, sleep_time, wake_time, sleep_index, sleep_latency, wakeup_latency, light_latency, deep_latency, rem_latency, time_in_bed, time_in_sleep_period, time_in_sleep, time_in_wake, time_in_light, time_in_deep, time_in_rem, time_in_stable_breath, time_in_unstable_breath, time_in_snoring, time_in_no_snoring, sleep_efficiency, sleep_ratio, wake_ratio, light_ratio, deep_ratio, rem_ratio, stable_breath_ratio, unstable_breath_ratio, snoring_ratio, no_snoring_ratio, breathing_index, breathing_pattern, waso_count, longest_waso, sleep_cycle_count, sleep_cycle, sleep_cycle_time, unstable_breath_count, snoring_count, delivery_id, received_at) VALUES ('G-20250309000000-full', '20250309000000_full', '2025-03-09 04:25:00+00', '2025-03-09 11:00:00+00', 81, 900, 600, 0, 1230, 4500, 25200, 23700, 22500, 1200, 12000, 4500, 6000, 23000, 700, 1800, 21900, 0.893, 0.949, 0.051, 0.506, 0.19, 0.253, 0.97, 0.03, 0.076, 0.924, 2.5, 'STABLE', 4, 420, 4, 5400.5, '{"2025-03-09 04:25:00+00","2025-03-09 05:55:00+00","2025-03-09 07:25:00+00"}', 6, 9, '01a21004-b73b-716d-9757-3a83411ea38e', '2026-11-25 00:04:34.235+00');
INSERT INTO public.sleep_stats (user_id, session_id, sleep_time, wake_time, sleep_index, sleep_latency, wakeup_latency, light_latency, deep_latency, rem_latency, time_in_bed, time_in_sleep_period, time_in_sleep, time_in_wake, time_in_light, time_in_deep, time_in_rem, time_in_stable_breath, time_in_unstable_breath, time_in_snoring, time_in_no_snoring, sleep_efficiency, sleep_ratio, wake_ratio, light_ratio, deep_ratio, rem_ratio, stable_breath_ratio, unstable_breath_ratio, snoring_ratio, no_snoring_ratio, breathing_index, breathing_pattern, waso_count, longest_waso, sleep_cycle_count, sleep_cycle, sleep_cycle_time, unstable_breath_count, snoring_count, delivery_id, received_at) VALUES ('G-20220801000000-v1', '20220801000000_first', NULL, NULL, NULL, 60, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '01a21004-b748-7536-b46e-6255f264ca0f', '2026-11-25 00:04:34.248+00');
INSERT INTO public.sleep_stats (user_id, session_id, sleep_time, wake_time, sleep_index, sleep_latency, wakeup_latency, light_latency, deep_latency, rem_latency, time_in_bed, time_in_sleep_period, time_in_sleep, time_in_wake, time_in_light, time_in_deep, time_in_rem, time_in_stable_breath, time_in_unstable_breath, time_in_snoring, time_in_no_snoring, sleep_efficiency, sleep_ratio, wake_ratio, light_ratio, deep_ratio, rem_ratio, stable_breath_ratio, unstable_breath_ratio, snoring_ratio, no_snoring_ratio, breathing_index, breathing_pattern, waso_count, longest_waso, sleep_cycle_count, sleep_cycle, sleep_cycle_time, unstable_breath_count, snoring_count, delivery_id, received_at) VALUES ('G-20250115025029-vLErWBfQNtnfvgDccFOQ', '20250115025029_fvivn', '2025-01-15 03:05:29+00', '2025-01-15 03:26:29+00', 50, 900, 1440, 0, NULL, NULL, 3600, 1260, 1080, 180, 1080, 0, 0, NULL, NULL, 0, 1260, 0.3, 0.86, 0.14, 0.86, 0, 0, NULL, NULL, 0, 1, NULL, NULL, 1, 180, 0, NULL, '{}', NULL, 0, '01a21004-b752-714d-95de-920f3bd3cd4a', '2026-11-25 00:04:34.258+00');
INSERT INTO public.unverified_deliveries (delivery_id, vendor, headers, hashed_headers, body, received_at, "position") VALUES ('01a21004-b78e-7759-bd73-2a4457e76a05', 'sahha', '{"user-agent": "lightMyRequest", "x-signature": "0000000000000000000000000000000000000000000000000000000000000000", "content-type": "application/json", "x-external-id": "user-1"}', '{}', '\x7b2270726f66696c654964223a226e6f626f6479227d', '2026-11-25 00:04:34.318+00', 0);
SELECT pg_catalog.setval('drizzle.__drizzle_migrations_id_seq', 8, true);
ALTER TABLE ONLY drizzle.__drizzle_migrations
    ADD CONSTRAINT __drizzle_migrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.archetypes
    ADD CONSTRAINT archetypes_profile_id_id_pk PRIMARY KEY (profile_id, id);
ALTER TABLE ONLY public.biomarkers
    ADD CONSTRAINT biomarkers_profile_id_id_pk PRIMARY KEY (profile_id, id);
ALTER TABLE ONLY public.data_logs
    ADD CONSTRAINT data_logs_profile_id_id_pk PRIMARY KEY (profile_id, id);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_owner_vendor_body_digest_pk PRIMARY KEY (owner, vendor, body_digest);
ALTER TABLE ONLY public.score_factors
    ADD CONSTRAINT score_factors_profile_id_score_id_position_pk PRIMARY KEY (profile_id, score_id, "position");
ALTER TABLE ONLY public.scores
    ADD CONSTRAINT scores_profile_id_id_pk PRIMARY KEY (profile_id, id);
ALTER TABLE ONLY public.sleep_sessions
    ADD CONSTRAINT sleep_sessions_user_id_session_id_pk PRIMARY KEY (user_id, session_id);
ALTER TABLE ONLY public.sleep_stage_series
    ADD CONSTRAINT sleep_stage_series_user_id_session_id_series_pk PRIMARY KEY (user_id, session_id, series);
ALTER TABLE ONLY public.sleep_stage_windows
    ADD CONSTRAINT sleep_stage_windows_user_id_session_id_series_inference_seq_num PRIMARY KEY (user_id, session_id, series, inference_seq_num);
ALTER TABLE ONLY public.sleep_stats
    ADD CONSTRAINT sleep_stats_user_id_session_id_pk PRIMARY KEY (user_id, session_id);
ALTER TABLE ONLY public.unverified_deliveries
    ADD CONSTRAINT unverified_deliveries_pkey PRIMARY KEY (delivery_id);
CREATE INDEX deliveries_delivery_id_idx ON public.deliveries USING btree (delivery_id);
CREATE INDEX deliveries_not_stored_idx ON public.deliveries USING btree (delivery_id) WHERE (outcome <> 'stored'::text);
CREATE INDEX deliveries_stored_idx ON public.deliveries USING btree (vendor, event, received_at) WHERE (outcome = 'stored'::text);
CREATE UNIQUE INDEX time_zones_name_idx ON public.time_zones USING btree (name);
CREATE UNIQUE INDEX unverified_deliveries_position_idx ON public.unverified_deliveries USING btree ("position");
ALTER TABLE ONLY public.score_factors
    ADD CONSTRAINT score_factors_profile_id_score_id_scores_profile_id_id_fk FOREIGN KEY (profile_id, score_id) REFERENCES public.scores(profile_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.sleep_stage_series
    ADD CONSTRAINT sleep_stage_series_user_id_session_id_sleep_sessions_user_id_se FOREIGN KEY (user_id, session_id) REFERENCES public.sleep_sessions(user_id, session_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.sleep_stats
    ADD CONSTRAINT sleep_stats_user_id_session_id_sleep_sessions_user_id_session_i FOREIGN KEY (user_id, session_id) REFERENCES public.sleep_sessions(user_id, session_id) ON DELETE CASCADE;
GRANT USAGE ON SCHEMA public TO nightpost_reader;
GRANT SELECT ON TABLE public.archetypes TO nightpost_reader;
GRANT SELECT ON TABLE public.biomarkers TO nightpost_reader;
GRANT SELECT ON TABLE public.daily_biomarkers TO nightpost_reader;
GRANT SELECT ON TABLE public.data_logs TO nightpost_reader;
GRANT SELECT ON TABLE public.data_log_samples TO nightpost_reader;
GRANT SELECT ON TABLE public.delivery_log TO nightpost_reader;
GRANT SELECT ON TABLE public.scores TO nightpost_reader;
GRANT SELECT ON TABLE public.latest_scores TO nightpost_reader;
GRANT SELECT ON TABLE public.score_factors TO nightpost_reader;
GRANT SELECT ON TABLE public.latest_score_factors TO nightpost_reader;
GRANT SELECT ON TABLE public.sleep_sessions TO nightpost_reader;
GRANT SELECT ON TABLE public.sleep_stage_series TO nightpost_reader;
GRANT SELECT ON TABLE public.sleep_stage_windows TO nightpost_reader;
GRANT SELECT ON TABLE public.sleep_provisional_slices TO nightpost_reader;
GRANT SELECT ON TABLE public.sleep_epochs TO nightpost_reader;
GRANT SELECT ON TABLE public.sleep_stats TO nightpost_reader;
GRANT SELECT ON TABLE public.time_zones TO nightpost_reader;
GRANT SELECT ON TABLE public.sleep_nights TO nightpost_reader;
GRANT SELECT ON TABLE public.sleep_stage_intervals TO nightpost_reader;
REFRESH MATERIALIZED VIEW public.time_zones;

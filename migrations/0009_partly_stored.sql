-- Android sends isScreenOn, as text.
CREATE OR REPLACE VIEW "data_log_samples" AS
SELECT l.profile_id, l.id AS sample_id, l.external_id, l.log_type, l.data_type, l.value, l.unit,
  l.start_date_time, l.end_date_time, l.local_date, l.utc_offset_minutes,
  l.source, l.device_type, l.recording_method, nullif(l.parent_id, '') AS parent_id,
  p.body_position, p.meal_type, p.relation_to_meal, p.specimen_source, p.measurement_location, p.measurement_method,
  p.motion_context,
  CASE lower(p.device_screen_on) WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false
    END AS device_screen_on,
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
    coalesce(a->>'DeviceScreenOn', a->>'deviceScreenOn', a->>'device_screen_on',
      a->>'IsScreenOn', a->>'isScreenOn', a->>'is_screen_on') AS device_screen_on,
    lower(coalesce(a->>'TotalDistance', a->>'totalDistance', a->>'total_distance')) AS total_distance,
    lower(coalesce(a->>'TotalEnergyBurned', a->>'totalEnergyBurned', a->>'total_energy_burned')) AS total_energy_burned
  FROM (SELECT l.additional_properties AS a) AS properties
) AS p;
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."problem" IS 'Why the delivery was rejected, as the sender was told, or which records of a stored one have no row (partly_stored), as RFC 9457; NULL otherwise.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."value" IS 'value: exactly as sent, in unit; NULL where it was no text, as a JSON number is not.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."inference_seq_num" IS 'inference_seq_num k: the array ends with epoch 10k + 9, counted from 0. Kept as it came, also below 0; no view shows an epoch before 0.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."problem_code" IS 'Why it was rejected, in a word (invalid_body, malformed_json, …), or partly_stored; NULL otherwise.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."problem" IS 'Why it was rejected, as the sender was told, or which records of a stored one have no row, as RFC 9457: paths, never values; NULL otherwise.';
--> statement-breakpoint
COMMENT ON COLUMN "data_log_samples"."device_screen_on" IS 'additionalProperties DeviceScreenOn or IsScreenOn: true, false, 1 or 0; NULL where absent or another value.';

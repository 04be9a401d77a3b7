-- The function works in whatever schema it was made in, and for whatever search_path its caller has: DATABASE_SCHEMA.
CREATE OR REPLACE FUNCTION "grant_nightpost_reader"() RETURNS boolean LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nightpost_reader') THEN
    RETURN false;
  END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO nightpost_reader', current_schema());
  GRANT SELECT ON
    sleep_sessions, sleep_stats, sleep_stage_series, sleep_stage_windows,
    scores, score_factors, biomarkers, archetypes, data_logs,
    time_zones, sleep_provisional_slices, sleep_epochs, sleep_stage_intervals, sleep_nights,
    latest_scores, latest_score_factors, daily_biomarkers, data_log_samples, delivery_log
  TO nightpost_reader;
  RETURN true;
END $$;
--> statement-breakpoint
SELECT grant_nightpost_reader();

-- What analysts may read: the normalised tables and the views; no body, no header, nothing unverified. An allow-list,
-- so that a table added later is closed until somebody opens it here.
CREATE FUNCTION "grant_nightpost_reader"() RETURNS boolean LANGUAGE plpgsql AS $$
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
--> statement-breakpoint
COMMENT ON FUNCTION "grant_nightpost_reader"() IS 'Lets the role nightpost_reader read the normalised tables and the views. False where there is no such role: have it created, then call this as the owner of the tables.';
--> statement-breakpoint
-- A role belongs to the whole server, so another database of it may have made it, or be making it now; and whoever
-- migrates may lack the right to make one. Neither is a reason to fail.
DO $$
BEGIN
  CREATE ROLE nightpost_reader NOLOGIN;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
  WHEN insufficient_privilege THEN
    RAISE NOTICE 'nightpost_reader was not created: this needs CREATEROLE. See the README, "Who may read what".';
END $$;
--> statement-breakpoint
SELECT grant_nightpost_reader();

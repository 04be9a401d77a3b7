CREATE TABLE "erasure_key" (
	"only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"key" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "erasures" (
	"person" "bytea" NOT NULL,
	"vendor" text NOT NULL,
	"kind" text NOT NULL,
	"fenced_at" timestamp with time zone NOT NULL,
	"erased_at" timestamp with time zone,
	"lifted_at" timestamp with time zone,
	"counts" jsonb,
	"change_position" bigint,
	CONSTRAINT "erasures_person_pk" PRIMARY KEY("person")
);

--> statement-breakpoint
-- 244 bits of the server's own random numbers. A dump takes the key along, so that hashes stay comparable after a restore.
INSERT INTO "erasure_key" ("key") VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
--> statement-breakpoint
-- Analysts may hash an id that they know, and may not read the key.
DO $$
BEGIN
  EXECUTE format(
    $function$
      CREATE FUNCTION nightpost_person(vendor text, owner text) RETURNS text
      LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = %I, pg_temp
      RETURN encode(sha256((SELECT k.key FROM erasure_key AS k) || convert_to($1 || ' owner ' || $2, 'UTF8')), 'hex')
    $function$,
    current_schema()
  );
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION "nightpost_person"(text, text) FROM PUBLIC;
--> statement-breakpoint
COMMENT ON FUNCTION "nightpost_person"(text, text) IS 'The hash in hex under which erasures has the owner of a vendor. A change "erased" of nightpost_changes names its owner by it.';
--> statement-breakpoint
-- A role that may write the ledger looks up the fence in the same statement.
DO $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = 'deliveries'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON erasures TO %s', grantee);
    EXECUTE format('GRANT SELECT, UPDATE ON erasure_key TO %s', grantee);
    EXECUTE format('GRANT EXECUTE ON FUNCTION nightpost_person TO %s', grantee);
  END LOOP;
END $$;
--> statement-breakpoint
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
  GRANT EXECUTE ON FUNCTION nightpost_person TO nightpost_reader;
  RETURN true;
END $$;
--> statement-breakpoint
SELECT grant_nightpost_reader();
--> statement-breakpoint
COMMENT ON TABLE "erasures" IS 'Persons who were erased: their deliveries are answered 200 erased, and nothing of them is kept. nightpost erase writes it.';
--> statement-breakpoint
COMMENT ON COLUMN "erasures"."person" IS 'SHA-256 of the key in erasure_key, the vendor, the kind and the id. The id itself is nowhere. See nightpost_person().';
--> statement-breakpoint
COMMENT ON COLUMN "erasures"."vendor" IS 'asleep or sahha.';
--> statement-breakpoint
COMMENT ON COLUMN "erasures"."kind" IS 'owner: the id is an owner, as in deliveries. user: it is a user id that a request header or a body names (Asleep user_id, Sahha externalId).';
--> statement-breakpoint
COMMENT ON COLUMN "erasures"."fenced_at" IS 'Since when nothing about the person is stored. Ids that were fenced together have the same time, and are lifted together.';
--> statement-breakpoint
COMMENT ON COLUMN "erasures"."erased_at" IS 'When the last row of the person was deleted; NULL while the erasure is not finished.';
--> statement-breakpoint
COMMENT ON COLUMN "erasures"."lifted_at" IS 'When nightpost erase --lift let the person come back; NULL while the fence stands.';
--> statement-breakpoint
COMMENT ON COLUMN "erasures"."counts" IS 'How many rows were deleted, by table, in all erasures of this person.';
--> statement-breakpoint
COMMENT ON COLUMN "erasures"."change_position" IS 'Where the erasure stands in the change feed; NULL while it is not finished.';
--> statement-breakpoint
COMMENT ON TABLE "erasure_key" IS 'The key of the hashes in erasures. Who has both can test whether a known id was erased.';
--> statement-breakpoint
COMMENT ON COLUMN "erasure_key"."only" IS 'Always true: the table has one row.';
--> statement-breakpoint
COMMENT ON COLUMN "erasure_key"."key" IS '32 bytes, made by the migration.';

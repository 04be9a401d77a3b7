CREATE TABLE "reconcile_runs" (
	"run_id" uuid NOT NULL,
	"vendor" text NOT NULL,
	"started_by" text NOT NULL,
	"only_some" boolean NOT NULL,
	"began_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone,
	"period_from" timestamp with time zone NOT NULL,
	"period_to" timestamp with time zone NOT NULL,
	"outcome" text,
	"reason" text,
	"people" integer,
	"calls" integer,
	"missing" integer,
	"differing" integer,
	"pulled" integer,
	"kept" integer,
	"failures" integer,
	"behind" integer,
	"suspect_days" integer,
	CONSTRAINT "reconcile_runs_run_id_pk" PRIMARY KEY("run_id")
);
--> statement-breakpoint
ALTER TABLE "sleep_sessions" ADD COLUMN "pulled_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "archetypes" ADD COLUMN "pulled_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "biomarkers" ADD COLUMN "pulled_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "scores" ADD COLUMN "pulled_at" timestamp with time zone;
--> statement-breakpoint
-- A role that may write the ledger records its runs.
DO $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = 'deliveries'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON reconcile_runs TO %s', grantee);
  END LOOP;
END $$;
--> statement-breakpoint
COMMENT ON TABLE "reconcile_runs" IS 'What each run of nightpost reconcile found. Dry runs are not recorded.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."run_id" IS 'Also in deliveries.headers of what the run pulled, as nightpost-run.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."vendor" IS 'As in deliveries.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."started_by" IS 'command (nightpost reconcile) or schedule (RECONCILE_EVERY).';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."began_at" IS 'When the run began.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."finished_at" IS 'When it ended; NULL while it runs, or if its process was killed.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."period_from" IS 'Start of the period that the vendor was asked about.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."period_to" IS 'End of that period.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."outcome" IS 'complete, incomplete (see reason) or failed; NULL while it runs.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."reason" IS 'Why the run is incomplete or failed.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."people" IS 'Owners that were asked about.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."calls" IS 'Requests to the vendor''s API, with repeated ones.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."missing" IS 'Records that the vendor has and that had no row.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."differing" IS 'Records that differed from their row, and were newer.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."pulled" IS 'Deliveries that were stored.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."kept" IS 'Records that differ from their row, which stays: the vendor sent it and its API does not say that it is older.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."failures" IS 'Requests, records and commits that failed in the end.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."behind" IS 'Profiles of which the vendor received data after their last delivery here.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."suspect_days" IS 'Days of an owner that probably lack data which the vendor does not let anybody pull.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."pulled_at" IS 'When Nightpost asked the vendor''s API for this row (nightpost reconcile); NULL if the vendor sent it.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."pulled_at" IS 'When Nightpost asked the vendor''s API for this row (nightpost reconcile); NULL if the vendor sent it.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."pulled_at" IS 'When Nightpost asked the vendor''s API for this row (nightpost reconcile); NULL if the vendor sent it.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."pulled_at" IS 'When Nightpost asked the vendor''s API for this row (nightpost reconcile); NULL if the vendor sent it.';
--> statement-breakpoint
COMMENT ON COLUMN "reconcile_runs"."only_some" IS 'Whether it asked only about some owners (--user, --changed).';

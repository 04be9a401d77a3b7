CREATE TABLE "body_groups" (
	"group_id" uuid NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "body_groups_group_id_pk" PRIMARY KEY("group_id")
) PARTITION BY RANGE ("group_id");
--> statement-breakpoint
CREATE TABLE "body_packs" (
	"owner" text NOT NULL,
	"pack_id" uuid NOT NULL,
	"last_id" uuid NOT NULL,
	"delivery_ids" uuid[] NOT NULL,
	"ends" integer[] NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "body_packs_owner_pack_id_pk" PRIMARY KEY("owner","pack_id")
) PARTITION BY RANGE ("pack_id");
--> statement-breakpoint
CREATE TABLE "event_activity" (
	"vendor" text NOT NULL,
	"event" text NOT NULL,
	"last_stored_at" timestamp with time zone NOT NULL,
	CONSTRAINT "event_activity_vendor_event_pk" PRIMARY KEY("vendor","event")
);
--> statement-breakpoint
CREATE TABLE "upkeep_tasks" (
	"task" text PRIMARY KEY NOT NULL,
	"position" uuid,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
-- In a ledger with rows the index goes by an online step, because version 0.1.0 uses it.
DO $$
BEGIN
  IF current_setting('nightpost.is_new', true) = 'on' THEN
    DROP INDEX "deliveries_stored_idx";
  END IF;
END $$;
--> statement-breakpoint
ALTER TABLE "deliveries" ALTER COLUMN "body" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "body_group" uuid;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "body_start" integer;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "body_size" integer;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "source" text DEFAULT 'push' NOT NULL;--> statement-breakpoint
-- lz4 packs as well as pglz and costs less CPU. Partitions inherit the setting. A server built without lz4 uses its default.
DO $$
BEGIN
  ALTER TABLE "body_groups" ALTER COLUMN "bytes" SET COMPRESSION lz4;
  ALTER TABLE "body_packs" ALTER COLUMN "bytes" SET COMPRESSION lz4;
EXCEPTION
  WHEN feature_not_supported THEN NULL;
END $$;
--> statement-breakpoint
-- A role that may write the ledger needs the new tables as soon as it runs this version.
DO $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = 'deliveries'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format(
      'GRANT SELECT, INSERT, UPDATE, DELETE ON body_groups, body_packs, event_activity, upkeep_tasks TO %s', grantee
    );
  END LOOP;
END $$;
--> statement-breakpoint
CREATE VIEW "delivery_bodies" AS
SELECT d.owner, d.vendor, d.delivery_id, d.received_at, b.body
FROM deliveries AS d CROSS JOIN LATERAL (
  SELECT coalesce(
    d.body,
    (SELECT substring(g.bytes FROM d.body_start FOR d.body_size) FROM body_groups AS g WHERE g.group_id = d.body_group),
    (
      SELECT substring(p.bytes FROM coalesce(p.ends[p.nth - 1], 0) + 1 FOR p.ends[p.nth] - coalesce(p.ends[p.nth - 1], 0))
      FROM (
        SELECT p.ends, p.bytes, array_position(p.delivery_ids, d.delivery_id) AS nth FROM body_packs AS p
        WHERE p.owner = d.owner AND p.pack_id <= d.delivery_id AND p.last_id >= d.delivery_id
          AND d.delivery_id = ANY (p.delivery_ids)
        ORDER BY p.pack_id DESC LIMIT 1
      ) AS p
    )
  ) AS body
  -- Without OFFSET the expression would be evaluated twice.
  OFFSET 0
) AS b
WHERE b.body IS NOT NULL;
--> statement-breakpoint
CREATE OR REPLACE VIEW "delivery_log" AS
SELECT delivery_id, owner, vendor, event, user_id, authenticated_by, outcome, problem->>'code' AS problem_code,
  problem, coalesce(body_size, octet_length(body)) AS body_bytes, received_at, last_received_at, times_received,
  normaliser_version, source
FROM deliveries;
--> statement-breakpoint
DO $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = 'deliveries'::regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT ON delivery_bodies TO %s', grantee);
  END LOOP;
END $$;
--> statement-breakpoint
COMMENT ON VIEW "delivery_bodies" IS 'The exact bytes of every delivery whose body is still kept, however they are stored. Fast for one owner or one delivery_id.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_bodies"."owner" IS 'As in deliveries.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_bodies"."vendor" IS 'As in deliveries.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_bodies"."delivery_id" IS 'As in deliveries.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_bodies"."received_at" IS 'When these bytes first arrived.';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_bodies"."body" IS 'The exact bytes received. For text: convert_from(body, ''UTF8'').';
--> statement-breakpoint
COMMENT ON COLUMN "delivery_log"."source" IS 'push: the vendor sent it. pull: Nightpost asked for it.';

CREATE TABLE "change_feed" (
	"id" smallint PRIMARY KEY NOT NULL,
	"epoch" text NOT NULL,
	"server" text NOT NULL,
	"xid_offset" bigint NOT NULL,
	"boundary" uuid,
	"floor" bigint,
	"floor_id" uuid,
	"removals" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "erasures_change_idx" ON "erasures" USING btree ("change_position","person") WHERE kind = 'owner';--> statement-breakpoint
-- First the column, then its default: a column that is added with such a default would rewrite the table. Replicas of older
-- versions get the default too.
ALTER TABLE "deliveries" ADD COLUMN "change_position" bigint;--> statement-breakpoint
ALTER TABLE "deliveries" ALTER COLUMN "change_position" SET DEFAULT (2 * (pg_current_xact_id()::text::bigint + 0));--> statement-breakpoint
-- In a ledger with rows an online step builds the index.
DO $$
BEGIN
  IF current_setting('nightpost.is_new', true) = 'on' THEN
    CREATE INDEX "deliveries_change_idx" ON "deliveries" USING btree ("change_position",(case when change_position % 2 = 0 then null else delivery_id end)) WHERE outcome = 'stored' or change_position % 2 = 1;
  END IF;
END $$;
--> statement-breakpoint
CREATE FUNCTION "change_feed_server"() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  database text := (SELECT oid FROM pg_database WHERE datname = current_database());
BEGIN
  RETURN (SELECT system_identifier FROM pg_control_system()) || '/' || database;
EXCEPTION
  WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    RETURN 'unknown/' || database;
END $$;
--> statement-breakpoint
COMMENT ON FUNCTION "change_feed_server"() IS 'The system identifier of this server and the OID of this database.';
--> statement-breakpoint
CREATE FUNCTION "change_feed_timeline"() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN 0;
  END IF;
  RETURN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint;
EXCEPTION
  WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    RETURN 0;
END $$;
--> statement-breakpoint
COMMENT ON FUNCTION "change_feed_timeline"() IS 'The timeline of this server, which changes when it is restored or promoted; 0 if it is a standby or does not say.';
--> statement-breakpoint
INSERT INTO "change_feed" (id, epoch, server, xid_offset, boundary, removals)
VALUES (
  1, left(replace(gen_random_uuid()::text, '-', ''), 12), change_feed_server(), 0,
  (SELECT delivery_id FROM deliveries ORDER BY delivery_id DESC LIMIT 1), 0
);
--> statement-breakpoint
-- A cursor is "epoch.timeline.removals.place". A place is "s" (the beginning), "i" and the delivery_id of a delivery without a
-- position, or "p", a position, and ".d" with the delivery_id or ".e" with the person of the row.
-- The settings keep the plan of a page: it reads an index forward until the page is full, also if there are no statistics.
CREATE FUNCTION "nightpost_changes"(since text DEFAULT NULL, max_rows integer DEFAULT 1000)
RETURNS TABLE (cursor text, change text, vendor text, event text, owner text, delivery_id uuid, received_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET plan_cache_mode = 'force_custom_plan' SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET jit = 'off'
SET search_path FROM CURRENT
AS $$
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
END $$;
--> statement-breakpoint
COMMENT ON FUNCTION "nightpost_changes"(text, integer) IS 'The change feed: the deliveries that were stored or judged again, and the persons who were erased, after a cursor, in the order of their transactions. Without a cursor: from the first.';
--> statement-breakpoint
-- The cursor of the last row, found from the end of the indexes.
CREATE FUNCTION "nightpost_changes_now"() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET plan_cache_mode = 'force_custom_plan' SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET jit = 'off'
SET search_path FROM CURRENT
AS $$
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
END $$;
--> statement-breakpoint
COMMENT ON FUNCTION "nightpost_changes_now"() IS 'The cursor after which nightpost_changes returns only what is committed from now on.';
--> statement-breakpoint
-- With pg_temp last: a caller's temporary table must not take the place of a table in a function with its owner's rights.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['nightpost_changes(text, integer)', 'nightpost_changes_now()'] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
  END LOOP;
END $$;
--> statement-breakpoint
-- A role that may write the ledger needs the new tables as soon as it runs this version; one that may read it may follow it.
DO $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = 'deliveries'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON change_feed TO %s', grantee);
  END LOOP;
  FOR grantee IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = 'deliveries'::regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION nightpost_changes(text, integer), nightpost_changes_now() TO %s', grantee);
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
  GRANT EXECUTE ON FUNCTION nightpost_person, nightpost_changes(text, integer), nightpost_changes_now() TO nightpost_reader;
  RETURN true;
END $$;
--> statement-breakpoint
SELECT grant_nightpost_reader();
--> statement-breakpoint
COMMENT ON TABLE "change_feed" IS 'The state of the change feed, one row. Read the feed with nightpost_changes().';
--> statement-breakpoint
COMMENT ON COLUMN "change_feed"."id" IS 'Always 1.';
--> statement-breakpoint
COMMENT ON COLUMN "change_feed"."epoch" IS 'Part of every cursor. It changes if the database moves to another server, or is a copy.';
--> statement-breakpoint
COMMENT ON COLUMN "change_feed"."server" IS 'The system identifier of the server and the OID of the database at the beginning of the epoch.';
--> statement-breakpoint
COMMENT ON COLUMN "change_feed"."xid_offset" IS 'Added to a transaction id, so that the positions of an epoch are higher than all earlier ones.';
--> statement-breakpoint
COMMENT ON COLUMN "change_feed"."boundary" IS 'The last delivery that a version without the feed stored; NULL if there was none. The feed begins with these, in the order of delivery_id.';
--> statement-breakpoint
COMMENT ON COLUMN "change_feed"."floor" IS 'The highest change_position that retention deleted; NULL if it deleted none.';
--> statement-breakpoint
COMMENT ON COLUMN "change_feed"."floor_id" IS 'The last delivery without a change_position that retention deleted; NULL if it deleted none.';
--> statement-breakpoint
COMMENT ON COLUMN "change_feed"."removals" IS 'How often retention deleted changes. A cursor has the number of its time.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."change_position" IS 'Its place in the change feed (nightpost_changes): 2 × (id of the transaction that last changed what it stores + change_feed.xid_offset), plus 1 if it was judged again since its first arrival; NULL if a version without the feed stored it.';

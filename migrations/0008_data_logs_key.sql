-- The key of data_logs becomes (profile_id, data_type, id). A new database gets it here. Elsewhere there may be millions of
-- rows, and replicas of version 0.1.0, whose statements name the former key: an online step (src/db/key-change.ts)
-- builds the new key beside the running service.
DO $$
BEGIN
  IF current_setting('nightpost.is_new', true) = 'on' THEN
    ALTER TABLE "data_logs" DROP CONSTRAINT "data_logs_profile_id_id_pk";
    ALTER TABLE "data_logs" ADD CONSTRAINT "data_logs_profile_id_data_type_id_pk" PRIMARY KEY ("profile_id","data_type","id");
  END IF;
END $$;
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."id" IS 'dataLogs[].id: the sample; opaque text, unique together with profile_id and data_type.';

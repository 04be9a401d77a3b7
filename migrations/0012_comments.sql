COMMENT ON TABLE "deliveries" IS 'The ledger: every authentic delivery and what became of it. The exact bytes received are in delivery_bodies.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."body" IS 'The exact bytes received, of a delivery that is not stored or came late; NULL if they are in body_groups or body_packs. Read them in delivery_bodies.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."body_group" IS 'The row of body_groups that has or had the body; NULL if body has it.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."body_start" IS 'Where the body begins in the bytes of body_group, from 1.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."body_size" IS 'Size of the body in bytes; NULL if an earlier version stored it.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."source" IS 'push: the vendor sent it. pull: Nightpost asked for it.';
--> statement-breakpoint
COMMENT ON TABLE "body_groups" IS 'The bodies of recent deliveries, end to end, one row for each group that was committed; deliveries.body_group, body_start and body_size say where each is. Read them in delivery_bodies.';
--> statement-breakpoint
COMMENT ON COLUMN "body_groups"."group_id" IS 'UUID version 7 with the time of the first arrival of the group.';
--> statement-breakpoint
COMMENT ON COLUMN "body_groups"."bytes" IS 'The exact bytes of the bodies. A body that an erasure removed is zeros.';
--> statement-breakpoint
COMMENT ON TABLE "body_packs" IS 'The bodies of older deliveries, packed by owner and day, so that they compress well. Read them in delivery_bodies.';
--> statement-breakpoint
COMMENT ON COLUMN "body_packs"."owner" IS 'As in deliveries.';
--> statement-breakpoint
COMMENT ON COLUMN "body_packs"."pack_id" IS 'The first delivery of the pack.';
--> statement-breakpoint
COMMENT ON COLUMN "body_packs"."last_id" IS 'The last delivery of the pack.';
--> statement-breakpoint
COMMENT ON COLUMN "body_packs"."delivery_ids" IS 'The deliveries of the pack, in order.';
--> statement-breakpoint
COMMENT ON COLUMN "body_packs"."ends" IS 'Where the body of each delivery ends in bytes, in bytes from its beginning.';
--> statement-breakpoint
COMMENT ON COLUMN "body_packs"."bytes" IS 'The exact bytes of the bodies, end to end.';
--> statement-breakpoint
COMMENT ON TABLE "upkeep_tasks" IS 'How far nightpost maintain, or the same work in the background, has come.';
--> statement-breakpoint
COMMENT ON COLUMN "upkeep_tasks"."task" IS 'pack: bodies are packed by owner. activity: event_activity is written. empty: no body of a stored delivery is in its entry. archive: nothing is dropped for its age without an archive.';
--> statement-breakpoint
COMMENT ON COLUMN "upkeep_tasks"."position" IS 'Deliveries with a smaller delivery_id are done.';
--> statement-breakpoint
COMMENT ON COLUMN "upkeep_tasks"."finished_at" IS 'When the task was last done as far as was possible then.';
--> statement-breakpoint
COMMENT ON TABLE "event_activity" IS 'When each event was last stored. The service writes it about once a minute.';
--> statement-breakpoint
COMMENT ON COLUMN "event_activity"."vendor" IS 'As in deliveries.';
--> statement-breakpoint
COMMENT ON COLUMN "event_activity"."event" IS 'As in deliveries.';
--> statement-breakpoint
COMMENT ON COLUMN "event_activity"."last_stored_at" IS 'When a delivery of this event was last stored, at the latest known time.';

COMMENT ON TABLE "unverified_deliveries" IS 'The quarantine: deliveries answered 401, kept where QUARANTINE_UNVERIFIED_MAX_BYTES allows it until nightpost replay --outcome unverified can prove their sender. Anyone may have sent them.';
--> statement-breakpoint
COMMENT ON COLUMN "unverified_deliveries"."delivery_id" IS 'UUID version 7; the delivery keeps it once its sender is proven.';
--> statement-breakpoint
COMMENT ON COLUMN "unverified_deliveries"."vendor" IS 'The vendor whose route was called.';
--> statement-breakpoint
COMMENT ON COLUMN "unverified_deliveries"."headers" IS 'The headers needed to judge the body again, and the signature that was presented.';
--> statement-breakpoint
COMMENT ON COLUMN "unverified_deliveries"."hashed_headers" IS 'Salted hashes of the keys that were presented (salt:hash in hex); never a key.';
--> statement-breakpoint
COMMENT ON COLUMN "unverified_deliveries"."body" IS 'The exact bytes received.';
--> statement-breakpoint
COMMENT ON COLUMN "unverified_deliveries"."received_at" IS 'When the delivery arrived.';
--> statement-breakpoint
COMMENT ON COLUMN "unverified_deliveries"."position" IS 'Bytes quarantined before this delivery: the oldest go once the count runs further ahead of them than the limit.';

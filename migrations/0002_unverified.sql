CREATE TABLE "unverified_deliveries" (
	"delivery_id" uuid PRIMARY KEY NOT NULL,
	"vendor" text NOT NULL,
	"headers" jsonb NOT NULL,
	"hashed_headers" jsonb NOT NULL,
	"body" "bytea" NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"position" bigint NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "unverified_deliveries_position_idx" ON "unverified_deliveries" USING btree ("position");
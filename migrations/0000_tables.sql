CREATE TABLE "deliveries" (
	"owner" text NOT NULL,
	"vendor" text NOT NULL,
	"body_digest" "bytea" NOT NULL,
	"delivery_id" uuid NOT NULL,
	"event" text,
	"user_id" text,
	"authenticated_by" text NOT NULL,
	"outcome" text NOT NULL,
	"problem" jsonb,
	"body" "bytea" NOT NULL,
	"headers" jsonb NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"last_received_at" timestamp with time zone NOT NULL,
	"times_received" integer NOT NULL,
	"normaliser_version" integer NOT NULL,
	CONSTRAINT "deliveries_owner_vendor_body_digest_pk" PRIMARY KEY("owner","vendor","body_digest")
);
--> statement-breakpoint
CREATE TABLE "sleep_sessions" (
	"user_id" text NOT NULL,
	"session_id" text NOT NULL,
	"state" text,
	"timezone" text,
	"created_timezone" text,
	"start_time" timestamp with time zone,
	"end_time" timestamp with time zone,
	"unexpected_end_time" timestamp with time zone,
	"utc_offset_minutes" smallint,
	"local_date" date,
	"peculiarities" text[],
	"validity" text,
	"missing_data_ratio" numeric,
	"callback_version" text,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "sleep_sessions_user_id_session_id_pk" PRIMARY KEY("user_id","session_id")
);
--> statement-breakpoint
CREATE TABLE "sleep_stage_series" (
	"user_id" text NOT NULL,
	"session_id" text NOT NULL,
	"series" text NOT NULL,
	"stages" smallint[] NOT NULL,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "sleep_stage_series_user_id_session_id_series_pk" PRIMARY KEY("user_id","session_id","series")
);
--> statement-breakpoint
CREATE TABLE "sleep_stage_windows" (
	"user_id" text NOT NULL,
	"session_id" text NOT NULL,
	"series" text NOT NULL,
	"inference_seq_num" integer NOT NULL,
	"seq_num" integer,
	"stages" smallint[] NOT NULL,
	"callback_version" text,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "sleep_stage_windows_user_id_session_id_series_inference_seq_num_pk" PRIMARY KEY("user_id","session_id","series","inference_seq_num")
);
--> statement-breakpoint
CREATE TABLE "sleep_stats" (
	"user_id" text NOT NULL,
	"session_id" text NOT NULL,
	"sleep_time" timestamp with time zone,
	"wake_time" timestamp with time zone,
	"sleep_index" integer,
	"sleep_latency" integer,
	"wakeup_latency" integer,
	"light_latency" integer,
	"deep_latency" integer,
	"rem_latency" integer,
	"time_in_bed" integer,
	"time_in_sleep_period" integer,
	"time_in_sleep" integer,
	"time_in_wake" integer,
	"time_in_light" integer,
	"time_in_deep" integer,
	"time_in_rem" integer,
	"time_in_stable_breath" integer,
	"time_in_unstable_breath" integer,
	"time_in_snoring" integer,
	"time_in_no_snoring" integer,
	"sleep_efficiency" numeric,
	"sleep_ratio" numeric,
	"wake_ratio" numeric,
	"light_ratio" numeric,
	"deep_ratio" numeric,
	"rem_ratio" numeric,
	"stable_breath_ratio" numeric,
	"unstable_breath_ratio" numeric,
	"snoring_ratio" numeric,
	"no_snoring_ratio" numeric,
	"breathing_index" numeric,
	"breathing_pattern" text,
	"waso_count" integer,
	"longest_waso" integer,
	"sleep_cycle_count" integer,
	"sleep_cycle" numeric,
	"sleep_cycle_time" timestamp with time zone[],
	"unstable_breath_count" integer,
	"snoring_count" integer,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "sleep_stats_user_id_session_id_pk" PRIMARY KEY("user_id","session_id")
);
--> statement-breakpoint
CREATE TABLE "archetypes" (
	"profile_id" text NOT NULL,
	"id" text NOT NULL,
	"account_id" text,
	"external_id" text,
	"name" text NOT NULL,
	"value" text,
	"data_type" text,
	"periodicity" text,
	"ordinality" integer,
	"start_date_time" timestamp with time zone,
	"end_date_time" timestamp with time zone,
	"utc_offset_minutes" smallint,
	"local_date" date,
	"end_utc_offset_minutes" smallint,
	"created_at_utc" timestamp with time zone,
	"version" numeric,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "archetypes_profile_id_id_pk" PRIMARY KEY("profile_id","id")
);
--> statement-breakpoint
CREATE TABLE "biomarkers" (
	"profile_id" text NOT NULL,
	"id" text NOT NULL,
	"account_id" text,
	"external_id" text,
	"category" text,
	"type" text NOT NULL,
	"periodicity" text,
	"aggregation" text,
	"value" text,
	"value_number" numeric,
	"unit" text,
	"value_type" text,
	"start_date_time" timestamp with time zone,
	"end_date_time" timestamp with time zone,
	"utc_offset_minutes" smallint,
	"local_date" date,
	"end_utc_offset_minutes" smallint,
	"created_at_utc" timestamp with time zone,
	"version" numeric,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "biomarkers_profile_id_id_pk" PRIMARY KEY("profile_id","id")
);
--> statement-breakpoint
CREATE TABLE "data_logs" (
	"profile_id" text NOT NULL,
	"id" text NOT NULL,
	"account_id" text,
	"external_id" text,
	"log_type" text,
	"data_type" text NOT NULL,
	"received_at_utc" timestamp with time zone,
	"parent_id" text,
	"value" numeric,
	"unit" text,
	"source" text,
	"recording_method" text,
	"device_type" text,
	"start_date_time" timestamp with time zone,
	"end_date_time" timestamp with time zone,
	"utc_offset_minutes" smallint,
	"local_date" date,
	"end_utc_offset_minutes" smallint,
	"additional_properties" jsonb,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "data_logs_profile_id_id_pk" PRIMARY KEY("profile_id","id")
);
--> statement-breakpoint
CREATE TABLE "score_factors" (
	"profile_id" text NOT NULL,
	"score_id" text NOT NULL,
	"position" integer NOT NULL,
	"id" text,
	"name" text,
	"value" numeric,
	"goal" numeric,
	"score" numeric,
	"state" text,
	"unit" text,
	"account_id" text,
	"external_id" text,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "score_factors_profile_id_score_id_position_pk" PRIMARY KEY("profile_id","score_id","position")
);
--> statement-breakpoint
CREATE TABLE "scores" (
	"profile_id" text NOT NULL,
	"id" text NOT NULL,
	"account_id" text,
	"external_id" text,
	"type" text NOT NULL,
	"state" text,
	"score" numeric,
	"data_sources" text[],
	"score_date_time" timestamp with time zone,
	"utc_offset_minutes" smallint,
	"local_date" date,
	"created_at_utc" timestamp with time zone,
	"version" numeric,
	"delivery_id" uuid NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "scores_profile_id_id_pk" PRIMARY KEY("profile_id","id")
);
--> statement-breakpoint
ALTER TABLE "sleep_stage_series" ADD CONSTRAINT "sleep_stage_series_user_id_session_id_sleep_sessions_user_id_session_id_fk" FOREIGN KEY ("user_id","session_id") REFERENCES "public"."sleep_sessions"("user_id","session_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sleep_stats" ADD CONSTRAINT "sleep_stats_user_id_session_id_sleep_sessions_user_id_session_id_fk" FOREIGN KEY ("user_id","session_id") REFERENCES "public"."sleep_sessions"("user_id","session_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "score_factors" ADD CONSTRAINT "score_factors_profile_id_score_id_scores_profile_id_id_fk" FOREIGN KEY ("profile_id","score_id") REFERENCES "public"."scores"("profile_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "deliveries_delivery_id_idx" ON "deliveries" USING btree ("delivery_id");
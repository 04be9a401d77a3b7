COMMENT ON TABLE "deliveries" IS 'The ledger: every authentic delivery with the exact bytes received and what became of it.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."owner" IS 'Whose data it is: Asleep user_id or Sahha profileId; '''' where the body names nobody.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."vendor" IS 'asleep or sahha.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."body_digest" IS 'SHA-256 of the exact bytes: the same bytes are one delivery however often they arrive.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."delivery_id" IS 'UUID version 7; the provenance of normalised rows, and the id in the answer to the vendor.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."event" IS 'The event''s name as the vendor writes it; NULL where none could be read.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."user_id" IS 'The user that the request header named (x-user-id or X-External-Id); NULL where none.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."authenticated_by" IS 'How the sender was proven: api_key or signature.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."outcome" IS 'stored (its rows are in the tables), unrecognised (no normaliser knows the event) or rejected (see problem).';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."problem" IS 'Why the delivery was rejected, as the sender was told (RFC 9457); NULL otherwise.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."body" IS 'The exact bytes received.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."headers" IS 'The headers needed to judge the body again; never a credential.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."received_at" IS 'When these bytes first arrived.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."last_received_at" IS 'When these bytes last arrived.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."times_received" IS 'How often these bytes arrived.';
--> statement-breakpoint
COMMENT ON COLUMN "deliveries"."normaliser_version" IS 'Version of the vendor''s normaliser that judged the body.';
--> statement-breakpoint
COMMENT ON TABLE "sleep_sessions" IS 'One sleep session, as its latest SESSION_COMPLETE callback describes it.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."user_id" IS 'Asleep user id (data.user_id); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."session_id" IS 'Asleep session id (data.session.id, older: data.session_id); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."state" IS 'session.state: OPEN, CLOSED, COMPLETE, or a later addition.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."timezone" IS 'timezone: IANA name of the zone in which the vendor expressed the times.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."created_timezone" IS 'session.created_timezone: IANA name of the zone in which the session was created.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."start_time" IS 'session.start_time: start of the recording and of epoch 0.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."end_time" IS 'session.end_time: end of the recording; NULL while open or unknown.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."unexpected_end_time" IS 'session.unexpected_end_time: when the recording broke off; NULL where it did not.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."utc_offset_minutes" IS 'UTC offset that start_time was sent with, in minutes; NULL where it had none.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."local_date" IS 'Calendar date of start_time as it was sent, in its own offset.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."peculiarities" IS 'peculiarities: labels that limit the analysis (NEVER_SLEPT, NO_BREATHING_STABILITY, …).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."validity" IS 'validity: VALID, IN_PROGRESS or INVALID: …; sent by older versions in place of peculiarities.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."missing_data_ratio" IS 'missing_data_ratio: share of the session without usable audio, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."callback_version" IS 'version or callback_version of the envelope; NULL where it names none (V1 does not).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_sessions"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON TABLE "sleep_stats" IS 'The statistics of a session (data.stat). NULL means not applicable, 0 means zero: never the same.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."user_id" IS 'Asleep user id (data.user_id); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."session_id" IS 'Asleep session id (data.session.id, older: data.session_id); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."sleep_time" IS 'stat.sleep_time: when the user fell asleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."wake_time" IS 'stat.wake_time: when the user finally woke.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."sleep_index" IS 'stat.sleep_index: overall sleep index, 0 to 100.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."sleep_latency" IS 'stat.sleep_latency: seconds from the start to falling asleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."wakeup_latency" IS 'stat.wakeup_latency: seconds from waking to the end.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."light_latency" IS 'stat.light_latency: seconds from falling asleep to light sleep; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."deep_latency" IS 'stat.deep_latency: seconds from falling asleep to deep sleep; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."rem_latency" IS 'stat.rem_latency: seconds from falling asleep to REM sleep; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_bed" IS 'stat.time_in_bed: seconds from start to end.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_sleep_period" IS 'stat.time_in_sleep_period: seconds from sleep_time to wake_time.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_sleep" IS 'stat.time_in_sleep: seconds asleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_wake" IS 'stat.time_in_wake: seconds awake within the sleep period.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_light" IS 'stat.time_in_light: seconds in light sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_deep" IS 'stat.time_in_deep: seconds in deep sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_rem" IS 'stat.time_in_rem: seconds in REM sleep.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_stable_breath" IS 'stat.time_in_stable_breath: seconds of stable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_unstable_breath" IS 'stat.time_in_unstable_breath: seconds of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_snoring" IS 'stat.time_in_snoring: seconds with snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."time_in_no_snoring" IS 'stat.time_in_no_snoring: seconds without snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."sleep_efficiency" IS 'stat.sleep_efficiency: time asleep over time in bed, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."sleep_ratio" IS 'stat.sleep_ratio: share of the sleep period asleep, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."wake_ratio" IS 'stat.wake_ratio: share of the sleep period awake, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."light_ratio" IS 'stat.light_ratio: share of the sleep period in light sleep, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."deep_ratio" IS 'stat.deep_ratio: share of the sleep period in deep sleep, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."rem_ratio" IS 'stat.rem_ratio: share of the sleep period in REM sleep, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."stable_breath_ratio" IS 'stat.stable_breath_ratio: share of the sleep period with stable breathing, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."unstable_breath_ratio" IS 'stat.unstable_breath_ratio: share of the sleep period with unstable breathing, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."snoring_ratio" IS 'stat.snoring_ratio: share of the sleep period with snoring, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."no_snoring_ratio" IS 'stat.no_snoring_ratio: share of the sleep period without snoring, 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."breathing_index" IS 'stat.breathing_index: index of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."breathing_pattern" IS 'stat.breathing_pattern: the vendor documents no values; kept as text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."waso_count" IS 'stat.waso_count: awakenings after sleep onset.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."longest_waso" IS 'stat.longest_waso: seconds of the longest awakening after sleep onset.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."sleep_cycle_count" IS 'stat.sleep_cycle_count: number of sleep cycles.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."sleep_cycle" IS 'stat.sleep_cycle: mean length of a sleep cycle in seconds; NULL where there was none.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."sleep_cycle_time" IS 'stat.sleep_cycle_time: start and end of the first sleep cycle, then the end of each later one.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."unstable_breath_count" IS 'stat.unstable_breath_count: spells of unstable breathing.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."snoring_count" IS 'stat.snoring_count: spells of snoring.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stats"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON TABLE "sleep_stage_series" IS 'The final stage arrays of a session (SESSION_COMPLETE): one value for each 30-second epoch.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_series"."user_id" IS 'Asleep user id (data.user_id); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_series"."session_id" IS 'Asleep session id (data.session.id, older: data.session_id); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_series"."series" IS 'sleep (-1 no data, 0 wake, 1 light, 2 deep, 3 REM), breath (codes not documented) or snoring (0 no, 1 snoring).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_series"."stages" IS 'One value per 30-second epoch; the first epoch starts at sleep_sessions.start_time.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_series"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_series"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON TABLE "sleep_stage_windows" IS 'The provisional stage arrays that INFERENCE_COMPLETE sends during a session, as they came.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."user_id" IS 'Asleep user id (data.user_id); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."session_id" IS 'Asleep session id (data.session.id, older: data.session_id); opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."series" IS 'sleep (-1 no data, 0 wake, 1 light, 2 deep, 3 REM), breath (codes not documented) or snoring (0 no, 1 snoring).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."inference_seq_num" IS 'inference_seq_num k: the array ends with epoch 10k + 9, counted from 0.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."seq_num" IS 'seq_num: number of the audio upload that led to it, one per 30 seconds, counted from 0.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."stages" IS 'One value per 30-second epoch; L values cover epochs 10(k + 1) - L to 10k + 9 of the session, k = inference_seq_num.';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."callback_version" IS 'version or callback_version of the envelope; NULL where it names none (V1 does not).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "sleep_stage_windows"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON TABLE "scores" IS 'Sahha health scores (ScoreCreatedIntegrationEvent), newest revision of each.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."profile_id" IS 'profileId: the profile that the record belongs to; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."id" IS 'id: the record. An update arrives under the same id.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."account_id" IS 'accountId: the Sahha account that owns the profile.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."type" IS 'type: activity, sleep, readiness, wellbeing, mental_wellbeing, or a later addition.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."state" IS 'state: minimal, low, medium, high.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."score" IS 'score: 0 to 1, where 1 is optimal.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."data_sources" IS 'dataSources: what the score was computed from.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."score_date_time" IS 'scoreDateTime: the day that the score is for, as an instant.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."utc_offset_minutes" IS 'UTC offset that scoreDateTime was sent with, in minutes; NULL where it had none.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."local_date" IS 'Calendar date of scoreDateTime in its own offset: the user''s day.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."created_at_utc" IS 'createdAtUtc: when Sahha made this revision; the newest revision of an id is kept.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."version" IS 'version: of Sahha''s algorithm; decides between revisions made at the same instant.';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "scores"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON TABLE "score_factors" IS 'What a score was made of: its factors, replaced as a set with the score.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."profile_id" IS 'profileId: the profile that the record belongs to; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."score_id" IS 'id of the score that the factor belongs to (scores.id).';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."position" IS 'Position in the score''s factors array, counted from 0.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."id" IS 'factors[].id: the factor''s name or a UUID; may be absent.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."name" IS 'factors[].name: for example sleep_duration.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."value" IS 'factors[].value: the measured value, in unit.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."goal" IS 'factors[].goal: the target value, in unit.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."score" IS 'factors[].score: 0 to 1.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."state" IS 'factors[].state: minimal, low, medium, high.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."unit" IS 'factors[].unit: unit of value and goal.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."account_id" IS 'accountId: the Sahha account that owns the profile.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "score_factors"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON TABLE "biomarkers" IS 'Sahha biomarkers (BiomarkerCreatedIntegrationEvent), newest revision of each.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."profile_id" IS 'profileId: the profile that the record belongs to; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."id" IS 'id: the record. An update arrives under the same id.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."account_id" IS 'accountId: the Sahha account that owns the profile.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."category" IS 'category: activity, sleep, body, vitals, engagement, or a later addition.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."type" IS 'type: for example steps, heart_rate_resting, sleep_duration.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."periodicity" IS 'periodicity: daily, weekly, monthly, none, intraday, quarterly.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."aggregation" IS 'aggregation: total, average, maximum, minimum, none.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."value" IS 'value: exactly as sent, in unit.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."value_number" IS 'value as a number, to its last digit; NULL where the text is no number.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."unit" IS 'unit: of value; differs by platform for one type, so never assume it.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."value_type" IS 'valueType: integer, float, boolean, string, double, datetime.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."start_date_time" IS 'startDateTime: start of the period.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."end_date_time" IS 'endDateTime: end of the period.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."utc_offset_minutes" IS 'UTC offset that startDateTime was sent with, in minutes; NULL where it had none.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."local_date" IS 'Calendar date of startDateTime in its own offset: the user''s day.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."end_utc_offset_minutes" IS 'UTC offset that endDateTime was sent with, in minutes; differs across a DST change.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."created_at_utc" IS 'createdAtUtc: when Sahha made this revision; the newest revision of an id is kept.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."version" IS 'version: of Sahha''s algorithm; decides between revisions made at the same instant.';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "biomarkers"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON TABLE "archetypes" IS 'Sahha archetypes (ArchetypeCreatedIntegrationEvent), newest revision of each.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."profile_id" IS 'profileId: the profile that the record belongs to; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."id" IS 'id: the record. An update arrives under the same id.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."account_id" IS 'accountId: the Sahha account that owns the profile.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."name" IS 'name: for example activity_level, chronotype, sleep_pattern.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."value" IS 'value: the archetype assigned, for example early_bird.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."data_type" IS 'dataType: ordinal, categorical, string.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."periodicity" IS 'periodicity: daily, weekly, monthly.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."ordinality" IS 'ordinality: rank where several archetypes exist, counted from 0.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."start_date_time" IS 'startDateTime: start of the period.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."end_date_time" IS 'endDateTime: end of the period.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."utc_offset_minutes" IS 'UTC offset that startDateTime was sent with, in minutes; NULL where it had none.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."local_date" IS 'Calendar date of startDateTime in its own offset: the user''s day.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."end_utc_offset_minutes" IS 'UTC offset that endDateTime was sent with, in minutes; differs across a DST change.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."created_at_utc" IS 'createdAtUtc: when Sahha made this revision; the newest revision of an id is kept.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."version" IS 'version: of Sahha''s algorithm; decides between revisions made at the same instant.';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "archetypes"."received_at" IS 'When Nightpost received that delivery.';
--> statement-breakpoint
COMMENT ON TABLE "data_logs" IS 'Raw samples from the devices (DataLogReceivedIntegrationEvent), one row per sample, newest kept.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."profile_id" IS 'profileId: the profile that the record belongs to; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."id" IS 'dataLogs[].id: the sample; opaque text.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."account_id" IS 'accountId: the Sahha account that owns the profile.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."external_id" IS 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."log_type" IS 'logType: activity, sleep, heart, body, energy, exercise, blood, oxygen, temperature, device, ….';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."data_type" IS 'dataType: for example steps, heart_rate, sleep_stage_deep.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."received_at_utc" IS 'receivedAtUtc: when Sahha received the batch; the newest batch of a sample is kept.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."parent_id" IS 'dataLogs[].parentId: the record that the sample is part of; NULL or '''' where there is none.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."value" IS 'dataLogs[].value: the measurement, in unit.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."unit" IS 'dataLogs[].unit: of value; differs by platform for one type, so never assume it.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."source" IS 'dataLogs[].source: the device or app that recorded the sample.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."recording_method" IS 'dataLogs[].recordingMethod: automatic, manual and so on; several spellings exist.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."device_type" IS 'dataLogs[].deviceType: device model.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."start_date_time" IS 'startDateTime: start of the period.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."end_date_time" IS 'endDateTime: end of the period.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."utc_offset_minutes" IS 'UTC offset that startDateTime was sent with, in minutes; NULL where it had none.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."local_date" IS 'Calendar date of startDateTime in its own offset: the user''s day.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."end_utc_offset_minutes" IS 'UTC offset that endDateTime was sent with, in minutes; differs across a DST change.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."additional_properties" IS 'dataLogs[].additionalProperties: extra facts, keys and values as they were sent.';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."delivery_id" IS 'The delivery that this row came from (deliveries.delivery_id).';
--> statement-breakpoint
COMMENT ON COLUMN "data_logs"."received_at" IS 'When Nightpost received that delivery.';

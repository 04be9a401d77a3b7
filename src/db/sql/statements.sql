-- Every write statement as Postgres gets it, written by `npm run statements`. A test compares the two.
-- Nothing executes this file. The names before the files are the functions that make the statements.
-- A parameter of an array type has one element for each row. A parameter X that is no array, or that has an X_at and an
-- X_length behind it, has the values of all rows end to end: X_at and X_length say where each row's value is.

-- =====================================================================================================================
-- A group of deliveries (src/db/write/writer.ts). A group may have rows for any set of tables. These are: no
-- table, each table alone, the tables of each event's example, and all tables together.

-- insertGroup(): src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true;

-- insertGroup(sleep_sessions): src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea, $28 user_id text[], $29 session_id text[],
--   $30 state text[], $31 timezone text[], $32 created_timezone text[], $33 start_time timestamp with time zone[],
--   $34 end_time timestamp with time zone[], $35 unexpected_end_time timestamp with time zone[],
--   $36 utc_offset_minutes smallint[], $37 local_date date[], $38 peculiarities text[], $39 validity text[],
--   $40 missing_data_ratio numeric[], $41 callback_version text[], $42 delivery_id uuid[],
--   $43 received_at timestamp with time zone[], $44 sleep_date date[], $45 user_id text[], $46 session_id text[],
--   $47 sleep_time timestamp with time zone[], $48 wake_time timestamp with time zone[], $49 sleep_index integer[],
--   $50 sleep_latency integer[], $51 wakeup_latency integer[], $52 light_latency integer[], $53 deep_latency integer[],
--   $54 rem_latency integer[], $55 time_in_bed integer[], $56 time_in_sleep_period integer[],
--   $57 time_in_sleep integer[], $58 time_in_wake integer[], $59 time_in_light integer[], $60 time_in_deep integer[],
--   $61 time_in_rem integer[], $62 time_in_stable_breath integer[], $63 time_in_unstable_breath integer[],
--   $64 time_in_snoring integer[], $65 time_in_no_snoring integer[], $66 sleep_efficiency numeric[],
--   $67 sleep_ratio numeric[], $68 wake_ratio numeric[], $69 light_ratio numeric[], $70 deep_ratio numeric[],
--   $71 rem_ratio numeric[], $72 stable_breath_ratio numeric[], $73 unstable_breath_ratio numeric[],
--   $74 snoring_ratio numeric[], $75 no_snoring_ratio numeric[], $76 breathing_index numeric[],
--   $77 breathing_pattern text[], $78 waso_count integer[], $79 longest_waso integer[],
--   $80 sleep_cycle_count integer[], $81 sleep_cycle numeric[], $82 sleep_cycle_time text[],
--   $83 unstable_breath_count integer[], $84 snoring_count integer[], $85 delivery_id uuid[],
--   $86 received_at timestamp with time zone[], $87 user_id text[], $88 session_id text[], $89 series text[],
--   $90 stages smallint[], $91 stages_at integer[], $92 stages_length integer[], $93 delivery_id uuid[],
--   $94 received_at timestamp with time zone[]
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
), "written sleep_sessions" as (
  insert into "sleep_sessions" as t (
    "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
    "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
    "delivery_id", "received_at", "sleep_date"
  )
  select distinct on (r."user_id" collate "C", r."session_id" collate "C")
    r."user_id", r."session_id", r."state", r."timezone", r."created_timezone", r."start_time", r."end_time",
    r."unexpected_end_time", r."utc_offset_minutes", r."local_date", r."peculiarities"::text[], r."validity",
    r."missing_data_ratio", r."callback_version", r."delivery_id", r."received_at", r."sleep_date"
  from unnest(
    $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::timestamp with time zone[],
    $34::timestamp with time zone[], $35::timestamp with time zone[], $36::smallint[], $37::date[], $38::text[],
    $39::text[], $40::numeric[], $41::text[], $42::uuid[], $43::timestamp with time zone[], $44::date[]
  ) with ordinality as r(
    "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
    "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
    "delivery_id", "received_at", "sleep_date", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by r."user_id" collate "C", r."session_id" collate "C", ("r".received_at, "r".delivery_id) desc, r.nth desc
  on conflict ("user_id", "session_id") do update
  set
    "state" = excluded."state", "timezone" = excluded."timezone", "created_timezone" = excluded."created_timezone",
    "start_time" = excluded."start_time", "end_time" = excluded."end_time",
    "unexpected_end_time" = excluded."unexpected_end_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "peculiarities" = excluded."peculiarities", "validity" = excluded."validity",
    "missing_data_ratio" = excluded."missing_data_ratio", "callback_version" = excluded."callback_version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at",
    "sleep_date" = excluded."sleep_date", "pulled_at" = excluded."pulled_at",
    "has_moved" = case when t."has_moved" or t.sleep_date is not null and t.sleep_date is distinct from excluded.sleep_date then true end
  where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
  returning t."user_id", t."session_id", t.delivery_id, t.xmax = 0 as is_new
), "written sleep_stats" as (
  insert into "sleep_stats" (
    "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency",
    "light_latency", "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep",
    "time_in_wake", "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath",
    "time_in_snoring", "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio",
    "deep_ratio", "rem_ratio", "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio",
    "breathing_index", "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle",
    "sleep_cycle_time", "unstable_breath_count", "snoring_count", "delivery_id", "received_at"
  )
  select
    r."user_id", r."session_id", r."sleep_time", r."wake_time", r."sleep_index", r."sleep_latency", r."wakeup_latency",
    r."light_latency", r."deep_latency", r."rem_latency", r."time_in_bed", r."time_in_sleep_period", r."time_in_sleep",
    r."time_in_wake", r."time_in_light", r."time_in_deep", r."time_in_rem", r."time_in_stable_breath",
    r."time_in_unstable_breath", r."time_in_snoring", r."time_in_no_snoring", r."sleep_efficiency", r."sleep_ratio",
    r."wake_ratio", r."light_ratio", r."deep_ratio", r."rem_ratio", r."stable_breath_ratio", r."unstable_breath_ratio",
    r."snoring_ratio", r."no_snoring_ratio", r."breathing_index", r."breathing_pattern", r."waso_count",
    r."longest_waso", r."sleep_cycle_count", r."sleep_cycle", r."sleep_cycle_time"::timestamp with time zone[],
    r."unstable_breath_count", r."snoring_count", r."delivery_id", r."received_at"
  from unnest(
    $45::text[], $46::text[], $47::timestamp with time zone[], $48::timestamp with time zone[], $49::integer[],
    $50::integer[], $51::integer[], $52::integer[], $53::integer[], $54::integer[], $55::integer[], $56::integer[],
    $57::integer[], $58::integer[], $59::integer[], $60::integer[], $61::integer[], $62::integer[], $63::integer[],
    $64::integer[], $65::integer[], $66::numeric[], $67::numeric[], $68::numeric[], $69::numeric[], $70::numeric[],
    $71::numeric[], $72::numeric[], $73::numeric[], $74::numeric[], $75::numeric[], $76::numeric[], $77::text[],
    $78::integer[], $79::integer[], $80::integer[], $81::numeric[], $82::text[], $83::integer[], $84::integer[],
    $85::uuid[], $86::timestamp with time zone[]
  ) with ordinality as r(
    "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency",
    "light_latency", "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep",
    "time_in_wake", "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath",
    "time_in_snoring", "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio",
    "deep_ratio", "rem_ratio", "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio",
    "breathing_index", "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle",
    "sleep_cycle_time", "unstable_breath_count", "snoring_count", "delivery_id", "received_at", nth
  )
  where (
    (r."user_id", r."session_id", r.delivery_id) in (
      select o."user_id", o."session_id", o.delivery_id from "written sleep_sessions" as o where o.is_new
    )
  ) is true
  order by r."user_id" collate "C", r."session_id" collate "C"
), "written sleep_stage_series" as (
  insert into "sleep_stage_series" ("user_id", "session_id", "series", "stages", "delivery_id", "received_at")
  select
    r."user_id", r."session_id", r."series", w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1],
    r."delivery_id", r."received_at"
  from unnest(
    $87::text[], $88::text[], $89::text[], $91::integer[], $92::integer[], $93::uuid[], $94::timestamp with time zone[]
  ) with ordinality as r(
    "user_id", "session_id", "series", "stages_at", "stages_length", "delivery_id", "received_at", nth
  )
  cross join (select $90::smallint[] as "stages") as w
  where (
    (r."user_id", r."session_id", r.delivery_id) in (
      select o."user_id", o."session_id", o.delivery_id from "written sleep_sessions" as o where o.is_new
    )
  ) is true
  order by r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C"
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true
union all
select o.delivery_id, 'sleep_sessions', jsonb_build_object('user_id', o."user_id", 'session_id', o."session_id")
from "written sleep_sessions" as o
where not o.is_new;

-- insertGroup(scores): src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea, $28 profile_id text[], $29 id text[],
--   $30 account_id text[], $31 external_id text[], $32 type text[], $33 state text[], $34 score numeric[],
--   $35 data_sources text[], $36 score_date_time timestamp with time zone[], $37 utc_offset_minutes smallint[],
--   $38 local_date date[], $39 created_at_utc timestamp with time zone[], $40 version numeric[],
--   $41 delivery_id uuid[], $42 received_at timestamp with time zone[], $43 profile_id text[], $44 score_id text[],
--   $45 position integer[], $46 id text[], $47 name text[], $48 value numeric[], $49 goal numeric[],
--   $50 score numeric[], $51 state text[], $52 unit text[], $53 account_id text[], $54 external_id text[],
--   $55 delivery_id uuid[], $56 received_at timestamp with time zone[]
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
), "written scores" as (
  insert into "scores" as t (
    "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
    "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."type", r."state", r."score", r."data_sources"::text[],
    r."score_date_time", r."utc_offset_minutes", r."local_date", r."created_at_utc", r."version", r."delivery_id",
    r."received_at"
  from unnest(
    $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::numeric[], $35::text[],
    $36::timestamp with time zone[], $37::smallint[], $38::date[], $39::timestamp with time zone[], $40::numeric[],
    $41::uuid[], $42::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
    "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."id" collate "C",
    (
      coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
      "r".received_at, "r".delivery_id
    ) desc,
    r.nth desc
  on conflict ("profile_id", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "type" = excluded."type",
    "state" = excluded."state", "score" = excluded."score", "data_sources" = excluded."data_sources",
    "score_date_time" = excluded."score_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
    "has_moved" = case when t."has_moved" or t.local_date is not null and t.local_date is distinct from excluded.local_date then true end
  where (
    coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
    "t".pulled_at is null, "t".received_at, "t".delivery_id
  ) <= (
    coalesce("excluded"."created_at_utc", '-infinity'::timestamptz),
    coalesce("excluded"."version", '-infinity'::numeric), "excluded".pulled_at is null, "excluded".received_at,
    "excluded".delivery_id
  )
  returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new
), "written score_factors" as (
  insert into "score_factors" (
    "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
    "external_id", "delivery_id", "received_at"
  )
  select
    r."profile_id", r."score_id", r."position", r."id", r."name", r."value", r."goal", r."score", r."state", r."unit",
    r."account_id", r."external_id", r."delivery_id", r."received_at"
  from unnest(
    $43::text[], $44::text[], $45::integer[], $46::text[], $47::text[], $48::numeric[], $49::numeric[], $50::numeric[],
    $51::text[], $52::text[], $53::text[], $54::text[], $55::uuid[], $56::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
    "external_id", "delivery_id", "received_at", nth
  )
  where (
    (r."profile_id", r."score_id", r.delivery_id) in (
      select o."profile_id", o."id", o.delivery_id from "written scores" as o where o.is_new
    )
  ) is true
  order by r."profile_id" collate "C", r."score_id" collate "C", r."position"
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true
union all
select o.delivery_id, 'scores', jsonb_build_object('profile_id', o."profile_id", 'id', o."id")
from "written scores" as o
where not o.is_new;

-- insertGroup(sleep_stage_windows): src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea, $28 user_id text[], $29 session_id text[],
--   $30 series text[], $31 inference_seq_num integer[], $32 seq_num integer[], $33 stages smallint[],
--   $34 stages_at integer[], $35 stages_length integer[], $36 callback_version text[], $37 delivery_id uuid[],
--   $38 received_at timestamp with time zone[]
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
), "written sleep_stage_windows" as (
  insert into "sleep_stage_windows" as t (
    "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages", "callback_version", "delivery_id",
    "received_at"
  )
  select distinct on (
    r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num"
  )
    r."user_id", r."session_id", r."series", r."inference_seq_num", r."seq_num",
    w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1], r."callback_version", r."delivery_id",
    r."received_at"
  from unnest(
    $28::text[], $29::text[], $30::text[], $31::integer[], $32::integer[], $34::integer[], $35::integer[], $36::text[],
    $37::uuid[], $38::timestamp with time zone[]
  ) with ordinality as r(
    "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages_at", "stages_length", "callback_version",
    "delivery_id", "received_at", nth
  )
  cross join (select $33::smallint[] as "stages") as w
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num",
    ("r".received_at, "r".delivery_id) desc, r.nth desc
  on conflict ("user_id", "session_id", "series", "inference_seq_num") do update
  set
    "seq_num" = excluded."seq_num", "stages" = excluded."stages", "callback_version" = excluded."callback_version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at"
  where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
  returning t."user_id", t."session_id", t."series", t."inference_seq_num", t.delivery_id, t.xmax = 0 as is_new
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true;

-- insertGroup(biomarkers): src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea, $28 profile_id text[], $29 id text[],
--   $30 account_id text[], $31 external_id text[], $32 category text[], $33 type text[], $34 periodicity text[],
--   $35 aggregation text[], $36 value text[], $37 value_number numeric[], $38 unit text[], $39 value_type text[],
--   $40 start_date_time timestamp with time zone[], $41 end_date_time timestamp with time zone[],
--   $42 utc_offset_minutes smallint[], $43 local_date date[], $44 end_utc_offset_minutes smallint[],
--   $45 created_at_utc timestamp with time zone[], $46 version numeric[], $47 delivery_id uuid[],
--   $48 received_at timestamp with time zone[]
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
), "written biomarkers" as (
  insert into "biomarkers" as t (
    "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
    "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
    "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."category", r."type", r."periodicity", r."aggregation",
    r."value", r."value_number", r."unit", r."value_type", r."start_date_time", r."end_date_time",
    r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes", r."created_at_utc", r."version",
    r."delivery_id", r."received_at"
  from unnest(
    $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::text[], $35::text[], $36::text[],
    $37::numeric[], $38::text[], $39::text[], $40::timestamp with time zone[], $41::timestamp with time zone[],
    $42::smallint[], $43::date[], $44::smallint[], $45::timestamp with time zone[], $46::numeric[], $47::uuid[],
    $48::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
    "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
    "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."id" collate "C",
    (
      coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
      "r".received_at, "r".delivery_id
    ) desc,
    r.nth desc
  on conflict ("profile_id", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "category" = excluded."category",
    "type" = excluded."type", "periodicity" = excluded."periodicity", "aggregation" = excluded."aggregation",
    "value" = excluded."value", "value_number" = excluded."value_number", "unit" = excluded."unit",
    "value_type" = excluded."value_type", "start_date_time" = excluded."start_date_time",
    "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
    "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
    "has_moved" = case when t."has_moved" or case when t.periodicity = 'daily' then (
      (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
        t.utc_offset_minutes, 0
      ) * interval '1 minute'
    )::date end is not null and case when t.periodicity = 'daily' then (
      (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
        t.utc_offset_minutes, 0
      ) * interval '1 minute'
    )::date end is distinct from case when excluded.periodicity = 'daily' then (
      (excluded.start_date_time at time zone 'UTC') + coalesce(excluded.end_date_time - excluded.start_date_time, '0') / 2 + coalesce(
        excluded.utc_offset_minutes, 0
      ) * interval '1 minute'
    )::date end then true end
  where (
    coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
    "t".pulled_at is null, "t".received_at, "t".delivery_id
  ) <= (
    coalesce("excluded"."created_at_utc", '-infinity'::timestamptz),
    coalesce("excluded"."version", '-infinity'::numeric), "excluded".pulled_at is null, "excluded".received_at,
    "excluded".delivery_id
  )
  returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true;

-- insertGroup(archetypes): src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea, $28 profile_id text[], $29 id text[],
--   $30 account_id text[], $31 external_id text[], $32 name text[], $33 value text[], $34 data_type text[],
--   $35 periodicity text[], $36 ordinality integer[], $37 start_date_time timestamp with time zone[],
--   $38 end_date_time timestamp with time zone[], $39 utc_offset_minutes smallint[], $40 local_date date[],
--   $41 end_utc_offset_minutes smallint[], $42 created_at_utc timestamp with time zone[], $43 version numeric[],
--   $44 delivery_id uuid[], $45 received_at timestamp with time zone[]
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
), "written archetypes" as (
  insert into "archetypes" as t (
    "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
    "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
    "version", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."name", r."value", r."data_type", r."periodicity",
    r."ordinality", r."start_date_time", r."end_date_time", r."utc_offset_minutes", r."local_date",
    r."end_utc_offset_minutes", r."created_at_utc", r."version", r."delivery_id", r."received_at"
  from unnest(
    $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::text[], $35::text[],
    $36::integer[], $37::timestamp with time zone[], $38::timestamp with time zone[], $39::smallint[], $40::date[],
    $41::smallint[], $42::timestamp with time zone[], $43::numeric[], $44::uuid[], $45::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
    "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
    "version", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."id" collate "C",
    (
      coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
      "r".received_at, "r".delivery_id
    ) desc,
    r.nth desc
  on conflict ("profile_id", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "name" = excluded."name",
    "value" = excluded."value", "data_type" = excluded."data_type", "periodicity" = excluded."periodicity",
    "ordinality" = excluded."ordinality", "start_date_time" = excluded."start_date_time",
    "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
    "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at"
  where (
    coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
    "t".pulled_at is null, "t".received_at, "t".delivery_id
  ) <= (
    coalesce("excluded"."created_at_utc", '-infinity'::timestamptz),
    coalesce("excluded"."version", '-infinity'::numeric), "excluded".pulled_at is null, "excluded".received_at,
    "excluded".delivery_id
  )
  returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true;

-- insertGroup(data_logs): src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea, $28 profile_id text[], $29 id text[],
--   $30 account_id text[], $31 external_id text[], $32 log_type text[], $33 data_type text[],
--   $34 received_at_utc timestamp with time zone[], $35 parent_id text[], $36 value numeric[], $37 unit text[],
--   $38 source text[], $39 recording_method text[], $40 device_type text[],
--   $41 start_date_time timestamp with time zone[], $42 end_date_time timestamp with time zone[],
--   $43 utc_offset_minutes smallint[], $44 local_date date[], $45 end_utc_offset_minutes smallint[],
--   $46 additional_properties text[], $47 delivery_id uuid[], $48 received_at timestamp with time zone[]
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
), "written data_logs" as (
  insert into "data_logs" as t (
    "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
    "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
    "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."data_type" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."log_type", r."data_type", r."received_at_utc",
    r."parent_id", r."value", r."unit", r."source", r."recording_method", r."device_type", r."start_date_time",
    r."end_date_time", r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes",
    r."additional_properties"::jsonb, r."delivery_id", r."received_at"
  from unnest(
    $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::timestamp with time zone[],
    $35::text[], $36::numeric[], $37::text[], $38::text[], $39::text[], $40::text[], $41::timestamp with time zone[],
    $42::timestamp with time zone[], $43::smallint[], $44::date[], $45::smallint[], $46::text[], $47::uuid[],
    $48::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
    "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
    "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."data_type" collate "C", r."id" collate "C",
    (coalesce("r"."received_at_utc", '-infinity'::timestamptz), "r".received_at, "r".delivery_id) desc, r.nth desc
  on conflict ("profile_id", "data_type", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "log_type" = excluded."log_type",
    "received_at_utc" = excluded."received_at_utc", "parent_id" = excluded."parent_id", "value" = excluded."value",
    "unit" = excluded."unit", "source" = excluded."source", "recording_method" = excluded."recording_method",
    "device_type" = excluded."device_type", "start_date_time" = excluded."start_date_time",
    "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
    "additional_properties" = excluded."additional_properties", "delivery_id" = excluded."delivery_id",
    "received_at" = excluded."received_at"
  where (coalesce("t"."received_at_utc", '-infinity'::timestamptz), "t".received_at, "t".delivery_id) <= (
    coalesce("excluded"."received_at_utc", '-infinity'::timestamptz), "excluded".received_at, "excluded".delivery_id
  )
  returning t."profile_id", t."data_type", t."id", t.delivery_id, t.xmax = 0 as is_new
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true;

-- insertGroup(sleep_sessions, scores, sleep_stage_windows, biomarkers, archetypes, data_logs): src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea, $28 user_id text[], $29 session_id text[],
--   $30 state text[], $31 timezone text[], $32 created_timezone text[], $33 start_time timestamp with time zone[],
--   $34 end_time timestamp with time zone[], $35 unexpected_end_time timestamp with time zone[],
--   $36 utc_offset_minutes smallint[], $37 local_date date[], $38 peculiarities text[], $39 validity text[],
--   $40 missing_data_ratio numeric[], $41 callback_version text[], $42 delivery_id uuid[],
--   $43 received_at timestamp with time zone[], $44 sleep_date date[], $45 user_id text[], $46 session_id text[],
--   $47 sleep_time timestamp with time zone[], $48 wake_time timestamp with time zone[], $49 sleep_index integer[],
--   $50 sleep_latency integer[], $51 wakeup_latency integer[], $52 light_latency integer[], $53 deep_latency integer[],
--   $54 rem_latency integer[], $55 time_in_bed integer[], $56 time_in_sleep_period integer[],
--   $57 time_in_sleep integer[], $58 time_in_wake integer[], $59 time_in_light integer[], $60 time_in_deep integer[],
--   $61 time_in_rem integer[], $62 time_in_stable_breath integer[], $63 time_in_unstable_breath integer[],
--   $64 time_in_snoring integer[], $65 time_in_no_snoring integer[], $66 sleep_efficiency numeric[],
--   $67 sleep_ratio numeric[], $68 wake_ratio numeric[], $69 light_ratio numeric[], $70 deep_ratio numeric[],
--   $71 rem_ratio numeric[], $72 stable_breath_ratio numeric[], $73 unstable_breath_ratio numeric[],
--   $74 snoring_ratio numeric[], $75 no_snoring_ratio numeric[], $76 breathing_index numeric[],
--   $77 breathing_pattern text[], $78 waso_count integer[], $79 longest_waso integer[],
--   $80 sleep_cycle_count integer[], $81 sleep_cycle numeric[], $82 sleep_cycle_time text[],
--   $83 unstable_breath_count integer[], $84 snoring_count integer[], $85 delivery_id uuid[],
--   $86 received_at timestamp with time zone[], $87 user_id text[], $88 session_id text[], $89 series text[],
--   $90 stages smallint[], $91 stages_at integer[], $92 stages_length integer[], $93 delivery_id uuid[],
--   $94 received_at timestamp with time zone[], $95 profile_id text[], $96 id text[], $97 account_id text[],
--   $98 external_id text[], $99 type text[], $100 state text[], $101 score numeric[], $102 data_sources text[],
--   $103 score_date_time timestamp with time zone[], $104 utc_offset_minutes smallint[], $105 local_date date[],
--   $106 created_at_utc timestamp with time zone[], $107 version numeric[], $108 delivery_id uuid[],
--   $109 received_at timestamp with time zone[], $110 profile_id text[], $111 score_id text[], $112 position integer[],
--   $113 id text[], $114 name text[], $115 value numeric[], $116 goal numeric[], $117 score numeric[],
--   $118 state text[], $119 unit text[], $120 account_id text[], $121 external_id text[], $122 delivery_id uuid[],
--   $123 received_at timestamp with time zone[], $124 user_id text[], $125 session_id text[], $126 series text[],
--   $127 inference_seq_num integer[], $128 seq_num integer[], $129 stages smallint[], $130 stages_at integer[],
--   $131 stages_length integer[], $132 callback_version text[], $133 delivery_id uuid[],
--   $134 received_at timestamp with time zone[], $135 profile_id text[], $136 id text[], $137 account_id text[],
--   $138 external_id text[], $139 category text[], $140 type text[], $141 periodicity text[], $142 aggregation text[],
--   $143 value text[], $144 value_number numeric[], $145 unit text[], $146 value_type text[],
--   $147 start_date_time timestamp with time zone[], $148 end_date_time timestamp with time zone[],
--   $149 utc_offset_minutes smallint[], $150 local_date date[], $151 end_utc_offset_minutes smallint[],
--   $152 created_at_utc timestamp with time zone[], $153 version numeric[], $154 delivery_id uuid[],
--   $155 received_at timestamp with time zone[], $156 profile_id text[], $157 id text[], $158 account_id text[],
--   $159 external_id text[], $160 name text[], $161 value text[], $162 data_type text[], $163 periodicity text[],
--   $164 ordinality integer[], $165 start_date_time timestamp with time zone[],
--   $166 end_date_time timestamp with time zone[], $167 utc_offset_minutes smallint[], $168 local_date date[],
--   $169 end_utc_offset_minutes smallint[], $170 created_at_utc timestamp with time zone[], $171 version numeric[],
--   $172 delivery_id uuid[], $173 received_at timestamp with time zone[], $174 profile_id text[], $175 id text[],
--   $176 account_id text[], $177 external_id text[], $178 log_type text[], $179 data_type text[],
--   $180 received_at_utc timestamp with time zone[], $181 parent_id text[], $182 value numeric[], $183 unit text[],
--   $184 source text[], $185 recording_method text[], $186 device_type text[],
--   $187 start_date_time timestamp with time zone[], $188 end_date_time timestamp with time zone[],
--   $189 utc_offset_minutes smallint[], $190 local_date date[], $191 end_utc_offset_minutes smallint[],
--   $192 additional_properties text[], $193 delivery_id uuid[], $194 received_at timestamp with time zone[]
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
), "written data_logs" as (
  insert into "data_logs" as t (
    "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
    "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
    "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."data_type" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."log_type", r."data_type", r."received_at_utc",
    r."parent_id", r."value", r."unit", r."source", r."recording_method", r."device_type", r."start_date_time",
    r."end_date_time", r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes",
    r."additional_properties"::jsonb, r."delivery_id", r."received_at"
  from unnest(
    $174::text[], $175::text[], $176::text[], $177::text[], $178::text[], $179::text[],
    $180::timestamp with time zone[], $181::text[], $182::numeric[], $183::text[], $184::text[], $185::text[],
    $186::text[], $187::timestamp with time zone[], $188::timestamp with time zone[], $189::smallint[], $190::date[],
    $191::smallint[], $192::text[], $193::uuid[], $194::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
    "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
    "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."data_type" collate "C", r."id" collate "C",
    (coalesce("r"."received_at_utc", '-infinity'::timestamptz), "r".received_at, "r".delivery_id) desc, r.nth desc
  on conflict ("profile_id", "data_type", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "log_type" = excluded."log_type",
    "received_at_utc" = excluded."received_at_utc", "parent_id" = excluded."parent_id", "value" = excluded."value",
    "unit" = excluded."unit", "source" = excluded."source", "recording_method" = excluded."recording_method",
    "device_type" = excluded."device_type", "start_date_time" = excluded."start_date_time",
    "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
    "additional_properties" = excluded."additional_properties", "delivery_id" = excluded."delivery_id",
    "received_at" = excluded."received_at"
  where (coalesce("t"."received_at_utc", '-infinity'::timestamptz), "t".received_at, "t".delivery_id) <= (
    coalesce("excluded"."received_at_utc", '-infinity'::timestamptz), "excluded".received_at, "excluded".delivery_id
  )
  returning t."profile_id", t."data_type", t."id", t.delivery_id, t.xmax = 0 as is_new
), "written archetypes" as (
  insert into "archetypes" as t (
    "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
    "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
    "version", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."name", r."value", r."data_type", r."periodicity",
    r."ordinality", r."start_date_time", r."end_date_time", r."utc_offset_minutes", r."local_date",
    r."end_utc_offset_minutes", r."created_at_utc", r."version", r."delivery_id", r."received_at"
  from unnest(
    $156::text[], $157::text[], $158::text[], $159::text[], $160::text[], $161::text[], $162::text[], $163::text[],
    $164::integer[], $165::timestamp with time zone[], $166::timestamp with time zone[], $167::smallint[], $168::date[],
    $169::smallint[], $170::timestamp with time zone[], $171::numeric[], $172::uuid[], $173::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
    "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
    "version", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."id" collate "C",
    (
      coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
      "r".received_at, "r".delivery_id
    ) desc,
    r.nth desc
  on conflict ("profile_id", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "name" = excluded."name",
    "value" = excluded."value", "data_type" = excluded."data_type", "periodicity" = excluded."periodicity",
    "ordinality" = excluded."ordinality", "start_date_time" = excluded."start_date_time",
    "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
    "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at"
  where (
    coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
    "t".pulled_at is null, "t".received_at, "t".delivery_id
  ) <= (
    coalesce("excluded"."created_at_utc", '-infinity'::timestamptz),
    coalesce("excluded"."version", '-infinity'::numeric), "excluded".pulled_at is null, "excluded".received_at,
    "excluded".delivery_id
  )
  returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new
), "written biomarkers" as (
  insert into "biomarkers" as t (
    "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
    "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
    "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."category", r."type", r."periodicity", r."aggregation",
    r."value", r."value_number", r."unit", r."value_type", r."start_date_time", r."end_date_time",
    r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes", r."created_at_utc", r."version",
    r."delivery_id", r."received_at"
  from unnest(
    $135::text[], $136::text[], $137::text[], $138::text[], $139::text[], $140::text[], $141::text[], $142::text[],
    $143::text[], $144::numeric[], $145::text[], $146::text[], $147::timestamp with time zone[],
    $148::timestamp with time zone[], $149::smallint[], $150::date[], $151::smallint[],
    $152::timestamp with time zone[], $153::numeric[], $154::uuid[], $155::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
    "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
    "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."id" collate "C",
    (
      coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
      "r".received_at, "r".delivery_id
    ) desc,
    r.nth desc
  on conflict ("profile_id", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "category" = excluded."category",
    "type" = excluded."type", "periodicity" = excluded."periodicity", "aggregation" = excluded."aggregation",
    "value" = excluded."value", "value_number" = excluded."value_number", "unit" = excluded."unit",
    "value_type" = excluded."value_type", "start_date_time" = excluded."start_date_time",
    "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
    "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
    "has_moved" = case when t."has_moved" or case when t.periodicity = 'daily' then (
      (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
        t.utc_offset_minutes, 0
      ) * interval '1 minute'
    )::date end is not null and case when t.periodicity = 'daily' then (
      (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
        t.utc_offset_minutes, 0
      ) * interval '1 minute'
    )::date end is distinct from case when excluded.periodicity = 'daily' then (
      (excluded.start_date_time at time zone 'UTC') + coalesce(excluded.end_date_time - excluded.start_date_time, '0') / 2 + coalesce(
        excluded.utc_offset_minutes, 0
      ) * interval '1 minute'
    )::date end then true end
  where (
    coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
    "t".pulled_at is null, "t".received_at, "t".delivery_id
  ) <= (
    coalesce("excluded"."created_at_utc", '-infinity'::timestamptz),
    coalesce("excluded"."version", '-infinity'::numeric), "excluded".pulled_at is null, "excluded".received_at,
    "excluded".delivery_id
  )
  returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new
), "written sleep_stage_windows" as (
  insert into "sleep_stage_windows" as t (
    "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages", "callback_version", "delivery_id",
    "received_at"
  )
  select distinct on (
    r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num"
  )
    r."user_id", r."session_id", r."series", r."inference_seq_num", r."seq_num",
    w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1], r."callback_version", r."delivery_id",
    r."received_at"
  from unnest(
    $124::text[], $125::text[], $126::text[], $127::integer[], $128::integer[], $130::integer[], $131::integer[],
    $132::text[], $133::uuid[], $134::timestamp with time zone[]
  ) with ordinality as r(
    "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages_at", "stages_length", "callback_version",
    "delivery_id", "received_at", nth
  )
  cross join (select $129::smallint[] as "stages") as w
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num",
    ("r".received_at, "r".delivery_id) desc, r.nth desc
  on conflict ("user_id", "session_id", "series", "inference_seq_num") do update
  set
    "seq_num" = excluded."seq_num", "stages" = excluded."stages", "callback_version" = excluded."callback_version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at"
  where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
  returning t."user_id", t."session_id", t."series", t."inference_seq_num", t.delivery_id, t.xmax = 0 as is_new
), "written scores" as (
  insert into "scores" as t (
    "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
    "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."type", r."state", r."score", r."data_sources"::text[],
    r."score_date_time", r."utc_offset_minutes", r."local_date", r."created_at_utc", r."version", r."delivery_id",
    r."received_at"
  from unnest(
    $95::text[], $96::text[], $97::text[], $98::text[], $99::text[], $100::text[], $101::numeric[], $102::text[],
    $103::timestamp with time zone[], $104::smallint[], $105::date[], $106::timestamp with time zone[], $107::numeric[],
    $108::uuid[], $109::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
    "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."id" collate "C",
    (
      coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
      "r".received_at, "r".delivery_id
    ) desc,
    r.nth desc
  on conflict ("profile_id", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "type" = excluded."type",
    "state" = excluded."state", "score" = excluded."score", "data_sources" = excluded."data_sources",
    "score_date_time" = excluded."score_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
    "has_moved" = case when t."has_moved" or t.local_date is not null and t.local_date is distinct from excluded.local_date then true end
  where (
    coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
    "t".pulled_at is null, "t".received_at, "t".delivery_id
  ) <= (
    coalesce("excluded"."created_at_utc", '-infinity'::timestamptz),
    coalesce("excluded"."version", '-infinity'::numeric), "excluded".pulled_at is null, "excluded".received_at,
    "excluded".delivery_id
  )
  returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new
), "written score_factors" as (
  insert into "score_factors" (
    "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
    "external_id", "delivery_id", "received_at"
  )
  select
    r."profile_id", r."score_id", r."position", r."id", r."name", r."value", r."goal", r."score", r."state", r."unit",
    r."account_id", r."external_id", r."delivery_id", r."received_at"
  from unnest(
    $110::text[], $111::text[], $112::integer[], $113::text[], $114::text[], $115::numeric[], $116::numeric[],
    $117::numeric[], $118::text[], $119::text[], $120::text[], $121::text[], $122::uuid[],
    $123::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
    "external_id", "delivery_id", "received_at", nth
  )
  where (
    (r."profile_id", r."score_id", r.delivery_id) in (
      select o."profile_id", o."id", o.delivery_id from "written scores" as o where o.is_new
    )
  ) is true
  order by r."profile_id" collate "C", r."score_id" collate "C", r."position"
), "written sleep_sessions" as (
  insert into "sleep_sessions" as t (
    "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
    "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
    "delivery_id", "received_at", "sleep_date"
  )
  select distinct on (r."user_id" collate "C", r."session_id" collate "C")
    r."user_id", r."session_id", r."state", r."timezone", r."created_timezone", r."start_time", r."end_time",
    r."unexpected_end_time", r."utc_offset_minutes", r."local_date", r."peculiarities"::text[], r."validity",
    r."missing_data_ratio", r."callback_version", r."delivery_id", r."received_at", r."sleep_date"
  from unnest(
    $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::timestamp with time zone[],
    $34::timestamp with time zone[], $35::timestamp with time zone[], $36::smallint[], $37::date[], $38::text[],
    $39::text[], $40::numeric[], $41::text[], $42::uuid[], $43::timestamp with time zone[], $44::date[]
  ) with ordinality as r(
    "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
    "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
    "delivery_id", "received_at", "sleep_date", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by r."user_id" collate "C", r."session_id" collate "C", ("r".received_at, "r".delivery_id) desc, r.nth desc
  on conflict ("user_id", "session_id") do update
  set
    "state" = excluded."state", "timezone" = excluded."timezone", "created_timezone" = excluded."created_timezone",
    "start_time" = excluded."start_time", "end_time" = excluded."end_time",
    "unexpected_end_time" = excluded."unexpected_end_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "peculiarities" = excluded."peculiarities", "validity" = excluded."validity",
    "missing_data_ratio" = excluded."missing_data_ratio", "callback_version" = excluded."callback_version",
    "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at",
    "sleep_date" = excluded."sleep_date", "pulled_at" = excluded."pulled_at",
    "has_moved" = case when t."has_moved" or t.sleep_date is not null and t.sleep_date is distinct from excluded.sleep_date then true end
  where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
  returning t."user_id", t."session_id", t.delivery_id, t.xmax = 0 as is_new
), "written sleep_stats" as (
  insert into "sleep_stats" (
    "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency",
    "light_latency", "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep",
    "time_in_wake", "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath",
    "time_in_snoring", "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio",
    "deep_ratio", "rem_ratio", "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio",
    "breathing_index", "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle",
    "sleep_cycle_time", "unstable_breath_count", "snoring_count", "delivery_id", "received_at"
  )
  select
    r."user_id", r."session_id", r."sleep_time", r."wake_time", r."sleep_index", r."sleep_latency", r."wakeup_latency",
    r."light_latency", r."deep_latency", r."rem_latency", r."time_in_bed", r."time_in_sleep_period", r."time_in_sleep",
    r."time_in_wake", r."time_in_light", r."time_in_deep", r."time_in_rem", r."time_in_stable_breath",
    r."time_in_unstable_breath", r."time_in_snoring", r."time_in_no_snoring", r."sleep_efficiency", r."sleep_ratio",
    r."wake_ratio", r."light_ratio", r."deep_ratio", r."rem_ratio", r."stable_breath_ratio", r."unstable_breath_ratio",
    r."snoring_ratio", r."no_snoring_ratio", r."breathing_index", r."breathing_pattern", r."waso_count",
    r."longest_waso", r."sleep_cycle_count", r."sleep_cycle", r."sleep_cycle_time"::timestamp with time zone[],
    r."unstable_breath_count", r."snoring_count", r."delivery_id", r."received_at"
  from unnest(
    $45::text[], $46::text[], $47::timestamp with time zone[], $48::timestamp with time zone[], $49::integer[],
    $50::integer[], $51::integer[], $52::integer[], $53::integer[], $54::integer[], $55::integer[], $56::integer[],
    $57::integer[], $58::integer[], $59::integer[], $60::integer[], $61::integer[], $62::integer[], $63::integer[],
    $64::integer[], $65::integer[], $66::numeric[], $67::numeric[], $68::numeric[], $69::numeric[], $70::numeric[],
    $71::numeric[], $72::numeric[], $73::numeric[], $74::numeric[], $75::numeric[], $76::numeric[], $77::text[],
    $78::integer[], $79::integer[], $80::integer[], $81::numeric[], $82::text[], $83::integer[], $84::integer[],
    $85::uuid[], $86::timestamp with time zone[]
  ) with ordinality as r(
    "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency",
    "light_latency", "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep",
    "time_in_wake", "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath",
    "time_in_snoring", "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio",
    "deep_ratio", "rem_ratio", "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio",
    "breathing_index", "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle",
    "sleep_cycle_time", "unstable_breath_count", "snoring_count", "delivery_id", "received_at", nth
  )
  where (
    (r."user_id", r."session_id", r.delivery_id) in (
      select o."user_id", o."session_id", o.delivery_id from "written sleep_sessions" as o where o.is_new
    )
  ) is true
  order by r."user_id" collate "C", r."session_id" collate "C"
), "written sleep_stage_series" as (
  insert into "sleep_stage_series" ("user_id", "session_id", "series", "stages", "delivery_id", "received_at")
  select
    r."user_id", r."session_id", r."series", w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1],
    r."delivery_id", r."received_at"
  from unnest(
    $87::text[], $88::text[], $89::text[], $91::integer[], $92::integer[], $93::uuid[], $94::timestamp with time zone[]
  ) with ordinality as r(
    "user_id", "session_id", "series", "stages_at", "stages_length", "delivery_id", "received_at", nth
  )
  cross join (select $90::smallint[] as "stages") as w
  where (
    (r."user_id", r."session_id", r.delivery_id) in (
      select o."user_id", o."session_id", o.delivery_id from "written sleep_sessions" as o where o.is_new
    )
  ) is true
  order by r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C"
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true
union all
select o.delivery_id, 'sleep_sessions', jsonb_build_object('user_id', o."user_id", 'session_id', o."session_id")
from "written sleep_sessions" as o
where not o.is_new
union all
select o.delivery_id, 'scores', jsonb_build_object('profile_id', o."profile_id", 'id', o."id")
from "written scores" as o
where not o.is_new;

-- insertGroup(data_logs), by the previous primary key: src/db/sql/insert-group.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_start integer[], $16 body_size integer[], $17 source text[],
--   $18 headers text[], $19 received_at timestamp with time zone[], $20 last_received_at timestamp with time zone[],
--   $21 times_received integer[], $22 normaliser_version integer[], $23 first_day date[], $24 last_day date[],
--   $25 subject text[], $26 group_id uuid, $27 group_bytes bytea, $28 profile_id text[], $29 id text[],
--   $30 account_id text[], $31 external_id text[], $32 log_type text[], $33 data_type text[],
--   $34 received_at_utc timestamp with time zone[], $35 parent_id text[], $36 value numeric[], $37 unit text[],
--   $38 source text[], $39 recording_method text[], $40 device_type text[],
--   $41 start_date_time timestamp with time zone[], $42 end_date_time timestamp with time zone[],
--   $43 utc_offset_minutes smallint[], $44 local_date date[], $45 end_utc_offset_minutes smallint[],
--   $46 additional_properties text[], $47 delivery_id uuid[], $48 received_at timestamp with time zone[]
with new_deliveries as (
  insert into "deliveries" (
    "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem",
    "body", "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at",
    "times_received", "normaliser_version", "first_day", "last_day"
  )
  select
    r."owner", r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"),
    r."delivery_id", r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
    substring(w."body" from r."body_at" for r."body_length"), case when r.body_start is not null then $26::uuid end,
    r."body_start", r."body_size", r."source", r."headers"::jsonb, r."received_at", r."last_received_at",
    r."times_received", r."normaliser_version", r."first_day", r."last_day"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::text[], $18::text[],
    $19::timestamp with time zone[], $20::timestamp with time zone[], $21::integer[], $22::integer[], $23::date[],
    $24::date[], $25::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "body_at", "body_length", "body_start", "body_size", "source", "headers", "received_at",
    "last_received_at", "times_received", "normaliser_version", "first_day", "last_day", "subject", nth
  )
  cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by
    r."owner" collate "C", r."vendor" collate "C",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  on conflict ("owner", "vendor", "body_digest") do nothing
  returning delivery_id, body_start
), new_bodies as (
  insert into "body_groups" (group_id, bytes)
  select
    $26::uuid,
    case when count(*) = (select count(s) from unnest($15::integer[]) as s) then $27::bytea else (
      select string_agg(
        case when (r.delivery_id in (select n.delivery_id from new_deliveries as n)) then substring(
          $27::bytea from r.body_start for r.body_size
        ) else decode(repeat('00', r.body_size), 'hex') end,
        ''::bytea
        order by r.body_start
      )
      from unnest($6::uuid[], $15::integer[], $16::integer[]) as r(delivery_id, body_start, body_size)
      where r.body_start is not null
    ) end
  from new_deliveries as n
  where n.body_start is not null having count(*) > 0
), new_owners as (
  insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
  select distinct on (r.owner collate "C", r.vendor collate "C")
    r.owner, r.vendor, coalesce(r.subject, ''),
    coalesce(
      (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
      nullif(r.subject, ''), r.owner
    ),
    r.received_at
  from unnest($6::uuid[], $1::text[], $2::text[], $25::text[], $10::text[], $19::timestamp with time zone[]) as r(
    "delivery_id", "owner", "vendor", "subject", "outcome", "received_at"
  )
  where r.outcome = 'stored'
    and r.owner <> ''
    and (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
    and not (
      select true
      from "owners" as o
      where o.owner = r.owner
        and o.vendor = r.vendor
        and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
    ) is not null
  order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
  on conflict (owner, vendor) do update
  set
    user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
    former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
      o.former_persons, o.person_id
    ) end,
    change_position = (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
    )
  where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)
), "written data_logs" as (
  insert into "data_logs" as t (
    "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
    "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
    "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at"
  )
  select distinct on (r."profile_id" collate "C", r."id" collate "C")
    r."profile_id", r."id", r."account_id", r."external_id", r."log_type", r."data_type", r."received_at_utc",
    r."parent_id", r."value", r."unit", r."source", r."recording_method", r."device_type", r."start_date_time",
    r."end_date_time", r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes",
    r."additional_properties"::jsonb, r."delivery_id", r."received_at"
  from unnest(
    $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::timestamp with time zone[],
    $35::text[], $36::numeric[], $37::text[], $38::text[], $39::text[], $40::text[], $41::timestamp with time zone[],
    $42::timestamp with time zone[], $43::smallint[], $44::date[], $45::smallint[], $46::text[], $47::uuid[],
    $48::timestamp with time zone[]
  ) with ordinality as r(
    "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
    "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
    "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at", nth
  )
  where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is true
  order by
    r."profile_id" collate "C", r."id" collate "C",
    (coalesce("r"."received_at_utc", '-infinity'::timestamptz), "r".received_at, "r".delivery_id) desc, r.nth desc
  on conflict ("profile_id", "id") do update
  set
    "account_id" = excluded."account_id", "external_id" = excluded."external_id", "log_type" = excluded."log_type",
    "data_type" = excluded."data_type", "received_at_utc" = excluded."received_at_utc",
    "parent_id" = excluded."parent_id", "value" = excluded."value", "unit" = excluded."unit",
    "source" = excluded."source", "recording_method" = excluded."recording_method",
    "device_type" = excluded."device_type", "start_date_time" = excluded."start_date_time",
    "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
    "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
    "additional_properties" = excluded."additional_properties", "delivery_id" = excluded."delivery_id",
    "received_at" = excluded."received_at"
  where (coalesce("t"."received_at_utc", '-infinity'::timestamptz), "t".received_at, "t".delivery_id) <= (
    coalesce("excluded"."received_at_utc", '-infinity'::timestamptz), "excluded".received_at, "excluded".delivery_id
  )
  returning t."profile_id", t."data_type", t."id", t.delivery_id, t.xmax = 0 as is_new
)
select r.delivery_id, null as table, null::jsonb as key
from unnest($6::uuid[]) as r(delivery_id)
where (r.delivery_id in (select n.delivery_id from new_deliveries as n)) is not true;

-- =====================================================================================================================
-- Deliveries that the ledger has already, and deliveries that are too large for one statement
-- (src/db/write/writer.ts, src/db/write/plan.ts).

-- countDuplicates: src/db/sql/ledger-statements.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 source text[], $13 headers text[],
--   $14 received_at timestamp with time zone[], $15 last_received_at timestamp with time zone[],
--   $16 times_received integer[], $17 normaliser_version integer[], $18 subject text[]
with held as (
  select
    "d"."owner", "d"."vendor", "d"."body_digest", d.outcome as outcome_before, d.event as event_before,
    d.outcome <> 'stored' or (
      d.outcome = 'stored'
        and r.outcome = 'stored'
        and d.event is distinct from r.event
        and r.last_received_at >= d.last_received_at
    ) as is_judged_again,
    r.delivery_id as arrival_id, greatest(d.last_received_at, r.last_received_at) as last_received_at,
    d.times_received + case when d.delivery_id = r.delivery_id then 0 else r.times_received end as times_received,
    r."event" as "new event", r."user_id" as "new user_id", r."authenticated_by" as "new authenticated_by",
    r."outcome" as "new outcome", r."problem"::jsonb as "new problem", r."headers"::jsonb as "new headers",
    r."normaliser_version" as "new normaliser_version"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::text[], $14::timestamp with time zone[], $15::timestamp with time zone[],
    $16::integer[], $17::integer[], $18::text[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "source", "headers", "received_at", "last_received_at", "times_received",
    "normaliser_version", "subject", nth
  )
  cross join (select $3::bytea as "body_digest") as w
  join "deliveries" as d on d."owner" = r."owner"
    and d."vendor" = r."vendor"
    and d."body_digest" = substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  where (
    case when (select exists (select from erasures)) then coalesce(
      (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
        )
          and e.lifted_at is null
      ),
      case when r.subject <> r.owner then (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
        )
          and e.lifted_at is null
      ) end
    ) end
  ) is null
  order by "d"."owner" collate "C", "d"."vendor" collate "C", "d"."body_digest"
  for update of d
)
update "deliveries" as d
set
  last_received_at = held.last_received_at, times_received = held.times_received,
  "event" = case when held.is_judged_again then held."new event" else d."event" end,
  "user_id" = case when held.is_judged_again then held."new user_id" else d."user_id" end,
  "authenticated_by" = case when held.is_judged_again then held."new authenticated_by" else d."authenticated_by" end,
  "outcome" = case when held.is_judged_again then held."new outcome" else d."outcome" end,
  "problem" = case when held.is_judged_again then held."new problem" else d."problem" end,
  "headers" = case when held.is_judged_again then held."new headers" else d."headers" end,
  "normaliser_version" = case when held.is_judged_again then held."new normaliser_version" else d."normaliser_version" end,
  change_position = case when held.is_judged_again and held."new outcome" = 'stored' then (
    select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) + 1 from "change_feed" as f where f.id = 1
  ) else d.change_position end,
  "first_day" = case when held.is_judged_again then null else d."first_day" end,
  "last_day" = case when held.is_judged_again then null else d."last_day" end
from held
where d."owner" = held."owner" and d."vendor" = held."vendor" and d."body_digest" = held."body_digest"
returning
  held.arrival_id, d.owner, d.delivery_id, d.received_at::text, d.source, held.outcome_before, held.event_before,
  held.is_judged_again;

-- fencedDeliveries: src/db/sql/fence.ts
--   $1 delivery_id uuid[], $2 vendor text[], $3 owner text[], $4 subject text[]
select r.delivery_id
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as r(delivery_id, vendor, owner, subject)
where (
  case when (select exists (select from erasures)) then coalesce(
    (
      select true
      from erasures as e
      where e.person = sha256(
        (select k.key from erasure_key as k) || convert_to(r.vendor || ' owner ' || r.owner, 'UTF8')
      )
        and e.lifted_at is null
    ),
    case when r.subject <> r.owner then (
      select true
      from erasures as e
      where e.person = sha256(
        (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || r.subject, 'UTF8')
      )
        and e.lifted_at is null
    ) end
  ) end
) is not null;

-- recordOwners: src/db/sql/owner-statements.ts
--   $1 delivery_id uuid[], $2 owner text[], $3 vendor text[], $4 subject text[], $5 outcome text[],
--   $6 received_at timestamp with time zone[]
insert into "owners" as o (owner, vendor, user_id, person_id, first_received_at)
select distinct on (r.owner collate "C", r.vendor collate "C")
  r.owner, r.vendor, coalesce(r.subject, ''),
  coalesce(
    (select l.person_id from "person_links" as l where l.owner = r.owner and l.vendor = r.vendor),
    nullif(r.subject, ''), r.owner
  ),
  r.received_at
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamp with time zone[]) with ordinality as r(
  "delivery_id", "owner", "vendor", "subject", "outcome", "received_at", nth
)
where r.outcome = 'stored'
  and r.owner <> ''
  and true
  and not (
    select true
    from "owners" as o
    where o.owner = r.owner
      and o.vendor = r.vendor
      and (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at)
  ) is not null
order by r.owner collate "C", r.vendor collate "C", (coalesce(r.subject, '') = ''), r.received_at
on conflict (owner, vendor) do update
set
  user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at,
  former_persons = case when o.person_id = excluded.person_id then o.former_persons else array_append(
    o.former_persons, o.person_id
  ) end,
  change_position = (
    select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) from change_feed as f where f.id = 1
  )
where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at);

-- upsert(sleep_sessions): src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 state text[], $4 timezone text[], $5 created_timezone text[],
--   $6 start_time timestamp with time zone[], $7 end_time timestamp with time zone[],
--   $8 unexpected_end_time timestamp with time zone[], $9 utc_offset_minutes smallint[], $10 local_date date[],
--   $11 peculiarities text[], $12 validity text[], $13 missing_data_ratio numeric[], $14 callback_version text[],
--   $15 delivery_id uuid[], $16 received_at timestamp with time zone[], $17 sleep_date date[]
insert into "sleep_sessions" as t (
  "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
  "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
  "delivery_id", "received_at", "sleep_date"
)
select distinct on (r."user_id" collate "C", r."session_id" collate "C")
  r."user_id", r."session_id", r."state", r."timezone", r."created_timezone", r."start_time", r."end_time",
  r."unexpected_end_time", r."utc_offset_minutes", r."local_date", r."peculiarities"::text[], r."validity",
  r."missing_data_ratio", r."callback_version", r."delivery_id", r."received_at", r."sleep_date"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamp with time zone[],
  $7::timestamp with time zone[], $8::timestamp with time zone[], $9::smallint[], $10::date[], $11::text[], $12::text[],
  $13::numeric[], $14::text[], $15::uuid[], $16::timestamp with time zone[], $17::date[]
) with ordinality as r(
  "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
  "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
  "delivery_id", "received_at", "sleep_date", nth
)
order by r."user_id" collate "C", r."session_id" collate "C", ("r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("user_id", "session_id") do update
set
  "state" = excluded."state", "timezone" = excluded."timezone", "created_timezone" = excluded."created_timezone",
  "start_time" = excluded."start_time", "end_time" = excluded."end_time",
  "unexpected_end_time" = excluded."unexpected_end_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "peculiarities" = excluded."peculiarities", "validity" = excluded."validity",
  "missing_data_ratio" = excluded."missing_data_ratio", "callback_version" = excluded."callback_version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "sleep_date" = excluded."sleep_date",
  "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or t.sleep_date is not null and t.sleep_date is distinct from excluded.sleep_date then true end
where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
returning t."user_id", t."session_id", t.delivery_id, t.xmax = 0 as is_new;

-- partStatements(sleep_stats).clear: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[]
delete from "sleep_stats" as p
using unnest($1::text[], $2::text[]) with ordinality as r("user_id", "session_id", nth)
where p."user_id" = r."user_id" and p."session_id" = r."session_id";

-- partStatements(sleep_stats).insert: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 sleep_time timestamp with time zone[],
--   $4 wake_time timestamp with time zone[], $5 sleep_index integer[], $6 sleep_latency integer[],
--   $7 wakeup_latency integer[], $8 light_latency integer[], $9 deep_latency integer[], $10 rem_latency integer[],
--   $11 time_in_bed integer[], $12 time_in_sleep_period integer[], $13 time_in_sleep integer[],
--   $14 time_in_wake integer[], $15 time_in_light integer[], $16 time_in_deep integer[], $17 time_in_rem integer[],
--   $18 time_in_stable_breath integer[], $19 time_in_unstable_breath integer[], $20 time_in_snoring integer[],
--   $21 time_in_no_snoring integer[], $22 sleep_efficiency numeric[], $23 sleep_ratio numeric[],
--   $24 wake_ratio numeric[], $25 light_ratio numeric[], $26 deep_ratio numeric[], $27 rem_ratio numeric[],
--   $28 stable_breath_ratio numeric[], $29 unstable_breath_ratio numeric[], $30 snoring_ratio numeric[],
--   $31 no_snoring_ratio numeric[], $32 breathing_index numeric[], $33 breathing_pattern text[],
--   $34 waso_count integer[], $35 longest_waso integer[], $36 sleep_cycle_count integer[], $37 sleep_cycle numeric[],
--   $38 sleep_cycle_time text[], $39 unstable_breath_count integer[], $40 snoring_count integer[],
--   $41 delivery_id uuid[], $42 received_at timestamp with time zone[]
insert into "sleep_stats" (
  "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency", "light_latency",
  "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep", "time_in_wake",
  "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath", "time_in_snoring",
  "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio", "deep_ratio", "rem_ratio",
  "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio", "breathing_index",
  "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle", "sleep_cycle_time",
  "unstable_breath_count", "snoring_count", "delivery_id", "received_at"
)
select
  r."user_id", r."session_id", r."sleep_time", r."wake_time", r."sleep_index", r."sleep_latency", r."wakeup_latency",
  r."light_latency", r."deep_latency", r."rem_latency", r."time_in_bed", r."time_in_sleep_period", r."time_in_sleep",
  r."time_in_wake", r."time_in_light", r."time_in_deep", r."time_in_rem", r."time_in_stable_breath",
  r."time_in_unstable_breath", r."time_in_snoring", r."time_in_no_snoring", r."sleep_efficiency", r."sleep_ratio",
  r."wake_ratio", r."light_ratio", r."deep_ratio", r."rem_ratio", r."stable_breath_ratio", r."unstable_breath_ratio",
  r."snoring_ratio", r."no_snoring_ratio", r."breathing_index", r."breathing_pattern", r."waso_count", r."longest_waso",
  r."sleep_cycle_count", r."sleep_cycle", r."sleep_cycle_time"::timestamp with time zone[], r."unstable_breath_count",
  r."snoring_count", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::timestamp with time zone[], $4::timestamp with time zone[], $5::integer[], $6::integer[],
  $7::integer[], $8::integer[], $9::integer[], $10::integer[], $11::integer[], $12::integer[], $13::integer[],
  $14::integer[], $15::integer[], $16::integer[], $17::integer[], $18::integer[], $19::integer[], $20::integer[],
  $21::integer[], $22::numeric[], $23::numeric[], $24::numeric[], $25::numeric[], $26::numeric[], $27::numeric[],
  $28::numeric[], $29::numeric[], $30::numeric[], $31::numeric[], $32::numeric[], $33::text[], $34::integer[],
  $35::integer[], $36::integer[], $37::numeric[], $38::text[], $39::integer[], $40::integer[], $41::uuid[],
  $42::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency", "light_latency",
  "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep", "time_in_wake",
  "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath", "time_in_snoring",
  "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio", "deep_ratio", "rem_ratio",
  "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio", "breathing_index",
  "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle", "sleep_cycle_time",
  "unstable_breath_count", "snoring_count", "delivery_id", "received_at", nth
)
order by r."user_id" collate "C", r."session_id" collate "C";

-- partStatements(sleep_stage_series).clear: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[]
delete from "sleep_stage_series" as p
using unnest($1::text[], $2::text[]) with ordinality as r("user_id", "session_id", nth)
where p."user_id" = r."user_id" and p."session_id" = r."session_id";

-- partStatements(sleep_stage_series).insert: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 series text[], $4 stages smallint[], $5 stages_at integer[],
--   $6 stages_length integer[], $7 delivery_id uuid[], $8 received_at timestamp with time zone[]
insert into "sleep_stage_series" ("user_id", "session_id", "series", "stages", "delivery_id", "received_at")
select
  r."user_id", r."session_id", r."series", w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1],
  r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $5::integer[], $6::integer[], $7::uuid[], $8::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "series", "stages_at", "stages_length", "delivery_id", "received_at", nth
)
cross join (select $4::smallint[] as "stages") as w
order by r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C";

-- deleteByDelivery(sleep_sessions): src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
with gone as (
  select "t"."user_id", "t"."session_id"
  from unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
  join "sleep_sessions" as t on t."user_id" = r.owner and t.delivery_id = r.delivery_id
  order by "t"."user_id" collate "C", "t"."session_id" collate "C"
  for update of t
)
delete from "sleep_sessions" as t
using gone
where t."user_id" = gone."user_id" and t."session_id" = gone."session_id";

-- upsert(scores): src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 type text[], $6 state text[],
--   $7 score numeric[], $8 data_sources text[], $9 score_date_time timestamp with time zone[],
--   $10 utc_offset_minutes smallint[], $11 local_date date[], $12 created_at_utc timestamp with time zone[],
--   $13 version numeric[], $14 delivery_id uuid[], $15 received_at timestamp with time zone[]
insert into "scores" as t (
  "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
  "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."type", r."state", r."score", r."data_sources"::text[],
  r."score_date_time", r."utc_offset_minutes", r."local_date", r."created_at_utc", r."version", r."delivery_id",
  r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[],
  $9::timestamp with time zone[], $10::smallint[], $11::date[], $12::timestamp with time zone[], $13::numeric[],
  $14::uuid[], $15::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
  "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "type" = excluded."type",
  "state" = excluded."state", "score" = excluded."score", "data_sources" = excluded."data_sources",
  "score_date_time" = excluded."score_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or t.local_date is not null and t.local_date is distinct from excluded.local_date then true end
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- partStatements(score_factors).clear: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[]
delete from "score_factors" as p
using unnest($1::text[], $2::text[]) with ordinality as r("profile_id", "id", nth)
where p."profile_id" = r."profile_id" and p."score_id" = r."id";

-- partStatements(score_factors).insert: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 score_id text[], $3 position integer[], $4 id text[], $5 name text[], $6 value numeric[],
--   $7 goal numeric[], $8 score numeric[], $9 state text[], $10 unit text[], $11 account_id text[],
--   $12 external_id text[], $13 delivery_id uuid[], $14 received_at timestamp with time zone[]
insert into "score_factors" (
  "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
  "external_id", "delivery_id", "received_at"
)
select
  r."profile_id", r."score_id", r."position", r."id", r."name", r."value", r."goal", r."score", r."state", r."unit",
  r."account_id", r."external_id", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[],
  $9::text[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
  "external_id", "delivery_id", "received_at", nth
)
order by r."profile_id" collate "C", r."score_id" collate "C", r."position";

-- deleteByDelivery(scores): src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
with gone as (
  select "t"."profile_id", "t"."id"
  from unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
  join "scores" as t on t."profile_id" = r.owner and t.delivery_id = r.delivery_id
  order by "t"."profile_id" collate "C", "t"."id" collate "C"
  for update of t
)
delete from "scores" as t
using gone
where t."profile_id" = gone."profile_id" and t."id" = gone."id";

-- upsert(sleep_stage_windows): src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 series text[], $4 inference_seq_num integer[], $5 seq_num integer[],
--   $6 stages smallint[], $7 stages_at integer[], $8 stages_length integer[], $9 callback_version text[],
--   $10 delivery_id uuid[], $11 received_at timestamp with time zone[]
insert into "sleep_stage_windows" as t (
  "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages", "callback_version", "delivery_id",
  "received_at"
)
select distinct on (r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num")
  r."user_id", r."session_id", r."series", r."inference_seq_num", r."seq_num",
  w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1], r."callback_version", r."delivery_id",
  r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $7::integer[], $8::integer[], $9::text[],
  $10::uuid[], $11::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages_at", "stages_length", "callback_version",
  "delivery_id", "received_at", nth
)
cross join (select $6::smallint[] as "stages") as w
order by
  r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num",
  ("r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("user_id", "session_id", "series", "inference_seq_num") do update
set
  "seq_num" = excluded."seq_num", "stages" = excluded."stages", "callback_version" = excluded."callback_version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at"
where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
returning t."user_id", t."session_id", t."series", t."inference_seq_num", t.delivery_id, t.xmax = 0 as is_new;

-- deleteByDelivery(sleep_stage_windows): src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
with gone as (
  select "t"."user_id", "t"."session_id", "t"."series", "t"."inference_seq_num"
  from unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
  join "sleep_stage_windows" as t on t."user_id" = r.owner and t.delivery_id = r.delivery_id
  order by "t"."user_id" collate "C", "t"."session_id" collate "C", "t"."series" collate "C", "t"."inference_seq_num"
  for update of t
)
delete from "sleep_stage_windows" as t
using gone
where t."user_id" = gone."user_id"
  and t."session_id" = gone."session_id"
  and t."series" = gone."series"
  and t."inference_seq_num" = gone."inference_seq_num";

-- upsert(biomarkers): src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 category text[],
--   $6 type text[], $7 periodicity text[], $8 aggregation text[], $9 value text[], $10 value_number numeric[],
--   $11 unit text[], $12 value_type text[], $13 start_date_time timestamp with time zone[],
--   $14 end_date_time timestamp with time zone[], $15 utc_offset_minutes smallint[], $16 local_date date[],
--   $17 end_utc_offset_minutes smallint[], $18 created_at_utc timestamp with time zone[], $19 version numeric[],
--   $20 delivery_id uuid[], $21 received_at timestamp with time zone[]
insert into "biomarkers" as t (
  "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
  "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
  "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."category", r."type", r."periodicity", r."aggregation",
  r."value", r."value_number", r."unit", r."value_type", r."start_date_time", r."end_date_time", r."utc_offset_minutes",
  r."local_date", r."end_utc_offset_minutes", r."created_at_utc", r."version", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::numeric[], $11::text[], $12::text[], $13::timestamp with time zone[], $14::timestamp with time zone[],
  $15::smallint[], $16::date[], $17::smallint[], $18::timestamp with time zone[], $19::numeric[], $20::uuid[],
  $21::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
  "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
  "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "category" = excluded."category",
  "type" = excluded."type", "periodicity" = excluded."periodicity", "aggregation" = excluded."aggregation",
  "value" = excluded."value", "value_number" = excluded."value_number", "unit" = excluded."unit",
  "value_type" = excluded."value_type", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "created_at_utc" = excluded."created_at_utc", "version" = excluded."version", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or case when t.periodicity = 'daily' then (
    (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
      t.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end is not null and case when t.periodicity = 'daily' then (
    (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
      t.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end is distinct from case when excluded.periodicity = 'daily' then (
    (excluded.start_date_time at time zone 'UTC') + coalesce(excluded.end_date_time - excluded.start_date_time, '0') / 2 + coalesce(
      excluded.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end then true end
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- deleteByDelivery(biomarkers): src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
with gone as (
  select "t"."profile_id", "t"."id"
  from unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
  join "biomarkers" as t on t."profile_id" = r.owner and t.delivery_id = r.delivery_id
  order by "t"."profile_id" collate "C", "t"."id" collate "C"
  for update of t
)
delete from "biomarkers" as t
using gone
where t."profile_id" = gone."profile_id" and t."id" = gone."id";

-- upsert(archetypes): src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 name text[], $6 value text[],
--   $7 data_type text[], $8 periodicity text[], $9 ordinality integer[],
--   $10 start_date_time timestamp with time zone[], $11 end_date_time timestamp with time zone[],
--   $12 utc_offset_minutes smallint[], $13 local_date date[], $14 end_utc_offset_minutes smallint[],
--   $15 created_at_utc timestamp with time zone[], $16 version numeric[], $17 delivery_id uuid[],
--   $18 received_at timestamp with time zone[]
insert into "archetypes" as t (
  "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
  "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
  "version", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."name", r."value", r."data_type", r."periodicity",
  r."ordinality", r."start_date_time", r."end_date_time", r."utc_offset_minutes", r."local_date",
  r."end_utc_offset_minutes", r."created_at_utc", r."version", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::integer[],
  $10::timestamp with time zone[], $11::timestamp with time zone[], $12::smallint[], $13::date[], $14::smallint[],
  $15::timestamp with time zone[], $16::numeric[], $17::uuid[], $18::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
  "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
  "version", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "name" = excluded."name",
  "value" = excluded."value", "data_type" = excluded."data_type", "periodicity" = excluded."periodicity",
  "ordinality" = excluded."ordinality", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "created_at_utc" = excluded."created_at_utc", "version" = excluded."version", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at"
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- deleteByDelivery(archetypes): src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
with gone as (
  select "t"."profile_id", "t"."id"
  from unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
  join "archetypes" as t on t."profile_id" = r.owner and t.delivery_id = r.delivery_id
  order by "t"."profile_id" collate "C", "t"."id" collate "C"
  for update of t
)
delete from "archetypes" as t
using gone
where t."profile_id" = gone."profile_id" and t."id" = gone."id";

-- upsert(data_logs): src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 log_type text[],
--   $6 data_type text[], $7 received_at_utc timestamp with time zone[], $8 parent_id text[], $9 value numeric[],
--   $10 unit text[], $11 source text[], $12 recording_method text[], $13 device_type text[],
--   $14 start_date_time timestamp with time zone[], $15 end_date_time timestamp with time zone[],
--   $16 utc_offset_minutes smallint[], $17 local_date date[], $18 end_utc_offset_minutes smallint[],
--   $19 additional_properties text[], $20 delivery_id uuid[], $21 received_at timestamp with time zone[]
insert into "data_logs" as t (
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."data_type" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."log_type", r."data_type", r."received_at_utc",
  r."parent_id", r."value", r."unit", r."source", r."recording_method", r."device_type", r."start_date_time",
  r."end_date_time", r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes",
  r."additional_properties"::jsonb, r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamp with time zone[], $8::text[],
  $9::numeric[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamp with time zone[],
  $15::timestamp with time zone[], $16::smallint[], $17::date[], $18::smallint[], $19::text[], $20::uuid[],
  $21::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."data_type" collate "C", r."id" collate "C",
  (coalesce("r"."received_at_utc", '-infinity'::timestamptz), "r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("profile_id", "data_type", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "log_type" = excluded."log_type",
  "received_at_utc" = excluded."received_at_utc", "parent_id" = excluded."parent_id", "value" = excluded."value",
  "unit" = excluded."unit", "source" = excluded."source", "recording_method" = excluded."recording_method",
  "device_type" = excluded."device_type", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "additional_properties" = excluded."additional_properties", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at"
where (coalesce("t"."received_at_utc", '-infinity'::timestamptz), "t".received_at, "t".delivery_id) <= (
  coalesce("excluded"."received_at_utc", '-infinity'::timestamptz), "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."data_type", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- deleteByDelivery(data_logs): src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
with gone as (
  select "t"."profile_id", "t"."data_type", "t"."id"
  from unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
  join "data_logs" as t on t."profile_id" = r.owner and t.delivery_id = r.delivery_id
  order by "t"."profile_id" collate "C", "t"."data_type" collate "C", "t"."id" collate "C"
  for update of t
)
delete from "data_logs" as t
using gone
where t."profile_id" = gone."profile_id" and t."data_type" = gone."data_type" and t."id" = gone."id";

-- upsert(data_logs), by the previous primary key: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 log_type text[],
--   $6 data_type text[], $7 received_at_utc timestamp with time zone[], $8 parent_id text[], $9 value numeric[],
--   $10 unit text[], $11 source text[], $12 recording_method text[], $13 device_type text[],
--   $14 start_date_time timestamp with time zone[], $15 end_date_time timestamp with time zone[],
--   $16 utc_offset_minutes smallint[], $17 local_date date[], $18 end_utc_offset_minutes smallint[],
--   $19 additional_properties text[], $20 delivery_id uuid[], $21 received_at timestamp with time zone[]
insert into "data_logs" as t (
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."log_type", r."data_type", r."received_at_utc",
  r."parent_id", r."value", r."unit", r."source", r."recording_method", r."device_type", r."start_date_time",
  r."end_date_time", r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes",
  r."additional_properties"::jsonb, r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamp with time zone[], $8::text[],
  $9::numeric[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamp with time zone[],
  $15::timestamp with time zone[], $16::smallint[], $17::date[], $18::smallint[], $19::text[], $20::uuid[],
  $21::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."id" collate "C",
  (coalesce("r"."received_at_utc", '-infinity'::timestamptz), "r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "log_type" = excluded."log_type",
  "data_type" = excluded."data_type", "received_at_utc" = excluded."received_at_utc",
  "parent_id" = excluded."parent_id", "value" = excluded."value", "unit" = excluded."unit",
  "source" = excluded."source", "recording_method" = excluded."recording_method",
  "device_type" = excluded."device_type", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "additional_properties" = excluded."additional_properties", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at"
where (coalesce("t"."received_at_utc", '-infinity'::timestamptz), "t".received_at, "t".delivery_id) <= (
  coalesce("excluded"."received_at_utc", '-infinity'::timestamptz), "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."data_type", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- =====================================================================================================================
-- Replay (src/replay/rewriter.ts, src/replay/changed-rows.ts, src/replay/dry-run-writer.ts, src/replay/rebuild.ts)

-- lockDeliveries: src/db/sql/ledger-statements.ts
--   $1 delivery_id uuid[]
select d.delivery_id, d.owner, d.received_at::text, d.source, d.body_group, d.body_start, d.body_size
from "deliveries" as d
where d.delivery_id = any($1::uuid[])
order by "d"."owner" collate "C", "d"."vendor" collate "C", "d"."body_digest"
for update;

-- updateVerdicts: src/db/sql/ledger-statements.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 headers text[],
--   $13 normaliser_version integer[]
update "deliveries" as d
set
  "event" = r."event", "user_id" = r."user_id", "authenticated_by" = r."authenticated_by", "outcome" = r."outcome",
  "problem" = r."problem", "headers" = r."headers", "normaliser_version" = r."normaliser_version",
  change_position = case when (d.outcome = 'stored' or r.outcome = 'stored') and (d.outcome, d.event) is distinct from (
    r.outcome, r.event
  ) then (select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) + 1 from "change_feed" as f where f.id = 1) else d.change_position end,
  "first_day" = case when true then null else d."first_day" end,
  "last_day" = case when true then null else d."last_day" end
from (
  select
    r."owner" as "owner", r."vendor" as "vendor",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length") as "body_digest",
    r."delivery_id" as "delivery_id", r."event" as "event", r."user_id" as "user_id",
    r."authenticated_by" as "authenticated_by", r."outcome" as "outcome", r."problem"::jsonb as "problem",
    r."headers"::jsonb as "headers", r."normaliser_version" as "normaliser_version"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::integer[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "headers", "normaliser_version", nth
  )
  cross join (select $3::bytea as "body_digest") as w
) as r
where d."owner" = r."owner"
  and d."vendor" = r."vendor"
  and d."body_digest" = r."body_digest"
  and (
    "d"."event", "d"."user_id", "d"."authenticated_by", "d"."outcome", "d"."problem", "d"."headers",
    "d"."normaliser_version"
  ) is distinct from (
    "r"."event", "r"."user_id", "r"."authenticated_by", "r"."outcome", "r"."problem", "r"."headers",
    "r"."normaliser_version"
  );

-- moveDeliveries: src/db/sql/ledger-statements.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 headers text[],
--   $13 normaliser_version integer[], $14 body bytea, $15 body_at integer[], $16 body_length integer[]
with gone as (
  delete from "deliveries" as d
  using (
    select
      r."owner" as "owner", r."vendor" as "vendor",
      substring(w."body_digest" from r."body_digest_at" for r."body_digest_length") as "body_digest",
      r."delivery_id" as "delivery_id", r."event" as "event", r."user_id" as "user_id",
      r."authenticated_by" as "authenticated_by", r."outcome" as "outcome", r."problem"::jsonb as "problem",
      r."headers"::jsonb as "headers", r."normaliser_version" as "normaliser_version",
      substring(w."body" from r."body_at" for r."body_length") as "body"
    from unnest(
      $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
      $11::text[], $12::text[], $13::integer[], $15::integer[], $16::integer[]
    ) with ordinality as r(
      "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
      "outcome", "problem", "headers", "normaliser_version", "body_at", "body_length", nth
    )
    cross join (select $3::bytea as "body_digest", $14::bytea as "body") as w
  ) as r
  where d.delivery_id = r.delivery_id and d.owner <> r.owner
  returning
    "r"."owner" as "owner", "d"."vendor" as "vendor", "d"."body_digest" as "body_digest",
    "d"."delivery_id" as "delivery_id", "r"."event" as "event", "r"."user_id" as "user_id",
    "r"."authenticated_by" as "authenticated_by", "r"."outcome" as "outcome", "r"."problem" as "problem",
    "r"."body" as "body", null::uuid as "body_group", null::integer as "body_start", "d"."body_size" as "body_size",
    "d"."source" as "source", "r"."headers" as "headers", "d"."received_at" as "received_at",
    "d"."last_received_at" as "last_received_at", "d"."times_received" as "times_received",
    "r"."normaliser_version" as "normaliser_version", null::date as "first_day", null::date as "last_day",
    case when (d.outcome = 'stored' or r.outcome = 'stored') then (
      select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) + 1 from "change_feed" as f where f.id = 1
    ) else d.change_position end as change_position
)
insert into "deliveries" as d (
  "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem", "body",
  "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at", "times_received",
  "normaliser_version", "first_day", "last_day", change_position
)
select
  "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem", "body",
  "body_group", "body_start", "body_size", "source", "headers", "received_at", "last_received_at", "times_received",
  "normaliser_version", "first_day", "last_day", change_position
from gone
where (
  not (select exists (select from erasures))
    or (
      select true
      from erasures as e
      where e.person = sha256(
        (select k.key from erasure_key as k) || convert_to(gone.vendor || ' owner ' || gone.owner, 'UTF8')
      )
        and e.lifted_at is null
    ) is null
)
order by "gone"."owner" collate "C", "gone"."vendor" collate "C", "gone"."body_digest"
on conflict ("owner", "vendor", "body_digest") do update
set
  times_received = d.times_received + excluded.times_received,
  last_received_at = greatest(d.last_received_at, excluded.last_received_at)
returning d.delivery_id;

-- present: src/db/sql/ledger-statements.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 headers text[],
--   $13 normaliser_version integer[]
select r.delivery_id, d.delivery_id as held_as
from (
  select
    r."owner" as "owner", r."vendor" as "vendor",
    substring(w."body_digest" from r."body_digest_at" for r."body_digest_length") as "body_digest",
    r."delivery_id" as "delivery_id", r."event" as "event", r."user_id" as "user_id",
    r."authenticated_by" as "authenticated_by", r."outcome" as "outcome", r."problem"::jsonb as "problem",
    r."headers"::jsonb as "headers", r."normaliser_version" as "normaliser_version"
  from unnest(
    $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::integer[]
  ) with ordinality as r(
    "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
    "outcome", "problem", "headers", "normaliser_version", nth
  )
  cross join (select $3::bytea as "body_digest") as w
) as r
left join "deliveries" as d on d."owner" = r."owner" and d."vendor" = r."vendor" and d."body_digest" = r."body_digest";

-- upsert(sleep_sessions), only differing rows: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 state text[], $4 timezone text[], $5 created_timezone text[],
--   $6 start_time timestamp with time zone[], $7 end_time timestamp with time zone[],
--   $8 unexpected_end_time timestamp with time zone[], $9 utc_offset_minutes smallint[], $10 local_date date[],
--   $11 peculiarities text[], $12 validity text[], $13 missing_data_ratio numeric[], $14 callback_version text[],
--   $15 delivery_id uuid[], $16 received_at timestamp with time zone[], $17 sleep_date date[]
insert into "sleep_sessions" as t (
  "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
  "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
  "delivery_id", "received_at", "sleep_date"
)
select distinct on (r."user_id" collate "C", r."session_id" collate "C")
  r."user_id", r."session_id", r."state", r."timezone", r."created_timezone", r."start_time", r."end_time",
  r."unexpected_end_time", r."utc_offset_minutes", r."local_date", r."peculiarities"::text[], r."validity",
  r."missing_data_ratio", r."callback_version", r."delivery_id", r."received_at", r."sleep_date"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamp with time zone[],
  $7::timestamp with time zone[], $8::timestamp with time zone[], $9::smallint[], $10::date[], $11::text[], $12::text[],
  $13::numeric[], $14::text[], $15::uuid[], $16::timestamp with time zone[], $17::date[]
) with ordinality as r(
  "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
  "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
  "delivery_id", "received_at", "sleep_date", nth
)
order by r."user_id" collate "C", r."session_id" collate "C", ("r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("user_id", "session_id") do update
set
  "state" = excluded."state", "timezone" = excluded."timezone", "created_timezone" = excluded."created_timezone",
  "start_time" = excluded."start_time", "end_time" = excluded."end_time",
  "unexpected_end_time" = excluded."unexpected_end_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "peculiarities" = excluded."peculiarities", "validity" = excluded."validity",
  "missing_data_ratio" = excluded."missing_data_ratio", "callback_version" = excluded."callback_version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "sleep_date" = excluded."sleep_date",
  "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or t.sleep_date is not null and t.sleep_date is distinct from excluded.sleep_date then true end
where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
  and (
    "t"."state", "t"."timezone", "t"."created_timezone", "t"."start_time", "t"."end_time", "t"."unexpected_end_time",
    "t"."utc_offset_minutes", "t"."local_date", "t"."peculiarities", "t"."validity", "t"."missing_data_ratio",
    "t"."callback_version", "t"."delivery_id", "t"."received_at", "t"."sleep_date", "t"."pulled_at"
  ) is distinct from (
    "excluded"."state", "excluded"."timezone", "excluded"."created_timezone", "excluded"."start_time",
    "excluded"."end_time", "excluded"."unexpected_end_time", "excluded"."utc_offset_minutes", "excluded"."local_date",
    "excluded"."peculiarities", "excluded"."validity", "excluded"."missing_data_ratio", "excluded"."callback_version",
    "excluded"."delivery_id", "excluded"."received_at", "excluded"."sleep_date", "excluded"."pulled_at"
  )
returning t."user_id", t."session_id", t.delivery_id, t.xmax = 0 as is_new;

-- upsert(scores), only differing rows: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 type text[], $6 state text[],
--   $7 score numeric[], $8 data_sources text[], $9 score_date_time timestamp with time zone[],
--   $10 utc_offset_minutes smallint[], $11 local_date date[], $12 created_at_utc timestamp with time zone[],
--   $13 version numeric[], $14 delivery_id uuid[], $15 received_at timestamp with time zone[]
insert into "scores" as t (
  "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
  "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."type", r."state", r."score", r."data_sources"::text[],
  r."score_date_time", r."utc_offset_minutes", r."local_date", r."created_at_utc", r."version", r."delivery_id",
  r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[],
  $9::timestamp with time zone[], $10::smallint[], $11::date[], $12::timestamp with time zone[], $13::numeric[],
  $14::uuid[], $15::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
  "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "type" = excluded."type",
  "state" = excluded."state", "score" = excluded."score", "data_sources" = excluded."data_sources",
  "score_date_time" = excluded."score_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or t.local_date is not null and t.local_date is distinct from excluded.local_date then true end
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
  and (
    "t"."account_id", "t"."external_id", "t"."type", "t"."state", "t"."score", "t"."data_sources",
    "t"."score_date_time", "t"."utc_offset_minutes", "t"."local_date", "t"."created_at_utc", "t"."version",
    "t"."delivery_id", "t"."received_at", "t"."pulled_at"
  ) is distinct from (
    "excluded"."account_id", "excluded"."external_id", "excluded"."type", "excluded"."state", "excluded"."score",
    "excluded"."data_sources", "excluded"."score_date_time", "excluded"."utc_offset_minutes", "excluded"."local_date",
    "excluded"."created_at_utc", "excluded"."version", "excluded"."delivery_id", "excluded"."received_at",
    "excluded"."pulled_at"
  )
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- upsert(sleep_stage_windows), only differing rows: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 series text[], $4 inference_seq_num integer[], $5 seq_num integer[],
--   $6 stages smallint[], $7 stages_at integer[], $8 stages_length integer[], $9 callback_version text[],
--   $10 delivery_id uuid[], $11 received_at timestamp with time zone[]
insert into "sleep_stage_windows" as t (
  "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages", "callback_version", "delivery_id",
  "received_at"
)
select distinct on (r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num")
  r."user_id", r."session_id", r."series", r."inference_seq_num", r."seq_num",
  w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1], r."callback_version", r."delivery_id",
  r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $7::integer[], $8::integer[], $9::text[],
  $10::uuid[], $11::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages_at", "stages_length", "callback_version",
  "delivery_id", "received_at", nth
)
cross join (select $6::smallint[] as "stages") as w
order by
  r."user_id" collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num",
  ("r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("user_id", "session_id", "series", "inference_seq_num") do update
set
  "seq_num" = excluded."seq_num", "stages" = excluded."stages", "callback_version" = excluded."callback_version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at"
where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
  and ("t"."seq_num", "t"."stages", "t"."callback_version", "t"."delivery_id", "t"."received_at") is distinct from (
    "excluded"."seq_num", "excluded"."stages", "excluded"."callback_version", "excluded"."delivery_id",
    "excluded"."received_at"
  )
returning t."user_id", t."session_id", t."series", t."inference_seq_num", t.delivery_id, t.xmax = 0 as is_new;

-- upsert(biomarkers), only differing rows: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 category text[],
--   $6 type text[], $7 periodicity text[], $8 aggregation text[], $9 value text[], $10 value_number numeric[],
--   $11 unit text[], $12 value_type text[], $13 start_date_time timestamp with time zone[],
--   $14 end_date_time timestamp with time zone[], $15 utc_offset_minutes smallint[], $16 local_date date[],
--   $17 end_utc_offset_minutes smallint[], $18 created_at_utc timestamp with time zone[], $19 version numeric[],
--   $20 delivery_id uuid[], $21 received_at timestamp with time zone[]
insert into "biomarkers" as t (
  "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
  "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
  "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."category", r."type", r."periodicity", r."aggregation",
  r."value", r."value_number", r."unit", r."value_type", r."start_date_time", r."end_date_time", r."utc_offset_minutes",
  r."local_date", r."end_utc_offset_minutes", r."created_at_utc", r."version", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::numeric[], $11::text[], $12::text[], $13::timestamp with time zone[], $14::timestamp with time zone[],
  $15::smallint[], $16::date[], $17::smallint[], $18::timestamp with time zone[], $19::numeric[], $20::uuid[],
  $21::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
  "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
  "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "category" = excluded."category",
  "type" = excluded."type", "periodicity" = excluded."periodicity", "aggregation" = excluded."aggregation",
  "value" = excluded."value", "value_number" = excluded."value_number", "unit" = excluded."unit",
  "value_type" = excluded."value_type", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "created_at_utc" = excluded."created_at_utc", "version" = excluded."version", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or case when t.periodicity = 'daily' then (
    (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
      t.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end is not null and case when t.periodicity = 'daily' then (
    (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
      t.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end is distinct from case when excluded.periodicity = 'daily' then (
    (excluded.start_date_time at time zone 'UTC') + coalesce(excluded.end_date_time - excluded.start_date_time, '0') / 2 + coalesce(
      excluded.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end then true end
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
  and (
    "t"."account_id", "t"."external_id", "t"."category", "t"."type", "t"."periodicity", "t"."aggregation", "t"."value",
    "t"."value_number", "t"."unit", "t"."value_type", "t"."start_date_time", "t"."end_date_time",
    "t"."utc_offset_minutes", "t"."local_date", "t"."end_utc_offset_minutes", "t"."created_at_utc", "t"."version",
    "t"."delivery_id", "t"."received_at", "t"."pulled_at"
  ) is distinct from (
    "excluded"."account_id", "excluded"."external_id", "excluded"."category", "excluded"."type",
    "excluded"."periodicity", "excluded"."aggregation", "excluded"."value", "excluded"."value_number",
    "excluded"."unit", "excluded"."value_type", "excluded"."start_date_time", "excluded"."end_date_time",
    "excluded"."utc_offset_minutes", "excluded"."local_date", "excluded"."end_utc_offset_minutes",
    "excluded"."created_at_utc", "excluded"."version", "excluded"."delivery_id", "excluded"."received_at",
    "excluded"."pulled_at"
  )
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- upsert(archetypes), only differing rows: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 name text[], $6 value text[],
--   $7 data_type text[], $8 periodicity text[], $9 ordinality integer[],
--   $10 start_date_time timestamp with time zone[], $11 end_date_time timestamp with time zone[],
--   $12 utc_offset_minutes smallint[], $13 local_date date[], $14 end_utc_offset_minutes smallint[],
--   $15 created_at_utc timestamp with time zone[], $16 version numeric[], $17 delivery_id uuid[],
--   $18 received_at timestamp with time zone[]
insert into "archetypes" as t (
  "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
  "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
  "version", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."name", r."value", r."data_type", r."periodicity",
  r."ordinality", r."start_date_time", r."end_date_time", r."utc_offset_minutes", r."local_date",
  r."end_utc_offset_minutes", r."created_at_utc", r."version", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::integer[],
  $10::timestamp with time zone[], $11::timestamp with time zone[], $12::smallint[], $13::date[], $14::smallint[],
  $15::timestamp with time zone[], $16::numeric[], $17::uuid[], $18::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
  "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
  "version", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "name" = excluded."name",
  "value" = excluded."value", "data_type" = excluded."data_type", "periodicity" = excluded."periodicity",
  "ordinality" = excluded."ordinality", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "created_at_utc" = excluded."created_at_utc", "version" = excluded."version", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at"
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
  and (
    "t"."account_id", "t"."external_id", "t"."name", "t"."value", "t"."data_type", "t"."periodicity", "t"."ordinality",
    "t"."start_date_time", "t"."end_date_time", "t"."utc_offset_minutes", "t"."local_date",
    "t"."end_utc_offset_minutes", "t"."created_at_utc", "t"."version", "t"."delivery_id", "t"."received_at",
    "t"."pulled_at"
  ) is distinct from (
    "excluded"."account_id", "excluded"."external_id", "excluded"."name", "excluded"."value", "excluded"."data_type",
    "excluded"."periodicity", "excluded"."ordinality", "excluded"."start_date_time", "excluded"."end_date_time",
    "excluded"."utc_offset_minutes", "excluded"."local_date", "excluded"."end_utc_offset_minutes",
    "excluded"."created_at_utc", "excluded"."version", "excluded"."delivery_id", "excluded"."received_at",
    "excluded"."pulled_at"
  )
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- upsert(data_logs), only differing rows: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 log_type text[],
--   $6 data_type text[], $7 received_at_utc timestamp with time zone[], $8 parent_id text[], $9 value numeric[],
--   $10 unit text[], $11 source text[], $12 recording_method text[], $13 device_type text[],
--   $14 start_date_time timestamp with time zone[], $15 end_date_time timestamp with time zone[],
--   $16 utc_offset_minutes smallint[], $17 local_date date[], $18 end_utc_offset_minutes smallint[],
--   $19 additional_properties text[], $20 delivery_id uuid[], $21 received_at timestamp with time zone[]
insert into "data_logs" as t (
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at"
)
select distinct on (r."profile_id" collate "C", r."data_type" collate "C", r."id" collate "C")
  r."profile_id", r."id", r."account_id", r."external_id", r."log_type", r."data_type", r."received_at_utc",
  r."parent_id", r."value", r."unit", r."source", r."recording_method", r."device_type", r."start_date_time",
  r."end_date_time", r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes",
  r."additional_properties"::jsonb, r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamp with time zone[], $8::text[],
  $9::numeric[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamp with time zone[],
  $15::timestamp with time zone[], $16::smallint[], $17::date[], $18::smallint[], $19::text[], $20::uuid[],
  $21::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at", nth
)
order by
  r."profile_id" collate "C", r."data_type" collate "C", r."id" collate "C",
  (coalesce("r"."received_at_utc", '-infinity'::timestamptz), "r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("profile_id", "data_type", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "log_type" = excluded."log_type",
  "received_at_utc" = excluded."received_at_utc", "parent_id" = excluded."parent_id", "value" = excluded."value",
  "unit" = excluded."unit", "source" = excluded."source", "recording_method" = excluded."recording_method",
  "device_type" = excluded."device_type", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "additional_properties" = excluded."additional_properties", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at"
where (coalesce("t"."received_at_utc", '-infinity'::timestamptz), "t".received_at, "t".delivery_id) <= (
  coalesce("excluded"."received_at_utc", '-infinity'::timestamptz), "excluded".received_at, "excluded".delivery_id
)
  and (
    "t"."account_id", "t"."external_id", "t"."log_type", "t"."received_at_utc", "t"."parent_id", "t"."value",
    "t"."unit", "t"."source", "t"."recording_method", "t"."device_type", "t"."start_date_time", "t"."end_date_time",
    "t"."utc_offset_minutes", "t"."local_date", "t"."end_utc_offset_minutes", "t"."additional_properties",
    "t"."delivery_id", "t"."received_at"
  ) is distinct from (
    "excluded"."account_id", "excluded"."external_id", "excluded"."log_type", "excluded"."received_at_utc",
    "excluded"."parent_id", "excluded"."value", "excluded"."unit", "excluded"."source", "excluded"."recording_method",
    "excluded"."device_type", "excluded"."start_date_time", "excluded"."end_date_time", "excluded"."utc_offset_minutes",
    "excluded"."local_date", "excluded"."end_utc_offset_minutes", "excluded"."additional_properties",
    "excluded"."delivery_id", "excluded"."received_at"
  )
returning t."profile_id", t."data_type", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- describeGiven(sleep_sessions): src/db/sql/comparing-statements.ts
--   $1 user_id text[], $2 session_id text[], $3 state text[], $4 timezone text[], $5 created_timezone text[],
--   $6 start_time timestamp with time zone[], $7 end_time timestamp with time zone[],
--   $8 unexpected_end_time timestamp with time zone[], $9 utc_offset_minutes smallint[], $10 local_date date[],
--   $11 peculiarities text[], $12 validity text[], $13 missing_data_ratio numeric[], $14 callback_version text[],
--   $15 delivery_id uuid[], $16 received_at timestamp with time zone[], $17 sleep_date date[],
--   $18 pulled_at timestamp with time zone[]
select
  r."user_id" as "user_id", r."session_id" as "session_id", r."delivery_id" as delivery_id,
  array[(extract(epoch from r."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      r."user_id", r."session_id", r."state", r."timezone", r."created_timezone", r."start_time", r."end_time",
      r."unexpected_end_time", r."utc_offset_minutes", r."local_date", r."peculiarities"::text[], r."validity",
      r."missing_data_ratio", r."callback_version", r."delivery_id", r."received_at", r."sleep_date", r."pulled_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamp with time zone[],
  $7::timestamp with time zone[], $8::timestamp with time zone[], $9::smallint[], $10::date[], $11::text[], $12::text[],
  $13::numeric[], $14::text[], $15::uuid[], $16::timestamp with time zone[], $17::date[],
  $18::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
  "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
  "delivery_id", "received_at", "sleep_date", "pulled_at", nth
)
order by r.nth;

-- describeHeld(sleep_sessions): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."user_id" as "user_id", "t"."session_id" as "session_id", "t"."delivery_id" as delivery_id,
  array[(extract(epoch from "t"."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      "t"."user_id", "t"."session_id", "t"."state", "t"."timezone", "t"."created_timezone", "t"."start_time",
      "t"."end_time", "t"."unexpected_end_time", "t"."utc_offset_minutes", "t"."local_date", "t"."peculiarities",
      "t"."validity", "t"."missing_data_ratio", "t"."callback_version", "t"."delivery_id", "t"."received_at",
      "t"."sleep_date", "t"."pulled_at"
    )::text,
    0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "sleep_sessions" as t
where t."user_id" = $1;

-- removeDescribed(sleep_sessions): src/db/sql/comparing-statements.ts
--   $1 owner text, $2 fingerprints bigint[]
with gone as (
  select "t"."user_id", "t"."session_id"
  from "sleep_sessions" as t
  where t."user_id" = $1
    and hashtextextended(
      row(
        "t"."user_id", "t"."session_id", "t"."state", "t"."timezone", "t"."created_timezone", "t"."start_time",
        "t"."end_time", "t"."unexpected_end_time", "t"."utc_offset_minutes", "t"."local_date", "t"."peculiarities",
        "t"."validity", "t"."missing_data_ratio", "t"."callback_version", "t"."delivery_id", "t"."received_at",
        "t"."sleep_date", "t"."pulled_at"
      )::text,
      0
    ) = any($2::bigint[])
  order by "t"."user_id", "t"."session_id"
  for update of t
)
delete from "sleep_sessions" as t
using gone
where t."user_id" = gone."user_id" and t."session_id" = gone."session_id";

-- describeGiven(sleep_stats): src/db/sql/comparing-statements.ts
--   $1 user_id text[], $2 session_id text[], $3 sleep_time timestamp with time zone[],
--   $4 wake_time timestamp with time zone[], $5 sleep_index integer[], $6 sleep_latency integer[],
--   $7 wakeup_latency integer[], $8 light_latency integer[], $9 deep_latency integer[], $10 rem_latency integer[],
--   $11 time_in_bed integer[], $12 time_in_sleep_period integer[], $13 time_in_sleep integer[],
--   $14 time_in_wake integer[], $15 time_in_light integer[], $16 time_in_deep integer[], $17 time_in_rem integer[],
--   $18 time_in_stable_breath integer[], $19 time_in_unstable_breath integer[], $20 time_in_snoring integer[],
--   $21 time_in_no_snoring integer[], $22 sleep_efficiency numeric[], $23 sleep_ratio numeric[],
--   $24 wake_ratio numeric[], $25 light_ratio numeric[], $26 deep_ratio numeric[], $27 rem_ratio numeric[],
--   $28 stable_breath_ratio numeric[], $29 unstable_breath_ratio numeric[], $30 snoring_ratio numeric[],
--   $31 no_snoring_ratio numeric[], $32 breathing_index numeric[], $33 breathing_pattern text[],
--   $34 waso_count integer[], $35 longest_waso integer[], $36 sleep_cycle_count integer[], $37 sleep_cycle numeric[],
--   $38 sleep_cycle_time text[], $39 unstable_breath_count integer[], $40 snoring_count integer[],
--   $41 delivery_id uuid[], $42 received_at timestamp with time zone[]
select
  r."user_id" as "user_id", r."session_id" as "session_id", r."delivery_id" as delivery_id,
  array[(extract(epoch from r."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      r."user_id", r."session_id", r."sleep_time", r."wake_time", r."sleep_index", r."sleep_latency",
      r."wakeup_latency", r."light_latency", r."deep_latency", r."rem_latency", r."time_in_bed",
      r."time_in_sleep_period", r."time_in_sleep", r."time_in_wake", r."time_in_light", r."time_in_deep",
      r."time_in_rem", r."time_in_stable_breath", r."time_in_unstable_breath", r."time_in_snoring",
      r."time_in_no_snoring", r."sleep_efficiency", r."sleep_ratio", r."wake_ratio", r."light_ratio", r."deep_ratio",
      r."rem_ratio", r."stable_breath_ratio", r."unstable_breath_ratio", r."snoring_ratio", r."no_snoring_ratio",
      r."breathing_index", r."breathing_pattern", r."waso_count", r."longest_waso", r."sleep_cycle_count",
      r."sleep_cycle", r."sleep_cycle_time"::timestamp with time zone[], r."unstable_breath_count", r."snoring_count",
      r."delivery_id", r."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::timestamp with time zone[], $4::timestamp with time zone[], $5::integer[], $6::integer[],
  $7::integer[], $8::integer[], $9::integer[], $10::integer[], $11::integer[], $12::integer[], $13::integer[],
  $14::integer[], $15::integer[], $16::integer[], $17::integer[], $18::integer[], $19::integer[], $20::integer[],
  $21::integer[], $22::numeric[], $23::numeric[], $24::numeric[], $25::numeric[], $26::numeric[], $27::numeric[],
  $28::numeric[], $29::numeric[], $30::numeric[], $31::numeric[], $32::numeric[], $33::text[], $34::integer[],
  $35::integer[], $36::integer[], $37::numeric[], $38::text[], $39::integer[], $40::integer[], $41::uuid[],
  $42::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency", "light_latency",
  "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep", "time_in_wake",
  "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath", "time_in_snoring",
  "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio", "deep_ratio", "rem_ratio",
  "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio", "breathing_index",
  "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle", "sleep_cycle_time",
  "unstable_breath_count", "snoring_count", "delivery_id", "received_at", nth
)
order by r.nth;

-- describeHeld(sleep_stats): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."user_id" as "user_id", "t"."session_id" as "session_id", "t"."delivery_id" as delivery_id,
  array[(extract(epoch from "t"."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      "t"."user_id", "t"."session_id", "t"."sleep_time", "t"."wake_time", "t"."sleep_index", "t"."sleep_latency",
      "t"."wakeup_latency", "t"."light_latency", "t"."deep_latency", "t"."rem_latency", "t"."time_in_bed",
      "t"."time_in_sleep_period", "t"."time_in_sleep", "t"."time_in_wake", "t"."time_in_light", "t"."time_in_deep",
      "t"."time_in_rem", "t"."time_in_stable_breath", "t"."time_in_unstable_breath", "t"."time_in_snoring",
      "t"."time_in_no_snoring", "t"."sleep_efficiency", "t"."sleep_ratio", "t"."wake_ratio", "t"."light_ratio",
      "t"."deep_ratio", "t"."rem_ratio", "t"."stable_breath_ratio", "t"."unstable_breath_ratio", "t"."snoring_ratio",
      "t"."no_snoring_ratio", "t"."breathing_index", "t"."breathing_pattern", "t"."waso_count", "t"."longest_waso",
      "t"."sleep_cycle_count", "t"."sleep_cycle", "t"."sleep_cycle_time", "t"."unstable_breath_count",
      "t"."snoring_count", "t"."delivery_id", "t"."received_at"
    )::text,
    0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "sleep_stats" as t
where t."user_id" = $1;

-- describeGiven(sleep_stage_series): src/db/sql/comparing-statements.ts
--   $1 user_id text[], $2 session_id text[], $3 series text[], $4 stages smallint[], $5 stages_at integer[],
--   $6 stages_length integer[], $7 delivery_id uuid[], $8 received_at timestamp with time zone[]
select
  r."user_id" as "user_id", r."session_id" as "session_id", r."series" as "series", r."delivery_id" as delivery_id,
  array[(extract(epoch from r."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      r."user_id", r."session_id", r."series", w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1],
      r."delivery_id", r."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::text[], $5::integer[], $6::integer[], $7::uuid[], $8::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "series", "stages_at", "stages_length", "delivery_id", "received_at", nth
)
cross join (select $4::smallint[] as "stages") as w
order by r.nth;

-- describeHeld(sleep_stage_series): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."user_id" as "user_id", "t"."session_id" as "session_id", "t"."series" as "series",
  "t"."delivery_id" as delivery_id, array[(extract(epoch from "t"."received_at") * 1000000)::text] as age,
  hashtextextended(
    row("t"."user_id", "t"."session_id", "t"."series", "t"."stages", "t"."delivery_id", "t"."received_at")::text, 0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "sleep_stage_series" as t
where t."user_id" = $1;

-- describeGiven(sleep_stage_windows): src/db/sql/comparing-statements.ts
--   $1 user_id text[], $2 session_id text[], $3 series text[], $4 inference_seq_num integer[], $5 seq_num integer[],
--   $6 stages smallint[], $7 stages_at integer[], $8 stages_length integer[], $9 callback_version text[],
--   $10 delivery_id uuid[], $11 received_at timestamp with time zone[]
select
  r."user_id" as "user_id", r."session_id" as "session_id", r."series" as "series",
  r."inference_seq_num" as "inference_seq_num", r."delivery_id" as delivery_id,
  array[(extract(epoch from r."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      r."user_id", r."session_id", r."series", r."inference_seq_num", r."seq_num",
      w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1], r."callback_version", r."delivery_id",
      r."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $7::integer[], $8::integer[], $9::text[],
  $10::uuid[], $11::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages_at", "stages_length", "callback_version",
  "delivery_id", "received_at", nth
)
cross join (select $6::smallint[] as "stages") as w
order by r.nth;

-- describeHeld(sleep_stage_windows): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."user_id" as "user_id", "t"."session_id" as "session_id", "t"."series" as "series",
  "t"."inference_seq_num" as "inference_seq_num", "t"."delivery_id" as delivery_id,
  array[(extract(epoch from "t"."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      "t"."user_id", "t"."session_id", "t"."series", "t"."inference_seq_num", "t"."seq_num", "t"."stages",
      "t"."callback_version", "t"."delivery_id", "t"."received_at"
    )::text,
    0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "sleep_stage_windows" as t
where t."user_id" = $1;

-- removeDescribed(sleep_stage_windows): src/db/sql/comparing-statements.ts
--   $1 owner text, $2 fingerprints bigint[]
with gone as (
  select "t"."user_id", "t"."session_id", "t"."series", "t"."inference_seq_num"
  from "sleep_stage_windows" as t
  where t."user_id" = $1
    and hashtextextended(
      row(
        "t"."user_id", "t"."session_id", "t"."series", "t"."inference_seq_num", "t"."seq_num", "t"."stages",
        "t"."callback_version", "t"."delivery_id", "t"."received_at"
      )::text,
      0
    ) = any($2::bigint[])
  order by "t"."user_id", "t"."session_id", "t"."series", "t"."inference_seq_num"
  for update of t
)
delete from "sleep_stage_windows" as t
using gone
where t."user_id" = gone."user_id"
  and t."session_id" = gone."session_id"
  and t."series" = gone."series"
  and t."inference_seq_num" = gone."inference_seq_num";

-- describeGiven(scores): src/db/sql/comparing-statements.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 type text[], $6 state text[],
--   $7 score numeric[], $8 data_sources text[], $9 score_date_time timestamp with time zone[],
--   $10 utc_offset_minutes smallint[], $11 local_date date[], $12 created_at_utc timestamp with time zone[],
--   $13 version numeric[], $14 delivery_id uuid[], $15 received_at timestamp with time zone[],
--   $16 pulled_at timestamp with time zone[]
select
  r."profile_id" as "profile_id", r."id" as "id", r."delivery_id" as delivery_id,
  array[
    (extract(epoch from r."created_at_utc") * 1000000)::text, r."version"::text, (r."pulled_at" is null)::int::text,
    (extract(epoch from r."received_at") * 1000000)::text
  ] as age,
  hashtextextended(
    row(
      r."profile_id", r."id", r."account_id", r."external_id", r."type", r."state", r."score", r."data_sources"::text[],
      r."score_date_time", r."utc_offset_minutes", r."local_date", r."created_at_utc", r."version", r."delivery_id",
      r."received_at", r."pulled_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[],
  $9::timestamp with time zone[], $10::smallint[], $11::date[], $12::timestamp with time zone[], $13::numeric[],
  $14::uuid[], $15::timestamp with time zone[], $16::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
  "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at", "pulled_at", nth
)
order by r.nth;

-- describeHeld(scores): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."profile_id" as "profile_id", "t"."id" as "id", "t"."delivery_id" as delivery_id,
  array[
    (extract(epoch from "t"."created_at_utc") * 1000000)::text, "t"."version"::text,
    ("t"."pulled_at" is null)::int::text, (extract(epoch from "t"."received_at") * 1000000)::text
  ] as age,
  hashtextextended(
    row(
      "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."type", "t"."state", "t"."score",
      "t"."data_sources", "t"."score_date_time", "t"."utc_offset_minutes", "t"."local_date", "t"."created_at_utc",
      "t"."version", "t"."delivery_id", "t"."received_at", "t"."pulled_at"
    )::text,
    0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "scores" as t
where t."profile_id" = $1;

-- removeDescribed(scores): src/db/sql/comparing-statements.ts
--   $1 owner text, $2 fingerprints bigint[]
with gone as (
  select "t"."profile_id", "t"."id"
  from "scores" as t
  where t."profile_id" = $1
    and hashtextextended(
      row(
        "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."type", "t"."state", "t"."score",
        "t"."data_sources", "t"."score_date_time", "t"."utc_offset_minutes", "t"."local_date", "t"."created_at_utc",
        "t"."version", "t"."delivery_id", "t"."received_at", "t"."pulled_at"
      )::text,
      0
    ) = any($2::bigint[])
  order by "t"."profile_id", "t"."id"
  for update of t
)
delete from "scores" as t
using gone
where t."profile_id" = gone."profile_id" and t."id" = gone."id";

-- describeGiven(score_factors): src/db/sql/comparing-statements.ts
--   $1 profile_id text[], $2 score_id text[], $3 position integer[], $4 id text[], $5 name text[], $6 value numeric[],
--   $7 goal numeric[], $8 score numeric[], $9 state text[], $10 unit text[], $11 account_id text[],
--   $12 external_id text[], $13 delivery_id uuid[], $14 received_at timestamp with time zone[]
select
  r."profile_id" as "profile_id", r."score_id" as "score_id", r."position" as "position",
  r."delivery_id" as delivery_id, array[(extract(epoch from r."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      r."profile_id", r."score_id", r."position", r."id", r."name", r."value", r."goal", r."score", r."state", r."unit",
      r."account_id", r."external_id", r."delivery_id", r."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[],
  $9::text[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
  "external_id", "delivery_id", "received_at", nth
)
order by r.nth;

-- describeHeld(score_factors): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."profile_id" as "profile_id", "t"."score_id" as "score_id", "t"."position" as "position",
  "t"."delivery_id" as delivery_id, array[(extract(epoch from "t"."received_at") * 1000000)::text] as age,
  hashtextextended(
    row(
      "t"."profile_id", "t"."score_id", "t"."position", "t"."id", "t"."name", "t"."value", "t"."goal", "t"."score",
      "t"."state", "t"."unit", "t"."account_id", "t"."external_id", "t"."delivery_id", "t"."received_at"
    )::text,
    0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "score_factors" as t
where t."profile_id" = $1;

-- describeGiven(biomarkers): src/db/sql/comparing-statements.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 category text[],
--   $6 type text[], $7 periodicity text[], $8 aggregation text[], $9 value text[], $10 value_number numeric[],
--   $11 unit text[], $12 value_type text[], $13 start_date_time timestamp with time zone[],
--   $14 end_date_time timestamp with time zone[], $15 utc_offset_minutes smallint[], $16 local_date date[],
--   $17 end_utc_offset_minutes smallint[], $18 created_at_utc timestamp with time zone[], $19 version numeric[],
--   $20 delivery_id uuid[], $21 received_at timestamp with time zone[], $22 pulled_at timestamp with time zone[]
select
  r."profile_id" as "profile_id", r."id" as "id", r."delivery_id" as delivery_id,
  array[
    (extract(epoch from r."created_at_utc") * 1000000)::text, r."version"::text, (r."pulled_at" is null)::int::text,
    (extract(epoch from r."received_at") * 1000000)::text
  ] as age,
  hashtextextended(
    row(
      r."profile_id", r."id", r."account_id", r."external_id", r."category", r."type", r."periodicity", r."aggregation",
      r."value", r."value_number", r."unit", r."value_type", r."start_date_time", r."end_date_time",
      r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes", r."created_at_utc", r."version",
      r."delivery_id", r."received_at", r."pulled_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::numeric[], $11::text[], $12::text[], $13::timestamp with time zone[], $14::timestamp with time zone[],
  $15::smallint[], $16::date[], $17::smallint[], $18::timestamp with time zone[], $19::numeric[], $20::uuid[],
  $21::timestamp with time zone[], $22::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
  "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
  "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at", "pulled_at", nth
)
order by r.nth;

-- describeHeld(biomarkers): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."profile_id" as "profile_id", "t"."id" as "id", "t"."delivery_id" as delivery_id,
  array[
    (extract(epoch from "t"."created_at_utc") * 1000000)::text, "t"."version"::text,
    ("t"."pulled_at" is null)::int::text, (extract(epoch from "t"."received_at") * 1000000)::text
  ] as age,
  hashtextextended(
    row(
      "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."category", "t"."type", "t"."periodicity",
      "t"."aggregation", "t"."value", "t"."value_number", "t"."unit", "t"."value_type", "t"."start_date_time",
      "t"."end_date_time", "t"."utc_offset_minutes", "t"."local_date", "t"."end_utc_offset_minutes",
      "t"."created_at_utc", "t"."version", "t"."delivery_id", "t"."received_at", "t"."pulled_at"
    )::text,
    0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "biomarkers" as t
where t."profile_id" = $1;

-- removeDescribed(biomarkers): src/db/sql/comparing-statements.ts
--   $1 owner text, $2 fingerprints bigint[]
with gone as (
  select "t"."profile_id", "t"."id"
  from "biomarkers" as t
  where t."profile_id" = $1
    and hashtextextended(
      row(
        "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."category", "t"."type", "t"."periodicity",
        "t"."aggregation", "t"."value", "t"."value_number", "t"."unit", "t"."value_type", "t"."start_date_time",
        "t"."end_date_time", "t"."utc_offset_minutes", "t"."local_date", "t"."end_utc_offset_minutes",
        "t"."created_at_utc", "t"."version", "t"."delivery_id", "t"."received_at", "t"."pulled_at"
      )::text,
      0
    ) = any($2::bigint[])
  order by "t"."profile_id", "t"."id"
  for update of t
)
delete from "biomarkers" as t
using gone
where t."profile_id" = gone."profile_id" and t."id" = gone."id";

-- describeGiven(archetypes): src/db/sql/comparing-statements.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 name text[], $6 value text[],
--   $7 data_type text[], $8 periodicity text[], $9 ordinality integer[],
--   $10 start_date_time timestamp with time zone[], $11 end_date_time timestamp with time zone[],
--   $12 utc_offset_minutes smallint[], $13 local_date date[], $14 end_utc_offset_minutes smallint[],
--   $15 created_at_utc timestamp with time zone[], $16 version numeric[], $17 delivery_id uuid[],
--   $18 received_at timestamp with time zone[], $19 pulled_at timestamp with time zone[]
select
  r."profile_id" as "profile_id", r."id" as "id", r."delivery_id" as delivery_id,
  array[
    (extract(epoch from r."created_at_utc") * 1000000)::text, r."version"::text, (r."pulled_at" is null)::int::text,
    (extract(epoch from r."received_at") * 1000000)::text
  ] as age,
  hashtextextended(
    row(
      r."profile_id", r."id", r."account_id", r."external_id", r."name", r."value", r."data_type", r."periodicity",
      r."ordinality", r."start_date_time", r."end_date_time", r."utc_offset_minutes", r."local_date",
      r."end_utc_offset_minutes", r."created_at_utc", r."version", r."delivery_id", r."received_at", r."pulled_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::integer[],
  $10::timestamp with time zone[], $11::timestamp with time zone[], $12::smallint[], $13::date[], $14::smallint[],
  $15::timestamp with time zone[], $16::numeric[], $17::uuid[], $18::timestamp with time zone[],
  $19::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
  "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
  "version", "delivery_id", "received_at", "pulled_at", nth
)
order by r.nth;

-- describeHeld(archetypes): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."profile_id" as "profile_id", "t"."id" as "id", "t"."delivery_id" as delivery_id,
  array[
    (extract(epoch from "t"."created_at_utc") * 1000000)::text, "t"."version"::text,
    ("t"."pulled_at" is null)::int::text, (extract(epoch from "t"."received_at") * 1000000)::text
  ] as age,
  hashtextextended(
    row(
      "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."name", "t"."value", "t"."data_type",
      "t"."periodicity", "t"."ordinality", "t"."start_date_time", "t"."end_date_time", "t"."utc_offset_minutes",
      "t"."local_date", "t"."end_utc_offset_minutes", "t"."created_at_utc", "t"."version", "t"."delivery_id",
      "t"."received_at", "t"."pulled_at"
    )::text,
    0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "archetypes" as t
where t."profile_id" = $1;

-- removeDescribed(archetypes): src/db/sql/comparing-statements.ts
--   $1 owner text, $2 fingerprints bigint[]
with gone as (
  select "t"."profile_id", "t"."id"
  from "archetypes" as t
  where t."profile_id" = $1
    and hashtextextended(
      row(
        "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."name", "t"."value", "t"."data_type",
        "t"."periodicity", "t"."ordinality", "t"."start_date_time", "t"."end_date_time", "t"."utc_offset_minutes",
        "t"."local_date", "t"."end_utc_offset_minutes", "t"."created_at_utc", "t"."version", "t"."delivery_id",
        "t"."received_at", "t"."pulled_at"
      )::text,
      0
    ) = any($2::bigint[])
  order by "t"."profile_id", "t"."id"
  for update of t
)
delete from "archetypes" as t
using gone
where t."profile_id" = gone."profile_id" and t."id" = gone."id";

-- describeGiven(data_logs): src/db/sql/comparing-statements.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 log_type text[],
--   $6 data_type text[], $7 received_at_utc timestamp with time zone[], $8 parent_id text[], $9 value numeric[],
--   $10 unit text[], $11 source text[], $12 recording_method text[], $13 device_type text[],
--   $14 start_date_time timestamp with time zone[], $15 end_date_time timestamp with time zone[],
--   $16 utc_offset_minutes smallint[], $17 local_date date[], $18 end_utc_offset_minutes smallint[],
--   $19 additional_properties text[], $20 delivery_id uuid[], $21 received_at timestamp with time zone[]
select
  r."profile_id" as "profile_id", r."data_type" as "data_type", r."id" as "id", r."delivery_id" as delivery_id,
  array[
    (extract(epoch from r."received_at_utc") * 1000000)::text, (extract(epoch from r."received_at") * 1000000)::text
  ] as age,
  hashtextextended(
    row(
      r."profile_id", r."id", r."account_id", r."external_id", r."log_type", r."data_type", r."received_at_utc",
      r."parent_id", r."value", r."unit", r."source", r."recording_method", r."device_type", r."start_date_time",
      r."end_date_time", r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes",
      r."additional_properties"::jsonb, r."delivery_id", r."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamp with time zone[], $8::text[],
  $9::numeric[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamp with time zone[],
  $15::timestamp with time zone[], $16::smallint[], $17::date[], $18::smallint[], $19::text[], $20::uuid[],
  $21::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at", nth
)
order by r.nth;

-- describeHeld(data_logs): src/db/sql/comparing-statements.ts
--   $1 owner text
select
  "t"."profile_id" as "profile_id", "t"."data_type" as "data_type", "t"."id" as "id", "t"."delivery_id" as delivery_id,
  array[
    (extract(epoch from "t"."received_at_utc") * 1000000)::text, (extract(epoch from "t"."received_at") * 1000000)::text
  ] as age,
  hashtextextended(
    row(
      "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."log_type", "t"."data_type",
      "t"."received_at_utc", "t"."parent_id", "t"."value", "t"."unit", "t"."source", "t"."recording_method",
      "t"."device_type", "t"."start_date_time", "t"."end_date_time", "t"."utc_offset_minutes", "t"."local_date",
      "t"."end_utc_offset_minutes", "t"."additional_properties", "t"."delivery_id", "t"."received_at"
    )::text,
    0
  )::text as fingerprint,
  exists (select from "deliveries" as d where d.delivery_id = t.delivery_id) as is_made
from "data_logs" as t
where t."profile_id" = $1;

-- removeDescribed(data_logs): src/db/sql/comparing-statements.ts
--   $1 owner text, $2 fingerprints bigint[]
with gone as (
  select "t"."profile_id", "t"."data_type", "t"."id"
  from "data_logs" as t
  where t."profile_id" = $1
    and hashtextextended(
      row(
        "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."log_type", "t"."data_type",
        "t"."received_at_utc", "t"."parent_id", "t"."value", "t"."unit", "t"."source", "t"."recording_method",
        "t"."device_type", "t"."start_date_time", "t"."end_date_time", "t"."utc_offset_minutes", "t"."local_date",
        "t"."end_utc_offset_minutes", "t"."additional_properties", "t"."delivery_id", "t"."received_at"
      )::text,
      0
    ) = any($2::bigint[])
  order by "t"."profile_id", "t"."data_type", "t"."id"
  for update of t
)
delete from "data_logs" as t
using gone
where t."profile_id" = gone."profile_id" and t."data_type" = gone."data_type" and t."id" = gone."id";

-- describeKeyed(sleep_sessions): src/db/sql/feed-statements.ts
--   $1 user_id text[], $2 session_id text[]
select distinct
  t.delivery_id,
  hashtextextended(
    row(
      "t"."user_id", "t"."session_id", "t"."state", "t"."timezone", "t"."created_timezone", "t"."start_time",
      "t"."end_time", "t"."unexpected_end_time", "t"."utc_offset_minutes", "t"."local_date", "t"."peculiarities",
      "t"."validity", "t"."missing_data_ratio", "t"."callback_version", "t"."delivery_id", "t"."received_at",
      "t"."sleep_date", "t"."pulled_at"
    )::text,
    0
  )::text as fingerprint
from unnest($1::text[], $2::text[]) with ordinality as r("user_id", "session_id", nth)
join "sleep_sessions" as t on t."user_id" = r."user_id" and t."session_id" = r."session_id";

-- describeKeyed(sleep_stats, sleep_sessions): src/db/sql/feed-statements.ts
--   $1 user_id text[], $2 session_id text[]
select distinct
  t.delivery_id,
  hashtextextended(
    row(
      "t"."user_id", "t"."session_id", "t"."sleep_time", "t"."wake_time", "t"."sleep_index", "t"."sleep_latency",
      "t"."wakeup_latency", "t"."light_latency", "t"."deep_latency", "t"."rem_latency", "t"."time_in_bed",
      "t"."time_in_sleep_period", "t"."time_in_sleep", "t"."time_in_wake", "t"."time_in_light", "t"."time_in_deep",
      "t"."time_in_rem", "t"."time_in_stable_breath", "t"."time_in_unstable_breath", "t"."time_in_snoring",
      "t"."time_in_no_snoring", "t"."sleep_efficiency", "t"."sleep_ratio", "t"."wake_ratio", "t"."light_ratio",
      "t"."deep_ratio", "t"."rem_ratio", "t"."stable_breath_ratio", "t"."unstable_breath_ratio", "t"."snoring_ratio",
      "t"."no_snoring_ratio", "t"."breathing_index", "t"."breathing_pattern", "t"."waso_count", "t"."longest_waso",
      "t"."sleep_cycle_count", "t"."sleep_cycle", "t"."sleep_cycle_time", "t"."unstable_breath_count",
      "t"."snoring_count", "t"."delivery_id", "t"."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest($1::text[], $2::text[]) with ordinality as r("user_id", "session_id", nth)
join "sleep_stats" as t on t."user_id" = r."user_id" and t."session_id" = r."session_id";

-- describeKeyed(sleep_stage_series, sleep_sessions): src/db/sql/feed-statements.ts
--   $1 user_id text[], $2 session_id text[]
select distinct
  t.delivery_id,
  hashtextextended(
    row("t"."user_id", "t"."session_id", "t"."series", "t"."stages", "t"."delivery_id", "t"."received_at")::text, 0
  )::text as fingerprint
from unnest($1::text[], $2::text[]) with ordinality as r("user_id", "session_id", nth)
join "sleep_stage_series" as t on t."user_id" = r."user_id" and t."session_id" = r."session_id";

-- describeKeyed(scores): src/db/sql/feed-statements.ts
--   $1 profile_id text[], $2 id text[]
select distinct
  t.delivery_id,
  hashtextextended(
    row(
      "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."type", "t"."state", "t"."score",
      "t"."data_sources", "t"."score_date_time", "t"."utc_offset_minutes", "t"."local_date", "t"."created_at_utc",
      "t"."version", "t"."delivery_id", "t"."received_at", "t"."pulled_at"
    )::text,
    0
  )::text as fingerprint
from unnest($1::text[], $2::text[]) with ordinality as r("profile_id", "id", nth)
join "scores" as t on t."profile_id" = r."profile_id" and t."id" = r."id";

-- describeKeyed(score_factors, scores): src/db/sql/feed-statements.ts
--   $1 profile_id text[], $2 id text[]
select distinct
  t.delivery_id,
  hashtextextended(
    row(
      "t"."profile_id", "t"."score_id", "t"."position", "t"."id", "t"."name", "t"."value", "t"."goal", "t"."score",
      "t"."state", "t"."unit", "t"."account_id", "t"."external_id", "t"."delivery_id", "t"."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest($1::text[], $2::text[]) with ordinality as r("profile_id", "id", nth)
join "score_factors" as t on t."profile_id" = r."profile_id" and t."score_id" = r."id";

-- describeKeyed(sleep_stage_windows): src/db/sql/feed-statements.ts
--   $1 user_id text[], $2 session_id text[], $3 series text[], $4 inference_seq_num integer[]
select distinct
  t.delivery_id,
  hashtextextended(
    row(
      "t"."user_id", "t"."session_id", "t"."series", "t"."inference_seq_num", "t"."seq_num", "t"."stages",
      "t"."callback_version", "t"."delivery_id", "t"."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest($1::text[], $2::text[], $3::text[], $4::integer[]) with ordinality as r(
  "user_id", "session_id", "series", "inference_seq_num", nth
)
join "sleep_stage_windows" as t on t."user_id" = r."user_id"
  and t."session_id" = r."session_id"
  and t."series" = r."series"
  and t."inference_seq_num" = r."inference_seq_num";

-- describeKeyed(biomarkers): src/db/sql/feed-statements.ts
--   $1 profile_id text[], $2 id text[]
select distinct
  t.delivery_id,
  hashtextextended(
    row(
      "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."category", "t"."type", "t"."periodicity",
      "t"."aggregation", "t"."value", "t"."value_number", "t"."unit", "t"."value_type", "t"."start_date_time",
      "t"."end_date_time", "t"."utc_offset_minutes", "t"."local_date", "t"."end_utc_offset_minutes",
      "t"."created_at_utc", "t"."version", "t"."delivery_id", "t"."received_at", "t"."pulled_at"
    )::text,
    0
  )::text as fingerprint
from unnest($1::text[], $2::text[]) with ordinality as r("profile_id", "id", nth)
join "biomarkers" as t on t."profile_id" = r."profile_id" and t."id" = r."id";

-- describeKeyed(archetypes): src/db/sql/feed-statements.ts
--   $1 profile_id text[], $2 id text[]
select distinct
  t.delivery_id,
  hashtextextended(
    row(
      "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."name", "t"."value", "t"."data_type",
      "t"."periodicity", "t"."ordinality", "t"."start_date_time", "t"."end_date_time", "t"."utc_offset_minutes",
      "t"."local_date", "t"."end_utc_offset_minutes", "t"."created_at_utc", "t"."version", "t"."delivery_id",
      "t"."received_at", "t"."pulled_at"
    )::text,
    0
  )::text as fingerprint
from unnest($1::text[], $2::text[]) with ordinality as r("profile_id", "id", nth)
join "archetypes" as t on t."profile_id" = r."profile_id" and t."id" = r."id";

-- describeKeyed(data_logs): src/db/sql/feed-statements.ts
--   $1 profile_id text[], $2 data_type text[], $3 id text[]
select distinct
  t.delivery_id,
  hashtextextended(
    row(
      "t"."profile_id", "t"."id", "t"."account_id", "t"."external_id", "t"."log_type", "t"."data_type",
      "t"."received_at_utc", "t"."parent_id", "t"."value", "t"."unit", "t"."source", "t"."recording_method",
      "t"."device_type", "t"."start_date_time", "t"."end_date_time", "t"."utc_offset_minutes", "t"."local_date",
      "t"."end_utc_offset_minutes", "t"."additional_properties", "t"."delivery_id", "t"."received_at"
    )::text,
    0
  )::text as fingerprint
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as r("profile_id", "data_type", "id", nth)
join "data_logs" as t on t."profile_id" = r."profile_id" and t."data_type" = r."data_type" and t."id" = r."id";

-- tellRejudged: src/db/sql/feed-statements.ts
--   $1 delivery_id uuid[]
with told as (
  select "d"."owner", "d"."vendor", "d"."body_digest"
  from "deliveries" as d
  where d.delivery_id = any($1::uuid[])
    and (
      d.change_position is distinct from (
        select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) + 1 from "change_feed" as f where f.id = 1
      )
        or d.first_day is not null
    )
  order by "d"."owner" collate "C", "d"."vendor" collate "C", "d"."body_digest"
  for update
)
update "deliveries" as d
set
  change_position = (
    select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) + 1 from "change_feed" as f where f.id = 1
  ),
  first_day = null, last_day = null
from told
where d."owner" = told."owner" and d."vendor" = told."vendor" and d."body_digest" = told."body_digest";

-- =====================================================================================================================
-- A group of one shard on Citus (src/db/citus/citus-writer.ts). Citus plans each of these statements as one task. The parameters
-- of insertUnownedEntries and insertOwners are single values; the service uses them for 1, 8 and 64 rows.

-- knownOwners: src/db/sql/shard-statements.ts
--   $1 owner text[], $2 delivery_id uuid[], $3 vendor text[], $4 subject text[], $5 outcome text[],
--   $6 received_at timestamp with time zone[]
select
  r.delivery_id, (o.user_id = '', o.first_received_at) <= ((coalesce(r.subject, '') = ''), r.received_at) as is_settled
from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamp with time zone[]) with ordinality as r(
  "owner", "delivery_id", "vendor", "subject", "outcome", "received_at", nth
)
join "owners" as o on o.owner = r.owner and o.vendor = r.vendor
where o.owner = any($1::text[]);

-- insertEntries: src/db/sql/shard-statements.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 user_id text[],
--   $9 authenticated_by text[], $10 outcome text[], $11 problem text[], $12 body bytea, $13 body_at integer[],
--   $14 body_length integer[], $15 body_size integer[], $16 source text[], $17 headers text[],
--   $18 received_at timestamp with time zone[], $19 last_received_at timestamp with time zone[],
--   $20 times_received integer[], $21 normaliser_version integer[], $22 first_day date[], $23 last_day date[],
--   $24 change_position bigint[]
insert into "deliveries" (
  "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem", "body",
  "body_size", "source", "headers", "received_at", "last_received_at", "times_received", "normaliser_version",
  "first_day", "last_day", "change_position"
)
select
  k.owner, r."vendor", substring(w."body_digest" from r."body_digest_at" for r."body_digest_length"), r."delivery_id",
  r."event", r."user_id", r."authenticated_by", r."outcome", r."problem"::jsonb,
  substring(w."body" from r."body_at" for r."body_length"), r."body_size", r."source", r."headers"::jsonb,
  r."received_at", r."last_received_at", r."times_received", r."normaliser_version", r."first_day", r."last_day",
  r."change_position"
from unnest(
  $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
  $11::text[], $13::integer[], $14::integer[], $15::integer[], $16::text[], $17::text[],
  $18::timestamp with time zone[], $19::timestamp with time zone[], $20::integer[], $21::integer[], $22::date[],
  $23::date[], $24::bigint[]
) with ordinality as r(
  "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "user_id", "authenticated_by",
  "outcome", "problem", "body_at", "body_length", "body_size", "source", "headers", "received_at", "last_received_at",
  "times_received", "normaliser_version", "first_day", "last_day", "change_position", nth
)
cross join (select $3::bytea as "body_digest", $12::bytea as "body") as w
join "owners" as k on k.owner = r.owner and k.vendor = r.vendor
where k.owner = any($1::text[])
order by
  r."owner" collate "C", r."vendor" collate "C",
  substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
on conflict ("owner", "vendor", "body_digest") do nothing
returning delivery_id;

-- insertUnownedEntries(1): src/db/sql/shard-statements.ts
--   $1 owner text, $2 vendor text, $3 body_digest bytea, $4 delivery_id uuid, $5 event text, $6 user_id text,
--   $7 authenticated_by text, $8 outcome text, $9 problem text, $10 body bytea, $11 body_size integer, $12 source text,
--   $13 headers text, $14 received_at timestamp with time zone, $15 last_received_at timestamp with time zone,
--   $16 times_received integer, $17 normaliser_version integer, $18 first_day date, $19 last_day date,
--   $20 change_position bigint
insert into "deliveries" (
  "owner", "vendor", "body_digest", "delivery_id", "event", "user_id", "authenticated_by", "outcome", "problem", "body",
  "body_size", "source", "headers", "received_at", "last_received_at", "times_received", "normaliser_version",
  "first_day", "last_day", "change_position"
) values (
  $1::text, $2::text, $3::bytea, $4::uuid, $5::text, $6::text, $7::text, $8::text, $9::text::jsonb, $10::bytea,
  $11::integer, $12::text, $13::text::jsonb, $14::timestamp with time zone, $15::timestamp with time zone, $16::integer,
  $17::integer, $18::date, $19::date, $20::bigint
)
on conflict ("owner", "vendor", "body_digest") do nothing
returning delivery_id;

-- lockHeld: src/db/sql/shard-statements.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 event text[], $8 outcome text[],
--   $9 last_received_at timestamp with time zone[]
select
  r.delivery_id as arrival_id, d.owner, d.delivery_id, d.received_at::text, d.source, d.outcome as outcome_before,
  d.event as event_before,
  d.outcome <> 'stored' or (
    d.outcome = 'stored'
      and r.outcome = 'stored'
      and d.event is distinct from r.event
      and r.last_received_at >= d.last_received_at
  ) as is_judged_again
from unnest(
  $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::text[], $8::text[],
  $9::timestamp with time zone[]
) with ordinality as r(
  "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "event", "outcome", "last_received_at", nth
)
cross join (select $3::bytea as "body_digest") as w
join "deliveries" as d on d."owner" = r."owner"
  and d."vendor" = r."vendor"
  and d."body_digest" = substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
where d.owner = any($1::text[])
order by "d"."owner" collate "C", "d"."vendor" collate "C", "d"."body_digest"
for update of d;

-- countHeld: src/db/sql/shard-statements.ts
--   $1 owner text[], $2 vendor text[], $3 body_digest bytea, $4 body_digest_at integer[],
--   $5 body_digest_length integer[], $6 delivery_id uuid[], $7 last_received_at timestamp with time zone[],
--   $8 times_received integer[], $9 event text[], $10 user_id text[], $11 authenticated_by text[], $12 outcome text[],
--   $13 problem text[], $14 headers text[], $15 normaliser_version integer[], $16 is_judged_again boolean[],
--   $17 change_position bigint[]
update "deliveries" as d
set
  last_received_at = greatest(d.last_received_at, r.last_received_at),
  times_received = d.times_received + case when d.delivery_id = r.delivery_id then 0 else r.times_received end,
  "event" = case when r.is_judged_again then r."event" else d."event" end,
  "user_id" = case when r.is_judged_again then r."user_id" else d."user_id" end,
  "authenticated_by" = case when r.is_judged_again then r."authenticated_by" else d."authenticated_by" end,
  "outcome" = case when r.is_judged_again then r."outcome" else d."outcome" end,
  "problem" = case when r.is_judged_again then r."problem"::jsonb else d."problem" end,
  "headers" = case when r.is_judged_again then r."headers"::jsonb else d."headers" end,
  "normaliser_version" = case when r.is_judged_again then r."normaliser_version" else d."normaliser_version" end,
  change_position = coalesce(r.change_position, d.change_position)
from unnest(
  $1::text[], $2::text[], $4::integer[], $5::integer[], $6::uuid[], $7::timestamp with time zone[], $8::integer[],
  $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::integer[], $16::boolean[],
  $17::bigint[]
) with ordinality as r(
  "owner", "vendor", "body_digest_at", "body_digest_length", "delivery_id", "last_received_at", "times_received",
  "event", "user_id", "authenticated_by", "outcome", "problem", "headers", "normaliser_version", "is_judged_again",
  "change_position", nth
)
cross join (select $3::bytea as "body_digest") as w
where d."owner" = r."owner"
  and d."vendor" = r."vendor"
  and d."body_digest" = substring(w."body_digest" from r."body_digest_at" for r."body_digest_length")
  and d.owner = any($1::text[]);

-- linksOf: src/db/sql/shard-statements.ts
--   $1 owner text[]
select l.owner, l.vendor, l.person_id from "person_links" as l where l.owner = any($1::text[]);

-- insertOwners(1): src/db/sql/shard-statements.ts
--   $1 owner text, $2 vendor text, $3 user_id text, $4 person_id text, $5 first_received_at timestamp with time zone
insert into "owners" as o ("owner", "vendor", "user_id", "person_id", "first_received_at") values (
  $1::text, $2::text, $3::text, $4::text, $5::timestamp with time zone
)
on conflict (owner, vendor) do update
set user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at
where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at);

-- upsert(sleep_sessions), of a shard: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 state text[], $4 timezone text[], $5 created_timezone text[],
--   $6 start_time timestamp with time zone[], $7 end_time timestamp with time zone[],
--   $8 unexpected_end_time timestamp with time zone[], $9 utc_offset_minutes smallint[], $10 local_date date[],
--   $11 peculiarities text[], $12 validity text[], $13 missing_data_ratio numeric[], $14 callback_version text[],
--   $15 delivery_id uuid[], $16 received_at timestamp with time zone[], $17 sleep_date date[]
insert into "sleep_sessions" as t (
  "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
  "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
  "delivery_id", "received_at", "sleep_date"
)
select distinct on (k.owner collate "C", r."session_id" collate "C")
  k.owner, r."session_id", r."state", r."timezone", r."created_timezone", r."start_time", r."end_time",
  r."unexpected_end_time", r."utc_offset_minutes", r."local_date", r."peculiarities"::text[], r."validity",
  r."missing_data_ratio", r."callback_version", r."delivery_id", r."received_at", r."sleep_date"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamp with time zone[],
  $7::timestamp with time zone[], $8::timestamp with time zone[], $9::smallint[], $10::date[], $11::text[], $12::text[],
  $13::numeric[], $14::text[], $15::uuid[], $16::timestamp with time zone[], $17::date[]
) with ordinality as r(
  "user_id", "session_id", "state", "timezone", "created_timezone", "start_time", "end_time", "unexpected_end_time",
  "utc_offset_minutes", "local_date", "peculiarities", "validity", "missing_data_ratio", "callback_version",
  "delivery_id", "received_at", "sleep_date", nth
)
join "owners" as k on k.owner = r."user_id"
where k.owner = any($1::text[])
order by k.owner collate "C", r."session_id" collate "C", ("r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("user_id", "session_id") do update
set
  "state" = excluded."state", "timezone" = excluded."timezone", "created_timezone" = excluded."created_timezone",
  "start_time" = excluded."start_time", "end_time" = excluded."end_time",
  "unexpected_end_time" = excluded."unexpected_end_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "peculiarities" = excluded."peculiarities", "validity" = excluded."validity",
  "missing_data_ratio" = excluded."missing_data_ratio", "callback_version" = excluded."callback_version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "sleep_date" = excluded."sleep_date",
  "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or t.sleep_date is not null and t.sleep_date is distinct from excluded.sleep_date then true end
where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
returning t."user_id", t."session_id", t.delivery_id, t.xmax = 0 as is_new;

-- partStatements(sleep_stats).clear, of a shard: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[]
delete from "sleep_stats" as p
using unnest($1::text[], $2::text[]) with ordinality as r("user_id", "session_id", nth)
where p."user_id" = r."user_id" and p."session_id" = r."session_id" and p."user_id" = any($1::text[]);

-- partStatements(sleep_stats).insert, of a shard: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 sleep_time timestamp with time zone[],
--   $4 wake_time timestamp with time zone[], $5 sleep_index integer[], $6 sleep_latency integer[],
--   $7 wakeup_latency integer[], $8 light_latency integer[], $9 deep_latency integer[], $10 rem_latency integer[],
--   $11 time_in_bed integer[], $12 time_in_sleep_period integer[], $13 time_in_sleep integer[],
--   $14 time_in_wake integer[], $15 time_in_light integer[], $16 time_in_deep integer[], $17 time_in_rem integer[],
--   $18 time_in_stable_breath integer[], $19 time_in_unstable_breath integer[], $20 time_in_snoring integer[],
--   $21 time_in_no_snoring integer[], $22 sleep_efficiency numeric[], $23 sleep_ratio numeric[],
--   $24 wake_ratio numeric[], $25 light_ratio numeric[], $26 deep_ratio numeric[], $27 rem_ratio numeric[],
--   $28 stable_breath_ratio numeric[], $29 unstable_breath_ratio numeric[], $30 snoring_ratio numeric[],
--   $31 no_snoring_ratio numeric[], $32 breathing_index numeric[], $33 breathing_pattern text[],
--   $34 waso_count integer[], $35 longest_waso integer[], $36 sleep_cycle_count integer[], $37 sleep_cycle numeric[],
--   $38 sleep_cycle_time text[], $39 unstable_breath_count integer[], $40 snoring_count integer[],
--   $41 delivery_id uuid[], $42 received_at timestamp with time zone[]
insert into "sleep_stats" (
  "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency", "light_latency",
  "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep", "time_in_wake",
  "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath", "time_in_snoring",
  "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio", "deep_ratio", "rem_ratio",
  "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio", "breathing_index",
  "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle", "sleep_cycle_time",
  "unstable_breath_count", "snoring_count", "delivery_id", "received_at"
)
select distinct on (k.owner collate "C", r."session_id" collate "C")
  k.owner, r."session_id", r."sleep_time", r."wake_time", r."sleep_index", r."sleep_latency", r."wakeup_latency",
  r."light_latency", r."deep_latency", r."rem_latency", r."time_in_bed", r."time_in_sleep_period", r."time_in_sleep",
  r."time_in_wake", r."time_in_light", r."time_in_deep", r."time_in_rem", r."time_in_stable_breath",
  r."time_in_unstable_breath", r."time_in_snoring", r."time_in_no_snoring", r."sleep_efficiency", r."sleep_ratio",
  r."wake_ratio", r."light_ratio", r."deep_ratio", r."rem_ratio", r."stable_breath_ratio", r."unstable_breath_ratio",
  r."snoring_ratio", r."no_snoring_ratio", r."breathing_index", r."breathing_pattern", r."waso_count", r."longest_waso",
  r."sleep_cycle_count", r."sleep_cycle", r."sleep_cycle_time"::timestamp with time zone[], r."unstable_breath_count",
  r."snoring_count", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::timestamp with time zone[], $4::timestamp with time zone[], $5::integer[], $6::integer[],
  $7::integer[], $8::integer[], $9::integer[], $10::integer[], $11::integer[], $12::integer[], $13::integer[],
  $14::integer[], $15::integer[], $16::integer[], $17::integer[], $18::integer[], $19::integer[], $20::integer[],
  $21::integer[], $22::numeric[], $23::numeric[], $24::numeric[], $25::numeric[], $26::numeric[], $27::numeric[],
  $28::numeric[], $29::numeric[], $30::numeric[], $31::numeric[], $32::numeric[], $33::text[], $34::integer[],
  $35::integer[], $36::integer[], $37::numeric[], $38::text[], $39::integer[], $40::integer[], $41::uuid[],
  $42::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "sleep_time", "wake_time", "sleep_index", "sleep_latency", "wakeup_latency", "light_latency",
  "deep_latency", "rem_latency", "time_in_bed", "time_in_sleep_period", "time_in_sleep", "time_in_wake",
  "time_in_light", "time_in_deep", "time_in_rem", "time_in_stable_breath", "time_in_unstable_breath", "time_in_snoring",
  "time_in_no_snoring", "sleep_efficiency", "sleep_ratio", "wake_ratio", "light_ratio", "deep_ratio", "rem_ratio",
  "stable_breath_ratio", "unstable_breath_ratio", "snoring_ratio", "no_snoring_ratio", "breathing_index",
  "breathing_pattern", "waso_count", "longest_waso", "sleep_cycle_count", "sleep_cycle", "sleep_cycle_time",
  "unstable_breath_count", "snoring_count", "delivery_id", "received_at", nth
)
join "owners" as k on k.owner = r."user_id"
where k.owner = any($1::text[])
order by k.owner collate "C", r."session_id" collate "C";

-- partStatements(sleep_stage_series).clear, of a shard: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[]
delete from "sleep_stage_series" as p
using unnest($1::text[], $2::text[]) with ordinality as r("user_id", "session_id", nth)
where p."user_id" = r."user_id" and p."session_id" = r."session_id" and p."user_id" = any($1::text[]);

-- partStatements(sleep_stage_series).insert, of a shard: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 series text[], $4 stages smallint[], $5 stages_at integer[],
--   $6 stages_length integer[], $7 delivery_id uuid[], $8 received_at timestamp with time zone[]
insert into "sleep_stage_series" ("user_id", "session_id", "series", "stages", "delivery_id", "received_at")
select distinct on (k.owner collate "C", r."session_id" collate "C", r."series" collate "C")
  k.owner, r."session_id", r."series", w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1],
  r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $5::integer[], $6::integer[], $7::uuid[], $8::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "series", "stages_at", "stages_length", "delivery_id", "received_at", nth
)
cross join (select $4::smallint[] as "stages") as w
join "owners" as k on k.owner = r."user_id"
where k.owner = any($1::text[])
order by k.owner collate "C", r."session_id" collate "C", r."series" collate "C";

-- deleteByDelivery(sleep_sessions), of a shard: src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
delete from "sleep_sessions" as t
using unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
where t."user_id" = r.owner and t.delivery_id = r.delivery_id and t."user_id" = any($1::text[]);

-- upsert(scores), of a shard: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 type text[], $6 state text[],
--   $7 score numeric[], $8 data_sources text[], $9 score_date_time timestamp with time zone[],
--   $10 utc_offset_minutes smallint[], $11 local_date date[], $12 created_at_utc timestamp with time zone[],
--   $13 version numeric[], $14 delivery_id uuid[], $15 received_at timestamp with time zone[]
insert into "scores" as t (
  "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
  "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at"
)
select distinct on (k.owner collate "C", r."id" collate "C")
  k.owner, r."id", r."account_id", r."external_id", r."type", r."state", r."score", r."data_sources"::text[],
  r."score_date_time", r."utc_offset_minutes", r."local_date", r."created_at_utc", r."version", r."delivery_id",
  r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[],
  $9::timestamp with time zone[], $10::smallint[], $11::date[], $12::timestamp with time zone[], $13::numeric[],
  $14::uuid[], $15::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "type", "state", "score", "data_sources", "score_date_time",
  "utc_offset_minutes", "local_date", "created_at_utc", "version", "delivery_id", "received_at", nth
)
join "owners" as k on k.owner = r."profile_id"
where k.owner = any($1::text[])
order by
  k.owner collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "type" = excluded."type",
  "state" = excluded."state", "score" = excluded."score", "data_sources" = excluded."data_sources",
  "score_date_time" = excluded."score_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "created_at_utc" = excluded."created_at_utc", "version" = excluded."version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or t.local_date is not null and t.local_date is distinct from excluded.local_date then true end
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- partStatements(score_factors).clear, of a shard: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[]
delete from "score_factors" as p
using unnest($1::text[], $2::text[]) with ordinality as r("profile_id", "id", nth)
where p."profile_id" = r."profile_id" and p."score_id" = r."id" and p."profile_id" = any($1::text[]);

-- partStatements(score_factors).insert, of a shard: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 score_id text[], $3 position integer[], $4 id text[], $5 name text[], $6 value numeric[],
--   $7 goal numeric[], $8 score numeric[], $9 state text[], $10 unit text[], $11 account_id text[],
--   $12 external_id text[], $13 delivery_id uuid[], $14 received_at timestamp with time zone[]
insert into "score_factors" (
  "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
  "external_id", "delivery_id", "received_at"
)
select distinct on (k.owner collate "C", r."score_id" collate "C", r."position")
  k.owner, r."score_id", r."position", r."id", r."name", r."value", r."goal", r."score", r."state", r."unit",
  r."account_id", r."external_id", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[],
  $9::text[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "score_id", "position", "id", "name", "value", "goal", "score", "state", "unit", "account_id",
  "external_id", "delivery_id", "received_at", nth
)
join "owners" as k on k.owner = r."profile_id"
where k.owner = any($1::text[])
order by k.owner collate "C", r."score_id" collate "C", r."position";

-- deleteByDelivery(scores), of a shard: src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
delete from "scores" as t
using unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
where t."profile_id" = r.owner and t.delivery_id = r.delivery_id and t."profile_id" = any($1::text[]);

-- upsert(sleep_stage_windows), of a shard: src/db/sql/upserts.ts
--   $1 user_id text[], $2 session_id text[], $3 series text[], $4 inference_seq_num integer[], $5 seq_num integer[],
--   $6 stages smallint[], $7 stages_at integer[], $8 stages_length integer[], $9 callback_version text[],
--   $10 delivery_id uuid[], $11 received_at timestamp with time zone[]
insert into "sleep_stage_windows" as t (
  "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages", "callback_version", "delivery_id",
  "received_at"
)
select distinct on (k.owner collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num")
  k.owner, r."session_id", r."series", r."inference_seq_num", r."seq_num",
  w."stages"[r."stages_at" : r."stages_at" + r."stages_length" - 1], r."callback_version", r."delivery_id",
  r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $7::integer[], $8::integer[], $9::text[],
  $10::uuid[], $11::timestamp with time zone[]
) with ordinality as r(
  "user_id", "session_id", "series", "inference_seq_num", "seq_num", "stages_at", "stages_length", "callback_version",
  "delivery_id", "received_at", nth
)
cross join (select $6::smallint[] as "stages") as w
join "owners" as k on k.owner = r."user_id"
where k.owner = any($1::text[])
order by
  k.owner collate "C", r."session_id" collate "C", r."series" collate "C", r."inference_seq_num",
  ("r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("user_id", "session_id", "series", "inference_seq_num") do update
set
  "seq_num" = excluded."seq_num", "stages" = excluded."stages", "callback_version" = excluded."callback_version",
  "delivery_id" = excluded."delivery_id", "received_at" = excluded."received_at"
where ("t".received_at, "t".delivery_id) <= ("excluded".received_at, "excluded".delivery_id)
returning t."user_id", t."session_id", t."series", t."inference_seq_num", t.delivery_id, t.xmax = 0 as is_new;

-- deleteByDelivery(sleep_stage_windows), of a shard: src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
delete from "sleep_stage_windows" as t
using unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
where t."user_id" = r.owner and t.delivery_id = r.delivery_id and t."user_id" = any($1::text[]);

-- upsert(biomarkers), of a shard: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 category text[],
--   $6 type text[], $7 periodicity text[], $8 aggregation text[], $9 value text[], $10 value_number numeric[],
--   $11 unit text[], $12 value_type text[], $13 start_date_time timestamp with time zone[],
--   $14 end_date_time timestamp with time zone[], $15 utc_offset_minutes smallint[], $16 local_date date[],
--   $17 end_utc_offset_minutes smallint[], $18 created_at_utc timestamp with time zone[], $19 version numeric[],
--   $20 delivery_id uuid[], $21 received_at timestamp with time zone[]
insert into "biomarkers" as t (
  "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
  "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
  "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at"
)
select distinct on (k.owner collate "C", r."id" collate "C")
  k.owner, r."id", r."account_id", r."external_id", r."category", r."type", r."periodicity", r."aggregation", r."value",
  r."value_number", r."unit", r."value_type", r."start_date_time", r."end_date_time", r."utc_offset_minutes",
  r."local_date", r."end_utc_offset_minutes", r."created_at_utc", r."version", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::numeric[], $11::text[], $12::text[], $13::timestamp with time zone[], $14::timestamp with time zone[],
  $15::smallint[], $16::date[], $17::smallint[], $18::timestamp with time zone[], $19::numeric[], $20::uuid[],
  $21::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "category", "type", "periodicity", "aggregation", "value",
  "value_number", "unit", "value_type", "start_date_time", "end_date_time", "utc_offset_minutes", "local_date",
  "end_utc_offset_minutes", "created_at_utc", "version", "delivery_id", "received_at", nth
)
join "owners" as k on k.owner = r."profile_id"
where k.owner = any($1::text[])
order by
  k.owner collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "category" = excluded."category",
  "type" = excluded."type", "periodicity" = excluded."periodicity", "aggregation" = excluded."aggregation",
  "value" = excluded."value", "value_number" = excluded."value_number", "unit" = excluded."unit",
  "value_type" = excluded."value_type", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "created_at_utc" = excluded."created_at_utc", "version" = excluded."version", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at",
  "has_moved" = case when t."has_moved" or case when t.periodicity = 'daily' then (
    (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
      t.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end is not null and case when t.periodicity = 'daily' then (
    (t.start_date_time at time zone 'UTC') + coalesce(t.end_date_time - t.start_date_time, '0') / 2 + coalesce(
      t.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end is distinct from case when excluded.periodicity = 'daily' then (
    (excluded.start_date_time at time zone 'UTC') + coalesce(excluded.end_date_time - excluded.start_date_time, '0') / 2 + coalesce(
      excluded.utc_offset_minutes, 0
    ) * interval '1 minute'
  )::date end then true end
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- deleteByDelivery(biomarkers), of a shard: src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
delete from "biomarkers" as t
using unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
where t."profile_id" = r.owner and t.delivery_id = r.delivery_id and t."profile_id" = any($1::text[]);

-- upsert(archetypes), of a shard: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 name text[], $6 value text[],
--   $7 data_type text[], $8 periodicity text[], $9 ordinality integer[],
--   $10 start_date_time timestamp with time zone[], $11 end_date_time timestamp with time zone[],
--   $12 utc_offset_minutes smallint[], $13 local_date date[], $14 end_utc_offset_minutes smallint[],
--   $15 created_at_utc timestamp with time zone[], $16 version numeric[], $17 delivery_id uuid[],
--   $18 received_at timestamp with time zone[]
insert into "archetypes" as t (
  "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
  "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
  "version", "delivery_id", "received_at"
)
select distinct on (k.owner collate "C", r."id" collate "C")
  k.owner, r."id", r."account_id", r."external_id", r."name", r."value", r."data_type", r."periodicity", r."ordinality",
  r."start_date_time", r."end_date_time", r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes",
  r."created_at_utc", r."version", r."delivery_id", r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::integer[],
  $10::timestamp with time zone[], $11::timestamp with time zone[], $12::smallint[], $13::date[], $14::smallint[],
  $15::timestamp with time zone[], $16::numeric[], $17::uuid[], $18::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "name", "value", "data_type", "periodicity", "ordinality",
  "start_date_time", "end_date_time", "utc_offset_minutes", "local_date", "end_utc_offset_minutes", "created_at_utc",
  "version", "delivery_id", "received_at", nth
)
join "owners" as k on k.owner = r."profile_id"
where k.owner = any($1::text[])
order by
  k.owner collate "C", r."id" collate "C",
  (
    coalesce("r"."created_at_utc", '-infinity'::timestamptz), coalesce("r"."version", '-infinity'::numeric),
    "r".received_at, "r".delivery_id
  ) desc,
  r.nth desc
on conflict ("profile_id", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "name" = excluded."name",
  "value" = excluded."value", "data_type" = excluded."data_type", "periodicity" = excluded."periodicity",
  "ordinality" = excluded."ordinality", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "created_at_utc" = excluded."created_at_utc", "version" = excluded."version", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at", "pulled_at" = excluded."pulled_at"
where (
  coalesce("t"."created_at_utc", '-infinity'::timestamptz), coalesce("t"."version", '-infinity'::numeric),
  "t".pulled_at is null, "t".received_at, "t".delivery_id
) <= (
  coalesce("excluded"."created_at_utc", '-infinity'::timestamptz), coalesce("excluded"."version", '-infinity'::numeric),
  "excluded".pulled_at is null, "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- deleteByDelivery(archetypes), of a shard: src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
delete from "archetypes" as t
using unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
where t."profile_id" = r.owner and t.delivery_id = r.delivery_id and t."profile_id" = any($1::text[]);

-- upsert(data_logs), of a shard: src/db/sql/upserts.ts
--   $1 profile_id text[], $2 id text[], $3 account_id text[], $4 external_id text[], $5 log_type text[],
--   $6 data_type text[], $7 received_at_utc timestamp with time zone[], $8 parent_id text[], $9 value numeric[],
--   $10 unit text[], $11 source text[], $12 recording_method text[], $13 device_type text[],
--   $14 start_date_time timestamp with time zone[], $15 end_date_time timestamp with time zone[],
--   $16 utc_offset_minutes smallint[], $17 local_date date[], $18 end_utc_offset_minutes smallint[],
--   $19 additional_properties text[], $20 delivery_id uuid[], $21 received_at timestamp with time zone[]
insert into "data_logs" as t (
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at"
)
select distinct on (k.owner collate "C", r."data_type" collate "C", r."id" collate "C")
  k.owner, r."id", r."account_id", r."external_id", r."log_type", r."data_type", r."received_at_utc", r."parent_id",
  r."value", r."unit", r."source", r."recording_method", r."device_type", r."start_date_time", r."end_date_time",
  r."utc_offset_minutes", r."local_date", r."end_utc_offset_minutes", r."additional_properties"::jsonb, r."delivery_id",
  r."received_at"
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamp with time zone[], $8::text[],
  $9::numeric[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamp with time zone[],
  $15::timestamp with time zone[], $16::smallint[], $17::date[], $18::smallint[], $19::text[], $20::uuid[],
  $21::timestamp with time zone[]
) with ordinality as r(
  "profile_id", "id", "account_id", "external_id", "log_type", "data_type", "received_at_utc", "parent_id", "value",
  "unit", "source", "recording_method", "device_type", "start_date_time", "end_date_time", "utc_offset_minutes",
  "local_date", "end_utc_offset_minutes", "additional_properties", "delivery_id", "received_at", nth
)
join "owners" as k on k.owner = r."profile_id"
where k.owner = any($1::text[])
order by
  k.owner collate "C", r."data_type" collate "C", r."id" collate "C",
  (coalesce("r"."received_at_utc", '-infinity'::timestamptz), "r".received_at, "r".delivery_id) desc, r.nth desc
on conflict ("profile_id", "data_type", "id") do update
set
  "account_id" = excluded."account_id", "external_id" = excluded."external_id", "log_type" = excluded."log_type",
  "received_at_utc" = excluded."received_at_utc", "parent_id" = excluded."parent_id", "value" = excluded."value",
  "unit" = excluded."unit", "source" = excluded."source", "recording_method" = excluded."recording_method",
  "device_type" = excluded."device_type", "start_date_time" = excluded."start_date_time",
  "end_date_time" = excluded."end_date_time", "utc_offset_minutes" = excluded."utc_offset_minutes",
  "local_date" = excluded."local_date", "end_utc_offset_minutes" = excluded."end_utc_offset_minutes",
  "additional_properties" = excluded."additional_properties", "delivery_id" = excluded."delivery_id",
  "received_at" = excluded."received_at"
where (coalesce("t"."received_at_utc", '-infinity'::timestamptz), "t".received_at, "t".delivery_id) <= (
  coalesce("excluded"."received_at_utc", '-infinity'::timestamptz), "excluded".received_at, "excluded".delivery_id
)
returning t."profile_id", t."data_type", t."id", t.delivery_id, t.xmax = 0 as is_new;

-- deleteByDelivery(data_logs), of a shard: src/db/sql/upserts.ts
--   $1 owner text[], $2 delivery_id uuid[]
delete from "data_logs" as t
using unnest($1::text[], $2::uuid[]) with ordinality as r("owner", "delivery_id", nth)
where t."profile_id" = r.owner and t.delivery_id = r.delivery_id and t."profile_id" = any($1::text[]);

-- =====================================================================================================================
-- Quarantine (src/db/quarantine.ts)

-- insertUnverified: src/db/sql/quarantine-statements.ts
--   $1 delivery_id uuid[], $2 vendor text[], $3 headers text[], $4 hashed_headers text[], $5 body bytea[],
--   $6 received_at timestamp with time zone[], $7 users text[]
with arrived as (
  select delivery_id, vendor, headers::jsonb, hashed_headers::jsonb, body, received_at, nth
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[], $7::text[]) with ordinality as r(
    delivery_id, vendor, headers, hashed_headers, body, received_at, users, nth
  )
  where not (select exists (select from erasures))
    or not exists (
      select
      from jsonb_array_elements_text(users::jsonb) as u(id)
      where (
        select true
        from erasures as e
        where e.person = sha256(
          (select k.key from erasure_key as k) || convert_to(r.vendor || ' user ' || u.id, 'UTF8')
        )
          and e.lifted_at is null
      )
    )
)
insert into unverified_deliveries (delivery_id, vendor, headers, hashed_headers, body, received_at, position)
select
  delivery_id, vendor, headers, hashed_headers, body, received_at,
  coalesce(
    (
      select u.position + octet_length(u.body) + octet_length(u.headers::text) + octet_length(u.hashed_headers::text) + 256
      from unverified_deliveries as u
      order by u.position desc limit 1
    ),
    0
  ) + sum(octet_length(a.body) + octet_length(a.headers::text) + octet_length(a.hashed_headers::text) + 256) over (
    order by nth
  ) - (octet_length(a.body) + octet_length(a.headers::text) + octet_length(a.hashed_headers::text) + 256)
from arrived as a;

-- deleteOldestUnverified: src/db/sql/quarantine-statements.ts
--   $1 max_bytes bigint
delete from unverified_deliveries
where position < (
  select u.position + octet_length(u.body) + octet_length(u.headers::text) + octet_length(u.hashed_headers::text) + 256
  from unverified_deliveries as u
  order by u.position desc limit 1
) - $1::bigint;

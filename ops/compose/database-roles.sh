#!/usr/bin/env bash
# Brings the roles of the compose file's database into order. It may run at any time, and as often as you like.
#
# - `postgres` is the superuser. It has no password: only the socket leads to it.
# - `nightpost` is the role of the service. It owns the database `nightpost` and everything in it, and nothing else.
# - `nightpost_reader` may read the tables and views.
#
# In a volume of version 0.1.0 the superuser is called `nightpost`. It is renamed to `postgres`, and what it owns in the
# database goes to the new role `nightpost`, so that SQL clients go on with the same name.
set -euo pipefail
export PGHOST=${PGHOST:-/var/run/postgresql} PGOPTIONS="--client-min-messages=warning"
password=$(cat "${1:-/run/database}/password")

# sql USER DATABASE: runs the statements on standard input.
sql() {
  psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --username "$1" --dbname "$2"
}

# The role that initdb made has the oid 10. It cannot become an ordinary role.
if ! sql postgres postgres <<< 'select' > /dev/null 2>&1; then
  echo 'The superuser nightpost becomes postgres. The service gets a role of its own.'
  # A role cannot rename itself.
  sql nightpost postgres <<'SQL'
    drop role if exists nightpost_rename;
    create role nightpost_rename superuser login;
SQL
  sql nightpost_rename postgres <<'SQL'
    select format('alter role %I rename to postgres', rolname) from pg_roles where oid = 10 \gexec
SQL
fi

DATABASE_PASSWORD=$password sql postgres postgres <<'SQL'
  \getenv password DATABASE_PASSWORD
  begin;
  drop role if exists nightpost_rename;
  select 'create role nightpost'
    where not exists (select from pg_roles where rolname = 'nightpost') \gexec
  -- Keeps the password out of the server's log.
  set local log_statement = 'none';
  set local log_min_duration_statement = -1;
  set local log_min_error_statement = 'panic';
  alter role nightpost login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'password';
  alter role postgres password null;
  select 'create role nightpost_reader nologin'
    where not exists (select from pg_roles where rolname = 'nightpost_reader') \gexec
  -- Nightpost uses it to keep values of rows out of Postgres' log.
  grant set on parameter log_min_messages to nightpost;
  commit;
  select 'create database nightpost owner nightpost'
    where not exists (select from pg_database where datname = 'nightpost') \gexec
SQL

# `reassign owned` refuses the role that initdb made, because it also owns the catalog.
sql postgres nightpost <<'SQL'
  begin;
  alter database nightpost owner to nightpost;
  revoke connect, temporary on database nightpost from public;
  grant connect on database nightpost to nightpost_reader;
  select format('alter %s %s owner to nightpost', kind, name)
  from (
    select 'schema', quote_ident(nspname), oid, 'pg_namespace'::regclass, nspname
      from pg_namespace where nspowner = 10
    union all
    select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
        c.oid::regclass::text, c.oid, 'pg_class'::regclass, nspname
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where relowner = 10 and relkind in ('r', 'p', 'v', 'm', 'S')
    union all
    select 'routine', p.oid::regprocedure::text, p.oid, 'pg_proc'::regclass, nspname
      from pg_proc p join pg_namespace n on n.oid = pronamespace where proowner = 10
    union all
    select 'type', t.oid::regtype::text, t.oid, 'pg_type'::regclass, nspname
      from pg_type t join pg_namespace n on n.oid = typnamespace where typowner = 10 and typtype in ('d', 'e', 'r')
  ) own (kind, name, id, class, schema)
  where schema !~ '^pg_' and schema <> 'information_schema'
    -- A sequence of a column follows its table, and what an extension made stays with it.
    and not exists (select from pg_depend where classid = class and objid = id and deptype in ('a', 'i', 'e')) \gexec
  commit;
SQL
echo 'The role nightpost owns the database nightpost.'

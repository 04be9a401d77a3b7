#!/usr/bin/env bash
# Backups of the compose file's database, in the directory BACKUP_DIRECTORY (/backups).
#
#   backup.sh nightly         makes one now, and then one every night at BACKUP_HOUR (UTC)
#   backup.sh dump            makes one now
#   backup.sh list            lists them, oldest first
#   backup.sh check           ends with status 1 if the newest is older than 26 hours
#   backup.sh restore FILE    replaces the database by the backup; the former database is kept under another name
#
# A backup is pg_dump's custom format. It is written under another name first, and its table of contents is read back, so
# that a file with the ending .dump is complete. Backups older than BACKUP_KEEP_DAYS are deleted after a new one is made.
set -euo pipefail
umask 077
export PGHOST=${PGHOST:-/var/run/postgresql} PGUSER=${PGUSER:-postgres} PGOPTIONS="--client-min-messages=warning"
directory=${BACKUP_DIRECTORY:-/backups}
database=${BACKUP_DATABASE:-nightpost}
owner=${BACKUP_OWNER:-nightpost}

dump() {
  local file part
  file="$directory/$database-$(date --utc +%Y-%m-%dT%H%M%SZ).dump"
  part="$file.part"
  rm -f "$directory/$database"-*.dump.part
  pg_dump --format custom --file "$part" "$database"
  pg_restore --list "$part" > /dev/null
  sync "$part"
  mv "$part" "$file"
  echo "$file ($(stat --format %s "$file") bytes)"
  # The newest one was just made, so at least one remains.
  find "$directory" -maxdepth 1 -name "$database-*.dump" -mtime "+$((${BACKUP_KEEP_DAYS:-14} - 1))" -print -delete |
    sed 's/^/deleted: /'
}

list() {
  find "$directory" -maxdepth 1 -name "$database-*.dump" -printf '%p %s bytes\n' | sort
}

check() {
  [ -n "$(find "$directory" -maxdepth 1 -name "$database-*.dump" -mmin -1560 -print -quit)" ] ||
    { echo "$directory: no backup of the last 26 hours" >&2; return 1; }
}

nightly() {
  local now next
  trap 'exit 0' TERM INT
  while true; do
    # A failure is on the log, and `check` reports it: the container becomes unhealthy.
    # A process of its own: behind `||`, bash would go on after a command that fails.
    bash "$0" dump || echo 'the backup failed' >&2
    now=$(date --utc +%s)
    next=$(date --utc --date "today ${BACKUP_HOUR:-3}:00" +%s)
    [ "$next" -gt "$now" ] || next=$(date --utc --date "tomorrow ${BACKUP_HOUR:-3}:00" +%s)
    # In the background, so that a signal ends the wait.
    sleep $((next - now)) &
    wait $!
  done
}

sql() {
  psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --dbname postgres \
    --set database="$database" --set owner="$owner" --set new="$database-restored" --set former="$1" --set pattern="$2"
}

restore() {
  local file=$1 former
  [ -f "$file" ] || file="$directory/$file"
  pg_restore --list "$file" > /dev/null
  former="$database-before-$(date --utc +%Y-%m-%dT%H%M%SZ)"
  if [ "$(sql '' '' <<< "select count(*) from pg_stat_activity where datname = :'database'")" != 0 ]; then
    echo "the database $database has open connections: stop the service and SQL clients first" >&2
    return 1
  fi
  sql '' '' <<< 'drop database if exists :"new"'
  sql '' '' <<< $'create database :"new" owner :"owner" encoding \'UTF8\' template template0'
  pg_restore --dbname "$database-restored" --exit-on-error --single-transaction "$file"
  # Rights on the database itself are not part of a dump.
  sql "$former" '' <<'SQL'
    begin;
    revoke connect, temporary on database :"new" from public;
    select format('grant connect on database %I to nightpost_reader', :'new')
      where exists (select from pg_roles where rolname = 'nightpost_reader') \gexec
    select format('alter database %I rename to %I', :'database', :'former')
      where exists (select from pg_database where datname = :'database') \gexec
    alter database :"new" rename to :"database";
    commit;
SQL
  echo "$database is restored from $file."
  if [ "$(sql "$former" '' <<< "select count(*) from pg_database where datname = :'former'")" = 1 ]; then
    echo "The former database is kept: drop database \"$former\" when you do not need it any more."
  fi
}

case "${1:-}" in
  nightly | dump | list | check) "$1" ;;
  restore) restore "${2:?the file of a backup: see backup.sh list}" ;;
  *) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac

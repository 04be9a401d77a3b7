#!/usr/bin/env bash
# Writes the password of the role nightpost, and the URL with it, into /run/database (or the directory in $1), which the
# containers share. POSTGRES_PASSWORD is taken if it is set. Otherwise a random password is generated once and kept. With
# NODE_ENV=production nothing is generated: it ends with status 1 unless POSTGRES_PASSWORD is set.
set -euo pipefail
directory=${1:-/run/database}
password=${POSTGRES_PASSWORD:-}

refuse() {
  echo "$1" >&2
  exit 1
}

advice='Set it in .env, for example to the output of: openssl rand -hex 24. An existing database gets the new password.'
if [ "${NODE_ENV:-}" = production ]; then
  [ -n "$password" ] || refuse "POSTGRES_PASSWORD: absent. NODE_ENV=production requires it. $advice"
  [ "$password" != nightpost ] ||
    refuse "POSTGRES_PASSWORD: it is the former default, which everybody knows. NODE_ENV=production refuses it. $advice"
fi
if [ -z "$password" ]; then
  [ -s "$directory/password" ] || echo 'POSTGRES_PASSWORD is not set: a random password is generated and kept.'
  password=$(cat "$directory/password" 2> /dev/null || od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n')
fi

# Only containers that mount the volume can read it. Postgres (uid 999) and Nightpost (uid 1000) do, so it is for all.
umask 022
write() {
  cat > "$directory/$1.new"
  mv "$directory/$1.new" "$directory/$1"
}
printf '%s' "$password" | write password
# Each byte is percent-encoded, so that any character may be in a password.
encoded=$(printf '%s' "$password" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
printf 'postgres://nightpost:%s@postgres:5432/nightpost' "$encoded" | write url

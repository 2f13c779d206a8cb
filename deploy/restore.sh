#!/bin/sh
# Put a dump of backup.sh in place of all that the database holds: restore.sh FILE [--yes]
#
# libpq's variables say which database. Stop everything that uses it before: an app or a daemon would work on with what
# it remembers. All or nothing: what fails leaves the database as it was.
set -eu
file=${1:?is the dump to restore}

statements=$(mktemp)
trap 'rm -f "$statements"' EXIT
pg_restore --no-owner --no-privileges --file="$statements" "$file"
others=$(psql --no-psqlrc --tuples-only --no-align --command \
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
if [ "$others" -gt 0 ]; then
    echo "$others connections use the database. Stop the app, the daemon, the UI and the code server first." >&2
    exit 1
fi
if [ "${2:-}" != --yes ]; then
    printf 'All that the database holds now is replaced by %s. Go on? [y/N] ' "$file"
    read -r answer
    [ "$answer" = y ] || exit 1
fi
# One transaction, after the removal of what is there: a table that came after the dump goes too.
{
    echo "begin; drop schema public cascade; create schema public;"
    grep -v '^CREATE SCHEMA public;$' "$statements"
    echo "commit;"
} | psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --output=/dev/null
echo "restored $file"

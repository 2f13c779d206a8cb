#!/bin/sh
# Dump the database into a file, and remove dumps that are older than they are kept: backup.sh [--daily]
#
# libpq's variables say which database (PGHOST, PGUSER, PGDATABASE, PGPASSWORD …). BACKUP_FOLDER is where dumps go,
# BACKUP_KEPT_DAYS (14) how long they stay. With --daily it never ends, and dumps at 02:15 of each day.
set -eu
umask 077
folder=${BACKUP_FOLDER:?is where dumps go}
kept_days=${BACKUP_KEPT_DAYS:-14}

dump() {
    file=$folder/svp-$(date -u +%Y%m%dT%H%M%SZ).dump
    # Complete or not there: a dump that was cut off must not pass for one.
    if pg_dump --format=custom --no-owner --no-privileges --file="$file.part" && pg_restore --list "$file.part" >/dev/null
    then
        mv "$file.part" "$file"
        echo "dumped to $file"
        # Only after a success: while dumps fail, the old ones are all there is.
        find "$folder" -name 'svp-*.dump' -mtime "+$((kept_days - 1))" -exec rm -f {} +
    else
        rm -f "$file.part"
        echo "no dump was made" >&2
        return 1
    fi
}

seconds_until_the_next() {
    now=$(($(date -u +%s) % 86400))
    echo $(((8100 - now + 86400) % 86400 + 1))
}

mkdir -p "$folder"
if [ "${1:-}" != --daily ]; then
    dump
    exit
fi
trap 'exit 0' TERM INT
dump || true # at once, so that a mistake shows when it is made
while :; do
    sleep "$(seconds_until_the_next)" &
    wait $!
    dump || true # the health check says so; the next night may do better
done

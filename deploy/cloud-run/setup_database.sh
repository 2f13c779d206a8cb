#!/bin/sh
# Make a PostgreSQL on Cloud SQL with a database, a user and the secret that holds its address: setup_database.sh [--yes]
#
# PROJECT and REGION say where. Takes a quarter of an hour, and can be run again: what is there stays.
# Each command: https://cloud.google.com/sdk/gcloud/reference/sql
set -eu
# shellcheck source-path=SCRIPTDIR source=steps.sh
. "$(dirname "$0")/steps.sh"
PROJECT=${PROJECT:?is the id of the Google Cloud project}
REGION=${REGION:?is a region, such as europe-west1}
INSTANCE=${INSTANCE:-svp}
TIER=${TIER:-db-custom-1-3840}

password=
# The user gets a password that only the secret knows. SQLAlchemy needs the driver's name, psycopg2 the socket's folder.
database_url() {
    printf 'postgresql+psycopg2://svp:%s@/svp?host=/cloudsql/%s:%s:%s' "$password" "$PROJECT" "$REGION" "$INSTANCE"
}

set_password() {
    if [ "$mode" = say ]; then
        printf '  gcloud sql users create svp (a new password)\n      unless the secret svp-database-url is there\n'
        return
    fi
    gcloud secrets describe svp-database-url --project="$PROJECT" >/dev/null 2>&1 && return
    password=$(new_key | tr -d '=_-')
    echo "+ gcloud sql users create svp" >&2
    # The password is an argument: gcloud takes it in no other way that asks nobody.
    gcloud sql users create svp --project="$PROJECT" --instance="$INSTANCE" --password="$password" 2>/dev/null ||
        gcloud sql users set-password svp --project="$PROJECT" --instance="$INSTANCE" --password="$password"
}

steps() {
    do_ gcloud services enable sqladmin.googleapis.com secretmanager.googleapis.com --project="$PROJECT"
    # Backups each night, 14 of them, and every moment of the last week.
    create_ "gcloud sql instances describe $INSTANCE --project=$PROJECT" \
        gcloud sql instances create "$INSTANCE" --project="$PROJECT" --region="$REGION" \
        --database-version=POSTGRES_17 --edition=enterprise --tier="$TIER" --storage-auto-increase \
        --backup --backup-start-time=02:00 --retained-backups-count=14 --enable-point-in-time-recovery \
        --deletion-protection --ssl-mode=ENCRYPTED_ONLY --connector-enforcement=REQUIRED
    create_ "gcloud sql databases describe svp --instance=$INSTANCE --project=$PROJECT" \
        gcloud sql databases create svp --project="$PROJECT" --instance="$INSTANCE"
    set_password
    create_secret svp-database-url database_url
}

go "$@"

#!/bin/sh
# Build the image and deploy everything on Cloud Run: deploy.sh [--yes]
#
#   svp-app      service      the app, open to everybody
#   svp-dagster  service      the Dagster UI, which asks for the operator's key
#   svp-daemon   worker pool  the daemon with its code server
#   svp-run      job          an execution of it for each run
#   svp-prepare  job          makes tables before the rest is deployed
#
#   BUCKET       bucket       the files that people upload, and what the runs keep
#
# PROJECT and REGION say where, NOTION_CLIENT_ID whose connection it is. Run setup_database.sh before, and make the secret
# svp-notion-client-secret. MORE_SECRETS names more, such as GEMINI_API_KEY=svp-gemini-api-key:latest.
# Each command: https://cloud.google.com/sdk/gcloud/reference/run (worker-pools is in beta in SDK 528).
set -eu
# shellcheck source-path=SCRIPTDIR source=steps.sh
. "$(dirname "$0")/steps.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
PROJECT=${PROJECT:?is the id of the Google Cloud project}
REGION=${REGION:?is a region, such as europe-west1}
NOTION_CLIENT_ID=${NOTION_CLIENT_ID:?is the client ID of the connection in Notion\'s developer portal}
INSTANCE=${INSTANCE:-svp}
BUCKET=${BUCKET:-$PROJECT-svp}
TAG=${TAG:-$(date -u +%Y%m%d%H%M%S)}
number=${PROJECT_NUMBER:-$(gcloud projects describe "$PROJECT" --format='value(projectNumber)')}
# https://cloud.google.com/run/docs/triggering/https-request#deterministic
APP_URL=${APP_URL:-https://svp-app-$number.$REGION.run.app}
DAGSTER_URL=${DAGSTER_URL:-https://svp-dagster-$number.$REGION.run.app}

image=$REGION-docker.pkg.dev/$PROJECT/svp/svp:$TAG
database=$PROJECT:$REGION:$INSTANCE
# Nothing that a container keeps outlives it or is seen by another, so files lie in the bucket. Google's front end is
# the one proxy.
environment=SVP_APP_URL=$APP_URL,SVP_DAGSTER_URL=$DAGSTER_URL,SVP_PROXIES=1,NOTION_CLIENT_ID=$NOTION_CLIENT_ID
environment=$environment,SVP_STORAGE=gs://$BUCKET/svp,SVP_DAGSTER_CONFIG=/app/deploy/cloud-run/dagster.yaml
environment=$environment,GOOGLE_CLOUD_PROJECT=$PROJECT,GOOGLE_CLOUD_REGION=$REGION
secrets=DATABASE_URL=svp-database-url:latest,SVP_ENCRYPTION_KEYS=svp-encryption-keys:latest
secrets=$secrets,SVP_APP_SECRET_KEY=svp-app-secret-key:latest,SVP_OPERATOR_KEY=svp-operator-key:latest
secrets=$secrets,NOTION_CLIENT_SECRET=svp-notion-client-secret:latest${MORE_SECRETS:+,$MORE_SECRETS}

account() {
    echo "$1@$PROJECT.iam.gserviceaccount.com"
}

# An account for each kind of program: only the daemon and the UI may start and end runs.
accounts() {
    for name in svp-app svp-dagster svp-run; do
        create_ "gcloud iam service-accounts describe $(account $name) --project=$PROJECT" \
            gcloud iam service-accounts create $name --project="$PROJECT"
        do_ gcloud projects add-iam-policy-binding "$PROJECT" --condition=None --format=none \
            --member="serviceAccount:$(account $name)" --role=roles/cloudsql.client
        for secret in $(echo "$secrets" | tr ',' '\n' | sed 's/.*=//; s/:.*//'); do
            do_ gcloud secrets add-iam-policy-binding "$secret" --project="$PROJECT" --format=none \
                --member="serviceAccount:$(account $name)" --role=roles/secretmanager.secretAccessor
        done
    done
}

# Nobody reaches it but by these accounts. The daemon's removes what is due, the others write and read.
bucket() {
    create_ "gcloud storage buckets describe gs://$BUCKET --project=$PROJECT" \
        gcloud storage buckets create "gs://$BUCKET" --project="$PROJECT" --location="$REGION" \
        --uniform-bucket-level-access --public-access-prevention
    for name in svp-app svp-dagster svp-run; do
        do_ gcloud storage buckets add-iam-policy-binding "gs://$BUCKET" --project="$PROJECT" --format=none \
            --member="serviceAccount:$(account $name)" --role=roles/storage.objectUser
    done
}

job() {
    name=$1
    shift
    do_ gcloud run jobs deploy "$name" --project="$PROJECT" --region="$REGION" --image="$image" \
        --service-account="$(account svp-run)" --set-cloudsql-instances="$database" \
        --set-env-vars="$environment" --set-secrets="$secrets" --max-retries=0 --cpu=1 "$@"
}

service() {
    name=$1
    shift
    do_ gcloud run deploy "$name" --project="$PROJECT" --region="$REGION" --image="$image" \
        --service-account="$(account "$name")" --set-cloudsql-instances="$database" \
        --set-secrets="$secrets" --allow-unauthenticated --cpu=1 --no-cpu-throttling "$@"
}

steps() {
    do_ gcloud services enable run.googleapis.com cloudbuild.googleapis.com artifactregistry.googleapis.com \
        secretmanager.googleapis.com sqladmin.googleapis.com iam.googleapis.com storage.googleapis.com \
        --project="$PROJECT"
    create_ "gcloud artifacts repositories describe svp --project=$PROJECT --location=$REGION" \
        gcloud artifacts repositories create svp --project="$PROJECT" --location="$REGION" --repository-format=docker
    for key in svp-encryption-keys svp-app-secret-key svp-operator-key; do
        create_secret $key new_key
    done
    accounts
    bucket
    do_ gcloud builds submit "$root" --project="$PROJECT" --region="$REGION" \
        --config="$root/deploy/cloud-run/cloudbuild.yaml" --substitutions="_IMAGE=$image"

    job svp-prepare --args=svp,prepare --memory=1Gi --task-timeout=10m
    do_ gcloud run jobs execute svp-prepare --project="$PROJECT" --region="$REGION" --wait
    # Its arguments are the launcher's. 2 GiB hold the files of a video too: the file system is in memory.
    job svp-run --memory=2Gi --task-timeout=65m
    do_ gcloud run jobs add-iam-policy-binding svp-run --project="$PROJECT" --region="$REGION" --format=none \
        --member="serviceAccount:$(account svp-dagster)" --role=roles/run.developer

    # One instance: two daemons would both start what is due.
    do_ gcloud beta run worker-pools deploy svp-daemon --project="$PROJECT" --region="$REGION" --image="$image" \
        --service-account="$(account svp-dagster)" --set-cloudsql-instances="$database" \
        --set-env-vars="$environment" --set-secrets="$secrets" --cpu=1 --memory=2Gi --scaling=1 \
        --args=svp,run,dagster-daemon,run,-w,workspace.yaml
    # One instance: sessions are in its memory.
    service svp-dagster --set-env-vars="$environment,SVP_DAGSTER_HOST=0.0.0.0,FORWARDED_ALLOW_IPS=*" --port=3000 \
        --memory=2Gi --min-instances=1 --max-instances=1 --args=svp,webserver
    # Each instance counts its limits for itself.
    service svp-app --set-env-vars="$environment" --memory=512Mi --min-instances=1 --max-instances=3 --concurrency=80 \
        --args=python,-m,oauth_app.serving
}

go "$@"
echo "The app: $APP_URL"
echo "Redirect URI for Notion's developer portal: $APP_URL/auth/notion/callback"
echo "The Dagster UI: $DAGSTER_URL (its key: gcloud secrets versions access latest --secret=svp-operator-key)"

# shellcheck shell=sh
# Sourced by the scripts beside it: they say what they will do, ask, and do it.
#
# A script describes its steps in a function `steps`, of `do_` and `create_` lines. It is called twice: first each line
# prints its command, then it runs it.

mode=say

# Run a command.
do_() {
    if [ "$mode" = say ]; then
        printf '  %s\n' "$*"
    else
        printf '+ %s\n' "$*" >&2
        "$@"
    fi
}

# Create something unless it is there: create_ "the command that shows it" the command that makes it
create_() {
    shows=$1
    shift
    if [ "$mode" = say ]; then
        printf '  %s\n      unless it is there\n' "$*"
        return
    fi
    # shellcheck disable=SC2086 # words of a command, made by the script itself
    if $shows >/dev/null 2>&1; then
        printf '= %s\n' "$shows" >&2
    else
        printf '+ %s\n' "$*" >&2
        "$@"
    fi
}

# Create a secret with what a command prints, unless it is there. The value is shown nowhere.
create_secret() {
    secret=$1
    shift
    if [ "$mode" = say ]; then
        printf '  gcloud secrets create %s\n      unless it is there\n' "$secret"
        return
    fi
    if ! gcloud secrets describe "$secret" --project="$PROJECT" >/dev/null 2>&1; then
        printf '+ gcloud secrets create %s\n' "$secret" >&2
        "$@" | gcloud secrets create "$secret" --project="$PROJECT" --replication-policy=automatic --data-file=-
    fi
}

# Print 32 random bytes as a key: what `svp new-key` prints.
new_key() {
    head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'
}

# Say all steps, ask, and take them. With --yes nobody is asked.
go() {
    echo "This will run:"
    steps
    if [ "${1:-}" != --yes ]; then
        printf 'Go on? [y/N] '
        read -r answer
        [ "$answer" = y ] || exit 1
    fi
    mode=run
    steps
}

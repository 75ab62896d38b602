#!/bin/sh
# Put a version of PostFlow into service, or go back to the one before: update.sh [VERSION]
#
# VERSION is a tag, branch or commit of the repository; `main` without one. To be called by root, for the first
# time too. Releases lie side by side: what serves is untouched until the new one is complete and the database
# migrated. If it does not become ready, the former one takes over again; the database stays migrated, so each
# migration has to leave a database that the version before can work with.
set -eu

version=${1:-main}
home=${POSTFLOW_HOME:-/srv/postflow}
ready=${POSTFLOW_READY_URL:-http://127.0.0.1:8000/readyz?require=worker,schedule}
wait_seconds=${POSTFLOW_WAIT_SECONDS:-90}
keep=3

say() { echo "update: $*"; }
as_postflow() { runuser -u postflow -- "$@"; }

exec 9>"$home/update.lock"
flock -n 9 || { say "another update is under way"; exit 1; }

repository=$home/repository
if git -C "$repository" remote get-url origin >/dev/null 2>&1; then
    git -C "$repository" fetch --quiet --tags --prune origin
fi
# A branch is meant as it is at its origin, not as it was at the last update.
commit=$(git -C "$repository" rev-parse --verify --quiet "origin/$version^{commit}") ||
    commit=$(git -C "$repository" rev-parse --verify "$version^{commit}")
release=$home/releases/$(git -C "$repository" log -1 --format=%cd --date=format:%Y%m%d-%H%M%S "$commit")-$(echo "$commit" | cut -c1-10)
former=$(readlink "$home/current" || true)

if [ ! -e "$release/complete" ]; then
    say "building $(basename "$release")"
    rm -rf "$release"
    mkdir -p "$release"
    git -C "$repository" archive "$commit" | tar -x -C "$release"
    ln -s ../../.env "$release/.env"
    python3 -m venv "$release/.venv"
    "$release/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
        --require-hashes -r "$release/${POSTFLOW_REQUIREMENTS:-requirements.txt}"
    (cd "$release" && .venv/bin/python manage.py collectstatic --noinput --verbosity 0)
    touch "$release/complete"
fi
manage() { (cd "$release" && as_postflow .venv/bin/python manage.py "$@"); }

manage check --deploy --fail-level ERROR
say "migrating"
manage migrate --noinput --verbosity 1

# `ln` alone cannot replace a link to a folder in one step.
switch_to() { ln -s "$1" "$home/current.new" && mv -T "$home/current.new" "$home/current"; }

restart() { systemctl restart postflow-web.service postflow-worker.service; }

is_ready() {
    python3 - "$ready" "$wait_seconds" <<'END'
import sys, time, urllib.error, urllib.request

ends_at, said = time.monotonic() + float(sys.argv[2]), "no answer"
while time.monotonic() < ends_at:
    try:
        sys.exit(print("update: ready:", urllib.request.urlopen(sys.argv[1], timeout=5).read().decode()))
    except urllib.error.HTTPError as error:
        said = error.read().decode()
    except OSError as error:
        said = str(error)
    time.sleep(0.5)
sys.exit(f"update: not ready within {sys.argv[2]} seconds: {said}")
END
}

say "switching to $(basename "$release")"
rm -f "$home/current.new"
switch_to "$release"
if restart && manage schedule_pixelfed_analytics && is_ready; then
    # The newest few stay, to go back to; what serves is never deleted.
    ls -1d "$home"/releases/*/ | sort -r | tail -n +$((keep + 1)) | while read -r old; do
        [ "${old%/}" = "$release" ] || [ "${old%/}" = "$former" ] || rm -rf "$old"
    done
    say "done"
    exit 0
fi
if [ -z "$former" ] || [ "$former" = "$release" ]; then
    say "failed, and there is no former version to go back to"
    exit 1
fi
say "failed, going back to $(basename "$former")"
switch_to "$former"
release=$former
restart
is_ready || say "the former version is not ready either: see journalctl -u postflow-web"
exit 1

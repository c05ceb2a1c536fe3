#!/usr/bin/env bash
# Tests the containers. Needs only Docker with Compose. Takes a few minutes to ten.
#
#   deploy/smoke.sh
#
# Repeats the run of runs/exact.yaml with four disturbances: more and fewer workers, killed trainers, a restart of
# Redis, all containers removed and started again. Each must end with the same weights as an undisturbed
# run in one container. Runs are submitted from the host, through the published port. Uses its own project, port
# and volumes, and removes them.
set -euo pipefail
cd "$(dirname "$0")/.."

export COMPOSE_PROJECT_NAME=gumshoe-smoke GUMSHOE_THREADS=${GUMSHOE_THREADS:-1}
export GUMSHOE_PORT=${GUMSHOE_PORT:-7171} GUMSHOE_HTTP_PORT=${GUMSHOE_HTTP_PORT:-7181}
readonly REFERENCE_IMAGE=gumshoe:standalone
# Time limit for one iteration on a slow machine, or for starting all services, in s.
readonly PATIENCE=600

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
die() { say "FAILED: $*"; "${compose[@]}" logs --no-color --tail 20 >&2 || true; exit 1; }
quietly() { local out; out=$("$@" 2>&1) || { printf '%s\n' "$out" >&2; die "$*"; }; }
# The client on the host, in a container, so that the host needs no Node.js.
gumshoe() {
  docker run --rm --init --network host -v "$PWD/models:/gumshoe/models:ro" -v "$PWD/runs:/gumshoe/runs:ro" \
    -e GUMSHOE_ADDRESS="127.0.0.1:$GUMSHOE_PORT" -e GUMSHOE_TOKEN="$token" gumshoe:local gumshoe "$@"
}
clean_up() { "${compose[@]}" down --volumes --timeout 20 >/dev/null 2>&1 || true; }
trap clean_up EXIT

count() { "${compose[@]}" ps -q "$1" | xargs -r docker inspect -f '{{.State.Health.Status}}' | grep -c '^healthy$' || true; }
until_healthy() { # SERVICE HOW_MANY
  local until=$((SECONDS + PATIENCE))
  while [ "$(count "$1")" != "$2" ]; do
    [ $SECONDS -lt $until ] || die "$1: $(count "$1") of $2 are healthy"
    sleep 1
  done
}
# "running 5/24": state and completed iterations of the run started last.
progress() { gumshoe status | awk -v run="$run" '$1 == run { print $2, $3 }'; }
# Submits the run under another name, and waits until its first iteration is done.
begin() {
  run=$1
  gumshoe submit runs/exact.yaml --name "$run" --remote-folder /gumshoe >/dev/null
  local until=$((SECONDS + PATIENCE))
  while disturbed_at=$(progress); [ "${disturbed_at#* 0/}" != "$disturbed_at" ]; do
    [ $SECONDS -lt $until ] || die "$run does not start"
  done
  case $disturbed_at in
    running*) ;;
    *) die "$run ended too early to be disturbed: $disturbed_at" ;;
  esac
}
must_end_the_same() {
  local told got
  told=$(gumshoe watch "$run" --json 2>/dev/null) || true
  got=$(digest_in <<<"$told")
  [ "$got" = "$wanted" ] || die "$run ended with ${got:-$told}, not with the weights of the undisturbed run"
  say "$run: the same digest"
}
digest_in() { sed -n 's/.*"weightsDigest": *"\([0-9a-f]*\)".*/\1/p' | head -1; }

say "build"
quietly "${compose[@]}" build secrets
quietly docker build -f deploy/Dockerfile --target standalone -t $REFERENCE_IMAGE .
base=$(docker inspect -f '{{.Size}}' node:22-bookworm-slim 2>/dev/null || echo 0)
size=$(docker inspect -f '{{.Size}}' gumshoe:local)
say "built: $((size / 1000000)) MB, of which Node's base image is $((base / 1000000)) MB"

say "one undisturbed run in one container"
wanted=$(docker run --rm --init -v "$PWD/models:/gumshoe/models:ro" -v "$PWD/runs:/gumshoe/runs:ro" \
  $REFERENCE_IMAGE gumshoe run runs/exact.yaml --json 2>/dev/null | digest_in)
[ -n "$wanted" ] || die "the undisturbed run has no digest"
say "digest $wanted"

clean_up
quietly "${compose[@]}" up --detach
for service in redis coordinator inference trainer reducer; do until_healthy $service 1; done
token=$("${compose[@]}" exec -T coordinator cat /secrets/token)
[ ${#token} -ge 32 ] || die "the token is too short"
say "up: all healthy"

begin exact-scaled
quietly "${compose[@]}" up --detach --scale inference=3
say "exact-scaled: 3 inference workers requested at $disturbed_at, started at $(progress)"
quietly "${compose[@]}" up --detach --scale inference=1
say "exact-scaled: back to 1 at $(progress)"
must_end_the_same

quietly "${compose[@]}" up --detach --scale trainer=2
until_healthy trainer 2
begin exact-killed
read -r -d '' first second <<<"$("${compose[@]}" ps -q trainer)" || true
# Docker does not restart a container after docker kill, ...
quietly docker kill "$first"
say "exact-killed: one of 2 trainers killed at $disturbed_at"
# ... but does after a crash.
docker exec "$second" sh -c 'kill -9 -1' || true
say "exact-killed: the other crashed at $(progress)"
must_end_the_same
[ "$(docker inspect -f '{{.RestartCount}}' "$second")" -ge 1 ] || die "Docker did not restart the trainer"
quietly "${compose[@]}" up --detach --scale trainer=1

begin exact-redis
quietly "${compose[@]}" restart redis
say "exact-redis: Redis restarted at $disturbed_at"
must_end_the_same

begin exact-down
quietly "${compose[@]}" down --timeout 20
say "exact-down: all containers removed at $disturbed_at"
quietly "${compose[@]}" up --detach
until_healthy coordinator 1
say "exact-down: up again, at $(progress)"
must_end_the_same
say "all checks passed"

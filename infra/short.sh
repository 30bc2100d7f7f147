#!/usr/bin/env bash
# All tests, in the time that two cores have: SHORT=1 make test. The widest packages try many
# cases, each in a system of its own, which the race detector makes three times as long: of
# these it has what does several things at once. All others have it whole. The tests of
# pkg/clinic run in two halves beside each other, because each process has one engine.
set -euo pipefail
cd "$(dirname "$0")/.."

wide=(fuzz lambdatest demo local/questionnaires local/stripesim)
rooms=(./pkg/clinic ./pkg/httpapi ./pkg/httpapi/web)
half='^Test[L-Z]'
at_once='AtOnce|Twice|Race|Racing|Meanwhile|While'

failed=0
run() { go test -shuffle=on -timeout 40m "$@" || failed=1; }

first() {
  run -run "$half" ./pkg/clinic
  run -race -run "$at_once" ./infra/local/stripesim "${rooms[@]}"
  return $failed
}

second() {
  run "${wide[@]/#/./infra/}" ./pkg/httpapi ./pkg/httpapi/web
  run -skip "$half" ./pkg/clinic
}

log=$(mktemp)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "$log"' EXIT
first >"$log" 2>&1 &
beside=$!
second
wait "$beside" || failed=1
cat "$log"

others=$(go list ./... | grep -vxF "$(printf 'evisit/infra/%s\n' "${wide[@]}" && printf 'evisit%s\n' "${rooms[@]#.}")")
# shellcheck disable=SC2086 # the names of packages have no spaces
run -race $others
exit $failed

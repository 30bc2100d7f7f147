#!/usr/bin/env bash
# All tests, in the time that two cores have: SHORT=1 make test. A function answers one
# request at a time, and all that the race detector is compiled into costs as much as half
# of the tests: what is run by several goroutines and needs no client of AWS has it here,
# all has it without SHORT. The tests of pkg/clinic run in two halves beside the others,
# because each process has one engine.
set -euo pipefail
cd "$(dirname "$0")/.."

half='^Test[L-Z]'
shared=(infra/local/clock infra/local/safe pkg/httpapi/exchange pkg/intake pkg/practice)

failed=0
run() { go test -shuffle=on -timeout 40m "$@" || failed=1; }

first() {
  run -run "$half" ./pkg/clinic
  CGO_ENABLED=1 run -race "${shared[@]/#/./}"
  return $failed
}

second() {
  # shellcheck disable=SC2046 # the names of packages have no spaces
  run $(go list ./... | grep -vxF "$(printf 'evisit/%s\n' pkg/clinic "${shared[@]}")")
  run -skip "$half" ./pkg/clinic
}

log=$(mktemp)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "$log"' EXIT
first >"$log" 2>&1 &
beside=$!
second
wait "$beside" || failed=1
cat "$log"
exit $failed

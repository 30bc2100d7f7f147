#!/usr/bin/env bash
# Runs every fuzz target in turn, each for the time given. SHORT=1 leaves out those of
# packages that import much of others, which all would be compiled for it: their inputs
# that are kept are tried by every test.
set -euo pipefail
export GOFLAGS=-vet=off # what a fuzz target is built of is instrumented, and built for it alone

# fuzz FOLDER TARGET TIME. Go before 1.27 may fail a target because its time is over
# (golang/go#75804): then there is no failing input, and the target runs again for a
# number of inputs, which has no deadline.
fuzz() {
  local log status
  log=$(go test "./$1" -run '^$' -fuzz "^$2\$" -fuzztime "$3" 2>&1) && status=0 || status=$?
  printf '%s\n' "$log"
  ((status == 0)) && return
  grep -qx '    context deadline exceeded' <<<"$log" && ! grep -q 'Failing input' <<<"$log" || return "$status"
  go test "./$1" -run '^$' -fuzz "^$2\$" -fuzztime 1000x
}

# heavy FOLDER: whether the tests of a package import more than fifty packages of others.
heavy() { (($(go list -deps -test "./$1" | grep -v '^evisit' | grep -c '[.].*/') > 50)); }

for file in $(git ls-files '*_test.go'); do
  for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
    if [[ -n ${SHORT:-} ]] && heavy "$(dirname "$file")"; then
      echo "== $target in $(dirname "$file"): not with SHORT=1"
      continue
    fi
    echo "== $target in $(dirname "$file")"
    fuzz "$(dirname "$file")" "$target" "$1"
  done
done

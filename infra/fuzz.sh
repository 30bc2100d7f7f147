#!/usr/bin/env bash
# Runs every fuzz target in turn, each for the time given.
set -euo pipefail
for file in $(git ls-files '*_test.go'); do
  for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
    echo "== $target in $(dirname "$file")"
    go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$1"
  done
done

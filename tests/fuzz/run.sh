#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs each libFuzzer program for a while: run.sh BUILD_DIR (FUZZ_SECONDS=60: for how long each;
# FUZZ_TARGETS: which, all by default). Ends with 1 and the input's name at the first finding.
#
# New inputs gather in BUILD_DIR/fuzz/found; a finding, mended, moves into tests/fuzz/corpus/TARGET.
set -eu

build=$1
seconds=${FUZZ_SECONDS:-60}
here=$(dirname "$0")
data=${FAULTLINE_TEST_DATA:-../shared/data}

# Seeds beside our own: public data where it is there.
seeds() {
  case $1 in
    walker_fuzz) echo json-test-suite/test_parsing ;;
    yaml_fuzz) echo yaml-test-suite/src sigmahq/rules/macos ;;
    rules_fuzz) echo sigmahq/rules/macos sigmahq/rules/web ;;
  esac
}

status=0
for program in "$build"/fuzz/*_fuzz; do
  name=$(basename "$program")
  case " ${FUZZ_TARGETS:-$name} " in *" $name "*) ;; *) continue ;; esac
  found=$build/fuzz/found/$name
  mkdir -p "$found"
  set -- "$found" "$here/corpus/$name"
  for folder in $(seeds "$name"); do
    if [ -d "$data/$folder" ]; then set -- "$@" "$data/$folder"; fi
  done
  if [ -f "$here/$name.dict" ]; then set -- "-dict=$here/$name.dict" "$@"; fi
  log=$build/fuzz/$name.log
  echo "fuzz: $name for $seconds s"
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$build/fuzz/$name-" "$@" >"$log" 2>&1; then
    sed -n -e 's/^stat::number_of_executed_units: */  inputs tried: /p' -e 's/^stat::new_units_added: */  new ones kept: /p' "$log"
  else
    status=1
    tail -n 60 "$log"
    echo "fuzz: a finding in $name; all it said: $log"
  fi
done
exit "$status"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD_DIR [OPTIONS of faultline bench]: all SigmaHQ Windows rules on the mixed Windows corpus.
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/.." && pwd)
build_dir=${1:?usage: bench/run.sh BUILD_DIR [OPTIONS]}
shift
program=$build_dir/bin/faultline
data=${FAULTLINE_TEST_DATA:-$source_dir/../shared/data}
rules=$data/sigmahq/rules/windows
events=$data/events/windows-mixed.ndjson.zst

missing=0
for needed in "$program" "$rules" "$events"; do
  if [ ! -e "$needed" ]; then
    echo "bench/run.sh: missing: $needed" >&2
    missing=1
  fi
done
if [ "$missing" -ne 0 ]; then
  echo "bench/run.sh: build with 'make build'; FAULTLINE_TEST_DATA names the folder of the public test data" >&2
  exit 74
fi

exec "$program" bench --quiet --rules "$rules" "$@" "$events"

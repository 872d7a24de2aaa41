#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of one preset and sums up: run_tests.sh PRESET
#
# The verdict is ctest's; the summary adds what ctest does not say: tests per label, and which cases were
# left out and why. Results stay in build/PRESET/ctest.xml.
set -eu

preset=$1
results=build/$preset/ctest.xml
rm -f "$results"

run=
# ThreadSanitizer of g++ 12 and clang 14 cannot map its shadow where the kernel randomises addresses
# with many bits; without randomisation it always can. Some containers forbid to ask for that.
if [ "$preset" = tsan ] && setarch -R true 2>/dev/null; then
  run='setarch -R'
fi

status=0
$run ctest --preset "$preset" --output-junit "$PWD/$results" || status=$?
ctest --preset "$preset" --show-only=json-v1 >"build/$preset/ctest.json"
python3 tools/test_summary.py "$results" "build/$preset/ctest.json" || status=1
exit "$status"

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The examples of docs/chains.md: they load, pass their tests, and do what the document shows.

setup() {
  EXAMPLES="$FAULTLINE_SOURCE/docs/examples/chains"
}

@test "each example loads without a finding" {
  for example in "$EXAMPLES"/*/; do
    run "$FAULTLINE" check --strict -r "$example"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
  done
}

@test "the examples load together" {
  run "$FAULTLINE" check --strict -r "$EXAMPLES"
  [ "$status" -eq 0 ]
}

@test "each example has tests, and they pass" {
  for example in "$EXAMPLES"/*/; do
    run "$FAULTLINE" test --format table "$example"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    for kind in 'exactly' 'a millisecond' 'out of order'; do
      grep -rq "^name: .*$kind" "$example/tests" || { echo "$example: no case '$kind'"; return 1; }
    done
  done
}

@test "a person who follows docs/chains.md sees what it shows" {
  cp -r "$EXAMPLES" "$BATS_TEST_TMPDIR/chains"
  cd "$BATS_TEST_TMPDIR/chains"
  PATH="$(dirname "$FAULTLINE"):$PATH" python3 "$FAULTLINE_SOURCE/tests/e2e/follow_document.py" \
    "$FAULTLINE_SOURCE/docs/chains.md"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The bench command proves its answer; how fast it is, is not tested.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  cat > rule.yml <<'RULE'
title: Even
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b11
level: low
logsource: {product: windows, service: system}
detection:
  selection: {EventID: 2}
  condition: selection
RULE
  for i in $(seq 1 100); do
    echo "{\"Channel\":\"System\",\"EventID\":$((i % 4)),\"Computer\":\"N$i\"}"
  done > events.ndjson
  echo 'no json' >> events.ndjson
}

@test "bench counts events and matches, and names every yardstick" {
  "$FAULTLINE" bench -r rule.yml --seconds 0 --format json events.ndjson > out.json
  grep -q '"rules":1,"events":101,' out.json
  grep -q '"matches":25,' out.json
  grep -Eq '"matches_digest":"[0-9a-f]{32}","rounds":3,' out.json
  for name in memcpy simdjson_ondemand_10_fields walk_and_route; do
    grep -Eq "\"ratios\":.*\"$name\":[0-9.]+" out.json
  done
}

@test "the digest names the matches: same for the same, another for others" {
  digest() { "$FAULTLINE" bench -r rule.yml --seconds 0 --format json "$1" | grep -o '"matches_digest":"[^"]*"'; }
  first=$(digest events.ndjson)
  [ "$(digest events.ndjson)" = "$first" ]
  { echo '{"a":1}'; cat events.ndjson; } > moved.ndjson
  [ "$(digest moved.ndjson)" != "$first" ]
}

@test "bench of nothing is an error" {
  : > empty.ndjson
  run "$FAULTLINE" bench -r rule.yml empty.ndjson
  [ "$status" -eq 74 ]
}

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
---
title: Sevens
id: 7e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b17
logsource: {product: windows, service: system}
detection:
  selection: {Computer|endswith: '7'}
  condition: selection
---
title: Anything said of nodes
id: 8e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b18
logsource: {product: windows}
detection:
  words: ['no such words']
  condition: words
RULE
  for i in $(seq 1 1000); do
    echo "{\"Channel\":\"System\",\"EventID\":$((i % 4)),\"Computer\":\"N$i\"}"
  done > events.ndjson
  echo 'no json' >> events.ndjson
}

bench() { "$FAULTLINE" bench -r rule.yml --seconds 0 --format json "$@"; }

@test "bench counts events and matches, and tells everything that it promises" {
  bench events.ndjson > out.json
  [ "$(jq -c '[.rules, .events, .matches, .rounds, .threads, .memo]' out.json)" = '[3,1001,350,9,1,"warm"]' ]
  jq -e '.matches_digest | test("^[0-9a-f]{32}$")' out.json
  jq -e '[.machine, .cache] | all(type == "string")' out.json
  jq -e '.versions.faultline and .versions.hyperscan' out.json
  jq -e '[.bytes, .load_seconds, .first_match_seconds, .compiled_seconds, .engine_rss_bytes,
          .events_per_second, .bytes_per_second] | all(type == "number")' out.json
  for name in memcpy simdjson_ondemand_10_fields walk_and_route; do
    jq -e ".yardsticks.$name > 0 and .ratios.$name > 0" out.json
  done
}

@test "rules that are dear are named with the reason" {
  bench events.ndjson > out.json
  [ "$(jq -c .cost_classes out.json)" = '{"hash":1,"literal":2}' ]
  [ "$(jq -r '.slowest_rules[] | [.title, .cost, .reason] | join("; ")' out.json)" = \
    'Anything said of nodes; literal; unrouted keywords' ]
}

@test "the digest names the matches: same for the same, another for others" {
  digest() { bench "$@" | jq -r .matches_digest; }
  first=$(digest events.ndjson)
  [ "$(digest events.ndjson)" = "$first" ]
  [ "$(digest --cold events.ndjson)" = "$first" ]
  [ "$(digest --threads 2 events.ndjson)" = "$first" ]
  [ "$(digest --cold --threads 3 events.ndjson)" = "$first" ]
  { echo '{"a":1}'; cat events.ndjson; } > moved.ndjson
  [ "$(digest moved.ndjson)" != "$first" ]
}

@test "several threads are compared with one" {
  bench --threads 2 events.ndjson > out.json
  jq -e '.threads == 2 and .ratios.one_thread > 0' out.json
}

@test "people get a table" {
  "$FAULTLINE" bench -r rule.yml --seconds 0 --cold --format table events.ndjson > out.txt
  grep -q '^cold memo, 1 thread, 9 rounds$' out.txt
  grep -q 'simdjson on-demand, 10 fields .* engine / it ' out.txt
  grep -q 'ns an event alone: Anything said of nodes (unrouted keywords)$' out.txt
}

@test "bench of nothing is an error" {
  : > empty.ndjson
  run "$FAULTLINE" bench -r rule.yml empty.ndjson
  [ "$status" -eq 74 ]
}

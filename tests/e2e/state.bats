#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What correlations keep: saved and taken up again by replay, looked into by state inspect, planned by
# explain, sized by check.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  cat > rules.yml <<'RULE'
title: Fault
name: fault
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7c01
status: test
level: low
logsource: {product: any}
detection:
  selection: {kind: fault}
  condition: selection
---
title: Failover
name: failover
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7c02
status: test
level: low
logsource: {product: any}
detection:
  selection: {kind: failover}
  condition: selection
---
title: Fault before a failover
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7c03
status: test
level: high
correlation:
  type: temporal_ordered
  group-by: [node]
  timespan: 10m
faultline:
  steps:
    - {on: fault, times: {gte: 2, within: 5m}}
    - {on: failover, within: 5m}
RULE
  printf '%s\n' '{"@timestamp":"2026-01-01T00:00:00Z","kind":"fault","node":"n1"}' \
    '{"@timestamp":"2026-01-01T00:01:00Z","kind":"fault","node":"n1"}' \
    '{"@timestamp":"2026-01-01T00:01:00Z","kind":"fault","node":"n2"}' > one.ndjson
  printf '%s\n' '{"@timestamp":"2026-01-01T00:03:00Z","kind":"failover","node":"n1"}' > two.ndjson
}

alerts() { jq -c '[.rule.title, .time, .group.node]' "$1"; }

@test "a replay goes on from the state that another one left" {
  "$FAULTLINE" replay -q -r rules.yml one.ndjson --save-state s -o first
  [ ! -s first ]
  "$FAULTLINE" replay -q -r rules.yml two.ndjson --load-state s -o second
  [ "$(alerts second)" = '["Fault before a failover","2026-01-01T00:03:00.000Z","n1"]' ]
  "$FAULTLINE" replay -q -r rules.yml two.ndjson -o without
  [ ! -s without ]
}

@test "state inspect tells what is open, what it waits for and until when" {
  "$FAULTLINE" replay -q -r rules.yml one.ndjson --save-state s -o out
  "$FAULTLINE" state inspect s -r rules.yml --format ndjson 2> err |
    jq -c '[.kind, .rule.title, .group.node, .since, .until, .waits_for]' | sort > lines
  [ "$(cat lines)" = '["window","Fault before a failover","n1","2026-01-01T00:00:00.000Z","2026-01-01T00:06:00.000Z","step failover"]
["window","Fault before a failover","n2","2026-01-01T00:01:00.000Z","2026-01-01T00:11:00.000Z","1 of 2 fault"]' ]
  grep -q "2 open windows and chains, 0 open incidents, up to 2026-01-01T00:01:00.000000001Z" err
  "$FAULTLINE" state inspect s -r rules.yml --format json -q | jq -e 'length == 2'
  "$FAULTLINE" state inspect s -r rules.yml --format table -q | grep -q "waits for step failover"
}

@test "a file that is no state, or is damaged, is refused with its name" {
  "$FAULTLINE" replay -q -r rules.yml one.ndjson --save-state s -o out
  for bad in one.ndjson rules.yml cut flipped; do
    head -c 60 s > cut
    { head -c 60 s; printf '\377'; tail -c +62 s; } > flipped
    run "$FAULTLINE" state inspect "$bad" -r rules.yml
    [ "$status" -eq 74 ]
    [[ "$output" == *"$bad"* ]]
    run "$FAULTLINE" replay -q -r rules.yml two.ndjson --load-state "$bad"
    [ "$status" -eq 74 ]
  done
  run "$FAULTLINE" state inspect none -r rules.yml
  [ "$status" -eq 74 ]
}

@test "explain --plan draws a correlation, check says what it keeps" {
  "$FAULTLINE" explain --plan -r rules.yml --rule "Fault before a failover" --format ndjson > plan
  jq -se '[.[] | .rule.title] == ["Fault", "Failover", "Fault before a failover"]' plan
  jq -se '.[2].plan | .operator == ["sequence: steps in order (temporal_ordered)"] and
    .window == ["sliding 10m"] and .inputs == ["fault (detection)", "failover (detection)"] and
    .steps == ["fault, 2 times within 5m", "failover, at most 5m behind the step before"] and
    .horizon_seconds == 600 and .state_bytes_per_key > 500' plan
  "$FAULTLINE" explain --plan -r rules.yml --rule "Fault before a failover" --format table > text
  grep -q "operator   sequence: steps in order" text
  "$FAULTLINE" check -q -r rules.yml --format json > report
  jq -e '[.rules[].state_bytes_per_key > 500] == [false, false, true]' report
  "$FAULTLINE" check -q -r rules.yml --format table | grep -q "looks back 10m, keeps [0-9]* bytes a key"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Commands, exit codes and streams of the program.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  cat > rule.yml <<'RULE'
title: Cluster registry checkpoint cannot be restored
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10
level: high
logsource: {product: windows, service: system}
detection:
  selection: {Provider_Name: ClusSvc, EventID: 1042}
  condition: selection
RULE
  cat > events.ndjson <<'EVENTS'
{"Channel":"System","Provider_Name":"ClusSvc","EventID":1042,"Computer":"NODE1","@timestamp":"2026-11-23T09:30:00Z"}
{"Channel":"System","Provider_Name":"ClusSvc","EventID":1,"Computer":"NODE1","@timestamp":"2026-11-23T09:30:01Z"}
not json
EVENTS
}

@test "help of every command names its exit codes or an example" {
  for command in check explain match replay "state inspect" test; do
    run "$FAULTLINE" $command --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"Exit codes"* ]]
  done
}

@test "an unknown command is a usage error with a suggestion" {
  run "$FAULTLINE" chek
  [ "$status" -eq 64 ]
  [[ "$output" == *"did you mean 'check'?"* ]]
}

@test "match writes one alert record per match to standard output only" {
  "$FAULTLINE" match --rules rule.yml < events.ndjson > out 2> err
  [ "$(wc -l < out)" -eq 1 ]
  grep -q '"offset":0' out
  grep -q '"kind":"detection"' out
}

@test "match --fail-on tells findings by its exit code" {
  run "$FAULTLINE" match -q --rules rule.yml --fail-on high events.ndjson
  [ "$status" -eq 1 ]
  run "$FAULTLINE" match -q --rules rule.yml --fail-on critical events.ndjson
  [ "$status" -eq 0 ]
}

@test "replay of a file counts events, alerts and dead letters" {
  run "$FAULTLINE" replay -q --rules rule.yml events.ndjson -o out.ndjson --summary sum.json
  [ "$status" -eq 0 ]
  [ "$(wc -l < out.ndjson)" -eq 1 ]
  grep -q '"records":3' sum.json
  grep -q '"dead_letters":1' sum.json
}

@test "replay --as names the origin of the next file" {
  run "$FAULTLINE" replay -q --rules rule.yml --as wef:3 events.ndjson -o out.ndjson
  [ "$status" -eq 0 ]
  grep -q '"topic":"wef","partition":3,"offset":0' out.ndjson
}

@test "check exits 2 on a bad rule and shows the place" {
  sed 's/condition: selection/condition: selektion/' rule.yml > bad.yml
  run "$FAULTLINE" check --rules bad.yml
  [ "$status" -eq 2 ]
  [[ "$output" == *"bad.yml:7"* ]]
}

@test "check --format json lists the rule" {
  "$FAULTLINE" check --rules rule.yml --format json > report.json
  grep -q '"active":1' report.json
}

@test "a wrong configuration exits 78 with line and caret" {
  printf 'kafka:\n  broker: x\n' > c.yaml
  run "$FAULTLINE" check -c c.yaml
  [ "$status" -eq 78 ]
  [[ "$output" == *"c.yaml:2:3"* ]]
  [[ "$output" == *"did you mean 'brokers'?"* ]]
}

@test "what only the program as a whole can judge has its place in the configuration too" {
  refused() {
    printf '%s\n' "$1" > c.yaml
    run "$FAULTLINE" "${@:3}" -c c.yaml -r chain.yml
    [ "$status" -eq 78 ]
    [[ "$output" == *"$2"* ]]
  }
  cat rule.yml - > chain.yml <<'CHAIN'
---
title: Twice
correlation: {type: event_count, rules: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10, timespan: 1m, condition: {gte: 2}}
CHAIN
  for command in run "check --offline"; do
    refused 'kafka: {brokers: "localhost:1", properties: {enable.auto.commit: true}}
inputs: [{topics: [a]}]' "c.yaml:1:46: error: the Kafka property 'enable.auto.commit' is refused" $command
    refused 'kafka: {brokers: "10.0.0.1:1"}
inputs: [{topics: [a]}]' "c.yaml:1:18: error: the connection to 10.0.0.1:1 would not be encrypted" $command
    refused 'kafka: {brokers: "localhost:1"}
inputs: [{topics: [a]}]
workers: 2' "c.yaml:3:10: error: 2 workers" $command
  done
  refused 'kafka: {brokers: "localhost:1"}
inputs: [{topics: [a]}]
http: {listen: "localhost:99999"}' "c.yaml:3:16: error: cannot listen" run
}

@test "check of an unreachable broker exits 69, --offline leaves it out" {
  run "$FAULTLINE" check --set kafka.brokers=127.0.0.1:1 -c /dev/null
  [ "$status" -eq 69 ]
  run "$FAULTLINE" check --offline --set kafka.brokers=127.0.0.1:1 -c /dev/null
  [ "$status" -eq 0 ]
}

@test "the starting configuration passes check" {
  "$FAULTLINE" config init > faultline.yaml
  run "$FAULTLINE" check --offline -c faultline.yaml
  [ "$status" -eq 0 ]
}

@test "precedence: file, environment, --set" {
  printf 'pipeline: one\ninstance: one\nkafka: {group: one}\n' > c.yaml
  FAULTLINE__INSTANCE=two FAULTLINE__PIPELINE=two \
    run "$FAULTLINE" config show -c c.yaml --set pipeline=three
  [ "$status" -eq 0 ]
  [[ "$output" == *"pipeline: three  # --set pipeline"* ]]
  [[ "$output" == *"instance: two  # FAULTLINE__INSTANCE"* ]]
  [[ "$output" == *"group: one  # c.yaml:3:16"* ]]
}

@test "version tells its libraries" {
  run "$FAULTLINE" version --format json
  [ "$status" -eq 0 ]
  [[ "$output" == *'"librdkafka":'* ]]
}

@test "an unknown option is a usage error with a suggestion" {
  run "$FAULTLINE" match --rulez rule.yml
  [ "$status" -eq 64 ]
  [[ "$output" == *"unknown option '--rulez'"*"did you mean '--rules'?"* ]]
  run "$FAULTLINE" config shwo
  [ "$status" -eq 64 ]
  [[ "$output" == *"did you mean 'show'?"* ]]
  run "$FAULTLINE"
  [ "$status" -eq 64 ]
  [[ "$output" == *"no command given"*"faultline --help"* ]]
}

@test "every command has help" {
  commands=$("$FAULTLINE" --help | sed -n '/^Subcommands:/,/^$/p' | awk '/^  [a-z]/ {print $1}')
  [ -n "$commands" ]
  for command in $commands; do
    run "$FAULTLINE" "$command" --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"--help"* ]]
  done
}

@test "completion knows every command and its options" {
  "$FAULTLINE" completion bash > completion.bash
  bash -n completion.bash
  commands=$("$FAULTLINE" --help | sed -n '/^Subcommands:/,/^$/p' | awk '/^  [a-z]/ {print $1}')
  [ -n "$commands" ]
  for command in $commands; do
    grep -q "^    $command) words=" completion.bash
    for option in $("$FAULTLINE" "$command" --help | grep -o -- '^ *\(-.,\)\?--[a-z-]*' | grep -o -- '--.*'); do
      grep "^    $command) words=" completion.bash | grep -q -- " $option\| \"$option\|\"$option"
    done
  done
  [[ "$(grep '^    explain) words=' completion.bash)" == *"--event"*"--plan"* ]]
}

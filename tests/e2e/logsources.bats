#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What inputs declare, and a user's own table of log sources.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  cat > rules.yml <<'RULES'
title: Immutable flag set
id: 0a1f5f0e-2b53-4d0c-9a58-5d4f1f1a0001
logsource: {product: linux, service: sudo}
detection:
  s: {COMMAND|contains: chattr}
  condition: s
---
title: Service failed
id: 0a1f5f0e-2b53-4d0c-9a58-5d4f1f1a0002
logsource: {product: windows, service: system}
detection:
  s: {EventID: 7023}
  condition: s
RULES
  cat > events.ndjson <<'EVENTS'
{"program":"agent","COMMAND":"chattr +i x"}
{"source":"System","EventID":7023}
EVENTS
}

ids() { grep -o '"rule":{"id":"[^"]*' | grep -o '...$'; }

@test "a declared log source takes the input's events and leaves other products' rules out" {
  [ -z "$("$FAULTLINE" match -q -r rules.yml events.ndjson)" ]
  [ "$("$FAULTLINE" match -q -r rules.yml --logsource product=linux,service=sudo events.ndjson | ids)" = 001 ]
  [ "$("$FAULTLINE" replay -q -r rules.yml --logsource product=windows,service=system events.ndjson | ids)" = 002 ]
}

@test "a slip in --logsource is a usage error that shows the form" {
  run "$FAULTLINE" match -r rules.yml --logsource produkt=linux events.ndjson
  [ "$status" -eq 64 ]
  [[ "$output" == *"product=NAME"* ]]
}

@test "check says which rules no input can give events for" {
  cat > faultline.yaml <<'CONFIG'
inputs:
  - topics: [a]
    logsource: {product: windows}
rules: {paths: [rules.yml]}
CONFIG
  "$FAULTLINE" check --offline -c faultline.yaml --format csv > out
  grep -q '^0a1f5f0e-2b53-4d0c-9a58-5d4f1f1a0001,.*,gated,no input is of product linux,' out
  grep -q '^0a1f5f0e-2b53-4d0c-9a58-5d4f1f1a0002,.*,active,' out
}

@test "a file of log sources overrides the built-in table" {
  printf 'windows: {services: {system: {where: {source: System}}}}\n' > mine.yaml
  [ "$("$FAULTLINE" match -q -r rules.yml --logsources mine.yaml events.ndjson | ids)" = 002 ]
  printf 'inputs: [{topics: [a]}]\nrules: {paths: [rules.yml], logsources: [mine.yaml]}\n' > c.yaml
  [ "$("$FAULTLINE" match -q events.ndjson -c c.yaml | ids)" = 002 ]
}

@test "a mistake in a file of log sources is told with its place" {
  printf 'windows:\n  service: {}\n' > mine.yaml
  run "$FAULTLINE" check -r rules.yml --logsources mine.yaml
  [ "$status" -eq 2 ]
  [[ "$output" == *"mine.yaml:2:3:"*"unknown key 'service' in a product"*"did you mean 'services'?"* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# match as people use grep: forms of output, raw lines, counts, several files.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  cat > rules.yml <<'RULES'
title: One
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b11
status: test
level: low
logsource: {product: any}
detection:
  selection: {EventID: 1}
  condition: selection
---
title: Named
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b12
status: test
level: high
logsource: {product: any}
detection:
  selection: {Name|contains: adm}
  condition: selection
RULES
  printf '%s\n' '{"EventID":1, "Name":"admin"}' '{"EventID":2,"Name":"guest"}' '{"EventID": 1}' > a.ndjson
  printf '%s\n' '{"EventID":2}' '{"EventID":7,"Name":"sysadm"}' > b.ndjson
}

@test "-o writes each record that matches as it is, once" {
  "$FAULTLINE" match -r rules.yml -o a.ndjson b.ndjson > out
  printf '%s\n' '{"EventID":1, "Name":"admin"}' '{"EventID": 1}' '{"EventID":7,"Name":"sysadm"}' > expected
  diff expected out
  "$FAULTLINE" match -r rules.yml --only-matching-lines < b.ndjson > out
  [ "$(cat out)" = '{"EventID":7,"Name":"sysadm"}' ]
}

@test "--count counts records, of several files a line each" {
  run "$FAULTLINE" match -r rules.yml --count a.ndjson
  [ "$output" = 2 ]
  zstd -q b.ndjson
  run "$FAULTLINE" match -r rules.yml --count a.ndjson b.ndjson.zst
  [ "$output" = "a.ndjson:2
b.ndjson.zst:1" ]
  run "$FAULTLINE" match -r rules.yml --count --fail-on high - < a.ndjson
  [ "$output" = 2 ]
  [ "$status" -eq 1 ]
}

@test "every form of output tells the same matches" {
  "$FAULTLINE" match -r rules.yml a.ndjson > auto
  "$FAULTLINE" match -r rules.yml --format ndjson a.ndjson > ndjson
  "$FAULTLINE" match -r rules.yml --format json a.ndjson > json
  "$FAULTLINE" match -r rules.yml --format csv a.ndjson > csv
  "$FAULTLINE" match -r rules.yml --format table a.ndjson > table
  [ "$(wc -l < auto)" -eq 3 ]
  [ "$(jq -c '[.rule.id, .evidence[0].offset]' auto)" = "$(jq -c '[.rule.id, .evidence[0].offset]' ndjson)" ]
  [ "$(jq -c '.[] | [.rule.id, .evidence[0].offset]' json)" = "$(jq -c '[.rule.id, .evidence[0].offset]' ndjson)" ]
  [ "$(wc -l < csv)" -eq 4 ]
  [ "$(grep -c Named table)" -eq 1 ]
}

@test "keyword rules do not look into what the configuration excludes" {
  cat > keyword.yml <<'RULE'
title: Keyword
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b14
logsource: {product: any}
detection:
  keywords: [mimikatz]
  condition: keywords
RULE
  printf '%s\n' '{"rule":{"note":["about mimikatz"]},"cmd":"x"}' '{"rule":{"note":1},"cmd":"run mimikatz"}' > k.ndjson
  run "$FAULTLINE" match -q -r keyword.yml --count k.ndjson
  [ "$output" = 2 ]
  run "$FAULTLINE" match -q -r keyword.yml --set inputs.0.topics=x --set inputs.0.keywords.exclude=rule --count k.ndjson
  [ "$output" = 1 ]
}

@test "a form that match does not have is a usage error" {
  run "$FAULTLINE" match -r rules.yml --format sarif a.ndjson
  [ "$status" -eq 64 ]
  [[ "$output" == *"match has no format sarif"* ]]
  run "$FAULTLINE" match -r rules.yml --count --format json a.ndjson
  [ "$status" -eq 64 ]
}

@test "a file that is not there is told by its name" {
  run "$FAULTLINE" match -r rules.yml a.ndjson gone.ndjson
  [ "$status" -eq 74 ]
  [[ "$output" == *"gone.ndjson"* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# check: the load report in every form, findings, what rules.select left out.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  cat > good.yml <<'RULE'
title: Good
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10
status: stable
level: high
tags: [attack.t1033]
logsource: {product: windows, service: system}
detection:
  selection: {Provider_Name: ClusSvc, EventID: 1042}
  condition: selection
RULE
  sed 's/7b10/7b11/; s/Good/Linted/; s/ClusSvc, /Clüs, Computer|contains|all: [x], /; s/level: high/level: low/' \
    good.yml > linted.yml
  sed 's/7b10/7b12/; s/Good/Bad/; s/condition: selection/condition: selektion/' good.yml > bad.yml
}

@test "exit codes: fine, rejected, lint only" {
  run "$FAULTLINE" check -r good.yml
  [ "$status" -eq 0 ]
  run "$FAULTLINE" check -r good.yml -r linted.yml
  [ "$status" -eq 3 ]
  [[ "$output" == *"linted.yml:8:"*"[all-of-one]"* ]]
  run "$FAULTLINE" check -r linted.yml -r bad.yml
  [ "$status" -eq 2 ]
}

@test "what a rule lacks for its readers is told, and counts with --strict only" {
  grep -v '^status' good.yml > bare.yml
  run "$FAULTLINE" check -r bare.yml
  [ "$status" -eq 0 ]
  [[ "$output" == *"[missing-status]"* ]]
  run "$FAULTLINE" check --strict -r bare.yml
  [ "$status" -eq 3 ]
}

@test "JSON has exactly the contract's keys for a rule" {
  "$FAULTLINE" check -q -r good.yml -r linted.yml -r bad.yml --format json > report.json 2> err || true
  [ "$(jq -c '[.rules[] | keys_unsorted] | unique' report.json)" = \
    '[["id","title","file","line","state","reason","kind","horizon_seconds","state_bytes_per_key"]]' ]
  [ "$(jq -c '[.rules[].state]' report.json)" = '["active","active","rejected"]' ]
  [ "$(jq -c '[.counts.active, .counts.gated, .counts.rejected]' report.json)" = '[2,0,1]' ]
  [ "$(jq -c '.findings[] | [.rule, .code, .line]' report.json)" = '["Linted","all-of-one",8]' ]
}

@test "a misspelt field of a known log source is told" {
  cat > misspelt.yml <<'RULE'
title: Misspelt
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b13
status: test
level: low
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLin: x, Custom: y}
  condition: selection
RULE
  run "$FAULTLINE" check -r misspelt.yml
  [ "$status" -eq 3 ]
  [[ "$output" == *"misspelt.yml:7:15: warning: field 'CommandLin' is not known in windows/process_creation/- [misspelt-field]"* ]]
  [[ "$output" == *"did you mean 'CommandLine'?"* ]]
  [[ "$output" != *Custom\'\ is\ not\ known* ]]
}

@test "rules.select: what was left out, by setting" {
  printf 'rules: {select: {min_level: medium, tags: [attack.t1033]}}\n' > c.yaml
  "$FAULTLINE" check -q -c c.yaml -r good.yml -r linted.yml --format json > report.json
  [ "$(jq -c .counts.left_out report.json)" = '{"rules.select.min_level":1}' ]
  [ "$(jq -c '.rules[] | select(.state == "gated") | [.title, .reason]' report.json)" = \
    '["Linted","left out by rules.select.min_level"]' ]
  [ "$(jq -c .findings report.json)" = '[]' ]
  run "$FAULTLINE" check -q -c c.yaml -r good.yml -r linted.yml --format table
  [[ "$output" == *"1 left out by rules.select.min_level"* ]]
}

@test "SARIF is valid and places columns in characters" {
  "$FAULTLINE" check -q -r linted.yml -r bad.yml --format sarif > report.sarif 2> err || true
  python3 - report.sarif "$FAULTLINE_SOURCE/tests/e2e/sarif-minimal.schema.json" <<'PYTHON'
import json, sys
import jsonschema
report = json.load(open(sys.argv[1]))
jsonschema.validate(report, json.load(open(sys.argv[2])))
run = report["runs"][0]
results = {r["ruleId"]: r for r in run["results"]}
assert set(results) == {"rejected", "all-of-one"}, results
assert set(results) <= {r["id"] for r in run["tool"]["driver"]["rules"]}
assert results["rejected"]["level"] == "error"
place = results["rejected"]["locations"][0]["physicalLocation"]
assert place["artifactLocation"]["uri"] == "bad.yml"
assert place["region"]["startLine"] == 9, place
line = open("linted.yml").read().splitlines()[7]
region = results["all-of-one"]["locations"][0]["physicalLocation"]["region"]
assert region["startLine"] == 8 and line[region["startColumn"] - 1:].startswith("Computer"), region
PYTHON
}

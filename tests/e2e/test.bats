#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# test: our own cases and SigmaHQ's info.yml, filter, forms of the report, exit codes.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir -p rules regression/one
  cat > rules/good.yml <<'RULE'
title: Good
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10
status: test
level: high
logsource: {product: any}
detection:
  selection: {EventID: 1042}
  condition: selection
RULE
  cat > cases.yml <<'CASES'
name: it is found
rules: [rules]
events:
  - {at: 0s, EventID: 1042}
expect:
  - {rule: Good, count: 1}
---
name: another is not
rules: [rules]
events:
  - {at: 0s, EventID: 1}
expect_none: [Good]
---
name: a wrong hope
rules: [rules]
events:
  - {at: 0s, EventID: 1}
expect:
  - {rule: Good, count: 1}
CASES
  # As SigmaHQ writes it: the path from the root of its repository, the event log beside info.yml.
  cat > regression/one/info.yml <<'INFO'
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b99
description: N/A
date: 2026-01-01
author: nobody
rule_metadata:
    - id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10
      title: Good
regression_tests_info:
    - name: Positive Detection Test
      type: evtx
      provider: Microsoft-Windows-Sysmon
      match_count: 1
      path: regression_data/somewhere/one/5e4f0d5e.evtx
INFO
  echo '{"Event":{"System":{"EventID":1042}}}' > regression/one/5e4f0d5e.json
}

@test "one of three fails: its exit code, summary and timing" {
  run "$FAULTLINE" test --format table cases.yml
  [ "$status" -eq 1 ]
  [[ "$output" == *"ok    it is found"*"FAIL  a wrong hope"* ]]
  [[ "$output" == *"2 passed, 1 failed in "*" s"* ]]
}

@test "JSON has exactly the contract's keys" {
  "$FAULTLINE" test --format json cases.yml > out.json 2> err || [ $? -eq 1 ]
  [ "$(jq -c keys_unsorted out.json)" = '["passed","failed","cases"]' ]
  [ "$(jq -c '[.cases[] | keys_unsorted] | unique' out.json)" = '[["name","file","ok","why"]]' ]
  [ "$(jq -c '[.passed, .failed, (.cases | length)]' out.json)" = '[2,1,3]' ]
  grep -q '2 passed, 1 failed in ' err
}

@test "JUnit in a file and on standard output" {
  "$FAULTLINE" test -q --junit junit.xml --format junit cases.yml > out.xml || [ $? -eq 1 ]
  for file in junit.xml out.xml; do
    python3 - "$file" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites"
for totals in (root, root[0]):
    assert [totals.get(k) for k in ("tests", "failures", "errors", "skipped")] == list("3100")
    assert float(totals.get("time")) > 0
cases = root[0].findall("testcase")
assert [c.get("name") for c in cases] == ["it is found", "another is not", "a wrong hope"]
assert [len(c.findall("failure")) for c in cases] == [0, 0, 1]
assert all(float(c.get("time")) > 0 for c in cases)
PYTHON
  done
}

@test "--filter runs the cases that it names, and refuses to run none" {
  run "$FAULTLINE" test --format table --filter FOUND cases.yml
  [ "$status" -eq 0 ]
  [[ "$output" == *"1 passed, 0 failed, 2 left out by --filter"* ]]
  run "$FAULTLINE" test --filter nothing cases.yml
  [ "$status" -eq 64 ]
  [[ "$output" == *"no case has 'nothing' in it"* ]]
}

@test "SigmaHQ's regression entries as they are" {
  run "$FAULTLINE" test -r rules --format table regression
  [ "$status" -eq 0 ]
  [[ "$output" == *"Positive Detection Test"*"1 passed, 0 failed"* ]]
  sed -i 's/match_count: 1/match_count: 2/' regression/one/info.yml
  run "$FAULTLINE" test -r rules regression
  [ "$status" -eq 1 ]
  rm regression/one/5e4f0d5e.json
  run "$FAULTLINE" test -r rules regression
  [ "$status" -eq 1 ]
  [[ "$output" == *"5e4f0d5e.json"* ]]
}

@test "placeholders, log sources and shapes are those of the configuration" {
  cat > rules/site.yml <<'RULE'
title: Site
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b12
logsource: {product: our_app}
detection:
  selection: {user|expand: '%admins%'}
  condition: selection
RULE
  printf 'our_app: {events: {where: {kind: login}}}\n' > logsources.yaml
  printf 'our_app:\n  recognise: [/app_version]\n  fields: {user: /who/name, kind: /what}\n' > shapes.yaml
  cat > config.yaml <<'CONFIG'
shapes: [shapes.yaml]
rules: {placeholders: {admins: [root]}, logsources: [logsources.yaml]}
CONFIG
  cat > cases.yml <<'CASES'
name: an admin logs in
rules: [rules]
shape: our_app
events:
  - {at: 0s, app_version: 1, who: {name: root}, what: login}
  - {at: 1s, app_version: 1, who: {name: root}, what: logout}
  - {at: 2s, app_version: 1, who: {name: guest}, what: login}
expect:
  - {rule: Site, count: 1}
CASES
  run "$FAULTLINE" test -c config.yaml --format table cases.yml
  echo "$output"
  [ "$status" -eq 0 ]
  run "$FAULTLINE" test -c config.yaml --set rules.placeholders.admins=guest,root cases.yml
  [ "$status" -eq 1 ]
  run "$FAULTLINE" test cases.yml
  [ "$status" -eq 2 ]
  [[ "$output" == *"list them under rules.placeholders.admins"* ]]
}

@test "a rule that does not load is exit code 2" {
  sed 's/7b10/7b11/; s/condition: selection/condition: selektion/' rules/good.yml > rules/bad.yml
  run "$FAULTLINE" test cases.yml
  [ "$status" -eq 2 ]
  [[ "$output" == *"bad.yml:8:"* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Packs as units: the skeleton, its table and settings, and what the configuration puts in their place.
bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  "$FAULTLINE" -q pack new printers
}

# An event of service control on computer $1, $2 minutes after noon.
event() {
  printf '{"Channel":"System","Provider_Name":"Service Control Manager","EventID":7034,"Computer":"%s",' "$1"
  printf '"Message":"The Spooler service terminated unexpectedly.","@timestamp":"2026-11-23T12:%02d:00Z"}\n' "$2"
}

@test "the skeleton is fine, its tests pass, from anywhere" {
  run "$FAULTLINE" check --rules printers --strict
  [ "$status" -eq 0 ]
  run "$FAULTLINE" test printers
  [ "$status" -eq 0 ]
  mkdir away && cd away
  run "$FAULTLINE" test ../printers --format json
  [ "$status" -eq 0 ]
  [[ "$output" == *'"passed":2,"failed":0'* ]]
}

@test "nothing is written over, and a name is a name" {
  run "$FAULTLINE" pack new printers
  [ "$status" -eq 64 ]
  [[ "$output" == *"exists already"* ]]
  run "$FAULTLINE" pack new ../Printers
  [ "$status" -eq 64 ]
  "$FAULTLINE" -q pack new printers --into other/place
  run "$FAULTLINE" test other/place/printers
  [ "$status" -eq 0 ]
}

@test "the group comes from the table; a computer without a row stands for itself" {
  { event SERVER1 0; event server2 1; event SERVER1 2; event PC9 3; event PC9 4; event PC9 5; } > events.ndjson
  run --separate-stderr "$FAULTLINE" replay -q -r printers events.ndjson
  [ "$status" -eq 0 ]
  [[ "${lines[0]}" == *'"group":{"site":"Zurich"}'* ]]
  [[ "${lines[1]}" == *'"group":{"site":"PC9"}'* ]]
  [ "${#lines[@]}" -eq 2 ]
}

@test "the configuration replaces the table, and a single rule file has its pack's" {
  { event SERVER1 0; event SERVER2 1; event SERVER3 2; } > events.ndjson
  printf 'computer,site\nSERVER1,Bern\nSERVER2,Bern\nSERVER3,Bern\n' > mine.csv
  run --separate-stderr "$FAULTLINE" replay -q -r printers/printers.yml events.ndjson
  [ "$output" = "" ]
  run --separate-stderr "$FAULTLINE" replay -q -r printers/printers.yml --set rules.lookups.site=mine.csv events.ndjson
  [[ "$output" == *'"group":{"site":"Bern"}'* ]]
  printf 'rules: {paths: [printers], lookups: {site: mine.csv}}\n' > c.yaml
  run --separate-stderr "$FAULTLINE" replay -q -c c.yaml events.ndjson
  [[ "$output" == *'"group":{"site":"Bern"}'* ]]
}

@test "a broken table is a load error with its line; a setting that is not there as well" {
  printf 'computer,site\nSERVER1,Bern,3\n' > broken.csv
  run "$FAULTLINE" check -r printers --set rules.lookups.site=broken.csv
  [ "$status" -eq 2 ]
  [[ "$output" == *"broken.csv:2:1"* ]]
  run "$FAULTLINE" check -r printers --set rules.settings.printers.ownr=me
  [ "$status" -eq 78 ]
  [[ "$output" == *"did you mean 'owner'?"* ]]
  run "$FAULTLINE" check -r printers --set rules.settings.printers.owner=me
  [ "$status" -eq 0 ]
  run "$FAULTLINE" check -r printers --set rules.settings.pinters.owner=me
  [ "$status" -eq 3 ]
  [[ "$output" == *"did you mean 'printers'?"* ]]
}

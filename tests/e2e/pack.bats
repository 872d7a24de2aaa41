#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The first chain from files: forms of input and output, times, levels.
bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  PACK="$FAULTLINE_SOURCE/packs/exchange-cluster"
  cat > events.ndjson <<'EVENTS'
{"Channel":"System","Provider_Name":"ClusSvc","EventID":1042,"Computer":"NODE1","Message":"Cluster generic service 'Microsoft Exchange Directory' failed.","@timestamp":"2026-11-23T09:30:00Z"}
{"Channel":"Application","Provider_Name":"MSExchangeDS","EventID":1002,"Computer":"NODE1","Message":"The database (EDB) could not be initialized, error -528.","@timestamp":"2026-11-23T09:30:20Z"}
EVENTS
}

# Validates the records of file $1 against the schema.
validate() {
  python3 - "$FAULTLINE_SOURCE/exporters/alert.schema.json" "$1" <<'PYTHON'
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
lines = open(sys.argv[2]).read().splitlines()
assert lines, "no alert"
for line in lines:
    jsonschema.validate(json.loads(line), schema)
PYTHON
}

@test "replay finds the chain; its record is valid and names cause, remedy and evidence" {
  "$FAULTLINE" replay -q -r "$PACK" events.ndjson -o out.ndjson --summary summary.json
  [ "$(wc -l < out.ndjson)" -eq 1 ]
  validate out.ndjson
  grep -q '"name":"ds-restore-checkpoint"' out.ndjson
  python3 -c '
import json
alert = json.load(open("out.ndjson"))
assert alert["explanation"]["cause"] and alert["explanation"]["remedy"]
assert [e["offset"] for e in alert["evidence"]] == [0, 1] or len(alert["evidence"]) == 2
summary = json.load(open("summary.json"))
assert summary["alerts"]["by_level"]["high"] == 1, summary'
}

@test "standard input, a compressed file and a named origin find it too" {
  zstd -q events.ndjson
  "$FAULTLINE" replay -q -r "$PACK" - < events.ndjson > stdin.ndjson
  "$FAULTLINE" replay -q -r "$PACK" events.ndjson.zst > zst.ndjson
  "$FAULTLINE" replay -q -r "$PACK" --as wef:3 events.ndjson.zst > as.ndjson
  for file in stdin zst as; do validate "$file.ndjson"; done
  grep -q '"topic":"-"' stdin.ndjson
  grep -q '"topic":"wef","partition":3' as.ndjson
}

@test "--since and --until are event times" {
  "$FAULTLINE" replay -q -r "$PACK" --until 2026-11-23T09:30:10Z events.ndjson > before.ndjson
  [ ! -s before.ndjson ]
  "$FAULTLINE" replay -q -r "$PACK" --until 2026-11-23T10:00:00Z events.ndjson > until.ndjson
  [ -s until.ndjson ]
  "$FAULTLINE" replay -q -r "$PACK" --since 2026-11-23T10:00:00Z events.ndjson > after.ndjson
  [ ! -s after.ndjson ]
  run "$FAULTLINE" replay -r "$PACK" --since yesterday events.ndjson
  [ "$status" -eq 64 ]
}

@test "--fail-on is met by the level of the chain" {
  run "$FAULTLINE" replay -q -r "$PACK" --fail-on high events.ndjson
  [ "$status" -eq 1 ]
  run "$FAULTLINE" replay -q -r "$PACK" --fail-on critical events.ndjson
  [ "$status" -eq 0 ]
  run "$FAULTLINE" replay -q -r "$PACK" --fail-on hihg events.ndjson
  [ "$status" -eq 64 ]
  [[ "$output" == *"did you mean 'high'?"* ]]
}

@test "match reports the parts by themselves; the records are valid" {
  "$FAULTLINE" match -q -r "$PACK" < events.ndjson > out.ndjson
  [ "$(wc -l < out.ndjson)" -eq 2 ]
  validate out.ndjson
}

@test "each format gives what it says" {
  "$FAULTLINE" match -q -r "$PACK" --format json events.ndjson | python3 -c '
import json, sys
assert len(json.load(sys.stdin)) == 2'
  "$FAULTLINE" match -q -r "$PACK" --format csv events.ndjson | python3 -c '
import csv, sys
rows = list(csv.reader(sys.stdin))
assert len(rows) == 3 and len({len(row) for row in rows}) == 1, rows'
  run "$FAULTLINE" match -q -r "$PACK" --format table events.ndjson
  [ "$status" -eq 0 ]
  [[ "$output" == *"medium"* ]]
  run "$FAULTLINE" match -r "$PACK" --format xml events.ndjson
  [ "$status" -eq 64 ]
}

@test "colour only where it is asked for, and never with NO_COLOR in a pipe" {
  NO_COLOR=1 "$FAULTLINE" match -q -r "$PACK" --format table events.ndjson > plain
  run ! grep -q $'\x1b' plain
  "$FAULTLINE" match -q -r "$PACK" --format table --color always events.ndjson > toned
  grep -q $'\x1b' toned
}

@test "a closed pipe and a full disk are output errors, a missing file an input error" {
  run bash -c '"$FAULTLINE" check -r "$0" > /dev/full' "$PACK"
  [ "$status" -eq 74 ]
  run bash -c '"$FAULTLINE" match -q -r "$0" events.ndjson > /dev/full' "$PACK"
  [ "$status" -eq 74 ]
  run bash -c 'exec 3> >(exec true); pid=$!; wait $pid; "$FAULTLINE" match -q -r "$0" events.ndjson >&3' "$PACK"
  [ "$status" -eq 74 ]
  run "$FAULTLINE" match -q -r "$PACK" absent.ndjson
  [ "$status" -eq 74 ]
  [[ "$output" == *"absent.ndjson"* ]]
}

@test "rules.select leaves rules out, check says so" {
  run "$FAULTLINE" check -r "$PACK" --set rules.select.except=ds-restore-checkpoint --format json
  [ "$status" -eq 0 ]
  [[ "$output" == *'"gated":5,'* ]]
  [[ "$output" == *'"left_out":{"rules.select":4,"rules.select.except":1}'* ]]
  run "$FAULTLINE" check -r "$PACK" --set rules.select.except=ds-restore-chekpoint
  [ "$status" -eq 2 ]
  [[ "$output" == *"did you mean 'ds-restore-checkpoint'?"* ]]
}

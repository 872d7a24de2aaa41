#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# explain: which rules, which event, which form.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir rules
  for n in 1 2 3 4 5; do
    cat > rules/r$n.yml <<RULE
title: Rule $n
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b1$n
status: test
level: low
logsource: {product: any}
detection:
  selection:
    Kind: k$((n / 2))
    Name|contains: n$n
  condition: selection
RULE
  done
  printf '{"Kind":"k1","Name":"n2"}\n{"Kind":"k2","Name":"x"}\n' > events.ndjson
}

titles() { jq -r '[.rule.title, (.matched | tostring)] | join(" ")'; }

@test "the rules that match and the nearest ones are told" {
  "$FAULTLINE" explain -r rules -e events.ndjson > out 2> err
  [ "$(titles < out)" = "Rule 2 true
Rule 3 false" ]
  grep -q "1 of 5 rules match; 1 that come near are told too" err
  grep -q "events.ndjson holds more records" err
  "$FAULTLINE" explain -q -r rules -e events.ndjson --near 0 > out
  [ "$(titles < out)" = "Rule 2 true" ]
}

@test "--rule chooses, --record too" {
  "$FAULTLINE" explain -r rules -e events.ndjson --record 1 --rule "Rule 5" \
    --rule 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b11 > out
  [ "$(titles < out)" = "Rule 1 false
Rule 5 false" ]
  [ "$(jq -s '.[1].event.offset' out)" = 1 ]
  [ "$(jq -s -c '[.[1].detection.parts[] | .held]' out)" = "[true,false]" ]
  run "$FAULTLINE" explain -r rules -e events.ndjson --rule "Rule 6"
  [ "$status" -eq 64 ]
  [[ "$output" == *"did you mean 'Rule "* ]]
  run "$FAULTLINE" explain -r rules -e events.ndjson --record 2
  [ "$status" -eq 64 ]
  [[ "$output" == *"it holds 2, counted from 0"* ]]
  run "$FAULTLINE" explain -r rules -e '{"Kind":"k1"}' --record 1
  [ "$status" -eq 64 ]
}

@test "the event may be JSON, standard input, a compressed file or spread over lines" {
  "$FAULTLINE" explain -q -r rules --near 0 -e '{"Kind":"k1","Name":"n2"}' > inline
  "$FAULTLINE" explain -q -r rules --near 0 -e - < events.ndjson > stdin
  zstd -q events.ndjson -o e.zst
  "$FAULTLINE" explain -q -r rules --near 0 -e e.zst > compressed
  head -1 events.ndjson | jq . > pretty.json
  "$FAULTLINE" explain -q -r rules --near 0 -e pretty.json > pretty
  for file in inline stdin compressed pretty; do
    [ "$(titles < "$file")" = "Rule 2 true" ]
  done
}

@test "the tree is readable, coloured on demand only" {
  run "$FAULTLINE" explain -q -r rules/r2.yml -e events.ndjson --format table
  [ "$status" -eq 0 ]
  [ "$output" = "MATCH  Rule 2  rules/r2.yml:1
  ✓ log source any/-/-: any event
  ✓ condition
    ✓ selection
      ✓ Kind is 'k1'  line 8
        the event has 'k1'
      ✓ Name contains 'n2'  line 9
        the event has 'n2'" ]
  run "$FAULTLINE" explain -q -r rules/r2.yml -e events.ndjson --format table --color always
  [[ "$output" == *$'\x1b[32m'* ]]
}

@test "--plan needs no event" {
  "$FAULTLINE" explain -r rules --plan > plans
  [ "$(wc -l < plans)" -eq 5 ]
  [ "$(jq -r .plan.cost plans | sort -u)" = literal ]
  run "$FAULTLINE" explain -r rules
  [ "$status" -eq 64 ]
}

@test "what is no event, or no rule, is told" {
  run "$FAULTLINE" explain -r rules -e '{"a":'
  [ "$status" -eq 74 ]
  [[ "$output" == *"no event"* ]]
  run "$FAULTLINE" explain -r rules -e gone.json
  [ "$status" -eq 74 ]
  run "$FAULTLINE" explain -e events.ndjson
  [ "$status" -eq 64 ]
}

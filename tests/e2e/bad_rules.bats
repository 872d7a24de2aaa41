#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bad rule files: a message with place and remedy, exit code 2, within two seconds.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
}

# Runs check on bad.yml and leaves its messages in $output.
check_bad() {
  run timeout 2 "$FAULTLINE" check --rules bad.yml
  [ "$status" -eq 2 ]
  [[ "$output" == *$'\n  -> '* ]]
}

rule_with() {
  printf 'title: A\nid: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10\nlogsource: {product: windows}\n%s\n' "$1"
}

@test "an unknown modifier: the line, a caret, the modifier that was meant" {
  rule_with 'detection:
  selection:
    Image|contain: cmd
  condition: selection' > bad.yml
  check_bad
  [[ "$output" == *"bad.yml:6:"* ]]
  [[ "$output" == *"     6 |     Image|contain: cmd"* ]]
  [[ "$output" == *"^"* ]]
  [[ "$output" == *"contains"* ]]
}

@test "a condition that names no search" {
  rule_with 'detection:
  selection: {EventID: 1}
  condition: selektion' > bad.yml
  check_bad
  [[ "$output" == *"bad.yml:6:"* ]]
  [[ "$output" == *"selection"* ]]
}

@test "a syntax error of YAML" {
  printf 'title: [a\nid: b\n' > bad.yml
  check_bad
  [[ "$output" == *"bad.yml:"* ]]
}

@test "an alias bomb" {
  {
    printf 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n'
    for i in 1 2 3 4 5 6 7 8 9; do
      p=$((i - 1))
      printf 'a%s: &a%s [*a%s, *a%s, *a%s, *a%s, *a%s, *a%s, *a%s, *a%s, *a%s, *a%s]\n' \
        $i $i $p $p $p $p $p $p $p $p $p $p
    done
  } > bad.yml
  check_bad
  [[ "$output" == *"bad.yml:"* ]]
}

@test "a file of one comma" {
  printf ',' > bad.yml
  check_bad
  [[ "$output" == *"bad.yml:1:1"* ]]
}

@test "one bad rule does not stop the others, --strict does" {
  rule_with 'detection: {s: {EventID: 1}, condition: s}' > good.yml
  printf ',' > bad.yml
  echo '{"EventID":1}' > events.ndjson
  run "$FAULTLINE" match -r good.yml -r bad.yml events.ndjson
  [ "$status" -eq 0 ]
  [[ "$output" == *"warning"* ]]
  run "$FAULTLINE" match --strict -r good.yml -r bad.yml events.ndjson
  [ "$status" -eq 2 ]
}

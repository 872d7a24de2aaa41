#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The table of `make bench`, from figures that a stand-in for the program tells.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir -p build/bin data/events data/sigmahq/rules/windows
  export FAULTLINE_TEST_DATA=$PWD/data
  cat > build/bin/faultline <<'PROGRAM'
#!/bin/sh
case $* in
  *creation*) found='"matches":834,"matches_digest":"189944cfb9ec193f1ea7adc2389780df"' ;;
  *) found='"matches":325,"matches_digest":"'${DIGEST:-979ae715ccf11565c73d875496107681}'"' ;;
esac
echo '{"machine":"m","versions":{"faultline":"1"},"rules":1,"events_per_second":1,"engine_rss_bytes":1e6,
       "cache":"warm","first_match_seconds":0.1,"compiled_seconds":0.2,'"$found"',
       "ratios":{"simdjson_ondemand_10_fields":'"${SPEED:-9}"',"walk_and_route":9,"memcpy":9,"one_thread":9}}'
PROGRAM
  chmod +x build/bin/faultline
}

table() { python3 "$FAULTLINE_SOURCE/bench/run.py" build --without broker --without peers; }

@test "figures that reach their targets are not marked" {
  run table
  [ "$status" -eq 0 ]
  [[ "$output" != *SHORT* ]]
  [[ "$output" == *"windows-process-creation, cold, against simdjson on-demand"*"9   at least 0.15"* ]]
  [[ "$output" == *"with the exchange pack against without"*"1   at least 0.95"* ]]
  [[ "$output" == *"all targets reached" ]]
}

@test "figures that fall short are marked, and that is no failure" {
  SPEED=0.19 run table
  [ "$status" -eq 0 ]
  [ "$(grep -c SHORT <<< "$output")" -eq 2 ]
  [[ "$output" == *"2 short of their target" ]]
}

@test "a wrong digest fails" {
  DIGEST=00000000000000000000000000000000 run table
  [ "$status" -eq 1 ]
  [[ "$output" == *"digest 00000000000000000000000000000000; recorded are 325, 979ae715ccf11565c73d875496107681"* ]]
}

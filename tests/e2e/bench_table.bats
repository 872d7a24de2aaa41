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
  cat > build/bin/faultline_micro_correlate <<'PROGRAM'
#!/bin/sh
echo '{"benchmarks":[
  {"name":"BM_MillionWindows/iterations:1","bytes_per_key":100,"vs_map_insert":'"${INSERT:-6}"',"vs_map_update":3},
  {"name":"BM_OpenChains/iterations:1","bytes_per_chain":1000,"step_ns":500},
  {"name":"BM_ReorderBuffer/late:0/iterations:1","hits_per_s":6e6},
  {"name":"BM_ReorderBuffer/late:1000/iterations:1","hits_per_s":6e6},
  {"name":"BM_ReorderBuffer/late:100000/iterations:1","hits_per_s":6e6}]}'
PROGRAM
  cat > build/bin/faultline_micro_keys <<'PROGRAM'
#!/bin/sh
echo '{"benchmarks":[{"name":"BM_RecordByKeys/iterations:1","many_vs_few":1.1}]}'
PROGRAM
  chmod +x build/bin/*
}

table() { python3 "$FAULTLINE_SOURCE/bench/run.py" build --without broker --without peers; }

@test "figures that reach their targets are not marked" {
  run table
  [ "$status" -eq 0 ]
  [[ "$output" != *SHORT* ]]
  [[ "$output" == *"windows-process-creation, cold, against simdjson on-demand"*"9   at least 0.15"* ]]
  [[ "$output" == *"a million open windows of event_count, memory"*"0.1 GB   at most 0.2 GB"* ]]
  [[ "$output" == *"100,000 open chains of 4 steps"*"100 MB, 500 ns a step"* ]]
  [[ "$output" == *"with the exchange pack against without"*"1   at least 0.95"* ]]
  [[ "$output" == *"all targets reached" ]]
}

@test "figures that fall short are marked, and that is no failure" {
  SPEED=0.19 INSERT=4 run table
  [ "$status" -eq 0 ]
  [ "$(grep -c SHORT <<< "$output")" -eq 3 ]
  [[ "$output" == *"an insert against unordered_map of deques"*"4 times   at least 5 times   SHORT"* ]]
  [[ "$output" == *"3 short of their target" ]]
}

@test "a wrong digest fails" {
  DIGEST=00000000000000000000000000000000 run table
  [ "$status" -eq 1 ]
  [[ "$output" == *"digest 00000000000000000000000000000000; recorded are 325, 979ae715ccf11565c73d875496107681"* ]]
}

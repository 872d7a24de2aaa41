#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The targets and what this machine reaches: all SigmaHQ Windows rules on the public corpora.

  run.py BUILD_DIR [--records N] [--without NAME]...      NAME: broker, peers

Prints a line per target with its figure, marks those that fall short, and tells what was left out and why. Exits with
1 when a digest of matches is not the recorded one (digests.json): such a figure is of no use. A target that is not
reached is no failure; the figures belong to this machine at this moment.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[1]
DATA = pathlib.Path(os.environ.get("FAULTLINE_TEST_DATA", SOURCE / "../shared/data")).resolve()
RULES = DATA / "sigmahq/rules/windows"
MIXED, CREATIONS = "windows-mixed", "windows-process-creation"
RECORDED = json.loads((SOURCE / "bench/digests.json").read_text())


class Table:
    """Lines of the table as they are measured; short ones are marked."""

    def __init__(self):
        self.short = 0
        self.faults = []

    def line(self, name, figure, target, unit="", at_most=False):
        reached = figure is not None and (figure <= target if at_most else figure >= target)
        self.short += not reached
        told = "no match" if figure is None else f"{figure:.3g}{unit}"
        print(f"  {name:<68} {told:>9}   {'at most' if at_most else 'at least'} {target:g}{unit}"
              f"{'' if reached else '   SHORT'}", flush=True)

    @staticmethod
    def left_out(name, why):
        print(f"  {name:<68} left out: {why}", flush=True)


def bench(program, table, corpus, *flags):
    """The JSON of one `faultline bench`, its digest checked."""
    command = [program, "bench", "--quiet", "--format", "json", "--rules", RULES, *flags,
               DATA / f"events/{corpus}.ndjson.zst"]
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    recorded = RECORDED[corpus]
    if (told["matches"], told["matches_digest"]) != (recorded["matches"], recorded["digest"]):
        table.faults.append(f"{corpus} {' '.join(flags)}: {told['matches']} matches, digest {told['matches_digest']}; "
                            f"recorded are {recorded['matches']}, {recorded['digest']}")
    return told


def engine(program, table):
    ON_DEMAND = "simdjson_ondemand_10_fields"
    warm = bench(program, table, MIXED)
    print(f"{warm['machine']}; faultline {warm['versions']['faultline']}, {warm['rules']} rules; "
          f"{warm['events_per_second']:.0f} events/s warm on {MIXED}")
    table.line(f"{MIXED}, warm, against simdjson on-demand", warm["ratios"][ON_DEMAND], 0.35)
    cold = bench(program, table, MIXED, "--cold")
    table.line(f"{MIXED}, cold, against simdjson on-demand", cold["ratios"][ON_DEMAND], 0.20)
    creations = bench(program, table, CREATIONS, "--cold")
    table.line(f"{CREATIONS}, cold, against simdjson on-demand", creations["ratios"][ON_DEMAND], 0.15)
    table.line(f"{MIXED}, warm, against walk and route only", warm["ratios"]["walk_and_route"], 0.25)
    table.line(f"{MIXED}, warm, against memcpy", warm["ratios"]["memcpy"], 0.09)
    two = bench(program, table, MIXED, "--threads", "2")
    table.line(f"{MIXED}, warm, two threads against one", two["ratios"]["one_thread"], 1.9)
    table.line("memory of the engine, all classes compiled", warm["engine_rss_bytes"] / 1e6, 150, " MB", at_most=True)
    table.line("first match, from nothing", warm["first_match_seconds"], 0.6, " s", at_most=True)
    table.line("all classes compiled, from nothing", warm["compiled_seconds"], 3.6, " s", at_most=True)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):  # the first one writes it
            cached = bench(program, table, MIXED, "--set", f"rules.cache={folder}/rules.cache")
    if cached["cache"] != "warm":
        table.faults.append(f"the second run found its cache {cached['cache']}")
    table.line("first match, from a cache file", cached["first_match_seconds"], 0.3, " s", at_most=True)


def pack(program, table):
    """What the exchange pack costs beside all rules: speed with it against without it, runs by turns."""
    ratios = []
    for _ in range(9):
        without = bench(program, table, MIXED, "--seconds", "0")
        beside = bench(program, table, MIXED, "--seconds", "0", "--rules", str(SOURCE / "packs/exchange-cluster"))
        ratios.append(beside["events_per_second"] / without["events_per_second"])
    table.line(f"{MIXED}, warm, with the exchange pack against without", statistics.median(ratios), 0.95)


def micro(build, stage):
    """Benchmark -> its counters, of one of the programs of bench/micro."""
    told = subprocess.run([build / f"bin/faultline_micro_{stage}", "--benchmark_format=json"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout
    return {each["name"].split("/iterations")[0]: each for each in json.loads(told)["benchmarks"]}


def correlation(build, table):
    """State per key and the reorder buffer; CPU time, ratios within one run."""
    state = micro(build, "correlate")
    windows = state["BM_MillionWindows"]
    table.line("a million open windows of event_count, memory", windows["bytes_per_key"] / 1e3, 0.2, " GB", at_most=True)
    table.line("a million windows, an insert against unordered_map of deques", windows["vs_map_insert"], 5, " times")
    table.line("a million windows, an update against unordered_map of deques", windows["vs_map_update"], 2, " times")
    chains = state["BM_OpenChains"]
    print(f"  {'100,000 open chains of 4 steps':<68} {chains['bytes_per_chain'] / 10:.3g} MB, "
          f"{chains['step_ns']:.0f} ns a step", flush=True)
    for late, name in ((0, "in order"), (1000, "up to 1,000 hits late"), (100000, "up to 100,000 hits late")):
        table.line(f"reorder buffer, eight sources, {name}, hits/s",
                   state[f"BM_ReorderBuffer/late:{late}"]["hits_per_s"] / 1e6, 5, " M")
    table.line("record of windows-mixed with 1,000,000 keys against 1,000 keys",
               micro(build, "keys")["BM_RecordByKeys"]["many_vs_few"], 1.5, " times", at_most=True)


def broker(build, table, records):
    name = "run on a broker, exactly-once, against parse and route only"
    if shutil.which("java") is None or shutil.which("kcat") is None:
        return table.left_out(name, "java and kcat are not installed")
    with tempfile.NamedTemporaryFile(suffix=".json") as told:
        done = subprocess.run([sys.executable, SOURCE / "bench/e2e/run.py", build, "--records", str(records),
                               "--json", told.name], stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            table.faults.append("bench/e2e/run.py failed")
            return None
        table.line(name, json.load(told)["ratio"], 1.4, " times", at_most=True)
    return None


def peers(build, table):
    if not (build / "peers/bin/rsigma").exists():
        return table.left_out("rsigma", "not installed: python3 bench/peers/rsigma.py BUILD_DIR --install")
    with tempfile.NamedTemporaryFile(suffix=".json") as told:
        subprocess.run([sys.executable, SOURCE / "bench/peers/rsigma.py", build, "--json", told.name],
                       stdout=subprocess.DEVNULL, check=True)
        for corpus, figures in json.load(told).items():
            table.line(f"{corpus}, warm, events/s against rsigma", figures["ratio"], 20, " times")
            if corpus == MIXED:
                table.line(f"{corpus}, whole process from a cold start, against rsigma",
                           figures["process_ratio"], 2, " times")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--records", type=int, default=2000000, help="for the broker")
    parser.add_argument("--without", action="append", default=[], choices=["broker", "peers"])
    options = parser.parse_args()
    program = options.build / "bin/faultline"
    missing = [str(path) for path in (program, RULES, DATA / "events") if not path.exists()]
    if missing:
        print("\n".join(f"bench/run.py: missing: {path}" for path in missing), file=sys.stderr)
        print("build with 'make build'; FAULTLINE_TEST_DATA names the folder of the public test data", file=sys.stderr)
        return 74
    table = Table()
    engine(program, table)
    pack(program, table)
    correlation(options.build, table)
    if "broker" not in options.without:
        broker(options.build, table, options.records)
    if "peers" not in options.without:
        peers(options.build, table)
    print(f"{table.short} short of their target" if table.short else "all targets reached")
    for fault in table.faults:
        print(f"bench/run.py: {fault}", file=sys.stderr)
    return 1 if table.faults else 0


if __name__ == "__main__":
    sys.exit(main())

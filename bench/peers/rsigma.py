#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faultline beside rsigma 0.23 on the same rules and events.

  rsigma.py BUILD_DIR [--install] [--rounds N] [--json FILE]

Installs rsigma with cargo into BUILD_DIR/peers where it is not yet (cargo and a Rust compiler that it accepts must be
there), then

* times `rsigma engine eval -r RULES -p sysmon --input-format json` on one processor, takes the time of an empty input
  off, and compares its events per second with those of `faultline bench`, warm, one thread;
* times both whole processes from a cold start, `faultline match --rules RULES` without its cache, all processors;
* lists the difference of their matches, with the reason of each.

Times are medians of interleaved rounds. --install only installs.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("FAULTLINE_TEST_DATA", SOURCE / "../shared/data")).resolve()
RULES = DATA / "sigmahq/rules/windows"
VERSION = "0.23.0"
CORPORA = ("windows-mixed", "windows-process-creation")


def install(build):
    """The program; built once."""
    program = build / "peers/bin/rsigma"
    if not program.exists():
        subprocess.run(["cargo", "install", "rsigma", "--version", VERSION, "--locked", "--quiet",
                        "--root", build / "peers"], check=True)
    return program


def plain(build, corpus):
    """The corpus, decompressed; and with each line's number in it."""
    folder = build / "peers/events"
    folder.mkdir(parents=True, exist_ok=True)
    events, numbered = folder / f"{corpus}.ndjson", folder / f"{corpus}.numbered.ndjson"
    if not numbered.exists():
        text = subprocess.run(["zstd", "-dc", DATA / f"events/{corpus}.ndjson.zst"], stdout=subprocess.PIPE,
                              check=True).stdout
        events.write_bytes(text)
        with numbered.open("wb") as out:
            for number, line in enumerate(text.splitlines()):
                out.write(b'{"line_number":%d,' % number + line.lstrip()[1:] + b"\n")
    return events, numbered


def run(command, source, one_processor=False, sink=subprocess.DEVNULL):
    """Wall seconds of a process with `source` on its standard input."""
    def pin():
        if one_processor:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with open(source, "rb") as events:
        start = time.monotonic()
        subprocess.run(command, stdin=events, stdout=sink, stderr=subprocess.DEVNULL, preexec_fn=pin, check=True)
        return time.monotonic() - start


def logsources():
    """Rule id -> its log source; and `keywords` where it has a list of keywords with all."""
    found = {}
    for path in RULES.rglob("*.yml"):
        text = path.read_text(encoding="utf-8")
        block = re.search(r"^logsource:\n((?:[ \t]+.*\n)*)", text, re.MULTILINE)
        rule = re.search(r"^id:\s*(\S+)", text, re.MULTILINE)
        if block and rule:
            found[rule[1]] = dict(re.findall(r"^\s+(product|category|service):\s*['\"]?([\w-]+)", block[1],
                                             re.MULTILINE))
            if re.search(r"^\s+['\"]\|all['\"]:", text, re.MULTILINE):
                found[rule[1]]["keywords"] = "all"
    return found


def channel_of(event):
    """The log that a Windows event is of, wherever its shipper says so."""
    for key in ("Channel", "log_name", "channel", "Category"):
        if isinstance(event.get(key), str):
            return event[key]
    winlog = event.get("winlog") or {}
    return str(winlog.get("channel", ""))


def why_theirs(source, event):
    """Why rsigma finds what faultline does not."""
    channel = channel_of(event).lower()
    if "service" in source:
        return f"rsigma does not gate services: a rule of service {source['service']}, an event of another log"
    if "category" not in source:
        return "rsigma does not gate rules that name no category"
    if "sysmon" not in channel:
        return "rsigma gates the category by EventID alone, or not at all: the event is of another log"
    return f"rsigma's pipeline has no EventID for the category {source['category']}"


def why_ours(source, event):
    """Why faultline finds what rsigma does not."""
    channel = channel_of(event).lower()
    if source.get("category") and channel == "security":
        return f"rsigma's pipeline knows no Security event for the category {source['category']} (4688 and the like)"
    if "keywords" in source:
        return "a list of keywords with all: rsigma does not find them inside the event's texts"
    if any(isinstance(event.get(key), dict) for key in ("event_data", "EventData", "winlog", "user_data")):
        return "the fields are nested (event_data): rsigma looks at the top only"
    return "the shipper gives the field another name (SourceName for Provider_Name, Data for the strings)"


def matches(command, source):
    """(line, rule id) -> event, of either program's output."""
    out = subprocess.run(command, stdin=open(source, "rb"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=True).stdout
    for text in out.splitlines():
        yield json.loads(text)


def difference(rsigma, faultline, numbered):
    lines = numbered.read_bytes().splitlines()
    theirs, ours = set(), set()
    for found in matches([*rsigma, "--include-event"], numbered):
        theirs.add((found["event"]["line_number"], found["rule_id"]))
    for found in matches(faultline, numbered):
        ours.add((found["evidence"][0]["offset"], found["rule"]["id"]))
    sources = logsources()
    reasons = collections.Counter()
    for line, rule in theirs - ours:
        reasons["rsigma only", why_theirs(sources.get(rule, {}), json.loads(lines[line]))] += 1
    for line, rule in ours - theirs:
        reasons["faultline only", why_ours(sources.get(rule, {}), json.loads(lines[line]))] += 1
    return len(ours), len(theirs), len(ours & theirs), reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--json", type=pathlib.Path, help="the figures, for programs")
    options = parser.parse_args()
    peer = install(options.build)
    if options.install:
        return
    program = options.build / "bin/faultline"
    rsigma = [peer, "engine", "eval", "-r", RULES, "-p", "sysmon", "--input-format", "json"]
    match = [program, "match", "--quiet", "--format", "ndjson", "--rules", RULES]
    figures = {}
    for corpus in CORPORA:
        events, numbered = plain(options.build, corpus)
        count = events.read_bytes().count(b"\n")
        bench = [program, "bench", "--quiet", "--rules", RULES, "--format", "json", events]
        theirs, empty, ours, their_process, our_process = [], [], [], [], []
        for _ in range(options.rounds):
            theirs.append(run(rsigma, events, one_processor=True))
            empty.append(run(rsigma, os.devnull, one_processor=True))
            their_process.append(run(rsigma, events))
            our_process.append(run(match, events))
            told = subprocess.run(bench, stdout=subprocess.PIPE, check=True).stdout
            ours.append(json.loads(told)["events_per_second"])
        rate = count / max(statistics.median(theirs) - statistics.median(empty), 1e-9)
        figures[corpus] = {
            "rsigma_events_per_second": rate, "rsigma_start_seconds": statistics.median(empty),
            "events_per_second": statistics.median(ours), "ratio": statistics.median(ours) / rate,
            "process_seconds": statistics.median(our_process),
            "rsigma_process_seconds": statistics.median(their_process),
            "process_ratio": statistics.median(their_process) / statistics.median(our_process)}
        print("{}: rsigma {} does {:.0f} events/s (start {:.2f} s), faultline {:.0f}: {:.1f} times; whole process "
              "{:.2f} s, faultline {:.2f} s: {:.1f} times faster".format(
                  corpus, VERSION, rate, figures[corpus]["rsigma_start_seconds"], figures[corpus]["events_per_second"],
                  figures[corpus]["ratio"], figures[corpus]["rsigma_process_seconds"],
                  figures[corpus]["process_seconds"], figures[corpus]["process_ratio"]))
        mine, its, both, reasons = difference(rsigma, match, numbered)
        print(f"  matches: faultline {mine}, rsigma {its}, both {both}")
        for (who, reason), times in sorted(reasons.items(), key=lambda item: (item[0][0], -item[1])):
            print(f"  {times:>8} {who}: {reason}")
    if options.json:
        options.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`faultline run` on a real broker against the same consumer that only parses and routes.

  run.py BUILD_DIR [--records N] [--rounds N] [--json FILE]

A broker of the tests' fixture gets the mixed Windows corpus, as often as N records need, in one topic of twelve
partitions, lz4. Both programs read it from the beginning with exactly-once and the same configuration, in turn. What
is compared is the CPU time of the process per record, librdkafka's threads included, from the moment a fifth of the
records is read: starting and compiling is left out.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("FAULTLINE_TEST_DATA", SOURCE / "../shared/data"))
PARTITIONS = 12
TICKS = os.sysconf("SC_CLK_TCK")


Spent = collections.namedtuple("Spent", "us rate megabytes")


class Broker:
    """The fixture's broker with the topics that are asked for."""

    def __init__(self, build, topics):
        words = [word for name, partitions in topics.items() for word in (name, str(partitions))]
        self.process = subprocess.Popen([build / "bin/faultline_test_broker", *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            sys.exit("no broker")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def fill(address, topic, corpus, records):
    """Writes the corpus, over and over, until the topic has that many records."""
    producer = subprocess.Popen(
        ["kcat", "-P", "-q", "-b", address, "-t", topic, "-z", "lz4", "-X", "linger.ms=50"],
        stdin=subprocess.PIPE)
    while records > 0:
        producer.stdin.write(b"".join(corpus[:records]))
        records -= len(corpus)
    producer.stdin.close()
    if producer.wait() != 0:
        sys.exit("kcat could not write the records")


def configuration(folder, address, rules, group):
    path = folder / f"{group}.yaml"
    path.write_text(f"""pipeline: {group}
instance: bench
kafka: {{brokers: "{address}", group: {group}}}
inputs: [{{topics: [events]}}]
rules: {{paths: ["{rules}"]}}
alerts: {{topic: alerts}}
dead_letters: {{topic: dead}}
internal: {{markers: markers}}
http: {{listen: "127.0.0.1:0"}}
""")
    return path


def metric(text, name):
    """The sum of a metric's series."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def most_memory(pid):
    return int(re.search(r"^VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]) / 1e3


def consume(command, folder, records):
    """CPU microseconds per record, records a second, most megabytes of memory, and the number of alerts."""
    log = folder / "consumer.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=out)
    try:
        http, begin = None, None
        while True:
            time.sleep(0.25)
            if process.poll() is not None:
                sys.exit(f"the consumer ended:\n{log.read_text()}")
            if http is None:
                found = re.search(r"\bhttp=(\S+:\d+)", log.read_text())
                http = found and found[1]
                continue
            with urllib.request.urlopen(f"http://{http}/metrics") as answer:
                text = answer.read().decode()
            read, cpu = metric(text, "faultline_events_consumed_total"), cpu_seconds(process.pid)
            if begin is None and read >= records / 5:
                begin = read, cpu, time.monotonic()
            if read >= records:
                break
        if begin is None or read <= begin[0]:
            sys.exit("too few records to measure")
        new = read - begin[0]
        spent = Spent(1e6 * (cpu - begin[1]) / new, new / (time.monotonic() - begin[2]), most_memory(process.pid))
        return spent, metric(text, "faultline_alerts_total")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--records", type=int, default=2000000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=pathlib.Path, help="the figures, for programs")
    options = parser.parse_args()
    rules = (DATA / "sigmahq/rules/windows").resolve()
    events = DATA / "events/windows-mixed.ndjson.zst"
    corpus = subprocess.run(["zstd", "-dc", events], stdout=subprocess.PIPE, check=True).stdout.splitlines(True)
    pairs = [int(line.split(b"\t")[0]) for line in
             (DATA / "events/windows-mixed.pairs.tsv").read_bytes().splitlines()]
    least = sum(options.records // len(corpus) + (pair < options.records % len(corpus)) for pair in pairs)

    folder = pathlib.Path(tempfile.mkdtemp(prefix="faultline-e2e-"))
    broker = Broker(options.build, {"events": PARTITIONS, "alerts": 1, "dead": 1, "markers": 1})
    try:
        fill(broker.address, "events", corpus, options.records)
        run, floor = [], []
        for number in range(options.rounds):
            config = configuration(folder, broker.address, rules, f"run{number}")
            spent, alerts = consume([options.build / "bin/faultline", "run", "-c", config], folder, options.records)
            if alerts < least:
                sys.exit(f"{alerts:.0f} alerts where at least {least} are recorded: the figures are worth nothing")
            run.append(spent)
            config = configuration(folder, broker.address, rules, f"floor{number}")
            spent, alerts = consume([options.build / "bin/faultline_route_only", config], folder, options.records)
            if alerts > 0:
                sys.exit("the consumer that only routes has matched")
            floor.append(spent)
    finally:
        broker.stop()
        shutil.rmtree(folder)
    figures = {"records": options.records, "ratio": statistics.median(mine.us / its.us for mine, its in zip(run, floor))}
    for name, rounds in (("run", run), ("floor", floor)):
        for measure in Spent._fields:
            figures[f"{name}_{measure}"] = statistics.median(getattr(each, measure) for each in rounds)
    if options.json:
        options.json.write_text(json.dumps(figures))
    print("{records} records, lz4, 12 partitions, exactly-once: {run_us:.2f} us of CPU per record, "
          "{floor_us:.2f} us with parsing and routing only: {ratio:.2f} times; {run_rate:.0f} and {floor_rate:.0f} "
          "records/s, {run_megabytes:.0f} and {floor_megabytes:.0f} MB".format(**figures))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up ctest's results: what ran per label, what was left out and why.

  test_summary.py JUNIT LISTING     tests per label, cases left out; LISTING is of ctest --show-only=json-v1
  test_summary.py --total JUNIT...  the one line "N passed, N failed"; exit 1 unless all passed
"""
import collections
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

GTEST_REASON = re.compile(r"^.*:\d+: Skipped$")
GTEST_SKIPPED = re.compile(r"^\[  SKIPPED \] (\S+) \(\d+ ms\)$")
BATS_SKIPPED = re.compile(r"^ok \d+ (.*?) # skip ?(.*)$")


def cases(path):
    return list(ElementTree.parse(path).getroot().iter("testcase"))


def labels(listing):
    """Test name -> its labels; ctest 3.25 does not write them into its JUnit file."""
    with open(listing, encoding="utf-8") as file:
        tests = json.load(file)["tests"]
    return {test["name"]: prop["value"] for test in tests for prop in test.get("properties", [])
            if prop["name"] == "LABELS"}


def failed(case):
    return case.find("failure") is not None or case.get("status") == "fail"


def left_out_inside(output):
    """(name, reason) of the cases that a test program itself left out."""
    found, reason, lines = [], "", output.splitlines()
    for number, line in enumerate(lines):
        if GTEST_REASON.match(line):
            reason = lines[number + 1].strip() if number + 1 < len(lines) else ""
        elif match := GTEST_SKIPPED.match(line):
            found.append((match.group(1), reason or "no reason given"))
            reason = ""
        elif match := BATS_SKIPPED.match(line):
            found.append((match.group(1), match.group(2) or "no reason given"))
    return found


def left_out(all_cases):
    for case in all_cases:
        skipped = case.find("skipped")
        if skipped is not None:
            yield case.get("name"), skipped.get("message", "not run")
        for name, reason in left_out_inside(case.findtext("system-out") or ""):
            yield f"{case.get('name')}: {name}", reason


def summarise(path, listing):
    all_cases = cases(path)
    known = labels(listing)
    per_label = collections.Counter(label for case in all_cases
                                    for label in known.get(case.get("name"), ["none"]))
    shown = ", ".join(f"{label} {count}" for label, count in sorted(per_label.items()))
    print(f"Test programs per label: {shown}")
    gone = list(left_out(all_cases))
    print(f"Left out: {len(gone)}" if gone else "Left out: nothing")
    for name, reason in gone:
        print(f"  {name}: {reason}")
    return 0


def total(paths):
    passed = failures = 0
    for path in paths:
        try:
            for case in cases(path):
                if failed(case):
                    failures += 1
                elif case.find("skipped") is None:
                    passed += 1
        except (OSError, ElementTree.ParseError) as error:
            print(f"test_summary: {path}: {error}", file=sys.stderr)
            failures += 1
    print(f"{passed} passed, {failures} failed")
    return 0 if passed and not failures else 1


def main(arguments):
    if len(arguments) >= 2 and arguments[0] == "--total":
        return total(arguments[1:])
    if len(arguments) == 2:
        return summarise(*arguments)
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

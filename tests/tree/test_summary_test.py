#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/test_summary.py counts what ctest counted and names what was left out."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import test_summary  # noqa: E402  (found through the line above)

RESULTS = """<?xml version="1.0"?>
<testsuite name="(empty)" tests="4" failures="1" skipped="1">
  <testcase name="walker_test" classname="walker_test" time="0.1" status="run">
    <system-out>[ RUN      ] Walker.ReadsCorpus
/src/walker_test.cc:7: Skipped
left out, test data missing: events/windows-mixed.ndjson.zst

[  SKIPPED ] Walker.ReadsCorpus (0 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Walker.ReadsCorpus
</system-out>
  </testcase>
  <testcase name="cli" classname="cli" time="0.1" status="run">
    <system-out>1..2
ok 1 shows help
ok 2 metrics pass promtool # skip no promtool
</system-out>
  </testcase>
  <testcase name="rule_test" classname="rule_test" time="0.1" status="fail">
    <failure message=""/>
    <system-out></system-out>
  </testcase>
  <testcase name="packages" classname="packages" time="0.1" status="notrun">
    <skipped message="SKIP_RETURN_CODE=77"/>
    <system-out></system-out>
  </testcase>
</testsuite>
"""

LISTING = json.dumps({"tests": [
    {"name": name, "properties": [{"name": "TIMEOUT", "value": 9.0}, {"name": "LABELS", "value": [label]}]}
    for name, label in (("walker_test", "unit"), ("cli", "e2e"), ("rule_test", "unit"))
] + [{"name": "packages", "properties": []}]})


class TestSummary(unittest.TestCase):
    def run_on(self, content, total=False):
        with tempfile.TemporaryDirectory() as folder:
            path, listing = pathlib.Path(folder) / "ctest.xml", pathlib.Path(folder) / "ctest.json"
            path.write_text(content, encoding="utf-8")
            listing.write_text(LISTING, encoding="utf-8")
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                arguments = ["--total", str(path)] if total else [str(path), str(listing)]
                status = test_summary.main(arguments)
        return status, out.getvalue()

    def test_counts_programs_per_label_and_names_what_was_left_out(self):
        status, out = self.run_on(RESULTS)
        self.assertEqual(status, 0)
        self.assertEqual(out.splitlines(), [
            "Test programs per label: e2e 1, none 1, unit 2",
            "Left out: 3",
            "  walker_test: Walker.ReadsCorpus: left out, test data missing: "
            "events/windows-mixed.ndjson.zst",
            "  cli: metrics pass promtool: no promtool",
            "  packages: SKIP_RETURN_CODE=77",
        ])

    def test_total_is_one_line_and_fails_with_a_failure(self):
        self.assertEqual(self.run_on(RESULTS, total=True), (1, "2 passed, 1 failed\n"))

    def test_total_without_a_failure_is_fine(self):
        passed = RESULTS.replace('<failure message=""/>', "").replace('status="fail"', 'status="run"')
        self.assertEqual(self.run_on(passed, total=True), (0, "3 passed, 0 failed\n"))

    def test_results_that_are_missing_count_as_a_failure(self):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(test_summary.main(["--total", "/nonexistent/ctest.xml"]), 1)
        self.assertEqual(out.getvalue(), "0 passed, 1 failed\n")


if __name__ == "__main__":
    unittest.main()

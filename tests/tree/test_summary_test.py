#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/test_summary.py counts what ctest counted and names what was left out."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import test_summary  # noqa: E402  (found through the line above)

RESULTS = """<?xml version="1.0"?>
<testsuite name="(empty)" tests="4" failures="1" skipped="1">
  <testcase name="walker_test" classname="walker_test" time="0.1" status="run">
    <properties><property name="cmake_labels" value="unit"/></properties>
    <system-out>[ RUN      ] Walker.ReadsCorpus
/src/walker_test.cc:7: Skipped
left out, test data missing: events/windows-mixed.ndjson.zst

[  SKIPPED ] Walker.ReadsCorpus (0 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Walker.ReadsCorpus
</system-out>
  </testcase>
  <testcase name="cli" classname="cli" time="0.1" status="run">
    <properties><property name="cmake_labels" value="e2e"/></properties>
    <system-out>1..2
ok 1 shows help
ok 2 metrics pass promtool # skip no promtool
</system-out>
  </testcase>
  <testcase name="rule_test" classname="rule_test" time="0.1" status="fail">
    <failure message=""/>
    <properties><property name="cmake_labels" value="unit"/></properties>
    <system-out></system-out>
  </testcase>
  <testcase name="packages" classname="packages" time="0.1" status="notrun">
    <skipped message="SKIP_RETURN_CODE=77"/>
    <properties><property name="cmake_labels" value="unit"/></properties>
    <system-out></system-out>
  </testcase>
</testsuite>
"""


class TestSummary(unittest.TestCase):
    def run_on(self, content, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "ctest.xml"
            path.write_text(content, encoding="utf-8")
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                status = test_summary.main([*options, str(path)])
        return status, out.getvalue()

    def test_counts_programs_per_label_and_names_what_was_left_out(self):
        status, out = self.run_on(RESULTS)
        self.assertEqual(status, 0)
        self.assertEqual(out.splitlines(), [
            "Test programs per label: e2e 1, unit 3",
            "Left out: 3",
            "  walker_test: Walker.ReadsCorpus: left out, test data missing: "
            "events/windows-mixed.ndjson.zst",
            "  cli: metrics pass promtool: no promtool",
            "  packages: SKIP_RETURN_CODE=77",
        ])

    def test_total_is_one_line_and_fails_with_a_failure(self):
        self.assertEqual(self.run_on(RESULTS, "--total"), (1, "2 passed, 1 failed\n"))

    def test_total_without_a_failure_is_fine(self):
        passed = RESULTS.replace('<failure message=""/>', "").replace('status="fail"', 'status="run"')
        self.assertEqual(self.run_on(passed, "--total"), (0, "3 passed, 0 failed\n"))

    def test_results_that_are_missing_count_as_a_failure(self):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(test_summary.main(["--total", "/nonexistent/ctest.xml"]), 1)
        self.assertEqual(out.getvalue(), "0 passed, 1 failed\n")


if __name__ == "__main__":
    unittest.main()

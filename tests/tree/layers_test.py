#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/check_layers.py accepts a tree that keeps the rules and names each planted violation."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import check_layers  # noqa: E402  (found through the line above)

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"

ALLOWED = {
    "base/log.cc": "<spdlog/spdlog.h>",
    "base/result.h": "<tl/expected.hpp>",
    "matcher/event/walker.cc": "<simdjson.h>",
    "matcher/sigma/yaml.cc": "<yaml.h>",
    "matcher/sigma/rule.h": '"base/result.h"',
    "matcher/signature/rule_set.h": '"matcher/sigma/rule.h"',
    "matcher/signature/hs_handles.h": "<hs/hs.h>",
    "matcher/correlate/window.cc": '"matcher/signature/rule_set.h"',
    "matcher/alert.h": '"matcher/correlate/hit.h"',
    "matcher/engine.cc": '"matcher/correlate/window.h"',
    "kafka/handles.h": "<librdkafka/rdkafka.h>",
    "consumer/worker.cc": '"matcher/ports.h"',
    "exporters/http.cc": "<microhttpd.h>",
    "exporters/alert_json.cc": '"matcher/alert.h"',
    "app/main.cc": '"consumer/worker.h"',
    "app/service.cc": "<thread>",
}

# file, its include, a word of the complaint
PLANTED = [
    ("base/a.cc", '"matcher/alert.h"', "base/ must not include from matcher/"),
    ("matcher/a.cc", '"kafka/error.h"', "matcher/ must not include from kafka/"),
    ("matcher/a.cc", '"app/config.h"', "matcher/ must not include from app/"),
    ("kafka/a.cc", '"matcher/engine.h"', "kafka/ must not include from matcher/"),
    ("kafka/a.cc", '"consumer/worker.h"', "kafka/ must not include from consumer/"),
    ("consumer/a.h", '"exporters/alert_json.h"', "consumer/ must not include from exporters/"),
    ("exporters/a.h", '"consumer/worker.h"', "exporters/ must not include from consumer/"),
    ("exporters/a.cc", '"matcher/engine.h"', "not what makes them"),
    ("exporters/a.cc", '"matcher/correlate/window.h"', "not what makes them"),
    ("matcher/event/a.h", '"matcher/sigma/rule.h"', "event must not include from sigma"),
    ("matcher/sigma/a.h", '"matcher/event/event.h"', "sigma must not include from event"),
    ("matcher/event/a.h", '"matcher/signature/rule_set.h"', "event must not include from signature"),
    ("matcher/signature/a.h", '"matcher/correlate/key.h"', "signature must not include from correlate"),
    ("matcher/correlate/a.h", '"matcher/engine.h"', "correlate must not include from engine"),
    ("matcher/correlate/a.h", '"matcher/alert.h"', "correlate must not include from alert"),
    ("matcher/alert.h", '"matcher/engine.h"', "alert must not include from engine"),
    ("matcher/a.cc", '"a.h"', "from the root of the tree"),
    ("matcher/event/a.cc", '"base/clock.h"', "pure"),
    ("matcher/event/a.cc", "<thread>", "pure"),
    ("matcher/event/a.cc", "<condition_variable>", "pure"),
    ("matcher/event/a.cc", "<sys/socket.h>", "pure"),
    ("matcher/event/a.h", "<simdjson.h>", "belongs elsewhere"),
    ("matcher/sigma/a.cc", "<simdjson.h>", "belongs elsewhere"),
    ("matcher/sigma/rule.cc", "<yaml.h>", "belongs elsewhere"),
    ("matcher/correlate/a.cc", "<hs/hs.h>", "belongs elsewhere"),
    ("matcher/signature/a.h", "<pcre2.h>", "belongs elsewhere"),
    ("consumer/a.cc", "<librdkafka/rdkafka.h>", "belongs elsewhere"),
    ("kafka/consumer.h", "<librdkafka/rdkafka.h>", "belongs elsewhere"),
    ("exporters/a.cc", "<zstd.h>", "belongs elsewhere"),
    ("consumer/a.cc", "<prometheus/counter.h>", "belongs elsewhere"),
    ("kafka/a.cc", "<CLI/CLI.hpp>", "belongs elsewhere"),
    ("kafka/a.cc", "<spdlog/spdlog.h>", "belongs elsewhere"),
    ("app/a.cc", "<gtest/gtest.h>", "belongs elsewhere"),
    ("app/a.cc", "<boost/regex.hpp>", "no library that the tree knows"),
    ("tests/reference/a.cc", '"matcher/signature/rule_set.h"', "shares no matching code"),
]


def plant(root, name, content):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def faults_of(tree):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, content in tree.items():
            plant(root, name, content)
        return check_layers.check(root)[1]


class CheckLayers(unittest.TestCase):
    def test_accepts_what_the_rules_allow(self):
        tree = {name: f"{SPDX}#include {what}\n#include <vector>\n" for name, what in ALLOWED.items()}
        self.assertEqual(faults_of(tree), [])

    def test_names_each_planted_violation(self):
        for name, what, complaint in PLANTED:
            with self.subTest(file=name, include=what):
                faults = faults_of({name: f"{SPDX}\n#include <vector>\n#  include {what}\n"})
                self.assertEqual(len(faults), 1, faults)
                self.assertTrue(faults[0].startswith(f"{name}:4: "), faults[0])
                self.assertIn(complaint, faults[0])

    def test_names_a_clock_in_the_engine(self):
        line = "auto now = std::chrono::steady_clock::now();\n"
        self.assertEqual(len(faults_of({"matcher/a.cc": SPDX + line})), 1)
        self.assertEqual(faults_of({"app/a.cc": SPDX + line}), [])

    def test_names_a_thread_outside_app(self):
        for line in ("std::jthread worker_;\n", "pthread_create(&thread, nullptr, Run, nullptr);\n"):
            self.assertEqual(len(faults_of({"exporters/a.cc": SPDX + line})), 1)
            self.assertEqual(faults_of({"app/a.cc": SPDX + line}), [])
        sleeps = "#include <thread>\nstd::this_thread::yield();\n"
        self.assertEqual(faults_of({"kafka/a.cc": SPDX + sleeps}), [])

    def test_names_a_missing_licence_line(self):
        plain = {"base/a.cc": "int x;\n", "tools/a.sh": "#!/bin/sh\ntrue\n", "a/CMakeLists.txt": "\n"}
        self.assertEqual(len(faults_of(plain)), 3)
        marked = {name: "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n" for name in ("a.sh", "run")}
        self.assertEqual(faults_of(marked), [])


if __name__ == "__main__":
    unittest.main()

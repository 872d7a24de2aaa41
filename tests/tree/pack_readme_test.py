#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table in a pack's README and the pack's rule tests name the same cases.

A cell reads "case; case; FILE: case"; the file is the row's own ("all": any) until another is named. A case ends in
"..." where the names of several files begin alike.
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def unquoted(text):
    """A YAML scalar of one line as its text."""
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return text[1:-1] if text.startswith('"') else text


def cases_of(pack):
    """(file, name) of each case."""
    return {(path.name, unquoted(name)) for path in sorted((pack / "tests").glob("*.yml"))
            for name in re.findall(r"^name: (.*)$", path.read_text(), re.MULTILINE)}


def told_in(readme):
    """(file or "all", name) of each case that the table names."""
    for line in readme.splitlines():
        row = re.fullmatch(r"\|.*\| ([\w-]+\.yml|all) \|(.*)\|", line)
        if row is None:
            continue
        for told in row[2].split(";"):
            other = re.fullmatch(r"([\w-]+\.yml): (.*)", told.strip())
            yield other.groups() if other else (row[1], told.strip())


class PackReadme(unittest.TestCase):
    def test_its_table_names_each_case_and_no_other(self):
        pack = ROOT / "packs/exchange-cluster"
        cases = cases_of(pack)
        named = set()
        for file, told in told_in((pack / "README.md").read_text()):
            begins = told[:-3].rstrip() if told.endswith("...") else None
            found = {case for case in cases if file in ("all", case[0]) and
                     (case[1] == told if begins is None else case[1].startswith(begins))}
            self.assertTrue(found, f"{file}: {told}")
            named |= found
        self.assertEqual(cases - named, set())
        self.assertGreaterEqual(len(cases), 60)


if __name__ == "__main__":
    sys.exit(unittest.main())

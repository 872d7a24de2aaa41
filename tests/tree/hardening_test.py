#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The built program is hardened as promised: hardening_test.py PROGRAM; asks readelf, not the build's flags."""
import re
import subprocess
import sys


def readelf(program, *options):
    return subprocess.run(["readelf", "--wide", *options, program], check=True, text=True,
                          capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def faults(program):
    header = readelf(program, "--file-header")
    segments = readelf(program, "--program-headers")
    dynamic = readelf(program, "--dynamic")
    symbols = set(re.findall(r"\b(__\w+_(?:chk|fail))\b", readelf(program, "--dyn-syms")))
    sections = readelf(program, "--section-headers")

    if not re.search(r"^\s*Type:\s+DYN", header, re.MULTILINE) or "PIE" not in dynamic:
        yield "not position-independent (-fPIE -pie)"
    if "GNU_RELRO" not in segments:
        yield "no RELRO"
    if not re.search(r"\(FLAGS(_1)?\).*\b(BIND_)?NOW\b", dynamic):
        yield "RELRO is not full: no BIND_NOW"
    stack = re.search(r"GNU_STACK\s+(?:0x\w+\s+){5}(\S+)", segments)
    if not stack or "E" in stack.group(1):
        yield "the stack may be executable"
    if re.search(r"LOAD\s+(?:0x\w+\s+){5}RWE", segments):
        yield "a segment is writable and executable"
    if "__stack_chk_fail" not in symbols:
        yield "no stack protector"
    if not {name for name in symbols if name.endswith("_chk")}:
        yield "no fortified calls (_FORTIFY_SOURCE)"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "carries a library path of the build machine"
    if ".text" not in sections:
        yield "readelf shows no code"


def main(arguments):
    found = list(faults(arguments[0]))
    for fault in found:
        print(f"{arguments[0]}: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

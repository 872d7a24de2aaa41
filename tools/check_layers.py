#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads every #include of the tree and enforces where code may look; checks SPDX lines as well.

  check_layers.py [ROOT]      prints file:line: fault, exit 1 on any; "N files, no fault" otherwise

Layers: app -> consumer, exporters -> matcher -> base and consumer, exporters -> kafka -> base; never back,
never sideways. Inside matcher/: event, sigma <- shapes <- signature <- correlate <- alert, output, ports <- engine.
A third-party library has one folder, and stays in its .cc files and *handles.h.
"""
import pathlib
import re
import sys

# Folder -> folders that its files may include from.
LAYERS = {
    "base": {"base"},
    "matcher": {"base", "matcher"},
    "kafka": {"base", "kafka"},
    "consumer": {"base", "matcher", "kafka", "consumer"},
    "exporters": {"base", "matcher", "kafka", "exporters"},
    "app": {"base", "matcher", "kafka", "consumer", "exporters", "app", "bench"},
    "bench": {"base", "matcher", "exporters", "app", "bench"},
}

# Room of matcher/ -> rooms that its files may include from. A file directly in matcher/ belongs to the
# room TOP_ROOMS names, else to the engine, which may see everything.
ROOMS = {
    "event": {"event"},
    "sigma": {"sigma"},
    "shapes": {"event", "sigma", "shapes"},
    "signature": {"event", "sigma", "shapes", "signature"},
    "correlate": {"event", "sigma", "shapes", "signature", "correlate"},
    "alert": {"event", "sigma", "shapes", "signature", "correlate", "alert"},
    "engine": {"event", "sigma", "shapes", "signature", "correlate", "alert", "engine"},
}
TOP_ROOMS = {"alert": "alert", "output": "alert", "ports": "alert"}

# What results are made of: all that exporters/ may know of the rooms that make them.
EXPORTERS_SHUN = {"signature", "correlate"}
EXPORTERS_MAY = {"matcher/signature/rule_set.h", "matcher/correlate/order.h"}

# (pattern of the included header, files that may include it)
LIBRARIES = [
    (r"tl/expected\.hpp", r"base/.*"),
    (r"fmt/.*", r"base/.*|.*\.cc"),
    (r"spdlog/.*", r"base/.*\.cc"),
    (r"xxhash\.h", r"base/.*\.cc"),
    (r"simdjson\.h", r"matcher/event/.*\.cc|bench/yardsticks/.*\.cc"),
    (r"yaml\.h", r"matcher/sigma/yaml\.cc"),
    (r"arpa/inet\.h", r"matcher/sigma/network\.cc|(?!matcher/).*"),  # text to address, no socket
    (r"(hs/)?hs(_.*)?\.h", r"matcher/signature/(.*\.cc|.*handles\.h)"),
    (r"pcre2\.h", r"matcher/signature/(.*\.cc|.*handles\.h)"),
    (r"librdkafka/.*", r"kafka/(.*\.cc|.*handles\.h)"),
    (r"(zstd|lz4|lz4frame|isa-l|isa-l/.*|igzip_lib)(\.h)?", r"consumer/(.*\.cc|.*handles\.h)"),
    (r"prometheus/.*|microhttpd\.h", r"exporters/(.*\.cc|.*handles\.h)"),
    (r"CLI/.*", r"app/.*\.cc"),
    (r"jemalloc/.*", r"app/allocator\.cc"),
    (r"benchmark/.*", r"bench/micro/.*\.cc"),
    (r"(gtest|gmock|rapidcheck)(/.*|\.h)", r"(?!)"),
]

# The operating system's headers and C's: no library of anybody.
SYSTEM = re.compile(
    r"(sys|netinet|arpa|net|linux)/\w+\.h|(unistd|fcntl|poll|signal|pthread|dirent|errno|time|malloc|"
    r"termios|pwd|grp|netdb|sched|regex|stdint|stddef|string|stdio|stdlib|limits|math|assert|ctype|inttypes|"
    r"immintrin|[a-z]mmintrin|arm_neon)\.h")
STANDARD = re.compile(r"[a-z_0-9]+")

# The engine is a pure function: no thread, no clock, no socket. (Threads start in app/ only.)
# <thread> elsewhere is for std::this_thread.
THREAD = re.compile(r"\b(std::j?thread(?!::id)|pthread_create|thrd_create|std::async)\b")
NEVER_IN_MATCHER = re.compile(
    r"thread|future|condition_variable|semaphore|stop_token|ctime|time\.h|iostream|pthread\.h|poll\.h|"
    r"base/clock\.h|(sys|netinet|net)/\w+\.h")
CLOCKS = re.compile(r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|\bclock_gettime\b")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
SPDX = "SPDX-License-Identifier: Apache-2.0"
SPDX_SUFFIXES = {".cc", ".h", ".py", ".sh", ".pl", ".cmake", ".bats"}
SPDX_NAMES = {"CMakeLists.txt", "Makefile"}
SKIPPED_FOLDERS = {"build", ".git"}


def room_of(path):
    """The room of a path such as matcher/event/walker.h."""
    parts = pathlib.PurePosixPath(path).parts
    if len(parts) > 2:
        return parts[1]
    return TOP_ROOMS.get(parts[1].rsplit(".", 1)[0], "engine")


def fault_of_own(path, included):
    """What is wrong with including our own header, or None."""
    folder, target = path.split("/")[0], included.split("/")[0]
    if target not in LAYERS:
        return f"'{included}': include from the root of the tree, and from a layer"
    if target not in LAYERS[folder]:
        return f"{folder}/ must not include from {target}/: '{included}'"
    if folder == "matcher" and target == "matcher":
        here, there = room_of(path), room_of(included)
        if there not in ROOMS.get(here, set()):
            return f"inside matcher/, {here} must not include from {there}: '{included}'"
    if folder == "exporters" and target == "matcher" and included not in EXPORTERS_MAY:
        if room_of(included) in EXPORTERS_SHUN or included == "matcher/engine.h":
            return f"exporters/ know results, not what makes them: '{included}'"
    return None


def fault_of_library(path, included):
    """What is wrong with including a header in angle brackets, or None."""
    for library, allowed in LIBRARIES:
        if re.fullmatch(library, included):
            if re.fullmatch(allowed, path):
                return None
            return f"<{included}> belongs elsewhere (allowed: {allowed})"
    if STANDARD.fullmatch(included) or SYSTEM.fullmatch(included):
        return None
    return f"<{included}> is no library that the tree knows; give it a folder in tools/check_layers.py"


def code_faults(path, text):
    """(line, fault) of one C++ file of a layer."""
    in_matcher = path.startswith("matcher/")
    for number, line in enumerate(text.splitlines(), 1):
        if in_matcher and CLOCKS.search(line.split("//")[0]):
            yield number, "matcher/ asks no clock"
        if not path.startswith("app/") and THREAD.search(line.split("//")[0]):
            yield number, "threads start in app/ only"
        match = INCLUDE.match(line)
        if not match:
            continue
        own, library = match.groups()
        fault = fault_of_own(path, own) if own else fault_of_library(path, library)
        if fault:
            yield number, fault
        elif in_matcher and NEVER_IN_MATCHER.fullmatch(own or library):
            yield number, f"matcher/ is pure: no clock, no thread, no I/O ('{own or library}')"


def reference_faults(text):
    """The oracle shares no matching code with what it judges."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        included = (match.group(1) or match.group(2)) if match else ""
        shared = re.fullmatch(r"matcher/(signature/.*|correlate/.*|engine\.h|event/walker\.h)|hs/?.*\.h",
                              included)
        if shared and included not in {"matcher/correlate/order.h"}:
            yield number, f"tests/reference shares no matching code: '{included}'"


def needs_spdx(path, text):
    return path.suffix in SPDX_SUFFIXES or path.name in SPDX_NAMES or text.startswith("#!")


def spdx_missing(text):
    lines = text.splitlines()[:2]
    first = lines[1:] if lines and lines[0].startswith("#!") else lines[:1]
    return not any(SPDX in line for line in first)


def files(root):
    for path in sorted(root.rglob("*")):
        if path.is_file() and not SKIPPED_FOLDERS & set(path.relative_to(root).parts[:1]):
            yield path


def check(root):
    """(number of files read, faults) of the tree at `root`."""
    count, faults = 0, []
    for path in files(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        count += 1
        name = path.relative_to(root).as_posix()
        if needs_spdx(path, text) and spdx_missing(text):
            faults.append(f"{name}:1: no '{SPDX}' line")
        if path.suffix not in {".cc", ".h"}:
            continue
        if name.split("/")[0] in LAYERS:
            faults += [f"{name}:{line}: {fault}" for line, fault in code_faults(name, text)]
        elif name.startswith("tests/reference/") and not name.endswith("_test.cc"):
            faults += [f"{name}:{line}: {fault}" for line, fault in reference_faults(text)]
    return count, faults


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent)
    count, faults = check(root)
    for fault in faults:
        print(fault)
    if faults:
        return 1
    print(f"{count} files, no fault")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

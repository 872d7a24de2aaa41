# SPDX-License-Identifier: Apache-2.0
"""Follows a document in the current folder, and compares what comes with what it shows.

Usage: follow_document.py DOCUMENT [--write]

A fenced block of json or yaml is the file that the text before it names last; one that is named with
a folder is there already, and the block must be a part of it. In a block without a language each line
that begins with "$ " is run on a terminal of 120 columns without colour, and the lines behind it are
what it prints; "(exit code N)" stands for one that is not 0. Seconds taken and ids of alerts may
differ. With --write the document gets what came.
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios


def run(command):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    child = subprocess.Popen(["bash", "-c", command], stdin=follower, stdout=follower, stderr=follower,
                             env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"})
    os.close(follower)
    output = b""
    while True:
        try:
            block = os.read(leader, 65536)
        except OSError:  # how Linux tells that the other end is closed
            break
        if not block:
            break
        output += block
    os.close(leader)
    code = child.wait()
    lines = output.decode().replace("\r\n", "\n").split("\n")[:-1]
    return lines + ([f"(exit code {code})"] if code else [])


def follow_block(lines):
    """The block as it came: commands of `lines`, each with its output."""
    came = []
    for command in [line[2:] for line in lines if line.startswith("$ ")]:
        came += ["$ " + command] + run(command)
    return came


def comparable(lines):
    return [re.sub(r"\d+\.\d{3} s|\bid [0-9a-f]{32}", "N", line) for line in lines]


def follow_file(name, text):
    if "/" in name:
        if text not in open(name).read():
            sys.exit(f"{name} has no such part:\n{text}")
    else:
        open(name, "w").write(text)


def main():
    document, write = sys.argv[1], "--write" in sys.argv
    pieces = re.split(r"^```(\w*)\n(.*?)^```\n", open(document).read(), flags=re.M | re.S)
    commands = 0
    for at in range(1, len(pieces), 3):
        language, text = pieces[at], pieces[at + 1]
        named = re.findall(r"`((?:[\w-]+/)?[\w-]+\.(?:yml|ndjson))`", pieces[at - 1])
        if language and named:
            follow_file(named[-1], text)
        elif not language and text.startswith("$ "):
            shown = text.split("\n")[:-1]
            came = follow_block(shown)
            commands += sum(line.startswith("$ ") for line in came)
            if write:
                pieces[at + 1] = "\n".join(came) + "\n"
            elif comparable(shown) != comparable(came):
                sys.exit("shown:\n" + text + "came:\n" + "\n".join(came))
    assert commands > 2, "the document shows next to nothing"
    if write:
        with open(document, "w") as out:
            out.write(pieces[0])
            for at in range(1, len(pieces), 3):
                out.write(f"```{pieces[at]}\n{pieces[at + 1]}```\n{pieces[at + 2]}")


main()

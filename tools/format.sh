#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Formats every C++ source of the tree in place.
set -eu
git ls-files -- '*.cc' '*.h' | xargs clang-format -i

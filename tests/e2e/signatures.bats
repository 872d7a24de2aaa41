#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docs/signatures.md, followed to the letter in an empty folder.

@test "a person who follows docs/signatures.md sees what it shows" {
  cd "$BATS_TEST_TMPDIR"
  mkdir empty
  cd empty
  PATH="$(dirname "$FAULTLINE"):$PATH" python3 "$FAULTLINE_SOURCE/tests/e2e/follow_document.py" \
    "$FAULTLINE_SOURCE/docs/signatures.md"
}

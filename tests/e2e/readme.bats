#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# README.md, followed to the letter in an empty folder.

@test "README.md shows what the program prints" {
  cd "$BATS_TEST_TMPDIR"
  mkdir bin empty
  # Several demos may run on one machine: this one takes a free port.
  cat > bin/faultline <<'SCRIPT'
#!/bin/sh
if [ "$1" = demo ]; then set -- "$@" --http 127.0.0.1:0; fi
exec "$FAULTLINE" "$@"
SCRIPT
  chmod +x bin/faultline
  cd empty
  PATH="$BATS_TEST_TMPDIR/bin:$PATH" python3 "$FAULTLINE_SOURCE/tests/e2e/follow_document.py" \
    "$FAULTLINE_SOURCE/README.md"
}

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang-format and clang-tidy over our sources: lint.sh BUILD_DIR (with compile_commands.json)
#
# Looks at what changed since origin/main; LINT_ALL=1, or a clone without that branch: at everything.
set -eu

build=$1
base=origin/main
if [ "${LINT_ALL:-0}" != 1 ] && git rev-parse -q --verify "$base^{commit}" >/dev/null; then
  files=$(git diff --name-only --diff-filter=d "$base" -- '*.cc' '*.h')
else
  files=$(git ls-files -- '*.cc' '*.h')
fi
[ -z "$files" ] && { echo "lint: nothing changed"; exit 0; }

echo "$files" | xargs clang-format --dry-run --Werror
sources=$(echo "$files" | grep '\.cc$' || true)
# Only what the build compiles has flags to be judged with.
compiled=$(for file in $sources; do
  if grep -q "\"file\": \".*/$file\"" "$build/compile_commands.json"; then echo "$file"; fi
done)
[ -z "$compiled" ] && exit 0
echo "$compiled" | xargs -n 1 -P "$(nproc)" clang-tidy -p "$build" --quiet --warnings-as-errors='*'

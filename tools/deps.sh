#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the packages of a list that are missing, and nothing else: deps.sh LIST
#
# A line of the list is a package or alternatives (`a | b`: the first one installed counts, else the first
# one that the distribution knows is taken); `#` starts a comment. FAULTLINE_SKIP_DEPS=1 leaves the system
# alone. Needs nothing beyond a bare Debian: sh, sed, dpkg, apt.
set -eu

[ "${FAULTLINE_SKIP_DEPS:-0}" = 1 ] && exit 0
list=$1

wanted() {  # one line per entry: alternatives separated by blanks
  sed -e 's/#.*//' -e 's/|/ /g' -e '/^[[:space:]]*$/d' "$list"
}

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | head -n 1)" = installed ]
}

known() {
  apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    echo "deps: not root and no sudo; as root: $*" >&2
    exit 1
  fi
}

missing=$(wanted | while read -r names; do
  for name in $names; do
    installed "$name" && continue 2
  done
  echo "$names"
done)
[ -z "$missing" ] && exit 0

echo "deps: installing what is missing of $list" >&2
as_root apt-get update -qq
chosen=$(echo "$missing" | while read -r names; do
  for name in $names; do
    if known "$name"; then
      echo "$name"
      continue 2
    fi
  done
  echo "deps: this distribution has none of: $names" >&2
  exit 1
done)
# Word splitting is what turns the lines into arguments.
# shellcheck disable=SC2086
as_root apt-get install -y -qq --no-install-recommends $chosen >&2

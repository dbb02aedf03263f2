#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# usage: check-exports.sh LIBRARY NM
# The shared library shows exactly the functions that the public headers mark
# with WALLOC_API.
set -u
library=$(realpath "$1") || exit 1
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$2" -D --defined-only "$library" | awk '{ print $3 }' | sort -u >"$work/shown"
# a declaration may go on in the next line
cat libwalloc/include/walloc/*.h | tr '\n' ' ' |
  grep -oE 'WALLOC_API (const )?[a-z_0-9]+ [ *]*walloc_[a-z0-9_]+ \(' |
  sed 's/ *($//; s/.*[ *]//' | sort -u >"$work/meant"
test -s "$work/meant" || { echo "no function found in the headers"; exit 1; }
diff -u "$work/meant" "$work/shown" && wc -l <"$work/shown"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Style of C sources: GStreamer's, as GNU indent writes it.
#
# usage: sh scripts/indent.sh [--check] [FILE...]
# Without --check rewrites the files; with it changes nothing, shows what
# differs and exits 1. Default: every .c file of the repository. Headers are
# left alone: indent does not understand attributes and macros in them.
set -u
cd "$(dirname "$0")/.." || exit 1

check=no
if [ "${1:-}" = --check ]; then
  check=yes
  shift
fi
if ! indent --version 2>/dev/null | grep -q 'GNU indent'; then
  echo "indent.sh: SKIP: GNU indent is not installed" \
    "(sh scripts/install-deps.sh test)"
  exit 77
fi

options='--braces-on-if-line --case-brace-indentation0 --case-indentation2
  --braces-after-struct-decl-line --line-length80 --no-tabs --cuddle-else
  --dont-line-up-parentheses --continuation-indentation4 --honour-newlines
  --tab-size8 --indent-level2 --leave-preprocessor-space'

if [ $# -gt 0 ]; then
  files=$*
elif git rev-parse --git-dir >/dev/null 2>&1; then
  files=$(git ls-files '*.c' | grep -v -e '-dist\.c$' -e '^tests/golden/')
else
  files=$(find libwalloc gst tools tests examples -name '*.c' \
    ! -name '*-dist.c' ! -path 'tests/golden/*')
fi

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM
# a personal .indent.pro would change the result
HOME=$temp
export HOME
bad=0
for file in $files; do
  [ -f "$file" ] || continue
  cp "$file" "$temp/new.c"
  # twice: the first pass moves comments, the second settles them
  for pass in 1 2; do
    # shellcheck disable=SC2086
    if ! indent $options "$temp/new.c" -o "$temp/out.c" 2>"$temp/err"; then
      echo "indent.sh: $file, pass $pass: $(head -n 1 "$temp/err")" >&2
    fi
    mv "$temp/out.c" "$temp/new.c"
  done
  cmp -s "$file" "$temp/new.c" && continue
  bad=$((bad + 1))
  if [ "$check" = yes ]; then
    echo "indent.sh: $file: $(diff "$file" "$temp/new.c" | grep -c '^<') lines differ"
    diff -u --label "$file" --label "$file (indented)" "$file" "$temp/new.c" |
      head -n 20
  else
    cat "$temp/new.c" >"$file"
    echo "indent.sh: rewrote $file"
  fi
done
if [ "$check" = yes ] && [ $bad -gt 0 ]; then
  echo "indent.sh: $bad files differ; 'sh scripts/indent.sh' rewrites them"
  exit 1
fi
exit 0

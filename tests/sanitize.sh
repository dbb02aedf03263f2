#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tests under AddressSanitizer and UndefinedBehaviorSanitizer.
#
# usage: sh tests/sanitize.sh [--build-only | MESON-TEST-ARGUMENTS...]
# Default: all tests, elements included. Builds in build-sanitize/.
set -u
cd "$(dirname "$0")/.." || exit 1

if [ -f build-sanitize/build.ninja ]; then
  meson setup --reconfigure build-sanitize
else
  # undefined behaviour is an error, not a remark in a log
  CFLAGS="${CFLAGS:-} -fno-sanitize-recover=all -fno-omit-frame-pointer" \
    meson setup build-sanitize -Dbuildtype=debugoptimized \
    -Db_sanitize=address,undefined -Db_lundef=false
fi || exit 1
meson compile -C build-sanitize || exit 1
[ "${1:-}" = --build-only ] && exit 0

# GLib and the plugins of others keep what they allocate until exit; our own
# leaks are found by the library's tests and by the leaks tracer
exec env ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}" \
  meson test -C build-sanitize --no-rebuild --print-errorlogs \
  --timeout-multiplier 5 "$@"

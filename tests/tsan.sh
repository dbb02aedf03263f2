#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests of elements with threads, under ThreadSanitizer.
#
# usage: sh tests/tsan.sh [MESON-TEST-ARGUMENTS...]
# Default: the elements that run networks on latents, spectralinspect, corrupt,
# wallocwebsink, NATS and RTP (with fewer frames).
# Builds in build-tsan/.
# GLib and GStreamer are the system's: tests/tsan has what it must be told of them.
set -u
cd "$(dirname "$0")/.." || exit 1

if [ ! -f build-tsan/build.ninja ]; then
  CC=${CC:-gcc} meson setup build-tsan -Dbuildtype=debugoptimized \
    -Db_sanitize=thread -Db_lundef=false || exit 1
fi
tests=''
for file in tests/check/*/compressed*.c tests/check/elements/walloclatents*.c \
  tests/check/elements/spectral*.c tests/check/elements/*corrupt.c; do
  folder=$(basename "$(dirname "$file")")
  tests="$tests gst-$folder-$(basename "$file" .c)"
done
plugins='gst/walloc/libgstwalloc.so gst/compressed/libgstcompressed.so
  gst/inspect/libgstinspect.so'
if grep -q 'ext/soup/libgstwallocsoup.so' build-tsan/build.ninja; then
  for file in tests/check/elements/wallocweb*.c; do
    tests="$tests gst-elements-$(basename "$file" .c)"
  done
  plugins="$plugins ext/soup/libgstwallocsoup.so"
fi
if grep -q 'ext/nats/libgstnats.so' build-tsan/build.ninja; then
  for name in nats natsaccess natsaway natshostile natslimits natsrenew \
    natsstream; do
    tests="$tests gst-elements-$name"
  done
  plugins="$plugins ext/nats/libgstnats.so"
fi
if grep -q 'gst/wallocrtp/libgstwallocrtp.so' build-tsan/build.ninja; then
  tests="$tests gst-elements-rtpwalloc gst-pipelines-rtpnetwork"
  plugins="$plugins gst/wallocrtp/libgstwallocrtp.so"
fi
targets=''
for test in $tests; do
  folder=${test#gst-}
  targets="$targets tests/check/elements/$test"
done
# shellcheck disable=SC2086
ninja -C build-tsan $targets $plugins || exit 1
cc=${CC:-gcc}
# shellcheck disable=SC2046
$cc -O1 -g -Wall -shared -fPIC \
  -o build-tsan/tsan-glib.so tests/tsan/tsan-glib.c \
  $(pkg-config --cflags --libs gstreamer-1.0) -ldl || exit 1

# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $tests
exec meson test -C build-tsan --no-rebuild --print-errorlogs \
  --num-processes 2 --timeout-multiplier 10 \
  --wrapper "env LD_PRELOAD=$PWD/build-tsan/tsan-glib.so \
CK_TIMEOUT_MULTIPLIER=10 G_SLICE=always-malloc \
TSAN_OPTIONS=suppressions=$PWD/tests/tsan/suppressions.txt:halt_on_error=0:exitcode=66:history_size=7" \
  "$@"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzzes one target with libFuzzer, under AddressSanitizer and
# UndefinedBehaviorSanitizer.
#
# usage: sh tests/fuzzing/fuzz.sh TARGET [SECONDS] [LIBFUZZER-ARGUMENTS...]
#   TARGET   fuzz_frame, fuzz_model, ... (see tests/fuzzing/meson.build)
#   SECONDS  how long (default 60)
# Builds in build-fuzz/; finds are kept in build-fuzz/corpus/TARGET, crashing
# inputs in build-fuzz/crashes/.
set -u
cd "$(dirname "$0")/../.." || exit 1

target=${1:-}
if [ -z "$target" ] || [ ! -f "tests/fuzzing/$target.c" ]; then
  echo "usage: sh tests/fuzzing/fuzz.sh TARGET [SECONDS]; targets:" >&2
  for file in tests/fuzzing/fuzz_*.c; do
    basename "$file" .c >&2
  done
  exit 2
fi
shift
seconds=60
case "${1:-}" in
  [0-9]*)
    seconds=$1
    shift
    ;;
esac

if ! command -v clang >/dev/null 2>&1; then
  sh scripts/install-deps.sh fuzz || exit 1
fi
if [ ! -f build-fuzz/build.ninja ]; then
  CC=clang CFLAGS='-fsanitize=fuzzer-no-link -fno-omit-frame-pointer' \
    meson setup build-fuzz -Dfuzzing=enabled -Db_sanitize=address,undefined \
    -Db_lundef=false -Dbuildtype=debugoptimized || exit 1
fi
ninja -C build-fuzz || exit 1

seeds=tests/fuzzing/seeds/${target#fuzz_}
corpus=build-fuzz/corpus/$target
mkdir -p "$corpus" build-fuzz/crashes
# leaks of GStreamer's type system are none of ours
case "$target" in
  fuzz_parse) leaks=0 ;;
  *) leaks=1 ;;
esac
exec env ASAN_OPTIONS="detect_leaks=$leaks:allocator_may_return_null=1" \
  UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
  GST_REGISTRY_FORK=no \
  meson devenv -C build-fuzz "$PWD/build-fuzz/tests/fuzzing/$target" \
  -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 -max_len=65536 \
  -artifact_prefix="$PWD/build-fuzz/crashes/" "$@" \
  "$PWD/$corpus" "$PWD/$seeds"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The encoder's bytes are the same at every optimisation level, on every
# instruction set of this processor's kind, and on 64-bit Arm: builds the
# library's tests that often and runs those that compare with golden streams.
#
# usage: sh scripts/check-bitexact.sh [--no-install] [CASE...]
#   O0 O2 O3   all of the library at that level, on this processor
#   clang      with clang
#   sse2 avx2  the O2 build on an emulated x86 without more than that; this
#              also takes all functions that choose for themselves
#   aarch64    cross-compiled, run by qemu-user
# Without a CASE: all that this machine can do. Builds stay in build-bitexact/.
# Takes 10 to 20 minutes; part of a release, not of tests/run.sh.
set -u
cd "$(dirname "$0")/.." || exit 1

install=yes
[ "${1:-}" != --no-install ] || { install=no; shift; }
arch=$(uname -m)
cases=$*
if [ -z "$cases" ]; then
  cases='O0 O2 O3 clang aarch64'
  [ "$arch" != x86_64 ] || cases="$cases sse2 avx2"
fi

# what compares with files that other builds have made, or with exact integers
tests='stream quantiser transform-strip analysis layers entropy codec damage
  memory sound-stream'
# emulation is 20 to 50 times slower
arm='stream quantiser transform-strip analysis layers entropy damage
  sound-stream'
short='stream quantiser layers sound-stream'
# everything must come from this tree and the compiler
plain='-Dgst=disabled -Donednn=disabled -Donnx=disabled -Dexamples=disabled
  -Dbuildtype=plain'
failed=''

build () {
  folder=build-bitexact/$1
  shift
  mkdir -p build-bitexact
  if [ ! -f "$folder/build.ninja" ]; then
    # shellcheck disable=SC2086
    meson setup "$folder" $plain "$@" >"$folder.log" 2>&1 || return 1
  fi
  # only what is run: Debian's cross compiler 12.2 fails on another test
  # shellcheck disable=SC2046
  ninja -C "$folder" $(printf 'tests/check/libs/test-%s ' $tests) \
    >>"$folder.log" 2>&1
}

run () {
  folder=build-bitexact/$1
  shift
  # shellcheck disable=SC2086
  meson test -C "$folder" --no-rebuild --num-processes 2 \
    --timeout-multiplier 40 "$@" >>"$folder.log" 2>&1
}

# emulate CPU: the test programs of the O2 build on another x86
emulate () {
  log=build-bitexact/$1.log
  : >"$log"
  for name in $short; do
    "$qemu" -cpu "$2" "build-bitexact/O2/tests/check/libs/test-$name" \
      >>"$log" 2>&1 || { echo "test-$name failed on $2" >>"$log"; return 1; }
  done
}

check () {
  case "$1" in
    # -O in c_args comes after the level that the kernels' libraries ask for
    O0 | O2 | O3) build "$1" "-Dc_args=-$1" && run "$1" $tests ;;
    clang) CC=clang build clang -Dc_args=-O2 && run clang $tests ;;
    aarch64)
      build aarch64 --cross-file scripts/cross-aarch64.txt -Dc_args=-O2 &&
        run aarch64 $arm
      ;;
    sse2) build O2 -Dc_args=-O2 && emulate sse2 qemu64 ;;
    avx2) build O2 -Dc_args=-O2 && emulate avx2 Haswell ;;
    *)
      echo "check-bitexact: unknown case '$1'; see the head of $0" >&2
      exit 2
      ;;
  esac
}

if [ $install = yes ]; then
  sh scripts/install-deps.sh build cross || exit 1
fi
qemu=$(command -v qemu-x86_64 || command -v qemu-x86_64-static) || qemu=none

for case in $cases; do
  if check "$case"; then
    echo "$case: ok"
  else
    echo "$case: FAILED, build-bitexact/$case.log ends with:"
    tail -n 30 "build-bitexact/$case.log"
    failed="$failed $case"
  fi
done
[ -z "$failed" ] || { echo "not the same everywhere:$failed"; exit 1; }
echo "the same bytes everywhere:" "$cases"

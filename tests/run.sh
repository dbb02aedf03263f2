#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds gst-walloc and runs everything that one can run unattended.
#
# usage: sh tests/run.sh [--quick] [--no-install]
#   --quick       gates and the tests of the normal build only
#   --no-install  do not install missing packages
# Ends with 'N passed, N failed, N skipped' alone on a line; exit status 1 when
# anything failed. tests/README.md says what each step is for.
set -u
cd "$(dirname "$0")/.." || exit 1

quick=no
install=yes
for arg in "$@"; do
  case "$arg" in
    --quick) quick=yes ;;
    --no-install) install=no ;;
    *)
      echo "tests/run.sh: unknown argument '$arg'" >&2
      exit 2
      ;;
  esac
done

# messages that tests compare, and the order of file names
LC_ALL=C.UTF-8
export LC_ALL
# meson and ninja are the distribution's: another python in PATH lacks them
python=/usr/bin/python3
[ -x "$python" ] || python=python3

logs=build/logs
gates_passed=0
gates_failed=0
gates_skipped=0
testlogs=''
broken=''
started=$(date +%s)

say () {
  printf '[%4ds] %s\n' $(($(date +%s) - started)) "$*"
}

# gate NAME COMMAND...: one pass or fail of its own; 77 means skipped
gate () {
  gate_name=$1
  shift
  "$@" >"$logs/$gate_name.log" 2>&1 </dev/null
  gate_status=$?
  case $gate_status in
    0)
      gates_passed=$((gates_passed + 1))
      say "$gate_name: ok"
      ;;
    77)
      gates_skipped=$((gates_skipped + 1))
      say "$gate_name: skipped: $(tail -n 1 "$logs/$gate_name.log")"
      ;;
    *)
      gates_failed=$((gates_failed + 1))
      say "$gate_name: FAILED, $logs/$gate_name.log ends with:"
      tail -n 40 "$logs/$gate_name.log"
      broken="$broken $logs/$gate_name.log"
      ;;
  esac
  return $gate_status
}

# configure FOLDER OPTIONS...: sets a build folder up, or brings it up to date
configure () {
  folder=$1
  shift
  if [ -f "$folder/build.ninja" ]; then
    meson setup --reconfigure "$folder" "$@"
  else
    meson setup "$folder" "$@"
  fi
}

# suite LOGNAME FOLDER TIMEOUTFACTOR ARGUMENTS...: meson test, counted by check
suite () {
  suite_name=$1
  suite_folder=$2
  factor=$3
  shift 3
  rm -f "$suite_folder/meson-logs/testlog-$suite_name"*
  meson test -C "$suite_folder" --no-rebuild --print-errorlogs \
    --num-processes 2 --timeout-multiplier "$factor" \
    --logbase "testlog-$suite_name" "$@" \
    >"$logs/$suite_name.log" 2>&1 </dev/null
  suite_status=$?
  json=$suite_folder/meson-logs/testlog-$suite_name.json
  # meson adds the name of a wrapper
  [ -f "$json" ] || json=${json%.json}-$suite_name.json
  if [ ! -s "$json" ]; then
    gates_failed=$((gates_failed + 1))
    broken="$broken $logs/$suite_name.log"
    say "$suite_name: meson ran no test; $logs/$suite_name.log ends with:"
    tail -n 20 "$logs/$suite_name.log"
    return 1
  fi
  testlogs="$testlogs $json"
  counts=$("$python" scripts/count-tests.py "$json" 2>/dev/null)
  # shellcheck disable=SC2086
  set -- $counts
  if [ $suite_status -eq 0 ]; then
    say "$suite_name: ok ($1 checks, $3 skipped)"
  else
    say "$suite_name: FAILED ($1 passed, $2 failed, $3 skipped)"
    broken="$broken $logs/$suite_name.log"
    "$python" scripts/count-tests.py "$json" >/dev/null
    grep -v '^ *[0-9]*/[0-9]* .* OK ' "$logs/$suite_name.log" | tail -n 60
  fi
  return $suite_status
}

finish () {
  # shellcheck disable=SC2086
  counts=$("$python" scripts/count-tests.py $testlogs)
  # shellcheck disable=SC2086
  set -- $counts
  passed=$((${1:-0} + gates_passed))
  failed=$((${2:-0} + gates_failed))
  skipped=$((${3:-0} + gates_skipped))
  # a pass is a pass only where something ran
  [ "$passed" -gt 0 ] || failed=$((failed + 1))
  if [ -n "$broken" ]; then
    echo "Read these:"
    for log in $broken; do
      echo "  $log"
    done
  fi
  say "done"
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

mkdir -p "$logs"
if [ $install = yes ]; then
  gate packages sh scripts/install-deps.sh build test || finish
fi

gate style sh scripts/indent.sh --check
if command -v shellcheck >/dev/null 2>&1; then
  # shellcheck disable=SC2046
  gate shell shellcheck --severity=warning --exclude=SC2034 .ci/run \
    $(find . -name 'build*' -prune -o -name '*.sh' -print)
else
  gates_skipped=$((gates_skipped + 1))
fi
gate python "$python" -m compileall -q scripts tests training tools examples
gate headers sh scripts/check-headers.sh

say "build: everything that is there"
gate configure configure build || finish
gate compile meson compile -C build || finish
suite normal build 1

if [ $quick = yes ]; then
  finish
fi

gate readme sh scripts/check-readme.sh build

say "build-minimal: libwalloc alone, no GStreamer, no oneDNN"
if gate minimal-configure configure build-minimal -Dgst=disabled \
  -Donednn=disabled &&
  gate minimal-compile meson compile -C build-minimal; then
  suite minimal build-minimal 1 --suite lib --suite fuzz
fi

say "build-bare: plugins without optional libraries, libwalloc static"
if gate bare-configure configure build-bare -Ddefault_library=static \
  -Drtp=disabled -Dsoup=disabled -Dnats=disabled -Dwasm=disabled \
  -Dpango=disabled -Djpeg=disabled -Dpng=disabled -Donnx=disabled -Donednn=disabled \
  -Danalytics=disabled -Dexamples=disabled &&
  gate bare-compile meson compile -C build-bare; then
  suite bare build-bare 4 corruption task-latents gst-generic-states \
    gst-elements-wallocdec gst-elements-wallocaudio gst-elements-corrupt \
    eval_perception eval_clip
fi

say "build-sanitize: AddressSanitizer and UndefinedBehaviorSanitizer"
if gate sanitize-compile sh tests/sanitize.sh --build-only; then
  suite sanitize build-sanitize 4 --suite lib --suite fuzz
  # The elements, without leak detection: GStreamer keeps its types for ever,
  # and gst-leaks above has looked for ours. Scripts run programs that are not
  # sanitized, which cannot load what is.
  tests=$(meson test -C build-sanitize --no-rebuild --list --suite gst \
    2>/dev/null | sed -n 's/.* \(gst-[a-z]*-[a-z]*\)$/\1/p')
  if [ -n "$tests" ]; then
    ASAN_OPTIONS=detect_leaks=0
    export ASAN_OPTIONS
    # shellcheck disable=SC2086
    suite sanitize-elements build-sanitize 4 $tests
    unset ASAN_OPTIONS
  fi
fi

# Reads of uninitialised memory, which the sanitizers above do not see; the
# tests that feed damaged data, and that valgrind can run in seconds.
if command -v valgrind >/dev/null 2>&1; then
  suite valgrind build 20 --wrap "valgrind -q --error-exitcode=99
    --leak-check=full --errors-for-leak-kinds=definite" \
    frame frame-audio model-bad quantiser entropy stream sound-stream damage
else
  gates_skipped=$((gates_skipped + 1))
fi

finish

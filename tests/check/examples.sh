#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the programs of examples/compressed with networks made for tests, and
# looks at what they print.
#
# usage: sh tests/check/examples.sh FOLDER_OF_BUILT_PROGRAMS
# Plugins and models must be found (the environment of the tests).
set -u
cd "$(dirname "$0")/../.." || exit 1
built=$1
golden=$PWD/tests/golden
task=$golden/task
python=/usr/bin/python3

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM
bad=0

# expect NAME PATTERN COMMAND...: it must succeed and print PATTERN
expect () {
  name=$1
  pattern=$2
  shift 2
  if ! timeout 60 "$@" >"$temp/out" 2>&1; then
    echo "$name: failed"
    tail -n 5 "$temp/out"
    bad=1
  elif ! grep -q -e "$pattern" "$temp/out"; then
    echo "$name: does not print '$pattern' but"
    head -n 5 "$temp/out"
    bad=1
  fi
}

# refuse NAME PATTERN COMMAND...: it must fail and say PATTERN
refuse () {
  name=$1
  pattern=$2
  shift 2
  if timeout 60 "$@" >"$temp/out" 2>&1; then
    echo "$name: succeeded"
    bad=1
  elif ! grep -q -e "$pattern" "$temp/out"; then
    echo "$name: does not say '$pattern' but"
    tail -n 5 "$temp/out"
    bad=1
  fi
}

gst-launch-1.0 -q videotestsrc num-buffers=2 pattern=white ! \
  video/x-raw,format=GRAY8,width=160,height=120 ! \
  wallocenc quality=80 model-file="$golden/models/ordered-test.wlm" ! \
  filesink location="$temp/white.wlc" &&
  gst-launch-1.0 -q audiotestsrc num-buffers=50 ! \
    audio/x-raw,rate=44100,channels=2 ! audioconvert ! \
    wallocaudioenc model-file="$golden/models/sound-test.wlm" ! \
    filesink location="$temp/tone.wlc" || exit 1

expect classify.c 'bright' "$built/compressed-classify" "$task/classify.onnx" \
  "$temp/white.wlc"
expect segment.c 'bright 100.0 %' "$built/compressed-segment" \
  "$task/segment.onnx" "$temp/white.wlc"
expect read.c 'page of' "$built/compressed-read" "$task/page.onnx" \
  "$temp/white.wlc"
expect latents.c '^2 frames' "$built/compressed-latents" "$temp/white.wlc" 4
expect colorize.c '^2 frames' "$built/compressed-colorize" \
  "$task/colorize.onnx" "$temp/white.wlc" "$temp/colour.wlc"
expect latents-of-colour '^2 frames' "$built/compressed-latents" \
  "$temp/colour.wlc" 4
expect separate.c 'stem_1.wlc: rest' "$built/compressed-separate" \
  "$task/separate.onnx" "$temp/tone.wlc" "$temp"
expect eight-streams.c 'results per second on average' \
  "$built/compressed-eight-streams" models/tasks/waste-1.onnx 1
refuse no-network 'no-such-network' "$built/compressed-classify" \
  no-such-network "$temp/white.wlc"
refuse no-stream 'No valid frames' "$built/compressed-read" "$task/page.onnx" \
  "$0"
refuse other-task 'another task' "$built/compressed-separate" \
  "$task/listen.onnx" "$temp/tone.wlc" "$temp"

if "$python" -c 'import numpy, gi; gi.require_version ("Gst", "1.0")' \
  2>/dev/null; then
  examples=examples/compressed
  expect classify.py 'bright' "$python" $examples/classify.py \
    "$task/classify.onnx" "$temp/white.wlc"
  expect read.py '' "$python" $examples/read.py "$task/page.onnx" \
    "$temp/white.wlc"
  expect latents.py '160x120 GRAY8' "$python" $examples/latents.py \
    "$temp/white.wlc"
  expect segment.py '2: 100.0 %' "$python" $examples/segment.py \
    "$task/segment.onnx" "$temp/white.wlc"
  refuse latents-of-nothing 'No valid frames' "$python" $examples/latents.py \
    "$0"
else
  echo "examples.sh: python3-gi or python3-numpy is missing: C programs only"
fi
exit $bad

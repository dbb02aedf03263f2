#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the launch lines of README.md as they stand, in a folder of their own
# with a photo.jpg and a song.flac in it; windows and loudspeakers are replaced
# by fakesink.
#
# usage: sh scripts/check-readme.sh [BUILD-FOLDER]     (default: build)
set -u
cd "$(dirname "$0")/.." || exit 1
root=$PWD
build=${1:-build}
case "$build" in
  /*) ;;
  *) build=$root/$build ;;
esac

if [ -z "${MESON_DEVENV:-}" ]; then
  exec meson devenv -C "$build" sh "$root/scripts/check-readme.sh" "$build"
fi
if ! gst-inspect-1.0 wallocenc >/dev/null; then
  echo "check-readme: the elements are not in $build"
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
grep '^gst-launch-1\.0 ' README.md |
  sed 's/autovideosink\|autoaudiosink/fakesink sync=true/g' >"$work/lines"
cd "$work" || exit 1
# any picture will do here
gst-launch-1.0 -q videotestsrc num-buffers=1 pattern=smpte ! \
  video/x-raw,width=640,height=480 ! jpegenc ! filesink location=photo.jpg ||
  exit 1
gst-launch-1.0 -q audiotestsrc num-buffers=300 wave=pink-noise volume=0.2 ! \
  audio/x-raw,rate=44100,channels=2 ! flacenc ! filesink location=song.flac ||
  exit 1

# lines over NATS need a server: one of our own, on the port that they mean
if gst-inspect-1.0 natssink >/dev/null 2>&1 &&
  command -v nats-server >/dev/null 2>&1; then
  nats-server -a 127.0.0.1 -js -sd "$work/nats" >"$work/nats.log" 2>&1 &
  nats=$!
  trap 'kill $nats; rm -rf "$work"' EXIT
  sleep 1
  kill -0 $nats 2>/dev/null || tail -n 3 "$work/nats.log"
else
  echo "check-readme: SKIP: lines over NATS (no nats-server)"
  grep -v 'nats\(sink\|src\)' "$work/lines" >"$work/lines.left"
  mv "$work/lines.left" "$work/lines"
fi

bad=0
count=0
background=''
while IFS= read -r line; do
  count=$((count + 1))
  echo "\$ $line"
  case "$line" in
    *'&')
      # the far end of the next line; give it time to listen
      sh -c "exec timeout 60 ${line%&}" >"$work/background.log" 2>&1 &
      background=$!
      sleep 2
      continue
      ;;
  esac
  sh -c "exec timeout 60 $line" >"$work/log" 2>&1 </dev/null
  status=$?
  if [ $status -ne 0 ] || grep -q '^ERROR\|^WARNING' "$work/log"; then
    bad=$((bad + 1))
    echo "check-readme: FAILED with status $status:"
    tail -n 20 "$work/log"
  fi
  if [ -n "$background" ]; then
    if ! wait "$background"; then
      bad=$((bad + 1))
      echo "check-readme: the line in the background FAILED:"
      tail -n 20 "$work/background.log"
    fi
    background=''
  fi
done <"$work/lines"

for file in photo.wlc photo.png live.wlc song.wlc back.flac film.multipart; do
  if [ ! -s "$work/$file" ]; then
    bad=$((bad + 1))
    echo "check-readme: $file was not written"
  fi
done
echo "check-readme: $count lines, $bad failures"
[ "$count" -ge 5 ] && [ $bad -eq 0 ]

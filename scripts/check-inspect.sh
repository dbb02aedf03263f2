#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Compares what gst-inspect-1.0 says of our elements with the committed dumps,
# so that no property, caps or rank changes unnoticed.
#
# usage: sh scripts/check-inspect.sh [--update]
# The plugins must be found (meson devenv, or the environment of the tests).
# --update rewrites docs/plugins/inspect/*.txt.
set -u
cd "$(dirname "$0")/.." || exit 1

# base classes gain properties with time: the dumps are those of 1.22
case $(gst-inspect-1.0 --version | head -n 1) in
  *' 1.22.'*) ;;
  *)
    echo "check-inspect.sh: SKIP: the dumps are those of GStreamer 1.22"
    exit 77
    ;;
esac

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM
bad=0
for element in \
  compressedclassify compressedcolorize compressedoverlay compressedread \
  compressedsegment compressedseparate audiocorrupt corrupt spectralinspect \
  rtpwallocdepay rtpwallocpay wallocrtpsink wallocrtpsrc \
  wallocaudiodec wallocaudioenc wallocdec wallocenc walloclatents \
  walloclatentsenc wallocparse wallocthin wallocwebsink natssink natssrc; do
  dump=docs/plugins/inspect/$element.txt
  case $element in
    nats* | rtpwalloc* | wallocrtp* | wallocwebsink)
      # needs a library that may not be there
      gst-inspect-1.0 "$element" >/dev/null 2>&1 || continue
      ;;
  esac
  if ! gst-inspect-1.0 "$element" >"$temp/raw"; then
    echo "check-inspect.sh: no element $element"
    exit 1
  fi
  # what depends on how and where the package was built, or is data
  grep -v -e '^  Filename ' -e '^  Version ' -e '^  Binary package ' \
    -e '^  Origin URL ' -e '^  Source release date ' "$temp/raw" |
    sed -e '/^Presets:/,$d' -e 's/[[:space:]]*$//' |
    awk 'NF { if (blank) print ""; blank = 0; print; next } { blank = 1 }' \
      >"$temp/$element.txt"
  if [ "${1:-}" = --update ]; then
    cp "$temp/$element.txt" "$dump"
  elif ! diff -u "$dump" "$temp/$element.txt"; then
    bad=1
  fi
done
[ $bad = 0 ] || echo "check-inspect.sh: if this is meant, run it with --update"
exit $bad

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Encodes every JPEG and PNG picture of a folder into OUT/NAME.wlc.
#
# usage: meson devenv -C build -w "$PWD" sh examples/encode-folder.sh IN OUT [QUALITY]
set -eu
if [ $# -lt 2 ]; then
  sed -n 's/^# usage/usage/p' "$0" >&2
  exit 2
fi
in=$1
out=$2
quality=${3:-50}
mkdir -p "$out"
for picture in "$in"/*.jpg "$in"/*.jpeg "$in"/*.png; do
  [ -f "$picture" ] || continue
  name=$(basename "$picture")
  gst-launch-1.0 -q filesrc location="$picture" ! decodebin ! videoconvert ! \
    wallocenc snapshot=true quality="$quality" ! \
    filesink location="$out/${name%.*}.wlc"
  echo "$name: $(wc -c <"$picture") bytes, now $(wc -c <"$out/${name%.*}.wlc")"
done

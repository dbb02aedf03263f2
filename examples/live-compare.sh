#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shows a live source and, beside it, what the codec makes of it.
#
# usage: meson devenv -C build -w "$PWD" sh examples/live-compare.sh [KBIT/S] [SOURCE] [SINK]
# SOURCE is a camera element (v4l2src) or the default, a test picture; SINK a
# video sink, by default a window.
set -eu
rate=${1:-800}
source=${2:-videotestsrc is-live=true pattern=ball}
sink=${3:-autovideosink}
# shellcheck disable=SC2086
exec gst-launch-1.0 -e $source ! videoconvert ! videoscale ! \
  video/x-raw,format=I420,width=640,height=360 ! tee name=both \
  both. ! queue ! mix.sink_0 \
  both. ! queue ! wallocenc bitrate="$rate" ! wallocdec ! queue ! mix.sink_1 \
  compositor name=mix sink_1::xpos=640 ! videoconvert ! $sink

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs pipelines under GStreamer's leaks tracer: no object and no buffer may
# be alive at the end, whatever happened to the stream.
#
# usage: sh scripts/check-leaks.sh
# The plugins and models must be found (meson devenv, or the environment of
# the tests).
set -u

if ! gst-inspect-1.0 coretracers >/dev/null 2>&1; then
  echo "check-leaks.sh: SKIP: the leaks tracer is not installed"
  exit 77
fi
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM
bad=0

# check NAME ok|error ELEMENTS...: how gst-launch-1.0 must end. Where it is an
# error the sink has async=false: gst-launch-1.0 of GStreamer 1.22 sometimes
# does not notice errors while it waits for preroll.
check () {
  name=$1
  wanted=$2
  shift 2
  GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 GST_DEBUG_NO_COLOR=1 \
    GST_DEBUG_FILE="$temp/trace" timeout 60 gst-launch-1.0 -q "$@" \
    >"$temp/out" 2>&1
  status=$?
  ended=error
  [ $status -eq 0 ] && ended=ok
  # 124: it hung
  if [ $ended != "$wanted" ] || [ $status -eq 124 ]; then
    echo "$name: exit status $status, but $wanted was expected"
    tail -n 5 "$temp/out"
    bad=1
  fi
  # two records describe the format of the others
  if grep 'object-alive,' "$temp/trace" | grep -v '(gpointer)%p' \
    >"$temp/alive"; then
    echo "$name: still alive:"
    sed 's/.*object-alive/  object-alive/' "$temp/alive" | head -n 10
    bad=1
  fi
  if ! grep -q 'leaks' "$temp/trace"; then
    echo "$name: the tracer did not run"
    bad=1
  fi
}

file=$temp/test.wlc
small='video/x-raw,width=64,height=48'
check encode ok videotestsrc num-buffers=30 ! $small ! wallocenc ! \
  filesink location="$file"
check bitrate ok videotestsrc num-buffers=30 ! $small ! \
  wallocenc bitrate=100 ! fakesink
check thin ok videotestsrc num-buffers=30 ! $small ! wallocenc quality=80 ! \
  wallocthin bitrate=20 drop-frames=true ! wallocdec ! fakesink
if gst-inspect-1.0 rtpwallocpay >/dev/null 2>&1; then
  check rtp ok videotestsrc num-buffers=30 ! $small ! wallocenc ! \
    rtpwallocpay config-interval=-1 mtu=300 ! identity \
    drop-probability=0.2 ! rtpwallocdepay ! fakesink
fi
if gst-inspect-1.0 rtpbin >/dev/null 2>&1 &&
  gst-inspect-1.0 wallocrtpsink >/dev/null 2>&1; then
  check rtp-sink ok videotestsrc num-buffers=30 ! $small ! wallocenc ! \
    wallocrtpsink port=9
fi
check snapshot ok videotestsrc ! $small ! wallocenc snapshot=true ! fakesink
check decodebin ok filesrc location="$file" ! decodebin ! fakesink
check push-mode ok filesrc location="$file" ! queue ! wallocparse ! \
  wallocdec ! fakesink
check no-model error videotestsrc num-buffers=1 ! $small ! \
  wallocenc model-file=/nowhere.wlm ! fakesink async=false
check damaged-stream ok filesrc location="$file" ! \
  breakmydata seed=1 probability=0.001 ! wallocparse ! wallocdec ! fakesink
check damaged-frames ok videotestsrc num-buffers=50 ! $small ! wallocenc ! \
  breakmydata seed=2 probability=0.0005 ! wallocdec ! fakesink
check max-errors error videotestsrc num-buffers=50 ! $small ! wallocenc ! \
  breakmydata seed=2 probability=0.05 ! wallocdec max-errors=0 ! \
  fakesink async=false
check not-negotiated error videotestsrc num-buffers=5 ! $small,format=I420 ! \
  wallocenc ! wallocdec ! video/x-raw,format=RGB ! \
  fakesink async=false
sound=$temp/sound.wlc
check sound ok audiotestsrc num-buffers=60 ! wallocaudioenc ! \
  filesink location="$sound"
check sound-rate ok audiotestsrc num-buffers=60 ! \
  wallocaudioenc bitrate=16000 ! wallocaudiodec ! fakesink
check sound-decodebin ok filesrc location="$sound" ! decodebin ! fakesink
check sound-damaged ok filesrc location="$sound" ! \
  breakmydata seed=1 probability=0.002 ! wallocparse ! wallocaudiodec ! fakesink
check sound-thin ok audiotestsrc num-buffers=60 wave=white-noise ! \
  wallocaudioenc layers=3 ! wallocthin bitrate=20 drop-frames=true ! \
  wallocaudiodec ! fakesink
check mixed ok multipartmux name=m ! multipartdemux name=d \
  videotestsrc num-buffers=30 ! $small ! wallocenc ! queue ! m. \
  audiotestsrc num-buffers=60 ! wallocaudioenc ! queue ! m. \
  d. ! video/x-walloc ! queue ! wallocparse ! wallocdec ! fakesink \
  d. ! audio/x-walloc ! queue ! wallocparse ! wallocaudiodec ! fakesink
check sound-model error audiotestsrc num-buffers=1 ! \
  wallocaudioenc model-file=photo-1.wlm ! fakesink async=false
check latents ok videotestsrc num-buffers=30 ! $small ! wallocenc ! \
  breakmydata seed=2 probability=0.0005 ! walloclatents ! walloclatentsenc ! \
  wallocdec ! fakesink
check latents-of-sound ok audiotestsrc num-buffers=60 ! wallocaudioenc ! \
  walloclatents ! fakesink
# a build without ONNX runs no networks
rgb='video/x-raw,format=RGB,width=96,height=64'
check corrupt ok videotestsrc num-buffers=10 ! $rgb ! corrupt type=frost ! \
  corrupt type=elastic_transform ! fakesink
check inspect ok videotestsrc num-buffers=40 ! $rgb ! tee name=t ! queue ! \
  s.ref_sink t. ! queue ! corrupt type=snow ! s.dist_sink \
  spectralinspect name=s ! fakesink
check inspect-four ok videotestsrc num-buffers=5 ! $rgb ! tee name=t ! queue ! \
  s.ref_sink t. ! queue ! corrupt type=snow ! tee name=c ! queue ! \
  s.dist_sink c. ! queue ! s.corrupt_sink t. ! queue ! s.coded_sink \
  spectralinspect name=s stride=2 ! fakesink
check inspect-ends ok videotestsrc num-buffers=4 ! $rgb ! s.ref_sink \
  videotestsrc num-buffers=9 ! $rgb ! s.dist_sink \
  spectralinspect name=s ! fakesink
check inspect-sound ok audiotestsrc num-buffers=20 wave=pink-noise ! tee name=t ! \
  queue ! s.ref_sink t. ! queue ! audiocorrupt type=packet_loss ! s.dist_sink \
  spectralinspect name=s ! fakesink
check inspect-sizes error videotestsrc num-buffers=4 ! $rgb ! s.ref_sink \
  videotestsrc num-buffers=4 ! video/x-raw,format=RGB,width=32,height=64 ! \
  s.dist_sink spectralinspect name=s ! fakesink
if gst-launch-1.0 -q videotestsrc num-buffers=1 ! $small ! wallocenc ! \
  compressedclassify model-file=waste-1 ! fakesink async=false 2>&1 |
  grep -q 'runs no networks'; then
  echo "check-leaks.sh: no networks in this build"
else
  check classify ok videotestsrc num-buffers=30 ! $small ! wallocenc ! \
    compressedclassify model-file=waste-1 ! wallocdec ! fakesink
  check classify-leaky ok videotestsrc num-buffers=30 ! $small ! \
    wallocenc key-int-max=10 ! compressedclassify model-file=waste-1 leaky=true ! \
    wallocdec ! fakesink
  check classify-sound ok audiotestsrc num-buffers=60 ! \
    audio/x-raw,rate=8000,channels=1 ! wallocaudioenc ! \
    compressedclassify model-file=digits-1 ! wallocaudiodec ! fakesink
  check classify-damaged ok videotestsrc num-buffers=50 ! $small ! wallocenc ! \
    breakmydata seed=2 probability=0.0005 ! \
    compressedclassify model-file=waste-1 ! fakesink
  check segment ok videotestsrc num-buffers=30 ! $small ! wallocenc ! \
    compressedsegment name=s model-file=road-1 s.src ! queue ! wallocdec ! \
    fakesink s.mask ! queue ! fakesink
  check segment-leaky ok videotestsrc num-buffers=30 ! $small ! wallocenc ! \
    compressedsegment name=s model-file=road-1 leaky=true s.src ! queue ! \
    wallocdec ! fakesink s.mask ! queue ! fakesink async=false
  check other-network error videotestsrc num-buffers=5 ! $small ! wallocenc ! \
    compressedclassify model-file=digits-1 ! fakesink async=false
  golden=$(cd "$(dirname "$0")/.." && pwd)/tests/golden
  ordered="wallocenc model-file=$golden/models/ordered-test.wlm"
  # shellcheck disable=SC2086
  check read ok videotestsrc num-buffers=5 ! video/x-raw,width=160,height=120 ! \
    $ordered ! compressedread name=r model-file="$golden/task/page.onnx" \
    r.src ! queue ! wallocdec ! compressedoverlay ! fakesink \
    r.text ! queue ! fakesink
  check overlay ok videotestsrc num-buffers=5 ! $small ! wallocenc ! \
    compressedsegment model-file=road-1 ! compressedclassify model-file=waste-1 ! \
    wallocdec ! compressedoverlay ! fakesink
  # shellcheck disable=SC2086
  check colorize ok videotestsrc num-buffers=30 ! $small ! $ordered \
    key-int-max=10 ! breakmydata seed=2 probability=0.0005 ! \
    compressedcolorize model-file="$golden/task/colorize.onnx" ! wallocdec ! \
    fakesink
  check separate ok audiotestsrc num-buffers=60 ! \
    audio/x-raw,rate=44100,channels=2 ! audioconvert ! \
    wallocaudioenc model-file="$golden/models/sound-test.wlm" ! \
    breakmydata seed=2 probability=0.0005 ! \
    compressedseparate name=s model-file="$golden/task/separate.onnx" \
    s.stem_0 ! queue ! wallocaudiodec ! fakesink s.stem_1 ! queue ! fakesink
  check separate-nothing error audiotestsrc num-buffers=60 ! wallocaudioenc ! \
    compressedseparate model-file=no-such-network
fi
if gst-inspect-1.0 wallocwebsink >/dev/null 2>&1; then
  check web ok filesrc location="$file" ! wallocparse ! \
    wallocwebsink port=0 sync=false
  check web-settings error filesrc location="$file" ! wallocparse ! \
    wallocwebsink port=0 certificate-file=/nowhere async=false
fi
GST_WALLOC_MODEL_PATH=/nowhere
export GST_WALLOC_MODEL_PATH
check unknown-model error filesrc location="$file" ! wallocparse ! wallocdec ! \
  fakesink async=false

[ $bad = 0 ] && echo "no leaks"
exit $bad

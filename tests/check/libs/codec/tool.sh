#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line tool: round trips, several pictures, errors. TAP.
# usage: tool.sh WALLOC ROUNDTRIP GOLDEN_DIR
walloc=$(realpath "$1") example=$(realpath "$2") golden=$(realpath "$3")
GST_WALLOC_MODEL_PATH=$golden/models
export GST_WALLOC_MODEL_PATH
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0 failed=0

# ok NAME STATUS COMMAND... : runs it, compares the exit status
ok () {
  name=$1 want=$2
  shift 2
  n=$((n + 1))
  "$@" > out.txt 2> err.txt
  got=$?
  if [ "$got" = "$want" ]; then
    echo "ok $n - $name"
  else
    echo "not ok $n - $name"
    echo "# exit status $got, not $want"
    sed 's/^/# /' err.txt
    failed=1
  fi
}

# says WORD: the last command's error messages contain it
says () {
  n=$((n + 1))
  if grep -q -- "$1" err.txt out.txt; then
    echo "ok $n - says '$1'"
  else
    echo "not ok $n - says '$1'"
    sed 's/^/# /' err.txt
    failed=1
  fi
}

size () {
  wc -c < "$1" | tr -d ' '
}

gradient () {           # gradient P6|P5 WIDTH HEIGHT BYTES
  printf '%s\n# a comment\n%s %s\n255\n' "$1" "$2" "$3"
  awk -v n=$(($2 * $3 * $4)) 'BEGIN {
    for (i = 0; i < n; i++) printf "%c", 65 + int (i / 9) % 50 }'
}

gradient P6 31 17 3 > a.ppm
gradient P5 20 9 1 > b.pgm
cat a.ppm a.ppm > two.ppm
{ printf 'YUV4MPEG2 W10 H6 F30000:1001 Ip A4:3 C420jpeg\n'
  for i in 1 2 3; do
    printf 'FRAME\n'
    awk 'BEGIN { for (i = 0; i < 90; i++) printf "%c", 60 + i }'
  done; } > v.y4m

ok 'encode PPM' 0 "$walloc" encode -m ordered-test -q 95 a.ppm a.wlc
ok 'decode to PPM' 0 "$walloc" decode a.wlc a2.ppm
ok 'same size' 0 test "$(size a2.ppm)" = $((31 * 17 * 3 + 13))
ok 'decode to PGM' 0 "$walloc" decode -d linear a.wlc a2.pgm
ok 'decode to y4m' 0 "$walloc" decode a.wlc a2.y4m
ok 'half the size' 0 "$walloc" decode --reduce 1 a.wlc a3.ppm
ok 'rounded up' 0 test "$(size a3.ppm)" = $((16 * 9 * 3 + 12))
ok 'a region' 0 "$walloc" decode --region 30,1,1,16 a.wlc a4.ppm
ok 'its size' 0 test "$(size a4.ppm)" = $((1 * 16 * 3 + 12))
ok 'both' 0 "$walloc" decode -r 3 --region 1,0,3,2 a.wlc a5.ppm
ok 'size of both' 0 test "$(size a5.ppm)" = $((3 * 2 * 3 + 11))
ok 'encode PGM' 0 "$walloc" encode -m ordered-test.wlm b.pgm b.wlc
ok 'info' 0 "$walloc" info a.wlc b.wlc "$golden/models/ordered-test.wlm"
says '20x9 GRAY8'
says 'quality 50'
ok 'two pictures' 0 "$walloc" encode -m ordered-test two.ppm two.wlc
ok 'two frames' 0 "$walloc" decode two.wlc two2.ppm
ok 'twice the size' 0 test "$(size two2.ppm)" = $((2 * (31 * 17 * 3 + 13)))
ok 'encode y4m' 0 "$walloc" encode -m ordered-test --quality 80 v.y4m v.wlc
ok 'decode y4m' 0 "$walloc" decode v.wlc v2.y4m
ok 'y4m size' 0 test "$(size v2.y4m)" = "$(size v.y4m)"
ok 'rate' 0 "$walloc" info v.wlc
says '30000/1001'
ok 'reference model' 0 "$walloc" encode -m reference-test a.ppm r.wlc
ok 'finds its model' 0 "$walloc" decode r.wlc r.ppm
sed '/^# a comment/d' b.pgm > plain.pgm
ok 'example encodes' 0 "$example" "$golden/models/ordered-test.wlm" plain.pgm e.wlc
ok 'example decodes' 0 "$example" "$golden/models/ordered-test.wlm" e.wlc e.pgm
ok 'latents' 0 "$walloc" latents -c 5 two.wlc two.npy
says '2 frames of 5 channels of 4x3'
ok 'header' 0 grep -aq "'<f4', 'fortran_order': False, 'shape': (2, 5, 3, 4), }  *$" two.npy
ok 'size' 0 test "$(size two.npy)" = $((128 + 2 * 5 * 3 * 4 * 4))
ok 'latents of predicted frames' 0 "$walloc" latents -m ordered-test.wlm "$golden/stream/predicted-i420.wlc" p.npy
ok 'latents of sound' 0 "$walloc" latents "$golden/sound/five.wlc" s.npy
says '3 pairs, 128 channels'
# values: those of a frame with a step of 1 are whole numbers, and not all 0
python=$(for p in python3 /usr/bin/python3; do
  "$p" -c 'import numpy' 2> /dev/null && echo "$p" && break
done)
if [ -n "$python" ]; then
  ok 'NumPy reads them' 0 "$python" -c "
import numpy
a, s = numpy.load ('two.npy'), numpy.load ('s.npy')
assert a.shape == (2, 5, 3, 4) and a.dtype == numpy.float32
assert (a[0] == a[1]).all () and abs (a[0, 0]).max () > 10
assert s.ndim == 4 and s.shape[1:3] == (3, 128)
assert numpy.isfinite (s).all () and abs (s).max () > 1
# the fifth channel of sound has no second signal
assert abs (s[:, 2, ::2]).max () > 0 and (s[:, 2, 1::2] == 0).all ()"
fi
ok 'help' 0 "$walloc" --help

ok 'no command' 2 "$walloc"
ok 'unknown command' 2 "$walloc" transcode a b
ok 'unknown option' 2 "$walloc" encode --speed 3 a.ppm a.wlc
ok 'quality 0' 2 "$walloc" encode -q 0 a.ppm a.wlc
says 'quality is 1 to 100'
ok 'reduce by 16' 2 "$walloc" decode --reduce 4 a.wlc x.ppm
ok 'three numbers' 2 "$walloc" decode --region 1,2,3 a.wlc x.ppm
ok 'no width' 2 "$walloc" decode --region 1,2,0,3 a.wlc x.ppm
ok 'region outside' 1 "$walloc" decode --region 30,1,2,16 a.wlc x.ppm
says '31x17'
ok 'no such file' 1 "$walloc" encode -m ordered-test none.ppm x.wlc
says 'none.ppm'
ok 'no such model' 1 "$walloc" encode -m missing a.ppm x.wlc
says 'GST_WALLOC_MODEL_PATH'
ok 'no picture' 1 "$walloc" encode -m ordered-test "$golden/stream/rgb.wlc" x.wlc
says 'neither'
head -c 500 a.ppm > cut.ppm
ok 'picture cut short' 1 "$walloc" encode -m ordered-test cut.ppm x.wlc
ok 'nothing written' 1 test -e x.wlc
ok '4:2:0 to PPM' 1 "$walloc" decode v.wlc v.ppm
says 'y4m'
ok 'unknown ending' 1 "$walloc" decode a.wlc a.tiff
ok 'no best decoder' 1 "$walloc" decode -m ordered-test -d best a.wlc x.ppm
ok 'wrong model' 1 "$walloc" decode -m reference-test a.wlc x.ppm
ok 'colours for a grey file' 1 "$walloc" encode -m reference-test b.pgm x.wlc
head -c $(($(size two.wlc) - 9)) two.wlc > short.wlc
ok 'stream cut short' 3 "$walloc" decode short.wlc short.ppm
{ printf 'rubbish'; cat a.wlc; } > late.wlc
cat a.wlc b.wlc > sizes.wlc
ok 'damage before a frame' 3 "$walloc" decode late.wlc late.ppm
: > empty.wlc
ok 'latents of damage' 3 "$walloc" latents late.wlc late.npy
ok 'latents cut short' 3 "$walloc" latents short.wlc short.npy
ok 'two sizes' 1 "$walloc" latents sizes.wlc sizes.npy
says 'one array cannot hold both'
ok 'too many channels' 1 "$walloc" latents -c 5000 a.wlc x.npy
says 'has [0-9]* channels, not 5000'
ok 'one file only' 2 "$walloc" latents a.wlc
ok 'no frame, no latents' 1 "$walloc" latents a.ppm x.npy
ok 'and no file' 1 test -e x.npy
ok 'empty stream' 1 "$walloc" decode empty.wlc x.ppm
ok 'info of nothing' 1 "$walloc" info empty.wlc
printf 'W' > one.wlc
ok 'one byte' 1 "$walloc" decode one.wlc x.ppm
GST_WALLOC_MODEL_PATH=$dir
ok 'no model for the stream' 1 "$walloc" decode a.wlc x.ppm
says 'GST_WALLOC_MODEL_PATH'

echo "1..$n"
exit $failed

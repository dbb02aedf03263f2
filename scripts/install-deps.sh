#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs the Debian packages that gst-walloc needs. The one list of them.
#
# usage: sh scripts/install-deps.sh [--list] [GROUP...]
#   build  compiler, meson and libraries (always included)
#   test   what tests/run.sh uses on top: gates, sanitizers' and check's tools,
#          a NATS server, clang for WebAssembly, node and Chromium for the page
#   demo   a photograph, recordings, a font and the tools of examples/quickstart.sh
#   bench  codecs that tests/benchmarks compares with
#   eval   programs and codecs that walloc-eval's tasks ask, a browser for its report
#   fuzz   clang with libFuzzer
#   train  PyTorch and friends for training/
#   cross  compiler and emulators of scripts/check-bitexact.sh; adds the
#          architecture arm64 to dpkg for one library
# Default: build test. Run again at any time: it asks dpkg first and is silent
# when everything is there.
set -u

packages_of () {
  case "$1" in
    build)
      echo 'gcc libc6-dev meson ninja-build pkg-config
        libjansson-dev libprotobuf-c-dev protobuf-c-compiler
        libonnx-dev libdnnl-dev
        libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
        libgstreamer-plugins-bad1.0-dev gstreamer1.0-tools libpango1.0-dev
        libjpeg-dev libpng-dev libsoup-3.0-dev libnats-dev
        gstreamer1.0-plugins-base gstreamer1.0-plugins-good
        gstreamer1.0-plugins-bad'
      ;;
    test)
      echo 'indent shellcheck valgrind git python3-numpy python3-pil python3-gi
        python3-scipy
        gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 nats-server
        gir1.2-gst-plugins-bad-1.0 gir1.2-gst-rtsp-server-1.0
        gstreamer1.0-nice nodejs chromium
        clang lld wasi-libc libclang-rt-14-dev-wasm32'
      ;;
    demo)
      echo 'palapeli-data pocketsphinx-testdata python3-numpy python3-pil
        asterisk-core-sounds-en-wav fonts-dejavu-core
        clang lld wasi-libc libclang-rt-14-dev-wasm32'
      ;;
    bench)
      echo 'python3-numpy python3-scipy python3-pil python3-matplotlib python3-gi
        gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gstreamer1.0-libav
        nats-server gstreamer1.0-plugins-ugly ffmpeg palapeli-data webp libavif-bin
        libopenjp2-tools util-linux'
      ;;
    eval)
      echo 'python3-numpy python3-pil python3-gi gir1.2-gst-plugins-base-1.0
        gstreamer1.0-libav gstreamer1.0-plugins-ugly libavif-bin
        libopenjp2-tools tesseract-ocr tesseract-ocr-eng zbar-tools qrencode
        python3-opencv opencv-data nodejs npm fonts-dejavu-core
        pocketsphinx pocketsphinx-en-us pocketsphinx-testdata
        asterisk-core-sounds-en-g722 ffmpeg chromium'
      ;;
    fuzz) echo 'clang libclang-rt-14-dev' ;;
    cross)
      echo 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user clang
        libjansson-dev:arm64'
      ;;
    train)
      echo 'python3-torch python3-numpy python3-pil python3-scipy
        python3-matplotlib python3-pywt python3-onnx'
      ;;
  esac
}

list_only=no
groups=''
for arg in "$@"; do
  case "$arg" in
    --list) list_only=yes ;;
    build | test | demo | bench | eval | fuzz | train | cross) groups="$groups $arg" ;;
    *)
      echo "install-deps: unknown group '$arg'; see the head of $0" >&2
      exit 2
      ;;
  esac
done
[ -n "$groups" ] || groups='test'

packages=$(for group in build $groups; do packages_of "$group"; done |
  tr -s ' ' '\n' | sort -u)

if [ "$list_only" = yes ]; then
  printf '%s\n' "$packages" | grep .
  exit 0
fi

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "install-deps: this is no Debian system; have these ready" \
    "(Debian's names):" >&2
  printf '%s\n' "$packages" | grep . | sed 's/^/  /' >&2
  exit 0
fi

missing=''
for package in $packages; do
  case "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" in
    *' installed') ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

echo "install-deps: installing$missing"
sudo=''
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "install-deps: neither root nor sudo here; as root, run:" >&2
    echo "  apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  sudo='sudo'
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

apt () {
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 \
    -o Dpkg::Options::=--force-confold "$@" </dev/null >>"$log" 2>&1
}

# libraries of another architecture need an index of it
case "$missing" in
  *:arm64*)
    if ! dpkg --print-foreign-architectures | grep -q '^arm64$'; then
      $sudo dpkg --add-architecture arm64 && apt update
    fi
    ;;
esac

# An index of yesterday names files that the mirror no longer has, so the
# first failure is answered with a fresh one.
# shellcheck disable=SC2086
if ! apt install --no-install-recommends $missing; then
  apt update || echo "install-deps: apt-get update failed" >&2
  if ! apt install --no-install-recommends $missing; then
    tail -n 30 "$log" >&2
    echo "install-deps: apt-get could not install the packages above" >&2
    exit 1
  fi
fi

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fetch the Debian packages whose pictures or recordings train and judge the
# codecs.
#
# Usage: fetch.sh [DIR]
#
# Packages are downloaded with apt-get (which checks them against the signed
# package index) and unpacked with dpkg-deb; nothing is installed and no
# maintainer script runs.  What is there already is skipped, so the script can
# be run again after an interruption.  DIR/packages.tsv lists what was fetched:
# package, version, architecture, size and sha256 of the .deb.
#
# Environment:
#   KEEP_DEBS=1   keep the .deb files in DIR/deb after unpacking
#   LIST=...      file beside this script that lists them: packages.txt
#                 (pictures, the default) or audio_packages.txt
#   PACKAGES=...  fetch these packages instead of a list

set -eu

dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/gst-walloc/data}
here=$(cd "$(dirname "$0")" && pwd)
list=$here/${LIST:-packages.txt}
# Peak: 1.5 GB unpacked plus the largest .deb; KEEP_DEBS adds 0.7 GB.
need_mib=2600

say () { printf '%s\n' "$*" >&2; }
die () { say "fetch.sh: $*"; exit 1; }

for tool in apt-get apt-cache dpkg-deb sha256sum df awk; do
  command -v "$tool" >/dev/null || die "needs $tool (a Debian system)"
done

packages=${PACKAGES:-$(sed -e 's/#.*//' "$list" | awk 'NF { print $1 }')}
[ -n "$packages" ] || die "no packages in $list"

mkdir -p "$dir/deb" "$dir/unpacked"
# apt may download as the user _apt and dpkg as us: use absolute paths only.
dir=$(cd "$dir" && pwd)
manifest=$dir/packages.tsv

missing=
for p in $packages; do
  [ -f "$dir/unpacked/$p/.fetched" ] || missing="$missing $p"
done

if [ -n "$missing" ]; then
  free_mib=$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')
  if [ "$free_mib" -lt "$need_mib" ]; then
    die "$dir has $free_mib MiB free, $need_mib MiB are needed"
  fi
fi

total=$(printf '%s\n' "$packages" | wc -w)
n=0
failed=
for p in $packages; do
  n=$((n + 1))
  dest=$dir/unpacked/$p
  if [ -f "$dest/.fetched" ]; then
    say "[$n/$total] $p: already there"
    continue
  fi
  say "[$n/$total] $p: downloading"
  work=$dir/deb/$p
  rm -rf "$work" "$dest.part"
  mkdir -p "$work"
  if ! (cd "$work" && apt-get download -q "$p" >"$work/log" 2>&1); then
    sed 's/^/    /' "$work/log" >&2
    failed="$failed $p"
    continue
  fi
  deb=$(find "$work" -name '*.deb' | head -n 1)
  [ -n "$deb" ] || die "$p: apt-get download left no .deb"
  version=$(dpkg-deb -f "$deb" Version)
  arch=$(dpkg-deb -f "$deb" Architecture)
  size=$(wc -c <"$deb")
  sum=$(sha256sum "$deb" | cut -d ' ' -f 1)
  mkdir -p "$dest.part"
  dpkg-deb -x "$deb" "$dest.part"
  printf '%s\t%s\t%s\t%s\t%s\n' "$p" "$version" "$arch" "$size" "$sum" \
    >"$dest.part/.fetched"
  # Renamed last: a directory of this name is always complete.
  rm -rf "$dest"
  mv "$dest.part" "$dest"
  if [ "${KEEP_DEBS:-0}" = 1 ]; then
    mv "$deb" "$dir/deb/"
  fi
  rm -rf "$work"
  say "[$n/$total] $p $version: $((size / 1048576)) MiB unpacked"
done

{
  printf 'package\tversion\tarchitecture\tbytes\tsha256\n'
  cat "$dir"/unpacked/*/.fetched
} >"$manifest.part"
mv "$manifest.part" "$manifest"
say "manifest: $manifest"
[ -z "$failed" ] || die "could not fetch:$failed (is the package index current?)"

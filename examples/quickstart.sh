#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# From a fresh clone to pictures and sound: installs what is missing, builds,
# encodes a real photograph, a real recording and a live test source, measures,
# and writes the results to quickstart-out/.
#
# usage: sh examples/quickstart.sh
# Run it as often as you like. On Debian 12 it needs root or sudo for missing
# packages only.
set -eu
cd "$(dirname "$0")/.."

sh scripts/install-deps.sh build demo

mkdir -p quickstart-out
log=quickstart-out/build.log
echo "quickstart: building in build/ (log: $log)"
if [ -f build/build.ninja ]; then
  setup='meson setup --reconfigure build'
else
  setup='meson setup build'
fi
if ! { $setup && meson compile -C build; } >"$log" 2>&1 </dev/null; then
  tail -n 30 "$log" >&2
  echo "quickstart: the build failed; $log has everything" >&2
  exit 1
fi

# Debian's python: another one in PATH lacks the modules installed above
python=/usr/bin/python3
[ -x "$python" ] || python=python3
exec meson devenv -C build "$python" "$PWD/examples/quickstart.py" \
  "$PWD/build" "$PWD/quickstart-out"

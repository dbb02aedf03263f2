#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the programs of examples/sensor: settings that are wrong, a server that
# comes late, one that is killed, a line of RTP, a stream of NATS.
#
# usage: sh tests/check/sensor.sh FOLDER_OF_BUILT_PROGRAMS WALLOC
# Plugins and models must be found (the environment of the tests).
set -u
cd "$(dirname "$0")/../.." || exit 1
node=$1/walloc-node
server=$1/walloc-server
walloc=$2
network=waste-1
python=/usr/bin/python3

temp=$(mktemp -d)
jobs=''
clean () {
  for job in $jobs; do
    kill -9 "$job" 2>/dev/null
  done
  rm -rf "$temp"
}
trap clean EXIT
trap 'exit 130' INT TERM
bad=0

fail () {
  echo "$1"
  shift
  for log in "$@"; do
    echo "  $log:"
    tail -n 6 "$log"
  done
  bad=1
}

# start LOG COMMAND...: in the background, its number in $job
start () {
  start_log=$1
  shift
  "$@" >"$start_log" 2>"$start_log.err" </dev/null &
  job=$!
  jobs="$jobs $job"
}

# until_true COMMAND...: within a minute
until_true () {
  tries=0
  until "$@" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || return 1
    sleep 0.2
  done
}

# has LOG N: so many results or more
has () {
  [ "$(grep -c '"label"' "$1")" -ge "$2" ]
}

# refuse NAME PATTERN COMMAND...: it must end with status 2 and say PATTERN
refuse () {
  name=$1
  pattern=$2
  shift 2
  timeout 30 "$@" >"$temp/refused" 2>&1 </dev/null
  status=$?
  if [ $status -ne 2 ] || ! grep -q -e "$pattern" "$temp/refused"; then
    fail "$name: status $status" "$temp/refused"
  fi
}

refuse no-address 'is no address' "$node" --send 127.0.0.1:5004
refuse no-port 'is no address' "$node" --send rtp://127.0.0.1
refuse rtp-user 'is no address' "$node" --send rtp://user@127.0.0.1:5004
refuse bad-subject 'is no address' "$node" --send nats://127.0.0.1/a/b
# passwords are in no message, however wrong the rest is
for url in nats://door:hidden%zz@127.0.0.1 nats://door:hid:den/x@127.0.0.1 \
  nats://door:hidden@127.0.0.1:port nats://door:hidden@ smtp://door:hidden@host; do
  refuse password 'is no address.*%40 for @' "$node" --send "$url"
  ! grep -q hid "$temp/refused" || fail "$url is printed" "$temp/refused"
  refuse server-password 'is no address' "$server" --receive "$url"
  ! grep -q hid "$temp/refused" || fail "$url is printed" "$temp/refused"
done
timeout 30 "$node" --source no-such-element --stream W \
  --send nats://door:hidden@127.0.0.1 >"$temp/log" 2>&1
if ! grep -q 'no-such-element' "$temp/log" || grep -q hidden "$temp/log"; then
  fail 'a password in a launch line' "$temp/log"
fi
refuse bad-number 'a number from 1 to 100' "$node" --quality 101
refuse no-number 'a number from 16' "$node" --width 64x48
refuse bad-name 'letters, digits and -' "$node" --name 'a.b'
refuse bad-media 'video or audio' "$node" --media smell
refuse no-option 'no option' "$node" now
refuse no-file 'nowhere.conf' "$node" --config /nowhere.conf
refuse no-folder 'is no folder' "$server" --record /nowhere
refuse bad-server "letters, digits and -" "$server" --name '%s'
refuse bad-stream 'letters, digits and -' "$node" --stream 'W ! fakesink'
refuse bad-kind 'video or audio' "$server" --media smell
refuse bad-group 'letters, digits and -' "$server" --group 'a b'
printf '[node]\nqualiti=3\n' >"$temp/slip.conf"
refuse slip 'no setting "qualiti"' "$node" --config "$temp/slip.conf"
printf 'quality=3\n' >"$temp/no-group.conf"
refuse no-group 'no-group.conf' "$node" --config "$temp/no-group.conf"
timeout 30 "$node" --source 'no-such-element' >"$temp/log" 2>&1
if [ $? -ne 1 ] || ! grep -q 'no-such-element' "$temp/log"; then
  fail 'an element that is missing' "$temp/log"
fi

# The example of a setting in a file, and the command line above it.
printf '[node]\nwidth=64\nheight=48\nname=file\nreport=1\n' >"$temp/node.conf"
small="--width 64 --height 48 --framerate 20"

# A source that gives nothing is begun anew.
start "$temp/stall" "$node" --source 'appsrc is-live=true' --stall 1 \
  --send nats://127.0.0.1:9 --report 0
until_true grep -q 'nothing has come for 1 s' "$temp/stall.err" ||
  fail 'a source that stalls' "$temp/stall.err"
kill -TERM "$job"
wait "$job" || fail 'ending while the next attempt is due' "$temp/stall.err"

# What systemd would hear.
cat >"$temp/notify.py" <<'PYTHON'
import os, signal, socket, subprocess, sys
path = sys.argv[1]
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.bind(path)
    s.settimeout(60)
    run = subprocess.Popen(sys.argv[2:], env=dict(
        os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC='30000000'))
    said = set()
    while not {'READY=1', 'WATCHDOG=1'} <= said:
        said.add(s.recv(4096).decode())
    run.send_signal(signal.SIGTERM)
    while 'STOPPING=1' not in said:
        said.add(s.recv(4096).decode())
    sys.exit(run.wait(60))
PYTHON
# shellcheck disable=SC2086
"$python" "$temp/notify.py" "$temp/notify" "$node" $small \
  --source 'videotestsrc is-live=true' --send nats://127.0.0.1:9 \
  >"$temp/log" 2>&1 </dev/null || fail 'what systemd hears' "$temp/log"

# sequences LOG...: results of all frames from the first that is there (the
# group may begin after the stream) to the last
sequences () {
  cat "$@" | "$python" -c '
import json, sys
seen = [json.loads(v)["sequence"] for v in sys.stdin if v.endswith("}\n")]
assert set(seen) == set(range(min(seen), max(seen) + 1)), sorted(seen)'
}

if ! command -v nats-server >/dev/null 2>&1 ||
  ! gst-inspect-1.0 natssink >/dev/null 2>&1; then
  echo "sensor.sh: no nats-server or no natssink: not tested"
else
  serve () {
    start "$temp/nats" nats-server -a 127.0.0.1 -p "$1" -js -sd "$temp/store" \
      --ports_file_dir "$temp" --user 'd@or' --pass 'p%:/?# &x'
    broker=$job
  }
  serve -1
  until_true test -s "$temp/nats-server_$broker.ports" ||
    fail 'nats-server' "$temp/nats.err"
  url=$(sed -n 's/.*\(nats:[^"]*\)".*/\1/p' "$temp/nats-server_$broker.ports" |
    head -n 1)
  url="nats://d%40or:p%25%3A%2F%3F%23%20%26x@${url#nats://}"
  # as it is in a setting, it is not: "@" ends the user
  timeout 60 "$node" --source 'videotestsrc is-live=true' --report 0 \
    --send "nats://d%40or:wrong@${url##*@}" >"$temp/log" 2>&1 &
  wrong=$!
  jobs="$jobs $wrong"
  until_true grep -q 'credentials' "$temp/log" ||
    fail 'a password that is wrong' "$temp/log"
  kill -TERM $wrong
  wait $wrong
  ! grep -q 'wrong' "$temp/log" || fail 'a password is printed' "$temp/log"
  # the servers come first: there is no stream yet
  start "$temp/a" "$server" --name a --receive "$url" --stream W \
    --network "$network" --report 0
  first=$job
  until_true grep -q 'again in' "$temp/a.err" ||
    fail 'a server without a stream' "$temp/a.err"
  # shellcheck disable=SC2086
  start "$temp/node" "$node" --config "$temp/node.conf" --name door $small \
    --send "$url" --stream W
  sender=$job
  start "$temp/b" "$server" --name b --receive "$url" --stream W \
    --network "$network" --report 0
  until_true has "$temp/a" 5 || fail 'results of a' "$temp/a" "$temp/a.err"
  until_true has "$temp/b" 5 || fail 'results of b' "$temp/b" "$temp/b.err"
  # one of two is killed; then the broker, which comes back
  kill -9 "$job"
  wait "$job" 2>/dev/null
  count=$(grep -c label "$temp/a")
  until_true has "$temp/a" $((count + 20)) || fail 'b is gone' "$temp/a.err"
  kill -9 "$broker"
  wait "$broker" 2>/dev/null
  sleep 1
  serve "${url##*:}"
  count=$(grep -c label "$temp/a")
  until_true has "$temp/a" $((count + 20)) ||
    fail 'the broker was away' "$temp/a.err" "$temp/node.err"
  kill -TERM "$sender"
  wait "$sender" || fail 'the end of a node' "$temp/node.err"
  # what b had when it was killed comes again after ack-wait (30 s)
  tries=0
  until sequences "$temp/a" "$temp/b" >"$temp/log" 2>&1 ||
    [ $tries -ge 60 ]; do
    tries=$((tries + 1))
    sleep 1
  done
  sequences "$temp/a" "$temp/b" >"$temp/log" 2>&1 ||
    fail 'frames are missing' "$temp/log"
  kill -TERM "$first"
  wait "$first" || fail 'the end of a server' "$temp/a.err"
  ! grep -e 'p%' -e '%3A' "$temp/a" "$temp/a.err" "$temp/b.err" "$temp/node" \
    "$temp/node.err" || fail 'a password is printed' "$temp/a.err"
  grep -q 'frames/s' "$temp/node" || fail 'reports of a node' "$temp/node"
fi

if ! gst-inspect-1.0 wallocrtpsink >/dev/null 2>&1; then
  echo "sensor.sh: no wallocrtpsink: RTP is not tested"
else
  port=$("$python" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1] // 2 * 2)')
  # what a server of the same name has recorded before stays, up to --files
  mkdir "$temp/recorded %d"
  for i in 7 8; do
    echo before >"$temp/recorded %d/server-00000$i.wlc"
  done
  # shellcheck disable=SC2086
  start "$temp/node" "$node" $small --key-int-max 7 --report 1 \
    --send "rtp://127.0.0.1:$port"
  sender=$job
  for turn in 1 2; do
    start "$temp/rtp$turn" "$server" --receive "rtp://127.0.0.1:$port" \
      --network "$network" --record "$temp/recorded %d" --seconds 1 --files 2
    until_true has "$temp/rtp$turn" 30 ||
      fail "RTP, turn $turn" "$temp/rtp$turn.err" "$temp/node.err"
    [ "$turn" = 1 ] && kill -9 "$job"
  done
  kill -TERM "$job"
  wait "$job" || fail 'the end of a server of RTP' "$temp/rtp2.err"
  kill -TERM "$sender"
  wait "$sender" || fail 'the end of a node with RTP' "$temp/node.err"
  # the last one, which was ended in order: what was killed may lack its end
  recorded=$(find "$temp/recorded %d" -name "*.wlc" | sort | tail -n 1)
  case $recorded in
    */server-0000*.wlc) ;;
    *) fail "recorded: \"$recorded\"" "$temp/rtp2.err" ;;
  esac
  if [ -e "$temp/recorded %d/server-000007.wlc" ] ||
    [ -e "$temp/recorded %d/server-000000.wlc" ]; then
    fail 'the files of before' "$temp/rtp2.err"
  fi
  gst-launch-1.0 -q filesrc location="\"$recorded\"" ! wallocparse ! wallocdec ! \
    fakesink >"$temp/log" 2>&1 || fail 'what was recorded' "$temp/log"
  # each plays by itself from its first frame, and has others behind
  count=0
  for recorded in "$temp/recorded %d"/*.wlc; do
    "$walloc" info "$recorded" >"$temp/log" 2>&1 ||
      fail "$recorded" "$temp/log"
    if ! head -n 1 "$temp/log" | grep -q 'frame 0 at 0: key' ||
      grep -q 'CUT' "$temp/log"; then
      head -n 2 "$temp/log"
      fail "$recorded does not begin with a key frame" "$temp/log"
    fi
    "$walloc" decode "$recorded" "$temp/decoded.y4m" >"$temp/log" 2>&1 ||
      fail "$recorded is not decoded" "$temp/log"
    count=$((count + 1))
  done
  [ $count -ge 2 ] || fail "$count files were recorded" "$temp/rtp2.err"

  # sound
  start "$temp/sound" "$server" --media audio --report 1 --network '' \
    --receive "rtp://127.0.0.1:$port"
  job1=$job
  start "$temp/node" "$node" --media audio --send "rtp://localhost:$port"
  until_true grep -q ' [1-9][0-9.]* frames/s' "$temp/sound.err" ||
    fail 'sound' "$temp/sound.err" "$temp/node.err"
  ! grep -i -e layer -e format "$temp/node.err" ||
    fail 'a node with sound warns' "$temp/node.err"
  kill -TERM "$job" "$job1"
  wait "$job" || fail 'the end of a node with sound' "$temp/node.err"
  wait "$job1" || fail 'the end of a server with sound' "$temp/sound.err"
fi
exit $bad

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Throughput and latency of streams over NATS against plain UDP RTP, and how
work spreads over workers. Servers run on loopback, all on this machine.

usage: python3 tests/benchmarks/nats_speed.py OUT [--frames N] [--rate FPS]
       [--sizes BYTES,...] [--repeat N] [--skip-workers]
Writes OUT.json and OUT.md. Run it with meson devenv, on an idle machine.

Buffers are coded pictures of about BYTES. Latency: from the sink's system clock
before a buffer goes in to the source's behind it, both on this machine, at a
fixed rate. Throughput: as fast as the sink takes buffers, from the first to the
last that came out. A frame that lost a slice counts as lost."""
import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "check", "cluster"))
from cluster import Cluster  # noqa: E402
from common import save, table  # noqa: E402

SENDER = r'''
import json, pickle, sys, time
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
line, file, count, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
caps, frames = pickle.load(open(file, "rb"))
Gst.init(None)
p = Gst.parse_launch("appsrc name=src format=time block=true max-bytes=1000000 ! " + line)
src = p.get_by_name("src")
src.set_property("caps", Gst.Caps.from_string(caps))
p.set_state(Gst.State.PLAYING)
time.sleep(1.5)
begin, times = time.perf_counter(), []
for i in range(count):
    if rate:
        wait = begin + i / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
    b = Gst.Buffer.new_wrapped(frames[i % len(frames)])
    b.pts = i * Gst.SECOND // 1000
    times.append(time.time_ns())
    src.emit("push-buffer", b)
src.emit("end-of-stream")
m = p.get_bus().timed_pop_filtered(120 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
print(json.dumps(times))
if m is None or m.type == Gst.MessageType.ERROR:
    print("sender:", m and m.parse_error()[0].message, file=sys.stderr)
    sys.exit(1)
p.set_state(Gst.State.NULL)
'''

# Frames are known by their bytes: those of a file in a round, of which fewer than
# a round are lost in a row, or the rest counts as lost.
RECEIVER = r'''
import json, pickle, sys, time
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
line, file, count, patience = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
frames = pickle.load(open(file, "rb"))[1]
known = {f: k for k, f in enumerate(frames)}
Gst.init(None)
p = Gst.parse_launch(line + " ! fakesink name=sink sync=false async=false")
came, damaged = {}, 0
def on_buffer(pad, info):
    global damaged
    now = time.time_ns()
    b = info.get_buffer()
    k = known.get(b.extract_dup(0, b.get_size()))
    if k is None:
        damaged += 1
        return Gst.PadProbeReturn.OK
    last = next(reversed(came), -1)
    came[last + 1 + (k - last - 1) % len(frames)] = now
    return Gst.PadProbeReturn.OK
p.get_by_name("sink").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, on_buffer)
p.set_state(Gst.State.PLAYING)
print("ready", flush=True)
last, n = time.monotonic(), 0
while len(came) < count and time.monotonic() - last < patience:
    time.sleep(0.05)
    if len(came) > n:
        n, last = len(came), time.monotonic()
p.set_state(Gst.State.NULL)
print(json.dumps({"came": came, "damaged": damaged}))
'''

CODER = r'''
import pickle, sys
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
side, file = sys.argv[1], sys.argv[2]
Gst.init(None)
p = Gst.parse_launch(f"videotestsrc pattern=snow num-buffers=64 ! video/x-raw,format=I420,width={side},height={side},framerate=30/1 ! wallocenc ! fakesink name=sink sync=false")
frames, pad = [], p.get_by_name("sink").get_static_pad("sink")
def on_buffer(pad, info):
    b = info.get_buffer()
    frames.append(b.extract_dup(0, b.get_size()))
    return Gst.PadProbeReturn.OK
pad.add_probe(Gst.PadProbeType.BUFFER, on_buffer)
p.set_state(Gst.State.PLAYING)
m = p.get_bus().timed_pop_filtered(120 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
assert m and m.type == Gst.MessageType.EOS and len(set(frames)) == 64
pickle.dump((pad.get_current_caps().to_string(), frames), open(file, "wb"))
p.set_state(Gst.State.NULL)
print(sum(map(len, frames)) // len(frames))
'''


def make_frames(folder, size):
    """A file of 64 coded pictures of about so many bytes, and their mean."""
    file = os.path.join(folder, f"{size}.frames")
    side = 256
    for _ in range(4):
        mean = int(subprocess.run(
            [sys.executable, "-c", CODER, str(side), file], check=True,
            stdout=subprocess.PIPE, text=True).stdout)
        if abs(mean - size) * 20 < size:
            break
        side = max(16, round(side * (size / mean) ** 0.5 / 8) * 8)
    return file, mean


def run_pair(sender, receiver, file, frames, rate, settle=2.0):
    """One sender and one receiver: delays (ns), frames that came, seconds."""
    r = subprocess.Popen([sys.executable, "-c", RECEIVER, receiver, file,
                          str(frames), "8"], stdout=subprocess.PIPE, text=True)
    r.stdout.readline()
    time.sleep(settle)
    s = subprocess.run([sys.executable, "-c", SENDER, sender, file,
                        str(frames), str(rate)], check=False, timeout=300,
                       stdout=subprocess.PIPE, text=True)
    result = json.loads(r.communicate(timeout=300)[0])
    sent = json.loads(s.stdout)
    came = {int(i): t for i, t in result["came"].items() if int(i) < frames}
    times = sorted(came.values())
    return {"delays": [t - sent[i] for i, t in came.items()],
            "seen": len(came), "sent": s.returncode == 0,
            "damaged": result["damaged"],
            "seconds": (times[-1] - times[0]) / 1e9 if len(times) > 1 else 0}


def ways(urls, tag):
    """Name, sink and source of each way."""
    js = f"servers={urls} mode=jetstream stream={tag} subject={tag}.1"
    big = "buffer-size=8000000"
    return [
        ("UDP RTP (rtpwallocpay)", "rtpwallocpay config-interval=1 ! udpsink "
         f"host=127.0.0.1 port=PORT sync=false async=false {big}",
         f"udpsrc address=127.0.0.1 port=PORT {big} caps=application/x-rtp,"
         "media=video,clock-rate=90000,encoding-name=X-WALLOC,payload=96 "
         "! rtpwallocdepay"),
        ("UDP RTP (rtpgstpay)", f"rtpgstpay config-interval=1 ! udpsink "
         f"host=127.0.0.1 port=PORT sync=false async=false {big}",
         f"udpsrc address=127.0.0.1 port=PORT {big} caps=application/x-rtp,"
         "media=application,clock-rate=90000,encoding-name=X-GST,payload=96 "
         "! rtpgstdepay"),
        ("NATS core", f"natssink servers={urls} subject=c.{tag}",
         f"natssrc servers={urls} subject=c.{tag} slow-policy=block "
         "max-pending-messages=100000 max-pending-bytes=1000000000"),
        ("JetStream", f"natssink {js}", f"natssrc {js} deliver=new "
         "prefetch=256"),
    ]


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_stream(cluster, tag, replicas):
    p = cluster.run(
        "gst-launch-1.0", "-q", "videotestsrc", "num-buffers=0", "!",
        "natssink", f"servers={cluster.urls}", "mode=jetstream",
        f"stream={tag}", "create-stream=true", f"stream-subjects={tag}.>",
        f"subject={tag}.none", f"replicas={replicas}", "send-eos=false",
        "connect-timeout=10000000000")
    if p.wait(60):
        sys.exit("no stream")


def measure(args, folder, rows):
    files = {size: make_frames(folder, size) for size in args.sizes}
    for servers in (1, 3):
        with Cluster(servers, namespaces=False) as cluster:
            for size in args.sizes:
                tag = f"S{size}"
                file, mean = files[size]
                make_stream(cluster, tag, servers)
                for name, sink, source in ways(cluster.urls, tag):
                    if name != "JetStream" and servers == 3:
                        continue
                    label = f"JetStream R{servers}" if name == "JetStream" \
                        else name
                    # loopback carries UDP as fast as the receiver takes it
                    # only by chance: at a rate it is compared, at full speed
                    # its loss is told
                    runs = []
                    for _ in range(args.repeat):
                        port = str(free_port())
                        a = run_pair(sink.replace("PORT", port),
                                     source.replace("PORT", port), file,
                                     args.frames, args.rate)
                        port = str(free_port())
                        b = run_pair(sink.replace("PORT", port),
                                     source.replace("PORT", port), file,
                                     args.frames * 4, 0)
                        runs.append((a, b))
                    delays = [d for a, _ in runs for d in a["delays"]] or [0]
                    rows.append({
                        "way": label, "bytes": mean,
                        "median-ms": statistics.median(delays) / 1e6,
                        "p99-ms": percentile(delays, 0.99) / 1e6,
                        "lost-at-rate": 1 - sum(a["seen"] for a, _ in runs) /
                        (args.frames * len(runs)),
                        "messages-per-s": statistics.median(
                            b["seen"] / b["seconds"] if b["seconds"] else 0
                            for _, b in runs),
                        "MB-per-s": statistics.median(
                            b["seen"] * mean / b["seconds"] / 1e6
                            if b["seconds"] else 0 for _, b in runs),
                        "lost-at-full-speed": 1 - sum(
                            b["seen"] for _, b in runs) /
                        (args.frames * 4 * len(runs)),
                        "all-sent": all(a["sent"] and b["sent"]
                                        for a, b in runs)})
                    print(rows[-1], flush=True)


WORKER = ("natssrc servers={urls} mode=jetstream stream=W subject=W.1 "
          "durable=w{n} deliver=all prefetch=4 ! {work} ! natssink "
          "servers={urls} mode=jetstream stream=R subject=R.{n} "
          "wait-ack=true send-eos=false")


def scale(args, rows):
    """The same stored frames answered by 1 to 4 processes: once with work that
    waits (as for a device or another machine), once with work that computes."""
    count = args.frames
    works = {"waits 5 ms": "identity sleep-time=5000",
             "computes": "wallocdec ! videoconvert ! video/x-raw,format=RGB ! "
             "wallocenc"}
    with Cluster(1, namespaces=False) as cluster:
        make_stream(cluster, "W", 1)
        make_stream(cluster, "R", 1)
        p = cluster.run("gst-launch-1.0", "-q", *(
            f"videotestsrc num-buffers={count} pattern=ball ! video/x-raw,"
            "format=I420,width=320,height=240 ! wallocenc ! natssink servers="
            f"{cluster.urls} mode=jetstream stream=W subject=W.1 "
            "send-eos=false").split())
        p.wait(120)
        n = 0
        for name, work in works.items():
            for processes in (1, 2, 4):
                n += 1
                begin = time.monotonic()
                children = [cluster.run(
                    "gst-launch-1.0", "-q", *WORKER.format(
                        urls=cluster.urls, n=n, work=work).split())
                    for _ in range(processes)]
                done, first = 0, None
                while done < count and time.monotonic() - begin < 200:
                    time.sleep(0.02)
                    info = cluster.get(0, "/jsz?accounts=1&streams=1&"
                                       "consumers=1") or {}
                    for account in info.get("account_details", []):
                        for s in account.get("stream_detail", []):
                            for c in s.get("consumer_detail") or []:
                                if c["name"] == f"w{n}":
                                    done = c["ack_floor"]["stream_seq"]
                    if done and first is None:
                        first = (done, time.monotonic())
                seconds = time.monotonic() - first[1]
                for c in children:
                    c.kill()
                    c.wait()
                rows.append({"work": name, "processes": processes,
                             "frames-per-s": (count - first[0]) / seconds})
                print(rows[-1], flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--sizes", default="2000,20000,200000")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--skip-workers", action="store_true")
    args = parser.parse_args()
    args.sizes = [int(s) for s in args.sizes.split(",")]
    load = os.getloadavg()
    pairs, workers = [], []
    with tempfile.TemporaryDirectory() as folder:
        measure(args, folder, pairs)
    if not args.skip_workers:
        scale(args, workers)
    parts = ["## One sender, one receiver", "", table(
        ["way", "bytes", "median ms", "99 % ms", "lost", "messages/s", "MB/s",
         "lost at full speed"],
        [[r["way"], str(r["bytes"]), f"{r['median-ms']:.2f}",
          f"{r['p99-ms']:.2f}", f"{100 * r['lost-at-rate']:.1f} %",
          f"{r['messages-per-s']:.0f}", f"{r['MB-per-s']:.1f}",
          f"{100 * r['lost-at-full-speed']:.1f} %"] for r in pairs]), ""]
    if workers:
        one = {w["work"]: w["frames-per-s"] for w in workers
               if w["processes"] == 1}
        parts += ["## Workers that share a stream", "", table(
            ["work", "processes", "frames/s", "of one"],
            [[r["work"], str(r["processes"]), f"{r['frames-per-s']:.0f}",
              f"{r['frames-per-s'] / one[r['work']]:.2f}"]
             for r in workers]), ""]
    parts.append(f"Load of the machine before: {load[0]:.1f}.")
    save(args.out, "Streams over NATS", {"pairs": pairs, "workers": workers,
                                         "load": load}, parts)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Throughput and latency of streams over NATS against plain UDP RTP, and how
work spreads over workers. Servers run on loopback, all on this machine.

usage: python3 tests/benchmarks/nats_speed.py OUT [--frames N] [--rate FPS]
       [--sizes BYTES,...] [--repeat N] [--skip-workers]
Writes OUT.json and OUT.md. Run it with meson devenv, on an idle machine.

Latency: from the sink's system clock before a buffer goes in to the source's
behind it, both on this machine, at a fixed rate. Throughput: as fast as the
sink takes buffers, from the first to the last that came out."""
import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "check", "cluster"))
from cluster import Cluster  # noqa: E402
from common import save, table  # noqa: E402

SENDER = r'''
import sys, time
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
line, frames, rate, size = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
Gst.init(None)
p = Gst.parse_launch("appsrc name=src format=time block=true max-bytes=1000000 caps=video/x-walloc,alignment=frame,parsed=true,width=64,height=64,framerate=30/1 ! " + line)
src = p.get_by_name("src")
p.set_state(Gst.State.PLAYING)
time.sleep(1.5)
body = bytes(range(256)) * (size // 256 + 1)
begin = time.perf_counter()
for i in range(frames):
    if rate:
        wait = begin + i / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
    data = time.time_ns().to_bytes(8, "little") + i.to_bytes(8, "little") + body[:size - 16]
    b = Gst.Buffer.new_wrapped(data)
    b.pts = i * Gst.SECOND // 1000
    src.emit("push-buffer", b)
src.emit("end-of-stream")
m = p.get_bus().timed_pop_filtered(120 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
if m is None or m.type == Gst.MessageType.ERROR:
    print("sender:", m and m.parse_error()[0].message, file=sys.stderr)
    sys.exit(1)
p.set_state(Gst.State.NULL)
'''

RECEIVER = r'''
import json, sys, time
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
line, frames, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
Gst.init(None)
p = Gst.parse_launch(line + " ! fakesink name=sink sync=false async=false")
delays, seen, times = [], set(), []
def on_buffer(pad, info):
    now = time.time_ns()
    b = info.get_buffer()
    data = b.extract_dup(0, 16)
    delays.append(now - int.from_bytes(data[:8], "little"))
    seen.add(int.from_bytes(data[8:16], "little"))
    times.append(now)
    return Gst.PadProbeReturn.OK
p.get_by_name("sink").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, on_buffer)
p.set_state(Gst.State.PLAYING)
print("ready", flush=True)
last, n = time.monotonic(), 0
while len(seen) < frames and time.monotonic() - last < patience:
    time.sleep(0.05)
    if len(seen) > n:
        n, last = len(seen), time.monotonic()
cpu = time.process_time()
p.set_state(Gst.State.NULL)
print(json.dumps({"delays": delays, "seen": len(seen), "seconds": (times[-1] - times[0]) / 1e9 if len(times) > 1 else 0, "cpu": cpu}))
'''


def run_pair(prefix, sender, receiver, frames, rate, size, settle=2.0):
    """One sender and one receiver: delays (ns), frames that came, seconds."""
    r = subprocess.Popen([*prefix, sys.executable, "-c", RECEIVER, receiver,
                          str(frames), "8"], stdout=subprocess.PIPE, text=True)
    r.stdout.readline()
    time.sleep(settle)
    s = subprocess.run([*prefix, sys.executable, "-c", SENDER, sender,
                        str(frames), str(rate), str(size)], check=False,
                       timeout=300)
    out = r.communicate(timeout=300)[0]
    result = json.loads(out)
    result["sent"] = s.returncode == 0
    return result


def ways(urls, tag, size):
    """Name, sink and source of each way."""
    js = f"servers={urls} mode=jetstream stream={tag} subject={tag}.1"
    big = "buffer-size=8000000"
    return [
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


def measure(args, rows):
    for servers in (1, 3):
        with Cluster(servers, namespaces=False) as cluster:
            for size in args.sizes:
                tag = f"S{size}"
                make_stream(cluster, tag, servers)
                for name, sink, source in ways(cluster.urls, tag, size):
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
                        a = run_pair([], sink.replace("PORT", port),
                                     source.replace("PORT", port),
                                     args.frames, args.rate, size)
                        port = str(free_port())
                        b = run_pair([], sink.replace("PORT", port),
                                     source.replace("PORT", port),
                                     args.frames * 4, 0, size)
                        runs.append((a, b))
                    delays = [d for a, _ in runs for d in a["delays"]]
                    rows.append({
                        "way": label, "bytes": size,
                        "median-ms": statistics.median(delays) / 1e6,
                        "p99-ms": percentile(delays, 0.99) / 1e6,
                        "lost-at-rate": 1 - sum(a["seen"] for a, _ in runs) /
                        (args.frames * len(runs)),
                        "messages-per-s": statistics.median(
                            b["seen"] / b["seconds"] if b["seconds"] else 0
                            for _, b in runs),
                        "MB-per-s": statistics.median(
                            b["seen"] * size / b["seconds"] / 1e6
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
    measure(args, pairs)
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

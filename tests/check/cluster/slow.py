# SPDX-License-Identifier: LGPL-2.1-or-later
"""Consumers that are too slow, and others beside them that are not."""
import json
import os
import subprocess
import sys

from clients import (HERE, QUICK, Pipeline, camera, finish, make_streams,
                     require, wait_for)
from cluster import Cluster

# what waits for a client before a server closes its connection, bytes
PENDING = 4 * 1024 * 1024
SIZE = 50000


class Lockstep:
    """A sink at one server and a receiver at another that keeps up with it."""

    def __init__(self, cluster, sink, receiver):
        self.process = cluster.run(
            sys.executable, os.path.join(HERE, "lockstep.py"),
            cluster.url(sink), cluster.url(receiver), str(SIZE),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.says = {}
        self.push(0)

    def push(self, n):
        """So many more frames, each received before the one after the next."""
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        require(line, "lockstep.py ended")
        self.says = json.loads(line)
        require(not self.says["error"], self.says["error"])

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def test_slow_core(args):
    """One receiver stands still until its server drops it, one takes a frame a
    minute; the sink and a third one see nothing of that."""
    def slow_consumers():
        return (cluster.get(2, "/varz") or {}).get("slow_consumers", 0)

    with Cluster(3, args.namespaces, f"max_pending: {PENDING}",
                 advertise=False) as cluster:
        frozen, late = (Pipeline(
            cluster, f"natssrc name=src subject=cam.1 {QUICK} "
            f"servers={cluster.url(i)} {more} ! fakesink sync=false")
            for i, more in ((2, ""), (1, "slow-policy=block "
                                      "max-pending-messages=4 ! identity "
                                      "sleep-time=60000000")))
        for p in frozen, late:
            p.wait(lambda p: p.stat("src", "subscribed"), "subscribe")
        both = Lockstep(cluster, 0, 1)
        # servers tell each other of subscriptions in their own time
        wait_for(lambda: both.push(1) or (
            frozen.stat("src", "pushed") and late.stat("src", "received")),
            "what is published comes")
        begin = both.says["pushed"]
        frozen.freeze()
        rounds = 0
        while not slow_consumers():
            both.push(40)
            rounds += 1
            require(rounds < 200, "the server keeps a client that takes "
                    f"nothing of {both.says}")
        require(frozen.stat("src", "reconnects") == 0, "it runs")
        frozen.thaw()
        frozen.wait(lambda p: "reconnected" in p.says["statuses"],
                    "the dropped receiver comes back")
        before = frozen.stat("src", "pushed")
        wait_for(lambda: both.push(1) or
                 frozen.stat("src", "pushed") > before,
                 "it receives again")
        wait_for(lambda: both.push(40) or late.stat("src", "dropped"),
                 "the late one's frames are dropped")
        late.wait(lambda p: p.says["warnings"], "a warning of the late one")
        total = both.says["pushed"]
        # whatever it still has to read
        frozen.wait(lambda p: p.stat("src", "pushed") +
                    p.stat("src", "missing") + p.stat("src", "dropped") >=
                    total - begin, "all are received or known to be missing")
        both.end()
        for p in frozen, late:
            p.kill()
    says = both.says
    require(says["received"] == total and says["missing"] == 0 and
            says["dropped"] == 0 and says["lost"] == 0,
            f"the others were hurt: {says}")
    require(not says["warnings"], f"{says['warnings']}")
    stats = frozen.says["src"]
    require(stats["missing"] > 0, f"nothing is known to be missing: {stats}")
    require(stats["pushed"] + stats["missing"] <= total, f"{stats} of {total}")
    require(any("was lost" in w for w in frozen.says["warnings"]),
            f"{frozen.says['warnings']}")
    require(any("faster" in w for w in late.says["warnings"]),
            f"{late.says['warnings']}")
    print(f"# {total} frames of {SIZE} bytes: all received by the fast one; "
          f"{stats['missing']} known to be missing by the one that was "
          f"dropped; {late.says['src']['dropped']} dropped by the late one")


def test_slow_jetstream(args):
    """Two slow workers hold few frames and lose none; a fast one beside them is
    not held up, nor is the sink."""
    frames = args.frames // 2
    with Cluster(3, args.namespaces) as cluster:
        make_streams(cluster, 3)
        line = f"natssrc name=src servers={cluster.urls} mode=jetstream " \
            f"stream=FRAMES subject=frames.* deliver=all {QUICK} "
        slow = [Pipeline(cluster, line + "durable=slow prefetch=4 "
                         "max-ack-pending=6 ! identity sleep-time=10000 ! "
                         "fakesink sync=false") for _ in range(2)]
        fast = Pipeline(cluster, line + "durable=fast ! fakesink sync=false")
        for p in (*slow, fast):
            p.wait(lambda p: p.stat("src", "subscribed"), "subscribe")
        finish(camera(cluster, "a", frames, 1000), 120, "the camera")
        fast.wait(lambda p: p.stat("src", "acknowledged") == frames,
                  "the fast one has all")
        # the slow ones are not done, and hold no more than they may
        pending, left = [], True
        while left:
            for p in slow:
                require(not p.says.get("error"), f"{p.says}")
            info = cluster.consumer("FRAMES", "slow")
            if info:
                pending.append(info["num_ack_pending"])
            left = sum(p.stat("src", "acknowledged") for p in slow) < frames
        for p in (*slow, fast):
            p.stop()
    stats = [p.says["src"] for p in slow]
    require(sum(s["acknowledged"] for s in stats) == frames and
            sum(s["pushed"] for s in stats) == frames, f"{stats}")
    require(sum(s["redelivered"] + s["duplicates"] + s["dropped"]
                for s in stats) == 0, f"{stats}")
    require(pending and max(pending) <= 6, f"{pending}")
    require(fast.says["src"]["redelivered"] == 0, f"{fast.says}")
    print(f"# {frames} frames; the slow ones took "
          f"{[s['pushed'] for s in stats]} and held {max(pending)} at most")

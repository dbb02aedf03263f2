# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers, workers, cables and disks fail while cameras publish and workers
answer."""
import os
import re
import shutil
import subprocess
import tempfile
import time

from clients import (QUICK, camera, collect, finish, make_streams,
                     require, worker)
from cluster import Cluster


def disturb(cluster, workers, rounds):
    """Kills and cuts, one after the other, while all run."""
    for _ in range(rounds):
        _, leader = cluster.stream("FRAMES")
        leader = 0 if leader is None else leader
        follower = (leader + 1) % cluster.count
        print(f"# kill -9 of the leader, n{leader}")
        cluster.kill(leader)
        time.sleep(2)
        cluster.start(leader)
        cluster.wait_ready()
        print("# kill -9 of a worker")
        workers[0].kill()
        workers[0].communicate()
        workers[0] = worker(cluster)
        time.sleep(1)
        print(f"# kill -9 of a follower, n{follower}")
        cluster.kill(follower)
        time.sleep(1)
        cluster.start(follower)
        cluster.wait_ready()
        if cluster.namespaces:
            _, leader = cluster.stream("FRAMES")
            leader = 0 if leader is None else leader
            print(f"# cable of n{leader} out and in again")
            cluster.cable(leader, False)
            time.sleep(3)
            cluster.cable(leader, True)
            cluster.wait_ready()


def test_survives(args):
    """Two cameras, three workers, one stream of answers."""
    frames = args.frames
    with Cluster(3, args.namespaces) as cluster:
        make_streams(cluster, 3)
        workers = [worker(cluster) for _ in range(3)]
        cameras = {n: camera(cluster, n, frames, 60) for n in ("a", "b")}
        time.sleep(1)
        disturb(cluster, workers, 5 if args.long else 1)
        for name, process in cameras.items():
            finish(process, 120, f"camera {name}")
        # cameras have ended: all their frames were acknowledged
        stored = collect(cluster, "FRAMES", "frames.*", 2 * frames, 20)
        answers = collect(cluster, "ANSWERS", "answers.*", 2 * frames, 20)
        for process in workers:
            process.kill()
            process.communicate()
    expected = {f"{n}.{i}" for n in ("a", "b") for i in range(frames)}
    require(not stored["error"] and not answers["error"],
            f"{stored['error']} {answers['error']}")
    lost = expected - set(stored["seen"])
    require(not lost, f"{len(lost)} acknowledged frames are not stored: "
            f"{sorted(lost)[:5]}")
    lost = expected - set(answers["seen"])
    require(not lost, f"{len(lost)} frames are not answered: "
            f"{sorted(lost)[:5]}")
    require(set(answers["seen"]) == expected, "answers of frames that no "
            "camera published")
    # answers are published under their frame's identity: the stream stores
    # those of a frame that two workers answered once
    twice = [k for k, n in {**stored["seen"], **answers["seen"]}.items()
             if n > 1]
    require(not twice, f"stored twice: {twice[:5]}")
    print(f"# {len(expected)} frames in, {len(answers['seen'])} answered")


def test_balanced(args):
    """Four cameras, three workers that nobody disturbs: all get work, each
    frame goes to one."""
    frames, count = args.frames // 4, 4
    with Cluster(1, args.namespaces) as cluster:
        make_streams(cluster, 1)
        workers = [worker(cluster) for _ in range(3)]
        time.sleep(1)
        cameras = [camera(cluster, f"c{i}", frames, 100)
                   for i in range(count)]
        for process in cameras:
            finish(process, 120, "a camera")
        answers = collect(cluster, "ANSWERS", "answers.*", count * frames, 20)
        info = cluster.get(0, "/connz?subs=0") or {}
        # acknowledgements and answers of each worker
        sent = sorted(c["in_msgs"] for c in info.get("connections", [])
                      if c["in_msgs"] > 0)
        for process in workers:
            process.kill()
            process.communicate()
    require(len(answers["seen"]) == count * frames, f"{len(answers['seen'])} "
            f"of {count * frames} frames are answered")
    # a worker that did nothing would have sent only its requests
    require(len(sent) >= 6, f"connections: {sent}")
    busy = sent[-3:]
    require(busy[0] * 4 > busy[-1], f"not balanced: {sent}")


def test_full_disk(args):
    """The disk fills up: an error says so, and what was acknowledged is there
    when there is room again."""
    room = tempfile.mkdtemp(prefix="nats-disk-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs",
                       room], capture_output=True, check=False).returncode:
        os.rmdir(room)
        return "no tmpfs can be mounted"
    try:
        with Cluster(1, args.namespaces) as cluster:
            cluster.kill(0)
            shutil.rmtree(os.path.join(cluster.dir, "js0"), True)
            os.symlink(room, os.path.join(cluster.dir, "js0"))
            cluster.start(0)
            cluster.wait_ready()
            make_streams(cluster, 1)
            p = cluster.run(
                "gst-launch-1.0", "-m", *(
                    "videotestsrc num-buffers=2000 ! video/x-raw,format="
                    "GRAY8,width=160,height=120 ! natssink mode=jetstream "
                    f"servers={cluster.urls} stream=FRAMES subject=frames.a "
                    "source=a send-eos=false max-pending-messages=8 "
                    f"publish-ack-timeout=3000000000 {QUICK}").split(),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            out = p.communicate(timeout=120)[0]
            require(p.returncode != 0, "2000 frames of 19200 bytes went onto "
                    "a disk of 12 MiB")
            require(re.search(r"disk is full|limit|No stream|JetStream", out),
                    f"the error does not say why: {out[-600:]}")
            subprocess.run(["mount", "-o", "remount,size=64m", room],
                           check=True)
            cluster.kill(0)
            cluster.start(0)
            cluster.wait_ready()
            state, _ = cluster.stream("FRAMES")
            stored = collect(cluster, "FRAMES", "frames.*", 10 ** 9, 3)
            numbers = sorted(int(k.split(".")[1]) for k in stored["seen"])
        require(len(numbers) > 100, f"{len(numbers)} frames are stored")
        # eight may have been on their way; all before were acknowledged
        gaps = [i for i in range(len(numbers)) if numbers[i] != i]
        require(not gaps or len(numbers) - gaps[0] <= 8,
                f"frame {gaps[:1]} was acknowledged and is not stored "
                f"({len(numbers)} are, {state})")
    finally:
        subprocess.run(["umount", room], check=False)
        os.rmdir(room)
    return None

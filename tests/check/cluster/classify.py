# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers that classify compressed frames of several cameras: one is killed, one
stands still until others have done its work, and then does it again."""
import subprocess

from clients import (QUICK, Pipeline, collect, make_streams, require,
                     wait_for)
from cluster import Cluster

CAMERAS = {"a": "wavy", "b": "sweep", "c": "hsweep"}
MODEL = "waste-1"


def line_of_camera(name, frames):
    # what differs from frame to frame, the same in each run
    return f"videotestsrc pattern=ball motion={CAMERAS[name]} " \
        f"animation-mode=frames num-buffers={frames} ! video/x-raw," \
        "format=I420,width=256,height=256,framerate=30/1 ! wallocenc"


def stream_sink(cluster, stream, subject):
    return f"natssink name=sink servers={cluster.urls} mode=jetstream " \
        f"stream={stream} subject={subject} send-eos=false " \
        f"publish-ack-timeout=60000000000 {QUICK}"


def worker(cluster):
    """The sleep stands for a slower network, so that frames wait."""
    return Pipeline(
        cluster, f"natssrc name=src servers={cluster.urls} mode=jetstream "
        "stream=FRAMES subject=frames.* durable=workers deliver=all "
        f"prefetch=4 ack-wait=3000000000 {QUICK} ! compressedclassify "
        f"model-file={MODEL} ! identity sleep-time=50000 ! "
        f"{stream_sink(cluster, 'ANSWERS', 'answers.all')} payload=results "
        "wait-ack=true")


def expected_answers(cluster, frames):
    """What one classifier says that nothing happens to, by identity."""
    for name in CAMERAS:
        Pipeline(cluster, f"{line_of_camera(name, frames)} ! "
                 f"compressedclassify model-file={MODEL} ! "
                 f"{stream_sink(cluster, 'ANSWERS', 'answers.expected')} "
                 f"payload=results source={name}").finish(120, "a classifier")
    n = len(CAMERAS) * frames
    return collect(cluster, "ANSWERS", "answers.expected", n, 20)["labels"]


def disturb(workers, total):
    """Kills the first and freezes the second when all are at work."""
    for p in workers:
        p.wait(lambda p: p.stat("sink", "acknowledged") >= 3, "answers")
    workers[0].kill()
    workers[1].freeze()
    done = [p.stat("sink", "acknowledged") for p in workers]
    require(sum(done) < total - 8, f"all was done before the kill: {done}")
    return done


def test_classify(args):
    """Each frame is answered once, with what is in it."""
    if subprocess.run(["gst-inspect-1.0", "compressedclassify"],
                      capture_output=True, check=False).returncode:
        return "no compressedclassify"
    frames = 400 if args.long else 40
    total = len(CAMERAS) * frames

    def answered():
        state, _ = cluster.stream("ANSWERS")
        return state and state["messages"] >= 2 * total

    with Cluster(3, args.namespaces) as cluster:
        make_streams(cluster, 3)
        expected = expected_answers(cluster, frames)
        workers = [worker(cluster) for _ in range(3)]
        for p in workers:
            p.wait(lambda p: p.stat("src", "subscribed"), "subscribe")
        cameras = [Pipeline(
            cluster, f"{line_of_camera(n, frames)} ! "
            f"{stream_sink(cluster, 'FRAMES', f'frames.{n}')} source={n}")
            for n in CAMERAS]
        done = disturb(workers, total)
        workers.append(worker(cluster))
        for p in cameras:
            p.finish(120, "a camera")
        wait_for(answered, "all frames are answered", 300)
        # it answers what it held, which others have answered
        workers[1].thaw()
        workers[1].wait(lambda p: p.stat("sink", "duplicates") > 0,
                        "duplicates are known again")
        for p in workers[1:]:
            p.wait(lambda p: p.stat("src", "acknowledged") >=
                   p.stat("src", "pushed"), "all is acknowledged")
        answers = collect(cluster, "ANSWERS", "answers.all", total, 20)
        state, _ = cluster.stream("ANSWERS")
        for p in workers[1:]:
            p.stop()
    require(state["messages"] == 2 * total, f"{state['messages']} answers, "
            f"{total} frames: duplicates are stored")
    labels = answers["labels"]
    require(set(labels) == {f"{n}.{i}" for n in CAMERAS
                            for i in range(frames)},
            f"{len(labels)} of {total} are answered")
    wrong = [k for k, v in labels.items() if v != expected[k]]
    require(not wrong, f"answers of other frames: {wrong[:5]}, "
            f"{[(labels[k], expected[k]) for k in wrong[:2]]}")
    require(len({str(v) for v in labels.values()}) > total // 2,
            "answers do not differ: they cannot tell frames apart")
    redelivered = sum(p.stat("src", "redelivered") for p in workers)
    require(redelivered > 0, "nobody was killed while it worked")
    shares = [p.stat("sink", "acknowledged") for p in workers]
    print(f"# {total} frames of {len(CAMERAS)} cameras; answers by the killed, "
          f"the frozen, the third, a fresh worker: {shares}; when the first "
          f"was killed {done}; delivered again {redelivered}; known again "
          f"{sum(p.stat('sink', 'duplicates') for p in workers)}")
    return None

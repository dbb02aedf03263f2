# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sink's connection breaks in the middle of messages, while its server and the
sink live on."""
import os
import subprocess
import sys

from clients import HERE, QUICK, Pipeline, collect, make_streams, require
from cluster import Cluster

# bytes of a connection: answers are lost from the first on, so that frames
# which the stream has are sent again; at the second it is reset
QUIET, CUT = 60000, 100000


def test_cut(args):
    """Each frame is stored once, whatever was sent twice."""
    frames, cuts = args.frames, 30 if args.long else 5
    # or the sink would go past the cable, to servers that it heard of
    with Cluster(3, args.namespaces, advertise=False) as cluster:
        make_streams(cluster, 3)
        host, port = cluster.ports[0][:2]
        cable = cluster.run(
            sys.executable, os.path.join(HERE, "proxy.py"), host, str(port),
            str(QUIET), str(CUT), str(cuts), stdout=subprocess.PIPE, text=True)
        at = int(cable.stdout.readline())
        sink = Pipeline(
            cluster, f"videotestsrc num-buffers={frames} ! video/x-raw,"
            "format=GRAY8,width=48,height=32 ! natssink name=sink "
            f"servers=nats://127.0.0.1:{at} mode=jetstream stream=FRAMES "
            "subject=frames.a source=a send-eos=false "
            f"publish-ack-timeout=60000000000 {QUICK}")
        sink.finish(240, "the sink behind a cable that breaks")
        stored = collect(cluster, "FRAMES", "frames.*", frames, 20)
        state, _ = cluster.stream("FRAMES")
        cable.kill()
        cable.communicate()
    expected = {f"a.{i}" for i in range(frames)}
    lost = expected - set(stored["seen"])
    require(not lost, f"{len(lost)} acknowledged frames are not stored: "
            f"{sorted(lost)[:5]}")
    require(state["messages"] == frames, f"the stream has {state['messages']} "
            f"messages of {frames} frames")
    stats = sink.says["sink"]
    require(stats["acknowledged"] == frames and stats["lost"] == 0 and
            stats["dropped"] == 0, f"{stats}")
    require(stats["reconnects"] == cuts, f"{stats['reconnects']} reconnects "
            f"after {cuts} cuts")
    require(sink.says["statuses"].count("lost") == cuts,
            f"{sink.says['statuses']}")
    require(stats["duplicates"] > 0, "no frame was sent twice: the answers were "
            "not lost")
    print(f"# {frames} frames over {cuts} cuts: {stats['retried']} sent again, "
          f"{stats['duplicates']} of them known again by the stream")

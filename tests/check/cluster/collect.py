# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads a subject of a stream from its beginning until so many different frames
were seen, or none comes for a while; prints what came as JSON: how often each
frame, and what answers say.

usage: collect.py SERVERS STREAM SUBJECT COUNT PATIENCE-SECONDS"""
import json
import sys
import time

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def main():
    servers, stream, subject = sys.argv[1:4]
    count, patience = int(sys.argv[4]), float(sys.argv[5])
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"natssrc servers={servers} mode=jetstream stream={stream} "
        f"subject={subject} deliver=all prefetch=64 name=src ! "
        "fakesink name=sink sync=false")
    seen, labels, state = {}, {}, {"last": time.monotonic()}

    def on_buffer(pad, info):
        buffer = info.get_buffer()
        s = buffer.get_custom_meta("GstNatsMeta").get_structure()
        key = f"{s.get_string('source')}.{s.get_uint64('sequence')[1]}"
        seen[key] = seen.get(key, 0) + 1
        caps = pad.get_current_caps()
        if caps.get_structure(0).has_name("application/x-walloc-results"):
            data = buffer.extract_dup(0, buffer.get_size())
            labels[key] = [(r["label"], r["confidence"])
                           for r in json.loads(data)["results"]]
        state["last"] = time.monotonic()
        return Gst.PadProbeReturn.OK

    pipeline.get_by_name("sink").get_static_pad("sink").add_probe(
        Gst.PadProbeType.BUFFER, on_buffer)
    pipeline.set_state(Gst.State.PLAYING)
    bus, error = pipeline.get_bus(), None
    while len(seen) < count and not error and \
            time.monotonic() - state["last"] < patience:
        message = bus.timed_pop_filtered(Gst.SECOND // 10,
                                         Gst.MessageType.ERROR)
        if message:
            error = message.parse_error()[0].message
    # what comes twice comes soon
    time.sleep(0.5)
    stats = pipeline.get_by_name("src").get_property("stats").to_string()
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps({"seen": seen, "labels": labels, "error": error,
                      "stats": stats}))


main()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sink and a receiver that keeps up: for each number on stdin so many frames
are published, at most four ahead of the receiver, and counts come as JSON.

usage: lockstep.py SINK-SERVER RECEIVER-SERVER BYTES"""
import json
import sys
import time

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

AHEAD = 4


class Pair:
    """Both, in one process."""

    def __init__(self, sink, receiver, size):
        self.data = bytes(size)
        self.pushed = 0
        self.warnings, self.error = [], None
        self.receiver = Gst.parse_launch(
            f"natssrc name=src servers={receiver} subject=cam.1 ! fakesink "
            "sync=false")
        self.sink = Gst.parse_launch(
            "appsrc name=in format=time caps=application/x-test ! "
            f"natssink name=sink servers={sink} subject=cam.1")
        for p in self.receiver, self.sink:
            p.set_state(Gst.State.PLAYING)
        self.wait(lambda: self.stats("src").get_value("subscribed"))
        # servers tell each other of subscriptions in their own time: what is
        # counted begins with what comes
        while self.stats("src").get_value("pushed") == 0:
            self.put()
            time.sleep(0.05)
        self.wait(lambda: self.stats("sink").get_value("published") ==
                  self.pushed)
        time.sleep(0.5)
        self.before = self.pushed - self.stats("src").get_value("pushed")

    def stats(self, name):
        pipeline = self.receiver if name == "src" else self.sink
        return pipeline.get_by_name(name).get_property("stats")

    def look(self):
        """Takes what is on the buses."""
        for p in self.receiver, self.sink:
            message = p.get_bus().pop_filtered(Gst.MessageType.ERROR |
                                               Gst.MessageType.WARNING)
            if message and message.type == Gst.MessageType.ERROR:
                self.error = message.parse_error()[0].message
            elif message:
                self.warnings.append(message.parse_warning()[0].message)

    def wait(self, condition):
        while not condition() and not self.error:
            self.look()
            time.sleep(0.002)

    def put(self):
        self.sink.get_by_name("in").emit(
            "push-buffer", Gst.Buffer.new_wrapped(self.data))
        self.pushed += 1

    def push(self, n):
        for _ in range(n):
            self.put()
            self.wait(lambda: self.stats("src").get_value("pushed") +
                      self.before + AHEAD > self.pushed)
        self.wait(lambda: self.stats("src").get_value("pushed") + self.before
                  >= self.pushed)

    def counts(self):
        src, sink = self.stats("src"), self.stats("sink")
        return {"pushed": self.pushed - self.before, "received":
                src.get_value("pushed"), "missing": src.get_value("missing"),
                "dropped": src.get_value("dropped") +
                sink.get_value("dropped"), "lost": sink.get_value("lost"),
                "warnings": self.warnings, "error": self.error}


def main():
    Gst.init(None)
    pair = Pair(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    for line in sys.stdin:
        pair.push(int(line))
        pair.look()
        print(json.dumps(pair.counts()), flush=True)
    for p in pair.receiver, pair.sink:
        p.set_state(Gst.State.NULL)


main()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a pipeline like gst-launch-1.0 and prints a line of JSON when anything
changed, at most ten times a second, and one at its end: the stats of elements
that have any, by name, warnings, statuses of connections, an error.

usage: pipeline.py LINE
Ends with EOS, an error or SIGTERM; status 1 after an error."""
import json
import signal
import sys

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def as_dict(structure):
    return {structure.nth_field_name(i):
            structure.get_value(structure.nth_field_name(i))
            for i in range(structure.n_fields())}


def elements_with_stats(pipeline):
    found, each = [], pipeline.iterate_elements()
    while True:
        result, element = each.next()
        if result != Gst.IteratorResult.OK:
            return found
        if element.find_property("stats"):
            found.append(element)


class Report:
    """What is printed."""

    def __init__(self, pipeline):
        self.elements = elements_with_stats(pipeline)
        self.bus = pipeline.get_bus()
        self.end = None
        self.says = {"warnings": [], "statuses": [], "error": None}
        self.printed = None

    def take(self, message):
        """A message of the bus."""
        if message.type == Gst.MessageType.WARNING:
            self.says["warnings"].append(message.parse_warning()[0].message)
        elif message.type == Gst.MessageType.ERROR:
            error, debug = message.parse_error()
            self.says["error"] = f"{error.message} ({debug})"
            self.end = 1
        elif message.type == Gst.MessageType.EOS:
            self.end = 0
        elif message.get_structure() and \
                message.get_structure().has_name("nats-connection"):
            self.says["statuses"].append(
                message.get_structure().get_string("status"))

    def print(self, ended=False):
        """A line if it is another than the last one."""
        line = dict(self.says, ended=ended)
        for element in self.elements:
            line[element.get_name()] = as_dict(element.get_property("stats"))
        if line != self.printed:
            print(json.dumps(line), flush=True)
            self.printed = line

    def stop(self, *_):
        """Of a signal."""
        self.end = 0


def main():
    Gst.init(None)
    pipeline = Gst.parse_launch(sys.argv[1])
    report = Report(pipeline)
    signal.signal(signal.SIGTERM, report.stop)
    pipeline.set_state(Gst.State.PLAYING)
    types = Gst.MessageType.ERROR | Gst.MessageType.WARNING | \
        Gst.MessageType.EOS | Gst.MessageType.ELEMENT
    while report.end is None:
        message = report.bus.timed_pop_filtered(Gst.SECOND // 10, types)
        while message:
            report.take(message)
            message = report.bus.pop_filtered(types)
        report.print()
    report.print(True)
    pipeline.set_state(Gst.State.NULL)
    return report.end


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The text of coded pages, without decoding them.

usage: python3 read.py NETWORK FILE.wlc...

NETWORK: an ONNX file or the name of one that is installed, such as page-1.
Prints the text of every page, pages parted by a form feed. Plugins are found as
gst-launch-1.0 finds them (in the build tree: meson devenv -C build).
"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def pages(network, path):
    """Yield the text of each page of a file: lines in reading order. Raises
    RuntimeError with GStreamer's words."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! wallocparse ! compressedread name=read ! fakesink "
        "read.text ! queue ! appsink name=text sync=false")
    pipeline.get_by_name("file").set_property("location", path)
    pipeline.get_by_name("read").set_property("model-file", network)
    sink = pipeline.get_by_name("text")
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while sample := sink.emit("pull-sample"):
            buffer = sample.get_buffer()
            yield buffer.extract_dup(0, buffer.get_size()).decode()
        message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message:
            error, debug = message.parse_error()
            raise RuntimeError(f"{error.message} ({debug})")
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    Gst.init(None)
    for path in sys.argv[2:]:
        for text in pages(sys.argv[1], path):
            print(text, end="\f\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Colours coded grey pictures, and shows them as PNG files.

usage: python3 colorize.py NETWORK GREY.wlc OUT%03d.png

NETWORK: an ONNX file or the name of one that is installed, such as colour-1.
Chroma is made of the latents of luma; pictures are decoded at the end, as here
somebody looks. Plugins are found as gst-launch-1.0 finds them (in the build
tree: meson devenv -C build).
"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def colour(network, path, pattern):
    """Write the coloured frames of a file as PNG files named by a pattern such
    as "out%03d.png"; return how many. Raises RuntimeError with GStreamer's
    words."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! wallocparse ! compressedcolorize name=colorize "
        "format=Y444 ! wallocdec ! videoconvert ! pngenc ! "
        "multifilesink name=sink post-messages=true")
    pipeline.get_by_name("file").set_property("location", path)
    pipeline.get_by_name("colorize").set_property("model-file", network)
    pipeline.get_by_name("sink").set_property("location", pattern)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    wanted = (Gst.MessageType.ELEMENT | Gst.MessageType.ERROR |
              Gst.MessageType.EOS)
    count = 0
    try:
        while True:
            message = bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)
            if message.type == Gst.MessageType.ERROR:
                error, debug = message.parse_error()
                raise RuntimeError(f"{error.message} ({debug})")
            if message.type == Gst.MessageType.EOS:
                return count
            if message.get_structure().get_name() == "GstMultiFileSink":
                print(message.get_structure().get_value("filename"))
                count += 1
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    Gst.init(None)
    if not colour(*sys.argv[1:]):
        sys.exit(f"{sys.argv[2]}: no frames")


if __name__ == "__main__":
    main()

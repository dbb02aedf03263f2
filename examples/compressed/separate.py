#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stems of a coded recording as WAV files.

usage: python3 separate.py NETWORK SONG.wlc FOLDER [STEM...]

NETWORK: an ONNX file or the name of one that is installed, such as stems-1.
Separation works on the coded stream; only the stems asked for (0, 1 ...; all by
default) are coded again and decoded, to FOLDER/stem_0.wav and so on. Prints
which is which. Plugins are found as gst-launch-1.0 finds them (in the build
tree: meson devenv -C build).
"""
import os
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def separate(network, path, folder, stems=None):
    """Write WAV files; return {file: title of the stem}. Raises RuntimeError
    with GStreamer's words."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! wallocparse ! compressedseparate name=separate")
    pipeline.get_by_name("file").set_property("location", path)
    element = pipeline.get_by_name("separate")
    element.set_property("model-file", network)
    titles = {}

    def add_stem(element, pad):
        if stems and int(pad.get_name().split("_")[1]) not in stems:
            return
        branch = Gst.parse_bin_from_description(
            "queue ! wallocaudiodec ! audioconvert ! wavenc ! "
            "filesink name=sink", True)
        branch.get_by_name("sink").set_property(
            "location", os.path.join(folder, pad.get_name() + ".wav"))
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    element.connect("pad-added", add_stem)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    wanted = Gst.MessageType.TAG | Gst.MessageType.ERROR | Gst.MessageType.EOS
    try:
        while True:
            message = bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)
            if message.type == Gst.MessageType.ERROR:
                error, debug = message.parse_error()
                raise RuntimeError(f"{error.message} ({debug})")
            if message.type == Gst.MessageType.EOS:
                return titles
            ok, title = message.parse_tag().get_string(Gst.TAG_TITLE)
            if ok and message.src.get_name() == "sink":
                titles[message.src.get_property("location")] = title
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    Gst.init(None)
    stems = [int(n) for n in sys.argv[4:]]
    for name, title in sorted(separate(*sys.argv[1:4], stems).items()):
        print(f"{name}: {title}")


if __name__ == "__main__":
    main()

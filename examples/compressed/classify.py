#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What coded pictures or recordings show, without decoding them.

usage: python3 classify.py NETWORK FILE.wlc [TOP]

NETWORK: an ONNX file or the name of one that is installed, such as waste-1 or
digits-1. Prints the TOP (3) most likely classes of every frame or window.
Plugins are found as gst-launch-1.0 finds them (in the build tree: meson devenv
-C build).
"""
import sys
import warnings

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


# arrays of structures have no other way in without python3-gst-1.0
warnings.filterwarnings("ignore", ".*ValueArray.*", DeprecationWarning)


def results(network, path, top=3):
    """Yield (time in seconds, [(label, confidence 0 to 1), ...]) per result,
    the most likely class first. Raises RuntimeError with GStreamer's words."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! wallocparse ! compressedclassify name=classify ! "
        "fakesink")
    pipeline.get_by_name("file").set_property("location", path)
    classify = pipeline.get_by_name("classify")
    classify.set_property("model-file", network)
    classify.set_property("top-k", top)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    wanted = (Gst.MessageType.ELEMENT | Gst.MessageType.ERROR |
              Gst.MessageType.EOS)
    try:
        while True:
            message = bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)
            if message.type == Gst.MessageType.ERROR:
                error, debug = message.parse_error()
                raise RuntimeError(f"{error.message} ({debug})")
            if message.type == Gst.MessageType.EOS:
                return
            told = message.get_structure()
            if told.get_name() != "compressedclassify":
                continue
            ok, classes = told.get_array("classes")
            yield (told.get_value("stream-time") / Gst.SECOND,
                   [(c.get_value("label"), c.get_value("confidence"))
                    for c in (classes.get_nth(i)
                              for i in range(classes.n_values))])
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    Gst.init(None)
    for time, classes in results(sys.argv[1], sys.argv[2],
                                 *map(int, sys.argv[3:])):
        print(f"{time:8.3f} s", *(f" {label} {100 * p:.1f} %"
                                  for label, p in classes))


if __name__ == "__main__":
    main()

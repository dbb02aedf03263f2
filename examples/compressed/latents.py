#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Latents of a coded file as NumPy arrays.

usage: python3 latents.py FILE.wlc [OUT.npy]

Prints shape, mean and standard deviation of the first channels of every frame;
with OUT.npy also keeps them all, as one array [frames, channels, rows, columns]
of floats. Plugins are found as gst-launch-1.0 finds them (in the build tree:
meson devenv -C build).
"""
import sys

import gi
import numpy

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def tensors(path):
    """Yield (time in seconds, array [C, H, W] of float32, meta) per frame.

    Values are integers times steps, in units of a sample of an orthonormal
    transform. Raises RuntimeError with GStreamer's words when something is
    wrong with the file."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! wallocparse ! walloclatents ! "
        "appsink name=sink sync=false max-buffers=4")
    pipeline.get_by_name("file").set_property("location", path)
    sink = pipeline.get_by_name("sink")
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while sample := sink.emit("pull-sample"):
            buffer = sample.get_buffer()
            sizes = sample.get_caps().get_structure(0).get_string(
                "dimensions").split(":")
            shape = [int(n) for n in reversed(sizes)]
            ok, view = buffer.map(Gst.MapFlags.READ)
            array = numpy.frombuffer(view.data, numpy.float32).copy()
            buffer.unmap(view)
            meta = buffer.get_custom_meta("GstWallocLatentsMeta")
            yield buffer.pts / Gst.SECOND, array.reshape(shape)[0], meta
        message = bus.pop_filtered(Gst.MessageType.ERROR)
        if message:
            error, debug = message.parse_error()
            raise RuntimeError(f"{error.message} ({debug})")
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    Gst.init(None)
    kept = []
    for time, array, meta in tensors(sys.argv[1]):
        told = meta.get_structure()
        print(f"{time:8.3f} s  {told.get_value('width')}x{told.get_value('height')} "
              f"{told.get_value('format')}  {array.shape}  first channels: " +
              " ".join(f"{c.mean():.1f}+-{c.std():.1f}" for c in array[:3]))
        kept.append(array)
    if not kept:
        sys.exit(f"{sys.argv[1]}: no frames")
    if len(sys.argv) == 3:
        numpy.save(sys.argv[2], numpy.stack(kept))


if __name__ == "__main__":
    main()

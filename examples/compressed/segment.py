#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Masks of coded pictures as NumPy arrays, without decoding them.

usage: python3 segment.py NETWORK FILE.wlc [OUT.npy]

NETWORK: an ONNX file or the name of one that is installed, such as road-1.
Prints the size of every mask and the share of its classes (by number); with
OUT.npy also keeps them all, [frames, rows, columns] of bytes. Plugins are found
as gst-launch-1.0 finds them (in the build tree: meson devenv -C build).
"""
import sys

import gi
import numpy

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo  # noqa: E402


def masks(network, path, full=False):
    """Yield (time in seconds, array [rows, columns] of uint8 class numbers) per
    frame; one element for each position of latents, with full for each pixel.
    Raises RuntimeError with GStreamer's words."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! wallocparse ! compressedsegment name=segment ! "
        "fakesink segment.mask ! queue ! appsink name=masks sync=false")
    pipeline.get_by_name("file").set_property("location", path)
    segment = pipeline.get_by_name("segment")
    segment.set_property("model-file", network)
    segment.set_property("mask-size", "full" if full else "latent")
    sink = pipeline.get_by_name("masks")
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while sample := sink.emit("pull-sample"):
            info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
            buffer = sample.get_buffer()
            ok, view = buffer.map(Gst.MapFlags.READ)
            rows = numpy.frombuffer(view.data, numpy.uint8).copy()
            buffer.unmap(view)
            # rows may be padded
            rows = rows.reshape(info.height, -1)[:, :info.width]
            yield buffer.pts / Gst.SECOND, rows
        message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message:
            error, debug = message.parse_error()
            raise RuntimeError(f"{error.message} ({debug})")
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    Gst.init(None)
    kept = []
    for time, mask in masks(sys.argv[1], sys.argv[2]):
        shares = numpy.bincount(mask.ravel()) / mask.size
        print(f"{time:8.3f} s  {mask.shape[1]}x{mask.shape[0]} ",
              *(f"{k}: {100 * s:.1f} %" for k, s in enumerate(shares) if s))
        kept.append(mask)
    if len(sys.argv) == 4 and kept:
        numpy.save(sys.argv[3], numpy.stack(kept))


if __name__ == "__main__":
    main()

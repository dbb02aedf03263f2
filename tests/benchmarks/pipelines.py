# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures and coded frames through GStreamer elements, from Python. Call
setup () before anything else."""
import os
import sys

import common

GST_BUFFER_FLAG_CORRUPTED = 1 << 8
GST_BUFFER_FLAG_DELTA_UNIT = 1 << 13
Gst = None


def setup(build):
    """Loads GStreamer so that it sees the plugins of a build folder."""
    global Gst
    env = common.devenv(build)
    for key in ("GST_PLUGIN_PATH", "GST_REGISTRY", "GST_WALLOC_MODEL_PATH"):
        os.environ[key] = env[key]
    try:
        import gi
        gi.require_version("Gst", "1.0")
        gi.require_version("GstApp", "1.0")
        from gi.repository import Gst as gst, GstApp  # noqa: F401
    except (ImportError, ValueError):
        sys.exit("python3-gi, gir1.2-gstreamer-1.0 or"
                 " gir1.2-gst-plugins-base-1.0 is missing"
                 " (scripts/install-deps.sh bench)")
    Gst = gst
    Gst.init(None)
    if not Gst.ElementFactory.find("wallocenc"):
        sys.exit(f"no element wallocenc in {build}: build first")


def have(*elements):
    return all(Gst.ElementFactory.find(e) for e in elements)


class Unit:
    """One buffer: a picture or a coded frame."""

    def __init__(self, data, frame, delta=False, corrupted=False):
        self.data, self.frame = data, frame
        self.delta, self.corrupted = delta, corrupted


class Line:
    """A launch line between appsrc and appsink. The element named codec is
    at hand as .codec."""

    def __init__(self, line, caps, fps):
        self.fps = fps
        self.pipeline = Gst.parse_launch(
            f"appsrc name=source format=time max-bytes=0 ! {line}"
            " ! appsink name=sink sync=false")
        self.source = self.pipeline.get_by_name("source")
        self.sink = self.pipeline.get_by_name("sink")
        self.codec = self.pipeline.get_by_name("codec")
        self.source.set_property("caps", Gst.Caps.from_string(caps))
        self.caps = None
        self.pipeline.set_state(Gst.State.PLAYING)

    def push(self, unit):
        buffer = Gst.Buffer.new_wrapped(unit.data)
        buffer.pts = unit.frame * Gst.SECOND // self.fps
        buffer.duration = Gst.SECOND // self.fps
        if unit.delta:
            buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
        if unit.corrupted:
            buffer.set_flags(Gst.BufferFlags.CORRUPTED)
        self.source.emit("push-buffer", buffer)

    def pull(self, seconds=120):
        """The next Unit, or None at the end."""
        sample = self.sink.emit("try-pull-sample", int(seconds * Gst.SECOND))
        self.check()
        if sample is None:
            if not self.sink.get_property("eos"):
                raise RuntimeError(f"nothing came in {seconds} s")
            return None
        buffer = sample.get_buffer()
        self.caps = sample.get_caps().to_string()
        flags = int(buffer.get_flags())
        # x264enc moves all time stamps and says so in the segment
        when = sample.get_segment().to_running_time(Gst.Format.TIME,
                                                    buffer.pts)
        return Unit(buffer.extract_dup(0, buffer.get_size()),
                    round(when * self.fps / Gst.SECOND),
                    bool(flags & GST_BUFFER_FLAG_DELTA_UNIT),
                    bool(flags & GST_BUFFER_FLAG_CORRUPTED))

    def check(self):
        message = self.pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message:
            error, debug = message.parse_error()
            raise RuntimeError(f"{error.message} ({debug})")

    def end(self):
        self.source.emit("end-of-stream")

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)


def run(line, caps, units, fps):
    """All units through a line: (units that came out, their caps)."""
    running = Line(line, caps, fps)
    try:
        for unit in units:
            running.push(unit)
        running.end()
        out = []
        while True:
            unit = running.pull()
            if unit is None:
                break
            out.append(unit)
        return out, running.caps
    finally:
        running.close()


def pictures(sequence):
    return [Unit(data, k) for k, data in enumerate(sequence.frames)]
